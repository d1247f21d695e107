/* find - is a text in another one, whatever the case of its letters
 *
 * The text that is searched comes in pieces of any size and is never held.
 * Each run of blanks and line ends counts as one blank, so that words are
 * found across the end of a line.
 */
#ifndef MAIL_FIND_H
#define MAIL_FIND_H

#include <stdbool.h>
#include "base/span.h"

#define MAIL_FIND_MOST 128	/* characters of what is looked for; the rest is cut */

struct mail_find {
	unsigned n, at;
	unsigned part_n;
	char part[4];		/* a character that is not complete yet */
	bool blank;		/* the last character was one */
	unsigned char back[MAIL_FIND_MOST];	/* where to go on after a miss */
	uint32_t text[MAIL_FIND_MOST];
};

void mail_find_init(struct mail_find *f, struct span text);
/* Another text begins. */
void mail_find_begin(struct mail_find *f);
/* The next piece of it; true once it was found, and from then on. */
bool mail_find_feed(struct mail_find *f, struct span piece);

/* The character without its case (one to one: Latin, Greek, Cyrillic, Armenian). */
uint32_t mail_find_fold(uint32_t c);

#endif
