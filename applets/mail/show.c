#include "mail/show.h"

#include <inttypes.h>
#include "mail/box.h"
#include "mime/charset.h"
#include "mime/header.h"
#include "mime/part.h"
#include "mime/word.h"

#define LINE_MOST 4096		/* a longer line of plain text goes in pieces */
#define DECODED_MOST (4 * MAIL_SHOW_MOST)

struct view {
	unsigned how;			/* MAIL_SHOW_... */
	bool (*put)(void *arg, struct span text);
	void *arg;
	enum view_phase { VIEW_HEADER, VIEW_STREAM, VIEW_COLLECT } phase;
	bool cut, over;
	struct str data;		/* header; then MIME data or a line */
	char charset[64];		/* of VIEW_STREAM */
	unsigned parts;
};

static void emit(struct view *v, struct span text)
{
	v->over = v->over || !v->put(v->arg, text);
}

/* ---- the header */

static bool is_shown(struct span name)
{
	static const char names[][9] = {
		"Date", "From", "To", "Cc", "Reply-To", "Subject"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

static void emit_header(struct view *v, struct span header)
{
	struct str value, text;
	struct header_field f;

	str_init(&value, MAIL_HEADER_MOST);
	str_init(&text, 2 * MAIL_HEADER_MOST);
	while (header_next(&header, &f)) {
		if (!(v->how & MAIL_SHOW_ALL) && !is_shown(f.name))
			continue;
		str_clear(&value);
		header_unfold(&value, f.value);
		str_add(&text, f.name);
		str_adds(&text, ": ");
		word_decode(&text, str_span(&value));
		str_addc(&text, '\n');
	}
	str_addc(&text, '\n');
	emit(v, str_span(&text));
	str_free(&value);
	str_free(&text);
}

/* ---- plain text passes through */

static bool is_text(const struct part *p)
{
	return !p->attachment && ((span_is(p->type, "text") &&
			 (span_is(p->subtype, "plain") ||
			  span_is(p->subtype, "rfc822-headers"))) ||
			(span_is(p->type, "message") &&
			 span_is(p->subtype, "delivery-status")));
}

static bool keep_first(void *arg, const struct part *p)
{
	*(struct part *)arg = *p;
	return false;
}

/* Is the message one text that needs no decoding, and each line is for itself? */
static bool can_stream(struct view *v, struct span header)
{
	struct part p = { .depth = 0 };

	part_each(header, keep_first, &p);
	str_copy(v->charset, sizeof(v->charset), p.charset);
	return is_text(&p) && !span_is(p.encoding, "base64") &&
			!span_is(p.encoding, "quoted-printable") &&
			!span_starts(p.charset, "iso-2022") &&
			!span_starts(p.charset, "utf-16");
}

static void emit_line(struct view *v, struct span line)
{
	struct str text;

	str_init(&text, LINE_MOST * 4);
	charset_to_utf8(&text, line, span_of(v->charset));
	emit(v, str_span(&text));
	str_free(&text);
}

static void stream(struct view *v, struct span piece)
{
	while (piece.n && !v->over) {
		struct span line = span_sub(piece, 0, LINE_MOST - v->data.n);

		line.n = span_sub(line, 0, span_find(line, '\n') + 1).n;
		str_add(&v->data, line);
		piece = span_rest(piece, line.n);
		line = str_span(&v->data);
		if (line.n < LINE_MOST && line.p[line.n - 1] != '\n')
			break;
		line.n = mail_term_whole(line);
		emit_line(v, line);
		str_cut(&v->data, line.n);
	}
}

/* ---- MIME */

/* "23 kB" of the octets behind the encoding. */
static void add_size(struct str *out, const struct part *p)
{
	uint64_t n = p->body.n;

	if (span_is(p->encoding, "base64"))
		n = n / 78 * 57 + n % 78 * 3 / 4;
	if (n < 1000)
		str_addf(out, "%u bytes]\n", (unsigned)n);
	else
		str_addf(out, "%u kB]\n", (unsigned)((n + 500) / 1000));
}

/* "[part 2: application/pdf, report.pdf, 23 kB]" */
static void add_label(struct view *v, struct str *out, const struct part *p)
{
	bool cut = v->cut && p->body.p + p->body.n == v->data.p + v->data.n;
	struct span type = span_sub(p->type, 0, 60);
	struct span subtype = span_sub(p->subtype, 0, 100);

	str_addf(out, "[part %u: %.*s/%.*s, ", v->parts, SPAN_ARG(type),
			SPAN_ARG(subtype));
	word_decode(out, p->name);
	str_adds(out, p->name.n ? ", " : "");
	str_adds(out, cut ? "more than " : "");
	add_size(out, p);
}

static bool show_part(void *arg, const struct part *p)
{
	struct view *v = arg;
	struct str text;

	v->parts++;
	str_init(&text, DECODED_MOST);
	if (is_text(p)) {
		if (v->parts > 1)
			str_addc(&text, '\n');
		part_decode(&text, p);
		if (text.n && text.p[text.n - 1] != '\n')
			str_addc(&text, '\n');
	} else {
		add_label(v, &text, p);
	}
	emit(v, str_span(&text));
	str_free(&text);
	return !v->over;
}

/* ---- the message, piece by piece */

static void end_header(struct view *v, size_t size)
{
	struct span header = span_sub(str_span(&v->data), 0, size);
	struct str rest = v->data;

	if (!(v->how & MAIL_SHOW_BODY))
		emit_header(v, header);
	v->phase = VIEW_COLLECT;
	if (!can_stream(v, header))
		return;
	v->phase = VIEW_STREAM;
	str_init(&v->data, LINE_MOST);
	stream(v, span_sub(str_span(&rest), size, rest.n));
	str_free(&rest);
}

static bool on_piece(void *arg, struct span piece)
{
	struct view *v = arg;
	size_t room = MAIL_SHOW_MOST - v->data.n, size;
	size_t from = v->data.n > 2 ? v->data.n - 2 : 0;

	if (v->phase == VIEW_STREAM) {
		stream(v, piece);
		return !v->over;
	}
	v->cut = piece.n > room;
	str_add(&v->data, span_sub(piece, 0, room));
	if (v->phase == VIEW_HEADER) {
		size = mail_box_header_end(str_span(&v->data), from);
		if (!size && v->data.n >= MAIL_HEADER_MOST)
			size = v->data.n;
		if (size)
			end_header(v, size);
	}
	return !v->cut && !v->over;
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
		emit(v, SPAN("[cut here: save has all of it]\n"));
}

int mail_show_render(struct mail *m, unsigned n, unsigned how,
		bool (*put)(void *arg, struct span text), void *arg)
{
	struct view v = { .how = how, .put = put, .arg = arg };
	int rc;

	str_init(&v.data, MAIL_SHOW_MOST + 1);
	rc = mailbox_read(m->box, n, on_piece, &v, &m->err);
	if (rc == 0)
		finish(&v);
	str_free(&v.data);
	return rc;
}

static bool put_text(void *arg, struct span text)
{
	mail_term_text(arg, text);
	return !mail_term_stopped(arg);
}

int mail_show_message(struct mail *m, unsigned n, unsigned how)
{
	int rc;

	mail_term_page_begin(&m->term);
	mail_term_printf(&m->term, "Message %u:\n", n);
	rc = mail_show_render(m, n, how, put_text, &m->term);
	mail_term_page_end(&m->term);
	if (rc < 0)
		return mail_failed(m);
	m->note[n] |= MAIL_READ;
	return 0;
}
