/* A letter goes to the mail system, or to a program. */
#include "mail/letter.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include "config.h"
#include "mail/child.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"
#include "store/submit.h"

static const char **rcpt_array(struct letter *l)
{
	const char **v = calloc(l->n, sizeof(*v)), *at = str_c(&l->rcpts);

	for (unsigned i = 0; v && i < l->n; i++) {
		v[i] = at;
		at += strlen(at) + 1;
	}
	return v;
}

/* The program instead of the socket; what is a URL we have no use for. */
static const char *program(const struct mail *m)
{
	const char *value = mail_var(m, "sendmail");

	if (!value)
		value = mail_var(m, "mta");
	if (value && !strncmp(value, "file://", 7))
		value += 7;
	return value && *value && !strstr(value, "://") ? value : NULL;
}

/* As every mailx calls sendmail: the message is its input. */
static int run_program(struct letter *l, const char *name)
{
	struct span rest = str_span(&l->rcpts);
	struct str command;
	int status = -1;

	str_init(&command, 2 * 1024 * 1024);
	str_addf(&command, "%s -i -f ", name);
	mail_child_word(&command, span_of(str_c(&l->sender)));
	str_adds(&command, " --");
	while (rest.n) {
		str_addc(&command, ' ');
		mail_child_word(&command, span_cut(&rest, '\0'));
	}
	if (command.bad)
		err_nomem(&l->m->err);
	else if (lseek(l->fd, l->start, SEEK_SET) < 0)
		mail_errno(l->m, T("temporary file"));
	else
		status = mail_child(l->m, str_c(&command), l->fd, -1);
	str_free(&command);
	return status <= 0 ? status : err_set(&l->m->err,
			status == EX_TEMPFAIL ? ERR_TEMP : ERR_PERM,
			T("%s: exit status %d"), name, status);
}

int letter_send(struct letter *l)
{
	const struct submit_options more = { .utf8_header = l->utf8 };
	struct err *err = &l->m->err;
	const char *name = CFG_MAIL_NAIL ? program(l->m) : NULL, **v;
	int rc;

	l->start -= (int64_t)l->header.n;
	l->size += l->header.n;
	if (lseek(l->fd, l->start, SEEK_SET) < 0 ||
	    file_write(l->fd, l->header.p, l->header.n) < 0)
		return err_errno(err, "%s", T("temporary file"));
	if (name)
		return run_program(l, name);
	v = rcpt_array(l);
	if (!v)
		return err_nomem(err);
	rc = submit_message(l->m->conf, str_c(&l->sender), v, l->n, l->fd,
			l->start, l->size, &more, err);
	free(v);
	return rc;
}
