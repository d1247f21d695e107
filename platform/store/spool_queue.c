#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/log.h"
#include "store/spool_record.h"

#define CHECK_SIZE 16384	/* octets read at a time by spool_check */

/* The one who changes the queue; the lock goes with the process. */
int spool_own(struct spool *s, struct err *err)
{
	if (s->lock < 0)
		s->lock = openat(s->root, "lock",
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock < 0)
		return err_errno(err, "spool lock");
	if (s->give && fchown(s->lock, s->owner, s->group) < 0)
		return err_errno(err, "spool lock");
	if (file_lock(s->lock, 0) == 0)
		return 0;
	if (errno == EAGAIN)
		return err_set(err, ERR_TEMP,
				"another process works on this queue");
	return err_errno(err, "spool lock");
}

int spool_scan(struct spool *s, void (*fn)(void *arg, const char *id), void *arg,
		struct err *err)
{
	return spool_each(s->msg, fn, arg, err);
}

int64_t spool_changed(const struct spool *s)
{
	struct stat st;

	if (fstat(s->msg, &st) < 0)
		return -1;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

int spool_open_message(struct spool *s, const char *id, int flags,
		struct err *err)
{
	int fd;

	if (!spool_id_valid(id))
		return err_set(err, ERR_PERM, "no spool id");
	fd = openat(s->msg, id, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_PERM, "%s: gone", id);
	if (fd < 0)
		return err_errno(err, "%s", id);
	return fd;
}

/* Out of the way, but not lost: a human may still read it. */
static int damaged(struct spool *s, const char *id, const char *why,
		struct err *err)
{
	if (renameat(s->msg, id, s->damaged, id) < 0)
		log_error("%s: damaged (%s), cannot be moved: %s", id, why,
				strerror(errno));
	else
		log_error("%s: damaged (%s), moved to damaged/", id, why);
	return err_set(err, ERR_PERM, "%s: damaged: %s", id, why);
}

/* Reads the head line and compares lengths. 0; 1 with *why; -1 err. */
static int read_head(int fd, struct record_head *h, const char **why,
		struct err *err)
{
	char line[RECORD_HEAD_SIZE];
	ssize_t n = file_pread(fd, line, sizeof(line), 0);
	struct stat st;

	if (n < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "spool");
	*why = "not a message";
	if (!S_ISREG(st.st_mode)
			|| record_head_get(h, span_make(line, (size_t)n)) < 0)
		return 1;
	*why = "wrong length";
	return (uint64_t)st.st_size != h->envelope + h->message;
}

/* The same for one who has an id; the file is then whole as far as seen. */
static int open_whole(struct spool *s, const char *id, int flags,
		struct record_head *h, struct err *err)
{
	int fd = spool_open_message(s, id, flags, err), rc;
	const char *why;

	if (fd < 0)
		return -1;
	rc = read_head(fd, h, &why, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc > 0 ? damaged(s, id, why, err) : -1;
}

static char *read_text(int fd, const struct record_head *h, struct arena *a,
		struct err *err)
{
	char *text = a ? arena_alloc(a, h->envelope) : malloc(h->envelope);
	ssize_t n;

	if (!text) {
		err_set(err, ERR_NOMEM, "envelope too big");
		return NULL;
	}
	n = file_pread(fd, text, h->envelope, 0);
	if (n == (ssize_t)h->envelope)
		return text;
	if (n >= 0)
		err_set(err, ERR_TEMP, "envelope is cut");
	else
		err_errno(err, "spool");
	if (!a)
		free(text);
	return NULL;
}

int spool_load(struct spool *s, const char *id, struct arena *a,
		struct spool_envelope **e, struct err *err)
{
	struct record_head h;
	int fd = open_whole(s, id, O_RDONLY, &h, err);
	char *text;
	struct err why;

	if (fd < 0)
		return -1;
	text = read_text(fd, &h, a, err);
	close(fd);
	if (!text)
		return -1;
	*e = arena_alloc(a, sizeof(**e));
	if (!*e)
		return err_set(err, ERR_NOMEM, "%s: out of memory", id);
	if (record_get(*e, span_make(text, h.envelope), &h, a, &why) < 0) {
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
	struct record_head h;
	int fd = open_whole(s, e->id, O_RDONLY, &h, err);

	if (fd >= 0)
		*start = h.envelope;
	return fd;
}

/* 0 and the CRC of what follows the envelope; -1 with errno. */
static int message_crc(int fd, int64_t at, uint32_t *crc)
{
	char *buffer = malloc(CHECK_SIZE);
	ssize_t n = -1;
	int code;

	*crc = 0;
	while (buffer && (n = file_pread(fd, buffer, CHECK_SIZE, at)) > 0) {
		*crc = record_crc(*crc, span_make(buffer, (size_t)n));
		at += n;
	}
	code = errno;
	free(buffer);
	errno = code;
	return n < 0 ? -1 : 0;
}

int spool_check(struct spool *s, const struct spool_envelope *e, struct err *err)
{
	struct record_head h;
	uint32_t crc;
	int fd = open_whole(s, e->id, O_RDONLY, &h, err), rc;

	if (fd < 0)
		return -1;
	rc = message_crc(fd, h.envelope, &crc);
	if (rc < 0)
		err_errno(err, "%s", e->id);
	close(fd);
	if (rc == 0 && crc != h.message_crc)
		rc = damaged(s, e->id, "message's CRC is wrong", err);
	return rc;
}

static int write_at(int fd, const void *p, size_t n, int64_t at)
{
	ssize_t put;

	do
		put = pwrite(fd, p, n, at);
	while (put < 0 && errno == EINTR);
	if (put >= 0 && put != (ssize_t)n)
		errno = EIO;	/* within the file this has no good reason */
	return put == (ssize_t)n ? 0 : -1;
}

/*
 * Looks the place up each time: an envelope may be a copy, and the page is in
 * memory anyway.
 */
static int mark_at(int fd, const struct record_head *h, unsigned rcpt,
		char state, struct err *err)
{
	char *text = read_text(fd, h, NULL, err);
	size_t at;
	int rc = 0;

	if (!text)
		return -1;
	at = record_state_at(span_make(text, h->envelope), rcpt);
	if (at == h->envelope)
		rc = err_set(err, ERR_PERM, "no such recipient");
	else if (write_at(fd, &state, 1, (int64_t)at) < 0)
		rc = err_errno(err, "spool");
	free(text);
	return rc;
}

int spool_mark(struct spool *s, struct spool_envelope *e, unsigned rcpt,
		enum spool_state state, struct err *err)
{
	struct record_head h;
	int fd, rc;

	if (rcpt >= e->nrcpt)
		return err_set(err, ERR_PERM, "no such recipient");
	fd = open_whole(s, e->id, O_RDWR, &h, err);
	if (fd < 0)
		return -1;
	rc = mark_at(fd, &h, rcpt, (char)state, err);
	close(fd);
	if (rc == 0)
		e->rcpt[rcpt].state = state;
	return rc;
}

int spool_defer(struct spool *s, const struct spool_envelope *e, struct err *err)
{
	char line[RECORD_TRY_SIZE];
	struct record_head h;
	int fd = open_whole(s, e->id, O_RDWR, &h, err), rc;

	if (fd < 0)
		return -1;
	record_try(line, e->attempts, e->next_try);
	rc = write_at(fd, line, sizeof(line), RECORD_HEAD_SIZE);
	if (rc < 0)
		err_errno(err, "%s", e->id);
	close(fd);
	return rc;
}

int spool_remove(struct spool *s, const char *id, struct err *err)
{
	if (!spool_id_valid(id))
		return err_set(err, ERR_PERM, "no spool id");
	if (unlinkat(s->msg, id, 0) < 0 && errno != ENOENT)
		return err_errno(err, "%s", id);
	return 0;
}
