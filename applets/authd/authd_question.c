/* authd_question - a request from when it is read until it is answered */
#include "authd/authd.h"

#include <string.h>

#include "config.h"
#include "os/log.h"

/* The one place that sees every failure; the password is never told. */
static void log_failure(struct span line)
{
	struct authd_ask ask;

	if (authd_ask_parse(&ask, line) && ask.service[0])
		log_info("login failed user=<%s> service=%s peer=%s",
				ask.name, ask.service, ask.peer);
	explicit_bzero(&ask, sizeof(ask));
}

static void finish(struct authd_question *q, struct span answer)
{
	explicit_bzero((char *)q->job.line.p, q->job.line.n);
	q->done(q, answer);
}

static void on_answer(struct authd_job *job, struct span answer)
{
	struct authd_question *q = container_of(job, struct authd_question,
			job);
	struct span rest = answer, word;

	if (CFG_USERS_FULL) {
		answer = span_cut(&rest, '\n');
		authd_note(q->desk->notes, rest);
		rest = answer;
	}
	word = span_word(&rest);
	if (CFG_AUTHD_SLOW && span_is(word, AUTHD_ELSEWHERE)) {
		job->slow = true;
		authd_pool_ask(q->desk->pool, job);
		return;
	}
	if (CFG_AUTHD_CACHE && span_eq(word, SPAN("OK")))
		authd_cache_put(q->desk->cache, &q->key, answer);
	if (span_eq(word, SPAN("NO")))
		log_failure(job->line);
	if (span_eq(word, SPAN("TEMP"))) {
		log_warn("no answer: %.*s", SPAN_ARG(rest));
		answer = word;
	}
	finish(q, answer);
}

int authd_question_ask(struct authd_question *q, struct span line)
{
	const char *known = NULL;
	struct authd_ask ask;
	bool valid = authd_ask_parse(&ask, line);

	q->job = (struct authd_job){ .done = on_answer,
		.urgent = ask.verb != AUTHD_PLAIN, .line = line };
	list_init(&q->job.link);
	if (CFG_AUTHD_CACHE && valid)
		known = authd_cache_get(q->desk->cache, &ask, &q->key);
	explicit_bzero(&ask, sizeof(ask));
	if (!valid)
		return -1;
	if (known)
		finish(q, span_of(known));
	else
		authd_pool_ask(q->desk->pool, &q->job);
	return 0;
}

void authd_question_drop(struct authd_question *q)
{
	authd_pool_cancel(q->desk->pool, &q->job);
	explicit_bzero((char *)q->job.line.p, q->job.line.n);
}
