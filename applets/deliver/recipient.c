#include "config.h"
#include "deliver/recipient.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/addr.h"
#include "mime/header.h"
#include "os/file.h"
#include "os/log.h"
#include "store/disk.h"

/* -- who it is -- */

/*
 * queue puts Delivered-To on top of each message that it makes from another,
 * and nobody else comes there: it puts Received on top of what comes in.
 */
static void look_at_trace(struct recipient *r)
{
	struct span rest = str_span(&r->head);
	struct header_field f;

	/* a late Date comes with it */
	while (header_next(&rest, &f) && (span_is(f.name, "Delivered-To") ||
				span_is(f.name, "Date"))) {
		bool mark = span_is(f.name, "Delivered-To");
		bool his = mark && span_caseeq(f.value,
				span_of(r->m->address));

		r->back |= mark && !his && !r->passed;
		r->passed += his;
	}
	r->back &= r->passed > 0;
}

static int read_head(struct recipient *r, struct err *err)
{
	const struct system_mail *m = r->m;
	char piece[4096];
	int64_t at = 0;

	while (at < m->length && at < HEAD_MOST) {
		size_t before = r->head.n, n = sizeof(piece);
		ssize_t got;

		if (m->length - at < (int64_t)n)
			n = (size_t)(m->length - at);
		got = file_pread(m->fd, piece, n, m->start + at);
		if (got <= 0)
			return disk_err(err, "reading the message");
		for (ssize_t i = 0; i < got; i++)
			if (piece[i] != '\r')
				str_addc(&r->head, piece[i]);
		at += got;
		/* a header section rarely has more than one piece */
		if (r->head.bad || header_size(str_span(&r->head)) <
				r->head.n || r->head.n == before)
			break;
	}
	r->head.n = header_size(str_span(&r->head));
	return r->head.bad ? err_nomem(err) : 0;
}

int recipient_init(struct recipient *r, const struct conf *conf,
		const struct system_mail *m, struct err *err)
{
	memset(r, 0, sizeof(*r));
	r->conf = conf;
	r->m = m;
	str_init(&r->head, HEAD_MOST + 4096);
	if (m->box) {
		if (geteuid() != 0 ? priv_find_uid(geteuid(), &r->user, err) < 0
				: priv_find(conf->user_store, &r->user,
					err) < 0)
			return -1;
		snprintf(r->folder, sizeof(r->folder), "%s/%s", conf->mail_dir,
				m->box);
	} else {
		if (priv_find(m->user, &r->user, err) < 0)
			return -1;
		str_copys(r->folder, sizeof(r->folder), r->user.home);
	}
	if (read_head(r, err) < 0)
		return -1;
	look_at_trace(r);
	return 0;
}

void recipient_free(struct recipient *r)
{
	str_free(&r->head);
}

/* -- his files -- */

int recipient_enter(const struct recipient *r, struct err *err)
{
	if (geteuid() != 0)
		return 0;
	if (initgroups(r->user.name, r->user.gid) == 0 &&
			setegid(r->user.gid) == 0 && seteuid(r->user.uid) == 0)
		return 0;
	err_errno(err, "becoming %s", r->user.name);
	recipient_leave(r);
	return -1;
}

void recipient_leave(const struct recipient *r)
{
	(void)r;
	/* whoever never was root stays what he is */
	if (getuid() == 0 && (seteuid(0) < 0 || setegid(0) < 0))
		_exit(1);
}

/* May anybody else write to it? His own group, his alone by name, may. */
static bool is_open(const struct recipient *r, const struct stat *st)
{
	return st->st_mode & S_IWOTH ||
		(st->st_mode & S_IWGRP && st->st_gid != r->user.gid);
}

static bool is_his(const struct recipient *r, uid_t uid, bool or_root)
{
	return uid == r->user.uid || (uid == 0 && (or_root || r->m->box));
}

static const char *why_not(const struct recipient *r, int folder, int file)
{
	struct stat st;

	if (fstat(folder, &st) < 0 || !is_his(r, st.st_uid, true))
		return "its folder belongs to somebody else";
	if (is_open(r, &st))
		return "others may write to its folder";
	if (fstat(file, &st) < 0 || !S_ISREG(st.st_mode))
		return "it is no file";
	if (!is_his(r, st.st_uid, false))
		return "it belongs to somebody else";
	return is_open(r, &st) ? "others may write to it" : NULL;
}

static int read_file(const struct recipient *r, int folder, const char *name,
		struct str *text, struct err *err)
{
	/* no link to elsewhere, and no FIFO that holds us up */
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			O_NOCTTY | O_CLOEXEC);
	const char *why;
	char piece[4096];
	ssize_t n = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 && errno != ELOOP && errno != EACCES && errno != ENXIO)
		return err_errno(err, "%s/%s", r->folder, name);
	why = fd < 0 ? strerror(errno) : why_not(r, folder, fd);
	while (!why && (n = file_get(fd, piece, sizeof(piece))) > 0)
		str_add(text, span_make(piece, (size_t)n));
	if (!why && n < 0)
		err_errno(err, "%s/%s", r->folder, name);
	else if (!why && text->bad)
		why = "too long";
	if (fd >= 0)
		close(fd);
	if (why)
		log_warn("%s/%s is not used: %s", r->folder, name, why);
	return why ? 0 : n < 0 ? -1 : 1;
}

static int find_file(const struct recipient *r, const char *name,
		struct str *text, struct err *err)
{
	int folder, rc;

	folder = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 && (errno == ENOENT || errno == ENOTDIR ||
				errno == EACCES))
		return 0;
	if (folder < 0)
		return err_errno(err, "%s", r->folder);
	rc = read_file(r, folder, r->m->box ? name + 1 : name, text, err);
	close(folder);
	return rc;
}

int recipient_file(const struct recipient *r, const char *name,
		struct str *text, struct err *err)
{
	int rc = recipient_enter(r, err);

	if (rc < 0)
		return -1;
	rc = find_file(r, name, text, err);
	recipient_leave(r);
	if (rc < 0)
		err->kind = ERR_TEMP;
	return rc;
}

int recipient_become(struct recipient *r, struct err *err)
{
	umask(077);
	if (r->user.uid == 0 && geteuid() == 0 && priv_find(
				r->conf->alias_user, &r->user, err) < 0)
		return -1;
	if (r->user.uid == 0)
		return err_set(err, ERR_TEMP, "alias-user %s is root",
				r->user.name);
	return system_become_whole(&r->user, err);
}

/* -- into the mailbox -- */

static bool counts(const struct recipient *r, unsigned char whose)
{
	return whose == CONF_WHOSE_ALL ||
		(whose == CONF_WHOSE_SYSTEM && !r->m->box);
}

/*
 * The folder that a filter has named, or that the detail does, or the mailbox.
 */
static int choose_folder(const struct recipient *r, int dir,
		const struct disposition *d, char out[FOLDER_SIZE],
		struct err *err)
{
	unsigned char detail = r->conf->detail_folder;
	struct span name = span_of(d->folder);

	out[0] = '\0';
	if (CFG_DELIVER_FOLDERS && name.n && folder_find(dir, r->m->box, name,
				true, out, err) < 0)
		return -1;
	if (CFG_DELIVER_FOLDERS && !name.n && detail != CONF_FOLDERS_NO &&
			folder_find(dir, r->m->box, folder_detail(r->conf,
					r->m->user, r->m->address), detail ==
				CONF_FOLDERS_MAKE, out, err) < 0)
		return -1;
	if (!out[0])
		str_copys(out, FOLDER_SIZE, r->m->box);
	return 0;
}

static int to_maildir(const struct recipient *r, const struct disposition *d,
		const struct system_mail *m, bool *before, struct err *err)
{
	int dir = disk_folder(AT_FDCWD, r->conf->mail_dir), rc;
	char box[FOLDER_SIZE];

	if (dir < 0)
		return disk_err(err, r->conf->mail_dir);
	rc = system_become_whole(&r->user, err);
	umask(077);
	if (rc == 0)
		rc = choose_folder(r, dir, d, box, err);
	if (rc == 0)
		rc = system_mail_append(dir, box, true, m, before, err);
	close(dir);
	return rc;
}

static int to_mailbox(const struct recipient *r, int mbox_dir,
		const struct disposition *d, struct recipient_end *end,
		struct err *err)
{
	struct system_mail m = *r->m;
	int rc;

	end->full = m.full;
	if (m.full)
		return err_set(err, ERR_TEMP, "the mailbox is full");
	/* with others still to come it is for queue to see that all is done */
	m.again |= d->redirect.n > 0;
	if (m.box) {
		rc = to_maildir(r, d, &m, &end->before, err);
	} else {
		if (d->folder[0])
			log_info("%s: an mbox has no folder %s", m.user,
					d->folder);
		rc = system_become(mbox_dir, &r->user, err);
		if (rc == 0)
			rc = system_mail_append(mbox_dir, m.user, false, &m,
					&end->before, err);
	}
	if (rc < 0 || end->before)
		return rc;
	end->kept = true;
	if (!m.box)
		notice_new_mail(&m);
	if (CFG_DELIVER_VACATION && counts(r, r->conf->vacation))
		vacation_answer(r, ".vacation", SPAN(""));
	return 0;
}

/* -- the order of it all -- */

/*
 * Once for each message: it has our mark then. So has what his own .forward has
 * kept for him.
 */
static bool was_redirected(const struct recipient *r)
{
	struct str out;
	struct err err;
	bool was;

	str_init(&out, SYSTEM_FORWARD_MOST - 1);
	was = r->passed > 1 || (r->passed && (!CFG_DELIVER_FORWARD ||
				!r->m->forward ||
				forward_read(r, &out, &err) <= 0));
	str_free(&out);
	return was;
}

static int filter(const struct recipient *r, struct disposition *d,
		struct recipient_end *end, struct err *err)
{
	if (hook_ask(r, d, err) < 0)
		return -1;
	if (d->reject[0]) {
		end->final = true;
		return err_set(err, ERR_PERM, "5.7.1 %s", d->reject);
	}
	/* queue alone sends on exactly once */
	if (d->redirect.n && (!r->m->key || was_redirected(r))) {
		log_warn("%s: not redirected: %s", r->m->user, r->m->key ?
				"it has been already" : "it is not from queue");
		str_clear(&d->redirect);
		d->keep = true;
	}
	return d->redirect.bad ? err_nomem(err) : 0;
}

static int follow(const struct recipient *r, int mbox_dir,
		struct recipient_end *end, struct err *err)
{
	struct disposition d = { .keep = true };
	int rc = 0;

	/* his own copy comes back with our mark */
	if (CFG_DELIVER_FORWARD && r->m->forward && !r->passed)
		rc = r->m->key ? forward_read(r, &end->forward, err) :
			forward_elsewhere(r, err);
	/* two who forward to each other */
	else if (CFG_DELIVER_FORWARD && r->m->forward && r->back)
		rc = end->before = forward_kept(r);
	if (rc)
		return rc < 0 ? -1 : 0;
	str_init(&d.redirect, SYSTEM_FORWARD_MOST - 1);
	if (CFG_DELIVER_COMMAND && r->m->hook)
		rc = filter(r, &d, end, err);
	if (rc == 0 && d.keep)
		rc = to_mailbox(r, mbox_dir, &d, end, err);
	if (rc == 0)
		str_add(&end->forward, str_span(&d.redirect));
	str_free(&d.redirect);
	/* what was said to be redirected may be nowhere else */
	return rc == 0 && end->forward.bad ? err_nomem(err) : rc;
}

int recipient_deliver(const struct conf *conf, int mbox_dir,
		const struct system_mail *m, struct recipient_end *end,
		struct err *err)
{
	struct recipient r;
	int rc = recipient_init(&r, conf, m, err);

	if (rc == 0)
		rc = follow(&r, mbox_dir, end, err);
	recipient_free(&r);
	return rc;
}
