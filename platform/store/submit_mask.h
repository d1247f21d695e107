/* submit_mask - masquerade, and sender= of a smarthost, where no queue does it */
#ifndef STORE_SUBMIT_MASK_H
#define STORE_SUBMIT_MASK_H

#include "base/arena.h"
#include "net/smtp_client.h"
#include "os/conf.h"

#define SUBMIT_MASK_MOST 65536	/* octets of the header that are looked at */

struct submit_mask {
	struct smtp_message was;
	struct arena *arena;
	const char **to;
	struct str head;
};

/* m as this host is to see it, until end; end in any case. 0 or -1 with err. */
int submit_mask_begin(struct submit_mask *x, const struct conf *conf,
		const struct conf_smarthost *host, struct smtp_message *m,
		struct err *err);
void submit_mask_end(struct submit_mask *x, struct smtp_message *m);

#endif
