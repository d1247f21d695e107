#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>
#include "os/clock.h"

static char root[] = "/tmp/file_test.XXXXXX";
static int dir;

static int setup(void **state)
{
	(void)state;
	dir = mkdtemp(root) ? open(root, O_RDONLY | O_DIRECTORY) : -1;
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	char line[100];
	pid_t pid;

	(void)state;
	close(dir);
	snprintf(line, sizeof(line), "%s", root);
	pid = fork();
	if (pid == 0) {
		execlp("rm", "rm", "-rf", line, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* Names in folder, without . and .. */
static int count(const char *folder)
{
	DIR *d = fdopendir(openat(dir, folder, O_RDONLY | O_DIRECTORY));
	int n = -2;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(dir, path, &st, 0), 0);
	return st.st_mode & 07777;
}

static void assert_content(const char *path, struct span want)
{
	struct str s;
	struct err err;

	str_init(&s, 1 << 20);
	assert_int_equal(file_read(dir, path, &s, &err), 0);
	assert_true(span_eq(str_span(&s), want));
	str_free(&s);
}

static void replace(const char *path, mode_t mode, struct span data)
{
	struct err err;

	if (file_replace(dir, path, mode, data, &err) < 0)
		fail_msg("%s", err.text);
}

static void replaces(void **state)
{
	mode_t old = umask(077);

	(void)state;
	assert_int_equal(mkdirat(dir, "a", 0700), 0);
	replace("a/x", 0644, SPAN("one\0two"));
	assert_content("a/x", SPAN("one\0two"));
	assert_int_equal(mode_of("a/x"), 0644);
	umask(0);
	replace("a/x", 0600, SPAN(""));
	assert_content("a/x", SPAN(""));
	assert_int_equal(mode_of("a/x"), 0600);
	assert_int_equal(count("a"), 1);
	replace("top", 0640, SPAN("x"));
	assert_content("top", SPAN("x"));
	umask(old);
}

/* The old file stays as it is, and no temporary one stays. */
static void failed_replace(void **state)
{
	struct err err;
	char name[300];

	(void)state;
	assert_int_equal(mkdirat(dir, "b", 0700), 0);
	assert_int_equal(mkdirat(dir, "b/folder", 0700), 0);
	assert_int_equal(file_replace(dir, "b/folder", 0600, SPAN("x"), &err),
			-1);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_memory_equal(err.text, "b/folder: ", 10);
	assert_int_equal(count("b"), 1);
	assert_int_equal(file_replace(dir, "none/x", 0600, SPAN("x"), &err),
			-1);
	memset(name, 'n', sizeof(name));
	name[250] = '\0';	/* a good name, but the temporary is longer */
	assert_int_equal(file_replace(dir, name, 0600, SPAN("x"), &err), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void disk_full_replace(void **state)
{
	struct rlimit old, small = { 100, RLIM_INFINITY };
	char data[1000] = { 0 };
	struct err err;
	int rc;

	(void)state;
	assert_int_equal(mkdirat(dir, "c", 0700), 0);
	replace("c/x", 0600, SPAN("old"));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	setrlimit(RLIMIT_FSIZE, &small);
	rc = file_replace(dir, "c/x", 0600, span_make(data, sizeof(data)),
			&err);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rc, -1);
	assert_content("c/x", SPAN("old"));
	assert_int_equal(count("c"), 1);
}

static void reads(void **state)
{
	struct str s;
	struct err err;
	char *big = malloc(10000);

	(void)state;
	assert_non_null(big);
	memset(big, 'y', 10000);
	replace("big", 0600, span_make(big, 10000));
	assert_content("big", span_make(big, 10000));
	str_init(&s, 10004);
	str_adds(&s, "keep");
	assert_int_equal(file_read(dir, "big", &s, &err), 0);
	assert_int_equal(s.n, 10004);
	assert_memory_equal(s.p, "keepyyy", 7);
	str_free(&s);
	str_init(&s, 9999);
	assert_int_equal(file_read(dir, "big", &s, &err), -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_string_equal(err.text, "big: too big");
	str_free(&s);
	errno = 0;
	assert_int_equal(file_read(dir, "nothing", &s, &err), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "nothing: No such file or directory");
	assert_int_equal(file_read(dir, ".", &s, &err), -1);
	str_free(&s);
	free(big);
}

static void makes_folders(void **state)
{
	mode_t old = umask(027);
	struct err err;
	char name[5000];

	(void)state;
	assert_int_equal(file_mkdirs(dir, "d/e//f/", 0755, &err), 0);
	assert_int_equal(mode_of("d"), 0755);
	assert_int_equal(mode_of("d/e/f"), 0755);
	assert_int_equal(file_mkdirs(dir, "d/e/g", 0700, &err), 0);
	assert_int_equal(mode_of("d/e"), 0755);
	assert_int_equal(mode_of("d/e/g"), 0700);
	assert_int_equal(file_mkdirs(dir, "d", 0700, &err), 0);
	assert_int_equal(mode_of("d"), 0755);
	snprintf(name, sizeof(name), "%s/h/i", root);
	assert_int_equal(file_mkdirs(AT_FDCWD, name, 0711, &err), 0);
	assert_int_equal(mode_of("h/i"), 0711);
	assert_int_equal(file_mkdirs(dir, "/", 0700, &err), 0);
	replace("d/file", 0600, SPAN(""));
	assert_int_equal(file_mkdirs(dir, "d/file", 0700, &err), -1);
	assert_string_equal(err.text, "d/file: Not a directory");
	assert_int_equal(file_mkdirs(dir, "d/file/x", 0700, &err), -1);
	/* a link to a folder is one */
	assert_int_equal(symlinkat("d", dir, "link"), 0);
	assert_int_equal(file_mkdirs(dir, "link/new", 0700, &err), 0);
	assert_int_equal(mode_of("d/new"), 0700);
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_mkdirs(dir, name, 0700, &err), -1);
	umask(old);
}

static int new_file(const char *name, int flags)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_TRUNC | flags, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* A folder of ours alone below one that is everybody's, whoever comes first. */
static void makes_the_last_folder(void **state)
{
	char path[5000];
	struct err err;

	(void)state;
	snprintf(path, sizeof(path), "%s/state/spool/", root);
	assert_int_equal(file_mkdir_last(path, 0700, &err), 0);
	assert_int_equal(mode_of("state/spool"), 0700);
	assert_int_equal(mode_of("state"), 0755);
}

static void copies(void **state)
{
	static const int flags[] = { 0, O_APPEND };
	char data[20000];
	int from = new_file("from", 0);

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 31 + i / 256);
	assert_int_equal(file_write(from, data, sizeof(data)), 0);
	/* copy_file_range and sendfile both refuse O_APPEND */
	for (int i = 0; i < 2; i++) {
		int to = new_file("to", flags[i]);

		assert_int_equal(file_write(to, "head", 4), 0);
		assert_int_equal(file_copy(from, 0, 0, to), 0);
		assert_int_equal(file_copy(from, 5, 12000, to), 0);
		assert_int_equal(file_copy(from, 19999, 1, to), 0);
		assert_int_equal(file_write(to, "tail", 4), 0);
		close(to);
		{
			struct str want;

			str_init(&want, 20000);
			str_adds(&want, "head");
			str_add(&want, span_make(data + 5, 12000));
			str_addc(&want, data[19999]);
			str_adds(&want, "tail");
			assert_content("to", str_span(&want));
			str_free(&want);
		}
	}
	close(from);
}

static void copies_to_a_socket(void **state)
{
	int from = new_file("from", 0), pair[2];
	char got[8];

	(void)state;
	assert_int_equal(file_write(from, "0123456789", 10), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(file_copy(from, 2, 5, pair[0]), 0);
	close(pair[0]);
	assert_int_equal(read(pair[1], got, sizeof(got)), 5);
	assert_memory_equal(got, "23456", 5);
	close(pair[1]);
	close(from);
}

static void copy_fails(void **state)
{
	int from = new_file("from", 0), to = new_file("to", 0);

	(void)state;
	assert_int_equal(file_write(from, "abc", 3), 0);
	errno = 0;
	assert_int_equal(file_copy(from, 0, 4, to), -1);
	assert_int_equal(errno, EIO);
	close(to);
	errno = 0;
	assert_int_equal(file_copy(from, 0, 3, to), -1);
	assert_int_equal(errno, EBADF);
	to = openat(dir, "to", O_RDONLY);
	assert_int_equal(file_copy(from, 0, 3, to), -1);
	close(to);
	to = open("/dev/full", O_WRONLY);
	errno = 0;
	assert_int_equal(file_copy(from, 0, 3, to), -1);
	assert_int_equal(errno, ENOSPC);
	close(to);
	close(from);
}

static void reads_at(void **state)
{
	int fd = new_file("x", 0);
	char got[10];

	(void)state;
	assert_int_equal(file_write(fd, "0123456789", 10), 0);
	assert_int_equal(file_write(fd, NULL, 0), 0);
	assert_int_equal(file_pread(fd, got, 10, 0), 10);
	assert_int_equal(file_pread(fd, got, 10, 7), 3);
	assert_memory_equal(got, "789", 3);
	assert_int_equal(file_pread(fd, got, 10, 10), 0);
	assert_int_equal(file_pread(fd, got, 0, 0), 0);
	/* past 4 GB; a sparse file costs nothing */
	assert_int_equal(ftruncate(fd, (off_t)5 << 30), 0);
	assert_int_equal(file_pread(fd, got, 10, ((int64_t)5 << 30) - 4), 4);
	close(fd);
	errno = 0;
	assert_int_equal(file_pread(fd, got, 1, 0), -1);
	assert_int_equal(errno, EBADF);
}

/* What a pipe takes in pieces arrives whole. */
static void short_writes(void **state)
{
	size_t n = 300000, sum = 0;
	char *data = calloc(1, n);
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_non_null(data);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		_exit(file_write(ends[1], data, n) == 0 ? 0 : 1);
	close(ends[1]);
	while (true) {
		ssize_t got = read(ends[0], data, 1000);

		if (got <= 0)
			break;
		sum += (size_t)got;
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(sum, n);
	close(ends[0]);
	free(data);
	errno = 0;
	assert_int_equal(file_write(-1, "x", 1), -1);
	assert_int_equal(errno, EBADF);
}

static void free_space(void **state)
{
	(void)state;
	assert_true(file_free_space(dir) > 0);
	errno = 0;
	assert_int_equal(file_free_space(-1), -1);
	assert_int_equal(errno, EBADF);
}

/* A second open file of the same process is as good as another program. */
static void locks(void **state)
{
	int one = new_file("lock", 0), two, ro;
	int64_t start;

	(void)state;
	two = openat(dir, "lock", O_RDWR);
	assert_int_equal(file_lock(one, 0), 0);
	assert_int_equal(file_lock(one, 0), 0);
	start = clock_ms();
	errno = 0;
	assert_int_equal(file_lock(two, 100), -1);
	assert_int_equal(errno, EAGAIN);
	assert_in_range(clock_ms() - start, 100, 2000);
	close(one);
	assert_int_equal(file_lock(two, 0), 0);
	ro = openat(dir, "lock", O_RDONLY);
	errno = 0;
	assert_int_equal(file_lock(ro, 1000), -1);
	assert_int_equal(errno, EBADF);
	close(ro);
	close(two);
}

/* Other programs' fcntl locks, which mailx or an MTA takes on an mbox. */
static void locks_classic(void **state)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = new_file("lock", 0), status;
	pid_t pid;

	(void)state;
	assert_int_equal(file_lock(fd, 0), 0);
	pid = fork();
	if (pid == 0) {
		int mine = openat(dir, "lock", O_RDWR);

		_exit(fcntl(mine, F_SETLK, &all) < 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	/* and the other way, with a wait that is worth it */
	pid = fork();
	if (pid == 0) {
		int mine = openat(dir, "lock", O_RDWR);

		if (fcntl(mine, F_SETLK, &all) < 0)
			_exit(1);
		usleep(300000);
		_exit(0);
	}
	usleep(100000);
	fd = openat(dir, "lock", O_RDWR);
	assert_int_equal(file_lock(fd, 0), -1);
	assert_int_equal(file_lock(fd, 5000), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces),
		cmocka_unit_test(failed_replace),
		cmocka_unit_test(disk_full_replace),
		cmocka_unit_test(reads),
		cmocka_unit_test(makes_folders),
		cmocka_unit_test(makes_the_last_folder),
		cmocka_unit_test(copies),
		cmocka_unit_test(copies_to_a_socket),
		cmocka_unit_test(copy_fails),
		cmocka_unit_test(reads_at),
		cmocka_unit_test(short_writes),
		cmocka_unit_test(free_space),
		cmocka_unit_test(locks),
		cmocka_unit_test(locks_classic),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
