#include "net/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "os/clock.h"

static struct loop *loop;

static int set_up(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	return !loop;
}

static int tear_down(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* -- watches -- */

struct peer {
	struct loop_watch watch;
	int other;
	int calls;
	unsigned events;
	struct peer **victims;	/* freed by the first one that is called */
};

static void peer_gone(struct peer *p)
{
	loop_unwatch(loop, &p->watch);
	close(p->watch.fd);
	close(p->other);
	free(p);
}

static void note(struct loop_watch *w, unsigned events)
{
	struct peer *p = container_of(w, struct peer, watch);

	p->calls++;
	p->events = events;
}

static struct peer *peer_new(void (*ready)(struct loop_watch *, unsigned))
{
	struct peer *p = calloc(1, sizeof(*p));
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	p->watch.fd = fd[0];
	p->watch.ready = ready;
	p->other = fd[1];
	return p;
}

static void test_watch(void **state)
{
	struct peer *p = peer_new(note);

	(void)state;
	assert_int_equal(loop_watch(loop, &p->watch, LOOP_READ), 0);
	loop_turn(loop, 0);
	assert_int_equal(p->calls, 0);
	assert_int_equal(write(p->other, "x", 1), 1);
	loop_turn(loop, 0);
	assert_int_equal(p->events, LOOP_READ);
	loop_turn(loop, 0);			/* level-triggered */
	assert_int_equal(p->calls, 2);
	assert_int_equal(loop_watch(loop, &p->watch, LOOP_WRITE), 0);
	loop_turn(loop, 0);
	assert_int_equal(p->events, LOOP_WRITE);
	assert_int_equal(loop_watch(loop, &p->watch, 0), 0);
	loop_turn(loop, 0);
	assert_int_equal(p->calls, 3);
	assert_int_equal(loop_watch(loop, &p->watch, LOOP_READ), 0);
	loop_turn(loop, 0);
	assert_int_equal(p->calls, 4);
	shutdown(p->other, SHUT_RDWR);
	loop_turn(loop, 0);
	assert_int_equal(p->events, LOOP_READ | LOOP_HUP);
	peer_gone(p);
}

static void test_watch_errors(void **state)
{
	struct loop_watch w = { .fd = 9999, .ready = note };

	(void)state;
	assert_int_equal(loop_watch(loop, &w, LOOP_READ), -1);
	assert_false(w.active);
	loop_unwatch(loop, &w);
}

#define MANY 10

static int killed;

static void kill_others(struct loop_watch *w, unsigned events)
{
	struct peer *me = container_of(w, struct peer, watch);
	struct peer **all = me->victims;
	int i;

	(void)events;
	killed++;
	for (i = 0; i < MANY; i++)
		peer_gone(all[i]);	/* me too; all have an event waiting */
}

static void test_free_in_callback(void **state)
{
	struct peer *all[MANY];
	int i;

	(void)state;
	killed = 0;
	for (i = 0; i < MANY; i++) {
		all[i] = peer_new(kill_others);
		all[i]->victims = all;
		assert_int_equal(write(all[i]->other, "x", 1), 1);
		loop_watch(loop, &all[i]->watch, LOOP_READ);
	}
	loop_turn(loop, 0);
	loop_turn(loop, 0);
	assert_int_equal(killed, 1);
}

static void mute_others(struct loop_watch *w, unsigned events)
{
	struct peer *me = container_of(w, struct peer, watch);
	int i;

	(void)events;
	killed++;
	for (i = 0; i < MANY; i++)
		loop_watch(loop, &me->victims[i]->watch, 0);
}

static void test_want_nothing_in_callback(void **state)
{
	struct peer *all[MANY];
	int i;

	(void)state;
	killed = 0;
	for (i = 0; i < MANY; i++) {
		all[i] = peer_new(mute_others);
		all[i]->victims = all;
		close(all[i]->other);	/* HUP may not get through either */
		all[i]->other = -1;
		loop_watch(loop, &all[i]->watch, LOOP_READ);
	}
	loop_turn(loop, 0);
	assert_int_equal(killed, 1);
	for (i = 0; i < MANY; i++)
		peer_gone(all[i]);
}

static void turn_inside(struct loop_watch *w, unsigned events)
{
	char c;

	note(w, events);
	assert_int_equal(read(w->fd, &c, 1), 1);
	loop_turn(loop, 0);
}

static void test_turn_in_turn(void **state)
{
	struct peer *all[MANY];
	int i;

	(void)state;
	for (i = 0; i < MANY; i++) {
		all[i] = peer_new(turn_inside);
		assert_int_equal(write(all[i]->other, "x", 1), 1);
		loop_watch(loop, &all[i]->watch, LOOP_READ);
	}
	loop_turn(loop, 0);
	for (i = 0; i < MANY; i++) {
		assert_int_equal(all[i]->calls, 1);
		peer_gone(all[i]);
	}
}

/* -- timers -- */

#define TIMERS 500

struct alarm {
	struct loop_timer timer;
	int64_t set_for;
	bool fired;
};

static struct alarm alarms[TIMERS];
static int64_t last_due;
static int fired;

static void ring(struct loop_timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	assert_false(a->fired);
	assert_true(clock_ms() >= a->set_for);
	assert_true(a->set_for >= last_due);
	last_due = a->set_for;
	a->fired = true;
	fired++;
}

static void alarm_set(struct alarm *a, int64_t ms)
{
	a->set_for = clock_ms() + ms;
	loop_timer_set(loop, &a->timer, ms);
	a->set_for = a->timer.due;
}

/* Set, move and stop at random: what is left fires, each once, in order. */
static void test_timers(void **state)
{
	unsigned seed = 1;
	int i, k, expected = 0;

	(void)state;
	memset(alarms, 0, sizeof(alarms));
	fired = 0;
	last_due = 0;
	for (i = 0; i < TIMERS; i++)
		alarms[i].timer.fire = ring;
	for (k = 0; k < TIMERS * 20; k++) {
		struct alarm *a = &alarms[rand_r(&seed) % TIMERS];

		if (rand_r(&seed) % 3)
			alarm_set(a, rand_r(&seed) % 50);
		else
			loop_timer_stop(loop, &a->timer);
	}
	for (i = 0; i < TIMERS; i++)
		expected += alarms[i].timer.armed;
	assert_true(expected > TIMERS / 3);
	for (k = 0; k < 1000 && fired < expected; k++)
		loop_turn(loop, 100);
	assert_int_equal(fired, expected);
	loop_turn(loop, 0);
	assert_int_equal(fired, expected);
}

static void ring_again(struct loop_timer *t)
{
	fired++;
	loop_timer_set(loop, t, 0);
}

static void test_timer_sets_itself(void **state)
{
	struct loop_timer t = { .fire = ring_again };

	(void)state;
	fired = 0;
	loop_timer_set(loop, &t, 0);
	while (!fired)
		loop_turn(loop, 10);
	assert_int_equal(fired, 1);		/* one a turn: no endless one */
	loop_turn(loop, 10);
	assert_int_equal(fired, 2);
	loop_timer_stop(loop, &t);
	loop_timer_stop(loop, &t);
	loop_turn(loop, 5);
	assert_int_equal(fired, 2);
}

static void ring_stops(struct loop_timer *t)
{
	int i;

	(void)t;
	fired++;
	for (i = 0; i < 10; i++)
		loop_timer_stop(loop, &alarms[i].timer);
}

static void test_timer_stops_others(void **state)
{
	int i;

	(void)state;
	memset(alarms, 0, sizeof(alarms));
	fired = 0;
	for (i = 0; i < 10; i++) {
		alarms[i].timer.fire = ring_stops;
		loop_timer_set(loop, &alarms[i].timer, 1);
	}
	usleep(5000);
	loop_turn(loop, 10);
	assert_int_equal(fired, 1);
}

static void test_timer_within(void **state)
{
	struct loop_timer t = { .fire = ring_again };
	int64_t due;

	(void)state;
	loop_timer_within(loop, &t, 1000);
	due = t.due;
	loop_timer_within(loop, &t, 5000);
	assert_int_equal(t.due, due);
	loop_timer_within(loop, &t, 100);
	assert_true(t.due < due);
	loop_timer_stop(loop, &t);
}

/* -- tasks -- */

struct job {
	struct loop_task task;
	struct job *then;
	bool next;
	int runs;
};

static void work(struct loop_task *t)
{
	struct job *j = container_of(t, struct job, task);

	j->runs++;
	if (!j->then)
		return;
	if (j->next)
		loop_task_next(loop, &j->then->task);
	else
		loop_task_add(loop, &j->then->task);
}

static void job_init(struct job *j, struct job *then)
{
	*j = (struct job){ .task.run = work, .then = then };
	list_init(&j->task.link);
}

static void test_tasks(void **state)
{
	struct job a, b, c;

	(void)state;
	job_init(&c, NULL);
	job_init(&b, &c);
	job_init(&a, &b);
	loop_task_add(loop, &a.task);
	loop_task_add(loop, &a.task);
	loop_turn(loop, -1);			/* does not wait */
	assert_int_equal(a.runs, 1);
	assert_int_equal(b.runs, 1);
	assert_int_equal(c.runs, 1);
	b.next = true;
	loop_task_add(loop, &b.task);
	loop_turn(loop, -1);
	assert_int_equal(c.runs, 1);
	loop_turn(loop, -1);
	assert_int_equal(c.runs, 2);
	loop_task_add(loop, &c.task);
	loop_task_stop(&c.task);
	loop_turn(loop, 0);
	assert_int_equal(c.runs, 2);
}

/* One that asks for itself for ever does not stop the loop. */
static void test_task_for_ever(void **state)
{
	struct job a;

	(void)state;
	job_init(&a, &a);
	loop_task_add(loop, &a.task);
	loop_turn(loop, 0);
	assert_true(a.runs > 1 && a.runs < 100);
	loop_task_stop(&a.task);
}

/* -- signals, run and stop -- */

static int got;

static void on_signal(void *arg, int signo)
{
	got = signo;
	if (arg)
		loop_stop(arg, 42);
}

static void test_signals(void **state)
{
	(void)state;
	got = 0;
	assert_int_equal(loop_signal(loop, SIGUSR1, on_signal, NULL), 0);
	assert_int_equal(loop_signal(loop, SIGTERM, on_signal, loop), 0);
	raise(SIGUSR1);
	assert_int_equal(got, 0);
	loop_turn(loop, 1000);
	assert_int_equal(got, SIGUSR1);
	raise(SIGTERM);
	assert_int_equal(loop_run(loop), 42);
	assert_int_equal(got, SIGTERM);
	raise(SIGPIPE);				/* ignored: we live on */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_watch), T(test_watch_errors), T(test_free_in_callback),
		T(test_want_nothing_in_callback), T(test_turn_in_turn),
		T(test_timers), T(test_timer_sets_itself),
		T(test_timer_stops_others), T(test_timer_within),
		T(test_tasks), T(test_task_for_ever), T(test_signals)
	};

	return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
