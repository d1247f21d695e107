#include "base/list.h"

/* Out of line: called in so many places that inline would cost a page. */

void list_add_tail(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

void list_add_head(struct list *head, struct list *l)
{
	list_add_tail(head->next, l);
}

void list_del(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}
