/* The files of a set-up: all of them, or none. */
#include "mailconf/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "mailconf/setup_edit.h"
#include "mailconf/setup_uci.h"
#include "os/file.h"
#include "os/text.h"

#define FILES_MOST 3		/* password, aliases, configuration */

/* A file before and behind; secret texts among them, so it is wiped. */
struct change {
	const char *path;
	mode_t mode;
	bool was, done;
	struct str before, after;
};

static int open_change(struct change *f, const char *path, mode_t mode,
		struct err *err)
{
	struct stat st;

	*f = (struct change){ .path = path, .mode = mode };
	str_init_secret(&f->before, SETUP_FILE_MOST);
	(mode == 0600 ? str_init_secret : str_init)(&f->after, SETUP_FILE_MOST);
	f->was = stat(path, &st) == 0;
	if (!f->was && errno != ENOENT)
		return err_errno(err, "%s", path);
	if (!f->was)
		return 0;
	if (mode != 0600)
		f->mode = st.st_mode & 07777;
	return file_read(AT_FDCWD, path, &f->before, err);
}

static void close_change(struct change *f)
{
	str_wipe(&f->before);
	str_wipe(&f->after);
}

static bool is_changed(const struct change *f)
{
	return f->path && !(f->was && span_eq(str_span(&f->before),
				str_span(&f->after)));
}

/* ... with owner and group of the one before. */
static int put(const struct change *f, const struct str *text, struct err *err)
{
	struct stat st;
	bool was = stat(f->path, &st) == 0;

	if (text->bad)
		return err_set(err, ERR_NOMEM, T("%s: too big"), f->path);
	if (file_replace(AT_FDCWD, f->path, f->mode, str_span(text), err) < 0)
		return -1;
	if (was && geteuid() == 0 && chown(f->path, st.st_uid, st.st_gid) < 0)
		return err_errno(err, "%s", f->path);
	return 0;
}

static void undo(struct change *f)
{
	if (!f->done)
		return;
	if (f->was)
		put(f, &f->before, NULL);
	else
		unlink(f->path);
}

/* The configuration before, for who wants it back. */
static int keep_old(const struct change *f, struct err *err)
{
	char old[1024];

	if (!f->was)
		return 0;
	if (snprintf(old, sizeof(old), "%s.old", f->path) >= (int)sizeof(old))
		return err_set(err, ERR_PERM, T("%s: name too long"), f->path);
	return file_replace(AT_FDCWD, old, f->mode, str_span(&f->before), err);
}

static bool has_secret(const struct setup *s)
{
	return s->kind != SETUP_DIRECT && s->value[SETUP_PASSWORD][0] &&
		strcmp(s->value[SETUP_ACCOUNT], "-") != 0;
}

/* It becomes an option, which the service puts there. */
static bool is_uci_secret(const struct setup *s)
{
	return CFG_MAILCONF_UCI && s->uci &&
		strcmp(s->secret, SETUP_UCI_SECRET) == 0;
}

static int put_uci(const struct setup *s, const struct change *f,
		struct err *err)
{
	return setup_uci_write(str_span(&f->before), str_span(&f->after),
			has_secret(s) && is_uci_secret(s) ?
			s->value[SETUP_PASSWORD] : NULL, err);
}

static int apply(const struct setup *s, struct change files[FILES_MOST],
		struct err *err)
{
	int rc = 0;

	for (int i = 0; i < FILES_MOST && rc == 0; i++) {
		bool uci = CFG_MAILCONF_UCI && s->uci && i == 2;

		if (!uci && !is_changed(&files[i]))
			continue;
		/* what fails there leaves all as it was */
		files[i].done = !uci;
		rc = uci ? put_uci(s, &files[i], err) :
			put(&files[i], &files[i].after, err);
	}
	for (int i = FILES_MOST; rc < 0 && i-- > 0;)
		undo(&files[i]);
	return rc;
}

/* -- the configuration -- */

/* text becomes what the edit made of it. */
static void step(struct str *text, struct str *made)
{
	struct str t = *text;

	*text = *made;
	*made = t;
	text->bad = text->bad || made->bad;
	str_clear(made);
}

static void edit(struct str *text, const char *name, const char *value,
		setup_match *match)
{
	struct str made;

	str_init(&made, SETUP_FILE_MOST);
	setup_edit(&made, str_span(text), name, value, match);
	step(text, &made);
	str_free(&made);
}

static void add(struct str *text, const char *name, const char *value)
{
	struct str made;

	str_init(&made, SETUP_FILE_MOST);
	setup_edit_add(&made, str_span(text), name, value);
	step(text, &made);
	str_free(&made);
}

static bool is_none(struct span rest)
{
	span_word(&rest);
	return span_is(span_trim(rest), "none");
}

static bool is_root(struct span rest)
{
	return span_is(span_word(&rest), "root");
}

/* A machine that only sends has no open port; a server loses those lines again. */
static void edit_listen(struct setup *s, struct str *text)
{
	char line[64];

	if (s->kind != SETUP_PROVIDER) {
		edit(text, "listen", NULL, is_none);
		return;
	}
	for (unsigned i = 0; i <= CONF_POP3S; i++) {
		const char *name = conf_service_name((enum conf_service)i);

		/* a line that stands in the file was meant */
		if (!(i < CONF_POP3 ? CFG_SMTPD : CFG_POP3D) ||
				setup_edit_has(str_span(text), "listen", name))
			continue;
		snprintf(line, sizeof(line), "%s none", name);
		add(text, "listen", line);
	}
}

static void put_smarthost(struct setup *s, struct str *out)
{
	const char *account = s->value[SETUP_ACCOUNT];

	str_adds(out, s->line);
	if (strcmp(account, "-") == 0)
		return;
	str_addf(out, " user=%s ", account);
	str_addf(out, strchr(s->secret, ' ') ? "\"password-file=%s\"" :
			"password-file=%s", s->secret);
	if (CFG_MASQUERADE && s->kind == SETUP_PROVIDER &&
			strchr(account, '@'))
		str_addf(out, " sender=%s", account);
}

/* The line that is there says it all, and may say more: it stays. */
static bool is_said(const struct setup *s)
{
	const struct conf_smarthost *h = setup_smarthost(s);
	const char *account = s->value[SETUP_ACCOUNT];
	bool sender = CFG_MASQUERADE && s->kind == SETUP_PROVIDER &&
		strchr(account, '@');
	struct span rest = span_of(s->line);
	char where[SETUP_VALUE];

	if (!h || strcmp(h->user ? h->user : "-", account) != 0 ||
			!h->sender != !sender ||
			(has_secret(s) && !h->password_file))
		return false;
	snprintf(where, sizeof(where), strchr(h->host, ':') ? "[%s]:%u" :
			"%s:%u", h->host, h->port);
	return span_is(span_word(&rest), where);
}

static void edit_smarthost(struct setup *s, struct str *text)
{
	struct str line;

	if (s->kind == SETUP_DIRECT) {
		edit(text, "smarthost", NULL, setup_is_plain_smarthost);
		return;
	}
	if (!*s->line || is_said(s))
		return;
	str_init(&line, 2048);
	put_smarthost(s, &line);
	edit(text, "smarthost", str_c(&line), setup_is_plain_smarthost);
	str_free(&line);
}

/* The domains of users that are not ours yet. */
static void add_domains(struct setup *s, struct str *text)
{
	struct span rest = span_of(s->value[SETUP_USERS]), word;
	char domain[SETUP_VALUE], seen[SETUP_VALUE] = "";

	if (s->kind == SETUP_PROVIDER)
		return;
	while ((word = span_word(&rest)).n) {
		struct span name = span_behind(word, '@');

		if ((!s->fresh && conf_is_local(s->conf, name)) ||
				span_is(name, s->value[SETUP_HOST]) ||
				span_is(name, seen) ||
				str_copy(domain, sizeof(domain), name) < 0)
			continue;
		add(text, "domain", domain);
		memcpy(seen, domain, sizeof(seen));
	}
}

/* The text of before, with what was answered in it. */
static void make_conf(struct setup *s, struct change *f)
{
	struct str *text = &f->after;
	bool same_name = !s->fresh && strcmp(s->conf->hostname,
			s->value[SETUP_HOST]) == 0;

	if (f->was)
		str_add(text, str_span(&f->before));
	else
		str_adds(text, "# Made by mailconf --setup, which may be run "
				"again.\n# All directives: mailconf "
				"--defaults\n");
	if (text->n && text->p[text->n - 1] != '\n')
		str_addc(text, '\n');
	if (!same_name)
		edit(text, "hostname", s->value[SETUP_HOST], NULL);
	edit_listen(s, text);
	edit_smarthost(s, text);
	add_domains(s, text);
	if (setup_root(s) == SETUP_ROOT_MASQUERADE &&
			*s->value[SETUP_ALERTS]) {
		char line[SETUP_VALUE + 8];

		snprintf(line, sizeof(line), "root %s",
				s->value[SETUP_ALERTS]);
		edit(text, "masquerade", line, is_root);
	}
}

/* Is it a configuration? Asked of a copy, before the true one is touched. */
static int try_conf(const struct change *f, struct err *err)
{
	char name[1024];
	struct conf *c;

	if (snprintf(name, sizeof(name), "%s.new", f->path) >=
			(int)sizeof(name))
		return err_set(err, ERR_PERM, T("%s: name too long"), f->path);
	if (file_replace(AT_FDCWD, name, 0600, str_span(&f->after), err) < 0)
		return -1;
	c = conf_read(name, false, err);
	unlink(name);
	conf_free(c);
	return c ? 0 : -1;
}

/* -- the others -- */

/* As it is, when it says that already: over several lines, perhaps. */
static void make_aliases(const char *alerts, struct change *f)
{
	struct str value;

	str_init(&value, SETUP_FILE_MOST);
	setup_alias_value(&value, str_span(&f->before), "root");
	if (f->was && strcmp(str_c(&value), alerts) == 0)
		str_add(&f->after, str_span(&f->before));
	else
		setup_edit_alias(&f->after, str_span(&f->before), "root",
				alerts);
	str_free(&value);
}

static int open_all(struct setup *s, struct change files[FILES_MOST],
		struct err *err)
{
	const char *alerts = s->value[SETUP_ALERTS];

	if (has_secret(s) && !is_uci_secret(s)) {
		if (open_change(&files[0], s->secret, 0600, err) < 0)
			return -1;
		str_addf(&files[0].after, "%s\n", s->value[SETUP_PASSWORD]);
	}
	if (setup_root(s) == SETUP_ROOT_ALIAS && *alerts) {
		if (open_change(&files[1], s->conf->aliases, 0644, err) < 0)
			return -1;
		make_aliases(alerts, &files[1]);
	}
	if (open_change(&files[2], s->path, 0644, err) < 0)
		return -1;
	make_conf(s, &files[2]);
	return 0;
}

bool setup_has_user(const char *users, struct span user)
{
	struct span rest = span_of(users), word;

	while ((word = span_word(&rest)).n)
		if (span_caseeq(word, user))
			return true;
	return false;
}

static void tell(const struct setup *s, const struct change files[FILES_MOST])
{
	bool any = false;

	for (int i = 0; i < FILES_MOST; i++) {
		if (!files[i].done)
			continue;
		any = true;
		if (i == 2 && files[i].was)
			console_say(&s->console, 2, T("Written: %s (as it was: "
						"%s.old)"), files[i].path,
					files[i].path);
		else
			console_say(&s->console, 2, T("Written: %s"),
					files[i].path);
	}
	if (CFG_MAILCONF_UCI && s->uci)
		console_say(&s->console, 2, T("Written: %s (as it was: %s)"),
				SETUP_UCI_FILE, SETUP_UCI_OLD);
	else if (!any)
		console_say(&s->console, 2, T("All of it was so already: "
					"nothing is written."));
}

int setup_write(struct setup *s, struct err *err)
{
	struct change files[FILES_MOST] = { { .path = NULL } };
	struct change *conf = &files[2];
	int rc = open_all(s, files, err);

	if (rc == 0 && is_changed(conf))
		rc = try_conf(conf, err);
	if (rc == 0 && is_changed(conf))
		rc = s->uci ? 0 : keep_old(conf, err);
	if (rc == 0)
		rc = apply(s, files, err);
	if (rc == 0)
		tell(s, files);
	for (int i = 0; i < FILES_MOST; i++)
		if (files[i].path)
			close_change(&files[i]);
	return rc;
}
