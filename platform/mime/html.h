/* html - HTML of mail as readable text
 *
 * Paragraphs, lists, rows of tables with their cells in a line, links as [1]
 * with a list where they fit, quotations behind "> ". What is not meant for
 * the eye (styles, scripts, hidden elements) is left out. A link is shown where
 * it leads; only http, https, ftp and mailto are links.
 *
 * It comes in pieces, and memory does not grow with it: sizeof(struct html)
 * and HTML_LINKS octets.
 */
#ifndef MIME_HTML_H
#define MIME_HTML_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"
#include "mime/charset.h"

#define HTML_LINKS 16384	/* of the list that waits for its place */
#define HTML_URL 2048		/* a longer one is cut */
#define HTML_LISTS 8		/* in each other; the deeper ones look like this */
#define HTML_QUOTES 8		/* likewise */
#define HTML_KNOWN 64		/* links of which a second one has the same number */

struct html {
	/* private */
	bool (*put)(void *arg, struct span text);
	void *arg;
	unsigned width;
	bool over;			/* put has had enough */
	struct charset charset;
	struct str text;		/* a piece, as UTF-8 */
	unsigned looked;		/* octets in which a charset was looked for */
	bool undeclared;
	/* reading */
	unsigned char state;
	bool closing;			/* "</" */
	char quote;			/* of an attribute's value; 0: none */
	char tag[12], attribute[12], entity[34];
	unsigned char tag_n, attribute_n, entity_n;
	unsigned char dashes;		/* in a comment */
	char raw[12];			/* the element whose text is no markup */
	char hidden[12];		/* the element that is not shown */
	unsigned hidden_n;		/* ... and how many of the name are open */
	bool hide;			/* this tag says so */
	bool tiny;			/* an image that nobody sees */
	struct str value, alt, href;
	/* writing */
	unsigned pre, quotes, lists;
	struct { bool numbered; unsigned n; } list[HTML_LISTS];
	char word[256];
	unsigned word_n, word_width;
	bool space;			/* before the word */
	bool started;			/* there is text before it */
	bool in_item;			/* the item's mark was the last thing */
	unsigned char breaks;		/* line ends that are due: 2 leave a line free */
	bool cell;			/* the next text is in another cell */
	bool row;			/* this row has text */
	unsigned column, edge;		/* edge: where the text of the line begins */
	char line[512];
	unsigned line_n;
	/* links */
	bool in_link;
	struct str label;		/* of the link, as much as an URL has */
	struct str links;		/* "[1] https://...\n" */
	unsigned link, first;		/* the last number; the first of the list */
	struct { unsigned at, n; } known[HTML_KNOWN];
};

/*
 * width: columns; 0: lines are as long as they are. charset: what the header says, may be
 * empty: then the document may say it. put gets UTF-8 in whole characters, and
 * gives false when it wants no more. End it in any case.
 */
void html_init(struct html *h, unsigned width, struct span charset,
		bool (*put)(void *arg, struct span text), void *arg);
/* Octets of the document, its transfer encoding undone; cut anywhere. */
void html_put(struct html *h, struct span octets);
void html_end(struct html *h);

#endif
