#include "store/mbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "os/file.h"
#include "os/log.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

/* An address in a From_ line is one word. */
static void put_from(struct out *o, const struct mailbox_add *add)
{
	char line[300], date[DATE_SIZE];

	snprintf(line, sizeof(line), "From %s",
			add->from[0] ? add->from : "MAILER-DAEMON");
	for (char *p = line + 5; *p; p++)
		if (*p <= ' ' || *p >= 127)
			*p = '-';
	out_add(o, span_of(line));
	date_mbox(date, add->when);
	snprintf(line, sizeof(line), " %s\n", date);
	out_add(o, span_of(line));
}

void mbox_put_status(struct out *o, unsigned flags)
{
	char text[] = "Status:   \nX-Status:   \n";

	if (mbox_put_letters(text + 8, flags & MBOX_STATUS))
		out_add(o, span_make(text, 11));
	if (mbox_put_letters(text + 21, flags & MBOX_MORE))
		out_add(o, span_make(text + 11, 13));
}

/* Gives where the number goes that says "written whole"; 0: no key. */
static int64_t put_key(struct out *o, const struct mailbox_add *add)
{
	int64_t at;

	if (!add->key)
		return 0;
	out_add(o, SPAN(MBOX_KEY));
	out_add(o, span_of(add->key));
	out_add(o, SPAN(" "));
	at = (int64_t)o->written;
	out_add(o, SPAN("0000000000\n"));
	return at;
}

/*
 * Line feeds until the next From_ line stands by itself: an empty line
 * before it, whatever a cut writer has left.
 */
static void separate(struct out *o, int fd, int64_t size)
{
	char last[2] = "";

	if (size == 0)
		return;
	file_pread(fd, last, 2, size - 2);
	if (last[1] != '\n')
		out_add(o, SPAN("\n\n"));
	else if (last[0] != '\n')
		out_add(o, SPAN("\n"));
}

/* Writes behind `size`, where fd stands. */
static int write_message(int fd, int64_t size, const struct mailbox_add *add,
		struct err *err)
{
	int64_t number, length;
	char text[24];
	struct out o;
	int rc;

	if (out_open(&o, fd, OUT_SIZE, err) < 0)
		return -1;
	separate(&o, fd, size);
	put_from(&o, add);
	length = -(int64_t)o.written;
	number = put_key(&o, add);
	mbox_put_status(&o, add->flags);
	rc = out_message(&o, add, true, err);
	/* what is between the From_ line and the separating empty line */
	length += (int64_t)o.written;
	if (length > MBOX_LENGTH_MOST)
		length = MBOX_LENGTH_MOST;
	snprintf(text, sizeof(text), "%0*" PRId64, MBOX_KEY_DIGITS, length);
	out_add(&o, SPAN("\n"));
	if (out_close(&o) < 0 || (rc == 0 && number && disk_write_at(fd, text,
					MBOX_KEY_DIGITS, size + number) < 0)
			|| (rc == 0 && add->flush && fsync(fd) < 0))
		rc = disk_err(err, "mbox");
	return rc;
}

/* All or nothing: what was written of a message that failed goes again. */
int mbox_add(int fd, const struct mailbox_add *add, struct err *err)
{
	off_t size = lseek(fd, 0, SEEK_END);
	int rc;

	if (size < 0)
		return disk_err(err, "mbox");
	rc = write_message(fd, size, add, err);
	if (rc < 0 && ftruncate(fd, size) < 0)
		log_error("mbox: half a message cannot be removed: %s",
				strerror(errno));
	return rc;
}

/*
 * An earlier delivery: whole, it is the result; cut off, or with a hole that
 * the power left in it, and still the last one in the file, it is removed. 0
 * or -1.
 */
static int find_key(int fd, const char *key, bool *found, struct err *err)
{
	const struct mbox_look look = { .key = key };
	struct mbox_entry *e = NULL;
	struct mbox_index ix;
	int rc = 0, hole;

	if (mbox_index_read(&ix, fd, 0, &look, err) < 0)
		return -1;
	for (unsigned i = 0; i < ix.n; i++)
		if (ix.e[i].has_key)
			e = &ix.e[i];
	hole = e && !e->partial ? disk_has_hole(fd, (int64_t)e->from,
			mbox_end(e)) : 0;
	if (hole < 0)
		rc = disk_err(err, "mbox");
	else if (hole)
		e->partial = true;
	*found = e && !e->partial;
	if (rc == 0 && e && e->partial && e == &ix.e[ix.n - 1]
			&& ftruncate(fd, (off_t)e->from) < 0)
		rc = disk_err(err, "mbox");
	mbox_index_free(&ix);
	return rc;
}

int mbox_append(int dirfd, const char *path, const struct mailbox_add *add,
		bool *found, struct err *err)
{
	struct mbox_lock l;
	int rc = 0;

	if (mbox_lock(&l, dirfd, path, MBOX_OWN, true, MBOX_WAIT_WRITE,
				err) < 0)
		return -1;
	if (add->again && add->key)
		rc = find_key(l.fd, add->key, found, err);
	if (rc == 0 && !*found)
		rc = mbox_add(l.fd, add, err);
	else if (rc == 0 && add->flush && fsync(l.fd) < 0)
		rc = disk_err(err, path);
	if (rc == 0 && l.made && add->flush)
		disk_flush_folder(dirfd, path);	/* as far as it can be */
	mbox_unlock(&l);
	return rc;
}
