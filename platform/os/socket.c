#include "os/socket.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

int socket_connect(const char *dir, const char *name, unsigned seconds,
		struct err *err)
{
	const struct timeval patience = { .tv_sec = (time_t)seconds };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;

	if (fd < 0)
		return err_errno(err, "socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	errno = ENAMETOOLONG;
	if (n > 0 && (size_t)n < sizeof(at.sun_path)
			&& connect(fd, (const void *)&at, sizeof(at)) == 0)
		return fd;
	code = errno;
	err_errno(err, "%s", at.sun_path);
	close(fd);
	errno = code;
	return -1;
}
