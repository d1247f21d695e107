/* mailuser - adds, removes and lists the users of this mail server
 *
 * RFC 5802, 7677 (the form in which passwords are kept)
 *
 * applet mailuser admin
 * file mailuser_admin.c USERS_FULL
 * file mailuser_copy.c USERS_FULL
 * file mailuser_rename.c USERS_FULL
 * file mailuser_show.c USERS_FULL
 * file mailuser_import.c MAILUSER_IMPORT
 * file import_record.c MAILUSER_IMPORT
 * file mailuser_export.c MAILUSER_IMPORT
 *
 * config MAILUSER
 *	bool "mailuser (7 kB)"
 *	default y
 *	select LIB_SQLITE
 *	help
 *	  usage: mailuser [-C FILE] add|passwd [-g] ADDRESS
 *	         mailuser [-C FILE] del ADDRESS | list [DOMAIN]
 *
 *	  Keeps the users in users.db.
 *
 *	  add     a new user; the password is asked for, or a line of stdin
 *	  passwd  a new password
 *	  del     no login, no new mail; old mail stays
 *	  list    the users
 *	  -g, --generate  make a password and print it
 *	  -C FILE         configuration
 *
 *	  With USERS_FULL:
 *
 *	  show, enable, disable ADDRESS
 *	  quota ADDRESS SIZE|none|unlimited [MESSAGES]
 *	  rename ADDRESS NEW; set ADDRESS forward|hook VALUE|none
 *	  app add|del ADDRESS NAME, app list ADDRESS
 *	  domain add|del DOMAIN, domain list
 *	  alias add ADDRESS|@DOMAIN TARGET..., alias del ADDRESS [TARGET],
 *	  alias list; backup|restore FILE; -j, --json with show and lists
 *
 *	  With MAILUSER_IMPORT:
 *
 *	  import [--format csv|dovecot|postfix] FILE, export
 *
 * config MAILUSER_IMPORT
 *	bool "mailuser import, export (8 kB)"
 *	depends on USERS_FULL
 *	help
 *	  Users, passwords, quotas and aliases from and to CSV, Dovecot's
 *	  passwd-file and Postfix's virtual maps.
 */
#include "applet.h"
#include "config.h"
#include "mailuser/mailuser.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/idna.h"
#include "base/str.h"
#include "mime/addr.h"
#include "net/daemon.h"
#include "os/conf.h"
#include "os/file.h"
#include "os/opt.h"
#include "os/priv.h"
#include "os/rand.h"
#include "store/user.h"

static const struct opt_row rows[] = {
	{ 'C', "config", OPT_TEXT, OPT_AT(struct mailuser, path) },
	{ 'g', "generate", OPT_FLAG, OPT_AT(struct mailuser, generate) },
	USE_USERS_FULL({ 'j', "json", OPT_FLAG,
		OPT_AT(struct mailuser, json) },)
	USE_MAILUSER_IMPORT({ 0, "format", OPT_TEXT,
		OPT_AT(struct mailuser, format) },)
	{ 0 }
};

static int no_such_user(const struct mailuser *m)
{
	fprintf(stderr, "mailuser: %.*s: no such user\n",
			SPAN_ARG(m->address));
	return EX_NOUSER;
}

int mailuser_status(const struct mailuser *m, int result,
		const struct err *err)
{
	if (result > 0)
		return no_such_user(m);
	return result < 0 ? applet_fail("mailuser", err) : EX_OK;
}

/* -- files -- */

/* An old one is given to user-auth, too: that may have changed. */
struct user_db *mailuser_open(struct mailuser *m, struct err *err)
{
	struct user_db *db = NULL;
	struct priv_user owner;
	int fd;

	if (file_mkdirs(AT_FDCWD, m->conf->state_dir, 0755, err) < 0)
		return NULL;
	fd = open(m->file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && geteuid() == 0 &&
			priv_find(m->conf->user_auth, &owner, err) < 0)
		goto out;
	if (fd < 0 || (geteuid() == 0 &&
			fchown(fd, owner.uid, owner.gid) < 0))
		err_errno(err, "%s", m->file);
	else
		db = user_open(m->file, true, err);
out:
	if (fd >= 0)
		close(fd);
	return db;
}

/*
 * So that an empty mailbox can be read. Done as its owner: what user-store may
 * have put in the way (a link to /etc, say) must not be followed as root.
 */
static int make_maildir(const struct mailuser *m, const char *mailbox,
		struct err *err)
{
	static const char *const parts[] = { "tmp", "new", "cur" };
	const struct conf *conf = m->conf;
	char path[sizeof(((struct user *)0)->mailbox) + 8];
	int dir, result = -1;

	if (daemon_dir(conf->mail_dir, 0755, conf->user_store, err) < 0)
		return -1;
	dir = open(conf->mail_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, "%s", conf->mail_dir);
	umask(077);
	if (priv_drop(m->conf->user_store, (gid_t)-1, NULL, NULL, err) < 0)
		goto out;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", mailbox, parts[i]);
		if (file_mkdirs(dir, path, 0700, err) < 0)
			goto out;
	}
	result = 0;
out:
	close(dir);
	return result;
}

/* -- the verbs -- */

void mailuser_derive(const struct mailuser *m, struct scram_keys *keys,
		const char *password)
{
	if (!keys->rounds) {
		rand_bytes(keys->salt, sizeof(keys->salt));
		keys->rounds = m->conf->scram_rounds;
	}
	scram_derive(keys, span_of(password), keys->salt, keys->rounds);
}

/*
 * Keys for the password that is asked for or made; keys->rounds, if any, and
 * the salt with them are kept. An exit status.
 */
static int get_keys(struct mailuser *m, struct scram_keys *keys,
		char password[PASSWORD_SIZE])
{
	struct err err;

	if (m->generate) {
		mailuser_make_password(password);
	} else if (mailuser_ask_password(password, m->operand[1], &err) < 0) {
		applet_fail("mailuser", &err);
		return EX_DATAERR;
	}
	mailuser_derive(m, keys, password);
	return EX_OK;
}

static int print_password(const struct mailuser *m, const char *password)
{
	if (m->generate)
		puts(password);
	return applet_end("mailuser", EX_OK);
}

bool mailuser_is_ours(const struct mailuser *m, struct span address)
{
	struct span domain = address;

	span_cut(&domain, '@');
	if (conf_is_local(m->conf, domain))
		return true;
	if (CFG_USERS_FULL)
		fprintf(stderr, "mailuser: %.*s is no domain of ours: first "
			"mailuser domain add %.*s\n", SPAN_ARG(domain),
			SPAN_ARG(domain));
	else
		fprintf(stderr, "mailuser: first add the line \"domain %.*s\" "
			"to %s and send maild a SIGHUP\n", SPAN_ARG(domain),
			conf_path(m->path));
	return false;
}

static int finish_add(struct mailuser *m, struct user_db *db,
		const char *password)
{
	struct user user;
	struct err err;
	int result = user_find(db, m->address, &user, NULL, &err);

	if (result != 0)
		return mailuser_status(m, result, &err);
	if (make_maildir(m, user.mailbox, &err) < 0) {
		fprintf(stderr, "mailuser: %s was added, but not its mailbox: "
			"%s (mail-dir must belong to user-store, %s)\n",
			user.address, err.text, m->conf->user_store);
		print_password(m, password);
		return EX_CANTCREAT;
	}
	return print_password(m, password);
}

static int add(struct mailuser *m)
{
	char password[PASSWORD_SIZE];
	struct scram_keys keys = { 0 };
	struct user_db *db = NULL;
	struct err err;
	int status;

	if (!mailuser_is_ours(m, m->address))
		return EX_CONFIG;
	status = get_keys(m, &keys, password);
	if (status != EX_OK)
		goto out;
	db = mailuser_open(m, &err);
	if (!db || user_add(db, m->address, &keys, &err) < 0)
		status = applet_fail("mailuser", &err);
	else
		status = finish_add(m, db, password);
	user_close(db);
out:
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&keys, sizeof(keys));
	return status;
}

/* The user is looked for before the password is asked for. */
static int passwd(struct mailuser *m)
{
	char password[PASSWORD_SIZE];
	struct scram_keys keys = { 0 };
	struct user user;
	struct err err;
	struct user_db *db = mailuser_open(m, &err);
	int result = db ? user_find(db, m->address, &user, NULL, &err) : -1;
	int status = mailuser_status(m, result, &err);

	/* app passwords stay, and all have one salt */
	if (CFG_USERS_FULL && status == EX_OK)
		status = mailuser_shared_salt(m, db, user.id, true, &keys);
	if (status == EX_OK)
		status = get_keys(m, &keys, password);
	if (status == EX_OK)
		status = mailuser_status(m, user_set_keys(db, m->address, &keys,
				&err), &err);
	if (status == EX_OK)
		status = print_password(m, password);
	user_close(db);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&keys, sizeof(keys));
	return status;
}

static int del(struct mailuser *m)
{
	struct user user;
	struct stat st;
	struct err err;
	struct user_db *db = mailuser_open(m, &err);
	int result = db ? user_find(db, m->address, &user, NULL, &err) : -1;
	char path[1400];

	if (result == 0)
		result = user_delete(db, m->address, &err);
	user_close(db);
	if (result != 0)
		return mailuser_status(m, result, &err);
	snprintf(path, sizeof(path), "%s/%s", m->conf->mail_dir, user.mailbox);
	if (stat(path, &st) == 0)
		fprintf(stderr, "mailuser: the mail stays in %s\n", path);
	return EX_OK;
}

static bool print_user(void *arg, const struct user *user)
{
	const struct mailuser *m = arg;
	struct addr a = addr_split(span_of(user->address));
	struct str text;
	bool goes_on;

	if (m->operand[1] && !idna_same(a.domain, span_of(m->operand[1])))
		return true;
	if (CFG_USERS_FULL && m->json)
		return mailuser_print_json(user, NULL);
	str_init(&text, 2 * USER_ADDRESS_SIZE);
	idna_text(&text, a.domain);
	goes_on = printf("%.*s@%s\n", SPAN_ARG(a.local), str_c(&text)) >= 0;
	str_free(&text);
	return goes_on;
}

/* Before the first user was added there is no file, and nothing to list. */
static int list(struct mailuser *m)
{
	struct user_db *db;
	struct err err;
	int status = EX_OK;

	if (access(m->file, F_OK) < 0 && errno == ENOENT)
		return EX_OK;
	db = user_open(m->file, false, &err);
	if (!db || user_each(db, print_user, m, &err) < 0)
		status = applet_fail("mailuser", &err);
	user_close(db);
	return applet_end("mailuser", status);
}

static const struct mailuser_verb {
	const char *name;
	int (*run)(struct mailuser *m);
	bool address;			/* needs one; else a word may follow */
	unsigned char least, most;	/* operands behind the verb */
} verbs[] = {
	{ "add", add, true, 1, 1 },
	{ "del", del, true, 1, 1 },
	{ "passwd", passwd, true, 1, 1 },
	{ "list", list, false, 0, 1 },
	USE_USERS_FULL(
		{ "show", mailuser_show, true, 1, 1 },
		{ "enable", mailuser_enable, true, 1, 1 },
		{ "disable", mailuser_disable, true, 1, 1 },
		{ "quota", mailuser_quota, true, 2, 3 },
		{ "rename", mailuser_rename, true, 2, 2 },
		{ "set", mailuser_set, true, 3, 3 },
		{ "app", mailuser_app, false, 2, 3 },
		{ "domain", mailuser_domain, false, 1, 2 },
		{ "alias", mailuser_alias, false, 1, OPERANDS_MOST - 1 },
		{ "backup", mailuser_backup, false, 1, 1 },
		{ "restore", mailuser_restore, false, 1, 1 },
	)
	USE_MAILUSER_IMPORT(
		{ "import", mailuser_import, false, 1, 1 },
		{ "export", mailuser_export, false, 0, 0 },
	)
	{ 0 }
};

static const struct mailuser_verb *find_verb(const char *name)
{
	for (const struct mailuser_verb *v = verbs; name && v->name; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

/* Options may stand before, between and behind the operands. */
static int parse(int argc, char **argv, struct mailuser *m, struct err *err)
{
	int at = 0, n = 0;

	for (;;) {
		int next = opt_parse(argc - at, argv + at, rows, m, err);

		if (next < 0)
			return -1;
		at += next;
		if (at >= argc)
			return 0;
		if (n == OPERANDS_MOST)
			return err_set(err, ERR_PERM, "%s: what is this?",
					argv[at]);
		m->operand[n++] = argv[at];
		m->operands = n;
	}
}

static int run(struct mailuser *m, const struct mailuser_verb *verb)
{
	m->address = span_of(m->operand[1] ? m->operand[1] : "");
	if (verb->address && !user_address_valid(m->address)) {
		fprintf(stderr, "mailuser: %s: not an address for a user "
			"(letters, digits and ._+- @ a domain)\n",
			m->operand[1]);
		return EX_DATAERR;
	}
	m->conf = conf_read_or_exit(m->path);
	if (snprintf(m->file, sizeof(m->file), "%s/" USER_FILE,
			m->conf->state_dir) >= (int)sizeof(m->file)) {
		fprintf(stderr, "mailuser: state-dir is too long\n");
		return EX_CONFIG;
	}
	return verb->run(m);
}

int mailuser_main(int argc, char **argv)
{
	struct mailuser m = { 0 };
	const struct mailuser_verb *verb;
	struct err err;
	int status;

	if (parse(argc, argv, &m, &err) < 0) {
		applet_fail(argv[0], &err);
		usage_fail(argv[0]);
	}
	verb = find_verb(m.operand[0]);
	if (CFG_USERS_FULL && verb && m.operands - 1 > verb->most)
		fprintf(stderr, "mailuser: %s: what is this?\n",
				m.operand[verb->most + 1]);
	if (!verb || m.operands - 1 < verb->least ||
			m.operands - 1 > verb->most)
		usage_fail(argv[0]);
	status = run(&m, verb);
	conf_free(m.conf);
	return status;
}
