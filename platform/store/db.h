/* db - SQLite, thin: a file with the right pragmas, statements kept, migrations
 *
 * The rollback journal (TRUNCATE), since flash file systems refuse the shared
 * mapping that WAL needs; synchronous=FULL; waits for a lock for DB_PATIENCE.
 * Never carry a struct db over fork().
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"

#define DB_PATIENCE "5000"	/* ms to wait for another process's lock */
#define DB_GLANCE "50"		/* ms likewise */
#define DB_CACHE "64"		/* KB of page cache */

struct db;

/*
 * Steps of the schema, oldest first, the last one NULL: step i leads from
 * version i (PRAGMA user_version) to i + 1. A step only ever adds, so that an
 * older program still reads what a newer one has made.
 *
 * write: makes the file (mode 0600) where it is missing and brings it up to
 * date; a file newer than `steps` is refused. Else nothing is ever changed;
 * only the journal of a writer that died is rolled back. NULL with err:
 * ERR_PERM when there is no such file or it is too new, else ERR_TEMP.
 */
struct db *db_open(const char *path, bool write, const char *const *steps,
		struct err *err);
/*
 * For what may be lost, in a folder in RAM: no journal file, no flush, and a lock
 * is waited for no longer than DB_GLANCE, as a daemon's loop stands still. A file
 * that is broken or newer than these steps is emptied and begun anew, one that is
 * locked is not. Always written to. NULL with err, which is not NULL.
 */
struct db *db_open_scratch(const char *path, const char *const *steps,
		struct err *err);
void db_close(struct db *db);		/* NULL is fine */

/* One or more statements without parameters and rows. 0 or -1. */
int db_run(struct db *db, const char *sql, struct err *err);
/* Between these all or nothing happens. rollback cannot fail. */
int db_begin(struct db *db, struct err *err);
int db_commit(struct db *db, struct err *err);
void db_rollback(struct db *db);

/*
 * A statement, ready to be bound. It is prepared at its first use and kept
 * under sql's address, so sql is a constant; one use at a time. NULL with err.
 */
struct db_query;
struct db_query *db_query(struct db *db, const char *sql, struct err *err);
/* Parameters count from 1. text is copied. What fails here, db_step tells. */
void db_bind_text(struct db_query *q, int at, struct span text);
void db_bind_number(struct db_query *q, int at, int64_t value);
/*
 * 1: a row; 0: no more; -1: err, ERR_PERM for a broken constraint. After 0
 * and -1 the statement is done.
 */
int db_step(struct db_query *q, struct err *err);
/* The row's columns, from 0. Text is good until the next db_step or db_done. */
struct span db_text(struct db_query *q, int column);
int64_t db_number(struct db_query *q, int column);
/* Ends it early: no lock is held after that. */
void db_done(struct db_query *q);

int64_t db_last_id(struct db *db);	/* of the row inserted last */
int64_t db_changes(struct db *db);	/* rows, by the last statement */

#endif
