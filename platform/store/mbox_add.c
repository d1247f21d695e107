#include "store/mbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "os/log.h"
#include "store/mailbox_private.h"

/* An address in a From_ line is one word. */
static void put_sender(struct out *o, const char *sender)
{
	if (!*sender)
		sender = "MAILER-DAEMON";
	for (; *sender; sender++) {
		char c = *sender > ' ' && *sender < 127 ? *sender : '-';

		out_add(o, span_make(&c, 1));
	}
}

static void put_from(struct out *o, const struct mailbox_add *add)
{
	char date[DATE_SIZE];

	date_mbox(date, add->when);
	out_add(o, SPAN("From "));
	put_sender(o, add->from);
	out_add(o, SPAN(" "));
	out_add(o, span_of(date));
	out_add(o, SPAN("\n"));
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
	at = o->written;
	out_add(o, SPAN("0000000000\n"));
	return at;
}

/*
 * Line feeds until the next From_ line stands by itself: an empty line
 * before it, whatever a cut writer has left. -1 with errno.
 */
static int separate(struct out *o, int fd, int64_t size)
{
	char last[2];

	if (size == 0)
		return 0;
	if (size == 1)
		last[0] = '\n';
	if (pread(fd, size == 1 ? last + 1 : last, size == 1 ? 1 : 2,
				size == 1 ? 0 : size - 2) < 0)
		return -1;
	if (last[1] != '\n')
		out_add(o, SPAN("\n\n"));
	else if (last[0] != '\n')
		out_add(o, SPAN("\n"));
	return 0;
}

/* The octets behind the From_ line and before the separating empty line. */
static int finish_key(int fd, int64_t at, int64_t length)
{
	char number[24];
	ssize_t n;

	if (length > INT64_C(9999999999))
		length = INT64_C(9999999999);
	snprintf(number, sizeof(number), "%0*" PRId64, MBOX_KEY_DIGITS, length);
	do
		n = pwrite(fd, number, MBOX_KEY_DIGITS, at);
	while (n < 0 && errno == EINTR);
	return n == MBOX_KEY_DIGITS ? 0 : -1;
}

/* Writes behind `size`. 0 or -1 with err and errno. */
static int write_message(int fd, int64_t size, const struct mailbox_add *add,
		struct err *err)
{
	int64_t number, start, end;
	struct out o;
	int rc;

	if (lseek(fd, size, SEEK_SET) < 0)
		return err_errno(err, "mbox");
	if (out_open(&o, fd, err) < 0)
		return -1;
	rc = separate(&o, fd, size);
	if (rc < 0)
		err_errno(err, "mbox");
	put_from(&o, add);
	start = o.written;
	number = put_key(&o, add);
	if (rc == 0)
		rc = out_message(&o, add, true, err);
	end = o.written;
	out_add(&o, SPAN("\n"));
	if (out_close(&o) < 0 && rc == 0)
		rc = err_errno(err, "mbox");
	if (rc == 0 && number && finish_key(fd, size + number, end - start) < 0)
		rc = err_errno(err, "mbox");
	if (rc == 0 && add->flush && fsync(fd) < 0)
		rc = err_errno(err, "mbox");
	return rc;
}

/* All or nothing: what was written of a message that failed goes again. */
static int add_message(int fd, const struct mailbox_add *add, struct err *err)
{
	struct stat st;
	int rc, code;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "mbox");
	errno = 0;
	rc = write_message(fd, st.st_size, add, err);
	if (rc == 0)
		return 0;
	code = errno;
	if (err && (code == ENOSPC || code == EDQUOT || code == EFBIG))
		err->kind = ERR_NOMEM;
	if (ftruncate(fd, st.st_size) < 0)
		log_error("mbox: half a message cannot be removed: %s",
				strerror(errno));
	return rc;
}

/*
 * An earlier delivery: whole, it is the result; cut off and still the
 * last one in the file, it is removed. 0 or -1.
 */
static int find_key(int fd, const char *key, bool *found, struct err *err)
{
	const struct mbox_entry *e = NULL;
	struct mbox_index ix;
	int rc = 0;

	if (mbox_index_read(&ix, fd, key, err) < 0)
		return -1;
	for (unsigned i = 0; i < ix.n; i++)
		if (ix.e[i].has_key)
			e = &ix.e[i];
	*found = e && !e->partial;
	if (e && e->partial && e == &ix.e[ix.n - 1]
			&& ftruncate(fd, e->from) < 0)
		rc = err_errno(err, "mbox");
	mbox_index_free(&ix);
	return rc;
}

/* A folder that another user owns keeps its new name as it can. */
static void flush_folder(const struct mbox_lock *l)
{
	char folder[MBOX_PATH_SIZE];
	struct span s = span_of(l->path);
	size_t slash = span_rfind(s, '/');
	int fd;

	s = slash == s.n ? SPAN(".") : span_sub(s, 0, slash ? slash : 1);
	if (str_copy(folder, sizeof(folder), s) < 0)
		return;
	fd = openat(l->dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
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
		rc = add_message(l.fd, add, err);
	else if (rc == 0 && add->flush && fsync(l.fd) < 0)
		rc = err_errno(err, "%s", path);
	if (rc == 0 && l.made && add->flush)
		flush_folder(&l);
	mbox_unlock(&l);
	return rc;
}
