/* mda - deliver -d in the place of procmail or dovecot-lda; DELIVER_MDA */
#ifndef DELIVER_MDA_H
#define DELIVER_MDA_H

#include <stdbool.h>
#include "base/span.h"
#include "deliver/system.h"

#define MDA_ADDRESS_SIZE 256
#define MDA_PATH_SIZE 600

struct mda {
	const char *argument;		/* -a; NULL: none */
	const char *folder;		/* -m; NULL: the mailbox itself */
	bool sender_known;
	char sender[MDA_ADDRESS_SIZE];
	/* the user's, with the detail */
	char address[MDA_ADDRESS_SIZE];
	char original[MDA_ADDRESS_SIZE];	/* as the sender wrote it */
};

/*
 * Where the message begins in fd: behind a From_ line and Return-Path. Sets
 * sender from these, or from SENDER, where it is not known yet.
 */
int64_t mda_envelope(struct mda *a, int fd);
/*
 * Sets address and original, from argument, EXTENSION and ORIGINAL_RECIPIENT.
 */
void mda_recipient(struct mda *a, const struct conf *conf, const char *user);
/* head, or its Return-Path alone where the message at start says the rest. */
struct span mda_head(int fd, int64_t start, const char *to, struct span head);
/* To folder, which is made when missing. */
int mda_to_folder(const struct mda *a, int dir, const char *maildir,
		const struct system_mail *m, bool *before, struct err *err);

#endif
