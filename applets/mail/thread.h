/* thread - who answers whom: References and In-Reply-To (RFC 5322, 3.6.4)
 *
 * After Jamie Zawinski's algorithm, without its grouping by subject. Ids are
 * held as hashes: at most 60 octets a message while it works.
 */
#ifndef MAIL_THREAD_H
#define MAIL_THREAD_H

#include "base/err.h"
#include "base/span.h"

struct mail_thread;
/* For messages 1..count. NULL: no memory. */
struct mail_thread *mail_thread_new(unsigned count);
void mail_thread_free(struct mail_thread *t);	/* NULL is fine */
void mail_thread_add(struct mail_thread *t, unsigned n, struct span header);
/*
 * at[1..count]: the messages as they are read, each with what answers it
 * behind it. *parent: number -> what it answers, 0: nothing; for free(). Of
 * several that answer what is not there, the first stands for it. 0 or -1.
 */
int mail_thread_make(struct mail_thread *t, unsigned *at, unsigned **parent,
		struct err *err);

#endif
