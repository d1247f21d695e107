#include "mime/stream.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "mime/part.h"

/*
 * What comes out as text: "field: name" of messages, then for a part "number
 * type/subtype depth [a] <body>" a line, "[type/subtype depth" for multiparts
 * and opened messages.
 */
struct seen {
	struct str out;
	bool open;		/* enclosed messages are */
	unsigned parts, depth;	/* of begin: how many, how deep */
	uint64_t octets;
	bool quiet;
	struct stream *stop_after;
};

static void on_field(void *arg, const struct header_field *f)
{
	struct seen *s = arg;

	if (f && !s->quiet && s->open)
		str_addf(&s->out, "%.*s: ", SPAN_ARG(f->name));
}

static bool on_begin(void *arg, const struct stream_part *p)
{
	struct seen *s = arg;
	bool deeper = !p->number || (p->enclosed && s->open);

	s->parts++;
	s->depth = p->depth > s->depth ? p->depth : s->depth;
	if (s->quiet)
		return s->open;
	if (deeper)
		str_adds(&s->out, "[");
	if (p->number)
		str_addf(&s->out, "%u ", p->number);
	str_addf(&s->out, "%.*s/%.*s %u%s", SPAN_ARG(p->type),
			SPAN_ARG(p->subtype), p->depth,
			p->attachment ? " a" : "");
	str_adds(&s->out, deeper ? "\n" : " <");
	return s->open;
}

static void on_body(void *arg, struct span piece)
{
	struct seen *s = arg;

	s->octets += piece.n;
	if (!s->quiet)
		str_add(&s->out, piece);
}

static void on_end(void *arg)
{
	struct seen *s = arg;

	if (!s->quiet)
		str_adds(&s->out, ">\n");
}

/* In pieces of `by` octets (0: at once). */
static void read_in(struct seen *seen, struct span message, size_t by)
{
	struct stream s = {
		.arg = seen, .field = on_field, .begin = on_begin,
		.body = on_body, .end = on_end
	};

	stream_begin(&s);
	while (message.n) {
		struct span piece = by ? span_sub(message, 0, by) : message;
		/* what is read behind a piece is found out */
		char *copy = test_malloc(piece.n);

		memcpy(copy, piece.p, piece.n);
		stream_put(&s, span_make(copy, piece.n));
		test_free(copy);
		message = span_rest(message, piece.n);
	}
	stream_end(&s);
}

static void has(const char *message, bool open, const char *want)
{
	static const size_t by[] = { 0, 1, 2, 3, 7, 16 };

	for (size_t i = 0; i < sizeof(by) / sizeof(*by); i++) {
		struct seen seen = { .open = open };

		str_init(&seen.out, 100000);
		read_in(&seen, span_of(message), by[i]);
		assert_string_equal(str_c(&seen.out), want);
		str_free(&seen.out);
	}
}

static void single(void **state)
{
	(void)state;
	has("", false, "1 text/plain 0 <>\n");
	has("Subject: x\n\nhello\n", false, "1 text/plain 0 <hello\n>\n");
	has("Subject: x\n\nhello\n", true, "Subject: 1 text/plain 0 <hello\n>\n");
	has("Content-Type: TEXT/Html; charset=x\n\nhi", false,
			"1 TEXT/Html 0 <hi>\n");
	has("Content-Type: nonsense\n\nhi", false, "1 text/plain 0 <hi>\n");
	has("Content-Type: application/pdf;\n name=\"a b.pdf\"\n"
			"Content-Disposition: attachment\n\nx", false,
			"1 application/pdf 0 a <x>\n");
	has("Content-Disposition: inline; filename=i.png\n"
			"Content-Type: image/png; name=other\n\nx", false,
			"1 image/png 0 <x>\n");
	/* no boundaries: line ends stay as they are */
	has("\na\r\nb\n\n\r\n--x\n", false,
			"1 text/plain 0 <a\r\nb\n\n\r\n--x\n>\n");
	has("A: b\r\nC: d\r\n e\r\n\r\nx\r\n", true,
			"A: C: 1 text/plain 0 <x\r\n>\n");
}

/* A header that does not end as it should. */
static void headers(void **state)
{
	(void)state;
	has("A: b", true, "A: 1 text/plain 0 <>\n");
	has("A: b\nno field\nC: d\n\nx\n", true,
			"A: 1 text/plain 0 <no field\nC: d\n\nx\n>\n");
	has("no field at all", true, "1 text/plain 0 <no field at all>\n");
	has(" \nA: b\n\nx", true, "1 text/plain 0 < \nA: b\n\nx>\n");
	has("From alice Tue Nov 24\n>From bob\nA: b\n\nx", true,
			"A: 1 text/plain 0 <x>\n");
	has("A: b\n \nC: d\n\nx", true, "A: C: 1 text/plain 0 <x>\n");
	has("Content-Type: message/rfc822\n"
			"Content-Transfer-Encoding: \"base64\"\n\nx", true,
			"Content-Type: Content-Transfer-Encoding: "
			"1 message/rfc822 0 <x>\n");
	/* the first counts, as everywhere else */
	has("Content-Type: text/a\nContent-Type: text/b\n\nx", false,
			"1 text/a 0 <x>\n");
}

#define MULTI(b) "Content-Type: multipart/mixed; boundary=" b "\n\n"

static void multipart(void **state)
{
	(void)state;
	has(MULTI("b") "preamble\n--b\n\none\n--b\n"
			"Content-Type: text/html\n\ntwo\n\n--b--\nepilogue\n",
			false, "[multipart/mixed 0\n1 text/plain 1 <one>\n"
			"2 text/html 1 <two\n>\n");
	has(MULTI("\"b c\"") "--b c  \r\n\r\none\r\n\r\nx\r\n--b c--\r\n",
			false, "[multipart/mixed 0\n"
			"1 text/plain 1 <one\r\n\r\nx>\n");
	/* a longer line is no delimiter; neither is one inside a line */
	has(MULTI("b") "--b\n\n--bc\n-\n--\nx--b\n--b--", false,
			"[multipart/mixed 0\n"
			"1 text/plain 1 <--bc\n-\n--\nx--b>\n");
	/* a CR alone is text */
	has(MULTI("b") "--b\n\na\rb\r\r\n\rc\r\n--b--", false,
			"[multipart/mixed 0\n1 text/plain 1 <a\rb\r\r\n\rc>\n");
	/* the end is missing */
	has(MULTI("b") "--b\n\none\n--b\n\ntwo", false, "[multipart/mixed 0\n"
			"1 text/plain 1 <one>\n2 text/plain 1 <two>\n");
	has(MULTI("b") "--b\n\none\n--b\n", false, "[multipart/mixed 0\n"
			"1 text/plain 1 <one>\n");
	/* headers without blank line; empty parts */
	has(MULTI("b") "--b\nContent-Type: x/y\n--b\n--b\n\n--b--\n", false,
			"[multipart/mixed 0\n1 x/y 1 <>\n"
			"2 text/plain 1 <>\n3 text/plain 1 <>\n");
	has("Content-Type: multipart/mixed; boundary=b\n--b\n\nx\n--b--\n",
			false, "[multipart/mixed 0\n1 text/plain 1 <x>\n");
}

static void nested(void **state)
{
	(void)state;
	has(MULTI("o") "--o\nContent-Type: multipart/alternative; "
			"boundary=i\n\n--i\n\nplain\n--i\n"
			"Content-Type: text/html\n\nhtml\n--i--\n--o\n\nlast\n"
			"--o--\n", false,
			"[multipart/mixed 0\n[multipart/alternative 1\n"
			"1 text/plain 2 <plain>\n2 text/html 2 <html>\n"
			"3 text/plain 1 <last>\n");
	/* the inner end is missing; the outer delimiter is it */
	has(MULTI("o") "--o\n" MULTI("i") "--i\n\nx\n--o\n\ny\n--i\n--o--\n",
			false, "[multipart/mixed 0\n[multipart/mixed 1\n"
			"1 text/plain 2 <x>\n2 text/plain 1 <y\n--i>\n");
	has("Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
			"Subject: x\n\ny\n--b--\n", false,
			"[multipart/digest 0\n1 message/rfc822 1 "
			"<Subject: x\n\ny>\n");
}

static void enclosed(void **state)
{
	(void)state;
	has("Content-Type: multipart/digest; boundary=b\n\n--b\n\n"
			"Subject: x\n\ny\n--b\n\nTo: x\n" MULTI("b2")
			"--b2\n\nz\n--b--\n", true,
			"Content-Type: [multipart/digest 0\n"
			"[1 message/rfc822 1\nSubject: 2 text/plain 2 <y>\n"
			"[3 message/rfc822 1\nTo: Content-Type: "
			"[multipart/mixed 2\n4 text/plain 3 <z>\n");
	/* encoded, in spite of RFC 2046 5.2.1: its octets */
	has("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n"
			"\nQTog\n", true, "Content-Type: "
			"Content-Transfer-Encoding: "
			"1 message/rfc822 0 <QTog\n>\n");
	/* neither header nor text */
	has("Content-Type: multipart/digest; boundary=b\n\n--b\n--b--\n", true,
			"Content-Type: [multipart/digest 0\n"
			"[1 message/rfc822 1\n2 text/plain 2 <>\n");
	has("Content-Type: message/rfc822\n\nno field", true, "Content-Type: "
			"[1 message/rfc822 0\n2 text/plain 1 <no field>\n");
}

/* What cannot be taken apart is given as it is. */
static void broken(void **state)
{
	(void)state;
	has("Content-Type: multipart/mixed\n\nx", false,
			"1 multipart/mixed 0 <x>\n");
	has(MULTI("b") "no delimiter\nat all\n", false, "[multipart/mixed 0\n"
			"1 text/plain 1 <no delimiter\nat all\n>\n");
	has(MULTI("\"\"") "--\n\nx\n----\n", false,
			"1 multipart/mixed 0 <--\n\nx\n----\n>\n");
	has(MULTI("b") "no part\n--b--\n", false, "[multipart/mixed 0\n"
			"1 text/plain 1 <no part>\n");
	has(MULTI("b") "--b--\n", false, "[multipart/mixed 0\n");
	has(MULTI("o") "--o\n" MULTI("i") "text\n--o--\n", false,
			"[multipart/mixed 0\n[multipart/mixed 1\n"
			"1 text/plain 2 <text>\n");
}

static void long_preamble(void **state)
{
	struct seen seen = { .quiet = true };
	struct str m;

	(void)state;
	str_init(&m, 1000000);
	str_adds(&m, MULTI("b"));
	for (int i = 0; i < 1000; i++)
		str_adds(&m, "no delimiter\n");
	str_adds(&m, "--b\n\nx\n--b--\n");
	read_in(&seen, str_span(&m), 11);
	assert_int_equal(seen.parts, 3);
	assert_int_equal(seen.octets, 1000 * 13 - 1 + 1);
	str_free(&m);
}

static void limits(void **state)
{
	struct seen seen = { .quiet = true };
	struct str m;

	(void)state;
	str_init(&m, 4000000);
	for (int i = 0; i < 3000; i++)
		str_addf(&m, MULTI("x%d") "--x%d\n", i, i);
	read_in(&seen, str_span(&m), 1000);
	assert_int_equal(seen.depth, STREAM_DEPTH);
	assert_int_equal(seen.parts, STREAM_DEPTH + 1);
	str_clear(&m);
	for (int i = 0; i < 3000; i++)
		str_adds(&m, "Content-Type: message/rfc822\n\n");
	seen = (struct seen){ .quiet = true, .open = true };
	read_in(&seen, str_span(&m), 1000);
	assert_int_equal(seen.depth, STREAM_DEPTH);
	str_clear(&m);
	str_adds(&m, MULTI("b"));
	for (int i = 0; i < 3000; i++)
		str_adds(&m, "--b\n\nx\n");
	seen = (struct seen){ .quiet = true };
	read_in(&seen, str_span(&m), 0);
	assert_int_equal(seen.parts, 3001);
	assert_int_equal(seen.octets, 3001);
	str_free(&m);
}

struct long_field {
	size_t n, names;
};

static void measure(void *arg, const struct header_field *f)
{
	struct long_field *l = arg;

	if (f) {
		l->n = f->value.n > l->n ? f->value.n : l->n;
		l->names++;
	}
}

static bool ignore_begin(void *arg, const struct stream_part *p)
{
	(void)arg;
	assert_true(span_is(p->subtype, "html"));
	return false;
}

static void ignore_body(void *arg, struct span piece)
{
	(void)arg;
	assert_true(span_eq(piece, SPAN("x")));
}

static void ignore_end(void *arg)
{
	(void)arg;
}

/* Fields of any length, in one line or many, cost STREAM_FIELD at most. */
static void long_fields(void **state)
{
	struct long_field l = { 0 };
	struct stream s = {
		.arg = &l, .field = measure, .begin = ignore_begin,
		.body = ignore_body, .end = ignore_end
	};
	char line[1001];

	(void)state;
	memset(line, 'y', 999);
	line[999] = line[1000] = '\0';
	stream_begin(&s);
	stream_put(&s, SPAN("To: "));
	for (int i = 0; i < 200; i++)
		stream_put(&s, span_of(line));
	stream_put(&s, SPAN("\nCc: a\n"));
	line[0] = ' ';
	line[999] = '\n';
	for (int i = 0; i < 200; i++)
		stream_put(&s, span_of(line));
	stream_put(&s, SPAN("Content-Type: text/html\n\nx"));
	stream_end(&s);
	assert_int_equal(l.names, 3);
	assert_true(l.n <= STREAM_FIELD && l.n > STREAM_FIELD - 10);
}

/* 2 MB without a line's end, right behind the header. */
static void long_lines(void **state)
{
	struct seen seen = { .quiet = true };
	struct str m;

	(void)state;
	str_init(&m, 3000000);
	str_adds(&m, "Content-Type: text/html\n");
	for (int i = 0; i < 200000; i++)
		str_adds(&m, "0123456789");
	read_in(&seen, str_span(&m), 4096);
	assert_int_equal(seen.octets, 2000000);
	str_clear(&m);
	str_adds(&m, MULTI("b") "--b\n\n");
	for (int i = 0; i < 200000; i++)
		str_adds(&m, "--b------a");
	seen = (struct seen){ .quiet = true };
	read_in(&seen, str_span(&m), 4096);
	assert_int_equal(seen.octets, 2000000);
	str_free(&m);
}

static bool stop_begin(void *arg, const struct stream_part *p)
{
	struct seen *s = arg;

	(void)p;
	if (++s->parts == 3)
		s->stop_after->stop = true;
	return true;
}

static void stops(void **state)
{
	struct seen seen = { .quiet = true };
	struct stream s = {
		.arg = &seen, .field = on_field, .begin = stop_begin,
		.body = on_body, .end = on_end
	};

	(void)state;
	seen.stop_after = &s;
	stream_begin(&s);
	stream_put(&s, SPAN(MULTI("b") "--b\n\none\n--b\n\ntwo\n--b\n\nx\n"));
	stream_end(&s);
	assert_int_equal(seen.parts, 3);
	assert_int_equal(seen.octets, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single),
		cmocka_unit_test(headers),
		cmocka_unit_test(multipart),
		cmocka_unit_test(nested),
		cmocka_unit_test(enclosed),
		cmocka_unit_test(broken),
		cmocka_unit_test(long_preamble),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_fields),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
