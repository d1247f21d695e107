/* One session on stdin: for inetd, and for programs that start a server. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/daemon.h"
#include "os/pump.h"

/* From here on a process between copies: sessions are for sockets. */
static int put_pump_before(struct err *err)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return err_errno(err, "socketpair");
	pid = fork();
	if (pid < 0)
		return err_errno(err, "fork");
	if (pid) {
		close(sv[1]);
		signal(SIGPIPE, SIG_IGN);
		exit(pump(STDIN_FILENO, STDOUT_FILENO, sv[0], err) < 0 ?
				EX_IOERR : EX_OK);
	}
	close(sv[0]);
	if (dup2(sv[1], STDIN_FILENO) < 0 || dup2(sv[1], STDOUT_FILENO) < 0)
		return err_errno(err, "dup2");
	close(sv[1]);
	return 0;
}

/* inetd's socket is on stderr, too, where nothing of ours is to go. */
int daemon_take_stdin(struct err *err)
{
	struct stat st;
	int null;

	if (fstat(STDIN_FILENO, &st) < 0)
		return err_errno(err, "stdin");
	if (!S_ISSOCK(st.st_mode))
		return put_pump_before(err);
	if (fstat(STDERR_FILENO, &st) == 0 && !S_ISSOCK(st.st_mode))
		return 0;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDERR_FILENO) < 0)
		return err_errno(err, "/dev/null");
	close(null);
	return 0;
}

int daemon_stdin(struct daemon *d, struct daemon_stdin *how, struct err *err)
{
	struct sockaddr_in6 here = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(here);
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || getsockname(fd, (struct sockaddr *)&here, &len) < 0)
		return err_errno(err, "stdin");
	*how = (struct daemon_stdin){ .local = here.sin6_family == AF_UNIX };
	d->draining = true;
	for (const struct conf_listen *l = d->conf->listen; l; l = l->next) {
		const struct sockaddr_in6 *at = (const void *)&l->addr;

		/* both families keep the port at the same place */
		if (how->local || at->sin6_port != here.sin6_port)
			continue;
		how->at = l;
		break;
	}
	return fd;
}
