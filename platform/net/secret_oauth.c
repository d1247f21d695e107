/* secret_oauth - access tokens, renewed with what smtp --authorize has stored */
#include "net/secret_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "net/http.h"
#include "os/clock.h"
#include "os/log.h"

#define ASK_SECONDS 60			/* for a whole answer */
#define MARGIN_MS INT64_C(300000)	/* renewed before it ends, by this */

struct secret_mark secret_oauth_mark(const struct secret *s)
{
	struct secret_mark m;
	struct stat st;

	memset(&m, 0, sizeof(m));
	if (stat(s->host->token_file, &st) == 0) {
		m.dev = st.st_dev;
		m.ino = st.st_ino;
		m.time = st.st_mtim;
		m.size = st.st_size;
	}
	return m;
}

bool secret_mark_same(const struct secret_mark *a,
		const struct secret_mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size
		&& a->time.tv_sec == b->time.tv_sec
		&& a->time.tv_nsec == b->time.tv_nsec;
}

void secret_oauth_stop(struct secret *s)
{
	http_cancel(s->http);
	s->http = NULL;
}

void secret_oauth_free(struct secret *s)
{
	if (!s->credential)
		return;
	explicit_bzero(s->credential, sizeof(*s->credential));
	free(s->credential);
	s->credential = NULL;
}

/* -- when the provider does not want us any more -- */

static int bar(struct secret *s, const char *why, const char *advice,
		struct err *err)
{
	const char *provider = s->credential && *s->credential->provider ?
		s->credential->provider : "microsoft or google";

	s->barred = true;
	s->have = false;
	s->barred_until = clock_ms() + SECRET_REFUSED_MS;
	s->mark = secret_oauth_mark(s);
	err_set(&s->why, ERR_AUTH, "a new sign-in is needed: "
			"smtp --authorize %.80s (%s%s%s)", provider, why,
			advice ? ": " : "", advice ? advice : "");
	if (err)
		*err = s->why;
	return -1;
}

/* -- the file -- */

/* What is not saved yet is newer, unless somebody has written another one. */
static int load(struct secret *s, struct err *err)
{
	struct secret_mark now = secret_oauth_mark(s);
	struct err why;

	if (s->unsaved && secret_mark_same(&s->mark, &now))
		return 0;
	if (!s->credential)
		s->credential = malloc(sizeof(*s->credential));
	if (!s->credential)
		return err_nomem(err);
	s->unsaved = false;
	s->mark = now;
	if (oauth_load(s->host->token_file, s->credential, &why) == 0)
		return 0;
	if (why.kind == ERR_NOMEM)
		return err_nomem(err);
	return bar(s, why.text, NULL, err);
}

/*
 * A new refresh token (Microsoft sends one each time) is on stable storage
 * before the old one is forgotten; when that fails it is tried with the next.
 */
static void store(struct secret *s, const struct oauth_answer *a)
{
	struct oauth_credential *c = s->credential;
	int64_t dies = a->refresh_expires_in && clock_plausible() ?
		clock_now() + a->refresh_expires_in : 0;
	bool rotated = *a->refresh && strcmp(a->refresh, c->refresh_token);
	/* by an hour or so the same date wanders, which is worth no write */
	bool moved = dies && llabs(dies - c->dies) > 86400;
	struct err err;

	if (rotated)
		str_copys(c->refresh_token, sizeof(c->refresh_token),
				a->refresh);
	if (rotated || moved) {
		c->dies = dies;
		s->unsaved = true;
	}
	if (!s->unsaved)
		return;
	if (oauth_save(s->host->token_file, c, &err) == 0)
		s->unsaved = false;
	else
		log_error("token-file: the new refresh token is in memory "
				"only: %s", err.text);
	s->mark = secret_oauth_mark(s);
}

/* -- the answer -- */

static int ask(struct secret *s, struct err *err);

/* Another process may have renewed it meanwhile, and ours is the older one. */
static bool is_outdated(struct secret *s)
{
	char *old = s->reread ? NULL : strdup(s->credential->refresh_token);
	bool other;

	if (!old)
		return false;
	s->reread = true;
	s->unsaved = false;
	other = load(s, NULL) == 0
		&& strcmp(old, s->credential->refresh_token) != 0;
	explicit_bzero(old, strlen(old));
	free(old);
	return other;
}

static void refused(struct secret *s, const struct oauth_answer *a)
{
	struct err err;

	if (is_outdated(s)) {
		if (ask(s, &err) < 0)
			secret_finish(s, &err);
		return;
	}
	log_error("token-file: %s refuses: %s", s->credential->token_url,
			a->why);
	bar(s, a->error, oauth_advice(a), NULL);
	secret_finish(s, &s->why);
}

static void taken(struct secret *s, const struct oauth_answer *a)
{
	int64_t life = (int64_t)a->expires_in * 1000;
	struct err err;
	int rc = secret_set(s, span_of(a->access), SASL_TOKEN_MOST, &err);

	/* by the clock that nobody sets: it is right on any device */
	s->good_until = clock_ms() + life
		- (life / 4 < MARGIN_MS ? life / 4 : MARGIN_MS);
	s->barred = false;
	store(s, a);
	secret_finish(s, rc < 0 ? &err : NULL);
}

static void answered(void *arg, const struct http_reply *r,
		const struct err *err)
{
	struct secret *s = arg;
	struct oauth_answer *a = r ? malloc(sizeof(*a)) : NULL;
	struct err why;

	s->http = NULL;
	if (!a) {
		err_set(&why, ERR_TEMP, "no new token: %s", r ?
				"out of memory" : err->text);
		secret_finish(s, &why);
		return;
	}
	switch (oauth_read(a, r)) {
	case OAUTH_TOKEN:
		taken(s, a);
		break;
	case OAUTH_REFUSED:
		refused(s, a);
		break;
	case OAUTH_LATER:
		err_set(&why, ERR_TEMP, "no new token: %s (status %u)",
				a->why, r->status);
		secret_finish(s, &why);
		break;
	}
	explicit_bzero(a, sizeof(*a));
	free(a);
}

static int ask(struct secret *s, struct err *err)
{
	struct http_request q = { .method = "POST",
		.url = s->credential->token_url, .type = OAUTH_FORM_TYPE,
		.most = OAUTH_REPLY_MOST, .timeout = ASK_SECONDS };
	struct str form;

	oauth_refresh_form(&form, s->credential);
	q.body = str_span(&form);
	if (form.bad)
		err_nomem(err);
	else
		s->http = http_start(s->env->loop, s->env->dns, s->env->tls,
				&q, answered, s, err);
	str_wipe(&form);
	return s->http ? 0 : -1;
}

int secret_oauth_start(struct secret *s, struct err *err)
{
	if (s->barred && clock_ms() < s->barred_until && !secret_mended(s)) {
		*err = s->why;
		return -1;
	}
	s->barred = s->reread = false;
	return load(s, err) < 0 ? -1 : ask(s, err);
}

bool secret_oauth_peek(struct secret *s)
{
	bool good = load(s, NULL) == 0;

	/* whoever needs it is told then */
	s->barred = false;
	return good;
}
