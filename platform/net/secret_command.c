/* secret_command - a command that prints a password or a token */
#include "net/secret_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/file.h"
#include "os/proc.h"

#define SHELL "/bin/sh"
#define COMMAND_MS 30000	/* then it is killed, with all it has started */
#define REAP_MS 10
#define OUTPUT_MOST (2 * SASL_TOKEN_MOST)

static const char *name_of(const struct secret *s)
{
	return s->host->token_command ? "token-command" : "password-command";
}

static void close_output(struct secret *s)
{
	if (s->out.fd < 0)
		return;
	loop_unwatch(s->env->loop, &s->out);
	close(s->out.fd);
	s->out.fd = -1;
}

/* Also what it has started: they are its process group. */
static void end(struct secret *s)
{
	close_output(s);
	loop_timer_stop(s->env->loop, &s->timer);
	if (s->pid) {
		kill(-s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
		s->pid = 0;
	}
	if (s->output) {
		explicit_bzero(s->output, OUTPUT_MOST);
		free(s->output);
		s->output = NULL;
	}
}

void secret_command_stop(struct secret *s)
{
	if (s->pid)
		end(s);
}

static void fail(struct secret *s, const char *what)
{
	struct err err;

	err_set(&err, ERR_TEMP, "%s: %s", name_of(s), what);
	end(s);
	secret_finish(s, &err);
}

/* The first line, as of a password file. */
static void take(struct secret *s)
{
	struct span all = span_make(s->output, s->n);
	struct span line = span_cut(&all, '\n');
	struct err err;
	int rc;

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (!line.n || span_has_control(line) || span_has(line, '\0')) {
		fail(s, "it prints no line that could be one");
		return;
	}
	rc = secret_set(s, line, secret_is_token(s->host) ? SASL_TOKEN_MOST :
			SECRET_PASSWORD_SIZE - 1, &err);
	end(s);
	secret_finish(s, rc < 0 ? &err : NULL);
}

/*
 * It has closed its output; its status follows at once, as a rule. What it has
 * left behind goes before it is forgotten: until then its number is its own.
 */
static void reap(struct loop_timer *t)
{
	struct secret *s = container_of(t, struct secret, timer);
	siginfo_t info = { .si_pid = 0 };
	int status = 0;

	if (waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0
			|| (!info.si_pid && clock_ms() >= s->deadline)) {
		fail(s, "it does not end");
		return;
	}
	if (!info.si_pid) {
		loop_timer_set(s->env->loop, t, REAP_MS);
		return;
	}
	kill(-s->pid, SIGKILL);
	waitpid(s->pid, &status, 0);
	s->pid = 0;
	if (status)
		fail(s, "it failed");
	else
		take(s);
}

static void on_time(struct loop_timer *t)
{
	fail(container_of(t, struct secret, timer), "no answer in time");
}

static void on_output(struct loop_watch *w, unsigned events)
{
	struct secret *s = container_of(w, struct secret, out);
	ssize_t n = file_get(w->fd, s->output + s->n, OUTPUT_MOST - s->n);

	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		s->n += (size_t)n;
		if (s->n == OUTPUT_MOST)
			fail(s, "it prints too much");
		return;
	}
	close_output(s);
	s->timer.fire = reap;
	loop_timer_set(s->env->loop, &s->timer, 0);
}

static int run(struct secret *s, const char *command, int out,
		struct err *err)
{
	char *argv[] = { SHELL, "-c", (char *)command, NULL };
	pid_t pid = proc_command_io(SHELL, argv, -1, out, err);

	if (pid < 0)
		return -1;
	s->pid = pid;
	s->n = 0;
	s->out.ready = on_output;
	s->timer.fire = on_time;
	s->deadline = clock_ms() + COMMAND_MS;
	loop_timer_set(s->env->loop, &s->timer, COMMAND_MS);
	return loop_watch(s->env->loop, &s->out, LOOP_READ) < 0 ?
		err_errno(err, "%s", name_of(s)) : 0;
}

int secret_command_start(struct secret *s, const char *command,
		struct err *err)
{
	int pair[2], rc;

	s->output = malloc(OUTPUT_MOST);
	if (!s->output)
		return err_nomem(err);
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = err_errno(err, "%s", name_of(s));
		end(s);
		return rc;
	}
	/* the command's end waits, as a command expects it */
	fcntl(pair[1], F_SETFL, 0);
	s->out.fd = pair[0];
	rc = run(s, command, pair[1], err);
	close(pair[1]);
	if (rc < 0)
		end(s);
	return rc;
}
