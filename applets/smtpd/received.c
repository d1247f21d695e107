#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "os/clock.h"
#include "smtpd/smtpd.h"

/* RFC 3848 */
static const char *with(const struct smtp_session *s)
{
	static const char *const names[2][2] = {
		{ "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" }
	};

	if (!s->esmtp)
		return "SMTP";
	return names[conn_is_tls(s->conn)][s->auth_user != NULL];
}

/* A comment (RFC 5322 3.2.2) that shows who logged in, where that is wanted. */
static bool shows_user(const struct smtp_session *s)
{
	return s->conf->received_user && s->auth_user &&
		!strpbrk(s->auth_user, "()\\");
}

static int from(const struct smtpd_session *x, char *out, size_t size)
{
	const struct smtp_session *s = x->smtp;
	const char *host = s->conf->hostname;

	if (x->service->local)
		return snprintf(out, size, "by %s (from uid %lu)", host,
				(unsigned long)x->uid);
	return snprintf(out, size, "from %s (%s)%s%s%s\r\n\tby %s", s->hello,
			conn_peer(s->conn),
			shows_user(s) ? "\r\n\t(user " : "",
			shows_user(s) ? s->auth_user : "",
			shows_user(s) ? ")" : "", host);
}

struct span smtpd_received(const struct smtpd_session *x, const char *id,
		char out[SMTPD_RECEIVED_SIZE])
{
	const struct smtp_session *s = x->smtp;
	const char *tls = conn_tls_text(s->conn);
	bool single = s->nrcpt == 1;	/* more would show Bcc's to others */
	char date[DATE_SIZE], way[1200];
	int64_t now = clock_now();
	int n = from(x, way, sizeof(way));

	if (n < 0 || (size_t)n >= sizeof(way))
		return span_make(NULL, 0);
	date_mail(date, now, date_offset(now));
	n = snprintf(out, SMTPD_RECEIVED_SIZE,
			"Received: %s with %s%s%s%s\r\n\tid %s%s%s%s; %s\r\n",
			way, with(s), *tls ? "\r\n\t(" : "", tls,
			*tls ? ")" : "", id, single ? " for <" : "",
			single ? s->rcpts->address : "", single ? ">" : "",
			date);
	if (n < 0 || n >= SMTPD_RECEIVED_SIZE)
		return span_make(NULL, 0);
	return span_make(out, (size_t)n);
}
