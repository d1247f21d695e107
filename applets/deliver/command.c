#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "applet.h"
#include "config.h"
#include "deliver/deliver.h"
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
};

static const struct opt_row rows[] = {
	{ 'd', "user", OPT_TEXT, OPT_AT(struct command, user) },
	{ 'f', "from", OPT_TEXT, OPT_AT(struct command, sender) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct command, conf_file) },
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

	c->status = AUTH_TEMP;
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
				c->conf->max_message_size)
			return err_set(err, ERR_PERM, "message too big");
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
	return rc;
}

static int hand_over(struct command *c)
{
	bool is_virtual = c->found.kind == AUTH_VIRTUAL;
	char text[DELIVER_HEAD_SIZE];
	struct system_mail m = {
		.user = c->found.name, .sender = c->sender, .when = clock_now(),
		.head = deliver_head(text, c->sender, is_virtual
				? c->found.name : c->user, c->user)
	};
	struct err err;
	int rc = read_input(c, &err);

	m.fd = c->body;
	m.length = c->size;
	m.address = c->user;
	m.box = is_virtual ? c->found.mailbox : NULL;
	if (rc == 0)
		rc = CFG_DELIVER_RECIPIENT ? to_recipient(c, &m, &err) :
			(is_virtual ? to_virtual : to_system)(c, &m, &err);
	if (rc == 0)
		return EX_OK;
	if (c->refused)
		return fail(EX_UNAVAILABLE, err.text);
	/* a mailbox can be put right: "no" would lose the mail */
	return fail(err.kind == ERR_PERM && c->size == 0 ? EX_DATAERR
			: EX_TEMPFAIL, err.text);
}

/* What stands in a header line and in an argument may not break either. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			return false;
	return true;
}

int command_main(int argc, char **argv)
{
	struct command c = { .sender = "" };

	if (usage_parse(argc, argv, rows, &c) != argc || !c.user)
		usage_fail(argv[0]);
	if (!is_plain(c.user) || !is_plain(c.sender) || strlen(c.user) > 255
			|| strlen(c.sender) > 255)
		return fail(EX_USAGE, "not an address");
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
