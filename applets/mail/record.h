/* record - copies of what was sent */
#ifndef MAIL_RECORD_H
#define MAIL_RECORD_H

#include "mail/letter.h"

/*
 * A copy of the message, as it was sent and with its Bcc, to the file that the
 * draft or the variable `record` names: durable. 0, also when there is none
 * to be kept, or -1 with m->err.
 */
int mail_record(struct letter *l, const struct mail_draft *d);
/*
 * The file of POSIX's followup, Save and -F: the local part of the first
 * address of text, made safe for a name. 0, or -1: there is none.
 */
int mail_record_name(struct span text, char name[NAME_MAX + 1]);
/* Its path, with outfolder in the folder of +. 0 or -1 with m->err. */
int mail_record_path(struct mail *m, struct span name, char path[PATH_MAX]);

#endif
