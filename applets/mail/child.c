#include "mail/child.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mail/var.h"

static void become(const struct mail *m, const char *command, int in, int out)
{
	const char *shell = mail_var(m, "SHELL");
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if ((in >= 0 && dup2(in, STDIN_FILENO) < 0) ||
	    (out >= 0 && dup2(out, STDOUT_FILENO) < 0))
		_exit(127);
	if (!shell || !*shell)
		shell = "/bin/sh";
	if (command)
		execl(shell, shell, "-c", command, (char *)NULL);
	else
		execl(shell, shell, (char *)NULL);
	_exit(127);
}

int mail_child(struct mail *m, const char *command, int in, int out)
{
	int status;
	pid_t pid, got;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		become(m, command, in, out);
	if (pid < 0)
		return err_errno(&m->err, "fork");
	while ((got = waitpid(pid, &status, WNOHANG)) == 0)
		if (!mail_term_pause(&m->term)) {
			kill(pid, SIGHUP);	/* nobody waits for it */
			return err_set(&m->err, ERR_TEMP, "hang-up");
		}
	if (got < 0)
		return err_errno(&m->err, "wait");
	/* the ^C that ended it was not meant for us */
	mail_term_interrupted(&m->term);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
			WEXITSTATUS(status);
}
