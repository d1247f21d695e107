#include "applet.h"
#include "mailconf/mailconf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "mailconf/foreign.h"
#include "mailconf/msmtp.h"
#include "os/file.h"

/* Where msmtp looks, in its order. */
static const struct {
	const char *variable, *rest;
} places[] = {
	{ "HOME", "/.msmtprc" },
	{ "XDG_CONFIG_HOME", "/msmtp/config" },
	{ "HOME", "/.config/msmtp/config" },
	{ NULL, "/etc/msmtprc" }
};

static int read_file(const char *path, struct str *text, struct err *err)
{
	char name[1024];

	if (path)
		return file_read(AT_FDCWD, path, text, err);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const char *folder = places[i].variable ?
			getenv(places[i].variable) : "";

		if (!folder)
			continue;
		snprintf(name, sizeof(name), "%.900s%s", folder,
				places[i].rest);
		if (access(name, F_OK) == 0)
			return file_read(AT_FDCWD, name, text, err);
	}
	return err_set(err, ERR_PERM, "neither ~/.msmtprc nor /etc/msmtprc is "
			"there");
}

/* Never over a file that is there: a slip of the finger would cost it. */
static int write_secret(const char *path, struct span secret, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
			O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (file_write(fd, secret.p, secret.n) < 0 ||
			file_write(fd, "\n", 1) < 0 || fsync(fd) < 0)
		rc = err_errno(err, "%s", path);
	close(fd);
	return rc;
}

/* "account default : x" has x's password, which has one file. */
static bool is_copy(const struct msmtp *m, const struct msmtp_account *a)
{
	const struct msmtp_account *first = msmtp_default(m);

	return first && a != first && span_eq(a->value[MSMTP_PASSWORD],
			first->value[MSMTP_PASSWORD]) &&
		span_eq(a->value[MSMTP_HOST], first->value[MSMTP_HOST]);
}

static int write_secrets(const struct msmtp *m, const char *path,
		struct err *err)
{
	int rc = 0;

	for (unsigned i = 1; i < m->n && rc == 0; i++) {
		const struct msmtp_account *a = &m->account[i];
		struct str name;

		if (!a->value[MSMTP_PASSWORD].n || is_copy(m, a))
			continue;
		str_init(&name, 4096);
		msmtp_secret(a, a == msmtp_default(m), path, &name);
		rc = write_secret(str_c(&name), a->value[MSMTP_PASSWORD], err);
		str_free(&name);
	}
	return rc;
}

static int parse_msmtp(struct msmtp *m, struct span text)
{
	unsigned line;

	if (msmtp_parse(m, text, &line) == 0)
		return 0;
	fprintf(stderr, "mailconf: line %u: no such account, or over %d\n",
			line, MSMTP_ACCOUNTS);
	return -1;
}

/* Postfix names the kind of the map before the file's name. */
static int parse_other(struct msmtp *m, const char *program, struct span text,
		struct str *secrets)
{
	struct span passwords;
	char path[512];
	struct err err;

	if (foreign_parse(m, program, text, &passwords) < 0) {
		fprintf(stderr, "mailconf: over %d hosts\n", MSMTP_ACCOUNTS);
		return -1;
	}
	if (!passwords.n || str_copy(path, sizeof(path), span_behind(passwords,
					':')) < 0)
		return 0;
	if (file_read(AT_FDCWD, path, secrets, &err) < 0)
		applet_fail("mailconf", &err);
	foreign_passwords(m, program, str_span(secrets));
	return 0;
}

static int import(struct msmtp *m, const char *path)
{
	struct str out;
	struct err err;
	int status;

	if (path && write_secrets(m, path, &err) < 0) {
		applet_fail("mailconf", &err);
		return EX_CANTCREAT;
	}
	str_init(&out, 256 * 1024);
	msmtp_print(m, path, &out);
	status = m->n > 1 ? EX_OK : EX_DATAERR;
	if (m->n == 1)
		fprintf(stderr, "mailconf: there is no account in it\n");
	fputs(str_c(&out), stdout);
	str_free(&out);
	return status;
}

int mailconf_import(const char *program, const char *path,
		const char *password_file)
{
	struct msmtp *m = calloc(1, sizeof(*m));
	struct str text, secrets;
	struct err err;
	int status;

	if (program && !foreign_place(program)) {
		free(m);
		fprintf(stderr, "mailconf: --import: ssmtp, nullmailer, dma or "
				"postfix\n");
		return EX_USAGE;
	}
	if (password_file && password_file[0] != '/') {
		fprintf(stderr, "mailconf: --password-file: not a path that "
				"begins with /\n");
		free(m);
		return EX_USAGE;
	}
	err_nomem(&err);
	str_init_secret(&text, MSMTP_FILE_MOST);
	if (program && !path)
		path = foreign_place(program);
	if (!m || read_file(path, &text, &err) < 0) {
		applet_fail("mailconf", &err);
		str_wipe(&text);
		free(m);
		return EX_NOINPUT;
	}
	str_init_secret(&secrets, MSMTP_FILE_MOST);
	if ((program ? parse_other(m, program, str_span(&text), &secrets)
				: parse_msmtp(m, str_span(&text))) < 0)
		status = EX_DATAERR;
	else
		status = import(m, password_file);
	msmtp_free(m);
	free(m);
	str_wipe(&secrets);
	str_wipe(&text);
	return applet_end("mailconf", status);
}
