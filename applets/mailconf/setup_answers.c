/* A file of answers: "key value" lines, for images that a script makes. */
#include "mailconf/setup.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/text.h"

#define PASSWORD_FILE SETUP_FIELDS	/* the number of its row */

static const char *const keys[] = {
	[SETUP_KIND] = "kind", [SETUP_HOST] = "hostname",
	[SETUP_USERS] = "users", [SETUP_ACCOUNT] = "account",
	[SETUP_SERVER] = "server", [SETUP_PASSWORD] = "password",
	[SETUP_ALERTS] = "alerts", [PASSWORD_FILE] = "password-file"
};
#define KEYS (sizeof(keys) / sizeof(*keys))

const char *setup_key(enum setup_field f)
{
	return keys[f];
}

static int bad(struct err *err, const char *path, unsigned line,
		struct span key, const char *what)
{
	return err_set(err, ERR_PERM, "%s:%u: %.*s: %s", path, line,
			SPAN_ARG(key), what);
}

static int take(struct setup *s, bool *seen, const char *path, unsigned line,
		struct span text, struct err *err)
{
	struct span key = span_word(&text);
	size_t i = 0;
	char *to;

	text = span_trim(text);
	while (i < KEYS && !span_is(key, keys[i]))
		i++;
	if (i == KEYS)
		return bad(err, path, line, key, T("no such key"));
	if (seen[i])
		return bad(err, path, line, key, T("given twice"));
	seen[i] = true;
	to = i == PASSWORD_FILE ? s->password_file : s->value[i];
	if (!text.n)
		return bad(err, path, line, key, T("needs a value"));
	if (span_has_control(text) || str_copy(to, SETUP_VALUE, text) < 0)
		return bad(err, path, line, key, T("too long, or a "
				"control character"));
	if (i < SETUP_FIELDS)
		s->given[i] = true;
	return 0;
}

int setup_parse_answers(struct setup *s, const char *path, struct span text,
		struct err *err)
{
	bool seen[KEYS] = { false };
	unsigned n = 0;

	while (text.n) {
		struct span line = span_trim(span_cut(&text, '\n'));

		n++;
		if (line.n && line.p[0] != '#' &&
				take(s, seen, path, n, line, err) < 0)
			return -1;
	}
	if (seen[SETUP_PASSWORD] && seen[PASSWORD_FILE])
		return err_set(err, ERR_PERM,
				T("%s: password and password-file"), path);
	if (*s->password_file && s->password_file[0] != '/')
		return err_set(err, ERR_PERM, T("%s: password-file does not "
				"begin with /"), path);
	return 0;
}

/* A password in a file that others can read is none. */
static int check_mode(const struct setup *s, const char *path,
		struct err *err)
{
	int fd = s->given[SETUP_PASSWORD] ? file_open_secret(path, err) : 0;

	if (fd > 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

int setup_read_answers(struct setup *s, const char *path, struct err *err)
{
	struct str text;
	int rc;

	str_init_secret(&text, SETUP_FILE_MOST);
	rc = file_read(AT_FDCWD, path, &text, err);
	if (rc == 0)
		rc = setup_parse_answers(s, path, str_span(&text), err);
	if (rc == 0)
		rc = check_mode(s, path, err);
	str_wipe(&text);
	return rc;
}
