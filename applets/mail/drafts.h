/* drafts - messages whose writing was cut short: kill -9, power cut
 *
 * A draft on a terminal is ~/.mail-draft-XXXXXX: octets 0 to MAIL_DRAFT_ROOM
 * end with its header fields (before them are zeros), then comes its body.
 * While mail lives it holds a lock on it; one without a lock was left behind.
 */
#ifndef MAIL_DRAFTS_H
#define MAIL_DRAFTS_H

#include "mail/draft.h"

/* A new file for d. The fd, and d->path; or -1. */
int mail_drafts_make(struct mail *m, struct mail_draft *d);
/* Tells that some were left behind. */
void mail_drafts_tell(struct mail *m);
/*
 * Takes the nth that was left behind into d: its text, and the fields that d
 * has not; it is then d's alone. 1; 0: there are fewer; -1 with m->err.
 */
int mail_drafts_take(struct mail *m, struct mail_draft *d, unsigned nth);
/* The command: lists them, or goes on with one. */
int mail_do_drafts(struct mail *m);

#endif
