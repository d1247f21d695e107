#include "mail/order.h"

#include "config.h"
#include <stdlib.h>

#define DEPTH_MOST 1000		/* of a thread, as shown */

void mail_order_free(struct mail *m)
{
	if (!m->order)
		return;
	free(m->order->parent);
	free(m->order);
	m->order = NULL;
}

const struct mail_order *mail_order(struct mail *m)
{
	/* mail came */
	if (CFG_MAIL_SORT && m->order && m->order->count != m->count &&
	    mail_order_sort(m, m->order->kind) < 0)
		mail_order_free(m);
	return m->order;
}

unsigned mail_order_depth(struct mail *m, unsigned n)
{
	const struct mail_order *o = mail_order(m);
	unsigned depth = 0;

	while (o && o->parent && (n = o->parent[n]) && depth < DEPTH_MOST)
		depth++;
	return depth;
}

unsigned mail_order_at(struct mail *m, unsigned place)
{
	const struct mail_order *o = mail_order(m);

	if (!place || place > m->count)
		return 0;
	return o ? o->at[place] : place;
}

unsigned mail_order_place(struct mail *m, unsigned n)
{
	const struct mail_order *o = mail_order(m);

	return o && n ? o->place[n] : n;
}

unsigned mail_order_next(struct mail *m, unsigned n)
{
	return mail_order_at(m, mail_order_place(m, n) + 1);
}
