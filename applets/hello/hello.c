/* hello - the template of an applet: copy the folder, rename, done
 *
 * No RFC asks for it; a real applet names its RFCs on this line.
 *
 * applet hello tool
 *
 * config HELLO
 *	bool "hello (500 bytes)"
 *	help
 *	  usage: hello [-n NAME]
 *
 *	  Greets the world.
 *
 *	  -n NAME   greet NAME
 */
#include "applet.h"

#include <stdio.h>
#include <sysexits.h>

#include "os/opt.h"

struct hello {
	const char *name;
};

static const struct opt_row rows[] = {
	{ 'n', "name", OPT_TEXT, OPT_AT(struct hello, name) },
	{ 0 }
};

int hello_main(int argc, char **argv)
{
	struct hello hello = { .name = "world" };
	struct err err;
	int operand = opt_parse(argc, argv, rows, &hello, &err);

	if (operand < 0)
		fprintf(stderr, "%s: %s\n", argv[0], err.text);
	if (operand != argc)
		usage_fail(argv[0]);
	printf("Hello, %s.\n", hello.name);
	return fflush(stdout) ? EX_IOERR : 0;
}
