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
#define HTML_WORD 256
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
	unsigned looked;		/* octets that were looked at for a charset */
	bool undeclared;
	/* reading */
	unsigned char state;
	bool closing;			/* "</" */
	bool in_entity;
	char quote;			/* around an attribute's value; 0: none */
	char tag[12], attribute[12], entity[32];
	unsigned char tag_n, attribute_n, entity_n;
	unsigned char dashes;		/* in a comment */
	char raw[12];			/* the element whose text is no markup */
	char hidden[12];		/* the element that is not shown */
	unsigned hidden_n;		/* ... and how many of the name are open */
	bool hide, tiny;		/* what the tag says of itself */
	unsigned long start;		/* of its numbers */
	struct str value, alt, href;
	/* writing */
	unsigned pre, quotes, lists;
	struct html_list {
		bool numbered;
		unsigned n;
	} list[HTML_LISTS];
	struct str word;
	unsigned word_width;
	uint32_t last;			/* character of the word */
	bool space;			/* before the word */
	bool glued;			/* the word goes on: it is too long */
	bool started;			/* there is text before it */
	bool item;			/* the item's mark is due */
	bool cell;			/* a cell begins, and has no text yet */
	bool flat;			/* the cell has one line so far */
	bool row;			/* this row has text in this line */
	bool fresh;			/* <pre> was the last thing */
	unsigned char breaks;		/* line ends that are due */
	unsigned column, edge;		/* edge: where the text of the line begins */
	unsigned marks;			/* quotes of this line */
	char line[512];
	unsigned line_n;
	/* links */
	bool in_link, pictures;
	struct str target, label;	/* where it leads, what it says */
	struct str links;		/* "[1] https://...\n" */
	unsigned link, first;		/* the last number; the first in the list */
	struct html_known {
		unsigned n, at;		/* at: in links */
	} known[HTML_KNOWN];
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
