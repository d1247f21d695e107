#include "applet.h"
#include "queue.h"

#include <stdlib.h>

struct queue_secret {
	struct queue_secret *next;
	const struct conf_smarthost *host;
	char text[256];
};

/* What only root can read is read before the rights are dropped. */
int secret_load(struct queue *q, struct err *err)
{
	const struct conf_smarthost *h = q->daemon.conf->smarthosts;

	for (; h; h = h->next) {
		struct queue_secret *s;

		if (!h->user)
			continue;
		s = calloc(1, sizeof(*s));
		if (!s)
			return err_nomem(err);
		s->host = h;
		s->next = q->secrets;
		q->secrets = s;
		if (smtp_password(h->password_file, s->text, sizeof(s->text),
				err) < 0)
			return -1;
	}
	return 0;
}

const char *secret_of(const struct queue *q, const struct conf_smarthost *h)
{
	const struct queue_secret *s = q->secrets;

	while (s && s->host != h)
		s = s->next;
	return s ? s->text : NULL;
}
