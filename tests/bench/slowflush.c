/* slowflush - LD_PRELOAD: every flush takes SLOWFLUSH_US microseconds longer
 *
 * Makes a fast disk behave like flash, and appends one byte to the file
 * SLOWFLUSH_LOG for each flush, so that a test can count them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int slow(const char *name, int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
	const char *us = getenv("SLOWFLUSH_US");
	const char *log = getenv("SLOWFLUSH_LOG");
	int result = real(fd);
	int out = log ? open(log, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;

	if (out >= 0) {
		(void)!write(out, name, 1);
		close(out);
	}
	if (us)
		usleep((useconds_t)strtoul(us, NULL, 10));
	return result;
}

int fsync(int fd)
{
	return slow("fsync", fd);
}

int fdatasync(int fd)
{
	return slow("fdatasync", fd);
}

int syncfs(int fd)
{
	return slow("syncfs", fd);
}
