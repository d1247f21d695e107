/*
 * Names in a Maildir, one a line: what one finds is read, flagged and removed,
 * whatever the name says; nothing else is.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/mailbox.h"
#include "store/maildir_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/maildir_fuzz.XXXXXX";
static int root = -1;

static int remove_one(void *arg, const char *name)
{
	unlinkat(*(int *)arg, name, 0);
	return 0;
}

static void each_folder(int (*fn)(void *arg, const char *name))
{
	static const char *const names[] = { "m/new", "m/cur" };

	for (int i = 0; i < 2; i++) {
		int fd = disk_folder(root, names[i]);

		disk_each(fd, ".", fn, &fd, NULL);
		close(fd);
	}
}

static void leave(void)
{
	static const char *const names[] = { "m/new", "m/cur", "m/tmp", "m", "" };

	for (int i = 0; i < 4; i++)
		unlinkat(root, names[i], AT_REMOVEDIR);
	rmdir(dir);
}

static void make_dir(void)
{
	if (!mkdtemp(dir))
		abort();
	root = open(dir, O_RDONLY | O_DIRECTORY);
	close(maildir_folder(root, "m", true, NULL));
	atexit(leave);
}

/* What begins with a dot is none; a file system may refuse a name. */
static bool put(struct span name, bool cur)
{
	char path[300];
	int fd;

	if (name.n < 1 || name.n > 250 || name.p[0] == '.'
			|| memchr(name.p, '/', name.n)
			|| memchr(name.p, '\0', name.n))
		return false;
	snprintf(path, sizeof(path), "m/%s/%.*s", cur ? "cur" : "new",
			SPAN_ARG(name));
	fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return false;
	if (write(fd, "S: x\n\nx\n", 8) != 8)
		abort();
	close(fd);
	return true;
}

static bool ignore(void *arg, struct span piece)
{
	*(size_t *)arg += piece.n;
	return true;
}

static void use(struct mailbox *m)
{
	for (unsigned i = 1; i <= mailbox_count(m); i++) {
		const struct mailbox_message *one = mailbox_message(m, i);
		size_t n = strlen(one->uid), octets = 0;

		if (n < 1 || n > 70)
			abort();
		for (size_t k = 0; k < n; k++)
			if (one->uid[k] < 0x21 || one->uid[k] > 0x7E)
				abort();
		if (mailbox_read(m, i, ignore, &octets, NULL) < 0 || octets != 8)
			abort();
		mailbox_flag(m, i, i % 2 ? MAILBOX_SEEN : MAILBOX_FLAGGED, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	unsigned made = 0, n = 0;
	struct mailbox *m;

	if (root < 0)
		make_dir();
	while (rest.n && n++ < 40) {
		struct span name = span_cut(&rest, '\n');

		made += put(span_rest(name, 1), name.n && name.p[0] % 2);
	}
	m = mailbox_open(root, "m", true, true, NULL);
	if (!m || mailbox_count(m) > made)
		abort();
	use(m);
	if (mailbox_save(m, NULL) < 0 && made == mailbox_count(m))
		abort();
	mailbox_close(m);
	m = mailbox_open(root, "m", true, true, NULL);
	if (!m)
		abort();
	for (unsigned i = 1; i <= mailbox_count(m); i++)
		mailbox_flag(m, i, MAILBOX_DELETED, 0);
	mailbox_save(m, NULL);
	mailbox_close(m);
	each_folder(remove_one);
	return 0;
}
