/* A draft that is read before its commit, and written anew. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/spool.h"

static char dir[64];
static struct conf conf;
static struct spool *spool;
static struct spool_rcpt rcpts[] = {
	{ "a@b.test", SPOOL_WAITING, NULL }, { "c@d.test", SPOOL_WAITING, NULL }
};
static char done[SPOOL_ID_SIZE];

static void on_done(void *arg, const char *id, const struct err *err)
{
	assert_null(arg);
	assert_null(err);
	memcpy(done, id, sizeof(done));
}

static int set_up(void **state)
{
	struct err err;

	(void)state;
	strcpy(dir, "/tmp/spool_draft_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	conf.spool_dir = dir;
	conf.max_queue = 100;
	conf.max_message_size = 1 << 20;
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

static struct spool_draft *begin(struct spool_draft *old, unsigned nrcpt)
{
	struct spool_envelope e = { .sender = "x@y.test", .nrcpt = nrcpt,
		.rcpt = rcpts };
	struct spool_draft *d = old ? spool_redraft(old, &e, NULL) :
		spool_begin(spool, &e, NULL);

	assert_non_null(d);
	return d;
}

static bool in_tmp(const char *id)
{
	char path[200];
	struct stat st;

	snprintf(path, sizeof(path), "%s/tmp/%s", dir, id);
	return stat(path, &st) == 0;
}

/* Pieces of any size from anywhere, with the buffer at any level. */
static void test_reading(void **state)
{
	struct spool_draft *d = begin(NULL, 1);
	char piece[1000], back[30000], *p = back;
	static char all[40000];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 33; i++) {
		memset(piece, 'a' + i % 26, sizeof(piece));
		memcpy(all + n, piece, sizeof(piece));
		n += sizeof(piece);
		assert_int_equal(spool_write(d, span_make(piece,
						sizeof(piece)), NULL), 0);
		for (size_t at = 0; at < n; at += 777) {
			size_t want = (at * 31) % sizeof(back);
			ssize_t got = spool_draft_read(d, p, want, at, NULL);

			assert_int_equal(got, want < n - at ? want : n - at);
			assert_memory_equal(p, all + at, got);
		}
	}
	assert_int_equal(spool_draft_size(d), n);
	assert_int_equal(spool_draft_read(d, p, 10, n, NULL), 0);
	assert_int_equal(spool_draft_read(d, p, 10, n + 100, NULL), 0);
	assert_int_equal(spool_draft_read(d, p, 10, UINT64_MAX, NULL), 0);
	spool_abort(d);
}

static void test_anew(void **state)
{
	struct spool_draft *old = begin(NULL, 1), *new;
	struct arena *a = arena_new(1 << 16);
	struct spool_envelope *e;
	char id[SPOOL_ID_SIZE], text[100];
	struct err err;

	(void)state;
	memcpy(id, spool_draft_id(old), sizeof(id));
	assert_int_equal(spool_write(old, SPAN("one"), NULL), 0);
	new = begin(old, 2);
	assert_string_equal(spool_draft_id(new), id);
	assert_int_equal(spool_write(new, SPAN("seven"), NULL), 0);
	assert_int_equal(spool_draft_read(old, text, 100, 1, NULL), 2);
	assert_memory_equal(text, "ne", 2);
	spool_abort(old);
	assert_true(in_tmp(id));
	spool_commit(new, on_done, NULL);
	assert_string_equal(done, id);
	assert_int_equal(spool_load(spool, id, a, &e, &err), 0);
	assert_int_equal(e->nrcpt, 2);
	assert_int_equal(e->size, 5);
	assert_int_equal(spool_check(spool, e, &err), 0);
	arena_free(a);
}

/* A name that the caller chose, over a draft that was left behind. */
static void test_named(void **state)
{
	static const char id[] = "0123456789abcdefghj0000";
	struct spool_envelope e = { .sender = "", .nrcpt = 2, .rcpt = rcpts };
	struct spool_envelope *read;
	struct arena *a = arena_new(1 << 16);
	char path[128], over[SPOOL_ADDED_MOST + 1];
	struct spool_draft *d;
	struct err err;
	FILE *f;

	(void)state;
	memset(over, 'x', sizeof(over));
	snprintf(path, sizeof(path), "%s/tmp/%s", dir, id);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("left behind", f);
	fclose(f);
	conf.max_message_size = 10;
	d = spool_begin_as(spool, id, &e, &err);
	assert_non_null(d);
	assert_int_equal(spool_write(d, span_make(over, 1000), NULL), 0);
	spool_commit(d, on_done, NULL);
	assert_string_equal(done, id);
	assert_int_equal(spool_load(spool, id, a, &read, &err), 0);
	assert_int_equal(read->size, 1000);
	assert_int_equal(spool_check(spool, read, &err), 0);
	assert_int_equal(spool_mark(spool, read, 1, SPOOL_EXPANDED, &err), 0);
	assert_int_equal(spool_load(spool, id, a, &read, &err), 0);
	assert_int_equal(read->rcpt[1].state, SPOOL_EXPANDED);
	assert_int_equal(spool_remove(spool, id, &err), 0);
	d = spool_begin_as(spool, id, &e, &err);
	assert_int_equal(spool_write(d, span_make(over, sizeof(over)), NULL), 0);
	assert_int_equal(spool_write(d, SPAN("0123456789"), &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	spool_abort(d);
	assert_null(spool_begin_as(spool, "../x", &e, &err));
	conf.max_message_size = 1 << 20;
	arena_free(a);
}

static void test_both_given_up(void **state)
{
	struct spool_draft *old = begin(NULL, 1), *new = begin(old, 1);
	char id[SPOOL_ID_SIZE];

	(void)state;
	memcpy(id, spool_draft_id(old), sizeof(id));
	assert_true(in_tmp(id));
	spool_abort(new);
	assert_false(in_tmp(id));
	spool_abort(old);
	assert_false(in_tmp(id));
}

/* A draft that has failed can be neither read nor replaced. */
static void test_failed(void **state)
{
	struct spool_draft *d = begin(NULL, 1);
	struct spool_envelope e = { .nrcpt = 1, .rcpt = rcpts };
	static char large[1 << 16];
	struct err err = { ERR_NONE, "" };
	int rc = 0;

	(void)state;
	for (int i = 0; i < 20 && rc == 0; i++)
		rc = spool_write(d, span_make(large, sizeof(large)), &err);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(spool_draft_read(d, large, 10, 0, &err), -1);
	assert_null(spool_redraft(d, &e, &err));
	assert_int_equal(err.kind, ERR_PERM);
	spool_abort(d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reading), cmocka_unit_test(test_anew),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_both_given_up),
		cmocka_unit_test(test_failed)
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
