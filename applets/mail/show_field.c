/* Header fields as a person reads them. */
#include "mail/show.h"

#include "base/utf8.h"
#include "mail/fields.h"
#include "mime/addr.h"
#include "mime/charset.h"
#include "mime/stream.h"
#include "mime/word.h"

#define FOLD 4			/* blanks before the lines of a field that goes on */

void mail_show_fold(struct str *out, struct span value, unsigned columns)
{
	unsigned column = utf8_columns(str_span(out));
	bool first = true;

	while (value.n) {
		struct span rest = value, word = span_word(&rest);
		size_t blanks = (size_t)((word.n ? word.p : rest.p) - value.p);
		unsigned width = utf8_columns(word) + (unsigned)blanks;

		if (!first && word.n && column + width > columns) {
			str_addf(out, "\n%*s", FOLD, "");
			column = FOLD + width - (unsigned)blanks;
		} else {
			str_add(out, span_sub(value, 0, blanks));
			column += width;
		}
		str_add(out, word);
		first = false;
		value = span_rest(value, blanks + word.n);
	}
}

/* Of a list of addresses: with the names decoded, and quoted where they have to be. */
struct people {
	struct str out;
	bool odd;		/* a name that would pass as an address */
};

static bool add_person(void *arg, const struct addr_entry *e)
{
	struct people *p = arg;
	struct str name;
	bool odd = false;

	str_init(&name, STREAM_FIELD);
	word_decode(&name, e->name);
	for (size_t i = 0; i < name.n; i++)
		odd = odd || span_has(SPAN("<>@,"), name.p[i]);
	str_adds(&p->out, p->out.n ? ", " : "");
	if (odd && e->name.p[0] != '"') {
		p->odd = true;
		addr_put_quoted(&p->out, str_span(&name));
	} else {
		str_add(&p->out, str_span(&name));
	}
	str_adds(&p->out, name.n ? " <" : "<");
	addr_put(&p->out, &e->addr);
	str_addc(&p->out, '>');
	str_free(&name);
	return true;
}

/*
 * "=?utf-8?q?Bank_=3Cbank=40a.com=3E?= <x@b.com>" must not look as if it came
 * from the bank. false: nothing of the kind.
 */
static bool quote_names(struct str *out, struct span value)
{
	struct people p = { .odd = false };

	if (!span_has(value, '?'))
		return false;
	str_init(&p.out, out->cap);
	addr_each(value, add_person, &p);
	if (p.odd)
		str_add(out, str_span(&p.out));
	str_free(&p.out);
	return p.odd;
}

void mail_show_decode(struct str *out, const struct header_field *f)
{
	struct str text, utf8;

	str_init(&text, STREAM_FIELD);
	str_init(&utf8, 4 * STREAM_FIELD + 32);
	header_unfold(&text, f->value);
	charset_to_utf8(&utf8, str_span(&text), SPAN(""));
	if (!mail_field_among(f->name, "From To Cc Bcc Reply-To Sender") ||
	    !quote_names(out, str_span(&utf8)))
		word_decode(out, str_span(&utf8));
	str_free(&text);
	str_free(&utf8);
}
