/* list - a ring of structs linked through a member; arming one cannot fail */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Safe against removal of `pos` itself inside the loop. */
#define list_each(pos, tmp, head) \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); \
	     (pos) = (tmp), (tmp) = (pos)->next)

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

void list_add_tail(struct list *head, struct list *l);
void list_add_head(struct list *head, struct list *l);
/* l is left empty, so a second removal does no harm. */
void list_del(struct list *l);

#endif
