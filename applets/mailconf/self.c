#include "mailconf/self.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/proc.h"

#define ANSWER_MOST (512 * 1024)

/* -- applets of this binary -- */

/* In memory, so that no secret is on a disk before it has to be. */
int self_file(struct span text, struct err *err)
{
	int fd = memfd_create("pillarbox", MFD_CLOEXEC);

	if (fd < 0)
		fd = file_temporary(err);
	if (fd < 0)
		return -1;
	if (fchmod(fd, 0600) == 0 && file_write(fd, text.p, text.n) == 0 &&
			lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err_errno(err, "temporary file");
	close(fd);
	return -1;
}

/* 0 at the end; -1: a signal came. What does not fit is read all the same. */
static int drain(int fd, int signals, struct str *out)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN } };
	char piece[4096];
	ssize_t n = 1;

	while (n > 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return 0;
		if (p[1].revents)
			return -1;
		if (!p[0].revents)
			continue;
		n = file_get(fd, piece, sizeof(piece));
		if (n > 0)
			str_add(out, span_make(piece, (size_t)n));
	}
	return 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int self_run(const char *const argv[], int in, int signals, struct str *out,
		struct err *err)
{
	return self_command(proc_self("/proc/self/exe"), argv, in, signals,
			out, err);
}

int self_command(const char *path, const char *const argv[], int in,
		int signals, struct str *out, struct err *err)
{
	int ends[2], status;
	bool stopped;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid = proc_command_told(path, (char **)argv, in, ends[1], err);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	stopped = drain(ends[0], signals, out) < 0;
	close(ends[0]);
	if (stopped)
		kill(-pid, SIGTERM);
	status = wait_for(pid);
	if (stopped)
		return SELF_INTERRUPTED;
	return status < 0 ? err_set(err, ERR_TEMP, "%s was killed", argv[0]) :
		status;
}

/* -- the DNS -- */

int self_net_open(struct self_net *n, const struct conf *conf,
		struct err *err)
{
	*n = (struct self_net){ .loop = loop_new(err) };
	if (!n->loop)
		return -1;
	n->dns = dns_new(n->loop, conf);
	n->arena = arena_new(ANSWER_MOST);
	if (n->dns && n->arena)
		return 0;
	self_net_close(n);
	return err_nomem(err);
}

void self_net_close(struct self_net *n)
{
	dns_free(n->dns);
	arena_free(n->arena);
	if (n->loop)
		loop_free(n->loop);
	*n = (struct self_net){ .loop = NULL };
}

/* Records that there is no memory for are left out. */
static void keep(struct self_net *n, const struct dns_answer *a)
{
	struct dns_record *r = arena_alloc(n->arena, sizeof(*r) *
			(size_t)(a->count + 1));
	int count = 0;

	for (int i = 0; r && i < a->count; i++) {
		r[count] = a->records[i];
		if (r[count].text) {
			r[count].text = arena_dup(n->arena, span_make(
						r[count].text,
						r[count].text_len ?
						r[count].text_len :
						strlen(r[count].text)));
			if (!r[count].text)
				continue;
		}
		count++;
	}
	n->answer = (struct dns_answer){ .status = a->status, .count = count,
		.records = r };
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct self_net *n = arg;

	keep(n, a);
	loop_stop(n->loop, 0);
}

static const struct dns_answer *answer(struct self_net *n,
		const struct dns_query *q)
{
	if (q)
		loop_run(n->loop);
	return &n->answer;
}

static void forget(struct self_net *n)
{
	arena_reset(n->arena);
	n->answer = (struct dns_answer){ .status = DNS_FAIL };
}

const struct dns_answer *self_ask(struct self_net *n, const char *name,
		enum dns_type type)
{
	forget(n);
	return answer(n, dns_ask(n->dns, span_of(name), type, on_answer, n));
}

const struct dns_answer *self_ask_ptr(struct self_net *n,
		const struct sockaddr *addr)
{
	forget(n);
	return answer(n, dns_ask_ptr(n->dns, addr, on_answer, n));
}

static void on_targets(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct self_net *net = arg;

	net->ntargets = n;
	if (n)
		memcpy(net->targets, targets, n * sizeof(*targets));
	else
		net->why = *why;
	loop_stop(net->loop, 0);
}

void self_find(struct self_net *n, const char *name, unsigned port,
		bool exchangers)
{
	struct mx_question q = { .name = name, .port = port,
		.exchangers = exchangers, .self = "", .loopback = true };

	n->ntargets = 0;
	n->why = (struct smtp_result){ .kind = ERR_TEMP };
	if (mx_find(n->loop, n->dns, &q, on_targets, n))
		loop_run(n->loop);
}
