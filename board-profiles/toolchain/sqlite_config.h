/*
 * SQLite for small devices (SQLITE_CUSTOM_INCLUDE). Only options that its
 * authors list for speed and size, and OMITs that leave the grammar alone, so
 * that the file format and the SQL we write stay what any SQLite understands.
 * Bytes as switched on mipsel with musl, -Os, static, stripped.
 *
 * Left in: WAL (a database may come from a machine that used it), foreign
 * keys, ALTER TABLE (db.c migrates with it), triggers and views (only out of
 * the grammar could they be taken: 150 KB, unsupported).
 */

/* every process of ours is one thread; authd's workers are processes */
#define SQLITE_THREADSAFE 0
/* no counters that nobody reads; malloc's own figures do */
#define SQLITE_DEFAULT_MEMSTATUS 0
#define SQLITE_LIKE_DOESNT_MATCH_BLOBS 1
/* our SQL is constant: no depth to check */
#define SQLITE_MAX_EXPR_DEPTH 0
/* "x" is a name, never a string: a misspelt column is an error */
#define SQLITE_DQS 0
/* nothing is loaded into a static binary */
#define SQLITE_OMIT_LOAD_EXTENSION 1
#define SQLITE_OMIT_DECLTYPE 1
#define SQLITE_OMIT_DEPRECATED 1
#define SQLITE_OMIT_PROGRESS_CALLBACK 1
#define SQLITE_OMIT_SHARED_CACHE 1

/* what our SQL does not use */
#define SQLITE_OMIT_JSON 1			/* 42,640 */
#define SQLITE_OMIT_DATETIME_FUNCS 1		/* 6,624: times are numbers */
#define SQLITE_OMIT_AUTHORIZATION 1		/* 3,220 */
#define SQLITE_OMIT_DESERIALIZE 1		/* 2,868 */
#define SQLITE_OMIT_INCRBLOB 1			/* 772 */
#define SQLITE_OMIT_INTROSPECTION_PRAGMAS 1	/* 640 */
