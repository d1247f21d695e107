/* html_private - between html.c, which reads, and html_text.c, which writes */
#ifndef MIME_HTML_PRIVATE_H
#define MIME_HTML_PRIVATE_H

#include "mime/html.h"

/* ---- html_text.c */

/* A character of the text; blanks collapse. */
void html_char(struct html *h, uint32_t c);
void html_text(struct html *h, struct span utf8);
/* A new line (1), or a paragraph (2). */
void html_break(struct html *h, unsigned lines);
/* <br>: two of them leave a line free */
void html_line_break(struct html *h);
void html_rule(struct html *h);
void html_item(struct html *h);
void html_cell(struct html *h);
void html_cell_end(struct html *h);
/* To h->href, if it is one that is shown. */
void html_link(struct html *h);
void html_link_end(struct html *h);
/* All that waits. */
void html_finish(struct html *h);

/* ---- html_entity.c */

/* The character; 0: there is no such name ("#228", "#xe4", "auml"). */
uint32_t html_entity(struct span name);

#endif
