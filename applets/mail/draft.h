/* draft - a message being written: its fields, its body, the ~ escapes
 *
 * The body lies in an unlinked temporary file, never in memory. Before it
 * room is left for the header, so that sending copies nothing.
 */
#ifndef MAIL_DRAFT_H
#define MAIL_DRAFT_H

#include "mail/mail.h"

#define MAIL_DRAFT_ROOM 65536	/* octets before the body */

struct mail_draft {
	/* as typed, UTF-8; addresses separated by commas */
	struct str to, cc, bcc, subject, from;
	/* ready for the header, "" when it is no reply */
	struct str in_reply_to, references;
	int fd;
	uint64_t size;		/* of the body, which begins at MAIL_DRAFT_ROOM */
	bool ends_in_lf;
	/* what the transfer encoding depends on: examples of the lines that matter */
	struct str sample;
	unsigned seen;		/* private */
	struct str line;	/* private: the line being added */
};

/* 0 or -1 with err. Free it in any case. */
int mail_draft_init(struct mail_draft *d, struct err *err);
void mail_draft_free(struct mail_draft *d);

/* Appends to the body. 0 or -1 with err (disk full). */
int mail_draft_add(struct mail_draft *d, struct span text, struct err *err);
/* Starts the body anew. */
int mail_draft_clear(struct mail_draft *d, struct err *err);
/* The body into fd. */
int mail_draft_copy(const struct mail_draft *d, int fd, struct err *err);
/*
 * Lines of the body that stand for all of it where compose_text looks: to be
 * asked when it is complete.
 */
struct span mail_draft_sample(struct mail_draft *d);
/* More addresses: with commas as RFC 5322 has them, or just words. */
void mail_draft_address(struct str *list, struct span address);

enum mail_written {
	MAIL_WRITTEN,		/* send it */
	MAIL_ABANDONED,		/* the user gave it up; saved where that is due */
	MAIL_CUT_OFF		/* hang-up: saved */
};
/*
 * Reads the body from the terminal or a script. escapes: ~ commands and the
 * single dot count (always, but in a script that pipes its text into `mail ADDRESS`).
 */
enum mail_written mail_draft_edit(struct mail *m, struct mail_draft *d,
		bool escapes);
/* Asks for a field with what is in it now; an empty answer keeps it. false: ^C or the end. */
bool mail_draft_ask(struct mail *m, const char *name, struct str *field);
/* Runs an editor on the body. which: MAIL_VAR_EDITOR or MAIL_VAR_VISUAL */
int mail_draft_editor(struct mail *m, struct mail_draft *d,
		enum mail_var which);

/* draft_escape.c: a line that begins with the escape character; rest: what follows it. */
enum mail_escape { MAIL_ESCAPE_ON, MAIL_ESCAPE_SEND, MAIL_ESCAPE_QUIT,
	MAIL_ESCAPE_EXIT };
enum mail_escape mail_draft_escape(struct mail *m, struct mail_draft *d,
		struct span rest);

#endif
