#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "os/clock.h"

#define LOOP_BATCH 32		/* events taken from the kernel at once */
#define LOOP_SIGNALS 8
#define LOOP_ROUNDS 8		/* tasks that ask for tasks, per turn */

struct loop_handler {
	int signo;
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct loop {
	int epoll;
	/*
	 * The events of this turn. Entries from `at` on are still to come;
	 * loop_unwatch clears those of a watch that goes, so its memory may
	 * go with it.
	 */
	struct epoll_event batch[LOOP_BATCH];
	int at, n;
	struct loop_timer *timers;	/* the root of a pairing heap */
	int64_t now;
	struct list tasks, next;
	struct loop_watch signals;
	sigset_t mask;
	struct loop_handler handlers[LOOP_SIGNALS];
	int nhandlers;
	bool stopped;
	int code;
};

struct loop *loop_new(struct err *err)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		err_nomem(err);
		return NULL;
	}
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		err_errno(err, "epoll");
		free(l);
		return NULL;
	}
	list_init(&l->tasks);
	list_init(&l->next);
	l->signals.fd = -1;
	sigemptyset(&l->mask);
	signal(SIGPIPE, SIG_IGN);
	l->now = clock_ms();
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->signals.fd >= 0)
		close(l->signals.fd);
	close(l->epoll);
	free(l);
}

int64_t loop_now(const struct loop *l)
{
	return l->now;
}

/* -- watches -- */

int loop_watch(struct loop *l, struct loop_watch *w, unsigned want)
{
	struct epoll_event e = { 0 };
	int op = w->active ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (w->want == want && (w->active || !want))
		return 0;
	if (!want)
		op = EPOLL_CTL_DEL;
	e.events = (want & LOOP_READ ? EPOLLIN : 0) |
		(want & LOOP_WRITE ? EPOLLOUT : 0);
	e.data.ptr = w;
	if (epoll_ctl(l->epoll, op, w->fd, &e))
		return -1;
	w->want = want;
	w->active = want != 0;
	return 0;
}

void loop_unwatch(struct loop *l, struct loop_watch *w)
{
	int i;

	if (w->active)
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->active = false;
	w->want = 0;
	for (i = l->at; i < l->n; i++) {
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
	}
}

/* An earlier callback of this turn may have changed what w wants. */
static void ready(struct loop_watch *w, uint32_t events)
{
	unsigned e = 0;

	if (events & EPOLLIN)
		e |= LOOP_READ;
	if (events & EPOLLOUT)
		e |= LOOP_WRITE;
	e &= w->want;
	if (w->want && events & (EPOLLHUP | EPOLLERR))
		e |= LOOP_HUP;
	if (e)
		w->ready(w, e);
}

/* A turn inside a callback (tests) leaves n at 0, which ends this one too. */
static void dispatch(struct loop *l)
{
	l->at = 0;
	while (l->at < l->n) {
		struct epoll_event *e = &l->batch[l->at++];

		if (e->data.ptr)
			ready(e->data.ptr, e->events);
	}
	l->at = l->n = 0;
}

/* -- timers: a pairing heap; prev is the parent of a first child -- */

static struct loop_timer *meld(struct loop_timer *a, struct loop_timer *b)
{
	struct loop_timer *t;

	if (!a || !b)
		return a ? a : b;
	if (b->due < a->due) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->sibling = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

/* Two passes, no recursion: pairs from the left, then all from the right. */
static struct loop_timer *meld_all(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL, *all = NULL, *a, *b;

	while (first) {
		a = first;
		b = a->sibling;
		first = b ? b->sibling : NULL;
		a->prev = a->sibling = NULL;
		if (b)
			b->prev = b->sibling = NULL;
		a = meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs) {
		a = pairs;
		pairs = a->sibling;
		a->sibling = NULL;
		all = meld(all, a);
	}
	return all;
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	struct loop_timer *rest;

	if (!t->armed)
		return;
	rest = meld_all(t->child);
	if (t == l->timers) {
		l->timers = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->sibling;
		else
			t->prev->sibling = t->sibling;
		if (t->sibling)
			t->sibling->prev = t->prev;
		l->timers = meld(l->timers, rest);
	}
	t->child = t->sibling = t->prev = NULL;
	t->armed = false;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t ms_from_now)
{
	loop_timer_stop(l, t);
	t->due = clock_ms() + ms_from_now;
	/* never again in the turn that fires it: no turn without end */
	if (t->due <= l->now)
		t->due = l->now + 1;
	t->child = t->sibling = t->prev = NULL;
	t->armed = true;
	l->timers = meld(l->timers, t);
}

void loop_timer_within(struct loop *l, struct loop_timer *t,
		int64_t ms_from_now)
{
	if (!t->armed || t->due > l->now + ms_from_now)
		loop_timer_set(l, t, ms_from_now);
}

/*
 * By the time at which this turn's events came: what a slow callback kept
 * from being read has not timed out.
 */
static void fire_timers(struct loop *l)
{
	struct loop_timer *t;

	while ((t = l->timers) && t->due <= l->now) {
		loop_timer_stop(l, t);
		t->fire(t);
	}
}

/* -- tasks -- */

void loop_task_add(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->link))
		list_add_tail(&l->tasks, &t->link);
}

void loop_task_next(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->link))
		list_add_tail(&l->next, &t->link);
}

void loop_task_stop(struct loop_task *t)
{
	list_del(&t->link);
}

/* from's ring becomes the end of to's. */
static void move_all(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

static void run_tasks(struct loop *l)
{
	struct list round;
	int i;

	list_init(&round);
	for (i = 0; i < LOOP_ROUNDS && !list_empty(&l->tasks); i++) {
		move_all(&round, &l->tasks);
		while (!list_empty(&round)) {
			struct loop_task *t = container_of(round.next,
					struct loop_task, link);

			list_del(&t->link);
			t->run(t);
		}
	}
}

/* -- signals -- */

static void signals_ready(struct loop_watch *w, unsigned events)
{
	struct loop *l = container_of(w, struct loop, signals);
	struct signalfd_siginfo info;
	int i;

	(void)events;
	if (read(w->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	for (i = 0; i < l->nhandlers; i++) {
		struct loop_handler *h = &l->handlers[i];

		if (h->signo == (int)info.ssi_signo) {
			h->fn(h->arg, h->signo);
			return;
		}
	}
}

static struct loop_handler *handler_of(struct loop *l, int signo)
{
	int i;

	for (i = 0; i < l->nhandlers; i++) {
		if (l->handlers[i].signo == signo)
			return &l->handlers[i];
	}
	return i < LOOP_SIGNALS ? &l->handlers[l->nhandlers++] : NULL;
}

int loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
		void *arg)
{
	struct loop_handler *h = handler_of(l, signo);

	if (!h) {
		errno = ENOSPC;
		return -1;
	}
	*h = (struct loop_handler){ signo, fn, arg };
	sigaddset(&l->mask, signo);
	if (sigprocmask(SIG_BLOCK, &l->mask, NULL))
		return -1;
	l->signals.fd = signalfd(l->signals.fd, &l->mask,
			SFD_NONBLOCK | SFD_CLOEXEC);
	if (l->signals.fd < 0)
		return -1;
	l->signals.ready = signals_ready;
	return loop_watch(l, &l->signals, LOOP_READ);
}

/* -- turns -- */

static int wait_ms(const struct loop *l, int most)
{
	int64_t ms;

	if (!list_empty(&l->tasks) || !list_empty(&l->next) || l->stopped)
		return 0;
	if (!l->timers)
		return most;
	ms = l->timers->due - clock_ms();
	if (ms < 0)
		ms = 0;
	if (ms > INT_MAX)
		ms = INT_MAX;
	return most >= 0 && most < ms ? most : (int)ms;
}

void loop_turn(struct loop *l, int ms)
{
	int n = epoll_wait(l->epoll, l->batch, LOOP_BATCH, wait_ms(l, ms));

	l->n = n > 0 ? n : 0;		/* EINTR: a turn without events */
	l->now = clock_ms();
	move_all(&l->tasks, &l->next);
	dispatch(l);
	fire_timers(l);
	run_tasks(l);
}

int loop_run(struct loop *l)
{
	while (!l->stopped)
		loop_turn(l, -1);
	l->stopped = false;
	return l->code;
}

void loop_stop(struct loop *l, int code)
{
	l->stopped = true;
	l->code = code;
}
