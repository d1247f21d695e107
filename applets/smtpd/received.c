#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "smtpd/smtpd.h"

#define FOR_MOST 600		/* quotes may double a local part */

/* RFC 3848, RFC 6531 4.3 */
static const char *with(const struct smtp_session *s)
{
	static const char names[2][2][2][11] = {
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } }
	};

	if (!s->esmtp)
		return "SMTP";
	return names[s->utf8][conn_is_tls(s->conn)][s->auth_user != NULL];
}

/*
 * More than one would show Bcc's to others. A U-label would make this a header in
 * UTF-8, and the message one that not every host takes.
 */
static void put_for(const struct smtp_session *s, struct str *out)
{
	struct addr to;

	if (s->nrcpt != 1)
		return;
	to = addr_split(span_of(s->rcpts->address));
	str_adds(out, " for <");
	addr_put_ascii(out, &to);
	str_addc(out, '>');
}

/* A comment (RFC 5322 3.2.2) that shows who logged in, where that is wanted. */
static bool shows_user(const struct smtp_session *s)
{
	struct span user;

	if (!s->conf->received_user || !s->auth_user)
		return false;
	user = span_of(s->auth_user);
	return utf8_ascii(user) && !span_has(user, '(') &&
		!span_has(user, ')') && !span_has(user, '\\');
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
	char date[DATE_SIZE], way[1200];
	int64_t now = clock_now();
	struct str to;
	int n = from(x, way, sizeof(way));

	if (n < 0 || (size_t)n >= sizeof(way))
		return span_make(NULL, 0);
	str_init(&to, FOR_MOST);
	put_for(s, &to);
	date_mail(date, now, date_offset(now));
	n = snprintf(out, SMTPD_RECEIVED_SIZE,
			"Received: %s with %s%s%s%s\r\n\tid %s%s; %s\r\n",
			way, with(s), *tls ? "\r\n\t(" : "", tls,
			*tls ? ")" : "", id, str_c(&to), date);
	if (to.bad)
		n = -1;
	str_free(&to);
	if (n < 0 || n >= SMTPD_RECEIVED_SIZE)
		return span_make(NULL, 0);
	return span_make(out, (size_t)n);
}
