/* The filter protocol: packets, and the client against a socket of ours. */
#include "net/milter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES(lit) span_make(lit, sizeof(lit) - 1)

static struct err err;

/* -- packets -- */

static bool decodes(struct span packet, struct milter_reply *r)
{
	memset(&err, 0, sizeof(err));
	return milter_decode(packet, r, &err) == 0;
}

static void assert_span(struct span s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.n ? s.p : "", want, s.n);
}

static void test_words(void **state)
{
	struct milter_reply r;

	(void)state;
	assert_true(decodes(BYTES("c"), &r));
	assert_int_equal(r.word, MILTER_IS_CONTINUE);
	assert_false(decodes(BYTES(""), &r));
	assert_true(decodes(BYTES("hName\0value\0"), &r));
	assert_span(r.name, "Name");
	assert_span(r.value, "value");
	assert_true(decodes(BYTES("m\0\0\1\2A\0\0"), &r));
	assert_int_equal(r.index, 258);
	assert_span(r.value, "");
	assert_true(decodes(BYTES("2<a@b>\0NOTIFY=NEVER\0"), &r));
	assert_span(r.name, "<a@b>");
	assert_span(r.value, "NOTIFY=NEVER");
	assert_true(decodes(BYTES("b\0\1"), &r));
	assert_int_equal(r.name.n, 2);
}

static void test_broken(void **state)
{
	static const struct span broken[] = {
		{ "h", 1 }, { "hA", 2 }, { "hA\0b", 4 }, { "h\0b\0", 4 },
		{ "hA b\0c\0", 7 }, { "hA:\0c\0", 6 }, { "m\0\0\1A\0b\0", 8 },
		{ "i\0\0\0", 4 }, { "+a@b", 4 }, { "e<a>\0x", 6 }, { "q", 1 },
		{ "y550", 4 }, { "y\0", 2 }, { "y250 x\0", 7 }, { "y55\0", 4 },
		{ "y600 x\0", 7 }, { "y5500 x\0", 8 }
	};
	struct milter_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		if (decodes(broken[i], &r))
			fail_msg("%zu is taken", i);
		assert_int_equal(err.kind, ERR_PROTO);
	}
}

static void test_replies(void **state)
{
	static const struct {
		const char *in;
		int code;
		const char *enhanced, *text;
	} rows[] = {
		{ "550 5.7.1 no", 550, "5.7.1", "no" },
		{ "451 4.7.123 no", 451, "4.7.123", "no" },
		{ "550 4.7.1 no", 550, "5.7.1", "4.7.1 no" },
		{ "550 5.7 no", 550, "5.7.1", "5.7 no" },
		{ "550 5.7.1.2 no", 550, "5.7.1", "5.7.1.2 no" },
		{ "421", 421, "4.7.1", "" }, { "421 ", 421, "4.7.1", "" },
		{ "550 100%% %s", 550, "5.7.1", "100% %s" },
		{ "550-5.1.1 a\r\n550 5.1.1 b", 550, "5.1.1", "a\nb" },
		{ "550 a\n550 b\r550 c", 550, "5.7.1", "a\nb\nc" },
		{ "550 \x7f\x1b\xff", 550, "5.7.1", "???" },
	};
	struct milter_reply r;
	char packet[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(packet, sizeof(packet), "y%s", rows[i].in);
		assert_true(decodes(span_make(packet, strlen(packet) + 1), &r));
		assert_int_equal(r.code, rows[i].code);
		assert_string_equal(r.enhanced, rows[i].enhanced);
		assert_string_equal(r.text, rows[i].text);
	}
}

static void test_long_reply(void **state)
{
	struct milter_reply r;
	struct str packet;

	(void)state;
	str_init(&packet, 70000);
	str_addc(&packet, 'y');
	for (int i = 0; i < 2500; i++)
		str_adds(&packet, "550-five hundred times\r\n");
	str_adds(&packet, "550 end");
	str_addc(&packet, '\0');
	assert_true(decodes(str_span(&packet), &r));
	assert_in_range(strlen(r.text), 400, sizeof(r.text) - 1);
	str_free(&packet);
}

static void test_options(void **state)
{
	struct milter_options o;
	struct str out;

	(void)state;
	str_init(&out, 100);
	milter_encode_options(&out);
	assert_int_equal(out.n, 17);
	assert_memory_equal(out.p, "\0\0\0\x0dO\0\0\0\6\0\0\1\xff", 13);
	str_free(&out);
	assert_int_equal(milter_decode_options(BYTES("O\0\0\0\6\0\0\0\1\0\0\0\x50"
				"\0\0\0\5i j\0"), &o, &err), 0);
	assert_span(o.macros[MILTER_END], "i j");
	assert_null(o.macros[MILTER_CONNECT].p);
	assert_false(milter_is_told(&o, MILTER_BODY));
	assert_false(milter_is_told(&o, MILTER_EOH));
	assert_true(milter_is_told(&o, MILTER_DATA));
	assert_true(milter_is_answered(&o, MILTER_HEADER));
	o.version = 3;
	assert_false(milter_is_told(&o, MILTER_DATA));
	assert_int_equal(milter_decode_options(BYTES("O\0\0\0\1\0\0\0\0\0\0\0\0"),
				&o, &err), -1);
	assert_int_equal(milter_decode_options(BYTES("O\0\0\0\6\0\0\0\0\0\0\0"),
				&o, &err), -1);
	assert_int_equal(milter_decode_options(BYTES("c"), &o, &err), -1);
}

static bool due(uint32_t actions, uint32_t steps, enum milter_stage stage,
		char word)
{
	struct milter_options o = { 6, actions, steps, { { NULL, 0 } } };
	bool change;

	return milter_is_due(&o, stage, word, &change);
}

static void test_due(void **state)
{
	(void)state;
	assert_true(due(0, 0, MILTER_MAIL, 'c'));
	assert_false(due(0, 0, MILTER_MAIL, 'Z'));
	assert_false(due(0, 0, MILTER_BODY, 's'));
	assert_true(due(0, MILTER_MAY_SKIP, MILTER_BODY, 's'));
	assert_false(due(0, MILTER_MAY_SKIP, MILTER_END, 's'));
	assert_false(due(0, 0, MILTER_END, 'h'));
	assert_true(due(MILTER_ADD_HEADERS, 0, MILTER_END, 'h'));
	assert_false(due(MILTER_ADD_HEADERS, 0, MILTER_BODY, 'h'));
	assert_false(due(0, 0, MILTER_HELO, 'd'));
}

static void field(const char *value, bool space, const char *want)
{
	struct str out;

	str_init(&out, 1000);
	milter_put_field(&out, SPAN("N"), span_of(value), space);
	assert_string_equal(str_c(&out), want);
	str_free(&out);
}

static void test_fields(void **state)
{
	(void)state;
	field("v", true, "N: v\r\n");
	field(" v", false, "N: v\r\n");
	field("", true, "N: \r\n");
	field("a\n b\r\n\tc\n", true, "N: a\r\n b\r\n\tc\r\n");
	field("a\nB: c", true, "N: a\r\n\tB: c\r\n");
	field("a\n\n\nb", true, "N: a\r\n\tb\r\n");
	field("a\n \n\t\nb\r", true, "N: a\r\n\tb\r\n");
	field("\n a", true, "N:\r\n a\r\n");
}

/* -- the client -- */

static struct loop *loop;
static struct milter *milter;
static int door, peer;
static struct str told;			/* a letter for each event */
static char why[256];
static bool close_at_once;

static void on_event(struct milter *m, enum milter_event event,
		const struct milter_reply *r, void *arg)
{
	assert_ptr_equal(arg, &told);
	str_addc(&told, "OCARF"[event]);
	if (r)
		str_addc(&told, r->word);
	if (event == MILTER_FAILED)
		str_copys(why, sizeof(why), milter_error(m));
	if (close_at_once || event == MILTER_FAILED) {
		milter_close(m);
		milter = NULL;
	}
}

static int set_up(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t n = sizeof(in);

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	loop = loop_new(NULL);
	door = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(door, (struct sockaddr *)&in, sizeof(in)) || listen(door, 1) ||
			getsockname(door, (struct sockaddr *)&in, &n))
		return -1;
	str_init(&told, 10000);
	why[0] = '\0';
	close_at_once = false;
	milter = milter_new(loop, (struct sockaddr *)&in, n, 1000, on_event,
			&told, &err);
	peer = accept(door, NULL, NULL);
	return milter && peer >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	milter_close(milter);
	milter = NULL;
	if (peer >= 0)
		close(peer);
	close(door);
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 1);
	loop_free(loop);
	str_free(&told);
	return 0;
}

static void turns(int n)
{
	while (n--)
		loop_turn(loop, 10);
}

/* Octet by octet, as networks may. */
static void say(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		assert_int_equal(write(peer, s.p + i, 1), 1);
		loop_turn(loop, 10);
	}
	turns(3);
}

static void hear(struct span want)
{
	char room[1000];
	size_t n = 0;

	assert_in_range(want.n, 1, sizeof(room));
	turns(3);
	while (n < want.n) {
		ssize_t r = read(peer, room + n, want.n - n);

		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_memory_equal(room, want.p, want.n);
}

static void negotiate(struct span options)
{
	hear(BYTES("\0\0\0\x0dO\0\0\0\6\0\0\1\xff\0\x1f\xf7\xff"));
	say(options);
	assert_string_equal(str_c(&told), "O");
	str_clear(&told);
}

static void put_value(void *arg, struct span name, struct str *out)
{
	assert_null(arg);
	if (span_eq(name, SPAN("j")))
		str_adds(out, "host");
}

static void test_commands(void **state)
{
	(void)state;
	negotiate(BYTES("\0\0\0\x0dO\0\0\0\6\0\0\0\1\0\0\x20\x08"));
	assert_true(milter_ready(milter));
	assert_false(milter_wants(milter, MILTER_RCPT));
	milter_macros(milter, MILTER_CONNECT, put_value, NULL);
	assert_true(milter_send(milter, MILTER_CONNECT, SPAN("x")));
	assert_false(milter_ready(milter));
	hear(BYTES("\0\0\0\x09" "DCj\0host\0" "\0\0\0\2Cx"));
	say(BYTES("\0\0\0\1p\0\0\0\1c"));
	assert_string_equal(str_c(&told), "Ac");
	/* NR_HELO */
	assert_false(milter_send(milter, MILTER_HELO, SPAN("h")));
	assert_true(milter_ready(milter));
	milter_body(milter, 3);
	assert_false(milter_piece(milter, SPAN("ab")));
	assert_true(milter_piece(milter, SPAN("c")));
	hear(BYTES("\0\0\0\2Hh\0\0\0\4Babc"));
	say(BYTES("\0\0\0\1c"));
	assert_true(milter_send(milter, MILTER_END, SPAN("")));
	say(BYTES("\0\0\0\5hA\0b\0\0\0\0\1a"));
	assert_string_equal(str_c(&told), "AcAcChAa");
	milter_abort(milter);
	milter_close(milter);
	milter = NULL;
	hear(BYTES("\0\0\0\1E\0\0\0\1A\0\0\0\1Q"));
}

static void test_closing_inside(void **state)
{
	(void)state;
	close_at_once = true;
	turns(3);
	assert_int_equal(write(peer, "\0\0\0\x0dO\0\0\0\6\0\0\0\1\0\0\0\0"
				"\0\0\0\1c", 22), 22);
	turns(3);
	assert_string_equal(str_c(&told), "O");
}

static void fails(struct span s, const char *reason)
{
	say(s);
	assert_string_equal(str_c(&told), "F");
	assert_string_equal(why, reason);
	assert_null(milter);
}

static void test_wrong_lengths(void **state)
{
	(void)state;
	fails(BYTES("\0\0\0\0"), "its packet has a wrong length");
}

static void test_too_long(void **state)
{
	(void)state;
	fails(BYTES("\0\1\0\1"), "its packet has a wrong length");
}

static void test_unasked(void **state)
{
	(void)state;
	negotiate(BYTES("\0\0\0\x0dO\0\0\0\6\0\0\0\1\0\0\0\0"));
	fails(BYTES("\0\0\0\1c"), "it speaks without being asked");
}

static void test_silence(void **state)
{
	(void)state;
	for (int i = 0; i < 500 && milter; i++)
		loop_turn(loop, 20);
	assert_string_equal(why, "it does not answer");
}

static void test_hanging_up(void **state)
{
	(void)state;
	close(peer);
	peer = -1;
	for (int i = 0; i < 500 && milter; i++)
		loop_turn(loop, 20);
	assert_string_equal(str_c(&told), "F");
}

/* No answer is due, and none is read either: the time-out counts all the same. */
static void test_stuck_reader(void **state)
{
	static char piece[4096];
	int sent = 0;

	(void)state;
	negotiate(BYTES("\0\0\0\x0dO\0\0\0\6\0\0\0\1\0\x08\0\0"));
	while (milter && sent < 100000) {
		milter_body(milter, sizeof(piece));
		milter_piece(milter, span_make(piece, sizeof(piece)));
		for (int i = 0; i < 500 && milter && !milter_ready(milter); i++)
			loop_turn(loop, 20);
		loop_turn(loop, 0);
		sent++;
	}
	assert_null(milter);
	assert_string_equal(why, "it does not answer");
}

int main(void)
{
#define CLIENT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_long_reply),
		cmocka_unit_test(test_options), cmocka_unit_test(test_due),
		cmocka_unit_test(test_fields),
		CLIENT(test_commands), CLIENT(test_closing_inside),
		CLIENT(test_wrong_lengths), CLIENT(test_too_long),
		CLIENT(test_unasked), CLIENT(test_silence),
		CLIENT(test_hanging_up), CLIENT(test_stuck_reader)
	};
#undef CLIENT

	return cmocka_run_group_tests(tests, NULL, NULL);
}
