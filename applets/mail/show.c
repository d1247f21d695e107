#include "mail/show.h"

#include <inttypes.h>
#include <string.h>
#include "mail/box.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/part.h"
#include "mime/word.h"

#define LINE_MOST 4096		/* a longer line of plain text goes in pieces */
#define DECODED_MOST (4 * MAIL_SHOW_MOST)

/*
 * Fields that tell the reader nothing; a name that ends in '-' stands for all
 * that begin so. `Print` shows them.
 */
static const char *const ignored[] = {
	"ARC-", "Authentication-Results", "Auto-Submitted", "Autocrypt",
	"Bounces-to", "Content-", "Delivered-To", "DKIM-", "DomainKey-",
	"Envelope-To", "Errors-To", "Feedback-ID", "In-Reply-To", "List-",
	"Message-ID", "MIME-Version", "Original-", "Precedence", "Received",
	"Received-SPF", "References", "Return-Path", "Sensitivity", "Status",
	"Thread-", "User-Agent", "X-"
};

struct view {
	struct mail *m;
	bool all, quote;
	unsigned most, lines;		/* of the body, when most is not 0 */
	const char *prefix;
	bool (*put)(void *arg, struct span piece);
	void *arg;
	/* the message on its way */
	struct str data;		/* header; then MIME data or a line */
	enum view_phase { VIEW_HEADER, VIEW_STREAM, VIEW_COLLECT } phase;
	struct span charset;		/* VIEW_STREAM; is charset_text */
	char charset_text[64];
	unsigned parts;
	bool cut, over;
	bool line_open;			/* quoting: inside a line */
};

/* ---- output, to the terminal or to a draft */

static void quote_text(struct view *v, struct span text)
{
	while (text.n && !v->over) {
		size_t n = span_find(text, '\n');
		struct span line = span_sub(text, 0, n < text.n ? n + 1 : n);

		if (!v->line_open && !v->put(v->arg, span_of(v->prefix)))
			v->over = true;
		if (!v->over && !v->put(v->arg, line))
			v->over = true;
		v->line_open = n == text.n;
		text = span_sub(text, line.n, text.n);
	}
}

static void emit(struct view *v, struct span text)
{
	if (v->quote) {
		quote_text(v, text);
		return;
	}
	mail_term_text(&v->m->term, text);
	if (mail_term_stopped(&v->m->term))
		v->over = true;
}

/* Text of the body: counted against `most`. */
static void emit_body(struct view *v, struct span text)
{
	size_t n = 0;

	while (v->most && n < text.n && v->lines < v->most)
		v->lines += text.p[n++] == '\n';
	if (v->most)
		text.n = n;
	emit(v, text);
	if (v->most && v->lines >= v->most)
		v->over = true;
}

/* ---- the header */

static bool is_ignored(struct span name)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
		size_t n = strlen(ignored[i]);
		bool prefix = ignored[i][n - 1] == '-';

		if (prefix ? span_starts(name, ignored[i]) :
				span_is(name, ignored[i]))
			return true;
	}
	return false;
}

static void emit_field(struct view *v, const struct header_field *f)
{
	struct str value, text;

	str_init(&value, MAIL_HEADER_MOST);
	str_init(&text, MAIL_HEADER_MOST);
	header_unfold(&value, f->value);
	str_add(&text, f->name);
	str_adds(&text, ": ");
	word_decode(&text, str_span(&value));
	str_addc(&text, '\n');
	emit(v, str_span(&text));
	str_free(&value);
	str_free(&text);
}

static void emit_header(struct view *v, struct span header)
{
	struct header_field f;

	while (!v->over && header_next(&header, &f))
		if (v->all || !is_ignored(f.name))
			emit_field(v, &f);
	emit(v, SPAN("\n"));
}

/* ---- plain text passes through */

static bool is_plain_encoding(struct span encoding)
{
	return !encoding.n || span_is(encoding, "7bit") ||
			span_is(encoding, "8bit") ||
			span_is(encoding, "binary");
}

static bool keep_first(void *arg, const struct part *p)
{
	*(struct part *)arg = *p;
	return false;
}

/* Can each line be converted alone? */
static bool is_line_charset(struct span charset)
{
	return !span_starts(charset, "iso-2022") &&
			!span_starts(charset, "utf-16");
}

/* Is the message one text that needs no decoding? */
static bool can_stream(struct view *v, struct span header)
{
	struct part p = { .depth = 0 };

	part_each(header, keep_first, &p);
	if (!span_is(p.type, "text") || !span_is(p.subtype, "plain") ||
	    p.attachment || !is_plain_encoding(p.encoding) ||
	    !is_line_charset(p.charset))
		return false;
	if (str_copy(v->charset_text, sizeof(v->charset_text), p.charset) < 0)
		v->charset_text[0] = '\0';
	v->charset = span_of(v->charset_text);
	return true;
}

static void emit_line(struct view *v, struct span line)
{
	struct str text;

	str_init(&text, LINE_MOST * 4);
	charset_to_utf8(&text, line, v->charset);
	emit_body(v, str_span(&text));
	str_free(&text);
}

/* How much of a line that is too long can go now: no UTF-8 sequence is cut. */
static size_t safe_cut(struct span line)
{
	size_t n = line.n;

	while (n > 1 && line.n - n < 3 && (line.p[n - 1] & 0xC0) == 0x80)
		n--;
	if (n > 1 && (unsigned char)line.p[n - 1] >= 0xC0)
		return n - 1;
	return line.n;
}

static void stream(struct view *v, struct span piece)
{
	while (piece.n && !v->over) {
		size_t room = LINE_MOST - v->data.n;
		size_t n = span_find(piece, '\n');

		n = n < piece.n ? n + 1 : n;
		n = n < room ? n : room;
		str_add(&v->data, span_sub(piece, 0, n));
		piece = span_sub(piece, n, piece.n);
		if (v->data.p[v->data.n - 1] == '\n') {
			emit_line(v, str_span(&v->data));
			str_clear(&v->data);
		} else if (v->data.n == LINE_MOST) {
			n = safe_cut(str_span(&v->data));
			emit_line(v, span_make(v->data.p, n));
			str_cut(&v->data, n);
		}
	}
}

/* ---- MIME */

static bool shows_inline(const struct part *p)
{
	static const char *const types[3][2] = {
		{ "text", "plain" }, { "message", "delivery-status" },
		{ "text", "rfc822-headers" }
	};

	for (size_t i = 0; !p->attachment && i < 3; i++)
		if (span_is(p->type, types[i][0]) &&
		    span_is(p->subtype, types[i][1]))
			return true;
	return false;
}

/* "23 kB" of the octets behind the encoding. */
static void add_size(struct str *out, const struct part *p)
{
	uint64_t n = p->body.n;

	if (span_is(p->encoding, "base64"))
		n = n / 78 * 57 + n % 78 * 3 / 4;
	if (n < 1000)
		str_addf(out, "%" PRIu64 " bytes", n);
	else if (n < 1000000)
		str_addf(out, "%" PRIu64 " kB", (n + 500) / 1000);
	else
		str_addf(out, "%" PRIu64 " MB", (n + 500000) / 1000000);
}

/* "[part 2: application/pdf, report.pdf, 23 kB]" */
static void emit_label(struct view *v, const struct part *p, bool cut)
{
	struct str text, name;

	str_init(&text, 4096);
	str_init(&name, 1024);
	word_decode(&name, p->name);
	str_addf(&text, "[part %u: ", v->parts);
	str_add(&text, span_sub(p->type, 0, 60));
	str_addc(&text, '/');
	str_add(&text, span_sub(p->subtype, 0, 100));
	if (name.n)
		str_adds(&text, ", ");
	str_add(&text, str_span(&name));
	str_adds(&text, cut ? ", more than " : ", ");
	add_size(&text, p);
	str_adds(&text, "]\n");
	emit_body(v, str_span(&text));
	str_free(&text);
	str_free(&name);
}

static bool show_part(void *arg, const struct part *p)
{
	struct view *v = arg;
	const char *end = v->data.p + v->data.n;
	struct str text;

	v->parts++;
	if (!shows_inline(p)) {
		emit_label(v, p, v->cut && p->body.p + p->body.n == end);
		return !v->over;
	}
	if (v->parts > 1)
		emit_body(v, SPAN("\n"));
	str_init(&text, DECODED_MOST);
	part_decode(&text, p);
	if (text.n && text.p[text.n - 1] != '\n')
		str_addc(&text, '\n');
	emit_body(v, str_span(&text));
	str_free(&text);
	return !v->over;
}

/* ---- the message, piece by piece */

static void end_header(struct view *v, size_t size)
{
	struct span header = span_sub(str_span(&v->data), 0, size);
	struct str rest;

	/* quoting has no use for other people's header fields */
	if (!v->quote)
		emit_header(v, header);
	if (!can_stream(v, header)) {
		v->phase = VIEW_COLLECT;
		return;
	}
	v->phase = VIEW_STREAM;
	rest = v->data;
	str_init(&v->data, LINE_MOST);
	stream(v, span_sub(str_span(&rest), size, rest.n));
	str_free(&rest);
}

static bool collect(struct view *v, struct span piece)
{
	size_t room = MAIL_SHOW_MOST - v->data.n;

	v->cut = piece.n > room;
	str_add(&v->data, span_sub(piece, 0, room));
	return !v->cut;
}

static bool on_piece(void *arg, struct span piece)
{
	struct view *v = arg;
	size_t from = v->data.n > 2 ? v->data.n - 2 : 0, size;

	if (v->phase == VIEW_STREAM) {
		stream(v, piece);
		return !v->over;
	}
	if (!collect(v, piece) || v->phase == VIEW_COLLECT)
		return !v->cut;
	size = mail_box_header_end(str_span(&v->data), from);
	if (!size && v->data.n >= MAIL_HEADER_MOST)
		size = v->data.n;
	if (size)
		end_header(v, size);
	return !v->over;
}

static void finish(struct view *v)
{
	if (v->phase == VIEW_HEADER)
		end_header(v, v->data.n);
	if (v->phase == VIEW_COLLECT && !v->over)
		part_each(str_span(&v->data), show_part, v);
	if (v->phase == VIEW_STREAM && !v->over && v->data.n) {
		str_addc(&v->data, '\n');
		emit_line(v, str_span(&v->data));
	}
	if (v->cut && !v->over)
		emit(v, SPAN("[cut here: the message is longer; "
				"save or write has all of it]\n"));
}

static int run_view(struct view *v, unsigned n, struct err *err)
{
	int rc;

	str_init(&v->data, MAIL_SHOW_MOST + 1);
	rc = mailbox_read(v->m->box, n, on_piece, v, err);
	if (rc == 0)
		finish(v);
	str_free(&v->data);
	return rc;
}

int mail_show_message(struct mail *m, unsigned n, bool all, unsigned most)
{
	struct view v = { .m = m, .all = all, .most = most };
	struct err err;
	int rc;

	mail_term_page_begin(&m->term);
	mail_term_printf(&m->term, "Message %u:\n", n);
	rc = run_view(&v, n, &err);
	mail_term_page_end(&m->term);
	if (rc < 0) {
		mail_term_error(&m->term, "mail: message %u: %s", n, err.text);
		return -1;
	}
	mail_box_touch(m, n);
	return 0;
}

int mail_show_quote(struct mail *m, unsigned n, const char *prefix,
		bool (*put)(void *arg, struct span piece), void *arg)
{
	struct view v = {
		.m = m, .quote = true, .prefix = prefix, .put = put, .arg = arg
	};
	struct err err;

	if (run_view(&v, n, &err) < 0) {
		mail_term_error(&m->term, "mail: message %u: %s", n, err.text);
		return -1;
	}
	if (v.line_open)
		put(arg, SPAN("\n"));
	return 0;
}
