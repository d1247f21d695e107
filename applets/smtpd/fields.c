#include <string.h>

#include "base/date.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "os/clock.h"
#include "smtpd/fields.h"

enum { FIELD_NAME, FIELD_REST };	/* of a line */

void smtpd_fields_init(struct smtpd_fields *f)
{
	*f = (struct smtpd_fields){ .state = FIELD_NAME };
}

static void name_ends(struct smtpd_fields *f)
{
	struct span name = { f->name, f->n };

	if (f->n > sizeof(f->name))
		return;
	if (span_is(name, "Date"))
		f->seen |= COMPOSE_NO_DATE;
	else if (span_is(name, "From"))
		f->seen |= COMPOSE_NO_FROM;
	else if (span_is(name, "Message-ID"))
		f->seen |= COMPOSE_NO_ID;
}

static void octet(struct smtpd_fields *f, char c)
{
	if (c == '\n') {
		f->state = FIELD_NAME;
		f->n = 0;
	} else if (f->state == FIELD_REST) {
		return;
	} else if (c == ':') {
		name_ends(f);
		f->state = FIELD_REST;
	} else if (f->n < sizeof(f->name)) {
		f->name[f->n++] = c;
	} else {
		f->n = sizeof(f->name) + 1;
	}
}

size_t smtpd_fields_scan(struct smtpd_fields *f, struct span piece)
{
	for (size_t i = 0; i < piece.n && !f->done; i++) {
		/* a CR alone was refused, so this is the empty line */
		f->done = piece.p[i] == '\r' && f->state == FIELD_NAME && !f->n;
		if (f->done)
			return i;
		octet(f, piece.p[i]);
	}
	return piece.n;
}

void smtpd_fields_add(const struct smtpd_fields *f, const char *sender,
		const char *host, struct str *out)
{
	struct addr from = addr_split(span_of(sender));
	int64_t now = clock_now();
	char date[DATE_SIZE];

	/* with no clock yet, `queue` adds it when there is one */
	if (!(f->seen & COMPOSE_NO_DATE) && clock_plausible()) {
		date_mail(date, now, date_offset(now));
		str_addf(out, "Date: %s\r\n", date);
	}
	if (!(f->seen & COMPOSE_NO_FROM) && *sender) {
		str_adds(out, "From: <");
		addr_put_ascii(out, &from);
		str_adds(out, ">\r\n");
	}
	if (!(f->seen & COMPOSE_NO_ID)) {
		str_adds(out, "Message-ID: ");
		compose_message_id(out, host);
		str_adds(out, "\r\n");
	}
}
