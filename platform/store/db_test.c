/* Needs the real file system: a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/db.h"

static const char *const one[] = {
	"CREATE TABLE t (k TEXT NOT NULL UNIQUE, v INTEGER)", NULL
};
static const char *const two[] = {
	"CREATE TABLE t (k TEXT NOT NULL UNIQUE, v INTEGER)",
	"ALTER TABLE t ADD COLUMN more TEXT NOT NULL DEFAULT 'none'", NULL
};
static const char *const broken[] = {
	"CREATE TABLE t (k TEXT NOT NULL UNIQUE, v INTEGER)",
	"CREATE TABLE u (x); INSERT INTO t VALUES ('half', 1);"
	"INSERT INTO nowhere VALUES (1)", NULL
};

struct place {
	char dir[32], path[48];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/db_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/x.db", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char path[64];

	unlink(p->path);
	snprintf(path, sizeof(path), "%s-journal", p->path);
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static int insert(struct db *db, const char *k, int64_t v, struct err *err)
{
	struct db_query *q = db_query(db,
			"INSERT INTO t (k, v) VALUES (?1, ?2)", err);

	assert_non_null(q);
	db_bind_text(q, 1, span_of(k));
	db_bind_number(q, 2, v);
	return db_step(q, err);
}

/* -1: not there */
static int64_t value(struct db *db, const char *k)
{
	struct db_query *q = db_query(db, "SELECT v FROM t WHERE k = ?1",
			NULL);
	int64_t v = -1;
	int found;

	assert_non_null(q);
	db_bind_text(q, 1, span_of(k));
	found = db_step(q, NULL);
	assert_in_range(found, 0, 1);
	if (found)
		v = db_number(q, 0);
	db_done(q);
	return v;
}

static int64_t count(struct db *db)
{
	struct db_query *q = db_query(db, "SELECT count(*) FROM t", NULL);
	int64_t n;

	assert_int_equal(db_step(q, NULL), 1);
	n = db_number(q, 0);
	db_done(q);
	return n;
}

static void makes_its_file(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db;
	struct stat st;

	assert_null(db_open(p->path, false, one, &err));
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(access(p->path, F_OK), -1);
	umask(0);
	db = db_open(p->path, true, one, &err);
	umask(022);
	assert_non_null(db);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(insert(db, "a", 5000000000, &err), 0);
	db_close(db);
	db = db_open(p->path, false, one, &err);
	assert_non_null(db);
	assert_int_equal(value(db, "a"), 5000000000);
	assert_int_equal(value(db, "b"), -1);
	db_close(db);
	db_close(NULL);
}

static void a_reader_changes_nothing(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);

	db_close(db);
	db = db_open(p->path, false, one, &err);
	assert_int_equal(insert(db, "a", 1, &err), -1);
	assert_int_equal(count(db), 0);
	db_close(db);
}

static void migrates(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);
	struct db_query *q;

	assert_int_equal(insert(db, "a", 1, &err), 0);
	db_close(db);
	assert_null(db_open(p->path, false, two, &err));
	assert_int_equal(err.kind, ERR_TEMP);
	db = db_open(p->path, true, two, &err);
	assert_non_null(db);
	q = db_query(db, "SELECT more FROM t", &err);
	assert_int_equal(db_step(q, &err), 1);
	assert_true(span_eq(db_text(q, 0), SPAN("none")));
	db_done(q);
	db_close(db);
	/* an older program still reads it, and does not write to it */
	db = db_open(p->path, false, one, &err);
	assert_non_null(db);
	assert_int_equal(value(db, "a"), 1);
	db_close(db);
	assert_null(db_open(p->path, true, one, &err));
	assert_int_equal(err.kind, ERR_PERM);
}

static void a_migration_is_whole_or_not(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);

	db_close(db);
	assert_null(db_open(p->path, true, broken, &err));
	assert_non_null(strstr(err.text, "nowhere"));
	db = db_open(p->path, false, one, &err);
	assert_non_null(db);
	assert_int_equal(count(db), 0);
	assert_null(db_query(db, "SELECT x FROM u", NULL));
	db_close(db);
}

static void tells_errors_apart(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);
	int fd;

	assert_int_equal(insert(db, "a", 1, &err), 0);
	assert_int_equal(insert(db, "a", 2, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(insert(db, "b", 2, &err), 0);
	assert_int_equal(db_changes(db), 1);
	assert_null(db_query(db, "SELEC", &err));
	assert_int_equal(err.kind, ERR_TEMP);
	db_close(db);
	fd = open(p->path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "this is no database, but long enough",
			36), 36);
	close(fd);
	assert_null(db_open(p->path, false, one, &err));
	assert_int_equal(err.kind, ERR_TEMP);
	assert_null(db_open(p->path, true, one, &err));
	assert_null(db_open("/nowhere/at/all", true, one, &err));
}

static void rolls_back(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);

	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(insert(db, "a", 1, &err), 0);
	db_rollback(db);
	db_rollback(db);
	assert_int_equal(count(db), 0);
	assert_int_equal(db_begin(db, &err), 0);
	assert_int_equal(insert(db, "a", 1, &err), 0);
	assert_int_equal(db_commit(db, &err), 0);
	db_rollback(db);
	assert_int_equal(count(db), 1);
	assert_int_equal(db_last_id(db), 1);
	db_close(db);
}

/* More than the cache holds, so that the file itself has been changed. */
__attribute__((noreturn))
static void die_in_the_middle(const char *path)
{
	struct db *db = db_open(path, true, one, NULL);
	char key[600];

	db_begin(db, NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%0500d", i);
		insert(db, key, i, NULL);
	}
	kill(getpid(), SIGKILL);
	_exit(0);
}

static void a_reader_survives_a_dead_writer(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);
	struct stat st;
	pid_t pid;
	int status;

	insert(db, "a", 1, &err);
	db_close(db);
	pid = fork();
	if (pid == 0)
		die_in_the_middle(p->path);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(stat(p->path, &st), 0);
	assert_true(st.st_size > 100000);
	db = db_open(p->path, false, one, &err);
	assert_non_null(db);
	assert_int_equal(count(db), 1);
	assert_int_equal(value(db, "a"), 1);
	db_close(db);
}

static void bytes_stay_bytes(void **state)
{
	struct place *p = *state;
	struct err err;
	struct db *db = db_open(p->path, true, one, &err);
	struct db_query *q = db_query(db, "SELECT ?1, ?2", &err);

	db_bind_text(q, 1, span_make("a\0b", 3));
	db_bind_text(q, 2, span_make(NULL, 0));
	assert_int_equal(db_step(q, &err), 1);
	assert_true(span_eq(db_text(q, 0), span_make("a\0b", 3)));
	assert_int_equal(db_text(q, 1).n, 0);
	db_done(q);
	/* a parameter that is not there is told, and once only */
	db_bind_number(q, 7, 1);
	assert_int_equal(db_step(q, &err), -1);
	assert_int_equal(db_step(q, &err), 1);
	db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_its_file, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(a_reader_changes_nothing,
				set_up, tear_down),
		cmocka_unit_test_setup_teardown(migrates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_migration_is_whole_or_not,
				set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_errors_apart, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(rolls_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				a_reader_survives_a_dead_writer, set_up,
				tear_down),
		cmocka_unit_test_setup_teardown(bytes_stay_bytes, set_up,
				tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
