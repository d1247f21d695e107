/* main - picks the applet by argv[0]; the only main() */
#include "applet.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "os/proc.h"

#define EXIT_NOT_FOUND 127	/* what a shell says */

/* A login shell's argv[0] starts with a dash. */
static char *base_name(char *path)
{
	char *slash = strrchr(path, '/');

	path = slash ? slash + 1 : path;
	return path[0] == '-' ? path + 1 : path;
}

static int print_usage(void)
{
	int column = 0;

	fputs("Pillarbox " VERSION ": a mail system in one binary\n\n"
		"usage: pillarbox APPLET [ARGUMENTS]\n"
		"       pillarbox --list | --list-full\n"
		"       pillarbox --install [-s] [DIR]\n"
		"       pillarbox --help [APPLET]\n"
		"       pillarbox --version\n\n"
		"A link to pillarbox with an applet's name runs that applet:\n",
		stdout);
	for (const struct applet *a = applet_first(); a->path[0]; a++) {
		int width = (int)strlen(applet_name(a)) + 2;

		column = column + width > 72 ? 0 : column;
		printf("%s%s%s", column ? ", " : a == applet_first() ? "\t"
			: ",\n\t", applet_name(a), "");
		column += width;
	}
	fputc('\n', stdout);
	return applet_end("pillarbox", EX_OK);
}

static int print_list(bool full)
{
	for (const struct applet *a = applet_first(); a->path[0]; a++)
		puts(full ? a->path : applet_name(a));
	return applet_end("pillarbox", EX_OK);
}

static int not_found(const char *name)
{
	fprintf(stderr, "%s: applet not found\n", name);
	return EXIT_NOT_FOUND;
}

static int print_help(const char *name)
{
	if (!applet_find(name))
		return not_found(name);
	fputs(usage_text(name), stdout);
	return applet_end("pillarbox", EX_OK);
}

/* As BusyBox: an existing file stays, and is reported. */
static int install_link(const char *self, const char *dir, const char *path,
		bool symbolic)
{
	char to[PATH_MAX];

	if (snprintf(to, sizeof(to), "%s/%s", dir, path) >= (int)sizeof(to))
		errno = ENAMETOOLONG;
	else if (!(symbolic ? symlink(self, to) :
			linkat(AT_FDCWD, self, AT_FDCWD, to, 0)))
		return 0;
	fprintf(stderr, "pillarbox: %s/%s: %s\n", dir, path, strerror(errno));
	return errno == EEXIST ? 0 : EX_CANTCREAT;
}

/* pillarbox --install [-s] [DIR]: without DIR at the paths of --list-full */
static int install(char **args)
{
	const char *self = proc_self(NULL);
	bool symbolic = args[0] && !strcmp(args[0], "-s");
	const char *dir = args[symbolic];
	int status = 0;

	if (!self) {
		fputs("pillarbox: /proc/self/exe cannot be read\n", stderr);
		return EX_OSERR;
	}
	for (const struct applet *a = applet_first(); a->path[0]; a++) {
		int result = install_link(self, dir ? dir : "",
			dir ? applet_name(a) : a->path, symbolic);

		status = result ? result : status;
	}
	return status;
}

static int run_applet(int argc, char **argv)
{
	const struct applet *applet = applet_find(argv[0]);

	if (!applet)
		return not_found(argv[0]);
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return print_help(argv[0]);
	return applet->main(argc, argv);
}

/* The binary under its own name, or under one we do not know. */
static int run_pillarbox(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";

	if (!strcmp(word, "--list") || !strcmp(word, "--list-full"))
		return print_list(!strcmp(word, "--list-full"));
	if (!strcmp(word, "--install"))
		return install(argv + 2);
	if (!strcmp(word, "--version")) {
		puts("Pillarbox " VERSION);
		return applet_end("pillarbox", EX_OK);
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return argc > 2 ? print_help(argv[2]) : print_usage();
	argv[1] = base_name(argv[1]);
	return run_applet(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	if (argc < 1)
		return EX_USAGE;
	argv[0] = base_name(argv[0]);
	if (!strncmp(argv[0], "pillarbox", strlen("pillarbox")))
		return run_pillarbox(argc, argv);
	return run_applet(argc, argv);
}
