/* milter_packet - the words of the mail filter protocol, versions 2 to 6
 *
 * No RFC: it is what Sendmail's libmilter speaks. A packet is a length (32 bits,
 * network order), a letter, and data of which the length counts the letter, too.
 * Everything here is pure; texts in a packet end with a NUL.
 */
#ifndef NET_MILTER_PACKET_H
#define NET_MILTER_PACKET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define MILTER_VERSION 6
#define MILTER_VERSION_LEAST 2
#define MILTER_DATA_MOST 65535	/* octets behind the letter, both ways */
#define MILTER_MACROS_MOST 64	/* names that a filter may ask for a stage */

/* The first seven are numbered as a filter numbers its lists of macros. */
enum milter_stage {
	MILTER_CONNECT, MILTER_HELO, MILTER_MAIL, MILTER_RCPT, MILTER_DATA,
	MILTER_END, MILTER_EOH, MILTER_HEADER, MILTER_BODY, MILTER_STAGES,
	MILTER_MACRO_STAGES = MILTER_HEADER
};

/* What a filter may do to a message. */
enum {
	MILTER_ADD_HEADERS = 0x1, MILTER_CHANGE_BODY = 0x2,
	MILTER_ADD_RCPTS = 0x4, MILTER_DELETE_RCPTS = 0x8,
	MILTER_CHANGE_HEADERS = 0x10, MILTER_QUARANTINES = 0x20,
	MILTER_CHANGE_FROM = 0x40, MILTER_ADD_RCPTS_PARAMS = 0x80,
	MILTER_CHOOSE_MACROS = 0x100, MILTER_ALL_ACTIONS = 0x1ff
};

/* Steps that are neither the "do not tell" nor the "do not wait" of a stage. */
enum {
	MILTER_NO_UNKNOWN = 0x100, MILTER_MAY_SKIP = 0x400,
	MILTER_REFUSED_RCPTS = 0x800, MILTER_NO_REPLY_UNKNOWN = 0x20000,
	MILTER_LEADING_SPACE = 0x100000, MILTER_SIZES = 0x30000000
};

/* The letters that a filter answers with. */
enum milter_word {
	MILTER_IS_ADD_RCPT = '+', MILTER_IS_DELETE_RCPT = '-',
	MILTER_IS_ADD_RCPT_PARAMS = '2', MILTER_IS_SHUTDOWN = '4',
	MILTER_IS_OPTIONS = 'O', MILTER_IS_ACCEPT = 'a',
	MILTER_IS_BODY = 'b', MILTER_IS_CONTINUE = 'c',
	MILTER_IS_DISCARD = 'd', MILTER_IS_FROM = 'e',
	MILTER_IS_ADD_HEADER = 'h', MILTER_IS_INSERT_HEADER = 'i',
	MILTER_IS_CHANGE_HEADER = 'm', MILTER_IS_PROGRESS = 'p',
	MILTER_IS_QUARANTINE = 'q', MILTER_IS_REJECT = 'r',
	MILTER_IS_SKIP = 's', MILTER_IS_TEMPFAIL = 't',
	MILTER_IS_REPLY = 'y'
};

/* One packet of a filter; the spans are the packet's. */
struct milter_reply {
	char word;			/* enum milter_word */
	uint32_t index;			/* of a header: as on the wire */
	struct span name;		/* header, address, body, reason */
	struct span value;		/* of the header; parameters */
	/* MILTER_IS_REPLY, checked; lines are parted by LF, all is printable */
	int code;			/* 4yz, 5yz */
	char enhanced[12];		/* of the code's class */
	char text[512];
};

/* What both sides can and want. */
struct milter_options {
	uint32_t version, actions, steps;
	struct span macros[MILTER_MACRO_STAGES];	/* p NULL: the usual */
};

/* The packet's letter and data, without its length. 0, or -1: broken. */
int milter_decode(struct span packet, struct milter_reply *r, struct err *err);
/* Likewise of MILTER_IS_OPTIONS; checked against what we have offered. */
int milter_decode_options(struct span packet, struct milter_options *o,
		struct err *err);
/* Our own, whole, into out. */
void milter_encode_options(struct str *out);
/* Length and letter in front of n octets of data. */
void milter_encode_head(struct str *out, char letter, size_t n);
void milter_encode_number(struct str *out, uint32_t n);

/* The letter of a command, and what the negotiated options make of it. */
char milter_letter(enum milter_stage stage);
bool milter_is_told(const struct milter_options *o, enum milter_stage stage);
bool milter_is_answered(const struct milter_options *o,
		enum milter_stage stage);
/* May the filter say this now? change: it is one, and it was asked for. */
bool milter_is_due(const struct milter_options *o, enum milter_stage stage,
		char word, bool *change);

/*
 * A field as a message has it, with CRLF, from a filter's name and value: what
 * it holds can neither end the field nor the header section. space: one goes
 * behind the colon.
 */
void milter_put_field(struct str *out, struct span name, struct span value,
		bool space);

#endif
