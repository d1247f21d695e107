/* drive - random operations on a mailbox through platform/store/mailbox.h
 *
 * usage: drive PATH maildir|mbox SEED COUNT WHO
 *        drive PATH maildir|mbox list
 *        drive PATH maildir|mbox add|remove|flag ID
 * Another program does the same meanwhile. Says what was done: "+ID" a message
 * was added, "-ID" one was removed. The text of a message follows from its ID,
 * so that whoever finds it can tell whether it is whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "os/log.h"
#include "store/mailbox.h"

#define KEPT_MOST 60		/* messages; more are removed than added then */
#define ID_SIZE 64
#define SESSION_MOST 4		/* changes of a session */

static const char *path, *who;
static bool maildir;
static bool loose;		/* other programs put empty lines behind a message */
static unsigned long seed, added;
static char marked[SESSION_MOST][ID_SIZE];	/* to be removed */
static unsigned nmarked;

static unsigned below(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (unsigned)((seed >> 16) & 0x7FFF) % n;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s %s: %s\n", who, what, why);
	exit(1);
}

/* -- a message: tests/mailbox/messages.py has the same -- */

static unsigned sum_of(const char *id)
{
	unsigned sum = 0;

	for (; *id; id++)
		sum = sum * 31 + (unsigned char)*id;
	return sum;
}

static void text_of(struct str *out, const char *id)
{
	static const char *const lines[] = {
		"text of %s\n", "From %s Tue Nov 24 11:11:46 2026\n", "\n",
		">From %s\n", ".%s\n", "Status: %s\n"
	};
	/* for who knows nothing of mboxrd */
	static const char *const plain[] = { "text of %s\n", "\n" };
	unsigned sum = sum_of(id);

	str_addf(out, "Subject: s\nX-Op-Id: %s\n\n", id);
	for (unsigned i = 0; i < sum % 23; i++)
		str_addf(out, id[0] == 'p' ? plain[i % 2]
				: lines[(sum >> 3) % (i % 6 + 1)], id);
	str_addf(out, "end of %s\n", id);
}

static bool collect(void *arg, struct span piece)
{
	str_add(arg, piece);
	return true;
}

/* The ID; "" when it is gone meanwhile. */
static void read_id(struct mailbox *m, unsigned n, char id[ID_SIZE])
{
	struct str s, want;
	const char *p;
	struct err err;

	str_init(&s, 1 << 20);
	str_init(&want, 1 << 20);
	id[0] = '\0';
	if (mailbox_read(m, n, collect, &s, &err) == 0) {
		p = strstr(str_c(&s), "X-Op-Id: ");
		if (!p || sscanf(p + 9, "%63s", id) != 1)
			fail("a message without ID", str_c(&s));
		text_of(&want, id);
		while (loose && s.n > 2 && s.p[s.n - 2] == '\n')
			s.p[--s.n] = '\0';
		p = strstr(str_c(&s), "\n\n");
		if (!p || strcmp(p, strstr(str_c(&want), "\n\n")) != 0)
			fail("not whole", str_c(&s));
	}
	str_free(&s);
	str_free(&want);
}

/* -- operations -- */

static void add(const char *given)
{
	struct mailbox_add a = { .from = below(2) ? "a@b.test" : "",
		.when = time(NULL), .head = SPAN("Return-Path: <a@b.test>\n") };
	char id[ID_SIZE], key[ID_SIZE];
	struct str s;
	struct err err;

	if (given)
		snprintf(id, sizeof(id), "%s", given);
	else
		snprintf(id, sizeof(id), "%s-%lu", who, ++added);
	snprintf(key, sizeof(key), "K%sx%lu", who, added);
	str_init(&s, 1 << 20);
	text_of(&s, id);
	a.fd = memfd_create("message", 0);
	a.length = (int64_t)s.n;
	a.key = below(2) ? key : NULL;
	if (write(a.fd, s.p, s.n) != (ssize_t)s.n)
		fail("memory", strerror(errno));
	while (mailbox_append(AT_FDCWD, path, maildir, &a, NULL, &err) < 0)
		if (err.kind != ERR_TEMP || !strstr(err.text, "locked"))
			fail("append", err.text);
	close(a.fd);
	str_free(&s);
	printf("+%s\n", id);
}

static struct mailbox *open_box(void)
{
	struct err err;
	struct mailbox *m;

	while (!(m = mailbox_open(AT_FDCWD, path, maildir, true, &err)))
		if (err.kind != ERR_TEMP || !strstr(err.text, "locked"))
			fail("open", err.text);
	return m;
}

static void save(struct mailbox *m)
{
	struct err err;

	while (mailbox_save(m, &err) < 0)
		if (err.kind != ERR_TEMP || !strstr(err.text, "locked"))
			fail("save", err.text);
}

static bool is_there(const char *id)
{
	struct mailbox *m = open_box();
	char other[ID_SIZE];
	bool found = false;

	for (unsigned n = 1; n <= mailbox_count(m) && !found; n++) {
		read_id(m, n, other);
		found = strcmp(id, other) == 0;
	}
	mailbox_close(m);
	return found;
}

/*
 * One that another program has changed meanwhile may stay, for now: the next
 * save of the session tries again.
 */
static void change(struct mailbox *m, unsigned pick, bool gone)
{
	static const unsigned flags[] = { MAILBOX_SEEN, MAILBOX_ANSWERED,
		MAILBOX_FLAGGED, MAILBOX_OLD, MAILBOX_SEEN | MAILBOX_OLD };
	char id[ID_SIZE];

	read_id(m, pick, id);
	if (!id[0])
		return;
	if (gone)
		mailbox_flag(m, pick, MAILBOX_DELETED, 0);
	else
		mailbox_flag(m, pick, flags[below(5)], flags[below(5)]);
	save(m);
	if (gone)
		memcpy(marked[nmarked++], id, ID_SIZE);
}

static void say_removed(void)
{
	while (nmarked)
		if (!is_there(marked[--nmarked]))
			printf("-%s\n", marked[nmarked]);
}

/* A session, in which mail may come. */
static unsigned session(unsigned most)
{
	struct mailbox *m = open_box();
	unsigned done = 0;
	struct err err;

	while (done < most && mailbox_count(m)) {
		unsigned n = mailbox_count(m);

		if (below(4) == 0)
			add(NULL);
		if (mailbox_refresh(m, &err) < 0)
			fail("refresh", err.text);
		change(m, 1 + below(n), below(KEPT_MOST) < n);
		done++;
	}
	mailbox_close(m);
	say_removed();
	return done ? done : 1;
}

/* -- one at a time -- */

/* "ID FLAGS SIZE" of all, or what is to be done to one. */
static int with_each(const char *verb, const char *wanted)
{
	struct mailbox *m = open_box();
	char id[ID_SIZE];

	for (unsigned n = 1; n <= mailbox_count(m); n++) {
		const struct mailbox_message *one = mailbox_message(m, n);

		read_id(m, n, id);
		if (!wanted)
			printf("%s %s%s%s %" PRIu64 "\n", id,
				one->flags & MAILBOX_SEEN ? "S" : "-",
				one->flags & MAILBOX_ANSWERED ? "R" : "-",
				one->flags & MAILBOX_FLAGGED ? "F" : "-",
				one->size);
		else if (strcmp(wanted, id) == 0)
			mailbox_flag(m, n, *verb == 'r' ? MAILBOX_DELETED
				: MAILBOX_SEEN | MAILBOX_FLAGGED, 0);
	}
	if (wanted)
		save(m);
	mailbox_close(m);
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	unsigned count, done = 0;

	if (argc < 4)
		return 64;
	log_open("drive", true);
	path = argv[1];
	maildir = strcmp(argv[2], "maildir") == 0;
	who = "drive";
	if (argc == 5 && strcmp(argv[3], "add") == 0)
		add(argv[4]);
	else if (argc < 6)
		loose = true;
	if (loose)
		return with_each(argv[3], argv[4]);
	if (argc != 6)
		return 0;
	seed = strtoul(argv[3], NULL, 10);
	count = (unsigned)strtoul(argv[4], NULL, 10);
	who = argv[5];
	while (done < count) {
		if (below(2)) {
			add(NULL);
			done++;
		} else {
			done += session(1 + below(SESSION_MOST));
		}
	}
	return fflush(stdout) ? 1 : 0;
}
