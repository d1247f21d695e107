/* What html.c has read, in lines: words, line breaks, quotation, lists, links. */
#include "mime/html_private.h"

#include <stdio.h>
#include <string.h>
#include "base/utf8.h"

#define RULE 72			/* columns of a <hr> */
#define BREAKS_MOST 20		/* line ends in a row, in <pre> */

/* ---- the line */

static void flush_line(struct html *h)
{
	if (h->line_n && !h->over)
		h->over = !h->put(h->arg, span_make(h->line, h->line_n));
	h->line_n = 0;
}

static void put_bytes(struct html *h, const char *bytes, size_t n)
{
	if (h->line_n + n > sizeof(h->line))
		flush_line(h);
	if (n > sizeof(h->line))
		return;
	memcpy(h->line + h->line_n, bytes, n);
	h->line_n += (unsigned)n;
}

static void put_blanks(struct html *h, unsigned n)
{
	for (h->column += n; n; n--)
		put_bytes(h, " ", 1);
}

static void new_line(struct html *h)
{
	put_bytes(h, "\n", 1);
	flush_line(h);
	h->column = 0;
}

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* "> > "; a free line has no blank at its end. */
static void put_quotes(struct html *h, unsigned n, bool text)
{
	n = smaller(n, HTML_QUOTES);
	for (unsigned i = 0; i < n; i++)
		put_bytes(h, "> ", text || i + 1 < n ? 2 : 1);
	h->column = 2 * n;
	h->marks = n;
}

static struct html_list *this_list(struct html *h)
{
	return h->lists ? &h->list[smaller(h->lists, HTML_LISTS) - 1] : NULL;
}

/* Columns that all lists around take. */
static unsigned indent(const struct html *h)
{
	unsigned n = 0;

	for (unsigned i = 0; i < smaller(h->lists, HTML_LISTS); i++)
		n += h->list[i].numbered ? 4 : 2;
	return h->width ? smaller(n, h->width / 2) : n;
}

static void put_mark(struct html *h)
{
	struct html_list *list = this_list(h);
	char mark[16] = "* ";
	int n = 2;

	if (list && list->numbered)
		n = snprintf(mark, sizeof(mark), "%2u. ", list->n++);
	if (h->edge > h->column + (unsigned)n)
		put_blanks(h, h->edge - h->column - (unsigned)n);
	put_bytes(h, mark, (size_t)n);
	h->column += (unsigned)n;
	h->item = false;
}

/* What stands before the text of a line. */
static void begin_line(struct html *h)
{
	put_quotes(h, h->quotes, true);
	h->edge = h->column + indent(h);
	if (h->item)
		put_mark(h);
	if (h->edge > h->column)
		put_blanks(h, h->edge - h->column);
	h->edge = h->column;
	h->row = false;
}

/* The line ends that are due, or the beginning of all. */
static void be_in_line(struct html *h)
{
	if (h->started && !h->breaks)
		return;
	for (unsigned i = 0; h->started && i < h->breaks; i++) {
		if (i)
			put_quotes(h, smaller(h->marks, h->quotes), false);
		new_line(h);
	}
	h->flat = h->flat && h->cell;
	h->breaks = 0;
	h->started = true;
	h->space = false;
	begin_line(h);
}

/* ---- words */

static void wrap(struct html *h)
{
	new_line(h);
	h->space = false;
	begin_line(h);
}

/* Does what is due before the word go into this line, and the word, too? */
static bool fits(const struct html *h, unsigned before)
{
	return !h->width || h->pre || h->glued || h->column <= h->edge ||
			h->column + before + h->word_width <= h->width;
}

static void flush_word(struct html *h)
{
	bool beside;

	if (!h->word.n)
		return;
	be_in_line(h);
	beside = h->cell && h->row && !h->glued;
	if (!fits(h, beside ? 3 : h->space)) {
		wrap(h);
	} else if (beside) {
		put_bytes(h, " | ", 3);
		h->column += 3;
	} else if (h->space) {
		put_blanks(h, 1);
	}
	put_bytes(h, h->word.p, h->word.n);
	h->column += h->word_width;
	str_clear(&h->word);
	h->word_width = 0;
	h->space = h->glued = h->cell = h->fresh = false;
	h->row = true;
}

static void add_char(struct html *h, uint32_t c)
{
	int width = utf8_width(c);

	if (h->word.n + 4 > HTML_WORD) {
		flush_word(h);
		h->glued = true;
	}
	utf8_put(&h->word, c);
	h->word_width += width > 0 ? (unsigned)width : 0;
	h->last = c;
}

static bool is_one_of(const char *list, uint32_t c)
{
	struct span rest = span_of(list);

	while (rest.n)
		if (utf8_next(&rest) == c)
			return true;
	return false;
}

/* May a line end between the last character of the word and this one? */
static bool may_break(const struct html *h, uint32_t c)
{
	return h->word.n && (utf8_width(c) == 2 || utf8_width(h->last) == 2) &&
			!is_one_of("、。，．！？：；）」』】》", c) &&
			!is_one_of("（「『【《", h->last) &&
			utf8_width(c) > 0 &&
			/* one picture of several */
			h->last != 0x200D && !(c >= 0x1F3FB && c <= 0x1F3FF);
}

static bool is_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
			c == 0xA0 || (c >= 0x2002 && c <= 0x200A);
}

/* What is not seen, and pads out what mailers show of a mail in their list. */
static bool is_nothing(const struct html *h, uint32_t c)
{
	return c == 0xAD || c == 0x200B || c == 0xFEFF || c == 0x34F ||
			c == 0x2060 || utf8_width(c) < 0 ||
			((c == 0x200C || c == 0x200D) && !h->word.n);
}

static void add_pre_space(struct html *h, uint32_t c)
{
	flush_word(h);
	if (c == '\r' || (c == '\n' && h->fresh)) {
		h->fresh = false;
	} else if (c == '\n') {
		if (h->breaks < BREAKS_MOST)
			h->breaks++;
	} else {
		h->fresh = false;
		be_in_line(h);
		put_blanks(h, c == '\t' ? 8 - (h->column - h->edge) % 8 : 1);
	}
}

void html_char(struct html *h, uint32_t c)
{
	if (is_space(c)) {
		if (h->pre) {
			add_pre_space(h, c);
			return;
		}
		flush_word(h);
		h->space = true;
	} else if (!is_nothing(h, c)) {
		if (h->in_link)
			utf8_put(&h->label, c);
		if (may_break(h, c))
			flush_word(h);
		add_char(h, c);
	}
}

void html_text(struct html *h, struct span utf8)
{
	while (utf8.n)
		html_char(h, utf8_next(&utf8));
}

/* ---- blocks */

void html_break(struct html *h, unsigned lines)
{
	flush_word(h);
	h->space = false;
	if (h->cell)	/* its first block begins beside the cell before */
		return;
	if (lines > 1 && (h->lists || h->item))
		lines = 1;
	if (h->breaks < lines)
		h->breaks = (unsigned char)lines;
}

void html_line_break(struct html *h)
{
	flush_word(h);
	h->space = false;
	if (h->breaks < 2 && !h->cell)
		h->breaks++;
}

void html_rule(struct html *h)
{
	be_in_line(h);
	while (h->column < (h->width ? smaller(h->width, RULE) : RULE)) {
		put_bytes(h, "-", 1);
		h->column++;
	}
}

void html_item(struct html *h)
{
	h->item = true;
}

void html_cell(struct html *h)
{
	flush_word(h);
	h->cell = h->flat = true;
}

/* A cell of one line, be it in a block: the next one goes beside it. */
void html_cell_end(struct html *h)
{
	flush_word(h);
	if (h->flat && !h->cell)
		h->breaks = 0;
	h->cell = false;
}

/* ---- links */

/* What stands in the message: no blanks, no controls. */
static void clean_url(struct str *out, struct span url)
{
	str_clear(out);
	while (url.n) {
		uint32_t c = utf8_next(&url);

		if (c == ' ')
			str_adds(out, "%20");
		else if (utf8_width(c) >= 0)	/* browsers drop line ends */
			utf8_put(out, c);
	}
}

static void put_list(struct html *h)
{
	struct span list = str_span(&h->links);

	flush_word(h);
	if (h->column)
		new_line(h);
	new_line(h);
	while (list.n && !h->over) {
		const char *line = list.p;

		h->over = !h->put(h->arg, span_make(line,
				span_cut(&list, '\n').n + 1));
	}
	str_clear(&h->links);
	h->first = h->link + 1;
	h->started = false;
}

void html_link(struct html *h)
{
	static const char schemes[][9] = {
		"http:", "https:", "ftp:", "mailto:"
	};

	html_link_end(h);
	clean_url(&h->target, str_span(&h->href));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		h->in_link |= span_starts(str_span(&h->target), schemes[i]);
	str_clear(&h->label);
	h->pictures = false;
	if (h->in_link && h->links.n + h->target.n + 16 > HTML_LINKS) {
		put_list(h);
		new_line(h);
	}
}

/* Without what says nothing: the scheme, and the last slash. */
static struct span bare(struct span url)
{
	static const char prefixes[][9] = { "http://", "https://", "mailto:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (span_starts(url, prefixes[i])) {
			url = span_rest(url, strlen(prefixes[i]));
			break;
		}
	if (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

/* Would a reader take the text for an address? */
static bool is_address(struct span text)
{
	size_t dot = span_find(text, '.');

	return span_starts(text, "http:") || span_starts(text, "https:") ||
			span_starts(text, "www.") ||
			(dot && dot + 2 < text.n &&
			 span_isalnum(text, "-._~:/?#[]@!$&'()*+,;=%"));
}

/* The number of the target; one that is known has it already. */
static unsigned number_of(struct html *h)
{
	struct span url = str_span(&h->target);
	struct html_known *known;

	for (size_t i = 0; i < HTML_KNOWN; i++) {
		known = &h->known[i];
		if (known->n < h->first || !known->n)
			continue;
		if (span_eq(url, span_sub(str_span(&h->links), known->at,
				url.n)) && h->links.p[known->at + url.n] == '\n')
			return known->n;
	}
	known = &h->known[++h->link % HTML_KNOWN];
	str_addf(&h->links, "[%u] ", h->link);
	known->n = h->link;
	known->at = (unsigned)h->links.n;
	str_add(&h->links, url);
	str_addc(&h->links, '\n');
	return h->link;
}

/* Behind the link's text, and be it in a block that has ended. */
static void put_number(struct html *h)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "[%u]", number_of(h));

	if (h->breaks && h->started && h->label.n && !h->word.n) {
		put_bytes(h, text, (size_t)n);
		h->column += (unsigned)n;
		return;
	}
	for (int i = 0; i < n; i++)
		add_char(h, (unsigned char)text[i]);
}

void html_link_end(struct html *h)
{
	struct span label = str_span(&h->label);
	struct span target = str_span(&h->target);

	if (!h->in_link)
		return;
	h->in_link = false;
	if (!label.n && !h->pictures)
		return;		/* <a name="..."> and the like */
	if (span_caseeq(bare(label), bare(target)))
		return;
	if (!is_address(label)) {
		put_number(h);
		return;
	}
	html_char(h, ' ');
	html_char(h, '<');
	while (target.n)
		add_char(h, utf8_next(&target));
	html_char(h, '>');
}

void html_finish(struct html *h)
{
	html_link_end(h);
	flush_word(h);
	if (h->column)
		new_line(h);
	flush_line(h);
	if (h->links.n && !h->over)
		put_list(h);
	flush_line(h);
}
