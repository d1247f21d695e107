/* milter_header - the header section of a draft as a table that filters change */
#ifndef SMTPD_MILTER_HEADER_H
#define SMTPD_MILTER_HEADER_H

#include "store/spool.h"

#define MILTER_FIELDS_MOST 2000
#define MILTER_SECTION_MOST (512 * 1024)	/* octets */
#define MILTER_ADDED_MOST (128 * 1024)	/* octets of what filters add, in RAM */

struct milter_field {
	uint64_t at;			/* in the draft, */
	size_t n;			/* with its line ends */
	char *text;			/* or here; NULL: there */
	bool own;			/* our Received: filters do not see it */
};

struct milter_header {
	struct spool_draft *draft;
	struct milter_field *fields;
	unsigned n, size;
	uint64_t body;			/* in the draft, behind the empty line */
	bool blank;			/* there was one */
	size_t added;			/* octets */
};

/*
 * h is zeroed, or was freed. own: octets of our field at the draft's beginning.
 * 0 or -1; ERR_PERM: it is over a limit.
 */
int milter_header_read(struct milter_header *h, struct spool_draft *draft,
		size_t own, struct err *err);
void milter_header_free(struct milter_header *h);
/* Appends field i, which ends in CRLF. 0 or -1. */
int milter_header_get(const struct milter_header *h, unsigned i,
		struct str *out, struct err *err);
/* Before field `at`, our own counted; beyond the last one: behind it. */
int milter_header_insert(struct milter_header *h, unsigned at,
		struct span field, struct err *err);
/*
 * The nth (from 1) of the fields with this name, our own not counted. An empty
 * field removes it; if there is none, it is added behind all others.
 */
int milter_header_change(struct milter_header *h, struct span name, unsigned nth,
		struct span field, struct err *err);

#endif
