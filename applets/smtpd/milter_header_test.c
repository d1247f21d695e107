/* The header section as a table: where it ends, and what changes do. */
#include "smtpd/milter_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char dir[64];
static struct conf conf;
static struct spool *spool;
static struct milter_header h;
static struct spool_draft *draft;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/milter_header_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	conf.spool_dir = dir;
	conf.max_queue = 100;
	conf.max_message_size = 4 << 20;
	spool = spool_open(&conf, NULL, &err);
	return spool ? 0 : -1;
}

static int tear_down(void **state)
{
	char command[100];

	(void)state;
	spool_close(spool);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static int read_text(struct span text, size_t own)
{
	struct spool_rcpt r = { "a@b.test", SPOOL_WAITING, NULL };
	struct spool_envelope e = { .nrcpt = 1, .rcpt = &r };

	draft = spool_begin(spool, &e, &err);
	assert_non_null(draft);
	assert_int_equal(spool_write(draft, text, &err), 0);
	return milter_header_read(&h, draft, own, &err);
}

static void done(void)
{
	milter_header_free(&h);
	spool_abort(draft);
}

/* The fields with | between, then > and where the body begins. */
static void assert_table(const char *want)
{
	struct str got;

	str_init(&got, 1 << 20);
	for (unsigned i = 0; i < h.n; i++) {
		assert_int_equal(milter_header_get(&h, i, &got, &err), 0);
		str_addc(&got, '|');
	}
	str_addf(&got, ">%u%s", (unsigned)h.body, h.blank ? "" : "-");
	assert_string_equal(str_c(&got), want);
	str_free(&got);
}

static void test_shapes(void **state)
{
	static const char *const rows[][2] = {
		{ "", ">0-" }, { "\r\n", ">2" }, { "x", ">0-" }, { ":", ">0-" },
		{ ": x\r\n", ">0-" }, { " x\r\n", ">0-" }, { "\r", ">2" },
		{ "A: b\r\n\r\nx", "A: b\r\n|>8" }, { "A: b", "A: b\r\n|>4-" },
		{ "A: b\r\n c\r\n\r\n", "A: b\r\n c\r\n|>12" },
		{ "A: b\r\nC", "A: b\r\n|>6-" },
		{ "A: b\r\nC\r\n", "A: b\r\n|>6-" },
		{ "A: b\r\nC d: e\r\n", "A: b\r\n|>6-" },
		{ "A \t: b\r\n\r\n", "A \t: b\r\n|>10" },
		{ "A:\r\nB:\r\n", "A:\r\n|B:\r\n|>8-" },
		{ "A\xe4: b\r\n", ">0-" },
		{ "A: b\r\n\t\r\n\r\n", "A: b\r\n\t\r\n|>11" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_text(span_of(rows[i][0]), 0), 0);
		assert_table(rows[i][1]);
		done();
	}
}

/* Field and reading ends fall together in every way. */
static void test_long_fields(void **state)
{
	(void)state;
	for (size_t n = 4080; n < 4110; n++) {
		struct str text;

		str_init(&text, 10000);
		str_adds(&text, "A: ");
		while (text.n < n)
			str_addc(&text, 'x');
		str_adds(&text, "\r\n y\r\nB: c\r\n\r\nbody");
		assert_int_equal(read_text(str_span(&text), 0), 0);
		assert_int_equal(h.n, 2);
		assert_int_equal(h.fields[0].n, n + 6);
		assert_int_equal(h.body, text.n - 4);
		str_free(&text);
		done();
	}
}

static void change(const char *name, unsigned nth, const char *field)
{
	assert_int_equal(milter_header_change(&h, span_of(name), nth,
				span_of(field), &err), 0);
}

static void insert(unsigned at, const char *field)
{
	assert_int_equal(milter_header_insert(&h, at, span_of(field), &err),
			0);
}

static void test_changes(void **state)
{
	(void)state;
	assert_int_equal(read_text(SPAN("A: own\r\nA: 1\r\nB: 2\r\na : 3\r\n"
				"\r\n"), 8), 0);
	assert_true(h.fields[0].own);
	change("a", 2, "A: three\r\n");
	change("A", 0, "A: one\r\n");
	assert_table("A: own\r\n|A: one\r\n|B: 2\r\n|A: three\r\n|>29");
	change("B", 2, "");
	change("C", 1, "C: new\r\n");
	change("B", 1, "");
	insert(0, "T: top\r\n");
	insert(2, "U: two\r\n");
	insert(999, "E: end\r\n");
	assert_table("T: top\r\n|A: own\r\n|U: two\r\n|A: one\r\n|"
			"A: three\r\n|C: new\r\n|E: end\r\n|>29");
	change("t", 1, "");
	assert_int_equal(h.added, 6 * 8 + 2 - 8);
	done();
}

static void test_limits(void **state)
{
	struct str text;
	int i = 0;

	(void)state;
	str_init(&text, 1 << 20);
	for (i = 0; i <= MILTER_FIELDS_MOST; i++)
		str_adds(&text, "A: b\r\n");
	assert_int_equal(read_text(str_span(&text), 0), -1);
	assert_int_equal(err.kind, ERR_PERM);
	done();
	str_clear(&text);
	str_adds(&text, "A: b");
	while (text.n < MILTER_SECTION_MOST + 5000)
		str_adds(&text, "\r\n cccccccccccccccccccccccccccccccccccccccccc");
	assert_int_equal(read_text(str_span(&text), 0), -1);
	assert_int_equal(err.kind, ERR_PERM);
	done();
	str_cut(&text, text.n - 1000);
	assert_int_equal(read_text(SPAN("A: b\r\n"), 0), 0);
	for (i = 0; milter_header_insert(&h, 0, str_span(&text), &err) == 0;)
		i++;
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_int_equal(i, MILTER_ADDED_MOST / 1000);
	assert_int_equal(h.n, i + 1);
	str_free(&text);
	done();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes), cmocka_unit_test(test_long_fields),
		cmocka_unit_test(test_changes), cmocka_unit_test(test_limits)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
