/*
 * deliver-command, or a virtual user's setting hook: a program that says what
 * becomes of a message, in lines as Sieve (RFC 5228) names its actions. It runs
 * before the mailbox's lock is taken and without the mail folder's group, so in
 * a process of its own, which becomes the user. Sieve itself would fill the
 * same struct disposition.
 */
#include "deliver/recipient.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deliver/run.h"
#include "mime/addr.h"
#include "os/file.h"
#include "os/log.h"

/* What the process has to tell, behind which comes what the command said. */
struct said {
	int rc;
	struct err err;
	size_t n;
	char text[RUN_OUTPUT_MOST];
};

const char *recipient_hook(const struct conf *conf,
		const struct auth_user *user, char hook[AUTH_SETTINGS_SIZE])
{
	struct span value;

	if (!auth_setting(user, "hook", &value) || !value.n)
		return conf->deliver_command;
	str_copy(hook, AUTH_SETTINGS_SIZE, value);
	return hook;
}

/* -- what it said -- */

/* Without its detail, whatever that is: he himself. */
static bool is_self(const struct recipient *r, struct addr a)
{
	struct addr own = addr_split(span_of(r->m->address));
	struct span user = span_before(span_of(r->m->user), '@');

	return span_caseeq(a.domain, own.domain) &&
		(span_caseeq(a.local, own.local) || span_caseeq(a.local, user));
}

static bool take_redirect(const struct recipient *r, struct disposition *d,
		struct span to, bool *keep)
{
	struct addr a;

	if (!addr_parse(to, &a, true) || !a.domain.n)
		return false;
	*keep |= is_self(r, a);
	if (is_self(r, a))
		return true;
	str_add(&d->redirect, to);
	str_addc(&d->redirect, '\n');
	return true;
}

static void take_reject(struct disposition *d, struct span why)
{
	str_copy(d->reject, sizeof(d->reject), span_sub(why.n ? why :
				SPAN("refused by the recipient"), 0,
				sizeof(d->reject) - 1));
}

/* RFC 5228 2.10.2: what is said takes the place of keep, unless it is keep. */
static bool take_line(const struct recipient *r, struct disposition *d,
		struct span line, bool *keep)
{
	struct span word = span_word(&line);

	line = span_trim(line);
	if (span_eq(word, SPAN("keep")))
		*keep = true;
	else if (span_eq(word, SPAN("fileinto")) && line.n &&
			str_copy(d->folder, sizeof(d->folder), line) == 0)
		*keep = true;
	else if (span_eq(word, SPAN("redirect")))
		return take_redirect(r, d, line, keep);
	else if (span_eq(word, SPAN("reject")))
		take_reject(d, line);
	else
		return span_eq(word, SPAN("discard"));
	return true;
}

static void take_all(const struct recipient *r, struct disposition *d,
		struct span text)
{
	bool keep = false, any = false;

	while (text.n) {
		struct span line = span_trim(span_cut(&text, '\n'));

		if (!line.n)
			continue;
		if (take_line(r, d, line, &keep))
			any = true;
		else
			log_info("deliver-command for %s: %.*s", r->m->user,
					SPAN_ARG(line));
	}
	d->keep = keep || !any;
}

/* -- the process -- */

static void run(struct recipient *r, struct said *said)
{
	struct addr a = addr_split(span_of(r->m->address));
	struct str text;
	struct run_command c = {
		.command = r->m->hook, .whose = "deliver-command",
		.user = r->m->user, .home = r->folder, .folder = r->folder,
		.local = a.local, .domain = a.domain,
		.timeout = r->conf->alias_timeout, .said = &text
	};

	str_init(&text, RUN_OUTPUT_MOST);
	said->rc = recipient_become(r, &said->err);
	if (said->rc == 0)
		said->rc = run_command(&c, r->m, &said->err);
	said->n = text.n;
	memcpy(said->text, str_c(&text), text.n);
	str_free(&text);
}

static void answer(int fd, const struct recipient *r)
{
	struct recipient own = *r;
	struct said said;

	memset(&said, 0, sizeof(said));
	run(&own, &said);
	_exit(file_write(fd, &said, sizeof(said)) < 0);
}

/* All of it or nothing: whoever died has said nothing. */
static bool hear(int fd, struct said *said)
{
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(*said) && (got = file_get(fd, (char *)said + n,
					sizeof(*said) - n)) > 0)
		n += (size_t)got;
	return n == sizeof(*said) && said->n <= sizeof(said->text);
}

int hook_ask(const struct recipient *r, struct disposition *d,
		struct err *err)
{
	struct said said;
	int fds[2];
	bool good;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, "pipe");
	pid = fork();
	if (pid == 0)
		answer(fds[1], r);
	close(fds[1]);
	good = pid > 0 && hear(fds[0], &said);
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (!good)
		return err_set(err, ERR_TEMP, "deliver-command: no answer");
	if (said.rc < 0)
		/* a filter that is broken shall not lose mail */
		return err_set(err, ERR_TEMP, "deliver-command: %s",
				said.err.text);
	take_all(r, d, span_make(said.text, said.n));
	return 0;
}
