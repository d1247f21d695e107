/* spool_record - the form of a spool file; private to spool*.c
 *
 *	PB1 ENVELOPE MESSAGE CRC-ENVELOPE CRC-MESSAGE	fixed width, hex
 *	try ATTEMPTS SUM NEXT			fixed width, changed in place;
 *						"try*": the sender was warned,
 *						"try!": the admin holds it,
 *						"try#": both. SUM (no blank
 *						behind it): 1 and 7 digits of
 *						the line's CRC, or zeros
 *	id ID
 *	created SECONDS
 *	flags 8 | - [u] [RET=... ENVID=...]	8BITMIME, and SMTPUTF8 as "8u", "-u"
 *	sender ADDRESS
 *	origin TEXT
 *	w ADDRESS				for each recipient: its state,
 *						changed in place, and behind
 *						a tab NOTIFY=... ORCPT=...
 *						(an empty line)
 *	the message
 *
 * ENVELOPE and MESSAGE are lengths in octets; the two make up the file.
 * CRC-ENVELOPE (CRC-32 of zlib) covers what never changes: the lines from "id"
 * on without the state characters, then ENVELOPE, MESSAGE and CRC-MESSAGE as
 * written. A value with bytes below 0x20 or with 0x7F is not taken: no line can
 * be forged.
 */
#ifndef STORE_SPOOL_RECORD_H
#define STORE_SPOOL_RECORD_H

#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "store/spool.h"

#define RECORD_HEAD_SIZE 48	/* "PB1 " 8 " " 16 " " 8 " " 8 "\n", no NUL */
#define RECORD_TRY_SIZE 36	/* "try" 1 10 " " 8 12 "\n" */
#define RECORD_FIXED (RECORD_HEAD_SIZE + RECORD_TRY_SIZE)
#define RECORD_MOST (4u << 20)	/* octets of an envelope */
#define RECORD_ADDRESS_MOST 544	/* and of a value: RFC 3461's for a recipient are longest */

struct record_head {
	uint32_t envelope;	/* octets before the message */
	uint64_t message;
	uint32_t envelope_crc, message_crc;
};

/*
 * The whole envelope block into out (empty, cap RECORD_MOST); its head line is not
 * valid yet: a file that is not finished must not look like one. *crc: of what
 * never changes, for record_head_seal. 0, or -1 (ERR_PERM: a value is too
 * long or no line; ERR_NOMEM).
 */
int record_put(struct str *out, const struct spool_envelope *e, uint32_t *crc,
		struct err *err);
/* Completes h->envelope_crc from record_put's crc and writes the line. */
void record_head_seal(char out[RECORD_HEAD_SIZE], struct record_head *h,
		uint32_t crc);
void record_try(char out[RECORD_TRY_SIZE], const struct spool_envelope *e);

/* The head line; -1: not one. */
int record_head_get(struct record_head *h, struct span line);
/*
 * text: the h->envelope octets of the block, changed here; what *e points to
 * lies in text and in the arena. ERR_PERM: not whole; ERR_NOMEM.
 */
int record_get(struct spool_envelope *e, struct span text,
		const struct record_head *h, struct arena *a, struct err *err);
/* Where recipient n's state is in the file, whose envelope block has this length. */
int64_t record_state_at(const struct spool_envelope *e, uint32_t envelope,
		unsigned n);

/* Over what never changes in the lines of an envelope block. */
uint32_t record_lines_crc(struct span text);
/* zlib's CRC-32, begun with 0. */
uint32_t record_crc(uint32_t crc, struct span piece);

#endif
