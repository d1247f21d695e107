/* submit_private - what submit*.c share */
#ifndef STORE_SUBMIT_PRIVATE_H
#define STORE_SUBMIT_PRIVATE_H

#include "net/smtp_client.h"
#include "store/submit.h"

#define SUBMIT_PIECE 4096

/* A way that is not there makes room for the next; one that refused does not. */
enum submit_way { WAY_TAKEN, WAY_REFUSED, WAY_ABSENT };

/* As file_pread: octets of the message from `at` on, LF lines. */
ssize_t submit_read(const struct smtp_message *m, uint64_t at,
		char buf[SUBMIT_PIECE]);
/* Does an address or a field need SMTPUTF8? */
bool submit_is_utf8(const struct smtp_message *m);

/* submit_queue.c (QUEUE_SUBMIT): queue's own socket. */
enum submit_way submit_by_queue(const struct conf *conf,
		const struct smtp_message *m, struct err *err);

#endif
