/*
 * Mail filters are asked where policy.c would say yes. A session that comes to
 * no MAIL costs them nothing: they are connected at the first one, and are then
 * told CONNECT and HELO, too; what they say to those is the answer to MAIL.
 */
#include "smtpd/milter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/log.h"

/* RFC 5321 4.5.3.2: clients wait 5 min for MAIL and RCPT, 2 for DATA, ... */
#define STAGE_MS 100000
#define MESSAGE_MS 300000	/* ... and 10 for the message's answer */
#define DATA_SIZE 8192		/* of a command that is no part of a message */

#define TRY_LATER "Service unavailable, try again later"

/* -- where they are -- */

/*
 * smtpd's chroot does not hold the filters' sockets. The folder above the
 * socket's own stays open: that one comes and goes with the filter.
 */
struct smtpd_milter_paths {
	int dirs[CONF_MILTERS_MOST];	/* -1: inet, or no such folder */
	unsigned n;
};

/* "/run/x/y.sock": /run/ and x/y.sock */
static struct span split_path(struct span path, struct span *rest)
{
	size_t last = span_rfind(path, '/');
	struct span above = span_sub(path, 0, last);
	size_t at = span_rfind(above, '/');

	if (at == above.n)
		at = 0;
	*rest = span_rest(path, at + 1);
	return span_sub(path, 0, at + 1);
}

static int open_above(const struct conf_milter *c)
{
	char dir[128];
	struct span rest;
	int fd;

	if (str_copy(dir, sizeof(dir), split_path(span_of(c->path), &rest)) < 0)
		return -1;
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		log_error("milter %s: %s", c->name, strerror(errno));
	return fd;
}

int smtpd_milter_open(struct smtpd *m, struct err *err)
{
	struct smtpd_milter_paths *p;

	if (!m->daemon.conf->milters)
		return 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_nomem(err);
	m->milter_paths = p;
	for (const struct conf_milter *c = m->daemon.conf->milters; c;
			c = c->next)
		p->dirs[p->n++] = c->path ? open_above(c) : -1;
	return 0;
}

void smtpd_milter_close(struct smtpd *m)
{
	struct smtpd_milter_paths *p = m->milter_paths;

	for (unsigned i = 0; p && i < p->n; i++)
		if (p->dirs[i] >= 0)
			close(p->dirs[i]);
	free(p);
}

static void on_event(struct milter *m, enum milter_event event,
		const struct milter_reply *r, void *arg);

/* A path for connect() is relative to where we are: there, and back. */
static struct milter *dial_unix(struct smtpd_filter *f, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct loop *loop = f->all->x->service->smtpd->daemon.loop;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct milter *m = NULL;
	struct span rest;

	split_path(span_of(f->conf->path), &rest);
	if (here < 0 || f->dir < 0 || fchdir(f->dir) < 0 ||
			str_copy(un.sun_path, sizeof(un.sun_path), rest) < 0)
		err_errno(err, "its folder");
	else
		m = milter_new(loop, (struct sockaddr *)&un, sizeof(un),
				f->conf->timeout * INT64_C(1000), on_event, f,
				err);
	if (here >= 0) {
		if (fchdir(here) < 0)
			log_error("milter: no way back: %s", strerror(errno));
		close(here);
	}
	return m;
}

static struct milter *dial(struct smtpd_filter *f, struct err *err)
{
	if (f->conf->path)
		return dial_unix(f, err);
	return milter_new(f->all->x->service->smtpd->daemon.loop,
			(const struct sockaddr *)&f->conf->addr,
			f->conf->addr_len, f->conf->timeout * INT64_C(1000),
			on_event, f, err);
}

/* -- verdicts -- */

static void hang_up(struct smtpd_filter *f)
{
	milter_close(f->m);
	f->m = NULL;
	f->open = f->connected = f->greeted = f->told = false;
	f->in_message = false;
}

void smtpd_milter_stop(struct smtpd_milters *a)
{
	a->running = false;
	loop_timer_stop(a->x->service->smtpd->daemon.loop, &a->deadline);
}

void smtpd_milter_refuse(struct smtpd_filter *f, int code,
		const char *enhanced, const char *text)
{
	struct smtpd_milters *a = f->all;
	struct smtp_session *s = a->x->smtp;

	/* a reply of many lines is one in the log */
	log_info("%s: from=<%s>%s%s%s refused by milter %s: %d %s %.*s",
			conn_peer(s->conn), s->sender,
			a->stage == MILTER_RCPT ? " to=<" : "",
			a->stage == MILTER_RCPT ? a->x->rcpt->address : "",
			a->stage == MILTER_RCPT ? ">" : "", f->conf->name,
			code, enhanced, (int)strcspn(text, "\n"), text);
	smtpd_milter_stop(a);
	smtp_server_refuse(s, code, enhanced, text);
}

/* What it says to CONNECT or HELO, and its default, hold for what comes. */
static void keep_refusal(struct smtpd_filter *f, int code,
		const char *enhanced, const char *text)
{
	struct smtpd_milter_refusal *r = f->refusal;

	if (!r)
		r = f->refusal = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->code = code;
	str_copys(r->enhanced, sizeof(r->enhanced), enhanced);
	str_copys(r->text, sizeof(r->text), text);
}

/* Of the one that is asked. */
static void refuse(struct smtpd_filter *f, int code, const char *enhanced,
		const char *text)
{
	if (!f->told) {
		keep_refusal(f, code, enhanced, text);
		f->refused_hello = f->greeted;
	} else if (f->all->stage != MILTER_RCPT) {
		f->in_message = f->all->stage == MILTER_MAIL;
	}
	smtpd_milter_refuse(f, code, enhanced, text);
}

bool smtpd_milter_judge(struct smtpd_filter *f, const struct milter_reply *r)
{
	switch (r->word) {
	case MILTER_IS_REJECT:
		refuse(f, 550, "5.7.1", "Refused by a filter");
		return false;
	case MILTER_IS_TEMPFAIL:
		refuse(f, 451, "4.7.1", TRY_LATER);
		return false;
	case MILTER_IS_SHUTDOWN:
		refuse(f, 421, "4.7.0", TRY_LATER);
		return false;
	case MILTER_IS_REPLY:
		refuse(f, r->code, r->enhanced, r->text);
		return false;
	case MILTER_IS_DISCARD:
		log_info("%s: from=<%s> discarded by milter %s",
				conn_peer(f->all->x->smtp->conn),
				f->all->x->smtp->sender, f->conf->name);
		f->all->discard = true;
		break;
	case MILTER_IS_ACCEPT:
		if (f->told)
			f->passed = true;
		else
			f->over = true;
		f->in_message = false;
		break;
	}
	return true;
}

static bool is_asked(const struct smtpd_filter *f)
{
	const struct smtpd_milters *a = f->all;

	return a->running && a->at < a->n && f == &a->filters[a->at];
}

/* For the rest of the session its default stands for it. */
static void give_up(struct smtpd_filter *f, const char *why)
{
	log_warn("milter %s: %s", f->conf->name, why);
	f->refused_hello = false;
	if (f->conf->otherwise == CONF_MILTER_ACCEPT)
		f->over = true;
	else if (f->conf->otherwise == CONF_MILTER_REJECT)
		keep_refusal(f, 550, "5.7.1", "Refused: a filter is away");
	else
		keep_refusal(f, 451, "4.7.1", TRY_LATER);
}

void smtpd_milter_failed(struct smtpd_filter *f, const char *why)
{
	struct smtpd_milters *a = f->all;
	bool asked = is_asked(f);

	/* between messages it may come and go as it likes */
	if (!asked && !f->in_message) {
		hang_up(f);
		return;
	}
	hang_up(f);
	give_up(f, why);
	if (asked && f->over && a->stage == MILTER_END)
		smtpd_milter_next(a);
	if (asked)
		smtpd_milter_run(a);
}

static void on_event(struct milter *m, enum milter_event event,
		const struct milter_reply *r, void *arg)
{
	struct smtpd_filter *f = arg;
	struct smtpd_milters *a = f->all;

	switch (event) {
	case MILTER_OPEN:
		f->open = true;
		smtpd_milter_run(a);
		break;
	case MILTER_ROOM:
		if (is_asked(f) && a->stage == MILTER_END)
			smtpd_milter_feed(a);
		break;
	case MILTER_CHANGE:
		smtpd_milter_change(f, r);
		break;
	case MILTER_ANSWER:
		if (a->stage == MILTER_END)
			smtpd_milter_fed(f, r);
		else if (smtpd_milter_judge(f, r))
			smtpd_milter_run(a);
		break;
	case MILTER_FAILED:
		smtpd_milter_failed(f, milter_error(m));
		break;
	}
}

static void on_deadline(struct loop_timer *t)
{
	struct smtpd_milters *a = container_of(t, struct smtpd_milters,
			deadline);

	a->late = true;
	if (a->at < a->n)
		smtpd_milter_failed(&a->filters[a->at], "it takes too long");
}

/* -- commands -- */

static void add_word(struct str *out, const char *text)
{
	str_add(out, span_make(text, strlen(text) + 1));
}

static void put_connect(struct smtpd_milters *a, struct str *out)
{
	struct smtpd_session *x = a->x;
	char address[64], family;
	unsigned port;

	smtpd_milter_address(x, address, &port, &family);
	add_word(out, x->service->local ? "localhost" :
			conn_peer(x->smtp->conn));
	str_addc(out, family);
	str_addc(out, (char)(port >> 8));
	str_addc(out, (char)port);
	add_word(out, address);
}

static void put_params(struct str *out, const char *params)
{
	struct span rest = span_of(params), word;

	while ((word = span_word(&rest)).n) {
		str_add(out, word);
		str_addc(out, '\0');
	}
}

static void put_mail(struct smtpd_milters *a, struct str *out)
{
	const struct smtp_session *s = a->x->smtp;

	smtpd_milter_path(out, s->sender);
	str_addc(out, '\0');
	if (s->declared_size) {
		str_addf(out, "SIZE=%llu",
				(unsigned long long)s->declared_size);
		str_addc(out, '\0');
	}
	if (s->eight_bit)
		add_word(out, "BODY=8BITMIME");
	if (s->utf8)
		add_word(out, "SMTPUTF8");
	put_params(out, s->dsn);
}

static void put_rcpt(struct smtpd_milters *a, struct str *out)
{
	smtpd_milter_path(out, a->x->rcpt->address);
	str_addc(out, '\0');
	put_params(out, a->x->rcpt->dsn);
}

static void put_helo(struct smtpd_milters *a, struct str *out)
{
	add_word(out, a->x->smtp->hello);
}

static void put_nothing(struct smtpd_milters *a, struct str *out)
{
	(void)a, (void)out;
}

/* True: its answer will come. */
static bool tell(struct smtpd_filter *f, enum milter_stage stage)
{
	static void (*const put[])(struct smtpd_milters *a, struct str *out) = {
		[MILTER_CONNECT] = put_connect, [MILTER_HELO] = put_helo,
		[MILTER_MAIL] = put_mail, [MILTER_RCPT] = put_rcpt,
		[MILTER_DATA] = put_nothing,
	};
	struct str data;
	bool wait = false;

	if (!milter_wants(f->m, stage))
		return false;
	str_init(&data, DATA_SIZE);
	put[stage](f->all, &data);
	milter_macros(f->m, stage, smtpd_milter_macro, f->all->x);
	wait = milter_send(f->m, stage, str_span(&data));
	str_free(&data);
	return wait;
}

/* -- stages -- */

enum step { STEP_WAIT, STEP_NEXT, STEP_AGAIN, STEP_REFUSED };

static enum step connect_filter(struct smtpd_filter *f)
{
	struct err err;

	f->m = dial(f, &err);
	if (f->m)
		return STEP_WAIT;
	give_up(f, err.text);
	return STEP_AGAIN;
}

/* CONNECT and HELO first; each once. */
static enum step tell_next(struct smtpd_filter *f)
{
	enum milter_stage stage = f->all->stage;

	if (!f->connected) {
		f->connected = true;
		return tell(f, MILTER_CONNECT) ? STEP_WAIT : STEP_AGAIN;
	}
	if (!f->greeted) {
		f->greeted = true;
		return tell(f, MILTER_HELO) ? STEP_WAIT : STEP_AGAIN;
	}
	if (f->told)
		return STEP_NEXT;
	f->told = true;
	f->in_message = true;
	return tell(f, stage) ? STEP_WAIT : STEP_NEXT;
}

static enum step step(struct smtpd_filter *f)
{
	enum milter_stage stage = f->all->stage;

	if (f->over || f->passed)
		return STEP_NEXT;
	if (f->refusal) {
		smtpd_milter_refuse(f, f->refusal->code, f->refusal->enhanced,
				f->refusal->text);
		return STEP_REFUSED;
	}
	/* there was no memory for its refusal */
	if (stage != MILTER_MAIL && !f->in_message) {
		smtpd_milter_refuse(f, 451, "4.7.1", TRY_LATER);
		return STEP_REFUSED;
	}
	if (f->all->late) {
		hang_up(f);
		give_up(f, "there is no time left for it");
		return STEP_AGAIN;
	}
	if (!f->m)
		return connect_filter(f);
	return f->open ? tell_next(f) : STEP_WAIT;
}

static void stage_over(struct smtpd_milters *a)
{
	smtpd_milter_stop(a);
	smtp_server_ok(a->x->smtp, NULL);
}

void smtpd_milter_run(struct smtpd_milters *a)
{
	if (a->stage == MILTER_END) {
		smtpd_milter_feed(a);
		return;
	}
	while (a->at < a->n && !a->discard) {
		enum step how = step(&a->filters[a->at]);

		if (how == STEP_WAIT || how == STEP_REFUSED)
			return;
		a->at += how == STEP_NEXT;
	}
	stage_over(a);
}

static void begin_stage(struct smtpd_milters *a, enum milter_stage stage)
{
	a->stage = stage;
	a->at = 0;
	a->running = true;
	a->late = false;
	for (unsigned i = 0; i < a->n; i++)
		a->filters[i].told = stage == MILTER_END;
	loop_timer_set(a->x->service->smtpd->daemon.loop, &a->deadline,
			stage == MILTER_END ? MESSAGE_MS : STAGE_MS);
	smtpd_milter_run(a);
}

/* -- the session -- */

static struct smtpd_milters *make(struct smtpd_session *x)
{
	struct smtpd *m = x->service->smtpd;
	struct smtpd_milters *a = calloc(1, sizeof(*a));
	unsigned i = 0, service = x->service->local ? CONF_MILTER_LOCAL :
		x->service->kind;

	if (!a)
		return NULL;
	a->x = x;
	a->deadline.fire = on_deadline;
	list_init(&a->message.task.link);
	for (const struct conf_milter *c = m->daemon.conf->milters; c;
			c = c->next, i++)
		if (c->services & 1U << service)
			a->filters[a->n++] = (struct smtpd_filter){
				.all = a, .conf = c,
				.dir = m->milter_paths->dirs[i]
			};
	return a;
}

/* HELO is told again when it is another one, or now under TLS. */
static int check_hello(struct smtpd_milters *a)
{
	const struct smtp_session *s = a->x->smtp;
	bool tls = conn_is_tls(s->conn);

	if (a->hello && strcmp(a->hello, s->hello) == 0 && a->tls == tls)
		return 0;
	free(a->hello);
	a->hello = strdup(s->hello);
	a->tls = tls;
	for (unsigned i = 0; i < a->n; i++) {
		struct smtpd_filter *f = &a->filters[i];

		f->greeted = false;
		if (f->refused_hello) {
			free(f->refusal);
			f->refusal = NULL;
		}
		f->refused_hello = false;
	}
	return a->hello ? 0 : -1;
}

bool smtpd_milter_asks(struct smtpd_session *x, enum milter_stage stage)
{
	if (!x->service->smtpd->milter_paths)
		return false;
	if (!x->milters)
		x->milters = make(x);
	if (!x->milters || (stage == MILTER_MAIL &&
				check_hello(x->milters) < 0)) {
		smtp_server_refuse(x->smtp, 452, "4.3.1", "Out of memory");
		return true;
	}
	if (!x->milters->n)
		return false;
	begin_stage(x->milters, stage);
	return true;
}

void smtpd_milter_reset(struct smtpd_session *x)
{
	struct smtpd_milters *a = x->milters;

	if (!a)
		return;
	smtpd_milter_stop(a);
	a->discard = false;
	smtpd_milter_message_free(a);
	for (unsigned i = 0; i < a->n; i++) {
		struct smtpd_filter *f = &a->filters[i];

		if (f->in_message && f->m)
			milter_abort(f->m);
		f->in_message = f->passed = false;
	}
}

void smtpd_milter_end(struct smtpd_session *x)
{
	struct smtpd_milters *a = x->milters;

	if (!a)
		return;
	smtpd_milter_reset(x);
	for (unsigned i = 0; i < a->n; i++) {
		milter_close(a->filters[i].m);
		free(a->filters[i].refusal);
	}
	free(a->hello);
	free(a);
	x->milters = NULL;
}
