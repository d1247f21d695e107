/* File names as the user types them. */
#include "mail/mail.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "config.h"
#include "mail/args.h"
#include "mail/child.h"
#include "mail/var.h"
#include "os/file.h"
#include "os/text.h"

/* before, between and name make the path. */
static int join(struct mail *m, const char *before, const char *between,
		struct span name, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s%s%.*s", before, between,
			SPAN_ARG(name));

	return n > 0 && n < PATH_MAX && !span_has(name, '\0') ? 0 :
			mail_wrong(m, T("No such file name"));
}

static int as_it_is(struct mail *m, struct span name, char out[PATH_MAX])
{
	return join(m, "", "", name, out);
}

/* "+x": below the folder directory, when there is one. */
static int in_folder(struct mail *m, struct span name, char out[PATH_MAX])
{
	const char *folder = mail_var(m, "folder");
	char dir[2 * PATH_MAX];
	int n;

	if (!folder || !*folder)
		return as_it_is(m, name, out);
	n = snprintf(dir, sizeof(dir), "%s%s%s", *folder == '/' ? "" : m->home,
			*folder == '/' ? "" : "/", folder);
	if (n < 0 || (size_t)n >= sizeof(dir))
		n = 0;
	return join(m, n ? dir : "", "/", span_rest(name, 1), out);
}

void mail_path_make_folder(struct mail *m, const char *path)
{
	const char *folder = mail_var(m, "folder");
	char dir[PATH_MAX];
	size_t n;

	if (!folder || !*folder || in_folder(m, SPAN("+"), dir) < 0)
		return;
	n = strlen(dir);	/* ends in a slash */
	if (strncmp(path, dir, n) != 0)
		return;
	dir[n - 1] = '\0';
	mkdir(dir, 0700);	/* if it cannot be, opening path says why */
}

/* ---- the shell's part */

/* As the shell must see it: what would end the word or start a program is quoted. */
static void put_word(struct str *out, struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '\\' && i + 1 < name.n)
			str_addc(out, name.p[i++]);
		else if (span_has(SPAN(" \t;|&<>#'\""), name.p[i]))
			str_addc(out, '\\');
		str_addc(out, name.p[i]);
	}
}

static int read_name(struct mail *m, int fd, char out[PATH_MAX])
{
	char text[PATH_MAX + 1];
	ssize_t n = file_pread(fd, text, sizeof(text), 0);
	struct span name = span_make(text, n > 0 ? (size_t)n : 0);

	if (name.n && name.p[name.n - 1] == '\n')
		name.n--;
	if (!name.n || span_has(name, '\n'))
		return mail_wrong(m, T("Not the name of one file"));
	return as_it_is(m, name, out);
}

static int by_shell(struct mail *m, struct span name, char out[PATH_MAX])
{
	int fd = file_temporary(&m->err), rc;
	struct str command;

	if (fd < 0)
		return -1;
	str_init(&command, 4 * PATH_MAX);
	str_adds(&command, "printf '%s\\n' ");
	put_word(&command, name);
	rc = command.bad ? mail_wrong(m, T("No such file name")) :
			mail_child(m, str_c(&command), -1, fd);
	if (rc > 0)
		rc = mail_wrong(m, T("No such file name"));
	if (rc == 0)
		rc = read_name(m, fd, out);
	str_free(&command);
	close(fd);
	return rc;
}

static bool is_magic(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (span_has(SPAN("~$`*?[{\\"), name.p[i]))
			return true;
	return false;
}

/* ---- */

/* What the name itself says; as POSIX has it for `file`: % %user # & +x. */
int mail_path_given(struct mail *m, struct span name, char out[PATH_MAX])
{
	const char *mbox, *last;

	if (CFG_MAIL_NAIL) {
		last = mail_var_listed(m, MAIL_VAR_SHORTCUT, name);
		if (last)
			name = span_of(last);
		/* s-nail: as if it were the system's mailbox */
		if (span_starts(name, "%:"))
			name = span_rest(name, 2);
	}
	if (span_starts(name, "~/"))
		return join(m, m->home, "", span_rest(name, 1), out);
	if (CFG_MAIL_RC && span_starts(name, "+"))
		return in_folder(m, name, out);
	if (!CFG_MAIL_READ)
		return as_it_is(m, name, out);
	mbox = mail_var(m, "MBOX");
	if (span_is(name, "&"))
		return mbox && *mbox && *mbox != '&' ?
				mail_path_given(m, span_of(mbox), out) :
				join(m, m->home, "/mbox", SPAN(""), out);
	if (span_is(name, "#")) {
		last = mail_var_listed(m, MAIL_VAR_LAST, name);
		return last ? as_it_is(m, span_of(last), out) :
				mail_wrong(m, T("There is no file before this one"));
	}
	if (span_starts(name, "%"))
		return mail_path_system(m, span_rest(name, 1), out);
	return as_it_is(m, name, out);
}

int mail_path(struct mail *m, struct span name, char out[PATH_MAX])
{
	struct span inside;

	if (CFG_MAIL_RC && mail_arg_quoted(name, &inside))
		return as_it_is(m, inside, out);
	if (!CFG_MAIL_READ || !is_magic(span_starts(name, "~/") ?
	    span_rest(name, 1) : name))
		return mail_path_given(m, name, out);
	if (span_starts(name, "+")) {
		if (in_folder(m, name, out) < 0)
			return -1;
		name = span_of(out);
	}
	return by_shell(m, name, out);
}

void mail_path_absolute(const char *path, char out[PATH_MAX])
{
	size_t size = strlen(path) + 1, n;

	n = *path != '/' && getcwd(out, PATH_MAX) ? strlen(out) : 0;
	if (n && n + 1 + size <= PATH_MAX)
		out[n++] = '/';
	else
		n = 0;
	memcpy(out + n, path, size);
}
