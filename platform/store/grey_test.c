/* Needs the real file system: a folder below /tmp. */
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
#include <unistd.h>

#include "os/clock.h"
#include "store/db.h"
#include "store/grey.h"

#define DELAY 300
#define RETRY 1000
#define KEEP 5000
#define START INT64_C(123456)	/* ms since a boot */

struct place {
	char dir[40], path[48];
	struct conf conf;
	struct grey_rules rules;
	struct grey *grey;
	int64_t now;
};

static void start(struct place *p)
{
	struct err err;

	p->grey = grey_open(p->path, &p->rules, &err);
	if (!p->grey)
		fail_msg("%s", err.text);
}

static void restart(struct place *p)
{
	grey_close(p->grey);
	start(p);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/grey_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/g", p->dir);
	p->conf = (struct conf){ .greylist_delay = DELAY,
		.greylist_retry = RETRY, .greylist_keep = KEEP,
		.greylist_successes = 3, .greylist_most = 16 };
	p->rules = (struct grey_rules){ &p->conf, 7 };
	p->now = START;
	start(p);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	grey_close(p->grey);
	unlink(p->path);
	/* no journal is left, as none was made */
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static int ask_from(struct place *p, int net, const char *sender,
		const char *rcpt, bool *counted)
{
	struct grey_try t = { .net = { (unsigned char)net }, .sender = sender,
		.rcpt = rcpt, .counted = counted && *counted };
	struct err err = { 0 };
	int wait = grey_ask(p->grey, &t, p->now, &err);

	if (wait < 0)
		fail_msg("%s", err.text);
	if (counted)
		*counted = t.counted;
	return wait;
}

static int ask(struct place *p, const char *sender, const char *rcpt)
{
	return ask_from(p, 1, sender, rcpt, NULL);
}

static void after(struct place *p, int64_t seconds)
{
	p->now += seconds * 1000;
}

static void waits_and_comes_again(void **state)
{
	struct place *p = *state;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, 100);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY - 100);
	p->now += 1;
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY - 100);
	p->now += 199998;
	assert_int_equal(ask(p, "x@b", "a@a"), 1);
	p->now += 1;
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
}

/* Each part of it counts, and a domain's case does not. */
static void what_the_key_is(void **state)
{
	struct place *p = *state;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, DELAY);
	assert_int_equal(ask_from(p, 2, "x@b", "a@a", NULL), DELAY);
	assert_int_equal(ask(p, "y@b", "a@a"), DELAY);
	assert_int_equal(ask(p, "X@b", "a@a"), DELAY);
	assert_int_equal(ask(p, "x@b", "b@a"), DELAY);
	assert_int_equal(ask(p, "", "a@a"), DELAY);
	assert_int_equal(ask(p, "x@", "ba@a"), DELAY);
	assert_int_equal(ask(p, "x@B", "a@A"), 0);
}

static void too_late(void **state)
{
	struct place *p = *state;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, DELAY + RETRY + 1);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, DELAY + RETRY);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
}

static void known_for_a_while(void **state)
{
	struct place *p = *state;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, DELAY);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
	for (int i = 0; i < 3; i++) {
		after(p, KEEP);
		assert_int_equal(ask(p, "x@b", "a@a"), 0);
	}
	after(p, KEEP + 1);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
}

static void succeed(struct place *p, const char *sender)
{
	bool counted = false;

	assert_int_equal(ask(p, sender, "a@a"), DELAY);
	assert_int_equal(ask(p, sender, "b@a"), DELAY);
	after(p, DELAY);
	assert_int_equal(ask_from(p, 1, sender, "a@a", &counted), 0);
	assert_true(counted);
	/* the same message: no second success */
	assert_int_equal(ask_from(p, 1, sender, "b@a", &counted), 0);
}

static void a_network_that_succeeds(void **state)
{
	struct place *p = *state;

	succeed(p, "1@b");
	succeed(p, "2@b");
	succeed(p, "3@b");
	assert_int_equal(ask(p, "4@b", "c@a"), 0);
	assert_int_equal(ask_from(p, 2, "4@b", "c@a", NULL), DELAY);
	restart(p);
	assert_int_equal(ask(p, "5@b", "c@a"), 0);
	p->conf.greylist_successes = 0;
	assert_int_equal(ask(p, "6@b", "c@a"), DELAY);
	p->conf.greylist_successes = 3;
	after(p, KEEP + 1);
	assert_int_equal(ask(p, "6@b", "c@a"), DELAY);
	after(p, DELAY);
	assert_int_equal(ask(p, "6@b", "c@a"), 0);
	/* that was the first one of a new count */
	assert_int_equal(ask(p, "7@b", "c@a"), DELAY);
}

static void survives_a_restart(void **state)
{
	struct place *p = *state;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	restart(p);
	after(p, DELAY);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
	restart(p);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
	/* its clock begins anew */
	p->rules.boot = 8;
	restart(p);
	p->now = 1;
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	restart(p);
	after(p, DELAY);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
}

/* Where no boot can be told from another one, nobody is locked out. */
static void times_to_come(void **state)
{
	struct place *p = *state;

	p->now = INT64_C(1) << 40;
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	p->now = START;
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	after(p, DELAY);
	assert_int_equal(ask(p, "x@b", "a@a"), 0);
}

static int64_t rows(struct place *p)
{
	static const char *const steps[] = { "", NULL };
	struct db *db = db_open(p->path, false, steps, NULL);
	struct db_query *q = db ? db_query(db, "SELECT count(*) FROM seen",
			NULL) : NULL;
	int64_t n;

	assert_non_null(q);
	assert_int_equal(db_step(q, NULL), 1);
	n = db_number(q, 0);
	db_close(db);
	return n;
}

static void the_oldest_go_first(void **state)
{
	struct place *p = *state;
	char sender[16];

	assert_int_equal(ask(p, "old@b", "a@a"), DELAY);
	p->now++;
	assert_int_equal(ask(p, "used@b", "a@a"), DELAY);
	for (int i = 0; i < 100; i++) {
		p->now++;
		snprintf(sender, sizeof(sender), "%d@b", i);
		assert_int_equal(ask(p, sender, "a@a"), DELAY);
		ask(p, "used@b", "a@a");
		assert_true(rows(p) <= 16);
	}
	assert_int_equal(rows(p), 16);
	after(p, DELAY);
	assert_int_equal(ask(p, "used@b", "a@a"), 0);
	assert_int_equal(ask(p, "old@b", "a@a"), DELAY);
	/* as the configuration says now */
	p->conf.greylist_most = 100;
	restart(p);
	for (int i = 0; i < 200; i++) {
		snprintf(sender, sizeof(sender), "%d@c", i);
		ask(p, sender, "a@a");
	}
	assert_in_range(rows(p), 90, 100);
	p->conf.greylist_most = 20;
	restart(p);
	ask(p, "new@c", "a@a");
	assert_in_range(rows(p), 18, 20);
}

/* Two of them, as while one drains. */
static void side_by_side(void **state)
{
	struct place *p = *state;
	struct grey *first = p->grey;

	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	start(p);
	after(p, 1);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY - 1);
	assert_int_equal(ask(p, "y@b", "a@a"), DELAY);
	grey_close(p->grey);
	p->grey = first;
	after(p, DELAY);
	assert_int_equal(ask(p, "y@b", "a@a"), 0);
}

static void a_locked_one_is_no_answer(void **state)
{
	static const char *const steps[] = { "", NULL };
	struct place *p = *state;
	struct db *other = db_open(p->path, true, steps, NULL);
	struct grey_try t = { .net = { 1 }, .sender = "x@b", .rcpt = "a@a" };
	struct err err = { 0 };
	int64_t before = clock_ms();

	assert_non_null(other);
	assert_int_equal(db_run(other, "BEGIN EXCLUSIVE", NULL), 0);
	assert_int_equal(grey_ask(p->grey, &t, p->now, &err), -1);
	assert_non_null(strstr(err.text, "locked"));
	assert_null(grey_open(p->path, &p->rules, &err));
	assert_in_range(clock_ms() - before, 0, 1000);
	db_rollback(other);
	db_close(other);
	/* it was not emptied for that */
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	assert_int_equal(rows(p), 1);
}

static void garble(struct place *p, off_t from, off_t to)
{
	int fd = open(p->path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	for (off_t at = from; at < to; at++)
		assert_int_equal(pwrite(fd, "\xa5", 1, at), 1);
	close(fd);
}

static void a_broken_one_is_begun_anew(void **state)
{
	struct place *p = *state;
	struct stat st;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
		grey_close(p->grey);
		assert_int_equal(stat(p->path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		if (i == 2)
			assert_int_equal(truncate(p->path, st.st_size / 2),
					0);
		else		/* its head; then what is behind it */
			garble(p, i ? 4096 : 0, i ? st.st_size : 4096);
		start(p);
		assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
		after(p, DELAY);
		assert_int_equal(ask(p, "x@b", "a@a"), 0);
		assert_int_equal(unlink(p->path), 0);
		restart(p);
	}
}

static void one_of_a_newer_program(void **state)
{
	static const char *const steps[] = { "", NULL };
	struct place *p = *state;
	struct db *other = db_open(p->path, true, steps, NULL);
	char journal[64];

	assert_non_null(other);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
	assert_int_equal(db_run(other, "PRAGMA user_version=9", NULL), 0);
	db_close(other);
	/* other's */
	snprintf(journal, sizeof(journal), "%s-journal", p->path);
	unlink(journal);
	restart(p);
	assert_int_equal(rows(p), 0);
	assert_int_equal(ask(p, "x@b", "a@a"), DELAY);
}

static void long_addresses(void **state)
{
	struct place *p = *state;
	char sender[2000], rcpt[2000];

	memset(sender, 's', sizeof(sender));
	memset(rcpt, 'r', sizeof(rcpt));
	sender[1999] = rcpt[1999] = '\0';
	assert_int_equal(ask(p, sender, rcpt), DELAY);
	after(p, DELAY);
	assert_int_equal(ask(p, sender, rcpt), 0);
}

static void nowhere(void **state)
{
	struct place *p = *state;
	struct err err;

	assert_null(grey_open("/nonexistent/g", &p->rules, &err));
	assert_non_null(strstr(err.text, "/nonexistent/g"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waits_and_comes_again),
		TEST(what_the_key_is),
		TEST(too_late),
		TEST(known_for_a_while),
		TEST(a_network_that_succeeds),
		TEST(survives_a_restart),
		TEST(times_to_come),
		TEST(the_oldest_go_first),
		TEST(side_by_side),
		TEST(a_locked_one_is_no_answer),
		TEST(a_broken_one_is_begun_anew),
		TEST(one_of_a_newer_program),
		TEST(long_addresses),
		TEST(nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
