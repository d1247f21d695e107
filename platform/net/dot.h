/* dot - the end of data: CRLF "." CRLF and its stuffing
 *
 * RFC 5321 4.5.2, RFC 1939 3.
 * Only CRLF.CRLF ends the data; LF.LF, CR.CR and their mixtures are content.
 */
#ifndef NET_DOT_H
#define NET_DOT_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

struct dot_reader {
	unsigned char state;	/* private */
	bool bare_cr, bare_lf;	/* seen in the content so far */
	bool eight_bit;
	bool nul;
	uint64_t size;		/* octets given out so far */
};

void dot_reader_init(struct dot_reader *r);
/*
 * Eats from *in and calls put for unstuffed pieces (CRLF kept as is). True
 * once the end was seen: *in is then what follows it. put may not keep p.
 */
bool dot_read(struct dot_reader *r, struct span *in,
		void (*put)(void *arg, struct span piece), void *arg);

/*
 * The same for a piece of content that comes by count (BDAT): no dot means
 * anything, what is noted of it is the same.
 */
void dot_count(struct dot_reader *r, struct span in,
		void (*put)(void *arg, struct span piece), void *arg);
void dot_count_end(struct dot_reader *r);	/* behind the last piece */

/*
 * Content with lone CRs and LFs as software that means well has to take it: a
 * LF alone becomes CRLF, a CR alone a space.
 */
struct dot_repair {
	bool cr;		/* private: the last octet was one */
};
/* put gets piece with its line ends made whole. */
void dot_repair(struct dot_repair *r, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg);
/* Behind the last piece: a CR that came last. */
void dot_repair_end(struct dot_repair *r,
		void (*put)(void *arg, struct span piece), void *arg);

struct dot_writer {
	unsigned char state;	/* private */
};
void dot_writer_init(struct dot_writer *w);
/* Stuffs piece; put gets what is to be sent. */
void dot_write(struct dot_writer *w, struct span piece,
		void (*put)(void *arg, struct span piece), void *arg);
/*
 * The same for lines of a mailbox: LF alone becomes CRLF. to, with room for
 * twice the piece, gets what is to be sent; gives how much that is.
 */
size_t dot_expand(struct dot_writer *w, struct span piece, char *to);
/* The end: completes a last line without CRLF, then ".CRLF". */
void dot_finish(struct dot_writer *w,
		void (*put)(void *arg, struct span piece), void *arg);

#endif
