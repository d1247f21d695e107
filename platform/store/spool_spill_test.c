/* Moving from spool-dir to spill-dir; no tmpfs is needed to see the two files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "net/loop.h"
#include "store/spool.h"

struct fixture {
	char dir[64], memory[80], flash[80];
	struct conf conf;
	struct loop *loop;
	struct spool *spool;
	int committed, moved, failed;
	char id[SPOOL_ID_SIZE];
};

static void on_commit(void *arg, const char *id, const struct err *err)
{
	struct fixture *f = arg;

	assert_null(err);
	strcpy(f->id, id);
	f->committed++;
}

static void on_moved(void *arg, const char *id, const struct err *err)
{
	struct fixture *f = arg;

	assert_string_equal(id, f->id);
	f->moved++;
	f->failed += err != NULL;
}

static void open_spool(struct fixture *f)
{
	struct err err;

	f->loop = loop_new(&err);
	f->spool = spool_open(&f->conf, f->loop, &err);
	assert_non_null(f->spool);
	assert_int_equal(spool_own(f->spool, &err), 0);
}

static void close_spool(struct fixture *f)
{
	spool_close(f->spool);
	loop_free(f->loop);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/spill_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->memory, sizeof(f->memory), "%s/memory", f->dir);
	snprintf(f->flash, sizeof(f->flash), "%s/flash", f->dir);
	f->conf.spool_dir = f->memory;
	f->conf.spill_dir = f->flash;
	f->conf.max_queue = 100;
	f->conf.max_message_size = 50 << 20;
	open_spool(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	close_spool(f);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", f->dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	free(f);
	return 0;
}

static void turn(struct fixture *f, const int *until)
{
	for (int i = 0; i < 500 && !*until; i++)
		loop_turn(f->loop, 20);
	assert_true(*until);
}

static void put(struct fixture *f, size_t size)
{
	struct spool_rcpt rcpt[] = {
		{ "bob@b.test", SPOOL_WAITING, NULL },
		{ "cary@b.test", SPOOL_WAITING, NULL }
	};
	struct spool_envelope e = { .sender = "a@a.test", .origin = "uid 0",
		.nrcpt = 2, .rcpt = rcpt };
	struct err err;
	struct spool_draft *d = spool_begin(f->spool, &e, &err);

	assert_non_null(d);
	for (; size; size--)
		assert_int_equal(spool_write(d, span_make(size % 64 ? "x"
						: "\n", 1), &err), 0);
	f->committed = 0;
	spool_commit(d, on_commit, f);
	turn(f, &f->committed);
}

static bool is_in(const struct fixture *f, const char *place)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/msg/%s", place, f->id);
	return access(path, F_OK) == 0;
}

static struct spool_envelope *load(struct fixture *f, struct arena *a)
{
	struct spool_envelope *e;
	struct err err;

	assert_int_equal(spool_load(f->spool, f->id, a, &e, &err), 0);
	assert_int_equal(spool_check(f->spool, e, &err), 0);
	return e;
}

static void move(struct fixture *f)
{
	struct err err;

	f->moved = 0;
	assert_int_equal(spool_spill(f->spool, f->id, on_moved, f, &err), 0);
}

static void count(void *arg, const char *id)
{
	(void)id;
	++*(int *)arg;
}

static void test_moves(void **state)
{
	static const size_t sizes[] = { 0, 10, 128 * 1024 - 1, 700000 };
	struct fixture *f = *state;
	struct err err;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct arena *a = arena_new(65536);
		int n = 0;

		put(f, sizes[i]);
		move(f);
		turn(f, &f->moved);
		assert_int_equal(f->failed, 0);
		assert_true(is_in(f, f->flash));
		assert_false(is_in(f, f->memory));
		assert_int_equal(load(f, a)->size, sizes[i]);
		assert_int_equal(spool_scan(f->spool, count, &n, &err), 0);
		assert_int_equal(n, 1);
		/* it is there: nothing to do */
		assert_int_equal(spool_spill(f->spool, f->id, on_moved, f,
					&err), 1);
		assert_int_equal(spool_remove(f->spool, f->id, &err), 0);
		assert_false(is_in(f, f->flash));
		arena_free(a);
	}
}

/* A change at each moment of the move is in the file that stays. */
static void test_changes_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct err err;

	for (int turns = 0; turns < 12; turns++) {
		struct arena *a = arena_new(65536);
		struct spool_envelope *e;

		put(f, 600000);
		move(f);
		for (int i = 0; i < turns && !f->moved; i++)
			loop_turn(f->loop, 0);
		e = load(f, a);
		assert_int_equal(spool_mark(f->spool, e, 1, SPOOL_DONE, &err),
				0);
		e->attempts = 7;
		e->held = true;
		assert_int_equal(spool_defer(f->spool, e, &err), 0);
		turn(f, &f->moved);
		assert_false(is_in(f, f->memory));
		e = load(f, a);
		assert_int_equal(e->rcpt[0].state, SPOOL_WAITING);
		assert_int_equal(e->rcpt[1].state, SPOOL_DONE);
		assert_int_equal(e->attempts, 7);
		assert_true(e->held);
		assert_int_equal(spool_remove(f->spool, f->id, &err), 0);
		arena_free(a);
	}
}

/* Removed at each moment of the move, it does not come back. */
static void test_removed_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct err err;

	for (int turns = 0; turns < 12; turns++) {
		int n = 0;

		put(f, 600000);
		move(f);
		for (int i = 0; i < turns && !f->moved; i++)
			loop_turn(f->loop, 0);
		assert_int_equal(spool_remove(f->spool, f->id, &err), 0);
		turn(f, &f->moved);
		assert_int_equal(f->failed, 0);
		assert_int_equal(spool_scan(f->spool, count, &n, &err), 0);
		assert_int_equal(n, 0);
	}
}

/* The process ends at each moment of the move; then all is moved. */
static void test_end_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct err err;

	for (int turns = 0; turns < 24; turns++) {
		struct arena *a = arena_new(65536);
		int n = 0;

		f->conf.spool_sync_files = turns >= 12;
		put(f, 600000);
		move(f);
		for (int i = 0; i < turns && !f->moved; i++)
			loop_turn(f->loop, 0);
		if (turns % 2)
			spool_spill_all(f->spool);
		close_spool(f);
		open_spool(f);
		if (turns % 2)
			assert_false(is_in(f, f->memory));
		load(f, a);
		spool_spill_all(f->spool);
		assert_false(is_in(f, f->memory));
		assert_true(is_in(f, f->flash));
		load(f, a);
		assert_int_equal(spool_scan(f->spool, count, &n, &err), 0);
		assert_int_equal(n, 1);
		assert_int_equal(spool_remove(f->spool, f->id, &err), 0);
		arena_free(a);
	}
}

static void test_room_counts_both(void **state)
{
	struct fixture *f = *state;
	struct err err;

	f->conf.max_queue = 2;
	put(f, 10);
	move(f);
	turn(f, &f->moved);
	put(f, 10);
	close_spool(f);
	open_spool(f);
	assert_int_equal(spool_room(f->spool, 1, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
}

static void test_broken_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct err err;
	char path[160];

	put(f, 1000);
	snprintf(path, sizeof(path), "%s/msg/%s", f->memory, f->id);
	assert_int_equal(truncate(path, 500), 0);
	assert_int_equal(spool_spill(f->spool, f->id, on_moved, f, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_true(is_in(f, f->memory));
	assert_false(is_in(f, f->flash));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_moves), TEST(test_changes_meanwhile),
		TEST(test_removed_meanwhile), TEST(test_end_meanwhile),
		TEST(test_room_counts_both), TEST(test_broken_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
