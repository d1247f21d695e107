/* SQLite for small devices, by SQLITE_CUSTOM_INCLUDE. */

#define SQLITE_THREADSAFE 0
#define SQLITE_DEFAULT_MEMSTATUS 0
#define SQLITE_LIKE_DOESNT_MATCH_BLOBS 1
#define SQLITE_MAX_EXPR_DEPTH 0
#define SQLITE_DQS 0
#define SQLITE_OMIT_DECLTYPE 1
#define SQLITE_OMIT_DEPRECATED 1
#define SQLITE_OMIT_PROGRESS_CALLBACK 1
#define SQLITE_OMIT_SHARED_CACHE 1
#define SQLITE_OMIT_LOAD_EXTENSION 1
/*
 * Not used by us, and left out by the compiler alone, so the stock amalgamation
 * will do. On mipsel all seven save 46 kB of 692, of which JSON has most.
 */
#define SQLITE_OMIT_JSON 1
#define SQLITE_OMIT_UTF16 1
#define SQLITE_OMIT_TRACE 1
#define SQLITE_OMIT_COMPLETE 1
#define SQLITE_OMIT_GET_TABLE 1
#define SQLITE_OMIT_TCL_VARIABLE 1
#define SQLITE_OMIT_COMPILEOPTION_DIAGS 1
