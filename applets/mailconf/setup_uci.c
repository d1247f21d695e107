/*
 * OpenWrt: the service's pillarbox.conf is made from /etc/config/pillarbox, so
 * that is where a set-up has to be. The options are the directives with _ for -,
 * see board-profiles/openwrt/pillarbox/files/pillarbox.init.
 */
#include "mailconf/setup_uci.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mailconf/self.h"
#include "os/file.h"
#include "os/text.h"

#define INIT "/etc/init.d/pillarbox"
#define SECTION "pillarbox.main."

/* -- what differs, as uci's commands -- */

/* The next line of a directive. */
static bool next_line(struct span *text, struct span *name, struct span *value)
{
	while (text->n) {
		*value = span_trim(span_cut(text, '\n'));
		*name = span_word(value);
		*value = span_trim(*value);
		if (name->n && name->p[0] != '#')
			return true;
	}
	return false;
}

/* All values of a directive, a line each; how many. */
static unsigned values(struct str *out, struct span text, struct span name)
{
	struct span word, value;
	unsigned n = 0;

	str_clear(out);
	while (next_line(&text, &word, &value))
		if (span_eq(word, name)) {
			str_addf(out, "%.*s\n", SPAN_ARG(value));
			n++;
		}
	return n;
}

/* As a shell has it: 'it'\''s' */
static void put_quoted(struct str *out, struct span value)
{
	str_addc(out, '\'');
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\'')
			str_adds(out, "'\\''");
		else
			str_addc(out, value.p[i]);
	str_adds(out, "'\n");
}

static void put_name(struct str *out, const char *command, struct span name)
{
	str_addf(out, "%s " SECTION, command);
	for (size_t i = 0; i < name.n; i++)
		str_addc(out, name.p[i] == '-' ? '_' : name.p[i]);
}

/* Without the file that the service makes of smarthost_password. */
static void put_value(struct str *out, struct span value)
{
	static const char own[] = " password-file=" SETUP_UCI_SECRET;
	struct str rest;
	size_t at = 0;

	while (at < value.n && !span_starts(span_rest(value, at), own))
		at++;
	str_init(&rest, SETUP_FILE_MOST);
	str_add(&rest, span_sub(value, 0, at));
	str_add(&rest, span_rest(value, at + sizeof(own) - 1));
	put_quoted(out, str_span(&rest));
	out->bad |= rest.bad;
	str_free(&rest);
}

/* One value is an option where LuCI's page and others look for one. */
static bool is_option(struct span name, unsigned n)
{
	return n == 1 && (span_is(name, "hostname") ||
			span_is(name, "smarthost"));
}

static void put_directive(struct str *out, struct span name, unsigned before,
		unsigned n, struct span lines)
{
	if (before) {
		put_name(out, "delete", name);
		str_addc(out, '\n');
	}
	while (lines.n) {
		put_name(out, is_option(name, n) ? "set" : "add_list", name);
		str_addc(out, '=');
		put_value(out, span_cut(&lines, '\n'));
	}
}

/* Is there one of this name before p? */
static bool is_known(struct span text, const char *p, struct span name)
{
	struct span word, value;

	while (next_line(&text, &word, &value) && word.p != p)
		if (span_eq(word, name))
			return true;
	return false;
}

/* Each directive of walk that was not told yet, where its lines differ. */
static void put_differences(struct str *out, struct span walk,
		struct span before, struct span after, struct span told)
{
	struct span rest = walk, name, value;
	struct str was, is;

	str_init(&was, SETUP_FILE_MOST);
	str_init(&is, SETUP_FILE_MOST);
	while (next_line(&rest, &name, &value)) {
		unsigned n, m;

		if (is_known(walk, name.p, name) || is_known(told, NULL, name))
			continue;
		n = values(&was, before, name);
		m = values(&is, after, name);
		if (!span_eq(str_span(&was), str_span(&is)))
			put_directive(out, name, n, m, str_span(&is));
	}
	out->bad |= was.bad | is.bad;
	str_free(&was);
	str_free(&is);
}

void setup_uci_commands(struct str *out, struct span before, struct span after,
		const char *password)
{
	put_differences(out, after, before, after, (struct span){ 0 });
	put_differences(out, before, before, after, after);
	if (password) {
		str_adds(out, "set " SECTION "smarthost_password=");
		put_quoted(out, span_of(password));
	}
	str_adds(out, "set " SECTION "enabled='1'\ncommit pillarbox\n");
}

/* -- running them -- */

static int command(const char *path, const char *const argv[], int in,
		struct err *err)
{
	struct str out;
	int rc;

	str_init(&out, 4096);
	rc = self_command(path, argv, in, -1, &out, err);
	if (rc > 0)
		rc = err_set(err, ERR_PERM, "%s %s: %.*s", path, argv[1],
				SPAN_ARG(span_trim(str_span(&out))));
	str_free(&out);
	return rc;
}

int setup_uci_load(struct err *err)
{
	static const char *const argv[] = { "pillarbox", "reload", NULL };

	return command(INIT, argv, -1, err);
}

/* By its standard input, as the password is among them. */
static int run(struct span commands, struct err *err)
{
	static const char *const argv[] = { "uci", "batch", NULL };
	int fd = self_file(commands, err), rc;

	if (fd < 0)
		return -1;
	rc = command(SETUP_UCI_COMMAND, argv, fd, err);
	close(fd);
	return rc;
}

static int change(struct span commands, struct err *err)
{
	struct str before;
	int rc;

	str_init_secret(&before, SETUP_FILE_MOST);
	rc = file_read(AT_FDCWD, SETUP_UCI_FILE, &before, err);
	if (rc == 0)
		rc = file_replace(AT_FDCWD, SETUP_UCI_OLD, 0600,
				str_span(&before), err);
	if (rc == 0) {
		rc = run(commands, err);
		if (rc == 0)
			rc = setup_uci_load(err);
		if (rc < 0)
			file_replace(AT_FDCWD, SETUP_UCI_FILE, 0600,
					str_span(&before), NULL);
	}
	str_wipe(&before);
	return rc;
}

int setup_uci_write(struct span before, struct span after,
		const char *password, struct err *err)
{
	struct str commands;
	int rc;

	str_init_secret(&commands, SETUP_FILE_MOST);
	setup_uci_commands(&commands, before, after, password);
	rc = commands.bad ? err_set(err, ERR_NOMEM, T("%s: too big"),
			SETUP_UCI_FILE) : change(str_span(&commands), err);
	str_wipe(&commands);
	return rc;
}
