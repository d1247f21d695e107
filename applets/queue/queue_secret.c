#include "applet.h"
#include "config.h"
#include "queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/log.h"

#define LOOK_MS 5000			/* at a file that somebody has to mend */
#define DIES_SOON (INT64_C(3) * 86400)	/* seconds: time to tell people */
#define NOTICE "notice"			/* below run-dir */
#define NOTICE_MOST 4096

struct queue_secret {
	struct queue_secret *next;
	struct queue *queue;
	const struct conf_smarthost *host;
	struct secret *secret;
	struct queue_site *site;	/* that waits for it, or NULL */
	struct loop_timer look;		/* while it is barred */
	struct loop_timer dies;		/* DIES_SOON before it does */
	char notice[300];		/* "": all is well */
};

static struct queue_secret *find(const struct queue *q,
		const struct conf_smarthost *h)
{
	struct queue_secret *s = q->secrets;

	while (s && s->host != h)
		s = s->next;
	return s;
}

/* ---- the notice: for a shell's profile */

/* Opened by root: run-dir is not ours to write in afterwards. */
static void open_notice(struct queue *q)
{
	char path[256];

	snprintf(path, sizeof(path), "%.230s/" NOTICE,
			q->daemon.conf->run_dir);
	q->notice = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
			| O_NOFOLLOW, 0644);
	if (q->notice >= 0)
		fchmod(q->notice, 0644);
	else
		log_warn("%s: cannot be written", path);
}

static void write_notice(struct queue *q)
{
	struct str text;

	if (q->notice < 0)
		return;
	str_init(&text, NOTICE_MOST);
	for (const struct queue_secret *s = q->secrets; s; s = s->next)
		if (*s->notice)
			str_addf(&text, "Mail by %s: %s\n", s->host->host,
					s->notice);
	if (ftruncate(q->notice, 0) < 0 || pwrite(q->notice, str_c(&text),
				text.n, 0) != (ssize_t)text.n)
		log_warn(NOTICE ": cannot be written");
	str_free(&text);
}

static void notice(struct queue_secret *s, const char *text)
{
	if (strcmp(s->notice, text) == 0)
		return;
	snprintf(s->notice, sizeof(s->notice), "%s", text);
	if (*text)
		log_warn("smarthost %s: %s", s->host->host, text);
	write_notice(s->queue);
}

/* All is well, or soon is not any more. */
static void look_ahead(struct queue_secret *s)
{
	int64_t dies = secret_dies(s->secret), left = dies - clock_now();
	struct loop *l = s->queue->daemon.loop;
	char text[200];

	if (!CFG_OAUTH || !s->host->token_file || secret_barred(s->secret))
		return;
	loop_timer_stop(l, &s->dies);
	if (!dies || !clock_plausible()) {
		notice(s, "");
	} else if (left > DIES_SOON) {
		notice(s, "");
		loop_timer_set(l, &s->dies, (left - DIES_SOON) * 1000);
	} else {
		snprintf(text, sizeof(text), "the sign-in ends in %lld hours; "
				"smtp --authorize renews it",
				(long long)(left > 0 ? left / 3600 : 0));
		notice(s, text);
	}
}

static void on_dying(struct loop_timer *t)
{
	look_ahead(container_of(t, struct queue_secret, dies));
}

/* ---- when a human has to do something */

static void try_all(struct queue *q)
{
	struct queue_entry *e;
	unsigned bucket = 0;
	const char *id = "";

	q->flushes++;
	while ((e = queue_next(q, &bucket, id))) {
		id = e->id;
		if (!e->held)
			queue_flush(e, q->flushes);
	}
}

static void on_look(struct loop_timer *t)
{
	struct queue_secret *s = container_of(t, struct queue_secret, look);

	if (!secret_barred(s->secret))
		return;
	if (!secret_mended(s->secret)) {
		loop_timer_set(s->queue->daemon.loop, t, LOOK_MS);
		return;
	}
	log_info("smarthost %s: a new token-file; all mail is tried",
			s->host->host);
	try_all(s->queue);
}

static void cannot(struct queue_secret *s, struct queue_site *site,
		const struct err *err)
{
	if (!CFG_OAUTH || !secret_barred(s->secret)) {
		site_cannot(site, "4.7.0", err->text);
		return;
	}
	notice(s, err->text);
	loop_timer_set(s->queue->daemon.loop, &s->look, LOOK_MS);
	site_keep(site, SECRET_REFUSED_MS, err->text);
}

/* ---- for sites */

static void done(void *arg, const struct err *err)
{
	struct queue_secret *s = arg;
	struct queue_site *site = s->site;

	s->site = NULL;
	site->asking = false;
	if (err) {
		cannot(s, site, err);
		return;
	}
	look_ahead(s);
	site_wake(site);
}

bool queue_secret_ready(struct queue_site *site)
{
	struct queue_secret *s = find(site->queue, site->route.smarthost);
	struct err err;
	int rc;

	if (!s || site->asking)
		return !s;
	rc = secret_get(s->secret, done, s, &err);
	if (rc == 0) {
		s->site = site;
		site->asking = true;
	} else if (rc < 0) {
		cannot(s, site, &err);
	}
	return rc > 0;
}

void queue_secret_stop(struct queue_site *site)
{
	struct queue_secret *s = find(site->queue, site->route.smarthost);

	if (!s || !site->asking)
		return;
	secret_stop(s->secret);
	s->site = NULL;
	site->asking = false;
}

bool queue_secret_anew(const struct queue_site *site)
{
	struct queue_secret *s = find(site->queue, site->route.smarthost);

	return s && secret_refused(s->secret);
}

void queue_secret_taken(const struct queue_site *site)
{
	struct queue_secret *s = find(site->queue, site->route.smarthost);

	if (s)
		secret_taken(s->secret);
}

const char *queue_secret_text(const struct queue *q,
		const struct conf_smarthost *h)
{
	const struct queue_secret *s = find(q, h);

	return s ? secret_text(s->secret) : NULL;
}

/* ---- the beginning */

static int add(struct queue *q, const struct conf_smarthost *h,
		struct err *err)
{
	struct queue_secret *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_nomem(err);
	s->queue = q;
	s->host = h;
	s->look.fire = on_look;
	s->dies.fire = on_dying;
	s->next = q->secrets;
	q->secrets = s;
	s->secret = secret_new(&q->secret_env, h, &rc, err);
	return rc;
}

/* What only root can read is read before the rights are dropped. */
int queue_secret_load(struct queue *q, struct err *err)
{
	const struct conf_smarthost *h = q->daemon.conf->smarthosts;
	bool renewed = false;

	q->notice = -1;
	for (; h; h = h->next) {
		if (h->user && add(q, h, err) < 0)
			return -1;
		renewed |= h->token_file != NULL;
	}
	if (CFG_OAUTH && renewed)
		open_notice(q);
	return 0;
}

void queue_secret_start(struct queue *q)
{
	q->secret_env = (struct secret_env){ q->daemon.loop, q->dns, q->tls };
	for (struct queue_secret *s = q->secrets; CFG_OAUTH && s; s = s->next)
		if (s->host->token_file && secret_peek(s->secret))
			look_ahead(s);
}
