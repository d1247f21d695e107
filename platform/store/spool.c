#include "store/spool_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"

#define SWEEP_AGE 86400		/* seconds; a draft never lives that long */
#define RECOUNT_FULL 1000	/* ms between looks while max-queue is reached */
#define RECOUNT_IDLE 60000	/* ... and otherwise: others add messages too */
#define TELL_AGAIN 20		/* ms until a datagram is tried again */
#define UNTOLD_MOST 1024	/* ids kept for that; the rest is found by scans */

bool spool_id_valid(const char *id)
{
	size_t n = strnlen(id, SPOOL_ID_SIZE);

	for (size_t i = 0; i < n; i++)
		if (!ascii_isalnum(id[i]))
			return false;
	return n > 0 && n < SPOOL_ID_SIZE;
}

int spool_each(int dirfd, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err)
{
	/* a descriptor of its own: reading begins at the start */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		err_errno(err, "spool");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	while ((entry = readdir(dir)) != NULL) {
		if (spool_id_valid(entry->d_name))
			fn(arg, entry->d_name);
		errno = 0;
	}
	if (errno)
		err_errno(err, "spool");
	fd = errno ? -1 : 0;
	closedir(dir);
	return fd;
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

static int open_folder(struct spool *s, int dirfd, const char *path,
		mode_t mode, struct err *err)
{
	int fd;

	if (file_mkdirs(dirfd, path, mode, err) < 0)
		return -1;
	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s", path);
	if (s->give && fchown(fd, s->owner, s->group) < 0) {
		err_errno(err, "%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static int open_folders(struct spool *s, struct err *err)
{
	s->root = open_folder(s, AT_FDCWD, s->conf->spool_dir, 0755, err);
	if (s->root < 0)
		return -1;
	s->tmp = open_folder(s, s->root, "tmp", 0700, err);
	if (s->tmp < 0)
		return -1;
	s->msg = open_folder(s, s->root, "msg", 0700, err);
	if (s->msg < 0)
		return -1;
	s->damaged = open_folder(s, s->root, "damaged", 0700, err);
	return s->damaged < 0 ? -1 : 0;
}

/* Drafts of processes that died. The clock may jump; a day is far enough. */
static void sweep(void *arg, const char *id)
{
	struct spool *s = arg;
	struct stat st;

	if (fstatat(s->tmp, id, &st, AT_SYMLINK_NOFOLLOW) == 0
			&& st.st_mtime < clock_now() - SWEEP_AGE)
		unlinkat(s->tmp, id, 0);
}

static void tell_again(struct loop_timer *t);

static struct spool *spool_new(const struct conf *conf, struct loop *loop)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conf = conf;
	s->loop = loop;
	s->root = s->tmp = s->msg = s->damaged = s->lock = -1;
	s->notify_fd = -1;
	list_init(&s->committing);
	list_init(&s->failed);
	list_init(&s->report.link);
	s->report.run = spool_draft_report;
	s->tell_again.fire = tell_again;
	str_init(&s->untold, UNTOLD_MOST * SPOOL_ID_SIZE);
	return s;
}

struct spool *spool_open(const struct conf *conf, struct loop *loop,
		struct err *err)
{
	struct spool *s = spool_new(conf, loop);

	if (!s) {
		err_errno(err, "spool");
		return NULL;
	}
	if (find_owner(s, err) < 0 || open_folders(s, err) < 0)
		goto out;
	if (clock_plausible() && spool_each(s->tmp, sweep, s, err) < 0)
		goto out;
	s->sync = conf->spool_sync_files ? sync_open_files(loop, s->msg, err)
			: sync_open(loop, s->msg, err);
	if (!s->sync)
		goto out;
	return s;
out:
	spool_close(s);
	return NULL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	sync_close(s->sync);
	if (s->loop) {
		loop_task_stop(&s->report);
		loop_timer_stop(s->loop, &s->tell_again);
	}
	spool_draft_drop(&s->committing);
	spool_draft_drop(&s->failed);
	close_fd(s->notify_fd);
	close_fd(s->lock);
	close_fd(s->damaged);
	close_fd(s->msg);
	close_fd(s->tmp);
	close_fd(s->root);
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
 * Files in msg/. Our own commits are added as they are made; what the queue has
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
	if (spool_each(s->msg, count_one, &n, NULL) == 0)
		s->count = n;
	s->counted = now ? now : 1;
	return s->count;
}

int spool_room(struct spool *s, uint64_t size, struct err *err)
{
	int64_t space = file_free_space(s->msg);
	uint64_t keep = s->conf->min_free_space;

	if (space < 0)
		return err_errno(err, "spool");
	if ((uint64_t)space < keep || (uint64_t)space - keep < size)
		return err_set(err, ERR_NOMEM, "not enough room on the disk");
	if (queue_count(s) >= s->conf->max_queue)
		return err_set(err, ERR_NOMEM, "the queue is full");
	return 0;
}

/* -- telling the queue -- */

void spool_notify(struct spool *s, const char *socket_path)
{
	free(s->notify_path);
	s->notify_path = strdup(socket_path);
	if (s->notify_fd < 0)
		s->notify_fd = socket(AF_UNIX,
				SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* 0; -1: worth trying again. */
static int send_id(struct spool *s, const char *id)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (str_copy(addr.sun_path, sizeof(addr.sun_path),
				span_of(s->notify_path)) < 0)
		return 0;
	if (sendto(s->notify_fd, id, strlen(id), 0, (const void *)&addr,
				sizeof(addr)) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? -1 : 0;
}

static void tell_again(struct loop_timer *t)
{
	struct spool *s = container_of(t, struct spool, tell_again);

	while (s->untold.n && send_id(s, s->untold.p) == 0)
		str_cut(&s->untold, SPOOL_ID_SIZE);
	if (s->untold.n)
		loop_timer_set(s->loop, t, TELL_AGAIN);
	else
		str_free(&s->untold);
}

/*
 * A queue that is not there will find the message when it starts; one that is
 * too busy to take the datagram is told again.
 */
void spool_tell(struct spool *s, const char *id)
{
	char entry[SPOOL_ID_SIZE] = "";

	if (!s->notify_path || s->notify_fd < 0)
		return;
	if (!s->untold.n && send_id(s, id) == 0)
		return;
	if (!s->loop || s->untold.n + sizeof(entry) > s->untold.cap)
		return;
	str_copy(entry, sizeof(entry), span_of(id));
	str_add(&s->untold, span_make(entry, sizeof(entry)));
	if (!s->untold.bad)
		loop_timer_set(s->loop, &s->tell_again, TELL_AGAIN);
}
