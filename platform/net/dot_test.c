#include "net/dot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "base/str.h"

static void add(void *arg, struct span piece)
{
	assert_true(piece.n > 0);
	str_add(arg, piece);
}

enum { CR = 1, LF = 2, HIGH = 4, NUL = 8, OPEN = 16 };	/* OPEN: no end seen */

static const struct {
	struct span in, out, rest;
	int flags;
} reads[] = {
	{ SPAN(".\r\n"), SPAN(""), SPAN(""), 0 },
	{ SPAN("a\r\n.\r\nQUIT\r\n"), SPAN("a\r\n"), SPAN("QUIT\r\n"), 0 },
	{ SPAN("\r\n.\r\n"), SPAN("\r\n"), SPAN(""), 0 },
	{ SPAN("..\r\n.\r\n"), SPAN(".\r\n"), SPAN(""), 0 },
	{ SPAN("..a\r\n...\r\n.b\r\n.\r\n"), SPAN(".a\r\n..\r\nb\r\n"),
		SPAN(""), 0 },
	{ SPAN("a.\r\n.\r\n"), SPAN("a.\r\n"), SPAN(""), 0 },
	{ SPAN("a\r\n..\r\n.\r\n"), SPAN("a\r\n.\r\n"), SPAN(""), 0 },
	/* nothing but CRLF.CRLF ends it, and a dot is stuffing only there */
	{ SPAN("a\n.\nb\r\n.\r\n"), SPAN("a\n.\nb\r\n"), SPAN(""), LF },
	{ SPAN("a\n.\r\nb\r\n.\r\n"), SPAN("a\n.\r\nb\r\n"), SPAN(""), LF },
	{ SPAN("a\r\n.\nb\r\n.\r\n"), SPAN("a\r\n\nb\r\n"), SPAN(""), LF },
	{ SPAN("a\r.\rb\r\n.\r\n"), SPAN("a\r.\rb\r\n"), SPAN(""), CR },
	{ SPAN("a\r\n.\rb\r\n.\r\n"), SPAN("a\r\n\rb\r\n"), SPAN(""), CR },
	{ SPAN("a\r\n.\r\r\n.\r\n"), SPAN("a\r\n\r\r\n"), SPAN(""), CR },
	{ SPAN("a\r\r\n.\r\n"), SPAN("a\r\r\n"), SPAN(""), CR },
	{ SPAN("a\n\r.\r\n.\r\n"), SPAN("a\n\r.\r\n"), SPAN(""), CR | LF },
	{ SPAN("\n.\r\n.\r\n"), SPAN("\n.\r\n"), SPAN(""), LF },
	{ SPAN("a\n..\r\n.\r\n"), SPAN("a\n..\r\n"), SPAN(""), LF },
	{ SPAN("a\r\n.\r.\r\n.\r\n"), SPAN("a\r\n\r.\r\n"), SPAN(""), CR },
	{ SPAN("\xc3\xa4\r\n.\r\n"), SPAN("\xc3\xa4\r\n"), SPAN(""), HIGH },
	{ SPAN("12345678\x80\r\n.\r\n"), SPAN("12345678\x80\r\n"), SPAN(""),
		HIGH },
	{ SPAN("a\0b\r\n.\r\n\x80\0\n"), SPAN("a\0b\r\n"), SPAN("\x80\0\n"),
		NUL },
	{ SPAN("a\r\n.\r"), SPAN("a\r\n"), SPAN(""), OPEN },
	{ SPAN("a\r\n."), SPAN("a\r\n"), SPAN(""), OPEN },
	{ SPAN("a\r\n.."), SPAN("a\r\n."), SPAN(""), OPEN },
	{ SPAN("a\r"), SPAN("a\r"), SPAN(""), OPEN },
	{ SPAN(""), SPAN(""), SPAN(""), OPEN }
};

/* piece: octets given at a time. */
static void check_read(size_t i, size_t piece)
{
	struct span in = reads[i].in, now = span_make(NULL, 0);
	struct dot_reader r;
	struct str out;
	bool end = false;

	str_init(&out, 1000);
	dot_reader_init(&r);
	while (in.n && !end) {
		now = span_sub(in, 0, piece);
		in = span_sub(in, now.n, in.n);
		end = dot_read(&r, &now, add, &out);
		assert_true(end || now.n == 0);
	}
	in.p -= now.n;			/* what dot_read left of its piece */
	in.n += now.n;
	assert_int_equal(out.n, reads[i].out.n);
	assert_memory_equal(str_c(&out), reads[i].out.p, out.n);
	assert_int_equal(r.size, out.n);
	assert_int_equal(end, !(reads[i].flags & OPEN));
	if (end) {
		assert_int_equal(in.n, reads[i].rest.n);
		assert_memory_equal(in.p, reads[i].rest.p, in.n);
	}
	assert_int_equal(r.bare_cr, !!(reads[i].flags & CR));
	assert_int_equal(r.bare_lf, !!(reads[i].flags & LF));
	assert_int_equal(r.eight_bit, !!(reads[i].flags & HIGH));
	assert_int_equal(r.nul, !!(reads[i].flags & NUL));
	str_free(&out);
}

static void test_read(void **state)
{
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		for (piece = 1; piece < 40; piece++)
			check_read(i, piece);
	}
}

static void count(void *arg, struct span piece)
{
	(void)piece;
	++*(int *)arg;
}

/* The common case goes through in one piece, however many lines. */
static void test_read_whole(void **state)
{
	struct span in = SPAN("Subject: x\r\n\r\na\r\nb\r\nc\r\nd\r\n.\r\n");
	struct dot_reader r;
	int pieces = 0;

	(void)state;
	dot_reader_init(&r);
	assert_true(dot_read(&r, &in, count, &pieces));
	assert_int_equal(pieces, 1);
}

static const struct {
	struct span in, out, fixed;	/* with bare_lf_fix; NULL: as out */
} writes[] = {
	{ SPAN(""), SPAN(".\r\n"), { NULL, 0 } },
	{ SPAN("a\r\n"), SPAN("a\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("a"), SPAN("a\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("a\r\n."), SPAN("a\r\n..\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("."), SPAN("..\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("..\r\n.a\r\nb."), SPAN("...\r\n..a\r\nb.\r\n.\r\n"),
		{ NULL, 0 } },
	{ SPAN("a\n.b\n"), SPAN("a\n.b\n\r\n.\r\n"),
		SPAN("a\r\n..b\r\n.\r\n") },
	{ SPAN("\n\n.\n"), SPAN("\n\n.\n\r\n.\r\n"),
		SPAN("\r\n\r\n..\r\n.\r\n") },
	{ SPAN("a\r.b\r\n"), SPAN("a\r.b\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("a\r"), SPAN("a\r\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("a\r\r\n.\r\n"), SPAN("a\r\r\n..\r\n.\r\n"), { NULL, 0 } },
	{ SPAN("a\r\n\n"), SPAN("a\r\n\n\r\n.\r\n"),
		SPAN("a\r\n\r\n.\r\n") }
};

static void write_piece(struct dot_writer *w, bool fix, struct span piece,
		struct str *out)
{
	char to[400];

	if (fix) {
		size_t n = dot_expand(w, piece, to);

		assert_true(n <= 2 * piece.n && n < sizeof(to));
		str_add(out, span_make(to, n));
	} else {
		dot_write(w, piece, add, out);
	}
}

static void check_write(size_t i, bool fix, size_t piece)
{
	struct span in = writes[i].in, expected = writes[i].out;
	struct dot_writer w;
	struct str out;

	if (fix && writes[i].fixed.p)
		expected = writes[i].fixed;
	str_init(&out, 1000);
	dot_writer_init(&w);
	while (in.n) {
		write_piece(&w, fix, span_sub(in, 0, piece), &out);
		in = span_sub(in, piece, in.n);
	}
	write_piece(&w, fix, span_make(NULL, 0), &out);
	dot_finish(&w, add, &out);
	assert_int_equal(out.n, expected.n);
	assert_memory_equal(out.p, expected.p, out.n);
	str_free(&out);
}

/* In one piece, and octet by octet. */
static void check_count(struct span in, int flags)
{
	for (size_t step = in.n; step >= 1; step = step > 1 ? 1 : 0) {
		struct dot_reader r;
		struct str out;

		str_init(&out, 64);
		dot_reader_init(&r);
		for (size_t i = 0; i < in.n; i += step)
			dot_count(&r, span_sub(in, i, step), add, &out);
		dot_count_end(&r);
		assert_true(span_eq(str_span(&out), in));
		assert_int_equal(r.bare_cr, !!(flags & CR));
		assert_int_equal(r.bare_lf, !!(flags & LF));
		assert_int_equal(r.eight_bit, !!(flags & HIGH));
		assert_int_equal(r.nul, !!(flags & NUL));
		assert_int_equal(r.size, in.n);
		str_free(&out);
	}
}

static void test_count(void **state)
{
	(void)state;
	check_count(SPAN(".\r\n..\r\n\r\n.\r\n"), 0);
	check_count(SPAN("a\nb\r\n"), LF);
	check_count(SPAN("a\rb\r\n"), CR);
	check_count(SPAN("a\r\n\r"), CR);
	check_count(SPAN("a\r\r\n"), CR);
	check_count(SPAN("\xc3\xa4\0"), HIGH | NUL);
}

static void test_write(void **state)
{
	size_t i, piece;

	(void)state;
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		for (piece = 1; piece < 20; piece++) {
			check_write(i, false, piece);
			check_write(i, true, piece);
		}
	}
}

static void repairs(void **state)
{
	static const char *const rows[][2] = {
		{ "a\r\nb\r\n", "a\r\nb\r\n" },
		{ "a\nb\n", "a\r\nb\r\n" },
		{ "\n\n\r\n\n", "\r\n\r\n\r\n\r\n" },
		{ "a\rb\r\r\nc", "a b \r\nc" },
		{ "x\n\r\ny\r", "x\r\n\r\ny " },
		{ "\r\n.\n.\r.\r\n", "\r\n.\r\n. .\r\n" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t by = 1; by < 12; by++) {
			struct span rest = span_of(rows[i][0]);
			struct dot_repair r = { false };
			struct str out;

			str_init(&out, 100);
			while (rest.n) {
				dot_repair(&r, span_sub(rest, 0, by), add,
						&out);
				rest = span_rest(rest, by);
			}
			dot_repair_end(&r, add, &out);
			assert_string_equal(str_c(&out), rows[i][1]);
			str_free(&out);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repairs),
		cmocka_unit_test(test_read), cmocka_unit_test(test_read_whole),
		cmocka_unit_test(test_count), cmocka_unit_test(test_write)
	};

	return cmocka_run_group_tests_name("net/dot", tests, NULL, NULL);
}
