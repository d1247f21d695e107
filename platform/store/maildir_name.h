/* maildir_name - what the name of a file in a Maildir says
 *
 * It is SECONDS.UNIQUE.HOST,S=SIZE,W=SIZE:2,FLAGS.
 * A message is who its name says up to ",S=" or ":2,": flags, folder and sizes
 * may be changed by anybody, also while we have the mailbox open. Of that part
 * we keep the time, the order within a second, and a hash: 20 octets a message
 * with size, flags and a hint where it is, however long the names are.
 */
#ifndef STORE_MAILDIR_NAME_H
#define STORE_MAILDIR_NAME_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

#define MAILDIR_SIZE_UNKNOWN UINT32_MAX
#define MAILDIR_FLAG_BITS 31u		/* of low: mailbox.h's flags */

struct maildir_entry {
	uint32_t when;		/* seconds; what is later than 2106: the most */
	/* 16 bits: order in a second; 43: hash; flags */
	uint32_t high, low;
	uint32_t size;		/* with CRLF; or MAILDIR_SIZE_UNKNOWN */
	uint32_t place;		/* where in its folder: a hint, maildir.c's */
};

/* file: without its folder. Flags: also MAILBOX_OLD when it is in cur/. */
struct maildir_entry maildir_entry_of(struct span file, bool cur);
/*
 * <0, 0, >0: in the order in which messages are numbered. 0: the same message,
 * or two names that differ in nothing but their sizes.
 */
int maildir_entry_order(const struct maildir_entry *a,
		const struct maildir_entry *b);
/* Is it the same message? No: both sizes are known and differ. */
bool maildir_entry_same(const struct maildir_entry *a,
		const struct maildir_entry *b);
/* In place; of the same message the name in cur/, the newer one, comes last. */
void maildir_entry_sort(struct maildir_entry *list, unsigned n);

/* What stays when flags change: all before ":2,". */
struct span maildir_unique_part(struct span file);
/* which: "S=" or "W="; MAILDIR_SIZE_UNKNOWN where the name does not say. */
uint32_t maildir_size_of(struct span file, const char *which);
#define MAILDIR_FLAGS_SIZE 64
/*
 * The letters that file gets with these flags: ours anew, those of others as
 * they are, all in order.
 */
void maildir_flags_put(char out[MAILDIR_FLAGS_SIZE], struct span file,
		unsigned flags);

#endif
