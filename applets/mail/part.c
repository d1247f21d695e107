/* What a part is called, and what is in it. */
#include "mail/part.h"

#include "base/utf8.h"
#include "config.h"
#include "mime/charset.h"
#include "mime/param.h"
#include "mime/part.h"
#include "mime/transfer.h"
#include "os/text.h"

#define SAVED_MOST 200		/* octets of a file's name */
#define PIECE 4096		/* that are decoded at a time */

/* What is more readable than its type, and says what we cannot do. */
static const struct {
	const char *type, *subtype, *text;
} names[] = {
	{ "application", "pgp-signature", N_("PGP signature") },
	{ "application", "pgp-encrypted", N_("PGP encrypted message") },
	{ "application", "pgp-keys", N_("PGP key") },
	{ "application", "pkcs7-signature", N_("S/MIME signature") },
	{ "application", "x-pkcs7-signature", N_("S/MIME signature") },
	{ "application", "pkcs7-mime", N_("S/MIME signed or encrypted message") },
	{ "application", "x-pkcs7-mime", N_("S/MIME signed or encrypted message") },
	{ "message", "rfc822", N_("message") },
	{ "message", "global", N_("message") },
	{ "message", "news", N_("message") },
	{ "message", "external-body", N_("kept elsewhere") },
	{ "message", "partial", N_("piece of a message") }
};

bool mail_part_is_tnef(const struct stream_part *p)
{
	return span_ends(p->subtype, "ms-tnef") ||
			span_is(part_param(p->place_value, "filename"),
				"winmail.dat") ||
			span_is(part_param(p->type_value, "name"),
				"winmail.dat");
}

void mail_part_kind(struct str *out, const struct stream_part *p)
{
	if (CFG_MAIL_CALENDAR && mail_part_is_tnef(p)) {
		str_adds(out, T("Outlook's winmail.dat (TNEF)"));
		return;
	}
	for (size_t i = 0; CFG_MAIL_PARTS &&
			i < sizeof(names) / sizeof(*names); i++)
		if (span_is(p->type, names[i].type) &&
		    span_is(p->subtype, names[i].subtype)) {
			str_adds(out, T(names[i].text));
			return;
		}
	str_add(out, span_sub(p->type, 0, 60));
	str_addc(out, '/');
	str_add(out, span_sub(p->subtype, 0, 100));
}

void mail_part_name(struct str *out, const struct stream_part *p)
{
	if (!param_text(out, p->place_value, "filename"))
		param_text(out, p->type_value, "name");
	if (!span_trim(str_span(out)).n)
		str_clear(out);
}

void mail_part_size(struct str *out, uint64_t octets)
{
	if (octets < 1000)
		str_addf(out, T("%u bytes"), (unsigned)octets);
	else if (octets < 10 * 1000 * 1000)
		str_addf(out, T("%u kB"), (unsigned)((octets + 500) / 1000));
	else
		str_addf(out, T("%llu MB"), (unsigned long long)
				((octets + 500000) / 1000000));
}

bool mail_part_is_text(const struct stream_part *p)
{
	static const char reports[][24] = {
		"delivery-status", "disposition-notification",
		"feedback-report", "global-"
	};

	/* one without parts is what stands in it */
	if (span_is(p->type, "text") || span_is(p->type, "multipart"))
		return true;
	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++)
		if (span_is(p->type, "message") &&
		    span_starts(p->subtype, reports[i]))
			return true;
	return false;
}

/* ---- file names */

/* What a terminal obeys or hides, and what a shell, or we, would read as more than a name. */
static bool is_harmful(uint32_t c)
{
	return utf8_width(c) < 0 || c == 0xFFFD || c == 127 ||
			(c < 128 && span_has(SPAN("/\\$`*?[{\"'|&;<>~"),
				(char)c)) ||
			(c >= 0x200B && c <= 0x200F) ||
			(c >= 0x202A && c <= 0x202E) ||
			(c >= 0x2060 && c <= 0x206F) || c == 0x061C ||
			c == 0xFEFF;
}

static void add_default(struct str *out, const struct stream_part *p)
{
	static const char *const endings[][2] = {
		{ "plain", ".txt" }, { "html", ".html" },
		{ "rfc822", ".eml" }, { "calendar", ".ics" }
	};

	str_addf(out, "part%u", p->number);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (span_is(p->subtype, endings[i][0]))
			str_adds(out, endings[i][1]);
}

void mail_part_safe_name(struct str *out, const struct stream_part *p)
{
	struct span name;
	struct str given;

	str_init(&given, 4096);
	mail_part_name(&given, p);
	name = str_span(&given);
	for (size_t i = 0; i < name.n; )
		if (name.p[i] == '/' || name.p[i] == '\\') {
			name = span_rest(name, i + 1);
			i = 0;
		} else {
			i++;
		}
	while (name.n && span_has(SPAN(". \t-+%#@"), name.p[0]))
		name = span_rest(name, 1);
	name = span_trim(name);
	while (name.n && out->n < SAVED_MOST) {
		uint32_t c = utf8_next(&name);

		utf8_put(out, is_harmful(c) ? '_' : c);
	}
	if (!out->n)
		add_default(out, p);
	str_free(&given);
}

/* ---- contents */

struct reading {
	const struct mail_part_reader *r;
	bool wanted, text;
	struct str raw, utf8;
	uint64_t octets, looked;
	struct stream stream;
	struct transfer transfer;
	struct charset charset;
};

static void on_field(void *arg, const struct header_field *f)
{
	(void)arg;
	(void)f;
}

static bool on_begin(void *arg, const struct stream_part *p)
{
	struct reading *r = arg;
	bool wanted = r->r->begin(r->r->arg, p);

	if (!p->number || (!wanted && p->enclosed))
		return true;
	r->wanted = wanted;
	r->octets = 0;
	r->text = wanted && r->r->utf8 && mail_part_is_text(p);
	transfer_begin(&r->transfer, p->encoding);
	if (r->text)
		charset_begin(&r->charset, part_param(p->type_value,
				"charset"));
	return false;
}

static void put_data(struct reading *r)
{
	struct span data = str_span(&r->raw);

	if (r->text) {
		charset_put(&r->charset, &r->utf8, data);
		data = str_span(&r->utf8);
	}
	r->octets += data.n;
	if (data.n && r->r->data && !r->r->data(r->r->arg, data))
		r->stream.stop = true;
	str_clear(&r->raw);
	str_clear(&r->utf8);
}

static void on_body(void *arg, struct span piece)
{
	struct reading *r = arg;

	while (r->wanted && piece.n && !r->stream.stop) {
		transfer_put(&r->transfer, &r->raw, span_sub(piece, 0, PIECE));
		put_data(r);
		piece = span_rest(piece, PIECE);
	}
}

static void on_end(void *arg)
{
	struct reading *r = arg;

	if (!r->wanted)
		return;
	transfer_end(&r->transfer, &r->raw);
	put_data(r);
	if (r->text)
		charset_end(&r->charset, &r->raw);
	r->text = false;
	put_data(r);
	r->wanted = false;
	if (!r->stream.stop && !r->r->end(r->r->arg, r->octets))
		r->stream.stop = true;
}

static bool on_piece(void *arg, struct span piece)
{
	struct reading *r = arg;

	stream_put(&r->stream, piece);
	r->looked += piece.n;
	return !r->stream.stop && (!r->r->most || r->looked < r->r->most);
}

int mail_part_read(struct mail *m, unsigned n,
		const struct mail_part_reader *reader)
{
	struct reading r = {
		.r = reader,
		.stream = {
			.arg = &r, .field = on_field, .begin = on_begin,
			.body = on_body, .end = on_end
		}
	};
	int rc;

	str_init(&r.raw, PIECE + TRANSFER_HELD);
	str_init(&r.utf8, 4 * (PIECE + TRANSFER_HELD) + 64);
	stream_begin(&r.stream);
	rc = mailbox_read(m->box, n, on_piece, &r, &m->err);
	stream_end(&r.stream);
	if (r.text)		/* it was stopped inside a part */
		charset_end(&r.charset, NULL);
	str_free(&r.raw);
	str_free(&r.utf8);
	return rc;
}
