#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "applet.h"
#include "config.h"
#include "deliver/deliver.h"
#include "deliver/mda.h"
#include "deliver/recipient.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "os/opt.h"
#include "store/disk.h"

struct command {
	const char *user, *sender, *conf_file;
	struct conf *conf;
	struct loop *loop;
	enum auth_status status;
	struct auth_user found;
	int body;
	int64_t size;
	bool refused;			/* by the recipient */
	bool full;			/* the mailbox is */
	bool kept;			/* it has come into the mailbox */
	bool too_big;
	char bare[ADDR_MAX];		/* sender without its <> */
	struct mda mda;			/* with DELIVER_MDA */
	struct maildir_quota quota;
};

static const struct opt_row rows[] = {
	{ 'd', "user", OPT_TEXT, OPT_AT(struct command, user) },
	{ 'f', "from", OPT_TEXT, OPT_AT(struct command, sender) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct command, conf_file) },
	USE_DELIVER_MDA({ 'a', "", OPT_TEXT, OPT_AT(struct command,
			mda.argument) },)
	USE_DELIVER_MDA({ 'm', "", OPT_TEXT, OPT_AT(struct command,
			mda.folder) },)
	/* procmail's, which are always so here; dovecot-lda's -e */
	USE_DELIVER_MDA({ 't', "", OPT_IGNORE, 0 },)
	USE_DELIVER_MDA({ 'Y', "", OPT_IGNORE, 0 },)
	USE_DELIVER_MDA({ 'o', "", OPT_IGNORE, 0 },)
	USE_DELIVER_MDA({ 'e', "", OPT_IGNORE, 0 },)
	{ 0 }
};

/* "-d" makes it the command; the daemon has no such option. */
bool command_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "-d", 2) == 0
				|| strncmp(argv[i], "--user", 6) == 0)
			return true;
	return false;
}

static int fail(int status, const char *text)
{
	fprintf(stderr, "deliver: %s\n", text);
	return status;
}

/* -- whose mailbox -- */

static void on_found(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct command *c = arg;

	c->status = status;
	if (status == AUTH_OK)
		c->found = *user;
	loop_stop(c->loop, 0);
}

static void ask_authd(struct command *c, const char *address)
{
	char path[256];
	struct auth *auth;
	struct err err;

	snprintf(path, sizeof(path), "%s/" AUTH_SOCKET, c->conf->run_dir);
	if (access(path, F_OK) < 0)
		return;		/* no need to wait for nobody */
	c->loop = loop_new(&err);
	if (!c->loop)
		return;
	auth = auth_new(c->loop, path);
	if (auth && auth_lookup(auth, span_of(address), on_found, c))
		loop_run(c->loop);
	auth_free(auth);
	loop_free(c->loop);
}

/* Whom nobody needs to be asked about, who would not answer him either. */
static bool is_self(const struct command *c)
{
	struct priv_user user;

	return geteuid() != 0 && c->conf->system_users && priv_find(c->user,
			&user, NULL) == 0 && user.uid == geteuid();
}

/*
 * Without authd: an account of this machine may be named without a domain. Who
 * is not found so may be a virtual user: that is no "no".
 */
static void ask_system(struct command *c)
{
	struct priv_user user;

	if (!c->conf->system_users || priv_find(c->user, &user, NULL) < 0)
		return;
	c->status = AUTH_OK;
	c->found = (struct auth_user){ .kind = AUTH_SYSTEM, .uid = user.uid,
		.gid = user.gid };
	memcpy(c->found.name, user.name, sizeof(user.name));
}

static void find_user(struct command *c)
{
	bool plain = !strchr(c->user, '@') && c->conf->domains;
	char address[600];

	snprintf(address, sizeof(address), "%s%s%s", c->user, plain ? "@" : "",
			plain ? c->conf->domains->text : "");
	c->status = AUTH_TEMP;
	if (!is_self(c))
		ask_authd(c, address);
	if (c->status == AUTH_TEMP && !strchr(c->user, '@'))
		ask_system(c);
}

/* -- the message -- */

/* Standard input may be a pipe: it goes to a file without a name first. */
static int read_input(struct command *c, struct err *err)
{
	char piece[4096];
	ssize_t n;

	c->body = file_temporary(err);
	if (c->body < 0)
		return -1;
	while ((n = file_get(STDIN_FILENO, piece, sizeof(piece))) != 0) {
		if (n < 0 || file_write(c->body, piece, (size_t)n) < 0)
			return disk_err(err, "reading the message");
		c->size += n;
		if (c->conf->max_message_size && (uint64_t)c->size >
				c->conf->max_message_size) {
			c->too_big = true;
			return err_set(err, ERR_PERM, "message too big");
		}
	}
	return 0;
}

static int to_virtual(struct command *c, const struct system_mail *m,
		struct err *err)
{
	int dir = disk_folder(AT_FDCWD, c->conf->mail_dir);
	bool before;

	if (dir < 0)
		return disk_err(err, c->conf->mail_dir);
	if (priv_drop(c->conf->user_store, (gid_t)-1, NULL, NULL, err) < 0)
		return -1;
	c->kept = true;
	if (CFG_DELIVER_MDA && c->mda.folder)
		return mda_to_folder(&c->mda, dir, c->found.mailbox, m,
				&before, err);
	return system_mail_append(dir, c->found.mailbox, true, m, &before, err);
}

static int to_system(struct command *c, const struct system_mail *m,
		struct err *err)
{
	struct priv_user user;
	int dir = system_mbox_dir(c->conf, err);
	bool before;

	if (dir < 0 || priv_find(m->user, &user, err) < 0
			|| system_become(dir, &user, err) < 0
			|| system_mail_append(dir, m->user, false, m, &before,
				err) < 0)
		return -1;
	notice_new_mail(m);
	return 0;
}

/* All that he has decided but .forward, which is for who calls us to follow. */
static int to_recipient(struct command *c, const struct system_mail *m,
		struct err *err)
{
	struct recipient_end end = { .before = false };
	int dir = m->box ? -1 : system_mbox_dir(c->conf, err), rc;

	if (dir < 0 && !m->box)
		return -1;
	rc = recipient_deliver(c->conf, dir, m, &end, err);
	c->refused = rc < 0 && end.final;
	c->kept = end.kept;
	return rc;
}

static int place(struct command *c, const struct system_mail *m,
		struct err *err)
{
	bool folder = CFG_DELIVER_MDA && c->mda.folder;

	if (folder && !m->box)
		return err_set(err, ERR_TEMP, "an mbox has no folders");
	if (CFG_DELIVER_RECIPIENT && !folder)
		return to_recipient(c, m, err);
	return (m->box ? to_virtual : to_system)(c, m, err);
}

/* Opened before rights are given up. Without a quota it is not looked at. */
static int place_in_quota(struct command *c, const struct system_mail *m,
		struct err *err)
{
	bool maildir = m->box;
	int dir = disk_folder(AT_FDCWD, maildir ? c->conf->mail_dir :
			c->conf->mbox_dir), rc;

	c->quota = quota_of(c->conf, &c->found);
	if (dir >= 0 && !quota_has_room(dir, maildir, c->found.mailbox,
				&c->quota, (uint64_t)m->length)) {
		c->full = true;
		err_set(err, ERR_TEMP, "mailbox full");
		close(dir);
		return -1;
	}
	rc = place(c, m, err);
	if (rc == 0 && c->kept && maildir && dir >= 0)
		maildir_quota_add(dir, c->found.mailbox, (int64_t)m->head.n
				+ m->length, 1);
	if (dir >= 0)
		close(dir);
	return rc;
}

/* What the sender is told, or we are: see sysexits.h. */
static int status_of(const struct command *c)
{
	if (c->refused)
		return EX_UNAVAILABLE;
	if (c->full && !c->conf->quota_defer)
		return EX_CANTCREAT;
	/* a mailbox can be put right: "no" would lose the mail */
	return c->too_big ? EX_DATAERR : EX_TEMPFAIL;
}

static int hand_over(struct command *c)
{
	bool is_virtual = c->found.kind == AUTH_VIRTUAL;
	const char *to = is_virtual ? c->found.name : c->user;
	struct system_mail m = {
		.user = c->found.name, .address = c->user, .when = clock_now(),
		.box = is_virtual ? c->found.mailbox : NULL
	};
	const char *original = c->user;
	char text[DELIVER_HEAD_SIZE], hook[AUTH_SETTINGS_SIZE];
	struct err err;
	int rc = read_input(c, &err);

	if (CFG_DELIVER_COMMAND)
		m.hook = recipient_hook(c->conf, &c->found, hook);
	if (CFG_DELIVER_MDA) {
		m.start = mda_envelope(&c->mda, c->body);
		mda_recipient(&c->mda, c->conf, c->user);
		m.address = c->mda.address;
		original = c->mda.original;
		if (!c->sender)
			c->sender = c->mda.sender;
	}
	m.sender = c->sender ? c->sender : "";
	m.head = deliver_head(text, m.sender, to, original);
	if (CFG_DELIVER_MDA)
		m.head = mda_head(c->body, m.start, to, m.head);
	m.fd = c->body;
	m.length = c->size - m.start;
	m.gzip = CFG_MAILBOX_GZIP && c->conf->mailbox_gzip && m.box &&
		(uint64_t)m.length >= c->conf->mailbox_gzip;
	if (rc == 0)
		rc = (CFG_DELIVER_QUOTA ? place_in_quota : place)(c, &m, &err);
	return rc == 0 ? EX_OK : fail(status_of(c), err.text);
}

/* sendmail says "<>" where nobody is the sender, and others <ADDRESS>. */
static void take_sender(struct command *c)
{
	struct span s = span_of(c->sender);

	if (s.n < 2 || s.p[0] != '<' || s.p[s.n - 1] != '>')
		return;
	str_copy(c->bare, sizeof(c->bare), span_sub(s, 1, s.n - 1));
	c->sender = c->bare;
}

/* What stands in a header line and in an argument may not break either. */
bool command_is_plain(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 127)
			return false;
	return n < ADDR_MAX;
}

int command_main(int argc, char **argv)
{
	struct command c = { .sender = NULL };

	if (usage_parse(argc, argv, rows, &c) != argc || !c.user)
		usage_fail(argv[0]);
	if (!command_is_plain(c.user)
			|| (c.sender && !command_is_plain(c.sender)))
		return fail(EX_USAGE, "not an address");
	if (c.sender)
		take_sender(&c);
	c.conf = conf_read_or_exit(c.conf_file);
	find_user(&c);
	if (c.status == AUTH_NO)
		return fail(EX_NOUSER, "no such user");
	if (c.status == AUTH_OK && c.found.kind == AUTH_ALIAS)
		return fail(EX_NOUSER, "an alias has no mailbox");
	if (c.status == AUTH_TEMP)
		return fail(EX_TEMPFAIL, "users cannot be looked up");
	return hand_over(&c);
}
