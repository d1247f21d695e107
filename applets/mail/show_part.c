/* What is shown of a message: its header, and what each part of it becomes. */
#include "mail/show_private.h"

#include <string.h>
#include "config.h"
#include "mail/fields.h"
#include "mail/part.h"
#include "mime/part.h"
#include "os/text.h"

#define PIECE 4096		/* octets that are decoded at a time */
#define HTML_WIDTH 72		/* columns where there is no screen: HTML has no lines */
#define NAME_MOST 250		/* octets of a file name in a label */

static bool emit(void *arg, struct span text)
{
	struct view *v = arg;

	if (text.n)
		v->last = text.p[text.n - 1];
	if (!v->stream.stop && !v->put(v->arg, text))
		v->stream.stop = true;
	return !v->stream.stop;
}

static bool emit_text(void *arg, struct span text)
{
	struct view *v = arg;

	v->visible = v->visible || span_trim(text).n;
	return emit(v, text);
}

/* ---- header fields */

static void on_field(void *arg, const struct header_field *f)
{
	struct view *v = arg;
	struct str value, text;

	/* the message's own header; those inside it are part of its text */
	if ((v->how & MAIL_SHOW_BODY && !v->begun) || v->only)
		return;
	if (!f) {
		v->fresh = true;
		emit(v, SPAN("\n"));
		return;
	}
	if (v->how & MAIL_SHOW_TOP ?
	    !mail_field_among(f->name, "From To Cc Subject") :
	    !(v->how & MAIL_SHOW_ALL) && !mail_field_shown(v->m, f->name))
		return;
	str_init(&text, 5 * STREAM_FIELD);
	str_init(&value, 5 * STREAM_FIELD);
	str_add(&text, f->name);
	str_adds(&text, ": ");
	mail_show_decode(&value, f);
	if (CFG_MAIL_FLOWED && v->width)
		mail_show_fold(&text, str_span(&value), v->width);
	else
		str_add(&text, str_span(&value));
	str_addc(&text, '\n');
	emit(v, str_span(&text));
	str_free(&value);
	str_free(&text);
}

/* ---- parts */

static enum view_kind kind_of(const struct view *v, const struct stream_part *p)
{
	bool text = mail_part_is_text(p) && (!p->attachment || v->only);

	/* asked for: an enclosed message as it came */
	text = text || (v->only && p->enclosed);

	if (CFG_MAIL_CALENDAR && mail_part_is_tnef(p))
		return TNEF;
	if (!text)
		return NAMED;
	if (span_is(p->subtype, "html"))
		return CFG_MAIL_HTML ? HTML : NAMED;
	if (CFG_MAIL_CALENDAR && span_is(p->subtype, "calendar"))
		return CALENDAR;
	return CFG_MAIL_FLOWED && span_is(part_param(p->type_value, "format"),
			"flowed") ? FLOWED : PLAIN;
}

/* Are texts hidden here, as another form of them was shown, or will be? */
static bool is_hidden(const struct view *v, const struct stream_part *p,
		enum view_kind kind)
{
	if (!mail_part_is_text(p) || p->attachment || kind == CALENDAR ||
	    v->how & MAIL_SHOW_ALL)
		return false;
	for (unsigned d = 0; d <= p->depth; d++)
		if (v->alt[d] == ALT_DONE || (v->alt[d] == ALT_OPEN &&
				v->rich && kind != HTML))
			return true;
	return false;
}

/* A free line between texts, and around labels. */
static void part_from_last(struct view *v, bool label)
{
	if (!v->fresh && !(label && v->labels))
		emit(v, SPAN("\n"));
	v->fresh = false;
	v->labels = label;
}

/* "[part 2: application/pdf, report.pdf, 23 kB]" */
static void emit_label(struct view *v)
{
	struct span name = span_sub(str_span(&v->name), 0, NAME_MOST);
	struct str text, size;

	name.n = mail_term_whole(name);
	str_init(&text, 2048);
	str_init(&size, 64);
	mail_part_size(&size, v->octets);
	if (name.n)
		str_addf(&text, T("[part %u: %s, %.*s, %s]\n"), v->number,
				str_c(&v->what), SPAN_ARG(name), str_c(&size));
	else
		str_addf(&text, T("[part %u: %s, %s]\n"), v->number,
				str_c(&v->what), str_c(&size));
	part_from_last(v, true);
	emit(v, str_span(&text));
	emit(v, str_span(&v->text));	/* names in a winmail.dat */
	str_clear(&v->text);
	str_free(&text);
	str_free(&size);
}

/* ---- a part's octets */

static bool on_tnef(void *arg, struct span name)
{
	struct view *v = arg;

	str_adds(&v->text, T("contains: "));
	str_add(&v->text, name);
	str_addc(&v->text, '\n');
	return true;
}

static bool on_calendar(void *arg, const char *label, struct span text)
{
	struct view *v = arg;
	struct str line;

	str_init(&line, 2 * CALENDAR_LINE);
	str_adds(&line, T(label));
	str_adds(&line, text.n ? ": " : "");
	str_add(&line, text);
	str_addc(&line, '\n');
	emit_text(v, str_span(&line));
	str_free(&line);
	return !v->stream.stop;
}

/* Text in UTF-8 on its way to the reader. */
static void put_text(struct view *v)
{
	struct span text = str_span(&v->text);

	if (CFG_MAIL_FLOWED && v->kind == FLOWED)
		flow_put(&v->as.flow, text);
	else if (text.n)
		emit_text(v, text);
	str_clear(&v->text);
}

static void put_octets(struct view *v)
{
	struct span raw = str_span(&v->raw);

	v->octets += raw.n;
	/* has the reader had enough? */
	emit(v, span_make(NULL, 0));
	if (CFG_MAIL_HTML && v->kind == HTML) {
		html_put(&v->as.html, raw);
	} else if (CFG_MAIL_CALENDAR && v->kind == CALENDAR) {
		calendar_put(&v->as.calendar, raw);
	} else if (CFG_MAIL_CALENDAR && v->kind == TNEF) {
		tnef_put(&v->as.tnef, raw);
	} else if (v->kind >= PLAIN) {
		charset_put(&v->charset, &v->text, raw);
		put_text(v);
	}
	str_clear(&v->raw);
}

static void on_body(void *arg, struct span piece)
{
	struct view *v = arg;

	while (piece.n && !v->stream.stop) {
		transfer_put(&v->transfer, &v->raw, span_sub(piece, 0, PIECE));
		put_octets(v);
		piece = span_rest(piece, PIECE);
	}
}

static void end_text(struct view *v)
{
	if (CFG_MAIL_HTML && v->kind == HTML) {
		html_end(&v->as.html);
	} else if (CFG_MAIL_CALENDAR && v->kind == CALENDAR) {
		calendar_end(&v->as.calendar);
	} else {
		charset_end(&v->charset, &v->text);
		put_text(v);
	}
	if (CFG_MAIL_FLOWED && v->kind == FLOWED)
		flow_end(&v->as.flow);
	if (v->last != '\n')
		emit(v, SPAN("\n"));
}

static void on_end(void *arg)
{
	struct view *v = arg;

	transfer_end(&v->transfer, &v->raw);
	put_octets(v);
	if (v->kind >= PLAIN)
		end_text(v);
	else if (v->kind != HIDDEN)
		emit_label(v);
	v->kind = HIDDEN;
	if (v->only && v->found)
		v->stream.stop = true;
	for (unsigned d = 0; v->visible && d <= v->depth; d++)
		if (v->alt[d] == ALT_OPEN)
			v->alt[d] = ALT_NOW;
}

/* ---- parts begin */

static void open_message(struct view *v, const struct stream_part *p)
{
	struct str text;

	str_init(&text, 512);
	str_addf(&text, T("[part %u: %s]\n"), p->number, str_c(&v->what));
	part_from_last(v, false);
	emit(v, str_span(&text));
	str_free(&text);
}

static void begin_text(struct view *v, const struct stream_part *p)
{
	struct span charset = part_param(p->type_value, "charset");

	v->last = '\n';
	part_from_last(v, false);
	if (CFG_MAIL_HTML && v->kind == HTML)
		html_init(&v->as.html, v->width ? v->width : HTML_WIDTH,
				charset, emit_text, v);
	else if (CFG_MAIL_CALENDAR && v->kind == CALENDAR)
		calendar_init(&v->as.calendar, charset, on_calendar, v);
	else
		charset_begin(&v->charset, charset);
	if (CFG_MAIL_FLOWED && v->kind == FLOWED)
		flow_init(&v->as.flow, v->width, span_is(part_param(
				p->type_value, "delsp"), "yes"), emit_text, v);
}

static bool on_begin(void *arg, const struct stream_part *p)
{
	struct view *v = arg;

	v->begun = true;
	if (v->alt[p->depth] == ALT_NOW)
		v->alt[p->depth] = ALT_DONE;
	v->alt[p->depth + 1] = !p->number && span_is(p->subtype,
			"alternative") ? ALT_OPEN : ALT_NONE;
	if (!p->number)
		return false;
	v->number = p->number;
	v->depth = p->depth;
	v->octets = 0;
	v->visible = false;
	str_clear(&v->what);
	str_clear(&v->name);
	mail_part_kind(&v->what, p);
	mail_part_name(&v->name, p);
	v->found = v->only == p->number;
	if (p->enclosed && !v->found) {
		if (!v->only)
			open_message(v, p);
		return true;
	}
	transfer_begin(&v->transfer, p->encoding);
	v->kind = kind_of(v, p);
	if (v->only ? !v->found : is_hidden(v, p, v->kind))
		v->kind = HIDDEN;
	else if (v->kind >= PLAIN)
		begin_text(v, p);
	else if (CFG_MAIL_CALENDAR && v->kind == TNEF)
		tnef_init(&v->as.tnef, on_tnef, v);
	return false;
}

/* ---- */

void mail_view_begin(struct view *v)
{
	v->fresh = true;
	v->stream = (struct stream){
		.arg = v, .field = on_field, .begin = on_begin,
		.body = on_body, .end = on_end
	};
	str_init(&v->raw, PIECE + TRANSFER_HELD);
	str_init(&v->text, 4 * (PIECE + TRANSFER_HELD) + 64);
	str_init(&v->what, 256);
	str_init(&v->name, 4096);
	stream_begin(&v->stream);
}

void mail_view_end(struct view *v)
{
	stream_end(&v->stream);
	if (v->kind >= PLAIN)
		end_text(v);
	str_free(&v->raw);
	str_free(&v->text);
	str_free(&v->what);
	str_free(&v->name);
}
