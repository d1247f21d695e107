#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"
#include "store/disk.h"

#define SWEEP_AGE 86400		/* seconds; a draft never lives that long; the clock may jump */
#define RECOUNT_FULL 1000	/* ms between looks while max-queue is reached */
#define RECOUNT_IDLE 60000	/* ... and otherwise: others add messages too */
#define TELL_AGAIN 20		/* ms until a datagram is tried again */
#define UNTOLD_MOST 1024	/* ids kept for that; then queue shall look itself */

bool spool_id_valid(const char *id)
{
	size_t n = 0;

	while (n < SPOOL_ID_SIZE && ascii_isalnum(id[n]))
		n++;
	return n > 0 && n < SPOOL_ID_SIZE && !id[n];
}

struct each {
	void (*fn)(void *arg, const char *id);
	void *arg;
};

static int each_id(void *arg, const char *name)
{
	const struct each *e = arg;

	if (spool_id_valid(name))
		e->fn(e->arg, name);
	return 0;
}

int spool_each(int dirfd, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err)
{
	struct each e = { fn, arg };

	return disk_each(dirfd, ".", each_id, &e, err);
}

/* -- opening -- */

/* As root: files belong to user-queue, whoever writes them. */
static int find_owner(struct spool *s, struct err *err)
{
	struct priv_user user;

	if (geteuid() != 0 || !s->conf->user_queue)
		return 0;
	if (priv_find(s->conf->user_queue, &user, err) < 0)
		return -1;
	s->owner = user.uid;
	s->group = user.gid;
	s->give = true;
	return 0;
}

int spool_folder(struct spool *s, int dirfd, const char *path, mode_t mode,
		struct err *err)
{
	int fd;

	if (file_mkdirs(dirfd, path, mode, err) < 0)
		return -1;
	fd = disk_folder(dirfd, path);
	if (fd >= 0 && (!s->give || fchown(fd, s->owner, s->group) == 0))
		return fd;
	disk_err(err, path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int open_place(struct spool *s, struct spool_place *at, const char *path,
		struct err *err)
{
	static const char names[][8] = { "tmp", "msg", "damaged" };
	int *const fds[] = { &at->tmp, &at->msg, &at->damaged };

	at->root = spool_folder(s, AT_FDCWD, path, 0755, err);
	for (int i = 0; at->root >= 0 && i < 3; i++) {
		*fds[i] = spool_folder(s, at->root, names[i], 0700, err);
		if (*fds[i] < 0)
			return -1;
	}
	if (at->root < 0)
		return -1;
	if (clock_plausible())
		disk_sweep(at->tmp, ".", SWEEP_AGE);
	return 0;
}

static int open_places(struct spool *s, struct err *err)
{
	const struct conf *conf = s->conf;

	if (open_place(s, &s->place, conf->spool_dir, err) < 0)
		return -1;
	return CFG_QUEUE_SPILL && conf->spill_dir ? open_place(s, &s->flash,
			conf->spill_dir, err) : 0;
}

static void tell_now(struct loop_task *t);
static void tell_again(struct loop_timer *t);

static struct spool *spool_new(const struct conf *conf, struct loop *loop)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conf = conf;
	s->loop = loop;
	s->place = s->flash = (struct spool_place){ -1, -1, -1, -1 };
	s->lock = s->notify_fd = s->spare.folder = -1;
	list_init(&s->spills);
	list_init(&s->committing);
	list_init(&s->failed);
	list_init(&s->report.link);
	s->report.run = spool_draft_report;
	list_init(&s->tell.link);
	s->tell.run = tell_now;
	s->tell_again.fire = tell_again;
	str_init(&s->untold, UNTOLD_MOST * SPOOL_ID_SIZE);
	return s;
}

struct spool *spool_open(const struct conf *conf, struct loop *loop,
		struct err *err)
{
	struct spool *s = spool_new(conf, loop);

	if (!s) {
		disk_err(err, "spool");
		return NULL;
	}
	if (find_owner(s, err) < 0 || open_places(s, err) < 0)
		goto out;
	s->sync = sync_open(loop, s->place.msg, conf->spool_sync_files, err);
	if (s->sync && (!CFG_SPOOL_SPARE || spool_spare_open(s, err) == 0))
		return s;
out:
	spool_close(s);
	return NULL;
}

static void close_all(const int *fds, int n)
{
	while (n--)
		if (fds[n] >= 0)
			close(fds[n]);
}

static void close_place(const struct spool_place *at)
{
	close_all((const int[]){ at->root, at->tmp, at->msg, at->damaged }, 4);
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (CFG_QUEUE_SPILL) {
		spool_spill_drop(s);
		sync_close(s->flash_sync);
		close_place(&s->flash);
	}
	sync_close(s->sync);
	if (CFG_QUEUE_CLOSERS)
		closer_free(s->closer);
	if (s->loop) {
		loop_task_stop(&s->report);
		loop_task_stop(&s->tell);
		loop_timer_stop(s->loop, &s->tell_again);
	}
	if (CFG_SPOOL_SPARE)
		spool_spare_close(s);
	spool_draft_drop(&s->committing);
	spool_draft_drop(&s->failed);
	close_place(&s->place);
	close_all((const int[]){ s->lock, s->notify_fd }, 2);
	str_free(&s->untold);
	free(s->notify_path);
	free(s);
}

unsigned long spool_flushes(const struct spool *s)
{
	return sync_count(s->sync);
}

/* -- room -- */

static void count_one(void *arg, const char *id)
{
	unsigned *n = arg;

	(void)id;
	++*n;
}

/*
 * Messages there are. Our own commits are added as they are made; what the queue has
 * removed and others have added is seen by looking again, at most once a
 * second, and only when it matters.
 */
static unsigned queue_count(struct spool *s)
{
	int64_t now = clock_ms(), age = now - s->counted;
	unsigned n = 0;

	if (s->counted && age < RECOUNT_FULL)
		return s->count;
	if (s->counted && age < RECOUNT_IDLE && s->count < s->conf->max_queue)
		return s->count;
	if (spool_scan(s, count_one, &n, NULL) == 0)
		s->count = n;
	s->counted = now ? now : 1;
	return s->count;
}

int spool_room(struct spool *s, uint64_t size, struct err *err)
{
	int64_t space = file_free_space(s->place.msg);
	uint64_t keep = s->conf->min_free_space;

	if (space < 0)
		return disk_err(err, "spool");
	if ((uint64_t)space < keep || (uint64_t)space - keep < size)
		return err_set(err, ERR_NOMEM, "not enough room on the disk");
	if (queue_count(s) >= s->conf->max_queue)
		return err_set(err, ERR_NOMEM, "the queue is full");
	return 0;
}

/* -- telling the queue -- */

/* 0; -1: worth trying again. */
static int send_text(struct spool *s, struct span text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (str_copys(addr.sun_path, sizeof(addr.sun_path),
				s->notify_path) < 0)
		return 0;
	if (sendto(s->notify_fd, text.p, text.n, 0, (const void *)&addr,
				sizeof(addr)) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -1 : 0;
}

/* As many of the ids as one datagram holds; each ends in a space. */
static struct span next_ids(const struct spool *s)
{
	struct span ids = span_sub(str_span(&s->untold), 0, SPOOL_TOLD_MOST);

	return span_sub(ids, 0, span_rfind(ids, ' ') + 1);
}

static void tell(struct spool *s)
{
	struct span ids = next_ids(s);

	while (ids.n && send_text(s, ids) == 0) {
		str_cut(&s->untold, ids.n);
		ids = next_ids(s);
	}
	if (!s->untold.n && s->overflow && send_text(s,
				SPAN(SPOOL_LOOK)) == 0)
		s->overflow = false;
	if (s->untold.n || s->overflow)
		loop_timer_set(s->loop, &s->tell_again, TELL_AGAIN);
	else
		str_free(&s->untold);
}

static void tell_now(struct loop_task *t)
{
	tell(container_of(t, struct spool, tell));
}

static void tell_again(struct loop_timer *t)
{
	tell(container_of(t, struct spool, tell_again));
}

/*
 * All of a turn go in one datagram: a unix socket holds but ten of them. A
 * queue that is not there will find the message when it starts; one that is too
 * busy to take the datagram is told again.
 */
void spool_tell(struct spool *s, const char *id)
{
	if (!s->notify_path || s->notify_fd < 0)
		return;
	if (!s->loop) {
		send_text(s, span_of(id));
		return;
	}
	if (!s->untold.n && !s->overflow)
		loop_task_add(s->loop, &s->tell);
	str_addf(&s->untold, "%s ", id);
	if (s->untold.bad) {
		str_free(&s->untold);
		s->overflow = true;
	}
}

void spool_notify(struct spool *s, const char *socket_path)
{
	const struct timeval patience = { .tv_sec = 1 };

	free(s->notify_path);
	s->notify_path = strdup(socket_path);
	if (s->notify_fd < 0)
		s->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
				(s->loop ? SOCK_NONBLOCK : 0), 0);
	/* with no loop nobody would try again */
	setsockopt(s->notify_fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			sizeof(patience));
	/* a daemon's predecessor may have been killed before it said all */
	if (s->loop) {
		s->overflow = true;
		tell(s);
	}
}
