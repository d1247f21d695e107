/* Appending messages to another mailbox, for save, copy and quit. */
#include "mail/box.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "os/clock.h"
#include "os/file.h"
#include "os/text.h"

struct copy {
	struct mail *m;
	const char *path;
	bool folder;		/* a Maildir, which keeps flags otherwise */
	bool itself;		/* the mailbox that is open */
	int fd;			/* a temporary file: the message in work */
	struct mailbox_many *many;
	struct mail_copied *sum;
	uint64_t octets;	/* of the message in work */
	int rc;
	struct str from, head;	/* head: how the message in work begins */
};

static bool put_out(void *arg, struct span piece)
{
	struct copy *c = arg;

	c->octets += piece.n;
	str_add(&c->head, span_sub(piece, 0, c->head.cap - c->head.n));
	if (file_write(c->fd, piece.p, piece.n) < 0)
		c->rc = err_errno(&c->m->err, T("temporary file"));
	return c->rc == 0;
}

/* Message n into the temporary file. 1; 0: it is gone; -1. */
static int fetch(struct copy *c, unsigned n)
{
	struct err err;

	c->octets = 0;
	str_clear(&c->head);
	if (lseek(c->fd, 0, SEEK_SET) < 0)
		return err_errno(&c->m->err, T("temporary file"));
	if (mailbox_read(c->m->box, n, put_out, c, &err) < 0) {
		if (err.kind == ERR_PERM || mailbox_gone(c->m->box, n))
			return 0;
		c->m->err = err;
		return -1;
	}
	return c->rc < 0 ? -1 : 1;
}

static int append(struct copy *c, unsigned n)
{
	const struct mailbox_message *msg = mailbox_message(c->m->box, n);
	struct mailbox_add add = {
		.fd = c->fd, .length = (int64_t)c->octets,
		/* a file at the end suffices; of a Maildir each is one */
		.flush = c->folder, .when = msg->arrived,
		.flags = (mail_box_flags(c->m, n) & ~MAILBOX_DELETED)
				| MAILBOX_OLD
	};

	if (!add.when)
		add.when = clock_now();
	str_clear(&c->from);
	mail_box_sender(str_span(&c->head), &c->from);
	add.from = str_c(&c->from);
	return mailbox_many_add(c->many, &add, &c->m->err);
}

static int end(struct copy *c, int rc)
{
	struct err *err = rc == 0 ? &c->m->err : NULL;

	if (c->many && mailbox_many_end(c->many, rc == 0, err) < 0)
		rc = -1;
	c->many = NULL;
	return rc;
}

/* 0 or -1 */
static int copy_one(struct copy *c, unsigned n)
{
	int rc = fetch(c, n);

	if (rc == 0)
		c->m->set[n] = 0;
	if (rc <= 0)
		return rc;
	/* to the mailbox itself: it cannot be read while it is written */
	if (!c->many)
		c->many = mailbox_many_begin(c->path, &c->m->err);
	rc = c->many ? append(c, n) : -1;
	if (c->itself)
		rc = end(c, rc);
	if (rc == 0) {
		c->sum->messages++;
		c->sum->octets += c->octets;
	}
	return rc;
}

static bool is_itself(const struct copy *c)
{
	struct stat a, b;

	return stat(c->path, &a) == 0 && stat(c->m->path, &b) == 0 &&
			a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

int mail_box_copy(struct mail *m, const char *path, struct mail_copied *sum,
		struct mailbox_many **many)
{
	struct copy c = { .m = m, .path = path, .sum = sum };
	int rc = 0;

	*sum = (struct mail_copied){ 0 };
	mail_path_make_folder(m, path);
	c.folder = mail_box_is_folder(path);
	c.itself = is_itself(&c);
	c.fd = file_temporary(&m->err);
	if (c.fd < 0)
		return -1;
	str_init(&c.from, 320);
	str_init(&c.head, 16384);
	for (unsigned i = 1; rc == 0 && i <= m->count; i++)
		if (m->set[i])
			rc = copy_one(&c, i);
	if (many && rc == 0)
		*many = c.many;
	else
		rc = end(&c, rc);
	str_free(&c.from);
	str_free(&c.head);
	close(c.fd);
	return rc;
}
