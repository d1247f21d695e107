#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "os/file.h"
#include "os/log.h"
#include "store/disk.h"
#include "store/spool_record.h"

#define CHECK_SIZE 4096	/* octets read at a time by spool_check */

/* What is read of a file at once: mostly the whole envelope. */
struct beginning {
	struct record_head h;
	size_t n;
	char text[1024];
};

static int own_flash(struct spool *s, struct err *err)
{
	if (!spool_has_flash(s) || !s->loop || s->flash_sync)
		return 0;
	if (!file_in_memory(s->place.msg))
		log_warn("spool-dir is not in memory: spill-dir is of no use");
	s->flash_sync = sync_open(s->loop, s->flash.msg,
			s->conf->spool_sync_files, err);
	return s->flash_sync ? 0 : -1;
}

/* The one who changes the queue; the lock goes with the process. */
int spool_own(struct spool *s, struct err *err)
{
	if (s->lock < 0)
		s->lock = openat(s->place.root, "lock",
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0 || (s->give
			&& fchown(s->lock, s->owner, s->group) < 0))
		return disk_err(err, "spool lock");
	if (file_lock(s->lock, 0) == 0) {
		/* without memory for it, removals are made here */
		if (CFG_QUEUE_CLOSERS && s->loop && !s->closer)
			s->closer = closer_new(s->loop);
		if (CFG_SPOOL_SPARE)
			spool_spare_own(s);
		return own_flash(s, err);
	}
	if (errno == EAGAIN)
		return err_set(err, ERR_TEMP,
				"another process works on this queue");
	return disk_err(err, "spool lock");
}

int spool_scan(struct spool *s, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err)
{
	if (spool_each(s->place.msg, fn, arg, err) < 0)
		return -1;
	return spool_has_flash(s) ? spool_each(s->flash.msg, fn, arg, err) : 0;
}

static int64_t folder_changed(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

int64_t spool_changed(const struct spool *s)
{
	int64_t t = folder_changed(s->place.msg);

	/* one of the two goes up: so does the sum, as good as always */
	return spool_has_flash(s) ? t / 2 + folder_changed(s->flash.msg) / 2
		: t;
}

/* Out of the way, but not lost: a human may still read it. */
static int damaged(struct spool *s, const char *id, const char *why,
		struct err *err)
{
	int rc = renameat(s->place.msg, id, s->place.damaged, id);

	if (rc < 0 && errno == ENOENT && spool_has_flash(s))
		rc = renameat(s->flash.msg, id, s->flash.damaged, id);
	if (rc < 0)
		log_error("%s: damaged (%s), cannot be moved: %s", id, why,
				strerror(errno));
	else
		log_error("%s: damaged (%s), moved to damaged/", id, why);
	return err_set(err, ERR_PERM, "%s: damaged: %s", id, why);
}

static int open_in(int folder, const char *id, int flags)
{
	int fd;

	flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	/* to have read it is nothing to be written down; an owner may say so */
	fd = openat(folder, id, flags | O_NOATIME);
	return fd < 0 && errno == EPERM ? openat(folder, id, flags) : fd;
}

/* The file of one who has an id: whole as far as seen. */
static int open_whole(struct spool *s, const char *id, int flags,
		struct beginning *b, struct err *err)
{
	struct stat st;
	ssize_t n;
	int fd;

	if (!spool_id_valid(id))
		return err_set(err, ERR_PERM, "no spool id");
	fd = open_in(s->place.msg, id, flags);
	if (fd < 0 && errno == ENOENT && spool_has_flash(s))
		fd = open_in(s->flash.msg, id, flags);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_PERM, "%s: gone", id);
	if (fd < 0 || fstat(fd, &st) < 0 || (n = file_pread(fd, b->text,
					sizeof(b->text), 0)) < 0) {
		disk_err(err, id);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	b->n = (size_t)n;
	if (S_ISREG(st.st_mode)
			&& record_head_get(&b->h, span_make(b->text, b->n)) == 0
			&& (uint64_t)st.st_size >= b->h.envelope + b->h.message)
		return fd;
	close(fd);
	return damaged(s, id, "not whole", err);
}

/* The envelope, of which a part is there; fewer octets than it has, or -1. */
static ssize_t read_rest(int fd, char *text, const struct beginning *b)
{
	size_t all = b->h.envelope, have = b->n < all ? b->n : all;
	ssize_t n = 0;

	memcpy(text, b->text, have);
	if (have < all)
		n = file_pread(fd, text + have, all - have, (int64_t)have);
	return n < 0 ? n : (ssize_t)have + n;
}

int spool_load(struct spool *s, const char *id, struct arena *a,
		struct spool_envelope **e, struct err *err)
{
	struct beginning b;
	int fd = open_whole(s, id, O_RDONLY, &b, err);
	struct err why;
	ssize_t n = 0;
	char *text;

	if (fd < 0)
		return -1;
	text = arena_alloc(a, b.h.envelope);
	*e = arena_alloc(a, sizeof(**e));
	if (text && *e)
		n = read_rest(fd, text, &b);
	if (n < 0)
		disk_err(err, id);
	close(fd);
	if (n < 0)
		return -1;
	if (!text || !*e)
		return err_set(err, ERR_NOMEM, "%s: out of memory", id);
	/* cut since it was looked at? its CRC will be wrong */
	if (record_get(*e, span_make(text, (size_t)n), &b.h, a,
				&why) < 0) {
		if (why.kind == ERR_NOMEM)
			return err_set(err, ERR_NOMEM, "%s: %s", id, why.text);
		return damaged(s, id, why.text, err);
	}
	if (strcmp((*e)->id, id) != 0)
		return damaged(s, id, "the file has another one's name", err);
	return 0;
}

int spool_body(struct spool *s, const struct spool_envelope *e, int64_t *start,
		struct err *err)
{
	struct beginning b;
	int fd = open_whole(s, e->id, O_RDONLY, &b, err);

	if (fd >= 0)
		*start = b.h.envelope;
	return fd;
}

int spool_trim(struct spool *s, const struct spool_envelope *e, struct err *err)
{
	struct beginning b;
	int fd = open_whole(s, e->id, O_RDWR, &b, err), rc;

	if (fd < 0)
		return -1;
	rc = ftruncate(fd, (off_t)(b.h.envelope + b.h.message));
	if (rc < 0)
		disk_err(err, e->id);
	close(fd);
	return rc;
}

int spool_check(struct spool *s, const struct spool_envelope *e, struct err *err)
{
	char piece[CHECK_SIZE];
	struct beginning b;
	uint32_t crc = 0;
	int fd = open_whole(s, e->id, O_RDONLY, &b, err);
	ssize_t n = 0;
	uint64_t left;

	if (fd < 0)
		return -1;
	left = b.h.message;
	/* behind it there may be some of an earlier one */
	while (left && (n = file_pread(fd, piece, left < sizeof(piece) ?
					(size_t)left : sizeof(piece), (int64_t)
					(b.h.envelope + b.h.message - left))) > 0) {
		crc = record_crc(crc, span_make(piece, (size_t)n));
		left -= (uint64_t)n;
	}
	if (n < 0)
		disk_err(err, e->id);
	close(fd);
	if (n >= 0 && crc != b.h.message_crc)
		return damaged(s, e->id, "message's CRC is wrong", err);
	return n < 0 ? -1 : 0;
}

/* While a message moves there are two files, which have to stay the same. */
static int change_twin(struct spool *s, const char *id, const void *p, size_t n,
		int64_t where)
{
	int fd = spool_has_flash(s) ? open_in(s->flash.msg, id, O_WRONLY) : -1;
	int rc;

	if (fd < 0)
		return 0;
	rc = disk_write_at(fd, p, n, where);
	close(fd);
	return rc;
}

/* Opens, changes n octets in place, closes. where 0: recipient rcpt's state. */
static int change(struct spool *s, const struct spool_envelope *e,
		int64_t where, unsigned rcpt, const void *p, size_t n,
		struct err *err)
{
	struct beginning b;
	int fd = open_whole(s, e->id, O_RDWR, &b, err), rc;

	if (fd < 0)
		return -1;
	if (!where)
		where = record_state_at(e, b.h.envelope, rcpt);
	rc = disk_write_at(fd, p, n, where);
	if (rc == 0)
		rc = change_twin(s, e->id, p, n, where);
	if (rc < 0)
		disk_err(err, e->id);
	close(fd);
	return rc;
}

int spool_mark(struct spool *s, struct spool_envelope *e, unsigned rcpt,
		enum spool_state state, struct err *err)
{
	char c = (char)state;

	if (rcpt >= e->nrcpt)
		return err_set(err, ERR_PERM, "no such recipient");
	if (change(s, e, 0, rcpt, &c, 1, err) < 0)
		return -1;
	e->rcpt[rcpt].state = state;
	return 0;
}

int spool_defer(struct spool *s, const struct spool_envelope *e, struct err *err)
{
	char line[RECORD_TRY_SIZE];

	record_try(line, e);
	return change(s, e, RECORD_HEAD_SIZE, 0, line, sizeof(line), err);
}

/* What is in memory alone needs no flush, of the rest one file system has all. */
void spool_flush(struct spool *s, struct sync_request *r)
{
	bool flash = spool_has_flash(s) && s->flash_sync && (strcmp(r->name, "./") == 0
			|| faccessat(s->flash.msg, r->name, F_OK, 0) == 0);

	sync_ask(flash ? s->flash_sync : s->sync, r);
}

static int remove_in(struct spool *s, int folder, const char *id)
{
	int rc = CFG_QUEUE_CLOSERS ? closer_remove(s->closer, folder, id) :
		unlinkat(folder, id, 0);

	return rc < 0 && errno != ENOENT ? -1 : 0;
}

int spool_remove(struct spool *s, const char *id, struct err *err)
{
	if (!spool_id_valid(id))
		return err_set(err, ERR_PERM, "no spool id");
	if (CFG_SPOOL_SPARE && spool_spare_put(s, id))
		return 0;
	if (remove_in(s, s->place.msg, id) < 0 || (spool_has_flash(s)
				&& remove_in(s, s->flash.msg, id) < 0))
		return disk_err(err, id);
	return 0;
}
