/* authd_note - what a login leaves in users.db, many at a time */
#include "authd/authd_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "os/log.h"

#define WAIT_MS 10000		/* for others that come meanwhile */
#define KEYS_WAIT_MS 500	/* they let him use SCRAM */
#define ROOM 3900		/* octets of words: a line is AUTH_LINE_MAX */

struct authd_notes {
	const struct conf *conf;
	struct loop *loop;
	struct authd_pool *pool;
	struct loop_timer timer;
	struct str waiting;		/* words, each with a blank behind it */
	struct authd_job job;
	bool busy, told;
	char line[AUTH_LINE_MAX];	/* the job's */
};

static void tell(struct authd_notes *n, struct span why)
{
	if (!n->told)
		log_warn("users.db is not brought up to date: %.*s",
				SPAN_ARG(why));
	n->told = true;
}

static void on_done(struct authd_job *job, struct span answer)
{
	struct authd_notes *n = container_of(job, struct authd_notes, job);
	struct span word = span_word(&answer);

	n->busy = false;
	explicit_bzero(n->line, sizeof(n->line));
	if (!span_is(word, "OK"))
		tell(n, span_trim(answer));
	if (n->waiting.n && !n->timer.armed)
		loop_timer_set(n->loop, &n->timer, WAIT_MS);
}

static void start(struct authd_notes *n)
{
	size_t used = sizeof(AUTHD_NOTE) - 1 + n->waiting.n;

	memcpy(n->line, AUTHD_NOTE, sizeof(AUTHD_NOTE));
	memcpy(n->line + sizeof(AUTHD_NOTE) - 1, n->waiting.p, n->waiting.n);
	explicit_bzero(n->waiting.p, n->waiting.n);
	str_clear(&n->waiting);
	n->busy = true;
	n->job = (struct authd_job){ .done = on_done,
		.line = span_make(n->line, used) };
	authd_pool_ask(n->pool, &n->job);
}

static void on_time(struct loop_timer *t)
{
	struct authd_notes *n = container_of(t, struct authd_notes, timer);

	if (n->waiting.n && !n->busy)
		start(n);
}

/* What a word is about; keys have more of "=" in them. */
static struct span about(struct span word)
{
	return span_cut(&word, '=');
}

static bool has(const struct authd_notes *n, struct span word)
{
	struct span rest = str_span(&n->waiting), other;

	while ((other = span_word(&rest)).n)
		if (span_eq(about(other), about(word)))
			return true;
	return false;
}

void authd_note(struct authd_notes *n, struct span words)
{
	struct span word;

	while ((word = span_word(&words)).n) {
		if (has(n, word) || n->waiting.n + word.n + 1 > ROOM)
			continue;
		str_add(&n->waiting, word);
		str_addc(&n->waiting, ' ');
		loop_timer_within(n->loop, &n->timer, word.p[0] == 'k' ?
				KEYS_WAIT_MS : WAIT_MS);
	}
}

struct authd_notes *authd_notes_new(struct loop *loop, const struct conf *conf,
		struct authd_pool *pool)
{
	struct authd_notes *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->loop = loop;
	n->conf = conf;
	n->pool = pool;
	n->timer.fire = on_time;
	str_init_secret(&n->waiting, ROOM);
	return n;
}

void authd_notes_free(struct authd_notes *n)
{
	struct err err;

	if (!n)
		return;
	loop_timer_stop(n->loop, &n->timer);
	if (n->busy)
		authd_pool_cancel(n->pool, &n->job);
	if (n->waiting.n && authd_users_note(n->conf, str_span(&n->waiting),
			&err) < 0)
		tell(n, span_of(err.text));
	str_wipe(&n->waiting);
	explicit_bzero(n->line, sizeof(n->line));
	free(n);
}
