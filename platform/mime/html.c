#include "mime/html_private.h"

#include <string.h>
#include "base/utf8.h"
#include "mime/param.h"

#define CHUNK 1024		/* octets that are converted at a time */
#define LOOKED_MOST 4096	/* where a document may say its charset */
#define ALT_MOST 512

/* The states of the tokenizer of HTML (13.2.5), as far as they matter here. */
enum state {
	STATE_TEXT,
	STATE_OPEN,		/* "<", "</" */
	STATE_TAG,		/* its name */
	STATE_GAP,		/* between attributes */
	STATE_ATTRIBUTE,	/* its name */
	STATE_EQUALS,		/* behind the name */
	STATE_BEFORE,		/* before the value */
	STATE_VALUE,
	STATE_BANG,		/* "<!", "<!-" */
	STATE_COMMENT,
	STATE_BOGUS		/* what ends at the next ">" */
};

/* ---- elements */

enum element {
	ELEMENT_BLOCK, ELEMENT_A, ELEMENT_BR, ELEMENT_CELL, ELEMENT_HR,
	ELEMENT_IMG, ELEMENT_ITEM, ELEMENT_OL, ELEMENT_PRE, ELEMENT_QUOTE,
	ELEMENT_RAW, ELEMENT_TR, ELEMENT_UL, ELEMENT_VOID
};

static const struct row {
	char name[11];
	unsigned char lines;	/* at both its ends */
	unsigned char element;
} rows[] = {
	{ "a", 0, ELEMENT_A }, { "address", 1, ELEMENT_BLOCK },
	{ "area", 0, ELEMENT_VOID }, { "article", 1, ELEMENT_BLOCK },
	{ "base", 0, ELEMENT_VOID }, { "blockquote", 1, ELEMENT_QUOTE },
	{ "body", 1, ELEMENT_BLOCK }, { "br", 0, ELEMENT_BR },
	{ "caption", 1, ELEMENT_BLOCK }, { "center", 1, ELEMENT_BLOCK },
	{ "col", 0, ELEMENT_VOID }, { "dd", 1, ELEMENT_BLOCK },
	{ "dir", 2, ELEMENT_UL }, { "div", 1, ELEMENT_BLOCK },
	{ "dl", 2, ELEMENT_BLOCK }, { "dt", 1, ELEMENT_BLOCK },
	{ "embed", 0, ELEMENT_VOID }, { "fieldset", 1, ELEMENT_BLOCK },
	{ "figure", 1, ELEMENT_BLOCK }, { "footer", 1, ELEMENT_BLOCK },
	{ "form", 1, ELEMENT_BLOCK }, { "h1", 2, ELEMENT_BLOCK },
	{ "h2", 2, ELEMENT_BLOCK }, { "h3", 2, ELEMENT_BLOCK },
	{ "h4", 2, ELEMENT_BLOCK }, { "h5", 2, ELEMENT_BLOCK },
	{ "h6", 2, ELEMENT_BLOCK }, { "header", 1, ELEMENT_BLOCK },
	{ "hr", 1, ELEMENT_HR }, { "iframe", 0, ELEMENT_RAW },
	{ "img", 0, ELEMENT_IMG }, { "input", 0, ELEMENT_VOID },
	{ "li", 1, ELEMENT_ITEM }, { "link", 0, ELEMENT_VOID },
	{ "listing", 2, ELEMENT_PRE }, { "main", 1, ELEMENT_BLOCK },
	{ "menu", 2, ELEMENT_UL }, { "meta", 0, ELEMENT_VOID },
	{ "nav", 1, ELEMENT_BLOCK }, { "noembed", 0, ELEMENT_RAW },
	{ "noframes", 0, ELEMENT_RAW }, { "ol", 2, ELEMENT_OL },
	{ "p", 2, ELEMENT_BLOCK }, { "pre", 2, ELEMENT_PRE },
	{ "script", 0, ELEMENT_RAW }, { "section", 1, ELEMENT_BLOCK },
	{ "source", 0, ELEMENT_VOID }, { "style", 0, ELEMENT_RAW },
	{ "table", 1, ELEMENT_BLOCK }, { "td", 0, ELEMENT_CELL },
	{ "th", 0, ELEMENT_CELL }, { "title", 0, ELEMENT_RAW },
	{ "tr", 1, ELEMENT_TR }, { "ul", 2, ELEMENT_UL },
	{ "wbr", 0, ELEMENT_VOID }, { "xmp", 2, ELEMENT_PRE }
};

static const struct row *row_of(const char *tag)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, tag))
			return &rows[i];
	return NULL;
}

static void list_begin(struct html *h, bool numbered)
{
	if (h->lists++ < HTML_LISTS)
		h->list[h->lists - 1] = (struct html_list){
			.numbered = numbered,
			.n = h->start ? (unsigned)h->start : 1
		};
}

static void count_down(unsigned *n)
{
	*n -= *n > 0;
}

static void image(struct html *h)
{
	if (h->tiny)
		return;
	h->pictures = true;
	if (!span_trim(str_span(&h->alt)).n)
		return;
	html_char(h, '[');
	html_text(h, span_trim(str_span(&h->alt)));
	html_char(h, ']');
}

static void begin_element(struct html *h, const struct row *row)
{
	switch ((enum element)row->element) {
	case ELEMENT_A:
		html_link(h);
		break;
	case ELEMENT_BR:
		html_line_break(h);
		break;
	case ELEMENT_CELL:
		html_cell(h);
		break;
	case ELEMENT_HR:
		html_rule(h);
		break;
	case ELEMENT_IMG:
		image(h);
		break;
	case ELEMENT_ITEM:
		html_item(h);
		break;
	case ELEMENT_OL:
	case ELEMENT_UL:
		list_begin(h, row->element == ELEMENT_OL);
		break;
	case ELEMENT_PRE:
		h->pre++;
		h->fresh = true;
		break;
	case ELEMENT_QUOTE:
		h->quotes++;
		break;
	case ELEMENT_RAW:
		memcpy(h->raw, h->tag, sizeof(h->raw));
		break;
	default:
		break;
	}
}

static void end_element(struct html *h, const struct row *row)
{
	switch ((enum element)row->element) {
	case ELEMENT_A:
		html_link_end(h);
		break;
	case ELEMENT_BR:	/* </br> is one, too */
		html_line_break(h);
		break;
	case ELEMENT_CELL:
		html_cell_end(h);
		break;
	case ELEMENT_ITEM:
		h->item = false;
		break;
	case ELEMENT_OL:
	case ELEMENT_UL:
		count_down(&h->lists);
		h->item = false;
		break;
	case ELEMENT_PRE:
		count_down(&h->pre);
		break;
	case ELEMENT_QUOTE:
		count_down(&h->quotes);
		html_break(h, 2);
		break;
	default:
		break;
	}
}

/* Inside what is not shown? The elements of its name are counted. */
static bool is_hidden(struct html *h, const struct row *row)
{
	bool empty = row && (row->element == ELEMENT_VOID ||
			row->element == ELEMENT_BR ||
			row->element == ELEMENT_HR ||
			row->element == ELEMENT_IMG);

	if (!h->hidden_n && h->hide && !h->closing && !empty) {
		memcpy(h->hidden, h->tag, sizeof(h->hidden));
		h->hidden_n = 1;
		return true;
	}
	if (!h->hidden_n)
		return h->hide && !h->closing;
	if (!strcmp(h->hidden, "p") && row && row->lines && !h->closing) {
		h->hidden_n = 0;	/* HTML has no block in a paragraph */
		return h->hide;
	}
	if (!strcmp(h->hidden, h->tag))
		h->hidden_n += h->closing ? -1U : 1U;
	return true;
}

/* A tag is complete. */
static void end_tag(struct html *h)
{
	const struct row *row = row_of(h->tag);

	h->state = STATE_TEXT;
	if (*h->raw) {
		*h->raw = '\0';		/* nothing else gets here */
		return;
	}
	if (is_hidden(h, row)) {
		if (row && row->element == ELEMENT_RAW && !h->closing)
			memcpy(h->raw, h->tag, sizeof(h->raw));
		return;
	}
	if (!row)
		return;
	if (row->element == ELEMENT_TR)
		html_cell_end(h);
	if (row->lines)
		html_break(h, row->lines);
	if (h->closing)
		end_element(h, row);
	else
		begin_element(h, row);
	if (row->lines && (h->closing || row->element == ELEMENT_HR))
		html_break(h, row->lines);
}

/* ---- attributes */

/* Is it in a style, blanks and case aside? */
static bool style_has(struct span style, const char *what)
{
	for (size_t i = 0; i < style.n; i++) {
		const char *want = what;

		for (size_t j = i; j < style.n && *want; j++)
			if (ascii_lower(style.p[j]) == *want)
				want++;
			else if (!ascii_isspace(style.p[j]))
				break;
		if (!*want)
			return true;
	}
	return false;
}

/* The document says its charset: RFC 2854 2, HTML 4.2.5.4. */
static void declare(struct html *h, struct span name)
{
	struct charset charset;

	if (!h->undeclared || !charset_says(name))
		return;
	/* a tag in ASCII is not in UTF-16 */
	if (span_starts(name, "utf"))
		name = SPAN("utf-8");
	if (charset_begin(&charset, name) == 0) {
		charset_end(&h->charset, NULL);
		h->charset = charset;
		h->undeclared = false;
	} else {
		charset_end(&charset, NULL);
	}
}

static void meta_attribute(struct html *h, struct span value)
{
	struct param p;

	if (!strcmp(h->attribute, "charset"))
		declare(h, value);
	while (!strcmp(h->attribute, "content") && param_next(&value, &p))
		if (span_is(p.name, "charset"))
			declare(h, p.text);
}

/* An attribute is complete, its value too. */
static void end_attribute(struct html *h)
{
	struct span value = span_trim(str_span(&h->value));
	const char *name = h->attribute;

	if (!strcmp(h->tag, "meta"))
		meta_attribute(h, value);
	if (!strcmp(name, "href"))
		str_add(&h->href, value);
	else if (!strcmp(name, "alt"))
		str_add(&h->alt, value);
	else if (!strcmp(name, "hidden") || (!strcmp(name, "style") &&
			(style_has(value, "display:none") ||
			 style_has(value, "visibility:hidden"))))
		h->hide = true;
	else if (!strcmp(name, "width") || !strcmp(name, "height"))
		h->tiny |= span_is(value, "0") || span_is(value, "1");
	else if (!strcmp(name, "start"))
		span_number(value, 1000000, &h->start);
	str_clear(&h->value);
}

/* ---- characters */

static void append(char *name, unsigned char *n, size_t size, uint32_t c)
{
	if (*n < size - 1 && c < 128)
		name[(*n)++] = ascii_lower((char)c);
	name[*n] = '\0';
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void put_char(struct html *h, uint32_t c)
{
	if (h->state == STATE_VALUE)
		utf8_put(&h->value, c);
	else if (!h->hidden_n)
		html_char(h, c);
}

/* Behind a "&". false: the character is not of it, and still to be read. */
static bool entity_char(struct html *h, uint32_t c)
{
	uint32_t is;

	if (c < 128 && (ascii_isalnum((char)c) || c == '#') &&
	    h->entity_n < sizeof(h->entity)) {
		h->entity[h->entity_n++] = (char)c;
		return true;
	}
	h->in_entity = false;
	is = html_entity(span_make(h->entity, h->entity_n));
	/* "?a=1&copy=2" is an address, no copyright */
	if (is && (c == ';' || h->state == STATE_TEXT)) {
		put_char(h, is);
		return c == ';';
	}
	put_char(h, '&');
	for (unsigned i = 0; i < h->entity_n; i++)
		put_char(h, (unsigned char)h->entity[i]);
	return false;
}

static void begin_tag(struct html *h)
{
	h->tag_n = 0;
	h->hide = h->tiny = false;
	h->start = 0;
	str_clear(&h->href);
	str_clear(&h->alt);
	h->state = STATE_TAG;
}

static void begin_attribute(struct html *h)
{
	h->attribute_n = 0;
	str_clear(&h->value);
	h->state = STATE_ATTRIBUTE;
}

static void read_char(struct html *h, uint32_t c);

static void in_open(struct html *h, uint32_t c)
{
	bool letter = c < 128 && ascii_isalnum((char)c) &&
			!ascii_isdigit((char)c);

	if (letter) {
		begin_tag(h);
		read_char(h, c);
	} else if (c == '/' && !h->closing) {
		h->closing = true;
	} else if (*h->raw) {
		h->state = STATE_TEXT;
	} else if (!h->closing && (c == '!' || c == '?')) {
		h->state = STATE_BANG;
		h->dashes = 0;
	} else if (h->closing) {
		h->state = c == '>' ? STATE_TEXT : STATE_BOGUS;
	} else {
		h->state = STATE_TEXT;
		put_char(h, '<');
		read_char(h, c);
	}
}

static void in_tag(struct html *h, uint32_t c)
{
	bool end = is_blank(c) || c == '/' || c == '>';

	if (!end) {
		append(h->tag, &h->tag_n, sizeof(h->tag), c);
	} else if (*h->raw && (!h->closing || strcmp(h->raw, h->tag) != 0)) {
		h->state = STATE_TEXT;
		read_char(h, c);
	} else {
		h->state = STATE_GAP;
		read_char(h, c);
	}
}

static void in_gap(struct html *h, uint32_t c)
{
	if (c == '>') {
		end_tag(h);
	} else if (!is_blank(c) && c != '/') {
		begin_attribute(h);
		append(h->attribute, &h->attribute_n, sizeof(h->attribute), c);
	}
}

static void in_attribute(struct html *h, uint32_t c)
{
	if (c == '=') {
		h->state = STATE_BEFORE;
	} else if (is_blank(c) && h->state == STATE_ATTRIBUTE) {
		h->state = STATE_EQUALS;
	} else if (is_blank(c)) {
		/* "name =" */
	} else if (c == '>' || c == '/' || h->state == STATE_EQUALS) {
		end_attribute(h);
		h->state = STATE_GAP;
		read_char(h, c);
	} else {
		append(h->attribute, &h->attribute_n, sizeof(h->attribute), c);
	}
}

static void in_value(struct html *h, uint32_t c)
{
	if (h->quote ? c == (unsigned char)h->quote :
			is_blank(c) || c == '>') {
		end_attribute(h);
		h->state = STATE_GAP;
		if (c == '>' && !h->quote)
			read_char(h, c);
	} else if (c == '&') {
		h->in_entity = true;
		h->entity_n = 0;
	} else {
		put_char(h, c);
	}
}

static void before_value(struct html *h, uint32_t c)
{
	if (is_blank(c))
		return;
	h->quote = c == '"' || c == '\'' ? (char)c : 0;
	h->state = STATE_VALUE;
	if (!h->quote)
		in_value(h, c);
}

static void in_comment(struct html *h, uint32_t c)
{
	if (c == '>' && (h->dashes >= 2 || h->state == STATE_BOGUS))
		h->state = STATE_TEXT;
	else if (c != '-')
		h->dashes = 0;
	else if (h->dashes < 2)
		h->dashes++;
}

/* "<!" and perhaps a "-" */
static void in_bang(struct html *h, uint32_t c)
{
	if (c == '-' && h->dashes++ == 0)
		return;
	/* "<!-->" is a whole comment */
	h->state = c == '-' ? STATE_COMMENT : STATE_BOGUS;
	if (c == '-')
		h->dashes = 2;
	else
		read_char(h, c);
}

static void in_text(struct html *h, uint32_t c)
{
	if (c == '<') {
		h->state = STATE_OPEN;
		h->closing = false;
	} else if (*h->raw) {
		return;
	} else if (c == '&') {
		h->in_entity = true;
		h->entity_n = 0;
	} else {
		put_char(h, c);
	}
}

static void read_char(struct html *h, uint32_t c)
{
	static void (*const states[])(struct html *, uint32_t) = {
		[STATE_TEXT] = in_text, [STATE_OPEN] = in_open,
		[STATE_TAG] = in_tag, [STATE_GAP] = in_gap,
		[STATE_ATTRIBUTE] = in_attribute,
		[STATE_EQUALS] = in_attribute, [STATE_BEFORE] = before_value,
		[STATE_VALUE] = in_value, [STATE_BANG] = in_bang,
		[STATE_COMMENT] = in_comment, [STATE_BOGUS] = in_comment
	};

	if (!h->in_entity || !entity_char(h, c))
		states[h->state](h, c);
}

/* ---- */

void html_init(struct html *h, unsigned width, struct span charset,
		bool (*put)(void *arg, struct span text), void *arg)
{
	*h = (struct html){
		.put = put, .arg = arg, .width = width, .first = 1,
		.undeclared = !charset_says(charset)
	};
	charset_begin(&h->charset, charset);
	str_init(&h->text, 4 * CHUNK + 64);
	str_init(&h->word, HTML_WORD);
	str_init(&h->value, HTML_URL);
	str_init(&h->href, HTML_URL);
	str_init(&h->target, HTML_URL);
	str_init(&h->label, HTML_URL);
	str_init(&h->alt, ALT_MOST);
	str_init(&h->links, HTML_LINKS);
}

static void read_text(struct html *h)
{
	struct span text = str_span(&h->text);

	while (text.n && !h->over)
		read_char(h, utf8_next(&text));
	str_clear(&h->text);
}

void html_put(struct html *h, struct span octets)
{
	while (octets.n && !h->over) {
		struct span piece = span_sub(octets, 0, CHUNK);

		/* tag by tag: behind one another charset may hold */
		if (h->undeclared && h->looked < LOOKED_MOST) {
			piece.n = span_sub(piece, 0, span_find(piece, '>') +
					1).n;
			h->looked += (unsigned)piece.n;
		}
		octets = span_rest(octets, piece.n);
		charset_put(&h->charset, &h->text, piece);
		read_text(h);
	}
}

void html_end(struct html *h)
{
	charset_end(&h->charset, &h->text);
	read_text(h);
	if (h->in_entity)
		entity_char(h, 0);
	if (!h->over)
		html_finish(h);
	str_free(&h->text);
	str_free(&h->word);
	str_free(&h->value);
	str_free(&h->href);
	str_free(&h->target);
	str_free(&h->label);
	str_free(&h->alt);
	str_free(&h->links);
}
