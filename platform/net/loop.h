/* loop - one process, one thread, one epoll: watches, timers, signals
 *
 * Watches and timers are structs inside the caller's own, so arming one
 * cannot fail for memory. A callback may remove or free any watch or timer,
 * its own included.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/list.h"

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HUP = 4 };	/* HUP: also error */

struct loop_watch {
	int fd;
	unsigned want;		/* LOOP_READ | LOOP_WRITE; set by loop_watch */
	void (*ready)(struct loop_watch *, unsigned events);
	bool active;			/* private */
};

struct loop_timer {
	void (*fire)(struct loop_timer *);
	int64_t due;		/* clock_ms() of firing; private from here */
	struct loop_timer *child, *sibling, *prev;
	bool armed;
};

/* Runs once at the end of the turn in which it was asked for. */
struct loop_task {
	void (*run)(struct loop_task *);
	struct list link;		/* list_init before first use */
};

struct loop *loop_new(struct err *err);		/* NULL on error */
void loop_free(struct loop *l);

/*
 * Sets what w->fd is watched for; want 0 takes it out of epoll but keeps it
 * registered as nothing. Call loop_unwatch before closing the fd. 0 or -1
 * with errno (epoll's limits only).
 */
int loop_watch(struct loop *l, struct loop_watch *w, unsigned want);
void loop_unwatch(struct loop *l, struct loop_watch *w);

void loop_timer_set(struct loop *l, struct loop_timer *t, int64_t ms_from_now);
/*
 * For time-outs that each byte moves on: a timer that is armed for an earlier
 * moment is left alone (no work), so fire has to look whether it is time yet.
 */
void loop_timer_within(struct loop *l, struct loop_timer *t,
		int64_t ms_from_now);
void loop_timer_stop(struct loop *l, struct loop_timer *t);
/* clock_ms() as it was when this turn's events came: free of charge. */
int64_t loop_now(const struct loop *l);

/* Asking twice is asking once. */
void loop_task_add(struct loop *l, struct loop_task *t);
/* At the end of the next turn: who has work left lets the others go first. */
void loop_task_next(struct loop *l, struct loop_task *t);
void loop_task_stop(struct loop_task *t);

/*
 * Calls fn from the loop, not from the handler. One fn per signal. The signal
 * stays blocked, also in children and past loop_free: whoever forks unblocks.
 * SIGPIPE is ignored by loop_new. 0 or -1 with errno.
 */
int loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
		void *arg);

/* Until loop_stop; gives what loop_stop was given. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int code);
/* One turn, waiting at most ms; for tests. */
void loop_turn(struct loop *l, int ms);

#endif
