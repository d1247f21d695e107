#include <stdio.h>
#include <sysexits.h>

#include "applet.h"
#include "os/opt.h"
#include "sendmail/sendmail.h"
#include "store/aliases.h"

struct options {
	const char *conf;
};

static const struct opt_row rows[] = {
	{ 'C', "config", OPT_TEXT, OPT_AT(struct options, conf) },
	/* what callers pass out of habit */
	{ 'b', "", OPT_IGNORE_ARG, 0 },
	{ 'o', "", OPT_IGNORE_ARG, 0 },
	{ 'v', "", OPT_IGNORE, 0 },
	{ 0 }
};

static void tell(void *arg, const char *text)
{
	bool *wrong = arg;

	*wrong = true;
	fprintf(stderr, "%s\n", text);
}

int sendmail_aliases(const char *conf_file)
{
	struct conf *conf = conf_read_or_exit(conf_file);
	bool wrong = false;
	struct err err;
	unsigned n;
	int status = EX_OK;

	if (aliases_check(conf, tell, &wrong, &n, &err) < 0)
		status = applet_fail("newaliases", &err);
	else
		printf("%s: %u aliases\n", conf->aliases, n);
	conf_free(conf);
	return wrong ? EX_DATAERR : applet_end("newaliases", status);
}

int newaliases_main(int argc, char **argv)
{
	struct options o = { NULL };

	if (usage_parse(argc, argv, rows, &o) != argc)
		usage_fail(argv[0]);
	return sendmail_aliases(o.conf);
}
