/* Needs the real file system: a folder below TMPDIR (or /tmp). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/loop.h"
#include "os/log.h"
#include "store/spool.h"
#include "store/spool_record.h"

struct place {
	char dir[64];
	struct conf conf;
	struct loop *loop;
	struct spool *spool;
	int done, good;
	char last[SPOOL_ID_SIZE];
	struct err err;
};

static void on_done(void *arg, const char *id, const struct err *err)
{
	struct place *p = arg;

	p->done++;
	p->good += err == NULL;
	strcpy(p->last, id);
	if (err)
		p->err = *err;
}

static void place_open(struct place *p, bool with_loop, bool files)
{
	struct err err;

	if (!p->dir[0]) {
		strcpy(p->dir, "/tmp/spool_test.XXXXXX");
		assert_non_null(mkdtemp(p->dir));
	}
	p->conf.spool_dir = p->dir;
	p->conf.spool_sync_files = files;
	p->conf.max_queue = 100000;
	p->conf.max_message_size = 50 << 20;
	p->loop = with_loop ? loop_new(&err) : NULL;
	p->spool = spool_open(&p->conf, p->loop, &err);
	assert_non_null(p->spool);
}

static void place_close(struct place *p)
{
	spool_close(p->spool);
	loop_free(p->loop);
	p->loop = NULL;
}

static void remove_tree(const char *dir)
{
	char command[] = "-rf";
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", command, dir, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void until_done(struct place *p, int n)
{
	for (int i = 0; i < 500 && p->done < n; i++)
		loop_turn(p->loop, 20);
	assert_int_equal(p->done, n);
}

static struct spool_rcpt rcpts[] = {
	{ "bob@b.com", SPOOL_WAITING, "NOTIFY=NEVER" },
	{ "\"a b\\\"\"@b.com", SPOOL_WAITING, NULL },
	{ "\\x0a w \xc3\xa9@b.com", SPOOL_WAITING, "ORCPT=rfc822;x+20y@b" }
};

static struct spool_draft *begin(struct place *p, const char *sender)
{
	struct spool_envelope e = { .sender = sender, .nrcpt = 3,
		.origin = "uid 0", .rcpt = rcpts, .eight_bit = true,
		.utf8 = true, .dsn = "RET=FULL ENVID=a+2Bb" };
	struct err err;
	struct spool_draft *d = spool_begin(p->spool, &e, &err);

	assert_non_null(d);
	assert_string_equal(e.id, spool_draft_id(d));
	return d;
}

/* A message of n octets that are no constant. */
static void fill(struct spool_draft *d, size_t n, size_t step)
{
	char piece[30000];
	struct err err;

	for (size_t at = 0; at < n; at += step) {
		size_t m = n - at < step ? n - at : step;

		for (size_t i = 0; i < m; i++)
			piece[i] = (char)((at + i) * 31 >> 3);
		assert_int_equal(spool_write(d, span_make(piece, m), &err), 0);
		/* for which zlib would begin anew */
		assert_int_equal(spool_write(d, span_make(NULL, 0), &err), 0);
	}
}

static void put(struct place *p, size_t n)
{
	struct spool_draft *d = begin(p, "alice@a.com");
	int before = p->done;

	fill(d, n, 1000);
	spool_commit(d, on_done, p);
	if (p->loop)
		until_done(p, before + 1);
	assert_int_equal(p->done, before + 1);
}

static struct spool_envelope *load(struct place *p, struct arena *a)
{
	struct spool_envelope *e;
	struct err err;

	assert_int_equal(spool_load(p->spool, p->last, a, &e, &err), 0);
	return e;
}

static void test_there_and_back(void **state)
{
	struct place p = { 0 };
	struct arena *a = arena_new(65536);
	struct spool_envelope *e;
	char buffer[50];
	int64_t start;
	struct err err;
	int fd;

	(void)state;
	place_open(&p, false, false);
	put(&p, 100000);
	assert_int_equal(p.good, 1);
	e = load(&p, a);
	assert_string_equal(e->id, p.last);
	assert_string_equal(e->sender, "alice@a.com");
	assert_string_equal(e->origin, "uid 0");
	assert_true(e->eight_bit);
	assert_true(e->utf8);
	assert_string_equal(e->dsn, "RET=FULL ENVID=a+2Bb");
	assert_string_equal(e->rcpt[0].dsn, "NOTIFY=NEVER");
	assert_null(e->rcpt[1].dsn);
	assert_string_equal(e->rcpt[2].dsn, "ORCPT=rfc822;x+20y@b");
	assert_false(e->warned);
	assert_int_equal(e->size, 100000);
	assert_int_equal(e->nrcpt, 3);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(e->rcpt[i].address, rcpts[i].address);
		assert_int_equal(e->rcpt[i].state, SPOOL_WAITING);
	}
	assert_int_equal(spool_check(p.spool, e, &err), 0);
	fd = spool_body(p.spool, e, &start, &err);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, buffer, 50, start + 5000), 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(buffer[i], (char)((5000 + i) * 31 >> 3));
	close(fd);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(spool_load(p.spool, p.last, a, &e, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

static void test_marks(void **state)
{
	struct place p = { 0 };
	struct arena *a = arena_new(65536);
	struct spool_envelope *e;
	struct err err;

	(void)state;
	place_open(&p, false, false);
	put(&p, 10);
	e = load(&p, a);
	assert_int_equal(spool_mark(p.spool, e, 0, SPOOL_DELIVERED, &err), 0);
	assert_int_equal(spool_mark(p.spool, e, 1, SPOOL_DONE, &err), 0);
	assert_int_equal(spool_mark(p.spool, e, 2, SPOOL_FAILED, &err), 0);
	assert_int_equal(spool_mark(p.spool, e, 3, SPOOL_FAILED, &err), -1);
	e->attempts = 4294967295u;
	e->next_try = INT64_MAX;
	e->warned = true;
	assert_int_equal(spool_defer(p.spool, e, &err), 0);
	e = load(&p, a);
	assert_true(e->warned);
	assert_int_equal(e->rcpt[0].state, SPOOL_DELIVERED);
	assert_int_equal(e->rcpt[1].state, SPOOL_DONE);
	assert_int_equal(e->rcpt[2].state, SPOOL_FAILED);
	assert_true(e->attempts == 4294967295u);
	/* the file has 12 digits of it: some 30,000 years */
	assert_true(e->next_try == 999999999999);
	assert_int_equal(spool_check(p.spool, e, &err), 0);
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

static void test_bad_ids(void **state)
{
	static const char *const bad[] = { "", "../x", "a/b", ".", "lock\n",
		"0123456789012345678901234567890" };
	struct place p = { 0 };
	struct arena *a = arena_new(65536);
	struct spool_envelope *e;
	struct err err;

	(void)state;
	place_open(&p, false, false);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(spool_load(p.spool, bad[i], a, &e, &err), -1);
		assert_int_equal(err.kind, ERR_PERM);
		assert_int_equal(spool_remove(p.spool, bad[i], &err), -1);
	}
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

static void path_of(char out[128], struct place *p, const char *folder)
{
	snprintf(out, 128, "%s/%s/%s", p->dir, folder, p->last);
}

static int files_in(struct place *p, const char *folder)
{
	char command[200];
	FILE *f;
	int n = -1;

	snprintf(command, sizeof(command), "ls %s/%s | wc -l", p->dir, folder);
	f = popen(command, "r");
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

/* A file cut anywhere, as a power cut may leave it, is seen and put aside. */
static void test_cut_files(void **state)
{
	struct place p = { 0 };
	struct arena *a = arena_new(1 << 20);
	struct spool_envelope *e;
	char path[128];
	struct stat st;
	struct err err;
	int damaged = 0;

	(void)state;
	place_open(&p, false, false);
	for (off_t cut = 0; ; cut += 7) {
		put(&p, 30);
		path_of(path, &p, "msg");
		assert_int_equal(stat(path, &st), 0);
		if (cut >= st.st_size)
			break;
		assert_int_equal(truncate(path, cut), 0);
		assert_int_equal(spool_load(p.spool, p.last, a, &e, &err), -1);
		assert_int_equal(err.kind, ERR_PERM);
		damaged++;
		assert_int_equal(stat(path, &st), -1);
	}
	assert_true(damaged > 30);
	assert_int_equal(files_in(&p, "damaged"), damaged);
	assert_int_equal(files_in(&p, "msg"), 1);
	assert_int_equal(files_in(&p, "tmp"), 0);
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

/* One bit wrong, anywhere: load or check finds it. */
static void test_damaged_bytes(void **state)
{
	struct place p = { 0 };
	struct arena *a = arena_new(16 << 20);
	struct spool_envelope *e;
	char path[128], c;
	struct stat st;
	struct err err;
	int unseen = 0;

	(void)state;
	place_open(&p, false, false);
	for (off_t at = 0; ; at++) {
		int fd;

		put(&p, 20);
		path_of(path, &p, "msg");
		fd = open(path, O_RDWR);
		assert_int_equal(fstat(fd, &st), 0);
		if (at >= st.st_size) {
			close(fd);
			break;
		}
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 4;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		close(fd);
		if (spool_load(p.spool, p.last, a, &e, &err) < 0
				|| spool_check(p.spool, e, &err) < 0)
			assert_int_equal(err.kind, ERR_PERM);
		else
			unseen++;
		arena_reset(a);
	}
	assert_int_equal(unseen, 0);
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

static void test_group(void **state)
{
	struct place p = { 0 };
	struct spool_draft *d[50];
	struct stat st;
	char path[128];

	(void)state;
	place_open(&p, true, *(bool *)*state);
	for (int i = 0; i < 50; i++) {
		d[i] = begin(&p, "");
		fill(d[i], 10240, 4096);
	}
	for (int i = 0; i < 50; i++)
		spool_commit(d[i], on_done, &p);
	assert_int_equal(p.done, 0);
	until_done(&p, 50);
	assert_int_equal(p.good, 50);
	assert_int_equal(spool_flushes(p.spool), *(bool *)*state ? 51 : 1);
	path_of(path, &p, "msg");
	assert_int_equal(stat(path, &st), 0);
	put(&p, 100);
	assert_int_equal(spool_flushes(p.spool), *(bool *)*state ? 53 : 2);
	place_close(&p);
	remove_tree(p.dir);
}

/* What comes while a flush is under way is the next group; kill -9 of the
 * helper in between loses nothing. */
static void test_helper_killed(void **state)
{
	struct place p = { 0 };
	char command[64];
	struct spool_draft *d;
	long child = 0;
	FILE *f;

	(void)state;
	place_open(&p, true, false);
	put(&p, 100);
	for (int round = 1; round < 4; round++) {
		snprintf(command, sizeof(command), "pgrep -P %ld | head -1",
				(long)getpid());
		f = popen(command, "r");
		assert_int_equal(fscanf(f, "%ld", &child), 1);
		pclose(f);
		d = begin(&p, "a@b");
		fill(d, 10, 10);
		kill((pid_t)child, SIGKILL);
		if (round == 2)		/* the death is seen before */
			loop_turn(p.loop, 100);
		spool_commit(d, on_done, &p);
		until_done(&p, round + 1);
		assert_int_equal(p.good, round + 1);
	}
	place_close(&p);
	remove_tree(p.dir);
}

static void test_forget(void **state)
{
	struct place p = { 0 };
	struct spool_draft *d;
	int other = 0;

	(void)state;
	place_open(&p, true, false);
	d = begin(&p, "a@b");
	spool_commit(d, on_done, &other);
	spool_forget(p.spool, &other);
	put(&p, 1);
	assert_int_equal(files_in(&p, "msg"), 2);
	/* closing with a commit under way frees all */
	d = begin(&p, "a@b");
	spool_commit(d, on_done, &p);
	place_close(&p);
	assert_int_equal(p.done, 1);
	remove_tree(p.dir);
}

static void test_limits(void **state)
{
	struct place p = { 0 };
	struct spool_draft *d;
	char big[2000] = "";
	struct err err;

	(void)state;
	place_open(&p, true, false);
	p.conf.max_message_size = 1000;
	d = begin(&p, "a@b");
	assert_int_equal(spool_write(d, span_make(big, 1000), &err), 0);
	assert_int_equal(spool_write(d, span_make(big, 1), &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_int_equal(spool_write(d, span_make(big, 1), &err), -1);
	assert_int_equal(files_in(&p, "tmp"), 0);
	spool_commit(d, on_done, &p);
	assert_int_equal(p.done, 0);
	until_done(&p, 1);
	assert_int_equal(p.good, 0);
	assert_int_equal(p.err.kind, ERR_PERM);
	assert_int_equal(files_in(&p, "msg"), 0);

	p.conf.max_queue = 2;
	assert_int_equal(spool_room(p.spool, 0, &err), 0);
	put(&p, 1);
	put(&p, 1);
	assert_int_equal(spool_room(p.spool, 0, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	usleep(1100000);	/* the folder is looked at again after 1 s */
	assert_int_equal(spool_room(p.spool, 0, &err), 0);

	p.conf.min_free_space = (uint64_t)1 << 60;
	assert_int_equal(spool_room(p.spool, 0, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	p.conf.min_free_space = 0;
	assert_int_equal(spool_room(p.spool, (uint64_t)1 << 60, &err), -1);
	place_close(&p);
	remove_tree(p.dir);
}

static void count_id(void *arg, const char *id)
{
	int *n = arg;

	assert_true(strlen(id) < SPOOL_ID_SIZE);
	++*n;
}

static void test_own_and_scan(void **state)
{
	struct place p = { 0 };
	struct err err;
	int n = 0, status;
	pid_t pid;

	(void)state;
	place_open(&p, false, false);
	for (int i = 0; i < 20; i++)
		put(&p, 5);
	assert_int_equal(spool_scan(p.spool, count_id, &n, &err), 0);
	assert_int_equal(n, 20);
	assert_int_equal(spool_own(p.spool, &err), 0);
	pid = fork();
	if (pid == 0) {
		struct spool *other = spool_open(&p.conf, NULL, &err);
		int rc = spool_own(other, &err);

		/* exec: a checker has nothing to say about this process */
		execl(rc == -1 && err.kind == ERR_TEMP ? "/bin/true"
				: "/bin/false", "x", (char *)NULL);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	place_close(&p);
	remove_tree(p.dir);
}

static int count(const char *text, ssize_t n, char c)
{
	int found = 0;

	for (ssize_t i = 0; i < n; i++)
		found += text[i] == c;
	return found;
}

static void test_notify(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct place p = { 0 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), got = 0;
	char ids[SPOOL_TOLD_MOST + 1];
	int many = 1000;	/* more than any queue of datagrams holds */
	ssize_t n;

	(void)state;
	place_open(&p, true, false);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/q", p.dir);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	spool_notify(p.spool, addr.sun_path);
	assert_int_equal(recv(fd, ids, sizeof(ids), 0), 1);
	assert_memory_equal(ids, SPOOL_LOOK, 1);
	put(&p, 5);
	loop_turn(p.loop, 0);
	assert_int_equal(recv(fd, ids, sizeof(ids), 0), strlen(p.last) + 1);
	assert_memory_equal(ids, p.last, strlen(p.last));
	assert_int_equal(ids[strlen(p.last)], ' ');
	for (int i = 0; i < many; i++)
		spool_commit(begin(&p, "x@y"), on_done, &p);
	until_done(&p, many + 1);
	for (int i = 0; i < 200 && got < many; i++) {
		while ((n = recv(fd, ids, sizeof(ids), 0)) > 0)
			got += count(ids, n, ' ');
		loop_turn(p.loop, 50);
	}
	assert_int_equal(got, many);
	/* more than is kept: then queue shall look itself, after all that fit */
	for (int i = 0; i < 2500; i++)
		spool_commit(begin(&p, "x@y"), on_done, &p);
	until_done(&p, many + 2501);
	for (got = 0; got < 200 && *ids != *SPOOL_LOOK; got++) {
		while ((n = recv(fd, ids, sizeof(ids) - 1, 0)) > 0)
			ids[n] = '\0';
		loop_turn(p.loop, 50);
	}
	assert_string_equal(ids, SPOOL_LOOK);
	close(fd);
	put(&p, 5);	/* nobody listens: no harm */
	place_close(&p);
	remove_tree(p.dir);
}

/* A full disk, for real: a small tmpfs. As root only. */
static void test_disk_full(void **state)
{
	struct place p = { 0 };
	struct spool_draft *d;
	char big[8192] = "";
	struct err err;
	int n = 0;

	(void)state;
	strcpy(p.dir, "/tmp/spool_test.XXXXXX");
	assert_non_null(mkdtemp(p.dir));
	if (mount("none", p.dir, "tmpfs", 0, "size=1m") < 0) {
		rmdir(p.dir);
		skip();
	}
	place_open(&p, true, false);
	d = begin(&p, "a@b");
	while (spool_write(d, span_make(big, sizeof(big)), &err) == 0)
		assert_in_range(n++, 0, 200);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_int_equal(files_in(&p, "tmp"), 0);
	spool_abort(d);
	/* the file went, so others can write */
	put(&p, 500000);
	assert_int_equal(p.good, 1);
	/* full in the buffer's last part: seen at commit */
	d = begin(&p, "a@b");
	fill(d, 400000, 8192);
	while (spool_write(d, span_make(big, 1000), &err) == 0 && n++ < 10000)
		;
	spool_commit(d, on_done, &p);
	until_done(&p, 2);
	assert_int_equal(p.good, 1);
	assert_int_equal(p.err.kind, ERR_NOMEM);
	assert_int_equal(files_in(&p, "msg"), 1);
	place_close(&p);
	umount2(p.dir, MNT_DETACH);
	remove_tree(p.dir);
}

static void test_sweep(void **state)
{
	struct place p = { 0 };
	char path[128];
	struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

	(void)state;
	place_open(&p, false, false);
	strcpy(p.last, "0abc");
	path_of(path, &p, "tmp");
	close(open(path, O_CREAT | O_WRONLY, 0600));
	place_close(&p);
	place_open(&p, false, false);
	assert_int_equal(files_in(&p, "tmp"), 1);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
	place_close(&p);
	place_open(&p, false, false);
	assert_int_equal(files_in(&p, "tmp"), 0);
	place_close(&p);
	remove_tree(p.dir);
}

static void test_record_refuses(void **state)
{
	struct spool_rcpt one = { "", SPOOL_WAITING, NULL };
	struct spool_envelope e = { .sender = "", .origin = "", .nrcpt = 0,
		.rcpt = &one };
	char longer[RECORD_ADDRESS_MOST + 2];
	struct err err;
	struct str out;
	uint32_t crc;

	(void)state;
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	str_init(&out, RECORD_MOST);
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	e.nrcpt = 1;
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.address = longer;
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.address = "a@b";
	e.sender = longer;
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	assert_int_equal(err.kind, ERR_PERM);
	e.sender = "";
	/* no line can be forged */
	one.address = "x\nw evil@c.com";
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.address = "x\x7f@b.com";
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.address = "a@b";
	e.origin = "user a\rb";
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	e.origin = "";
	e.dsn = "RET=FULL\nx";
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	e.dsn = NULL;
	one.dsn = "NOTIFY=\t";
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.dsn = longer;
	assert_int_equal(record_put(&out, &e, &crc, &err), -1);
	one.dsn = NULL;
	str_clear(&out);
	assert_int_equal(record_put(&out, &e, &crc, &err), 0);
	str_free(&out);
}

/* How the flags of each version are read: 8BITMIME, SMTPUTF8, DSN. */
static void test_record_flags(void **state)
{
	static const struct {
		const char *line;
		bool eight_bit, utf8;
		const char *dsn;
	} rows[] = {
		{ "flags 8\n", true, false, NULL },
		{ "flags -\n", false, false, NULL },
		{ "flags 8 RET=FULL\n", true, false, "RET=FULL" },
		{ "flags 8u\n", true, true, NULL },
		{ "flags -u RET=FULL\n", false, true, "RET=FULL" },
	};
	struct spool_envelope got;
	struct record_head h = { 0 };
	struct arena *a = arena_new(4096);
	char head[RECORD_HEAD_SIZE];
	struct str text;

	(void)state;
	str_init(&text, RECORD_MOST);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		str_clear(&text);
		str_addf(&text, "%47s\ntry %010u %020u\nid 1\ncreated 1\n%s"
				"sender a@b\norigin x\nw c@d\n\n", "", 0, 0,
				rows[i].line);
		h.envelope = (uint32_t)text.n;
		record_head_seal(head, &h, record_lines_crc(str_span(&text)));
		assert_int_equal(record_get(&got, str_span(&text), &h, a, NULL),
				0);
		assert_int_equal(got.eight_bit, rows[i].eight_bit);
		assert_int_equal(got.utf8, rows[i].utf8);
		assert_true(!got.dsn == !rows[i].dsn);
		if (got.dsn)
			assert_string_equal(got.dsn, rows[i].dsn);
	}
	str_free(&text);
	arena_free(a);
}

/* What the admin holds is kept apart from whether the sender was warned. */
static void test_held(void **state)
{
	static const char marks[] = " *!#";
	struct arena *a = arena_new(1 << 20);
	struct spool_envelope *e;
	char line[RECORD_TRY_SIZE];
	struct place p = { 0 };
	struct err err;

	(void)state;
	place_open(&p, false, false);
	put(&p, 10);
	for (unsigned i = 0; i < 4; i++) {
		e = load(&p, a);
		e->warned = i & 1;
		e->held = i & 2;
		record_try(line, e);
		assert_int_equal(line[3], marks[i]);
		assert_int_equal(spool_defer(p.spool, e, &err), 0);
		e = load(&p, a);
		assert_int_equal(e->warned, i & 1);
		assert_int_equal(e->held, i / 2);
	}
	place_close(&p);
	arena_free(a);
	remove_tree(p.dir);
}

/* Files of before RFC 3461 are read, and are written the same still. */
static void test_record_without_dsn(void **state)
{
	struct spool_rcpt two[] = {
		{ "b c@d", SPOOL_WAITING, NULL }, { "e@f", SPOOL_RELAYED, NULL }
	};
	struct spool_envelope e = { .id = "1k10", .created = 17, .sender = "",
		.origin = "uid 0", .attempts = 2, .next_try = 30, .nrcpt = 2,
		.rcpt = two }, got;
	struct arena *a = arena_new(4096);
	struct record_head h = { 0 };
	char head[RECORD_HEAD_SIZE];
	struct str out;
	uint32_t crc;

	(void)state;
	str_init(&out, RECORD_MOST);
	assert_int_equal(record_put(&out, &e, &crc, NULL), 0);
	assert_memory_equal(out.p + RECORD_HEAD_SIZE, "try 0000000002 1", 16);
	/* nor has it a sum: it is read for all that */
	memcpy(out.p + RECORD_HEAD_SIZE + 15, "00000000", 8);
	assert_string_equal(str_c(&out) + RECORD_HEAD_SIZE,
			"try 0000000002 00000000000000000030\n"
			"id 1k10\ncreated 17\nflags -\nsender \norigin uid 0\n"
			"w b c@d\nR e@f\n\n");
	h.envelope = (uint32_t)out.n;
	record_head_seal(head, &h, crc);
	assert_int_equal(record_get(&got, str_span(&out), &h, a, NULL), 0);
	assert_null(got.dsn);
	assert_int_equal(got.next_try, 30);
	assert_false(got.utf8);
	assert_null(got.rcpt[0].dsn);
	assert_string_equal(got.rcpt[0].address, "b c@d");
	assert_int_equal(got.rcpt[1].state, SPOOL_RELAYED);
	str_free(&out);
	arena_free(a);
}

static int count_in(const struct place *p, const char *folder)
{
	char path[128];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", p->dir, folder);
	d = opendir(path);
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void check_content(struct place *p, size_t n)
{
	struct arena *a = arena_new(65536);
	struct spool_envelope *e = load(p, a);
	char octet;
	int64_t start;
	struct err err;
	int fd;

	assert_int_equal(e->size, n);
	assert_int_equal(spool_check(p->spool, e, &err), 0);
	fd = spool_body(p->spool, e, &start, &err);
	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pread(fd, &octet, 1, start + (off_t)i), 1);
		assert_int_equal(octet, (char)(i % 1000 * 31 >> 3));
	}
	close(fd);
	arena_free(a);
}

/* A new message, written over that of the last one, of which some is left. */
static void test_spare(void **state)
{
	struct place p = { 0 };
	struct stat st;
	char path[128];
	struct err err;
	ino_t file;

	(void)state;
	place_open(&p, true, false);
	assert_int_equal(spool_own(p.spool, &err), 0);
	put(&p, 9000);
	snprintf(path, sizeof(path), "%s/msg/%s", p.dir, p.last);
	assert_int_equal(stat(path, &st), 0);
	file = st.st_ino;
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(count_in(&p, "msg"), 0);
	assert_int_equal(count_in(&p, "spare"), 1);
	put(&p, 500);
	assert_int_equal(count_in(&p, "spare"), 0);
	snprintf(path, sizeof(path), "%s/msg/%s", p.dir, p.last);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_ino, file);
	assert_true(st.st_size > 9000);
	check_content(&p, 500);
	/* one that is large, or has another name, is not used again */
	snprintf(path + strlen(p.dir), 60, "/tmp/twin");
	put(&p, 20000);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	put(&p, 9000);
	{
		char name[128];

		snprintf(name, sizeof(name), "%s/msg/%s", p.dir, p.last);
		assert_int_equal(link(name, path), 0);
	}
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(count_in(&p, "spare"), 0);
	put(&p, 9000);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(count_in(&p, "spare"), 1);
	/* what nobody wants goes, */
	for (int i = 0; i < 500 && count_in(&p, "spare"); i++)
		loop_turn(p.loop, 10);
	assert_int_equal(count_in(&p, "spare"), 0);
	put(&p, 9000);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(count_in(&p, "spare"), 1);
	place_close(&p);
	/* and what an earlier queue has left */
	place_open(&p, true, false);
	assert_int_equal(spool_own(p.spool, &err), 0);
	assert_int_equal(count_in(&p, "spare"), 0);
	place_close(&p);
	/* file by file there are none */
	place_open(&p, true, true);
	assert_int_equal(spool_own(p.spool, &err), 0);
	put(&p, 9000);
	assert_int_equal(spool_remove(p.spool, p.last, &err), 0);
	assert_int_equal(count_in(&p, "spare"), 0);
	place_close(&p);
	remove_tree(p.dir);
}

/* Puts come in a heap and takes one by one: each finds the other again. */
static void test_spares_go_round(void **state)
{
	struct place p = { 0 };
	char ids[40][SPOOL_ID_SIZE];
	struct err err;

	(void)state;
	place_open(&p, true, false);
	assert_int_equal(spool_own(p.spool, &err), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 40; i++) {
			put(&p, 100);
			strcpy(ids[i], p.last);
		}
		for (int i = 0; i < 40; i++)
			assert_int_equal(spool_remove(p.spool, ids[i], &err),
					0);
	}
	assert_int_equal(count_in(&p, "spare"), 40);
	place_close(&p);
	/* one who comes later has to look, and then has them all */
	place_open(&p, true, false);
	for (int i = 0; i < 40; i++)
		put(&p, 100);
	assert_int_equal(count_in(&p, "spare"), 0);
	place_close(&p);
	remove_tree(p.dir);
}

int main(void)
{
	static bool by_file = true, by_system;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_bad_ids),
		cmocka_unit_test(test_cut_files),
		cmocka_unit_test(test_damaged_bytes),
		cmocka_unit_test_prestate(test_group, &by_system),
		cmocka_unit_test_prestate(test_group, &by_file),
		cmocka_unit_test(test_helper_killed),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_own_and_scan),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_record_refuses),
		cmocka_unit_test(test_record_without_dsn),
		cmocka_unit_test(test_record_flags),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_spare),
		cmocka_unit_test(test_spares_go_round),
	};

	log_open("spool_test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
