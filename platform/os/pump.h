/* pump - octets go both ways between a socket and a pair of descriptors */
#ifndef OS_PUMP_H
#define OS_PUMP_H

#include "base/err.h"

/*
 * Copies what comes from in to sock, and from sock to out, until sock ends
 * (0) or something breaks (-1). At in's end sock is told by a half-close.
 * Blocks; closes nothing. in and out may be pipes, terminals, files.
 */
int pump(int in, int out, int sock, struct err *err);

#endif
