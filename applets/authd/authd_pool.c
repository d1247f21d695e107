#include "authd/authd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "os/log.h"
#include "os/proc.h"

#define WORKERS_MOST 16			/* conf's limit for auth-workers */
/* Behind them those that wait for saslauthd, which must not hold up the others. */
#define SLOW_MOST (CFG_AUTHD_SLOW ? 8 : 0)
#define ALL_MOST (WORKERS_MOST + 8 * CFG_AUTHD_SLOW)
#define IDLE_MS 10000			/* a worker with nothing to do ends */
#define WORK_MS 20000			/* one that is busy for longer hangs */
#define QUEUE_MOST 512			/* jobs that wait; more get TEMP */

struct authd_worker {
	struct authd_pool *pool;
	struct loop_watch watch;
	struct loop_timer timer;	/* idle, or busy, for too long */
	struct authd_job *job;		/* NULL: idle, or nobody waits */
	bool running, busy;
	pid_t pid;			/* 0: its end has been seen */
};

struct authd_pool {
	struct loop *loop;
	const struct conf *conf;
	const struct authd_secret *secret;
	struct authd_shared *shared;
	struct list urgent, normal, slow;	/* jobs that wait */
	unsigned waiting;
	struct authd_worker workers[ALL_MOST];
};

/* -- a worker's side -- */

__attribute__((noreturn))
static void work(const struct authd_pool *p, int fd, bool slow)
{
	char line[AUTH_LINE_MAX], answer[AUTHD_ANSWER_SIZE];
	struct authd_check *check = authd_check_new(p->conf, p->secret,
			p->shared);
	ssize_t n;

	if (!check || proc_keep_fds(&fd, 1) < 0)
		_exit(1);
	while ((n = proc_recv(fd, line, sizeof(line), NULL)) > 0) {
		(slow ? authd_check_elsewhere : authd_check_answer)(check,
				span_make(line, (size_t)n), answer);
		explicit_bzero(line, (size_t)n);
		n = proc_send(fd, answer, strlen(answer), -1);
		/* with a note it has keys */
		explicit_bzero(answer, sizeof(answer));
		if (n < 0)
			break;
	}
	authd_check_free(check);
	_exit(0);
}

/* -- our side -- */

static void finish(struct authd_job *job, struct span answer)
{
	job->worker = NULL;
	job->done(job, answer);
}

static void dispatch(struct authd_pool *p);

/* Its end of the socket sees that, and it ends. */
static void let_go(struct authd_worker *w)
{
	struct authd_job *job = w->job;

	loop_unwatch(w->pool->loop, &w->watch);
	loop_timer_stop(w->pool->loop, &w->timer);
	close(w->watch.fd);
	w->running = w->busy = false;
	w->job = NULL;
	if (job)
		finish(job, SPAN("TEMP"));
}

static void on_time(struct loop_timer *t)
{
	struct authd_worker *w = container_of(t, struct authd_worker, timer);

	if (w->busy) {
		log_error("worker %d hangs; killed", (int)w->pid);
		if (w->pid)
			kill(w->pid, SIGKILL);
	}
	let_go(w);
	dispatch(w->pool);
}

static void on_answer(struct loop_watch *watch, unsigned events)
{
	struct authd_worker *w = container_of(watch, struct authd_worker,
			watch);
	char answer[AUTHD_ANSWER_SIZE];
	ssize_t n = proc_recv(watch->fd, answer, sizeof(answer), NULL);
	struct authd_job *job = w->job;

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		log_error("worker %d is gone", (int)w->pid);
		let_go(w);
	} else {
		w->job = NULL;
		w->busy = false;
		loop_timer_set(w->pool->loop, &w->timer, IDLE_MS);
		if (job)
			finish(job, span_make(answer, (size_t)n));
		explicit_bzero(answer, sizeof(answer));
	}
	dispatch(w->pool);
}

static int start(struct authd_worker *w)
{
	struct authd_pool *p = w->pool;
	struct err err;
	pid_t pid = proc_helper(&w->watch.fd, &err);

	if (pid == 0)
		work(p, w->watch.fd, w - p->workers >= WORKERS_MOST);
	if (pid < 0) {
		log_error("cannot start a worker: %s", err.text);
		return -1;
	}
	w->pid = pid;
	w->watch.ready = on_answer;
	w->timer.fire = on_time;
	if (loop_watch(p->loop, &w->watch, LOOP_READ) < 0) {
		log_error("cannot watch a worker: %s", strerror(errno));
		close(w->watch.fd);
		return -1;
	}
	w->running = true;
	return 0;
}

/* The workers of its kind are those from *w on, so many. */
static unsigned kind(struct authd_pool *p, bool slow, struct authd_worker **w)
{
	*w = slow ? p->workers + WORKERS_MOST : p->workers;
	return slow ? SLOW_MOST : p->conf->auth_workers;
}

/* One that idles, or a new one; NULL: all are busy, or none can be had. */
static struct authd_worker *get_worker(struct authd_pool *p, bool slow)
{
	struct authd_worker *fresh = NULL, *w;

	for (unsigned n = kind(p, slow, &w); n; n--, w++) {

		if (w->running && !w->busy)
			return w;
		/* pid: the one before in this place has not quite ended */
		if (!w->running && !w->pid && !fresh)
			fresh = w;
	}
	return fresh && start(fresh) == 0 ? fresh : NULL;
}

static bool any_busy(struct authd_pool *p, bool slow)
{
	struct authd_worker *w;

	for (unsigned n = kind(p, slow, &w); n; n--, w++)
		if (w->busy || w->pid)
			return true;
	return false;
}

static struct authd_job *first(const struct authd_pool *p, bool slow)
{
	const struct list *l = slow ? &p->slow : list_empty(&p->urgent) ?
		&p->normal : &p->urgent;

	if (list_empty(l))
		return NULL;
	return container_of(l->next, struct authd_job, link);
}

static void unqueue(struct authd_pool *p, struct authd_job *job)
{
	list_del(&job->link);
	p->waiting--;
}

static void give(struct authd_worker *w, struct authd_job *job)
{
	if (proc_send(w->watch.fd, job->line.p, job->line.n, -1) < 0) {
		log_error("worker %d: %s", (int)w->pid, strerror(errno));
		finish(job, SPAN("TEMP"));
		let_go(w);
		return;
	}
	w->job = job;
	w->busy = true;
	job->worker = w;
	loop_timer_set(w->pool->loop, &w->timer, WORK_MS);
}

/*
 * Nobody can be had and nobody will become free: better no answer than one
 * that never comes.
 */
static void give_up(struct authd_pool *p, bool slow)
{
	struct authd_job *job;

	while ((job = first(p, slow)) != NULL) {
		unqueue(p, job);
		finish(job, SPAN("TEMP"));
	}
}

static void dispatch_kind(struct authd_pool *p, bool slow)
{
	struct authd_worker *w;
	struct authd_job *job;

	while ((job = first(p, slow)) != NULL &&
			(w = get_worker(p, slow)) != NULL) {
		unqueue(p, job);
		give(w, job);
	}
	if (job && !any_busy(p, slow))
		give_up(p, slow);
}

static void dispatch(struct authd_pool *p)
{
	dispatch_kind(p, false);
	if (CFG_AUTHD_SLOW)
		dispatch_kind(p, true);
}

static void on_child(void *arg, int signo)
{
	struct authd_pool *p = arg;
	int status;
	pid_t pid;

	(void)signo;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < ALL_MOST; i++) {
			if (p->workers[i].pid != pid)
				continue;
			p->workers[i].pid = 0;
			if (WIFSIGNALED(status))
				log_error("worker %d was killed by signal %d",
						(int)pid, WTERMSIG(status));
		}
	dispatch(p);
}

/* -- what others call -- */

void authd_pool_ask(struct authd_pool *p, struct authd_job *job)
{
	job->worker = NULL;
	list_init(&job->link);
	if (p->waiting >= QUEUE_MOST) {
		finish(job, SPAN("TEMP too many requests wait"));
		return;
	}
	list_add_tail(job->slow ? &p->slow : job->urgent ? &p->urgent :
			&p->normal, &job->link);
	p->waiting++;
	dispatch(p);
}

/* A worker that is at it goes on: its answer is then nobody's. */
void authd_pool_cancel(struct authd_pool *p, struct authd_job *job)
{
	if (!list_empty(&job->link))
		unqueue(p, job);
	if (job->worker)
		job->worker->job = NULL;
	job->worker = NULL;
}

/* For all who will be forked. */
static int share(struct authd_pool *p)
{
	void *m = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	p->shared = m == MAP_FAILED ? NULL : m;
	return p->shared ? 0 : -1;
}

struct authd_pool *authd_pool_new(struct loop *loop, const struct conf *conf,
		const struct authd_secret *secret, struct err *err)
{
	struct authd_pool *p = calloc(1, sizeof(*p));

	if (CFG_AUTHD_SLOW && p && share(p) < 0) {
		err_errno(err, "workers");
		free(p);
		return NULL;
	}
	if (p && loop_signal(loop, SIGCHLD, on_child, p) == 0) {
		p->loop = loop;
		p->conf = conf;
		p->secret = secret;
		list_init(&p->urgent);
		list_init(&p->normal);
		list_init(&p->slow);
		for (int i = 0; i < ALL_MOST; i++)
			p->workers[i].pool = p;
		return p;
	}
	err_errno(err, "workers");
	if (CFG_AUTHD_SLOW && p)
		munmap(p->shared, sizeof(*p->shared));
	free(p);
	return NULL;
}

void authd_pool_free(struct authd_pool *p)
{
	for (int i = 0; i < ALL_MOST; i++) {
		p->workers[i].job = NULL;
		if (p->workers[i].running)
			let_go(&p->workers[i]);
	}
	if (CFG_AUTHD_SLOW)
		munmap(p->shared, sizeof(*p->shared));
	free(p);
}
