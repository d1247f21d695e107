/* submit_alias - aliases where no queue looks them up: straight to the smarthost */
#ifndef STORE_SUBMIT_ALIAS_H
#define STORE_SUBMIT_ALIAS_H

#include "net/smtp_client.h"
#include "os/conf.h"
#include "store/aliases.h"

/* What stands in for the recipients meanwhile. */
struct submit_alias {
	const char *const *rcpt, *const *rcpt_dsn;	/* m's own */
	unsigned nrcpt;
	const char **to, **dsn;		/* in their place */
	unsigned n, size;
	struct alias_set *sets;		/* one a recipient: the texts */
};

/*
 * m's recipients in our domains become what they are aliases of. 0; -1 with err
 * and m as it was: one cannot be looked up, or is a command or file. Both ways
 * submit_alias_end gives m its own recipients back.
 */
int submit_alias_begin(struct submit_alias *x, const struct conf *conf,
		struct smtp_message *m, struct err *err);
void submit_alias_end(struct submit_alias *x, struct smtp_message *m);

#endif
