#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/span.h"
#include "base/str.h"
#include "os/file.h"

#define FIRST_FD 3		/* sd_listen_fds(3): SD_LISTEN_FDS_START */
#define FDS_MOST 64
#define NAMES_SIZE 1024

static unsigned long env_number(const char *name, unsigned long max)
{
	unsigned long value;

	if (!span_number(span_of(getenv(name)), max, &value))
		return 0;
	return value;
}

/* How many descriptors are meant for us. */
static int listen_count(void)
{
	if (env_number("LISTEN_PID", INT_MAX) != (unsigned long)getpid())
		return 0;
	return (int)env_number("LISTEN_FDS", FDS_MOST);
}

/*
 * The i-th of the colon-separated names. The copy has the same bytes at each
 * call, so names given earlier stay what they were.
 */
static const char *listen_name(int i)
{
	static char names[NAMES_SIZE];
	struct span all = span_of(getenv("LISTEN_FDNAMES"));
	char *name = names;

	if (str_copy(names, sizeof(names), all) < 0)
		return "";
	for (size_t at = 0; at < all.n; at++)
		if (names[at] == ':') {
			names[at] = '\0';
			if (i-- > 0)
				name = names + at + 1;
		}
	return i > 0 ? "" : name;
}

int proc_listen_fd(int i, const char **name)
{
	if (i < 0 || i >= listen_count())
		return -1;
	if (name)
		*name = listen_name(i);
	return FIRST_FD + i;
}

static void listen_unset(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

void proc_listen_done(void)
{
	int n = listen_count();

	for (int i = 0; i < n; i++)
		fcntl(FIRST_FD + i, F_SETFD, FD_CLOEXEC);
	listen_unset();
}

static int listen_set(const struct proc_fd *fds, int nfds)
{
	char names[NAMES_SIZE] = "", number[12];
	int n = 0;

	if (!nfds) {
		listen_unset();
		return 0;
	}
	for (int i = 0; i < nfds; i++) {
		n += snprintf(names + n, sizeof(names) - (size_t)n, "%s%s",
				i ? ":" : "", fds[i].name);
		if (n >= (int)sizeof(names)) {
			errno = ENAMETOOLONG;
			return -1;
		}
	}
	if (setenv("LISTEN_FDNAMES", names, 1) < 0)
		return -1;
	snprintf(number, sizeof(number), "%d", nfds);
	if (setenv("LISTEN_FDS", number, 1) < 0)
		return -1;
	snprintf(number, sizeof(number), "%ld", (long)getpid());
	return setenv("LISTEN_PID", number, 1);
}

/* For kernels before 5.9. The walk goes by number, so closing is no harm. */
static void close_each(int from)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	long most = sysconf(_SC_OPEN_MAX);
	unsigned long fd;

	while (dir && (entry = readdir(dir)) != NULL)
		if (span_number(span_of(entry->d_name), INT_MAX, &fd) &&
				(int)fd >= from && (int)fd != dirfd(dir))
			close((int)fd);
	if (dir)
		closedir(dir);
	else
		for (int i = from; i < most; i++)
			close(i);
}

static void close_from(int from)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned)from, ~0U, 0U) == 0)
		return;
#endif
	close_each(from);
}

int proc_keep_fds(int *fds, int n)
{
	/* Out of the way first: a source may sit on another one's place. */
	for (int i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FIRST_FD + n);
		if (fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < n; i++) {
		if (dup3(fds[i], FIRST_FD + i, O_CLOEXEC) < 0)
			return -1;
		fds[i] = FIRST_FD + i;
	}
	close_from(FIRST_FD + n);
	return 0;
}

/*
 * In the child: fds become 3, 4, ..., *status comes after them, all others
 * are closed.
 */
static int arrange_fds(const struct proc_fd *fds, int nfds, int *status)
{
	int all[FDS_MOST + 1];

	for (int i = 0; i < nfds; i++)
		all[i] = fds[i].fd;
	all[nfds] = *status;
	if (proc_keep_fds(all, nfds + 1) < 0)
		return -1;
	*status = all[nfds];
	for (int i = 0; i < nfds; i++)
		fcntl(all[i], F_SETFD, 0);
	return 0;
}

/* What the parent blocked or ignored for itself would survive exec. */
static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int stand_alone(int in, int out, int told)
{
	int fd = open("/dev/null", O_RDWR);
	int rc = fd < 0 || dup2(in < 0 ? fd : in, 0) < 0 ? -1 : setpgid(0, 0);

	if ((out >= 0 && dup2(out, 1) < 0) || (told >= 0 && dup2(told, 2) < 0))
		rc = -1;
	if (fd > 0)
		close(fd);
	return rc;
}

__attribute__((noreturn))
static void child(const char *path, char **argv, const struct proc_fd *fds,
		int nfds, const int io[3], int status)
{
	int code;

	reset_signals();
	/* fds NULL: proc_command; io: its 0, 1, 2, or -1 */
	if ((fds || stand_alone(io[0], io[1], io[2]) == 0) &&
			arrange_fds(fds, nfds, &status) == 0 && listen_set(fds, nfds) == 0)
		execv(path, argv);
	code = errno;
	if (status >= 0)
		(void)!write(status, &code, sizeof(code));
	_exit(127);
}

/* The errno that the child sent before it gave up; 0: exec worked. */
static int child_errno(int status)
{
	int code;

	return file_get(status, &code, sizeof(code)) == sizeof(code) ?
			code : 0;
}

static pid_t start(const char *path, char **argv, const struct proc_fd *fds,
		int nfds, const int io[3], struct err *err)
{
	int status[2], code;
	pid_t pid;

	if (nfds > FDS_MOST)
		return err_set(err, ERR_PERM, "%s: too many sockets", path);
	if (pipe2(status, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid = fork();
	if (pid == 0)
		child(path, argv, fds, nfds, io, status[1]);
	code = errno;
	close(status[1]);
	if (pid > 0) {
		code = child_errno(status[0]);
		if (code) {
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
			pid = -1;
		}
	}
	close(status[0]);
	errno = code;
	return pid < 0 ? err_errno(err, "start %s", path) : pid;
}

static const int as_they_are[3] = { -1, -1, -1 };

pid_t proc_start(const char *path, char **argv, const struct proc_fd *fds,
		int nfds, struct err *err)
{
	static const struct proc_fd none;

	return start(path, argv, fds ? fds : &none, nfds, as_they_are, err);
}

pid_t proc_command(const char *path, char **argv, struct err *err)
{
	return start(path, argv, NULL, 0, as_they_are, err);
}

pid_t proc_command_io(const char *path, char **argv, int in, int out,
		struct err *err)
{
	return start(path, argv, NULL, 0, (int[]){ in, out, -1 }, err);
}

pid_t proc_command_told(const char *path, char **argv, int in, int out,
		struct err *err)
{
	return start(path, argv, NULL, 0, (int[]){ in, out, out }, err);
}

__attribute__((noreturn))
static void filter(const char *path, char **argv, char **env, int in, int out)
{
	reset_signals();
	/* out of the way of 0, 1, 2 first */
	in = fcntl(in, F_DUPFD, FIRST_FD);
	out = fcntl(out, F_DUPFD, FIRST_FD);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
			setpgid(0, 0) == 0) {
		close_from(FIRST_FD);
		execve(path, argv, env);
	}
	_exit(75);			/* EX_TEMPFAIL */
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

pid_t proc_filter(const char *path, char **argv, char **env, int *in, int *out,
		struct err *err)
{
	int to[2], from[2];
	pid_t pid = -1;

	if (pipe2(to, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	if (pipe2(from, O_CLOEXEC) < 0) {
		err_errno(err, "pipe");
		close_both(to);
		return -1;
	}
	if (fcntl(to[1], F_SETFL, O_NONBLOCK) == 0 &&
			fcntl(from[0], F_SETFL, O_NONBLOCK) == 0)
		pid = fork();
	if (pid == 0)
		filter(path, argv, env, to[0], from[1]);
	if (pid < 0) {
		err_errno(err, "start %s", path);
		close_both(to);
		close_both(from);
		return -1;
	}
	/* also for who kills the group before it could make itself one */
	setpgid(pid, pid);
	close(to[0]);
	close(from[1]);
	*in = to[1];
	*out = from[0];
	return pid;
}

const char *proc_self(const char *argv0)
{
	static const char gone[] = " (deleted)";
	static char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct span path;

	if (n <= 0 || self[0] != '/')
		return argv0;
	self[n] = '\0';
	/* After an upgrade the new binary has our place: start that one. */
	path = span_of(self);
	if (span_ends(path, gone))
		self[path.n - (sizeof(gone) - 1)] = '\0';
	return self;
}

static void helper_child(int pair[2], int *fd, pid_t parent)
{
	close(pair[0]);
	*fd = pair[1];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* the parent may have gone before we asked to hear of it */
	if (getppid() != parent)
		_exit(0);
}

pid_t proc_helper(int *fd, struct err *err)
{
	int pair[2], code;
	pid_t parent = getpid(), pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		goto out;
	pid = fork();
	if (pid < 0)
		goto out;
	if (pid == 0) {
		helper_child(pair, fd, parent);
		return 0;
	}
	close(pair[1]);
	*fd = pair[0];
	return pid;
out:
	code = errno;
	close(pair[0]);
	close(pair[1]);
	errno = code;
	return err_errno(err, "fork");
}

/* Room for one descriptor beside a packet, aligned as the macros want it. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

ssize_t proc_send(int sock, const void *data, size_t n, int fd)
{
	struct iovec part = { (void *)(uintptr_t)data, n };
	union control control;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		struct cmsghdr *c = &control.header;

		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

/* The descriptor that came along, or -1. */
static int received_fd(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
			c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

ssize_t proc_recv(int sock, void *data, size_t n, int *fd)
{
	struct iovec part = { data, n };
	union control control;
	/* CMSG_LEN, not the padded size: that would take a second one in */
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_LEN(sizeof(int)) };
	int got_fd;
	ssize_t got;

	if (fd)
		*fd = -1;
	do
		got = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	got_fd = received_fd(&m);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		if (got_fd >= 0)
			close(got_fd);
		errno = EMSGSIZE;	/* half a packet is none */
		return -1;
	}
	if (fd)
		*fd = got_fd;
	else if (got_fd >= 0)
		close(got_fd);
	return got;
}
