#include "mailconf/setup.h"
#include "mailconf/mailconf.h"
#include "mailconf/setup_uci.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "os/file.h"
#include "os/text.h"

#define INTERRUPTED 130		/* as a shell has it */

static void add_user(struct setup *s, const char *user)
{
	const char *const argv[] = { "mailuser", "-C", s->path, "add", "-g",
		user, NULL };
	struct str out;
	struct err err;
	int rc;

	str_init_secret(&out, 4096);
	rc = self_run(argv, -1, -1, &out, &err);
	if (rc == 0)
		console_say(&s->console, 2, T("New user %s, password %s"),
				user, str_c(&out));
	else
		console_say(&s->console, 2, T("User %s: %s"), user, rc < 0 ?
				err.text : str_c(&out));
	str_wipe(&out);
}

static void add_users(struct setup *s)
{
	struct span rest = span_of(s->value[SETUP_USERS]), word;
	char user[SETUP_VALUE];

	if (s->kind == SETUP_PROVIDER)
		return;
	while ((word = span_word(&rest)).n)
		if (!setup_has_user(s->users, word) &&
				str_copy(user, sizeof(user), word) == 0)
			add_user(s, user);
}

static void tell_next(struct setup *s)
{
	const char *restart = access("/etc/init.d/pillarbox", X_OK) == 0 ?
		"/etc/init.d/pillarbox restart" :
		access("/run/systemd/system", F_OK) == 0 ?
		"systemctl restart pillarbox" : NULL;

	if (s->uci)
		console_say(&s->console, 2, T("The daemons have it already."));
	else if (restart)
		console_say(&s->console, 2, T("The daemons take it up with: "
					"%s"), restart);
	else
		console_say(&s->console, 2, CFG_MAILD ?
				T("Daemons that run take it up when they are "
					"started anew; maild also by a "
					"SIGHUP.") :
				T("A queue that runs takes it up when it is "
					"started anew."));
	if (CFG_MAILCONF_DOCTOR)
		console_say(&s->console, 2, T("What else is to be done says: "
					"mailconf --doctor"));
}

static int finish(struct setup *s)
{
	struct err err;
	int status = EX_OK;

	if (!s->answers)
		puts("");
	if (setup_write(s, &err) < 0) {
		fprintf(stderr, "mailconf: %s\n%s\n", err.text,
				T("Nothing has been changed."));
		return EX_CANTCREAT;
	}
	add_users(s);
	if (!s->no_check)
		status = setup_send(s);
	tell_next(s);
	return status;
}

/* Told before anything is asked, not behind the sixth question. */
static int can_write(const struct setup *s)
{
	int fd = file_parent(AT_FDCWD, s->path);
	int rc = fd < 0 ? -1 : faccessat(fd, ".", W_OK, AT_EACCESS), code;

	code = errno;
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		return 0;
	fprintf(stderr, T("mailconf: %s cannot be written: %s\n"), s->path,
			strerror(code));
	if (geteuid() != 0)
		fprintf(stderr, "%s\n", T("mailconf: this has to be run as "
				"root: su, sudo or doas."));
	return -1;
}

/* Is pillarbox.conf made from it? */
static bool is_uci(const char *path)
{
	return strcmp(path, CONF_FILE) == 0 &&
		access(SETUP_UCI_COMMAND, X_OK) == 0 &&
		access(SETUP_UCI_FILE, F_OK) == 0;
}

/* OpenWrt's package makes the file anew at each start. */
static bool is_beyond(const struct setup *s)
{
	if (CFG_MAILCONF_UCI || !s->uci)
		return false;
	fprintf(stderr, "%s\n", T("mailconf: here the configuration is made "
			"from /etc/config/pillarbox: uci and LuCI change it."));
	return true;
}

static int start(struct setup *s, struct err *err)
{
	/* not even made yet */
	if (CFG_MAILCONF_UCI && s->uci && access(s->path, F_OK) != 0 &&
			setup_uci_load(err) < 0)
		return EX_CONFIG;
	s->fresh = access(s->path, F_OK) != 0;
	s->conf = conf_read(s->fresh ? "/dev/null" : s->path, false, err);
	if (!s->conf || self_net_open(&s->net, s->conf, err) < 0)
		return EX_CONFIG;
	if (s->answers && setup_read_answers(s, s->answers, err) < 0)
		return EX_DATAERR;
	setup_presets(s);
	return EX_OK;
}

static int run(struct setup *s)
{
	if (!s->answers)
		console_say(&s->console, 0, T("Setting up %s. Enter takes "
					"what stands in [ ]; ^C ends it, and "
					"all is as it was."), s->uci ?
				SETUP_UCI_FILE : s->path);
	if (setup_ask(s) == 0)
		return finish(s);
	if (s->answers)
		return EX_UNAVAILABLE;
	console_say(&s->console, 0, T("Nothing has been changed."));
	return INTERRUPTED;
}

int mailconf_setup(const char *path, const char *answers, bool no_check)
{
	struct setup s = { .path = conf_path(path), .answers = answers,
		.no_check = no_check };
	struct err err;
	int status;

	s.uci = is_uci(s.path);
	if (is_beyond(&s))
		return EX_UNAVAILABLE;
	if (can_write(&s) < 0)
		return EX_NOPERM;
	status = start(&s, &err);
	console_open(&s.console, true);
	if (status)
		fprintf(stderr, "mailconf: %s\n", err.text);
	else
		status = run(&s);
	self_net_close(&s.net);
	conf_free(s.conf);
	explicit_bzero(s.value, sizeof(s.value));
	return status;
}
