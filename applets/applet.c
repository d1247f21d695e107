#include "applet.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "os/opt.h"

#include "applets.h"	/* generated: static const struct applet applets[] */

const struct applet *applet_first(void)
{
	return applets;
}

const char *applet_name(const struct applet *applet)
{
	return strrchr(applet->path, '/') + 1;
}

const struct applet *applet_find(const char *name)
{
	for (const struct applet *a = applets; a->path[0]; a++)
		if (!strcmp(applet_name(a), name))
			return a;
	return NULL;
}

const char *usage_text(const char *applet)
{
	const struct applet *a = applet_find(applet);

	return a ? a->usage : "";
}

_Noreturn void usage_fail(const char *applet)
{
	fputs(usage_text(applet), stderr);
	exit(EX_USAGE);
}

int usage_parse(int argc, char **argv, const struct opt_row *rows, void *into)
{
	struct err err;
	int operand = opt_parse(argc, argv, rows, into, &err);

	if (operand >= 0)
		return operand;
	applet_fail(argv[0], &err);
	usage_fail(argv[0]);
}

int applet_fail(const char *applet, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", applet, err->text);
	return err_exit(err->kind);
}

int applet_end(const char *applet, int status)
{
	struct err err;

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	err_errno(&err, "standard output");
	applet_fail(applet, &err);
	return EX_IOERR;
}
