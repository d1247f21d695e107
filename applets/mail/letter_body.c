/* The body of a letter: its type, its encoding, and parts where files are attached. */
#include "mail/letter.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "mail/attach.h"
#include "mime/compose.h"
#include "mime/qp.h"
#include "os/file.h"
#include "os/rand.h"
#include "os/text.h"

static int put(void *arg, struct span text)
{
	struct letter *l = arg;

	l->size += text.n;
	return file_write(l->own, text.p, text.n) < 0 ?
			mail_errno(l->m, T("temporary file")) : 0;
}

static int encode(void *arg, struct span piece)
{
	struct str out;
	int rc;

	str_init(&out, 4 * piece.n + 64);
	qp_encode(&out, piece);
	if (piece.p[piece.n - 1] != '\n')
		str_adds(&out, "=\n");
	rc = put(arg, str_span(&out));
	str_free(&out);
	return rc;
}

void letter_charset(char name[LETTER_CHARSET])
{
	/* glibc's names, and what IANA calls these */
	static const char rows[][2][13] = {
		{ "iso8859", "iso-8859-" }, { "koi8", "koi8-" },
		{ "euc", "euc-" }, { "tis", "tis-" }, { "cp125", "windows-125" },
		{ "sjis", "shift_jis" }
	};
	struct span value = span_behind(span_of(text_locale("LC_CTYPE")), '.');
	const char *start = "";

	value = span_cut(&value, '@');
	if (span_starts(value, "utf") || span_ends(value, "ascii") ||
	    !span_isalnum(value, "-_"))
		value = SPAN("");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (span_starts(value, rows[i][0])) {
			value = span_rest(value, strlen(rows[i][0]));
			value = span_rest(value, span_starts(value, "-"));
			start = rows[i][1];
			break;
		}
	snprintf(name, LETTER_CHARSET, "%s%.*s", start, SPAN_ARG(value));
}

/* Content-Type and its encoding; a type of the user's own is believed. */
static enum compose_encoding put_type(struct letter *l,
		const struct mail_draft *d, struct str *out)
{
	struct span type = str_span(&d->field[MAIL_TYPE]);
	struct span encoding = str_span(&d->field[MAIL_ENCODING]);
	struct span charset = SPAN("");
	char name[LETTER_CHARSET];

	if (CFG_MAIL_NAIL) {
		letter_charset(name);
		charset = span_of(name);
	}
	if (!type.n)
		type = SPAN("text/plain");
	/* what has parts cannot be encoded (RFC 2045 6.4) */
	if (span_starts(type, "multipart/") || span_starts(type, "message/"))
		l->look &= ~(unsigned)COMPOSE_HARD;
	if (!encoding.n)
		return compose_body(out, type, charset, l->look);
	str_addf(out, "Content-Type: %.*s\nContent-Transfer-Encoding: %.*s\n",
			SPAN_ARG(type), SPAN_ARG(encoding));
	return COMPOSE_8BIT;
}

static int own_file(struct letter *l)
{
	l->own = l->fd = file_temporary(&l->m->err);
	if (l->own < 0)
		return -1;
	if (lseek(l->own, MAIL_DRAFT_ROOM, SEEK_SET) < 0)
		return mail_errno(l->m, T("temporary file"));
	l->start = MAIL_DRAFT_ROOM;
	l->size = 0;
	return 0;
}

static int put_text(struct letter *l, struct mail_draft *d, bool qp)
{
	return mail_draft_each(d, qp ? encode : put, l);
}

/* RFC 2046 5.1: the text, then what is attached. */
static int make_parts(struct letter *l, struct mail_draft *d)
{
	bool high = l->look & COMPOSE_HIGH;
	char boundary[28] = "=_";
	struct str head;
	bool qp;
	int rc;

	rand_word(boundary + 2, 24);
	if (own_file(l) < 0)
		return -1;
	str_init(&head, 4096);
	str_addf(&head, "--%s\n", boundary);
	qp = put_type(l, d, &head) == COMPOSE_QP;
	str_addc(&head, '\n');
	rc = put(l, str_span(&head));
	if (rc == 0)
		rc = put_text(l, d, qp);
	if (rc == 0)
		rc = mail_attach_write(l->m, d, l->own, boundary, &l->size,
				&high);
	str_clear(&head);
	str_addf(&head, "\n--%s--\n", boundary);
	if (rc == 0)
		rc = put(l, str_span(&head));
	str_addf(&l->header, "Content-Type: multipart/mixed;\n"
			" boundary=\"%s\"\nContent-Transfer-Encoding: %s\n\n",
			boundary, high ? "8bit" : "7bit");
	str_free(&head);
	return rc;
}

int letter_body(struct letter *l, struct mail_draft *d)
{
	if (CFG_MAIL_ATTACH && d->attached)
		return make_parts(l, d);
	if (put_type(l, d, &l->header) == COMPOSE_QP) {
		str_addc(&l->header, '\n');
		return own_file(l) < 0 ? -1 : put_text(l, d, true);
	}
	str_addc(&l->header, '\n');
	l->fd = d->fd;
	l->start = d->start;
	l->size = d->size;
	return 0;
}
