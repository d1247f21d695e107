/* mailconf - reads and checks the configuration
 *
 * applet mailconf admin
 *
 * config MAILCONF
 *	bool "mailconf (1 kB)"
 *	default y
 *	help
 *	  usage: mailconf [-C FILE] [--check | --get NAME | --defaults | --reference]
 *
 *	  Checks /etc/pillarbox.conf and says what is wrong with it.
 *
 *	  -C FILE      another configuration
 *	  --check      only check (the default); exit status 78 when it is wrong
 *	  --get NAME   print the value of one directive
 *	  --defaults   print all directives with their defaults
 *	  --reference  the same as a page of documentation
 */
#include "applet.h"

#include <stdio.h>
#include <sysexits.h>

#include "os/conf.h"
#include "os/opt.h"

struct mailconf {
	const char *path, *get;
	bool check, defaults, reference;
};

static const struct opt_row rows[] = {
	{ 'C', "config", OPT_TEXT, OPT_AT(struct mailconf, path), 0 },
	{ 0, "check", OPT_FLAG, OPT_AT(struct mailconf, check), 0 },
	{ 0, "get", OPT_TEXT, OPT_AT(struct mailconf, get), 0 },
	{ 0, "defaults", OPT_FLAG, OPT_AT(struct mailconf, defaults), 0 },
	{ 0, "reference", OPT_FLAG, OPT_AT(struct mailconf, reference), 0 },
	{ 0 }
};

static int print(struct str *text)
{
	int status = EX_OK;

	if (fwrite(str_c(text), 1, text->n, stdout) != text->n
			|| fflush(stdout) || text->bad) {
		perror("mailconf");
		status = EX_IOERR;
	}
	str_free(text);
	return status;
}

static int get(const struct mailconf *m)
{
	struct conf *conf = conf_read_or_exit(m->path);
	struct str text;

	str_init(&text, 65536);
	if (conf_get(conf, m->get, &text) < 0) {
		fprintf(stderr, "mailconf: %s: no such directive\n", m->get);
		return EX_USAGE;
	}
	str_addc(&text, '\n');
	conf_free(conf);
	return print(&text);
}

int mailconf_main(int argc, char **argv)
{
	struct mailconf m = { 0 };
	struct str text;
	struct err err;
	int operand = opt_parse(argc, argv, rows, &m, &err);

	if (operand < 0)
		fprintf(stderr, "%s: %s\n", argv[0], err.text);
	if (operand != argc)
		usage_fail(argv[0]);
	if (m.get)
		return get(&m);
	str_init(&text, 65536);
	if (m.defaults)
		conf_print_defaults(&text);
	else if (m.reference)
		conf_print_reference(&text);
	else
		conf_free(conf_read_or_exit(m.path));
	return print(&text);
}
