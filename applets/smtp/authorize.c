/* smtp --authorize: signs in at a provider, stores what queue is to renew */
#include "applet.h"
#include "config.h"
#include "smtp/authorize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "net/smtp_client.h"
#include "os/file.h"
#include "os/log.h"
#include "os/opt.h"
#include "os/priv.h"
#include "smtp/smtp.h"

#define PATH_MOST 1024

static const char usage[] =
"usage: smtp --authorize microsoft|google|TOKEN-URL --client-id ID\n"
"            [--secret-file FILE] [--tenant T] [--scope S]\n"
"            [--device-url URL | --auth-url URL] [-o FILE] [-C FILE]\n\n"
"--client-id ID      of the application that you have registered\n"
"--secret-file FILE  its secret, if it has one: the first line\n"
"--tenant T          Microsoft: common, consumers, or yours\n"
"--scope S           what to ask for; known for the two\n"
"--device-url URL    others: where codes are had (RFC 8628),\n"
"--auth-url URL      or where people sign in; with neither, a\n"
"                    refresh token is pasted\n"
"-o FILE             default: token-file= of the first smarthost\n"
"-C FILE             configuration\n";

struct options {
	const char *client_id, *secret_file, *tenant, *scope;
	const char *device_url, *auth_url, *out, *conf;
};

static const struct opt_row rows[] = {
	{ 0, "client-id", OPT_TEXT, OPT_AT(struct options, client_id) },
	{ 0, "secret-file", OPT_TEXT, OPT_AT(struct options, secret_file) },
	{ 0, "tenant", OPT_TEXT, OPT_AT(struct options, tenant) },
	{ 0, "scope", OPT_TEXT, OPT_AT(struct options, scope) },
	{ 0, "device-url", OPT_TEXT, OPT_AT(struct options, device_url) },
	{ 0, "auth-url", OPT_TEXT, OPT_AT(struct options, auth_url) },
	{ 'o', "out", OPT_TEXT, OPT_AT(struct options, out) },
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf) },
	{ 0 }
};

_Noreturn static void fail(const struct err *err)
{
	exit(applet_fail("smtp", err));
}

_Noreturn static void fail_usage(const char *text)
{
	fprintf(stderr, "smtp: %s\n%s", text, CFG_USAGE ? usage : "");
	exit(EX_USAGE);
}

/* -- whom to ask, and for what -- */

static void copy(char *out, size_t size, const char *text, const char *what)
{
	if (str_copys(out, size, text) < 0 ||
			span_has_control(span_of(out))) {
		fprintf(stderr, "smtp: %s is too long\n", what);
		exit(EX_USAGE);
	}
}

/* %s is the tenant. */
#define MICROSOFT "https://login.microsoftonline.com/%s/oauth2/v2.0/"

static void set_microsoft(struct authorize *a, const struct options *o)
{
	static char device_url[sizeof(a->c.token_url)];
	const char *tenant = o->tenant ? o->tenant : "common";

	if (strlen(tenant) > 200 || !span_isalnum(span_of(tenant), "-.")
			|| !*tenant)
		fail_usage("--tenant: not a tenant");
	snprintf(device_url, sizeof(device_url), MICROSOFT "devicecode",
			tenant);
	snprintf(a->c.token_url, sizeof(a->c.token_url), MICROSOFT "token",
			tenant);
	a->device_url = device_url;
	copy(a->c.scope, sizeof(a->c.scope), o->scope ? o->scope :
			"https://outlook.office.com/SMTP.Send offline_access",
			"--scope");
}

/* Its flow for devices does not give the scope for mail. */
static void set_google(struct authorize *a, const struct options *o)
{
	copy(a->c.token_url, sizeof(a->c.token_url),
			"https://oauth2.googleapis.com/token", "");
	a->auth_url = "https://accounts.google.com/o/oauth2/v2/auth";
	copy(a->c.scope, sizeof(a->c.scope), o->scope ? o->scope :
			"https://mail.google.com/", "--scope");
}

static void set_other(struct authorize *a, const struct options *o,
		const char *url)
{
	if (o->device_url && o->auth_url)
		fail_usage("--device-url or --auth-url, not both");
	copy(a->c.token_url, sizeof(a->c.token_url), url, "the URL");
	copy(a->c.scope, sizeof(a->c.scope), o->scope ? o->scope : "",
			"--scope");
	a->device_url = o->device_url;
	a->auth_url = o->auth_url;
}

static void choose(struct authorize *a, const struct options *o,
		const char *who)
{
	bool known = strcmp(who, "microsoft") == 0
		|| strcmp(who, "google") == 0;
	struct err err;

	if (!o->client_id || !*o->client_id)
		fail_usage("--client-id is needed: see docs/oauth.md");
	if (known && (o->device_url || o->auth_url))
		fail_usage("--device-url and --auth-url go with a TOKEN-URL");
	if (o->tenant && strcmp(who, "microsoft") != 0)
		fail_usage("--tenant goes with microsoft");
	if (!known && !span_starts(span_of(who), "https://"))
		fail_usage("--authorize: microsoft, google or https://...");
	copy(a->c.provider, sizeof(a->c.provider), who, "the URL");
	copy(a->c.client_id, sizeof(a->c.client_id), o->client_id,
			"--client-id");
	if (o->secret_file && smtp_password(o->secret_file,
				a->c.client_secret,
				sizeof(a->c.client_secret), &err) < 0)
		fail(&err);
	if (!known)
		set_other(a, o, who);
	else if (*who == 'm')
		set_microsoft(a, o);
	else
		set_google(a, o);
}

/* -- where it is kept -- */

static const char *choose_file(const struct conf *conf,
		const struct options *o)
{
	const struct conf_smarthost *h = conf->smarthosts;

	while (!o->out && h && !h->token_file)
		h = h->next;
	if (!o->out && !h)
		fail_usage("no smarthost has token-file=; say -o FILE");
	return o->out ? o->out : h->token_file;
}

static void give(const char *path, const struct priv_user *queue)
{
	if (geteuid() == 0 && chown(path, queue->uid, queue->gid) < 0)
		fprintf(stderr, "smtp: %s: %s\n", path, strerror(errno));
}

/* It is replaced when it is renewed: queue has to own the folder, too. */
static void check_folder(const char *folder, const struct priv_user *queue)
{
	struct stat st;

	if (stat(folder, &st) == 0 && queue->uid && (st.st_uid != queue->uid
				|| !(st.st_mode & S_IWUSR)))
		fprintf(stderr, "smtp: warning: %s does not own %s, so that "
				"it cannot store what the\nprovider renews: "
				"chown it, or put the file elsewhere\n",
				queue->name, folder);
}

static void folder_of(char folder[PATH_MOST], const char *path)
{
	size_t slash = span_rfind(span_of(path), '/');

	if (!path[slash])
		str_copys(folder, PATH_MOST, ".");
	else if (str_copy(folder, PATH_MOST, span_make(path, slash ? slash :
					1)) < 0)
		fail_usage("the file's name is too long");
}

static void store(const struct authorize *a, const char *path)
{
	char folder[PATH_MOST];
	struct priv_user queue;
	bool known;
	struct err err;

	folder_of(folder, path);
	known = priv_find(a->conf->user_queue, &queue, &err) == 0;
	if (!known)
		fprintf(stderr, "smtp: warning: %s\n", err.text);
	if (access(folder, F_OK) < 0) {
		if (file_mkdirs(AT_FDCWD, folder, 0700, &err) < 0)
			fail(&err);
		if (known)
			give(folder, &queue);
	}
	if (oauth_save(path, &a->c, &err) < 0)
		fail(&err);
	if (!known)
		return;
	give(path, &queue);
	check_folder(folder, &queue);
	if (geteuid() != 0 && geteuid() != queue.uid)
		fprintf(stderr, "smtp: warning: queue runs as %s, who has to "
				"own this file\n", queue.name);
}

/* -- all of it -- */

static void start(struct authorize *a, struct err *err)
{
	a->loop = loop_new(err);
	a->dns = a->loop ? dns_new(a->loop, a->conf) : NULL;
	if (!a->dns) {
		err_nomem(err);
		fail(err);
	}
	a->tls = tls_client(a->conf->tls_ca, err);
	if (!a->tls)
		fail(err);
}

static void finish(struct authorize *a)
{
	dns_free(a->dns);
	loop_free(a->loop);
	tls_ctx_free(a->tls);
	explicit_bzero(a, sizeof(*a));
	free(a);
}

int smtp_authorize(int argc, char **argv)
{
	struct authorize *a = calloc(1, sizeof(*a));
	struct options o = { 0 };
	struct conf *conf;
	const char *path;
	struct err err;

	if (!a)
		return EX_OSERR;
	/* argv[1] is the provider, in the place of a program's name */
	if (argc < 2 || opt_parse(argc - 1, argv + 1, rows, &o, &err)
			!= argc - 1)
		fail_usage("--authorize: a provider, then options");
	log_open("smtp", true);
	log_level(LOG_LEVEL_WARN);
	conf = conf_read(conf_path(o.conf), !o.conf, &err);
	if (!conf) {
		fprintf(stderr, "smtp: %s\n", err.text);
		return EX_CONFIG;
	}
	choose(a, &o, argv[1]);
	a->conf = conf;
	path = choose_file(conf, &o);
	start(a, &err);
	if ((a->device_url ? authorize_by_device : authorize_by_paste)(a,
				&err) < 0) {
		int status = applet_fail("smtp", &err);

		if (a->advice)
			fprintf(stderr, "smtp: what helps: %s\n", a->advice);
		exit(status);
	}
	store(a, path);
	printf("Signed in. It is stored in %s;\na queue that runs with "
			"token-file= takes it up within seconds.\n", path);
	finish(a);
	conf_free(conf);
	return applet_end("smtp", EX_OK);
}
