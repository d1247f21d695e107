#include "store/db.h"
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct db_query {
	struct db_query *next;
	struct db *db;
	const char *sql;
	sqlite3_stmt *statement;
	int bound;			/* the first error of binding */
};

struct db {
	sqlite3 *handle;
	struct db_query *queries;
};

/* -- errors -- */

static enum err_kind kind_of(int code)
{
	if (code == SQLITE_CONSTRAINT)
		return ERR_PERM;
	return code == SQLITE_NOMEM ? ERR_NOMEM : ERR_TEMP;
}

static int fail(struct db *db, int code, struct err *err)
{
	const char *path = sqlite3_db_filename(db->handle, "main");

	return err_set(err, kind_of(code), "%s: %s", path ? path : "database",
			sqlite3_errmsg(db->handle));
}

int db_run(struct db *db, const char *sql, struct err *err)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : fail(db, code, err);
}

/* -- transactions -- */

/* The lock at once: two that begin as readers would block each other. */
int db_begin(struct db *db, struct err *err)
{
	return db_run(db, "BEGIN IMMEDIATE", err);
}

int db_commit(struct db *db, struct err *err)
{
	return db_run(db, "COMMIT", err);
}

void db_rollback(struct db *db)
{
	/* an error may have ended it already */
	if (!sqlite3_get_autocommit(db->handle))
		db_run(db, "ROLLBACK", NULL);
}

/* -- opening -- */

/* SQLite would make it readable for all. */
static int make_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return disk_err(err, path);
	close(fd);
	return 0;
}

/*
 * The journal mode is the connection's own affair. A reader needs it too: it
 * rolls back the journal of a writer that died, and DELETE would ask for the
 * right to write to the folder.
 */
static const char durable[] =
	"PRAGMA busy_timeout=" DB_PATIENCE ";"
	"PRAGMA cache_size=-" DB_CACHE ";"
	"PRAGMA journal_mode=TRUNCATE;"
	"PRAGMA synchronous=FULL;"
	"PRAGMA temp_store=MEMORY;"
	"PRAGMA foreign_keys=ON";

static const char scratch[] =
	"PRAGMA busy_timeout=" DB_GLANCE ";"
	"PRAGMA cache_size=-" DB_CACHE ";"
	"PRAGMA journal_mode=MEMORY;"
	"PRAGMA synchronous=OFF;"
	"PRAGMA temp_store=MEMORY";

static int set_pragmas(struct db *db, const char *pragmas, bool write,
		struct err *err)
{
	if (db_run(db, pragmas, err) < 0)
		return -1;
	/* secure_delete: a key that was removed is gone from the file, too */
	return db_run(db, write ? "PRAGMA secure_delete=ON"
			: "PRAGMA query_only=ON", err);
}

static int version_of(struct db *db, int64_t *version, struct err *err)
{
	struct db_query *q = db_query(db, "PRAGMA user_version", err);
	int found = q ? db_step(q, err) : -1;

	if (found < 0)
		return -1;
	*version = found ? db_number(q, 0) : 0;
	db_done(q);
	return 0;
}

/* With the lock: of two that find an old file only one shall change it. */
static int migrate(struct db *db, const char *path, const char *const *steps,
		struct err *err)
{
	int64_t version, was;
	char text[48];

	if (db_begin(db, err) < 0 || version_of(db, &version, err) < 0)
		return -1;
	for (was = 0; was < version && steps[was]; was++)
		;
	if (was != version)
		return err_set(err, ERR_PERM, "%s: made by a newer program",
				path);
	for (; steps[version]; version++)
		if (db_run(db, steps[version], err) < 0)
			return -1;
	if (version == was) {
		db_rollback(db);
		return 0;
	}
	snprintf(text, sizeof(text), "PRAGMA user_version=%d", (int)version);
	if (db_run(db, text, err) < 0)
		return -1;
	return db_commit(db, err);
}

static int check_version(struct db *db, const char *path,
		const char *const *steps, struct err *err)
{
	int64_t version;

	if (version_of(db, &version, err) < 0)
		return -1;
	while (version > 0 && *steps) {
		version--;
		steps++;
	}
	return *steps ? err_set(err, ERR_TEMP, "%s: not brought up to date yet",
			path) : 0;
}

static int open_handle(struct db *db, const char *path, const char *pragmas,
		bool write, struct err *err)
{
	int code;

	if (write && make_file(path, err) < 0)
		return -1;
	if (!write && access(path, F_OK) < 0)
		return err_set(err, errno == ENOENT ? ERR_PERM : ERR_TEMP,
				"%s: there is no such file", path);
	code = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE |
			SQLITE_OPEN_NOMUTEX, NULL);
	if (!db->handle)
		return err_set(err, ERR_NOMEM, "%s: out of memory", path);
	if (code != SQLITE_OK)
		return fail(db, code, err);
	return set_pragmas(db, pragmas, write, err);
}

static struct db *open_with(const char *pragmas, const char *path, bool write,
		const char *const *steps, struct err *err)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db) {
		disk_err(err, path);
		return NULL;
	}
	if (open_handle(db, path, pragmas, write, err) < 0)
		goto out;
	if ((write ? migrate : check_version)(db, path, steps, err) < 0)
		goto out;
	return db;
out:
	db_close(db);
	return NULL;
}

struct db *db_open(const char *path, bool write, const char *const *steps,
		struct err *err)
{
	return open_with(durable, path, write, steps, err);
}

/* Whoever wrote it may have been killed half-way: there is no journal. */
static bool is_broken(const char *path)
{
	sqlite3 *handle = NULL;
	sqlite3_stmt *q = NULL;
	int code = sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE |
			SQLITE_OPEN_NOMUTEX, NULL);
	bool broken = false;

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(handle, "PRAGMA quick_check(1)", -1,
				&q, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		broken = !span_is(span_of((const char *)
					sqlite3_column_text(q, 0)), "ok");
	sqlite3_finalize(q);
	sqlite3_close(handle);
	return broken || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

struct db *db_open_scratch(const char *path, const char *const *steps,
		struct err *err)
{
	struct db *db;

	if (is_broken(path) && truncate(path, 0) < 0) {
		disk_err(err, path);
		return NULL;
	}
	db = open_with(scratch, path, true, steps, err);
	/* ERR_PERM: it is of a newer program */
	if (db || err->kind != ERR_PERM || truncate(path, 0) < 0)
		return db;
	return open_with(scratch, path, true, steps, err);
}

void db_close(struct db *db)
{
	if (!db)
		return;
	while (db->queries) {
		struct db_query *q = db->queries;

		db->queries = q->next;
		sqlite3_finalize(q->statement);
		free(q);
	}
	/* what was begun and not committed is rolled back by this */
	sqlite3_close(db->handle);
	free(db);
}

/* -- statements -- */

static struct db_query *prepare(struct db *db, const char *sql,
		struct err *err)
{
	struct db_query *q = calloc(1, sizeof(*q));
	int code;

	if (!q) {
		disk_err(err, "database");
		return NULL;
	}
	code = sqlite3_prepare_v2(db->handle, sql, -1, &q->statement, NULL);
	if (code != SQLITE_OK) {
		fail(db, code, err);
		free(q);
		return NULL;
	}
	q->db = db;
	q->sql = sql;
	q->next = db->queries;
	db->queries = q;
	return q;
}

struct db_query *db_query(struct db *db, const char *sql, struct err *err)
{
	struct db_query *q = db->queries;

	while (q && q->sql != sql)
		q = q->next;
	if (!q)
		return prepare(db, sql, err);
	db_done(q);
	return q;
}

static void note(struct db_query *q, int code)
{
	if (q->bound == SQLITE_OK)
		q->bound = code;
}

void db_bind_text(struct db_query *q, int at, struct span text)
{
	if (text.n > INT_MAX) {
		note(q, SQLITE_TOOBIG);
		return;
	}
	note(q, sqlite3_bind_text(q->statement, at, text.p ? text.p : "",
			(int)text.n, SQLITE_TRANSIENT));
}

void db_bind_number(struct db_query *q, int at, int64_t value)
{
	note(q, sqlite3_bind_int64(q->statement, at, value));
}

int db_step(struct db_query *q, struct err *err)
{
	int code = q->bound;

	if (code == SQLITE_OK)
		code = sqlite3_step(q->statement);
	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		fail(q->db, code, err);
	db_done(q);
	return code == SQLITE_DONE ? 0 : -1;
}

struct span db_text(struct db_query *q, int column)
{
	const unsigned char *p = sqlite3_column_text(q->statement, column);

	return span_make((const char *)p,
			(size_t)sqlite3_column_bytes(q->statement, column));
}

int64_t db_number(struct db_query *q, int column)
{
	return sqlite3_column_int64(q->statement, column);
}

void db_done(struct db_query *q)
{
	sqlite3_reset(q->statement);
	sqlite3_clear_bindings(q->statement);
	q->bound = SQLITE_OK;
}

int64_t db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes(db->handle);
}
