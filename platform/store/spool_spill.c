/*
 * What waits leaves the memory: copied to spill-dir, made durable, and only then
 * removed from spool-dir. From the rename on there are two files for a while, and
 * all changes go to both (spool_queue.c). The envelope, of which lines are changed
 * in place, is copied last, in the same turn as the rename.
 */
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
#include "store/disk.h"
#include "store/spool_record.h"

#define SLICE (128 * 1024)	/* octets copied in a turn */

struct spill {
	struct list link;	/* in spool->spills */
	struct spool *spool;
	struct loop_task step;
	struct sync_request request;
	spool_done_fn *done;
	void *arg;
	int from, to;		/* -1: closed */
	int64_t envelope, at, end;
	char id[SPOOL_ID_SIZE];
};

static void close_both(struct spill *p)
{
	if (p->from >= 0)
		close(p->from);
	if (p->to >= 0)
		close(p->to);
	p->from = p->to = -1;
}

static void spill_free(struct spill *p)
{
	loop_task_stop(&p->step);
	list_del(&p->link);
	close_both(p);
	free(p);
}

static void spill_end(struct spill *p, const struct err *err)
{
	spool_done_fn *done = p->done;
	void *arg = p->arg;
	char id[SPOOL_ID_SIZE];

	memcpy(id, p->id, sizeof(id));
	if (err)
		unlinkat(p->spool->flash.tmp, id, 0);
	spill_free(p);
	done(arg, id, err);
}

/* 0; 1: it is not in memory (any more); -1. */
static int open_from(struct spill *p, struct err *err)
{
	char line[RECORD_HEAD_SIZE];
	struct record_head h;
	struct stat st;
	ssize_t n;

	p->from = openat(p->spool->place.msg, p->id,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (p->from < 0 && errno == ENOENT)
		return 1;
	if (p->from < 0 || fstat(p->from, &st) < 0 || (n = file_pread(p->from,
					line, sizeof(line), 0)) < 0)
		return disk_err(err, p->id);
	if (!S_ISREG(st.st_mode)
			|| record_head_get(&h, span_make(line, (size_t)n)) < 0
			|| (uint64_t)st.st_size < h.envelope + h.message)
		return err_set(err, ERR_PERM, "%s: not whole", p->id);
	p->envelope = p->at = h.envelope;
	p->end = (int64_t)(h.envelope + h.message);
	return 0;
}

static int open_to(struct spill *p, struct err *err)
{
	struct spool *s = p->spool;

	p->to = openat(s->flash.tmp, p->id, O_WRONLY | O_CREAT | O_TRUNC
			| O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->to < 0 || (s->give && geteuid() == 0
				&& fchown(p->to, s->owner, s->group) < 0)
			|| lseek(p->to, p->at, SEEK_SET) < 0)
		return disk_err(err, p->id);
	return 0;
}

/* 0; 1: there is more; -1. */
static int copy_some(struct spill *p, int64_t most, struct err *err)
{
	int64_t n = p->end - p->at < most ? p->end - p->at : most;

	if (n && file_copy(p->from, p->at, n, p->to) < 0)
		return disk_err(err, p->id);
	p->at += n;
	return p->at < p->end;
}

/* The envelope as it is now, and the name. 1: the message is done with. */
static int show(struct spill *p, struct err *err)
{
	struct spool *s = p->spool;
	struct stat st;

	if (fstat(p->from, &st) < 0 || lseek(p->to, 0, SEEK_SET) < 0)
		return disk_err(err, p->id);
	if (!st.st_nlink) {
		unlinkat(s->flash.tmp, p->id, 0);
		return 1;
	}
	if (file_copy(p->from, 0, p->envelope, p->to) < 0
			|| renameat(s->flash.tmp, p->id, s->flash.msg,
				p->id) < 0)
		return disk_err(err, p->id);
	close_both(p);
	return 0;
}

static void flushed(struct sync_request *r, int error)
{
	struct spill *p = container_of(r, struct spill, request);
	struct spool *s = p->spool;
	struct err err;

	if (error) {
		unlinkat(s->flash.msg, p->id, 0);
		errno = error;
		disk_err(&err, p->id);
	} else {
		unlinkat(s->place.msg, p->id, 0);
	}
	spill_end(p, error ? &err : NULL);
}

static void step(struct loop_task *t)
{
	struct spill *p = container_of(t, struct spill, step);
	struct err err;
	int rc = copy_some(p, SLICE, &err);

	if (rc > 0) {
		loop_task_next(p->spool->loop, t);
		return;
	}
	if (rc == 0)
		rc = show(p, &err);
	if (rc) {
		spill_end(p, rc < 0 ? &err : NULL);
		return;
	}
	p->request.name = p->id;
	p->request.done = flushed;
	sync_ask(p->spool->flash_sync, &p->request);
}

static struct spill *spill_new(struct spool *s, const char *id, struct err *err)
{
	struct spill *p = calloc(1, sizeof(*p));

	if (!p || str_copys(p->id, sizeof(p->id), id) < 0) {
		free(p);
		err_nomem(err);
		return NULL;
	}
	p->spool = s;
	p->from = p->to = -1;
	list_init(&p->step.link);
	p->step.run = step;
	list_add_tail(&s->spills, &p->link);
	return p;
}

int spool_spill(struct spool *s, const char *id, spool_done_fn *done,
		void *arg, struct err *err)
{
	struct spill *p = spill_new(s, id, err);
	int rc;

	if (!p)
		return -1;
	p->done = done;
	p->arg = arg;
	rc = open_from(p, err);
	if (rc == 0)
		rc = open_to(p, err);
	if (rc) {
		if (rc < 0)
			unlinkat(s->flash.tmp, id, 0);
		spill_free(p);
		return rc;
	}
	loop_task_next(s->loop, &p->step);
	return 0;
}

/* -- at the end, all at once -- */

struct all {
	struct spool *spool;
	unsigned moved, failed;
};

/* With spool-sync files each by itself: there is nobody to wait for others. */
static int flush_now(struct spill *p, struct err *err)
{
	const struct spool *s = p->spool;

	if (!s->conf->spool_sync_files)
		return 0;
	errno = disk_flush_path(s->flash.msg, p->id, 0);
	if (!errno)
		return 0;
	disk_err(err, p->id);
	unlinkat(s->flash.msg, p->id, 0);
	return -1;
}

/* The names; and without spool-sync files all that is in them. */
static int flush_all(const struct spool *s)
{
	int error = 0;

	if (s->conf->spool_sync_files)
		error = disk_flush_folder(s->flash.msg, "./");
	else if (syncfs(s->flash.msg) < 0)
		error = errno;
	return error;
}

static void copy_now(void *arg, const char *id)
{
	struct all *all = arg;
	struct err err;
	struct spill *p = spill_new(all->spool, id, &err);
	int rc = p ? open_from(p, &err) : -1;

	if (rc == 0)
		rc = open_to(p, &err);
	if (rc == 0)
		rc = copy_some(p, INT64_MAX, &err);
	if (rc == 0)
		rc = show(p, &err);
	if (rc == 0)
		rc = flush_now(p, &err);
	if (rc < 0) {
		log_error("spill-dir: %s", err.text);
		unlinkat(all->spool->flash.tmp, id, 0);
		all->failed++;
	}
	if (p)
		spill_free(p);
}

static void remove_now(void *arg, const char *id)
{
	struct all *all = arg;
	const struct spool *s = all->spool;

	if (faccessat(s->flash.msg, id, F_OK, 0) < 0)
		return;
	all->moved += unlinkat(s->place.msg, id, 0) == 0;
}

void spool_spill_all(struct spool *s)
{
	struct all all = { s, 0, 0 };
	struct err err;
	int error;

	spool_spill_drop(s);
	if (spool_each(s->place.msg, copy_now, &all, &err) < 0)
		log_error("spool: %s", err.text);
	error = flush_all(s);
	if (error)
		log_error("spill-dir: %s", strerror(error));
	else
		spool_each(s->place.msg, remove_now, &all, NULL);
	if (all.moved)
		log_info("%u messages moved to spill-dir", all.moved);
	if (all.failed)
		log_error("%u messages stay in spool-dir", all.failed);
}

void spool_spill_drop(struct spool *s)
{
	while (!list_empty(&s->spills)) {
		struct spill *p = container_of(s->spills.next, struct spill,
				link);

		if (p->from < 0)
			sync_cancel(&p->request);
		spill_free(p);
	}
}
