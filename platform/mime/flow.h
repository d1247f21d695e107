/* flow - format=flowed (RFC 3676): paragraphs that fit any width
 *
 * A line that ends in a blank goes on in the next one, when that is quoted as deep.
 */
#ifndef MIME_FLOW_H
#define MIME_FLOW_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define FLOW_WORD 256		/* octets that stay together */

struct flow {
	bool (*put)(void *arg, struct span text);
	void *arg;
	unsigned width;
	bool delsp;
	/* private */
	bool over;
	bool in_text;			/* behind the quote marks of a line */
	unsigned marks, depth;		/* of this line, of the paragraph */
	bool joins;			/* the line before goes on */
	bool begun;			/* the shown line has a word */
	bool first;			/* none of the words of this line was put */
	bool tail;			/* a blank came last */
	unsigned before, after;		/* blanks around the word */
	unsigned column;
	char word[FLOW_WORD];
	unsigned word_n;
};

/*
 * width: columns; 0: lines stay as they are, but for the stuffing. put gets UTF-8
 * and gives false when it has enough. delsp: blanks at the ends of lines are
 * no part of the text (parameter DelSp).
 */
void flow_init(struct flow *f, unsigned width, bool delsp,
		bool (*put)(void *arg, struct span text), void *arg);
/* UTF-8 in whole characters. */
void flow_put(struct flow *f, struct span text);
void flow_end(struct flow *f);

#endif
