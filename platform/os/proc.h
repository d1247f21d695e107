/* proc - child processes and inherited sockets */
#ifndef OS_PROC_H
#define OS_PROC_H

#include <sys/types.h>
#include "base/err.h"

/*
 * Sockets passed down as systemd's socket activation does: LISTEN_FDS,
 * LISTEN_FDNAMES (colon-separated) and LISTEN_PID in the environment, fds
 * from 3. proc_listen_fd gives the i-th, or -1; *name is its name.
 */
int proc_listen_fd(int i, const char **name);
/* Marks them close-on-exec and takes the variables out of the environment. */
void proc_listen_done(void);

struct proc_fd {
	int fd;
	const char *name;
};
/*
 * Starts path with argv (argv[0] is the applet) and these fds as above; the
 * child inherits nothing else but 0, 1, 2, and no blocked or ignored signals.
 * Gives its pid, or -1, also when path could not be executed.
 */
pid_t proc_start(const char *path, char **argv, const struct proc_fd *fds,
		int nfds, struct err *err);

/*
 * Starts a program of somebody else's: no descriptors, /dev/null as its 0, and
 * a process group of its own, so that kill(-pid, ...) reaches all that it has
 * started. Gives its pid or -1 likewise.
 */
pid_t proc_command(const char *path, char **argv, struct err *err);
/* ... whose 0 and 1 are these, which stay the caller's; -1: as there. */
pid_t proc_command_io(const char *path, char **argv, int in, int out,
		struct err *err);
/* ... and out is its 2, too; in -1: /dev/null. */
pid_t proc_command_told(const char *path, char **argv, int in, int out,
		struct err *err);

/*
 * Starts a program with this environment in a process group of its own: what is
 * written to *in is its 0, what it says on 1 and 2 comes from *out; both are
 * non-blocking. Where it could not be executed it ends with status 75, a
 * temporary failure. Gives its pid, or -1.
 */
pid_t proc_filter(const char *path, char **argv, char **env, int *in, int *out,
		struct err *err);

/* This very binary, for exec: /proc/self/exe resolved, else argv0. */
const char *proc_self(const char *argv0);

/*
 * Forks a helper that inherits one end of a SOCK_SEQPACKET pair; the parent
 * gets the other in *fd (non-blocking, close-on-exec). Gives the pid in the
 * parent, 0 in the child (*fd is its end, blocking), -1 on error. The child
 * dies with its parent (PR_SET_PDEATHSIG, which a change of uid would undo).
 */
pid_t proc_helper(int *fd, struct err *err);

/*
 * In a helper: closes all descriptors but 0, 1, 2 and these n, so that it
 * holds no session of its parent open. fds[i] becomes 3 + i. 0 or -1 with
 * errno.
 */
int proc_keep_fds(int *fds, int n);

/*
 * Sends/receives one packet with an optional fd (SCM_RIGHTS; -1: none). n or -1
 * with errno; EMSGSIZE for a packet longer than n.
 */
ssize_t proc_send(int sock, const void *data, size_t n, int fd);
ssize_t proc_recv(int sock, void *data, size_t n, int *fd);

#endif
