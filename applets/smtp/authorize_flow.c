#include "smtp/authorize.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "os/clock.h"
#include "os/rand.h"

#define ASK_SECONDS 60
#define INTERVAL 5			/* RFC 8628 3.2, 3.5 */
#define INTERVAL_MOST 120
#define DEVICE_SECONDS 900		/* when the server does not tell */
#define VERIFIER 64			/* RFC 7636 4.1: 43 to 128 */
/* Nobody listens there: the browser's address bar has what we want. */
#define REDIRECT "http://127.0.0.1:58725/"

/* -- one question, in one call -- */

typedef int take_fn(struct authorize *a, const struct http_reply *r,
		struct err *err);

struct question {
	struct authorize *a;
	take_fn *take;
	struct err *err;
	int rc;
};

static void answered(void *arg, const struct http_reply *r,
		const struct err *err)
{
	struct question *q = arg;

	if (r)
		q->rc = q->take(q->a, r, q->err);
	else
		*q->err = *err;
	loop_stop(q->a->loop, 0);
}

/* form is wiped. */
static int ask(struct authorize *a, const char *url, struct str *form,
		take_fn *take, struct err *err)
{
	struct question q = { a, take, err, -1 };
	struct http_request r = { .method = "POST", .url = url,
		.type = OAUTH_FORM_TYPE, .body = str_span(form),
		.most = OAUTH_REPLY_MOST, .timeout = ASK_SECONDS };

	if (form->bad)
		err_nomem(err);
	else if (http_start(a->loop, a->dns, a->tls, &r, answered, &q, err))
		loop_run(a->loop);
	str_wipe(form);
	return q.rc;
}

static void start_form(struct authorize *a, struct str *form,
		const char *grant)
{
	str_init_secret(form, OAUTH_FORM_MOST);
	if (grant)
		oauth_form(form, "grant_type", grant);
	oauth_form(form, "client_id", a->c.client_id);
	if (grant && *a->c.client_secret)
		oauth_form(form, "client_secret", a->c.client_secret);
}

/* -- tokens -- */

static int take_token(struct authorize *a, const struct http_reply *r,
		struct err *err)
{
	(void)err;
	a->verdict = oauth_read(&a->answer, r);
	return 0;
}

static int ask_token(struct authorize *a, struct str *form, struct err *err)
{
	return ask(a, a->c.token_url, form, take_token, err);
}

/* old: the refresh token that it was got with, if any, stays good. */
static int keep_token(struct authorize *a, bool old, struct err *err)
{
	const struct oauth_answer *t = &a->answer;

	if (a->verdict == OAUTH_REFUSED)
		a->advice = oauth_advice(t);
	if (a->verdict != OAUTH_TOKEN)
		return err_set(err, a->verdict == OAUTH_REFUSED ? ERR_AUTH :
				ERR_TEMP, "the provider says: %s", t->why);
	if (!*t->refresh && !old)
		return err_set(err, ERR_PERM, "the provider gave no refresh "
				"token: mail could be sent for an hour only");
	if (*t->refresh)
		str_copys(a->c.refresh_token, sizeof(a->c.refresh_token),
				t->refresh);
	if (t->refresh_expires_in && clock_plausible())
		a->c.dies = clock_now() + t->refresh_expires_in;
	return 0;
}

/* -- RFC 8628 -- */

static int take_device(struct authorize *a, const struct http_reply *r,
		struct err *err)
{
	struct authorize_device *d = &a->device;

	if (oauth_member(r->body, "device_code", d->code, sizeof(d->code)) &&
			oauth_member(r->body, "user_code", d->user_code,
				sizeof(d->user_code)) &&
			(oauth_member(r->body, "verification_uri", d->url,
				sizeof(d->url)) ||
			oauth_member(r->body, "verification_url", d->url,
				sizeof(d->url)))) {
		d->seconds = oauth_seconds(r->body, "expires_in",
				DEVICE_SECONDS);
		d->interval = oauth_seconds(r->body, "interval", INTERVAL);
		return 0;
	}
	if (oauth_read(&a->answer, r) == OAUTH_REFUSED)
		a->advice = oauth_advice(&a->answer);
	return err_set(err, ERR_PERM, "the provider says: %s", a->answer.why);
}

static void slower(struct authorize_device *d, unsigned interval)
{
	d->interval = interval < INTERVAL_MOST ? interval : INTERVAL_MOST;
}

/* One try. 1: not yet, 0: there it is, -1. */
static int poll_device(struct authorize *a, struct authorize_device *d,
		struct err *err)
{
	struct str form;

	start_form(a, &form, "urn:ietf:params:oauth:grant-type:device_code");
	oauth_form(&form, "device_code", d->code);
	if (ask_token(a, &form, err) < 0) {
		if (err->kind == ERR_PERM)
			return -1;
		/* RFC 8628 3.5: back off when it cannot be reached */
		slower(d, d->interval * 2);
		return 1;
	}
	if (a->verdict != OAUTH_LATER)
		return keep_token(a, false, err);
	if (strcmp(a->answer.error, "slow_down") == 0)
		slower(d, d->interval + 5);
	else if (strcmp(a->answer.error, "authorization_pending") != 0)
		slower(d, d->interval * 2);
	return 1;
}

int authorize_by_device(struct authorize *a, struct err *err)
{
	struct authorize_device *d = &a->device;
	struct str form;
	int64_t end;
	int rc;

	start_form(a, &form, NULL);
	if (*a->c.scope)
		oauth_form(&form, "scope", a->c.scope);
	if (ask(a, a->device_url, &form, take_device, err) < 0)
		return -1;
	printf("Open this page on any phone or computer:\n\n    %s\n\n"
			"and type this code:\n\n    %s\n\n"
			"Sign in there with the account that is to send mail. "
			"Waiting for %u minutes;\nCtrl-C gives up.\n",
			d->url, d->user_code, (d->seconds + 59) / 60);
	fflush(stdout);
	end = clock_ms() + (int64_t)d->seconds * 1000;
	do {
		sleep(d->interval ? d->interval : 1);
		rc = poll_device(a, d, err);
		if (rc > 0 && clock_ms() >= end)
			rc = err_set(err, ERR_AUTH, "nobody has signed in "
					"in time; start again");
	} while (rc > 0);
	explicit_bzero(d, sizeof(*d));
	return rc;
}

/* -- pasting -- */

/* Base64 as RFC 7636 wants it: its URL form, without padding. */
static void challenge(struct str *out, const char *verifier)
{
	unsigned char hash[SHA256_SIZE];

	sha256(hash, span_of(verifier));
	str_init(out, BASE64_SIZE(SHA256_SIZE));
	base64_put(out, span_make((const char *)hash, sizeof(hash)));
	for (size_t i = 0; i < out->n; i++) {
		char *c = &out->p[i];

		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	}
	while (out->n && out->p[out->n - 1] == '=')
		out->p[--out->n] = '\0';
}

static void show_address(const struct authorize *a, const char *verifier)
{
	struct str query, code;

	challenge(&code, verifier);
	str_init(&query, OAUTH_FORM_MOST);
	oauth_form(&query, "response_type", "code");
	oauth_form(&query, "client_id", a->c.client_id);
	oauth_form(&query, "redirect_uri", REDIRECT);
	if (*a->c.scope)
		oauth_form(&query, "scope", a->c.scope);
	oauth_form(&query, "code_challenge", str_c(&code));
	oauth_form(&query, "code_challenge_method", "S256");
	/* Google's words for "with a refresh token" */
	oauth_form(&query, "access_type", "offline");
	oauth_form(&query, "prompt", "consent");
	printf("Open this address in a browser, and sign in with the account "
			"that is to send\nmail:\n\n%s%c%s\n\n"
			"At the end the browser shows an error, as there is "
			"nothing at 127.0.0.1: copy\nthe address that it is "
			"at then, and paste it here (nothing is shown). A "
			"refresh\ntoken will do as well.\n",
			a->auth_url, strchr(a->auth_url, '?') ? '&' : '?',
			str_c(&query));
	fflush(stdout);
	str_free(&query);
	str_free(&code);
}

static int hex(char c)
{
	c = ascii_lower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ?
		c - 'a' + 10 : -1;
}

/* NAME's value in the query of an address; false: it is not there. */
static bool find_value(const char *address, const char *name,
		char *out, size_t size)
{
	struct span rest = span_of(address), pair;
	size_t n = 0;

	span_cut(&rest, '?');
	while ((pair = span_cut(&rest, '&')).n) {
		struct span key = span_cut(&pair, '=');

		if (!span_eq(key, span_of(name)))
			continue;
		for (size_t i = 0; i < pair.n && n + 1 < size; i++) {
			char c = pair.p[i];

			if (c == '%' && i + 2 < pair.n
					&& hex(pair.p[i + 1]) >= 0
					&& hex(pair.p[i + 2]) >= 0) {
				c = (char)(hex(pair.p[i + 1]) << 4
						| hex(pair.p[i + 2]));
				i += 2;
			}
			out[n++] = c;
		}
		out[n] = '\0';
		return n;
	}
	return false;
}

static int swap_code(struct authorize *a, const char *code,
		const char *verifier, struct err *err)
{
	struct str form;

	start_form(a, &form, "authorization_code");
	oauth_form(&form, "code", code);
	oauth_form(&form, "redirect_uri", REDIRECT);
	oauth_form(&form, "code_verifier", verifier);
	return ask_token(a, &form, err) < 0 ? -1 : keep_token(a, false, err);
}

/* Is it good? That is seen by using it. */
static int try_token(struct authorize *a, const char *token,
		struct err *err)
{
	struct str form;

	if (str_copys(a->c.refresh_token, sizeof(a->c.refresh_token), token))
		return err_set(err, ERR_PERM, "that is too long for a token");
	oauth_refresh_form(&form, &a->c);
	return ask_token(a, &form, err) < 0 ? -1 : keep_token(a, true, err);
}

static int take_paste(struct authorize *a, const char *line,
		const char *verifier, struct err *err)
{
	char value[2048];
	int rc;

	if (find_value(line, "error", value, sizeof(value))) {
		a->answer = (struct oauth_answer){ .error = "" };
		str_copys(a->answer.error, sizeof(a->answer.error), value);
		a->advice = oauth_advice(&a->answer);
		return err_set(err, ERR_AUTH, "the provider says: %.100s",
				value);
	}
	if (!find_value(line, "code", value, sizeof(value)))
		return try_token(a, line, err);
	rc = swap_code(a, value, verifier, err);
	explicit_bzero(value, sizeof(value));
	return rc;
}

int authorize_by_paste(struct authorize *a, struct err *err)
{
	char line[AUTHORIZE_LINE], verifier[VERIFIER + 1];
	struct span text;
	int rc;

	rand_word(verifier, VERIFIER);
	if (a->auth_url)
		show_address(a, verifier);
	else
		puts("Paste a refresh token (nothing is shown):");
	fflush(stdout);
	rc = authorize_read_line(line, err);
	if (rc == 0) {
		text = span_trim(span_of(line));
		line[text.p - line + (ptrdiff_t)text.n] = '\0';
		rc = take_paste(a, text.p, verifier, err);
	}
	explicit_bzero(line, sizeof(line));
	explicit_bzero(verifier, sizeof(verifier));
	return rc;
}
