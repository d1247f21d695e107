/* err - what went wrong, and whose fault it is */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_TEMP,	/* may work later: disk full, DNS, peer away */
	ERR_PERM,	/* will never work: no such user, too big */
	ERR_PROTO,	/* the other side broke its protocol */
	ERR_AUTH,	/* credentials refused */
	ERR_NOMEM,	/* a limit or the memory is used up */
	ERR_KIND_COUNT
};

struct err {
	enum err_kind kind;
	char text[256];		/* one line, no secrets; cut when too long */
};

/*
 * Both return -1, so that `return err_set(...)` ends a function. err may be
 * NULL. Control characters in the text become blanks.
 */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * ... with ": " and strerror(errno), which stays; ENOMEM makes ERR_NOMEM, all
 * else ERR_TEMP.
 */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* ERR_NOMEM: "out of memory". -1 */
int err_nomem(struct err *err);

/* The one table from kinds to what protocols say. */
int err_smtp(enum err_kind kind);		/* 451 550 501 535 452 */
const char *err_enhanced(enum err_kind kind);	/* "4.3.0" ... */
int err_exit(enum err_kind kind);		/* sysexits.h */

#endif
