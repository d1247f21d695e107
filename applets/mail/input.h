/* input - files that the user names: any may be a FIFO, a device, without end */
#ifndef MAIL_INPUT_H
#define MAIL_INPUT_H

#include <sys/types.h>
#include "mail/mail.h"

/* Opens it to read, without waiting. The descriptor, or -1 with errno. */
int mail_input_open(const char *path);
/*
 * As read(2) on any descriptor, but a ^C or a hang-up ends the wait for what
 * a FIFO or a terminal does not give: -1 with EINTR.
 */
ssize_t mail_input_read(struct mail *m, int fd, void *buf, size_t n);
/*
 * How much of fd there is to take: what a file has now (it may grow by what
 * is being made from it), and of others one octet more than a message may
 * have.
 */
uint64_t mail_input_most(const struct mail *m, int fd);
/*
 * Opens a file to write, made with mode where there is none: -1 with errno,
 * ENXIO for a FIFO that nobody reads.
 */
int mail_input_create(const char *path, int flags, unsigned mode);

#endif
