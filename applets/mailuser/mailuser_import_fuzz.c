/*
 * Any bytes as a file to import: the first octet says which format. It is taken
 * whole or not at all, and what was taken can be exported and imported again.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "mailuser/mailuser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf_word domain = { NULL, "a.com" };
static struct conf conf = { .hostname = "mail.a.com", .domains = &domain,
	.scram_rounds = 1, .user_auth = "root" };
static char folder[] = "/dev/shm/import_fuzz.XXXXXX";

static void remove_all(void)
{
	static const char *const names[] = { USER_FILE, USER_FILE "-journal",
		USER_DOMAINS, USER_ALIASES };
	char path[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
}

static void at_exit(void)
{
	remove_all();
	rmdir(folder);
}

/* An empty users.db, kept: to make one takes longest of all. */
static char empty[256 * 1024];
static ssize_t empty_size;

static void open_place(struct mailuser *m)
{
	struct user_db *db;
	int fd;

	if (!mkdtemp(folder))
		abort();
	conf.state_dir = folder;
	atexit(at_exit);
	stderr = fopen("/dev/null", "w");
	snprintf(m->file, sizeof(m->file), "%s/" USER_FILE, folder);
	db = user_open(m->file, true, NULL);
	if (!db)
		abort();
	user_close(db);
	fd = open(m->file, O_RDONLY);
	empty_size = read(fd, empty, sizeof(empty));
	close(fd);
}

static void begin(struct mailuser *m)
{
	int fd;

	*m = (struct mailuser){ .conf = &conf, .operands = 2 };
	if (!conf.state_dir)
		open_place(m);
	snprintf(m->file, sizeof(m->file), "%s/" USER_FILE, folder);
	remove_all();
	fd = open(m->file, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || write(fd, empty, (size_t)empty_size) != empty_size)
		abort();
	close(fd);
}

static int import(struct mailuser *m, const char *format, const void *p,
		size_t n)
{
	int fd = memfd_create("import", MFD_CLOEXEC), status;
	char path[40];

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m->operand[1] = path;
	m->format = format;
	status = mailuser_import(m);
	close(fd);
	return status;
}

/* Free it. */
static char *export(struct mailuser *m, size_t *n)
{
	FILE *before = stdout;
	char *text = NULL;

	m->format = "csv";
	stdout = open_memstream(&text, n);
	if (!stdout || mailuser_export(m) != EX_OK)
		abort();
	fclose(stdout);
	stdout = before;
	return text;
}

static bool see(void *arg, const struct user *u)
{
	if (!user_address_valid(span_of(u->address)) ||
			strstr(u->mailbox, ".."))
		abort();
	++*(unsigned *)arg;
	return true;
}

static unsigned count(const struct mailuser *m)
{
	struct user_db *db = user_open(m->file, false, NULL);
	unsigned n = 0;

	if (!db || user_each(db, see, &n, NULL) < 0)
		abort();
	user_close(db);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const formats[] = { "csv", "dovecot", "postfix" };
	struct mailuser m;
	size_t n, again;
	char *text, *same;
	int status;

	if (!size || !CFG_MAILUSER_IMPORT)
		return 0;
	begin(&m);
	status = import(&m, formats[data[0] % 3], data + 1, size - 1);
	if (status != EX_OK && (status != EX_DATAERR || count(&m)))
		abort();
	if (status != EX_OK)
		return 0;
	count(&m);
	text = export(&m, &n);
	begin(&m);
	if (import(&m, "csv", text, n) != EX_OK)
		abort();
	same = export(&m, &again);
	if (n != again || memcmp(text, same, n) != 0)
		abort();
	free(text);
	free(same);
	return 0;
}
