#include "config.h"
#include "deliver/system.h"
#include "deliver/recipient.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "base/str.h"
#include "os/log.h"
#include "os/proc.h"
#include "store/disk.h"

#define JOBS_MOST 8		/* processes at once, */
#define PROGRAMS_MOST 4	/* and of these such that run somebody's program */
/* ms: a big message on slow flash; and a command's time */
#define JOB_LIMIT 300000
#define PACKET_SIZE 4096
#define TEXTS 7

/*
 * The head of a packet to the helper; user, address, box, hook ("": none),
 * sender, key (likewise) and head text follow, each with its NUL.
 */
struct packet {
	int64_t when, start, length;
	uint32_t id;
	uint8_t again, full, forward, gzip;
};

struct reply {
	uint32_t id;
	uint8_t kind;		/* enum err_kind */
	uint8_t before, kept, full;
	/* as long as it has to be; forward, or why */
	char text[SYSTEM_FORWARD_MOST];
};

struct system {
	struct loop *loop;
	struct loop_watch watch;
	pid_t pid;
	struct list waiting, running;
	unsigned nrunning;
	uint32_t last;
	int64_t limit;			/* ms, of a job */
};

struct system_job {
	struct list link;
	struct system *system;
	struct loop_timer limit;
	bool running, program;		/* program: it runs one */
	uint32_t id;
	system_fn *fn;		/* NULL: cancelled; its place is still taken */
	void *arg;
	int fd;
	size_t n;
	char packet[];
};

static bool is_alias(const char *user)
{
	return user[0] == '|';
}

/* -- the helper's side -- */

static bool unpack(struct system_mail *m, struct packet *head,
		const char *packet, size_t n)
{
	struct span rest, text[TEXTS];

	if (n < sizeof(*head) || packet[n - 1] != '\0')
		return false;
	memcpy(head, packet, sizeof(*head));
	rest = span_make(packet + sizeof(*head), n - sizeof(*head));
	for (int i = 0; i < TEXTS; i++) {
		if (!rest.n)
			return false;
		text[i] = span_cut(&rest, '\0');
	}
	m->user = text[0].p;
	m->address = text[1].p;
	m->box = text[2].n ? text[2].p : NULL;
	m->hook = text[3].n ? text[3].p : NULL;
	m->sender = text[4].p;
	m->key = text[5].n ? text[5].p : NULL;
	m->head = text[6];
	m->again = head->again;
	m->full = head->full;
	m->forward = head->forward;
	m->gzip = CFG_MAILBOX_GZIP && head->gzip;
	m->when = head->when;
	m->start = head->start;
	m->length = head->length;
	return true;
}

/* In a process of its own, which becomes the user. */
static int job_run(const struct conf *conf, int mbox_dir,
		const struct system_mail *m, struct recipient_end *end,
		struct err *err)
{
	struct priv_user user;

	if (CFG_DELIVER_FORWARD && recipient_is_target(m))
		return recipient_target(conf, mbox_dir, m, end, err);
	if (CFG_DELIVER_ALIASES && is_alias(m->user))
		return alias_deliver(conf, m, &end->before, err);
	if (CFG_DELIVER_RECIPIENT)
		return recipient_deliver(conf, mbox_dir, m, end, err);
	if (priv_find(m->user, &user, err) < 0
			|| system_become(mbox_dir, &user, err) < 0
			|| system_mail_append(mbox_dir, m->user, false, m,
				&end->before, err) < 0)
		return -1;
	end->kept = !end->before;
	if (end->kept)
		notice_new_mail(m);
	return 0;
}

static void job_answer(int sock, uint32_t id, const struct recipient_end *end,
		const struct err *err)
{
	struct reply r;

	memset(&r, 0, sizeof(r));
	r.id = id;
	r.before = end->before;
	r.kept = end->kept;
	r.full = end->full;
	if (err)
		r.kind = (uint8_t)err->kind;
	str_copys(r.text, sizeof(r.text), err ? err->text :
			str_c(&end->forward));
	proc_send(sock, &r, offsetof(struct reply, text) + strlen(r.text) + 1,
			-1);
}

static void job_start(int sock, const struct conf *conf, int mbox_dir,
		const struct system_mail *m, uint32_t id)
{
	struct recipient_end end = { .before = false };
	struct err err;
	pid_t pid = fork();
	int rc = -1;

	if (pid > 0)
		return;
	str_init(&end.forward, SYSTEM_FORWARD_MOST - 1);
	if (pid < 0) {
		disk_err(&err, "fork");
	} else {
		signal(SIGCHLD, SIG_DFL);
		rc = job_run(conf, mbox_dir, m, &end, &err);
	}
	/* an account or a mailbox can be put right; a decision is final */
	if (rc < 0 && err.kind == ERR_PERM && !end.final && !is_alias(m->user))
		err.kind = ERR_TEMP;
	job_answer(sock, id, &end, rc < 0 ? &err : NULL);
	if (pid == 0)
		_exit(0);
	str_free(&end.forward);
}

/* mbox_dir -1: there are no system users. */
_Noreturn static void helper_run(int sock, const struct conf *conf,
		int mbox_dir)
{
	int fds[] = { sock, mbox_dir }, fd;
	char packet[PACKET_SIZE];
	struct packet head;
	ssize_t n;

	signal(SIGCHLD, SIG_IGN);	/* children answer by themselves */
	signal(SIGTERM, SIG_IGN);	/* we go when the daemon has gone */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (proc_keep_fds(fds, mbox_dir < 0 ? 1 : 2) < 0)
		_exit(1);
	while ((n = proc_recv(fds[0], packet, sizeof(packet), &fd)) > 0) {
		struct system_mail m = { .fd = fd };

		if (fd >= 0 && unpack(&m, &head, packet, (size_t)n))
			job_start(fds[0], conf, fds[1], &m, head.id);
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

/* -- the daemon's side -- */

static void start_waiting(struct system *s);

static const char *user_of(const struct system_job *job)
{
	return job->packet + sizeof(struct packet);
}

static void job_free(struct system_job *job)
{
	struct system *s = job->system;

	loop_timer_stop(s->loop, &job->limit);
	list_del(&job->link);
	if (job->running)
		s->nrunning--;
	free(job);
}

static void job_end(struct system_job *job, const struct system_end *end)
{
	struct system *s = job->system;
	system_fn *fn = job->fn;
	void *arg = job->arg;

	job_free(job);
	if (fn)
		fn(arg, end);
	start_waiting(s);
}

static void job_fail(struct system_job *job, const struct err *err)
{
	job_end(job, &(struct system_end){ .forward = "", .err = err });
}

static void on_limit(struct loop_timer *t)
{
	struct system_job *job = container_of(t, struct system_job, limit);
	struct err err;

	err_set(&err, ERR_TEMP, "no answer from the helper");
	job_fail(job, &err);
}

/* Two for one mbox would only wait for each other's lock. */
static bool is_busy(const struct system *s, const char *user)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, &s->running)
		if (strcmp(user_of(container_of(pos, struct system_job, link)),
					user) == 0)
			return true;
	return false;
}

/* Programs take their time: others of them wait, but not the mboxes. */
static bool too_many_programs(const struct system *s)
{
	struct list *pos, *tmp;
	unsigned n = 0;

	list_each(pos, tmp, &s->running)
		n += container_of(pos, struct system_job, link)->program;
	return n >= PROGRAMS_MOST;
}

static struct system_job *next_job(const struct system *s)
{
	bool too_many = too_many_programs(s);
	struct list *pos, *tmp;

	if (s->nrunning >= JOBS_MOST)
		return NULL;
	list_each(pos, tmp, &s->waiting) {
		struct system_job *job = container_of(pos, struct system_job,
				link);

		if (!(too_many && job->program) && !is_busy(s, user_of(job)))
			return job;
	}
	return NULL;
}

static void start_waiting(struct system *s)
{
	struct system_job *job;

	while ((job = next_job(s)) != NULL) {
		if (proc_send(s->watch.fd, job->packet, job->n, job->fd) < 0
				&& (errno == EAGAIN || errno == ENOBUFS))
			return;		/* an answer will come first */
		/* any other failure: the helper has gone, on_answer sees it */
		list_del(&job->link);
		list_add_tail(&s->running, &job->link);
		job->running = true;
		s->nrunning++;
		loop_timer_set(s->loop, &job->limit, s->limit);
	}
}

static void fail_all(struct list *jobs, const struct err *err)
{
	while (!list_empty(jobs)) {
		struct system_job *job = container_of(jobs->next,
				struct system_job, link);

		job->running = false;
		job_fail(job, err);
	}
}

/* Root's rights are gone, so is the way to a new helper: maild starts us anew. */
static void helper_gone(struct system *s)
{
	struct err err;

	log_error("the helper has died");
	loop_unwatch(s->loop, &s->watch);
	err_set(&err, ERR_TEMP, "the helper has died");
	s->nrunning = JOBS_MOST;	/* start nothing more */
	fail_all(&s->running, &err);
	fail_all(&s->waiting, &err);
	loop_stop(s->loop, 75);		/* EX_TEMPFAIL */
}

static void on_answer(struct loop_watch *w, unsigned events)
{
	struct system *s = container_of(w, struct system, watch);
	struct list *pos, *tmp;
	struct reply r;
	struct err err;
	struct system_end end = { .forward = "" };
	ssize_t n = proc_recv(w->fd, &r, sizeof(r), NULL);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= (ssize_t)offsetof(struct reply, text)
			|| ((char *)&r)[n - 1] != '\0') {
		helper_gone(s);
		return;
	}
	end.before = r.before;
	end.kept = r.kept;
	end.full = r.full;
	if (r.kind)
		end.err = &err;
	else
		end.forward = r.text;
	if (r.kind)
		err_set(&err, (enum err_kind)r.kind, "%s", r.text);
	list_each(pos, tmp, &s->running) {
		struct system_job *job = container_of(pos, struct system_job,
				link);

		if (job->id == r.id) {
			job_end(job, &end);
			return;
		}
	}
}

struct system_job *system_append(struct system *s, const struct system_mail *m,
		system_fn *fn, void *arg)
{
	const char *key = m->key ? m->key : "", *box = m->box ? m->box : "";
	const char *hook = m->hook ? m->hook : "";
	size_t n = sizeof(struct packet) + strlen(m->user) +
		strlen(m->address) + strlen(box) + strlen(hook) +
		strlen(m->sender) + strlen(key) + m->head.n + TEXTS;
	struct packet head;
	struct system_job *job;

	if (n > PACKET_SIZE)
		return NULL;
	job = calloc(1, sizeof(*job) + n);
	if (!job)
		return NULL;
	job->system = s;
	job->id = ++s->last;
	job->fn = fn;
	job->arg = arg;
	job->fd = m->fd;
	job->program = is_alias(m->user) || m->hook;
	job->n = n;
	job->limit.fire = on_limit;
	memset(&head, 0, sizeof(head));
	head.id = job->id;
	head.when = m->when;
	head.start = m->start;
	head.length = m->length;
	head.again = m->again;
	head.full = m->full;
	head.forward = m->forward;
	head.gzip = CFG_MAILBOX_GZIP && m->gzip;
	memcpy(job->packet, &head, sizeof(head));
	snprintf(job->packet + sizeof(head), n - sizeof(head),
			"%s%c%s%c%s%c%s%c%s%c%s%c%.*s", m->user, 0, m->address,
			0, box, 0, hook, 0, m->sender, 0, key, 0,
			SPAN_ARG(m->head));
	list_add_tail(&s->waiting, &job->link);
	start_waiting(s);
	return job;
}

void system_cancel(struct system_job *job)
{
	if (job->running)
		job->fn = NULL;
	else
		job_free(job);
}

struct system *system_open(struct loop *loop, const struct conf *conf,
		struct err *err)
{
	int mbox_dir = conf->system_users ? system_mbox_dir(conf, err) : -1;
	struct system *s;

	if (mbox_dir < 0 && conf->system_users)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s) {
		disk_err(err, "helper");
		if (mbox_dir >= 0)
			close(mbox_dir);
		return NULL;
	}
	s->loop = loop;
	s->limit = JOB_LIMIT + (int64_t)conf->alias_timeout * 1000;
	s->watch.ready = on_answer;
	list_init(&s->waiting);
	list_init(&s->running);
	s->pid = proc_helper(&s->watch.fd, err);
	if (s->pid == 0)
		helper_run(s->watch.fd, conf, mbox_dir);
	if (mbox_dir >= 0)
		close(mbox_dir);
	if (s->pid > 0 && loop_watch(loop, &s->watch, LOOP_READ) == 0)
		return s;
	if (s->pid > 0) {
		disk_err(err, "helper");
		system_close(s);
	} else {
		free(s);
	}
	return NULL;
}

static void free_all(struct list *jobs)
{
	while (!list_empty(jobs))
		job_free(container_of(jobs->next, struct system_job, link));
}

void system_close(struct system *s)
{
	if (!s)
		return;
	loop_unwatch(s->loop, &s->watch);
	close(s->watch.fd);	/* the helper ends by this */
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free_all(&s->waiting);
	free_all(&s->running);
	free(s);
}
