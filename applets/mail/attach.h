/* attach - files and messages that go with a draft */
#ifndef MAIL_ATTACH_H
#define MAIL_ATTACH_H

#include "mail/draft.h"

struct mail_attach {
	struct mail_attach *next;
	unsigned message;	/* of the mailbox; 0: a file */
	int fd;			/* what was no plain file, copied; else -1 */
	char path[];
};

/* A file, or "#3": a message. 0 or -1 with m->err. */
int mail_attach_add(struct mail *m, struct mail_draft *d, struct span name);
void mail_attach_free(struct mail_draft *d);
/* The escape ~@: lists; FILE... adds; -N removes. */
void mail_attach_edit(struct mail *m, struct mail_draft *d, struct span words);
/*
 * Writes the parts, each with its boundary line before it, to fd at its
 * position; size counts on. *high: one is not 7-bit. 0 or -1 with m->err.
 */
int mail_attach_write(struct mail *m, const struct mail_draft *d, int fd,
		const char *boundary, uint64_t *size, bool *high);

#endif
