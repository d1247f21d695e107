#include "mail/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mail/var.h"
#include "os/text.h"

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
	if (command && *command == '-')
		execl(shell, shell, "-c", "--", command, (char *)NULL);
	else if (command)
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

int mail_child_run(struct mail *m, struct span command, int in, int out)
{
	struct str text;
	int status;

	str_init(&text, MAIL_LINE_MOST);
	str_add(&text, command);
	status = text.bad ? err_nomem(&m->err) :
			mail_child(m, str_c(&text), in, out);
	str_free(&text);
	return status <= 0 ? status : err_set(&m->err, ERR_PERM,
			T("exit status %d"), status);
}

int mail_child_edit(struct mail *m, const char *name, const char *path)
{
	const char *editor = mail_var(m, name);
	struct str command;
	int rc;

	if (!editor || !*editor)
		editor = getenv(name);
	if (!editor || !*editor)
		editor = "vi";
	str_init(&command, MAIL_LINE_MOST);
	str_addf(&command, "%s ", editor);
	mail_child_word(&command, span_of(path));
	rc = mail_child_run(m, str_span(&command), -1, -1);
	str_free(&command);
	return rc;
}

void mail_child_word(struct str *out, struct span text)
{
	str_addc(out, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			str_adds(out, "'\\'");
		str_addc(out, text.p[i]);
	}
	str_addc(out, '\'');
}
