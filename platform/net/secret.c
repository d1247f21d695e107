#include "config.h"
#include "net/secret_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "net/smtp_client.h"
#include "os/clock.h"

#define COMMAND_TOKEN_MS 300000		/* nobody tells how long it is good */

bool secret_is_token(const struct conf_smarthost *host)
{
	return host->token_file || host->token_command;
}

static int read_password(struct secret *s, struct err *err)
{
	char text[SECRET_PASSWORD_SIZE];
	int rc = smtp_password(s->host->password_file, text, sizeof(text),
			err);

	if (!rc)
		rc = secret_set(s, span_of(text), sizeof(text) - 1, err);
	explicit_bzero(text, sizeof(text));
	return rc;
}

struct secret *secret_new(const struct secret_env *env,
		const struct conf_smarthost *host, int *rc, struct err *err)
{
	struct secret *s;

	*rc = 0;
	if (!host->user)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s) {
		*rc = err_nomem(err);
		return NULL;
	}
	s->env = env;
	s->host = host;
	s->out.fd = -1;
	if (host->password_file)
		*rc = read_password(s, err);
	return s;
}

void secret_stop(struct secret *s)
{
	s->done = NULL;
	if (CFG_SECRET_COMMANDS)
		secret_command_stop(s);
	if (CFG_OAUTH)
		secret_oauth_stop(s);
}

void secret_free(struct secret *s)
{
	if (!s)
		return;
	secret_stop(s);
	if (CFG_OAUTH)
		secret_oauth_free(s);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

int secret_set(struct secret *s, struct span text, size_t most,
		struct err *err)
{
	if (text.n > most || str_copy(s->text, sizeof(s->text), text) < 0)
		return err_set(err, ERR_PERM, "the %s is too long",
				secret_is_token(s->host) ? "token" :
				"password");
	s->have = true;
	s->good_until = INT64_MAX;
	if (s->host->token_command)
		s->good_until = clock_ms() + COMMAND_TOKEN_MS;
	return 0;
}

void secret_finish(struct secret *s, const struct err *err)
{
	secret_done_fn *done = s->done;

	s->done = NULL;
	if (done)
		done(s->arg, err);
}

static int start(struct secret *s, struct err *err)
{
	const struct conf_smarthost *h = s->host;

	if (h->password_file)
		return read_password(s, err) < 0 ? -1 : 1;
	if (CFG_OAUTH && h->token_file)
		return secret_oauth_start(s, err);
	if (CFG_SECRET_COMMANDS)
		return secret_command_start(s, h->token_command ?
				h->token_command : h->password_command, err);
	return err_set(err, ERR_PERM, "%s: no password", h->host);
}

int secret_get(struct secret *s, secret_done_fn *done, void *arg,
		struct err *err)
{
	int rc;

	if (s->have && clock_ms() < s->good_until)
		return 1;
	if (s->done)
		return 0;
	rc = start(s, err);
	if (rc == 0) {
		s->done = done;
		s->arg = arg;
	}
	return rc;
}

/* -- for tools -- */

struct wait {
	struct loop *loop;
	struct err *err;
	int rc;
};

static void waited(void *arg, const struct err *err)
{
	struct wait *w = arg;

	w->rc = err ? -1 : 0;
	if (err && w->err)
		*w->err = *err;
	loop_stop(w->loop, 0);
}

int secret_fetch(struct secret **s, const struct secret_env *env,
		const struct conf_smarthost *host, struct err *err)
{
	struct wait w = { env->loop, err, 1 };
	int rc;

	*s = secret_new(env, host, &rc, err);
	if (!*s || rc < 0)
		return rc;
	rc = secret_get(*s, waited, &w, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	loop_run(w.loop);
	secret_stop(*s);
	return w.rc <= 0 ? w.rc : err_set(err, ERR_TEMP, "%s: interrupted",
			host->host);
}

/* -- what became of it -- */

const char *secret_text(const struct secret *s)
{
	return s->text;
}

/*
 * A password file may be out of reach since the rights were dropped: then what
 * was read stays, and nothing new is to be hoped for.
 */
bool secret_refused(struct secret *s)
{
	char old[SECRET_PASSWORD_SIZE];
	bool other;

	if (s->anew)
		return false;
	s->anew = true;
	if (!s->host->password_file) {
		/* the text stays: another connection may be about to say it */
		s->have = false;
		return true;
	}
	str_copys(old, sizeof(old), s->text);
	other = read_password(s, NULL) == 0 && strcmp(old, s->text) != 0;
	explicit_bzero(old, sizeof(old));
	return other;
}

void secret_taken(struct secret *s)
{
	s->anew = false;
}

bool secret_barred(const struct secret *s)
{
	return CFG_OAUTH && s->barred;
}

bool secret_mended(const struct secret *s)
{
	struct secret_mark now;

	if (!CFG_OAUTH || !s->barred)
		return false;
	now = secret_oauth_mark(s);
	return !secret_mark_same(&s->mark, &now);
}

int64_t secret_dies(const struct secret *s)
{
	return CFG_OAUTH && s->credential ? s->credential->dies : 0;
}

bool secret_peek(struct secret *s)
{
	return CFG_OAUTH && secret_oauth_peek(s);
}
