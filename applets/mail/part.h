/* part - what a part of a message is called, for those who read */
#ifndef MAIL_PART_H
#define MAIL_PART_H

#include <stdint.h>
#include "mail/mail.h"
#include "mime/stream.h"

/* "application/pdf", "PGP signature" */
void mail_part_kind(struct str *out, const struct stream_part *p);
/* The file name that the sender gave, UTF-8, as it came: "" when there is none. */
void mail_part_name(struct str *out, const struct stream_part *p);
/* "23 kB" */
void mail_part_size(struct str *out, uint64_t octets);
/* Outlook's winmail.dat, by its type or its name? */
bool mail_part_is_tnef(const struct stream_part *p);
/*
 * A name to save it under that does no harm, from what the sender gave: no
 * folder, no dot before it, nothing that a terminal or a shell takes for a command;
 * "part2.txt" when nothing is left.
 */
void mail_part_safe_name(struct str *out, const struct stream_part *p);
/* Is it to be read as text, whatever else is said of it? */
bool mail_part_is_text(const struct stream_part *p);

/*
 * The parts of message n with their transfer encoding undone. 0 or -1 with
 * m->err.
 */
struct mail_part_reader {
	void *arg;
	/*
	 * Of each part; multiparts have number 0. True: its octets are wanted;
	 * of an enclosed message then it is not opened.
	 */
	bool (*begin)(void *arg, const struct stream_part *p);
	/* May be NULL. false: enough. */
	bool (*data)(void *arg, struct span octets);
	/* octets: how many there were. false: enough. */
	bool (*end)(void *arg, uint64_t octets);
	bool utf8;		/* the charset of texts is undone, too */
	uint64_t most;		/* octets that are looked at; 0: all */
};
int mail_part_read(struct mail *m, unsigned n,
		const struct mail_part_reader *reader);

/*
 * For write (MAIL_PARTS): the first part goes to fd, text as UTF-8; on a terminal
 * we ask where the others go, else those with a name are saved here. 0 or -1
 * with m->err.
 */
int mail_part_write(struct mail *m, unsigned n, int fd, const char *path);

#endif
