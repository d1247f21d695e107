#include "store/sync.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include "base/span.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/proc.h"
#include "store/disk.h"

#define GROUP_SIZE 16384	/* names of one group, NUL after each */
/*
 * A group goes when it has this many for each one still on the way: a few
 * slow senders must not make the others wait.
 */
#define ENOUGH 4

/*
 * Flushes that may run at the same time. The second only for a large group: it
 * is for the many who would wait for the first, not for the few who can join.
 */
#define LANES 2

struct lane {
	struct sync *sync;
	struct loop_watch answer;	/* fd -1: no helper */
	pid_t helper;
	bool busy;			/* the helper has a group */
	struct list running;
	struct str names;		/* of the running group; "" for a syncfs */
};

struct sync {
	struct loop *loop;		/* NULL: flushes are made in the call */
	int dirfd;
	bool by_name;
	struct loop_task start;
	struct loop_timer wait;
	int64_t first, last;		/* clock_ms() of requests in `waiting` */
	unsigned nwaiting;
	int expected;			/* requests on their way */
	struct list waiting;		/* the next group */
	struct lane lanes[LANES];
	struct loop_timer spare;
	unsigned long count;
};

/* What the helper says of a group. */
struct sync_answer {
	int32_t error;
	uint32_t flushes;
};

/* -- the flush itself, in the helper or here -- */

static size_t folder_length(const char *name)
{
	size_t n = span_rfind(span_of(name), '/');

	return name[n] ? n : 0;
}

/*
 * A file before its folder: a name must not be safe before its content. Those
 * that follow each other in one folder share its flush.
 */
static void flush_names(int dirfd, struct span names, struct sync_answer *a)
{
	const char *end = names.p + names.n, *p, *next;

	for (p = names.p; p < end && !a->error; p = next) {
		size_t n = folder_length(p);

		next = p + strlen(p) + 1;
		a->error = disk_flush_path(dirfd, p, 0);
		if (a->error == ENOENT && p[0] == '.' && p[1] == '/')
			a->error = 0;
		a->flushes++;
		if (a->error || (next < end && folder_length(next) == n
					&& memcmp(p, next, n) == 0))
			continue;
		a->error = disk_flush_folder(dirfd, p);
		a->flushes++;
	}
}

/* names: each ended by NUL; only a NUL: the whole file system. */
static void flush(int dirfd, struct span names, struct sync_answer *a)
{
	*a = (struct sync_answer){ 0, 0 };
	if (names.n > 1) {
		flush_names(dirfd, names, a);
		return;
	}
	a->flushes = 1;
	if (syncfs(dirfd) < 0)
		a->error = errno;
}

/* -- the helper -- */

/*
 * Started before the daemon gives up root, the helper takes the rights of the
 * folder's owner: it opens what its parent names.
 */
static void become_owner(int dirfd)
{
	struct stat st;

	if (geteuid() != 0)
		return;
	if (fstat(dirfd, &st) < 0)
		_exit(1);
	if (st.st_uid == 0)
		return;
	if (setgroups(0, NULL) < 0 || setgid(st.st_gid) < 0
			|| setuid(st.st_uid) < 0)
		_exit(1);
	/* setuid has taken this from us (prctl(2)) */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

_Noreturn static void helper_run(int sock, int dirfd)
{
	char names[GROUP_SIZE];
	int fds[] = { sock, dirfd };
	struct sync_answer answer;
	ssize_t n;

	/* a signal to the whole group must not take us before the parent */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (proc_keep_fds(fds, 2) < 0)
		_exit(1);
	become_owner(fds[1]);
	while ((n = proc_recv(fds[0], names, sizeof(names), NULL)) > 0) {
		if (names[n - 1] != '\0')
			break;
		flush(fds[1], span_make(names, (size_t)n), &answer);
		if (proc_send(fds[0], &answer, sizeof(answer), -1) < 0)
			break;
	}
	_exit(0);
}

static int helper_start(struct lane *l, struct err *err)
{
	l->helper = proc_helper(&l->answer.fd, err);
	if (l->helper == 0)
		helper_run(l->answer.fd, l->sync->dirfd);
	if (l->helper < 0) {
		l->answer.fd = -1;
		return -1;
	}
	if (loop_watch(l->sync->loop, &l->answer, LOOP_READ) < 0)
		return disk_err(err, "flush helper");
	return 0;
}

static void helper_stop(struct lane *l)
{
	if (l->answer.fd < 0)
		return;
	loop_unwatch(l->sync->loop, &l->answer);
	close(l->answer.fd);
	l->answer.fd = -1;
	kill(l->helper, SIGKILL);
	while (waitpid(l->helper, NULL, 0) < 0 && errno == EINTR)
		;
}

static void stop_spare(struct loop_timer *t)
{
	struct sync *s = container_of(t, struct sync, spare);

	for (int i = 1; i < LANES; i++)
		if (!s->lanes[i].busy)
			helper_stop(&s->lanes[i]);
}

/* -- groups -- */

/*
 * A helper that is started late has no longer the right to open files by name,
 * so there is then but one.
 */
static struct lane *free_lane(struct sync *s)
{
	if (!s->lanes[0].busy)
		return &s->lanes[0];
	if (s->by_name || s->nwaiting < SYNC_LARGE)
		return NULL;
	for (int i = 1; i < LANES; i++)
		if (!s->lanes[i].busy)
			return &s->lanes[i];
	return NULL;
}

static void start_later(struct sync *s)
{
	if (!list_empty(&s->waiting) && free_lane(s))
		loop_task_add(s->loop, &s->start);
}

static void move_all(struct list *from, struct list *to)
{
	while (!list_empty(from)) {
		struct list *l = from->next;

		list_del(l);
		list_add_tail(to, l);
	}
}

static void group_done(struct lane *l, const struct sync_answer *a)
{
	struct list group;

	/* done may ask again or cancel others: the ring is ours alone */
	list_init(&group);
	move_all(&l->running, &group);
	l->sync->count += a->flushes;
	l->busy = false;
	if (l != l->sync->lanes)
		loop_timer_set(l->sync->loop, &l->sync->spare, SYNC_SPARE);
	start_later(l->sync);
	while (!list_empty(&group)) {
		struct sync_request *r = container_of(group.next,
				struct sync_request, link);

		list_del(&r->link);
		r->done(r, a->error);
	}
}

/*
 * There is no helper, or it has died (it was killed; it has no reason of its
 * own): the flush stops the loop for once rather than the mail for ever.
 */
static void group_here(struct lane *l)
{
	struct sync_answer answer;

	helper_stop(l);
	flush(l->sync->dirfd, str_span(&l->names), &answer);
	group_done(l, &answer);
}

static void answer_ready(struct loop_watch *w, unsigned events)
{
	struct lane *l = container_of(w, struct lane, answer);
	struct sync_answer answer;
	ssize_t n = proc_recv(w->fd, &answer, sizeof(answer), NULL);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == (ssize_t)sizeof(answer) && l->busy)
		group_done(l, &answer);
	else if (l->busy)
		group_here(l);
	else
		helper_stop(l);		/* the next group starts a new one */
}

/* Moves waiting requests to the running group; what does not fit, waits. */
static void group_fill(struct sync *s, struct lane *to)
{
	str_clear(&to->names);
	while (!list_empty(&s->waiting)) {
		struct list *l = s->waiting.next;
		struct sync_request *r = container_of(l, struct sync_request,
				link);
		struct span name = span_of(r->name);

		if (s->by_name && to->names.n + name.n + 1 > GROUP_SIZE)
			break;
		if (s->by_name) {
			str_add(&to->names, name);
			str_addc(&to->names, '\0');
		}
		list_del(l);
		list_add_tail(&to->running, l);
		s->nwaiting--;
	}
	if (!s->by_name)
		str_addc(&to->names, '\0');
}

/* ms that the group may still wait for others; <= 0: it goes now. */
static int64_t patience(const struct sync *s)
{
	int64_t now = clock_ms(), quiet = s->last + SYNC_QUIET - now;
	int64_t most = s->first + SYNC_WAIT - now;

	if (s->expected <= 0 || s->nwaiting >= SYNC_LARGE
			|| s->nwaiting >= (unsigned)s->expected * ENOUGH)
		return 0;
	return quiet < most ? quiet : most;
}

static void start(struct loop_task *t)
{
	static const struct sync_answer no_memory = { ENOMEM, 0 };
	struct sync *s = container_of(t, struct sync, start);
	struct lane *l = free_lane(s);
	int64_t ms = patience(s);

	if (!l || list_empty(&s->waiting))
		return;
	loop_timer_stop(s->loop, &s->wait);
	if (ms > 0) {
		loop_timer_set(s->loop, &s->wait, ms);
		return;
	}
	group_fill(s, l);
	l->busy = true;
	if (l->names.bad)
		group_done(l, &no_memory);
	else if ((l->answer.fd < 0 && helper_start(l, NULL) < 0)
			|| proc_send(l->answer.fd, l->names.p, l->names.n,
				-1) < 0)
		group_here(l);
}

static void waited(struct loop_timer *t)
{
	start_later(container_of(t, struct sync, wait));
}

void sync_expect(struct sync *s, int more)
{
	s->expected += more;
	if (s->loop)
		start_later(s);
}

static void flush_now(struct sync *s, struct sync_request *r)
{
	struct span names = SPAN("\0");
	struct sync_answer answer;

	list_init(&r->link);
	if (s->by_name)
		names = span_make(r->name, strlen(r->name) + 1);
	flush(s->dirfd, names, &answer);
	s->count += answer.flushes;
	r->done(r, answer.error);
}

void sync_ask(struct sync *s, struct sync_request *r)
{
	if (!s->loop) {
		flush_now(s, r);
		return;
	}
	s->last = clock_ms();
	if (list_empty(&s->waiting)) {
		s->first = s->last;
		s->nwaiting = 0;
	}
	list_add_tail(&s->waiting, &r->link);
	s->nwaiting++;
	start_later(s);
}

/* nwaiting is then too high by one at times: a group goes a little early. */
void sync_cancel(struct sync_request *r)
{
	list_del(&r->link);
}

bool sync_by_name(const struct sync *s)
{
	return s->by_name;
}

unsigned long sync_count(const struct sync *s)
{
	return s->count;
}

/* syncfs reports that a write has failed since Linux 5.8. */
static bool syncfs_reports(void)
{
	struct utsname name;
	unsigned long major, minor;
	char *end;

	if (uname(&name) < 0)
		return false;
	major = strtoul(name.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 5 || (major == 5 && minor >= 8);
}

static void lane_init(struct lane *l, struct sync *s)
{
	l->sync = s;
	l->answer.ready = answer_ready;
	l->answer.fd = -1;
	list_init(&l->running);
	str_init(&l->names, GROUP_SIZE + 1);
}

struct sync *sync_open(struct loop *loop, int dirfd, bool files,
		struct err *err)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (!s) {
		disk_err(err, "flush helper");
		return NULL;
	}
	s->loop = loop;
	s->dirfd = dirfd;
	s->by_name = files || !syncfs_reports();
	s->start.run = start;
	s->wait.fire = waited;
	s->spare.fire = stop_spare;
	list_init(&s->start.link);
	list_init(&s->waiting);
	for (int i = 0; i < LANES; i++)
		lane_init(&s->lanes[i], s);
	if (loop && helper_start(&s->lanes[0], err) < 0) {
		sync_close(s);
		return NULL;
	}
	return s;
}

void sync_close(struct sync *s)
{
	if (!s)
		return;
	if (s->loop) {
		loop_task_stop(&s->start);
		loop_timer_stop(s->loop, &s->wait);
		loop_timer_stop(s->loop, &s->spare);
	}
	for (int i = 0; i < LANES; i++) {
		helper_stop(&s->lanes[i]);
		str_free(&s->lanes[i].names);
	}
	free(s);
}
