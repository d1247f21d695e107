/* fat - LD_PRELOAD: file names may have no colon, as on FAT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int bad(const char *name)
{
	if (!strchr(name, ':'))
		return 0;
	errno = EINVAL;
	return 1;
}

int renameat(int from, const char *a, int to, const char *b)
{
	int (*real)(int, const char *, int, const char *) =
		(int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT,
				"renameat");

	return bad(b) ? -1 : real(from, a, to, b);
}

static int open_one(const char *function, int dir, const char *name, int flags,
		mode_t mode)
{
	int (*real)(int, const char *, int, ...) =
		(int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, function);

	return flags & O_CREAT && bad(name) ? -1 : real(dir, name, flags, mode);
}

#define OPEN(function) \
int function(int dir, const char *name, int flags, ...) \
{ \
	mode_t mode = 0; \
	va_list ap; \
	va_start(ap, flags); \
	if (flags & O_CREAT) \
		mode = va_arg(ap, mode_t); \
	va_end(ap); \
	return open_one(#function, dir, name, flags, mode); \
}

OPEN(openat)
OPEN(openat64)
