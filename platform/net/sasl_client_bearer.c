/* sasl_client_bearer - OAuth access tokens: XOAUTH2, OAUTHBEARER (RFC 7628)
 *
 * Both have the reason of a refusal come as a challenge, as JSON.
 */
#include "net/sasl_client_private.h"

static int keep_reason(struct sasl_client *s, struct span json,
		struct err *err)
{
	size_t n = 0;

	if (s->step > 1)
		return sasl_asks_too_much(err);
	for (; json.n && n < sizeof(s->why) - 1; json = span_rest(json, 1))
		if (json.p[0] >= ' ' && json.p[0] < 127)
			s->why[n++] = json.p[0];
	s->why[n] = '\0';
	return 0;
}

/*
 * As Google and Microsoft have published it: user=NAME ^A auth=Bearer TOKEN ^A
 * ^A. A reason is answered with an empty message, then the refusal comes.
 */
int sasl_say_xoauth2(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	if (s->step)
		return keep_reason(s, challenge, err);
	str_addf(out, "user=%s\1auth=Bearer %s\1\1", s->login->user,
			s->login->password);
	return 0;
}

/* RFC 7628 3.1; 3.2.3: a reason is answered with a lone ^A */
int sasl_say_oauthbearer(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	const struct sasl_login *login = s->login;

	if (s->step) {
		str_addc(out, '\1');
		return keep_reason(s, challenge, err);
	}
	str_adds(out, "n,a=");
	sasl_put_name(out, login->user);
	str_addc(out, ',');
	if (login->host)
		str_addf(out, "\1host=%s", login->host);
	if (login->port)
		str_addf(out, "\1port=%u", login->port);
	str_addf(out, "\1auth=Bearer %s\1\1", login->password);
	return 0;
}
