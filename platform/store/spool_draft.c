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
#include "store/disk.h"
#include "store/out.h"
#include "store/spool_record.h"

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
	struct out out;			/* fd -1: closed, or the file is gone */
	char id[SPOOL_ID_SIZE];
	uint64_t looked;		/* size at which space was looked at */
	uint32_t crc;			/* of the envelope, so far */
	struct record_head head;	/* .message: octets so far */
	unsigned added;			/* octets allowed over max-message-size */
	bool replaced;			/* its name is another draft's now */
	struct err err;			/* the first thing that went wrong */
};

/* -- errors: the first one stays, and the file goes at once -- */

static bool is_good(const struct spool_draft *d)
{
	return d->err.kind == ERR_NONE;
}

static void drop_file(struct spool_draft *d)
{
	if (d->out.fd >= 0)
		close(d->out.fd);
	d->out.fd = -1;
	if (!d->replaced)
		unlinkat(d->spool->place.tmp, d->id, 0);
	free(d->out.buffer);
	d->out.buffer = NULL;
}

static int draft_err(const struct spool_draft *d, struct err *err)
{
	if (err)
		*err = d->err;
	return -1;
}

/* kind ERR_NONE: what errno says. */
static void fail(struct spool_draft *d, enum err_kind kind, const char *what)
{
	if (!is_good(d))
		return;
	if (kind == ERR_NONE)
		disk_err(&d->err, what);
	else
		err_set(&d->err, kind, "%s", what);
	drop_file(d);
}

/* -- beginning -- */

void spool_id_put(char *out, unsigned n, uint64_t value)
{
	for (; n--; value >>= 5)
		out[n] = SPOOL_ID_DIGITS[value & 31];
}

/* Time first, so that names sort as messages came. */
static void make_id(char out[SPOOL_ID_SIZE])
{
	uint64_t noise;

	rand_bytes(&noise, sizeof(noise));
	spool_id_put(out, ID_TIME, (uint64_t)clock_now_us());
	spool_id_put(out + ID_TIME, ID_RANDOM, noise);
	out[ID_TIME + ID_RANDOM] = '\0';
}

static int create_named(struct spool *s, const char *id)
{
	return openat(s->place.tmp, id, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static int create_file(struct spool *s, char id[SPOOL_ID_SIZE])
{
	int fd = -1;

	for (int i = 0; i < ID_TRIES && fd < 0; i++) {
		make_id(id);
		if (CFG_SPOOL_SPARE && (fd = spool_spare_take(s, id)) >= 0)
			break;
		fd = create_named(s, id);
		if (fd < 0 && errno != EEXIST && errno != EINTR)
			return -1;
	}
	return fd;
}

static void add(struct spool_draft *d, struct span piece)
{
	out_add(&d->out, piece);
	errno = d->out.error;
	if (errno)
		fail(d, ERR_NONE, "spool");
}

/*
 * The envelope waits in the buffer: a small message is then one write in all,
 * its head line already right.
 */
static void put_envelope(struct spool_draft *d, const struct spool_envelope *e)
{
	struct str text;
	struct err err;

	str_init(&text, RECORD_MOST);
	if (out_open(&d->out, d->out.fd, OUT_SIZE, &err) < 0
			|| record_put(&text, e, &d->crc, &err) < 0)
		fail(d, err.kind, err.text);
	else
		add(d, str_span(&text));
	d->head.envelope = (uint32_t)text.n;
	str_free(&text);
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

/* A file under this name, or one that is free, or that old gives up. */
static void create(struct spool_draft *d, const char *id,
		struct spool_draft *old)
{
	struct spool *s = d->spool;

	if (id) {
		str_copys(d->id, sizeof(d->id), id);
		unlinkat(s->place.tmp, d->id, 0);
		d->out.fd = create_named(s, d->id);
		d->added = SPOOL_ADDED_MOST;
	} else if (!old) {
		d->out.fd = create_file(s, d->id);
	} else if (unlinkat(s->place.tmp, old->id, 0) == 0) {
		old->replaced = true;
		memcpy(d->id, old->id, sizeof(d->id));
		d->out.fd = create_named(s, d->id);
	}
	if (d->out.fd < 0)
		d->id[0] = '\0';	/* it may be another one's file */
}

static struct spool_draft *begin(struct spool *s, const char *id,
		struct spool_draft *old, struct spool_envelope *e,
		struct err *err)
{
	struct spool_draft *d = calloc(1, sizeof(*d));

	if (!d) {
		err_nomem(err);
		return NULL;
	}
	d->spool = s;
	list_init(&d->link);
	sync_expect(s->sync, 1);
	d->out.fd = -1;
	create(d, id, old);
	/* root's own programs write for the queue's user */
	if (d->out.fd < 0 || (s->give && s->owner && geteuid() == 0
			&& fchown(d->out.fd, s->owner, s->group) < 0)) {
		fail(d, ERR_NONE, "spool");
	} else {
		begin_envelope(e, d->id);
		put_envelope(d, e);
	}
	if (is_good(d))
		return d;
	draft_err(d, err);
	spool_abort(d);
	return NULL;
}

struct spool_draft *spool_begin(struct spool *s, struct spool_envelope *e,
		struct err *err)
{
	return begin(s, NULL, NULL, e, err);
}

struct spool_draft *spool_begin_as(struct spool *s, const char *id,
		struct spool_envelope *e, struct err *err)
{
	if (spool_id_valid(id))
		return begin(s, id, NULL, e, err);
	err_set(err, ERR_PERM, "no spool id");
	return NULL;
}

struct spool_draft *spool_redraft(struct spool_draft *old,
		struct spool_envelope *e, struct err *err)
{
	if (is_good(old))
		return begin(old->spool, NULL, old, e, err);
	draft_err(old, err);
	return NULL;
}

const char *spool_draft_id(const struct spool_draft *d)
{
	return d->id;
}

/* -- the message -- */

static void check_limits(struct spool_draft *d)
{
	const struct conf *conf = d->spool->conf;
	int64_t space;

	if (d->head.message > conf->max_message_size + d->added) {
		fail(d, ERR_PERM, "message is over max-message-size");
		return;
	}
	if (d->head.message - d->looked < SPACE_STEP)
		return;
	d->looked = d->head.message;
	space = file_free_space(d->out.fd);
	if (space >= 0 && (uint64_t)space < conf->min_free_space)
		fail(d, ERR_NOMEM, "not enough room on the disk");
}

int spool_write(struct spool_draft *d, struct span piece, struct err *err)
{
	if (is_good(d)) {
		d->head.message += piece.n;
		d->head.message_crc = record_crc(d->head.message_crc, piece);
		check_limits(d);
	}
	if (is_good(d))
		add(d, piece);
	return is_good(d) ? 0 : draft_err(d, err);
}

#define LINES_PIECE 1024

int spool_write_lines(struct spool_draft *d, struct spool_lines *l,
		struct span piece, struct err *err)
{
	char out[2 * LINES_PIECE];

	for (size_t i = 0; i < piece.n;) {
		size_t to = 0;

		for (; i < piece.n && to < sizeof(out) - 1; i++) {
			char c = piece.p[i];

			if (c == '\n' && l->last != '\r')
				out[to++] = '\r';
			l->lone_cr |= c != '\n' && l->last == '\r';
			l->eight_bit |= (unsigned char)c > 127;
			l->last = out[to++] = c;
		}
		if (spool_write(d, span_make(out, to), err) < 0)
			return -1;
	}
	return 0;
}

/* -- reading it back: a part is in the file, the rest still in the buffer -- */

uint64_t spool_draft_size(const struct spool_draft *d)
{
	return d->head.message;
}

ssize_t spool_draft_read(struct spool_draft *d, void *p, size_t n, uint64_t at,
		struct err *err)
{
	const struct out *o = &d->out;
	uint64_t written = o->written - o->n;
	ssize_t got = 0;

	if (!is_good(d))
		return draft_err(d, err);
	if (at >= d->head.message)
		return 0;
	if (n > d->head.message - at)
		n = (size_t)(d->head.message - at);
	at += d->head.envelope;
	if (at < written)
		got = file_pread(o->fd, p, at + n > written ?
				(size_t)(written - at) : n, (int64_t)at);
	if (got < 0)
		return disk_err(err, "spool");
	if (at + (uint64_t)got >= written)
		memcpy((char *)p + got, o->buffer + (at + (uint64_t)got -
					written), n - (size_t)got);
	else if ((size_t)got < n)
		return err_set(err, ERR_TEMP, "spool: the draft is cut off");
	return (ssize_t)n;
}

/* -- commit -- */

static void draft_free(struct spool_draft *d)
{
	list_del(&d->link);
	free(d->out.buffer);
	free(d);
}

/* The end of a draft's life: exactly one call, unless it was forgotten. */
static void report(struct spool_draft *d)
{
	const struct err *err = is_good(d) ? NULL : &d->err;

	list_del(&d->link);
	if (err)
		log_error("%s: %s", d->id, err->text);
	if (d->done)
		d->done(d->arg, d->id, err);
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
		unlinkat(s->place.msg, d->id, 0);
		s->count -= s->count > 0;
		errno = error;
		fail(d, ERR_NONE, "flush");
	} else {
		spool_tell(s, d->id);
	}
	report(d);
}

/* The head line makes the file whole; the new name then makes it visible. */
static int finish_file(struct spool_draft *d)
{
	struct out *o = &d->out;
	char line[RECORD_HEAD_SIZE];
	bool begun = o->written > o->n;	/* some is in the file */
	int fd = o->fd;

	record_head_seal(line, &d->head, d->crc);
	if (!begun)
		memcpy(o->buffer, line, sizeof(line));
	if (out_close(o) < 0 || (begun && disk_write_at(fd, line, sizeof(line),
					0) < 0))
		return -1;
	o->fd = -1;
	return close(fd) < 0 ? -1 : renameat(d->spool->place.tmp, d->id,
			d->spool->place.msg, d->id);
}

void spool_commit(struct spool_draft *d, spool_done_fn *done, void *arg)
{
	struct spool *s = d->spool;

	d->done = done;
	d->arg = arg;
	if (is_good(d) && finish_file(d) < 0)
		fail(d, ERR_NONE, "spool");
	sync_expect(s->sync, -1);
	if (is_good(d)) {
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
	if (is_good(d))
		drop_file(d);
	draft_free(d);
}

void spool_draft_drop(struct list *drafts)
{
	while (!list_empty(drafts))
		draft_free(container_of(drafts->next, struct spool_draft,
					link));
}
