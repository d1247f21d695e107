#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/rand.h"
#include "store/spool_record.h"

#define BUFFER_SIZE 16384	/* taken at the first piece, freed at commit */
#define SPACE_STEP (256 * 1024)	/* octets between looks at the free space */
#define ID_TIME 11		/* digits: 55 bits of microseconds */
#define ID_RANDOM 8		/* 40 bits: none the same, in any process */
#define ID_TRIES 8

struct spool_draft {
	struct spool *spool;
	struct list link;
	struct sync_request request;
	spool_done_fn *done;		/* NULL: nobody waits any more */
	void *arg;
	int fd;				/* -1: closed, or the file is gone */
	char id[SPOOL_ID_SIZE];
	char *buffer;
	size_t buffered;
	bool begun;			/* something of it is in the file */
	uint64_t looked;		/* size at which space was looked at */
	uint32_t crc;			/* of the envelope, so far */
	struct record_head head;	/* .message: octets so far */
	enum err_kind kind;		/* the first thing that went wrong, */
	int error;			/* its errno or 0, */
	const char *what;		/* and words for it */
};

/* -- errors: the first one stays, and the file goes at once -- */

static void drop_file(struct spool_draft *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	unlinkat(d->spool->tmp, d->id, 0);
	free(d->buffer);
	d->buffer = NULL;
	d->buffered = 0;
}

static int draft_err(const struct spool_draft *d, struct err *err)
{
	if (d->error)
		return err_set(err, d->kind, "spool: %s: %s", d->what,
				strerror(d->error));
	return err_set(err, d->kind, "spool: %s", d->what);
}

static void fail(struct spool_draft *d, enum err_kind kind, const char *what,
		int error)
{
	if (d->kind != ERR_NONE)
		return;
	d->kind = kind;
	d->what = what;
	d->error = error;
	drop_file(d);
}

static void fail_errno(struct spool_draft *d, const char *what)
{
	int code = errno;
	bool full = code == ENOSPC || code == EDQUOT || code == ENOMEM;

	fail(d, full ? ERR_NOMEM : ERR_TEMP, what, code);
}

/* -- beginning -- */

/*
 * Time first, so that names sort as messages came. No 'i', 'l', 'o', 'u': an id
 * may be read out over the telephone.
 */
static void make_id(char out[SPOOL_ID_SIZE])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t us = (uint64_t)clock_now_us();
	unsigned char noise[ID_RANDOM];

	rand_bytes(noise, sizeof(noise));
	for (int i = ID_TIME; i--; us >>= 5)
		out[i] = digits[us & 31];
	for (int i = 0; i < ID_RANDOM; i++)
		out[ID_TIME + i] = digits[noise[i] & 31];
	out[ID_TIME + ID_RANDOM] = '\0';
}

static int create_file(struct spool *s, char id[SPOOL_ID_SIZE])
{
	int fd = -1;

	for (int i = 0; i < ID_TRIES && fd < 0; i++) {
		make_id(id);
		fd = openat(s->tmp, id, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				0600);
		if (fd < 0 && errno != EEXIST && errno != EINTR)
			return -1;
	}
	return fd;
}

static int take_buffer(struct spool_draft *d)
{
	if (!d->buffer)
		d->buffer = malloc(BUFFER_SIZE);
	if (!d->buffer)
		fail(d, ERR_NOMEM, "out of memory", 0);
	return d->buffer ? 0 : -1;
}

/* n octets from the buffer or past it. */
static void write_out(struct spool_draft *d, const char *p, size_t n)
{
	if (n && file_write(d->fd, p, n) < 0)
		fail_errno(d, "writing");
	d->begun = true;
}

/*
 * The envelope waits in the buffer: a small message is then one write in all,
 * its head line already right.
 */
static int put_envelope(struct spool_draft *d, const struct spool_envelope *e,
		struct err *err)
{
	struct str text;
	int rc;

	str_init(&text, RECORD_MOST);
	rc = record_put(&text, e, &d->crc, err);
	d->head.envelope = (uint32_t)text.n;
	if (rc == 0 && take_buffer(d) < 0)
		rc = draft_err(d, err);
	if (rc == 0 && text.n <= BUFFER_SIZE) {
		memcpy(d->buffer, text.p, text.n);
		d->buffered = text.n;
	} else if (rc == 0) {
		write_out(d, text.p, text.n);
		if (d->kind != ERR_NONE)
			rc = draft_err(d, err);
	}
	str_free(&text);
	return rc;
}

/* A new message waits for all of its recipients, whatever the caller left. */
static void begin_envelope(struct spool_envelope *e, const char *id)
{
	memcpy(e->id, id, SPOOL_ID_SIZE);
	e->created = clock_now();
	if (!e->sender)
		e->sender = "";
	if (!e->origin)
		e->origin = "";
	for (unsigned i = 0; i < e->nrcpt; i++)
		e->rcpt[i].state = SPOOL_WAITING;
}

struct spool_draft *spool_begin(struct spool *s, struct spool_envelope *e,
		struct err *err)
{
	struct spool_draft *d = calloc(1, sizeof(*d));

	if (!d) {
		err_set(err, ERR_NOMEM, "out of memory");
		return NULL;
	}
	d->spool = s;
	list_init(&d->link);
	sync_expect(s->sync, 1);
	d->fd = create_file(s, d->id);
	if (d->fd < 0) {
		d->id[0] = '\0';	/* it may be another one's file */
		fail_errno(d, "new file");
		draft_err(d, err);
		goto out;
	}
	/* root's own programs write for the queue's user */
	if (s->give && geteuid() == 0 && fchown(d->fd, s->owner, s->group) < 0) {
		err_errno(err, "spool");
		goto out;
	}
	begin_envelope(e, d->id);
	if (put_envelope(d, e, err) < 0)
		goto out;
	return d;
out:
	spool_abort(d);
	return NULL;
}

const char *spool_draft_id(const struct spool_draft *d)
{
	return d->id;
}

/* -- the message -- */

static void flush_buffer(struct spool_draft *d)
{
	size_t n = d->buffered;

	d->buffered = 0;
	write_out(d, d->buffer, n);
}

static void check_limits(struct spool_draft *d)
{
	const struct conf *conf = d->spool->conf;
	int64_t space;

	if (d->head.message > conf->max_message_size) {
		fail(d, ERR_PERM, "message is over max-message-size", 0);
		return;
	}
	if (d->head.message - d->looked < SPACE_STEP)
		return;
	d->looked = d->head.message;
	space = file_free_space(d->fd);
	if (space >= 0 && (uint64_t)space < conf->min_free_space)
		fail(d, ERR_NOMEM, "not enough room on the disk", 0);
}

static void add_piece(struct spool_draft *d, struct span piece)
{
	if (piece.n > BUFFER_SIZE - d->buffered) {
		flush_buffer(d);
		if (d->kind != ERR_NONE)
			return;
	}
	if (piece.n >= BUFFER_SIZE) {
		write_out(d, piece.p, piece.n);
		return;
	}
	memcpy(d->buffer + d->buffered, piece.p, piece.n);
	d->buffered += piece.n;
}

int spool_write(struct spool_draft *d, struct span piece, struct err *err)
{
	if (d->kind == ERR_NONE && piece.n) {
		d->head.message += piece.n;
		d->head.message_crc = record_crc(d->head.message_crc, piece);
		check_limits(d);
	}
	if (d->kind == ERR_NONE && piece.n)
		add_piece(d, piece);
	return d->kind == ERR_NONE ? 0 : draft_err(d, err);
}

/* -- commit -- */

static void draft_free(struct spool_draft *d)
{
	list_del(&d->link);
	free(d->buffer);
	free(d);
}

/* The end of a draft's life: exactly one call, unless it was forgotten. */
static void report(struct spool_draft *d)
{
	struct err err;

	list_del(&d->link);
	if (d->kind != ERR_NONE) {
		draft_err(d, &err);
		log_error("%s: %s", d->id, err.text);
	}
	if (d->done)
		d->done(d->arg, d->id, d->kind == ERR_NONE ? NULL : &err);
	draft_free(d);
}

void spool_draft_report(struct loop_task *t)
{
	struct spool *s = container_of(t, struct spool, report);

	while (!list_empty(&s->failed))
		report(container_of(s->failed.next, struct spool_draft, link));
}

static void flushed(struct sync_request *r, int error)
{
	struct spool_draft *d = container_of(r, struct spool_draft, request);
	struct spool *s = d->spool;

	if (error) {
		/* not acknowledged, so it may not be delivered either */
		unlinkat(s->msg, d->id, 0);
		s->count -= s->count > 0;
		errno = error;
		fail_errno(d, "flush");
	} else {
		spool_tell(s, d->id);
	}
	report(d);
}

/* The head line makes the file whole. */
static void put_head(struct spool_draft *d)
{
	char line[RECORD_HEAD_SIZE];
	ssize_t n;

	record_head_seal(line, &d->head, d->crc);
	if (!d->begun) {
		memcpy(d->buffer, line, sizeof(line));
		return;
	}
	do
		n = pwrite(d->fd, line, sizeof(line), 0);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(line))
		return;
	if (n >= 0)
		errno = ENOSPC;
	fail_errno(d, "writing");
}

/* Writes what is left; the new name then makes the message visible. */
static void finish_file(struct spool_draft *d)
{
	int fd = d->fd;

	put_head(d);
	if (d->kind == ERR_NONE)
		flush_buffer(d);
	if (d->kind != ERR_NONE)
		return;
	d->fd = -1;
	if (close(fd) < 0 || renameat(d->spool->tmp, d->id, d->spool->msg,
				d->id) < 0)
		fail_errno(d, "new message");
}

void spool_commit(struct spool_draft *d, spool_done_fn *done, void *arg)
{
	struct spool *s = d->spool;

	d->done = done;
	d->arg = arg;
	if (d->kind == ERR_NONE)
		finish_file(d);
	free(d->buffer);
	d->buffer = NULL;
	sync_expect(s->sync, -1);
	if (d->kind == ERR_NONE) {
		s->count++;
		list_add_tail(&s->committing, &d->link);
		d->request.name = d->id;
		d->request.done = flushed;
		sync_ask(s->sync, &d->request);
	} else if (s->loop) {
		list_add_tail(&s->failed, &d->link);
		loop_task_add(s->loop, &s->report);
	} else {
		report(d);
	}
}

static void forget(struct list *drafts, void *arg)
{
	struct list *pos, *tmp;

	list_each(pos, tmp, drafts) {
		struct spool_draft *d = container_of(pos, struct spool_draft,
				link);

		if (d->arg == arg)
			d->done = NULL;
	}
}

void spool_forget(struct spool *s, void *arg)
{
	forget(&s->committing, arg);
	forget(&s->failed, arg);
}

void spool_abort(struct spool_draft *d)
{
	if (!d)
		return;
	sync_expect(d->spool->sync, -1);
	if (d->kind == ERR_NONE)
		drop_file(d);
	draft_free(d);
}

void spool_draft_drop(struct list *drafts)
{
	while (!list_empty(drafts))
		draft_free(container_of(drafts->next, struct spool_draft,
					link));
}
