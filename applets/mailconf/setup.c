#include "mailconf/setup.h"
#include "mailconf/mailconf.h"

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
#define ALL (SETUP_PROVIDER | SETUP_DIRECT | SETUP_BOTH)

static const struct question {
	unsigned char kinds;		/* who is asked it */
	const char *title, *about;
} questions[SETUP_FIELDS] = {
	[SETUP_KIND] = { ALL, N_("1, 2 or 3"),
		N_("What is this machine to do?\n"
		"   1 only send, through a provider's server\n"
		"   2 be the mail server of this network, and send by itself\n"
		"   3 the same, and send through a provider's server") },
	[SETUP_HOST] = { ALL, N_("Name of this machine"),
		N_("Its full name, as others see it: mail.example.org.") },
	[SETUP_USERS] = { SETUP_DIRECT | SETUP_BOTH, N_("Users"),
		N_("Who gets mail here, with a blank between: alice bob, or "
		"alice@example.org. New ones get a password. - for nobody.") },
	[SETUP_ACCOUNT] = { SETUP_PROVIDER | SETUP_BOTH,
		N_("Account at the provider"),
		N_("The name for the login, mostly your address there. - "
		"when the server wants no login.") },
	[SETUP_SERVER] = { SETUP_PROVIDER | SETUP_BOTH,
		N_("The provider's server"),
		N_("The one that mail programs send through: HOST or "
		"HOST:PORT.") },
	[SETUP_PASSWORD] = { SETUP_PROVIDER | SETUP_BOTH, N_("Password"),
		N_("Of the account; it is not shown. Many providers want an "
		"app password here, from their web page.") },
	[SETUP_ALERTS] = { SETUP_PROVIDER | SETUP_DIRECT,
		N_("Where does mail for root go"),
		N_("What this machine tells its admin: cron, alerts. An "
		"address; - for none.") },
};

static bool no_login(const struct setup *s)
{
	return strcmp(s->value[SETUP_ACCOUNT], "-") == 0;
}

/* Is its login one that setup knows nothing of: a token, a command? */
static bool other_login(const struct setup *s)
{
	const struct conf_smarthost *h = setup_smarthost(s);

	return h && h->user && !h->password_file &&
		strcmp(h->user, s->value[SETUP_ACCOUNT]) == 0;
}

static bool belongs(const struct setup *s, enum setup_field f)
{
	if (f == SETUP_KIND)	/* given: it is told what is wrong */
		return s->given[f] || (CFG_SMTPD && CFG_DELIVER &&
				CFG_MAILUSER);
	if (f == SETUP_PASSWORD && (no_login(s) || other_login(s)))
		return false;
	if (f == SETUP_ALERTS)
		return setup_root(s) != SETUP_ROOT_NOT && (s->given[f] ||
				questions[f].kinds & s->kind);
	return questions[f].kinds & s->kind;
}

/* An answer that nobody asked for would be lost without a word. */
static int refuse(const struct setup *s, enum setup_field f)
{
	if (!s->given[f])
		return 0;
	fprintf(stderr, T("mailconf: %s: %s: not for this kind of set-up\n"),
			s->answers, setup_key(f));
	return -1;
}

/* -- defaults that hang on answers -- */

static void default_server(struct setup *s)
{
	const struct conf_smarthost *h = setup_smarthost(s);
	const char *account = s->value[SETUP_ACCOUNT];

	if (!s->given[SETUP_SERVER] && !(h && h->user &&
				strcmp(h->user, account) == 0) &&
			strchr(account, '@'))
		setup_find_server(s, account, s->value[SETUP_SERVER]);
}

static void default_alerts(struct setup *s)
{
	const char *account = s->value[SETUP_ACCOUNT];
	struct span users = span_of(s->value[SETUP_USERS]);

	if (s->given[SETUP_ALERTS] || s->value[SETUP_ALERTS][0])
		return;
	if (s->kind == SETUP_PROVIDER && strchr(account, '@'))
		str_copys(s->value[SETUP_ALERTS], SETUP_VALUE, account);
	else if (s->kind != SETUP_PROVIDER)
		str_copy(s->value[SETUP_ALERTS], SETUP_VALUE,
				span_word(&users));
}

static void defaults(struct setup *s, enum setup_field f)
{
	if (f == SETUP_SERVER)
		default_server(s);
	if (f == SETUP_ALERTS)
		default_alerts(s);
}

/* -- one answer -- */

/* What was there may stay, whatever setup itself would take. */
static const char *check(struct setup *s, enum setup_field f,
		const char *before)
{
	if (f == SETUP_ALERTS && *before && strcmp(before, s->value[f]) == 0)
		return NULL;
	return setup_check(s, f);
}

static bool secret_is_there(const struct setup *s)
{
	return access(s->secret, R_OK) == 0;
}

static const char *missing(const struct setup *s, enum setup_field f)
{
	if (f == SETUP_PASSWORD && !s->value[f][0] && !secret_is_there(s))
		return T("A password is needed.");
	return NULL;
}

static enum console_input ask(struct setup *s, enum setup_field f,
		const char *before)
{
	char title[128];

	if (f != SETUP_PASSWORD)
		return console_ask(&s->console, T(questions[f].title), before,
				s->value[f], SETUP_VALUE);
	snprintf(title, sizeof(title), secret_is_there(s) ?
			T("%s [as it is]") : "%s", T(questions[f].title));
	return console_ask_secret(&s->console, title, s->value[f],
			SETUP_VALUE);
}

/* Until it is right. 0; -1: no more. */
static int take(struct setup *s, enum setup_field f)
{
	char before[SETUP_VALUE];
	const char *wrong;

	memcpy(before, s->value[f], sizeof(before));
	do {
		if (!s->answers && ask(s, f, before) == CONSOLE_END)
			return -1;
		wrong = check(s, f, before);
		if (!wrong)
			wrong = missing(s, f);
		if (!wrong)
			return 0;
		if (s->answers) {
			fprintf(stderr, "mailconf: %s: %s: %s\n", s->answers,
					setup_key(f), wrong);
			return -1;
		}
		console_say(&s->console, 2, "%s", wrong);
	} while (true);
}

/* -- answers that others have to confirm -- */

/*
 * The server as it was typed, when nobody could be asked. What TLS a port means
 * is the configuration's to say; without one it is TLS (RFC 8314 3.3).
 */
static void guess_line(struct setup *s)
{
	const char *server = s->value[SETUP_SERVER];
	struct span host;
	unsigned port = 0;
	bool brackets;

	if (conf_split_port(span_of(server), &host, &port, &brackets) && port)
		str_copys(s->line, sizeof(s->line), server);
	else
		snprintf(s->line, sizeof(s->line), "%s:465", server);
}

/* "!" before it: it is taken unseen. */
static bool is_forced(struct setup *s)
{
	char *value = s->value[SETUP_SERVER];
	struct span rest = span_trim(span_rest(span_of(value), 1));

	if (*value != '!')
		return false;
	memmove(value, rest.p, rest.n);
	value[rest.n] = '\0';
	return true;
}

/* 1: go on without asking it more; 0; -1 */
static int take_server(struct setup *s)
{
	for (;;) {
		if (take(s, SETUP_SERVER) < 0)
			return -1;
		if (is_forced(s) || s->no_check) {
			guess_line(s);
			return 1;
		}
		switch (setup_probe(s, -1)) {
		case PROBE_GOOD:
			return 0;
		case PROBE_STOPPED:
			return -1;
		default:
			if (s->answers)
				return -1;
			console_say(&s->console, 2, T("Another one, or the "
						"same again; with ! before it "
						"it is taken as it is."));
		}
	}
}

static int open_secret(struct setup *s, struct err *err)
{
	if (s->value[SETUP_PASSWORD][0])
		return self_file(span_of(s->value[SETUP_PASSWORD]), err);
	return file_open_secret(s->secret, err);
}

static enum setup_probe log_in(struct setup *s)
{
	enum setup_probe result;
	struct err err;
	int fd = open_secret(s, &err);

	if (fd < 0) {
		console_say(&s->console, 2, "%s", err.text);
		return PROBE_LOGIN;
	}
	result = setup_probe(s, fd);
	close(fd);
	return result;
}

/* unseen: its server could not be asked. 0 or -1 */
static int take_login(struct setup *s, bool unseen)
{
	for (;;) {
		enum setup_probe result;

		if (take(s, SETUP_PASSWORD) < 0)
			return -1;
		if (unseen)
			return 0;
		result = log_in(s);
		if (result == PROBE_GOOD)
			return 0;
		if (result == PROBE_STOPPED || s->answers)
			return -1;
		console_say(&s->console, 2, T("The account and the password "
					"once more, please."));
		if (take(s, SETUP_ACCOUNT) < 0)
			return -1;
		if (no_login(s))
			return 0;
	}
}

/* -- all of them -- */

static void introduce(struct setup *s, enum setup_field f, unsigned number)
{
	if (s->answers)
		return;
	console_say(&s->console, f == SETUP_KIND ? 5 : 3, "\n%u. %s", number,
			T(questions[f].about));
	if (f == SETUP_HOST && !s->no_check && s->fresh &&
			!strchr(s->value[f], '.'))
		console_say(&s->console, 2, T("The one that it has now has no "
					"dot in it."));
}

/* A server without an address is found by nobody; it may get one later. */
static void look_up_host(struct setup *s)
{
	const char *name = s->value[SETUP_HOST];

	if (s->no_check || s->kind == SETUP_PROVIDER)
		return;
	self_find(&s->net, name, 25, false);
	if (!s->net.ntargets)
		console_say(&s->console, 2, s->net.why.kind == ERR_TEMP ?
				T("  The name servers do not answer: %s "
				"could not be looked up.") :
				T("  The DNS has no address of %s yet: others "
				"cannot find this server."), name);
}

static int answer_all(struct setup *s)
{
	unsigned number = 0;
	bool unseen = false;

	s->kind = SETUP_PROVIDER;
	for (enum setup_field f = SETUP_KIND; f < SETUP_FIELDS; f++) {
		int rc;

		if (!belongs(s, f)) {
			if (refuse(s, f) < 0)
				return -1;
			continue;
		}
		defaults(s, f);
		introduce(s, f, ++number);
		rc = f == SETUP_SERVER ? take_server(s) :
			f == SETUP_PASSWORD ? take_login(s, unseen) :
			take(s, f);
		if (rc < 0)
			return -1;
		unseen = unseen || rc > 0;
		if (f == SETUP_HOST)
			look_up_host(s);
	}
	/* asked no more than six times: the first user is the admin */
	if (s->kind == SETUP_BOTH)
		default_alerts(s);
	return 0;
}

/* -- behind the answers -- */

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

	if (restart)
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

/* OpenWrt's package makes the file anew at each start. */
static bool is_uci(const struct setup *s)
{
	if (strcmp(s->path, CONF_FILE) != 0 || access("/sbin/uci", X_OK) != 0
			|| access("/etc/config/pillarbox", F_OK) != 0)
		return false;
	fprintf(stderr, "%s\n", T("mailconf: here the configuration is made "
			"from /etc/config/pillarbox: uci and LuCI change it."));
	return true;
}

static int start(struct setup *s, struct err *err)
{
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
					"all is as it was."), s->path);
	if (answer_all(s) == 0)
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

	if (is_uci(&s))
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
