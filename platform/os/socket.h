/* socket - connects a program of ours to a daemon of ours */
#ifndef OS_SOCKET_H
#define OS_SOCKET_H

#include "base/err.h"

/*
 * To the stream socket of this name in the folder. seconds: how long it, and
 * each read and write, may wait; 0: for ever. A descriptor of the caller's, or
 * -1, and errno is connect's.
 */
int socket_connect(const char *dir, const char *name, unsigned seconds,
		struct err *err);

#endif
