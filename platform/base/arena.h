/* arena - memory of one session: many small pieces, freed as a whole, capped */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include "base/span.h"

struct arena;

/* NULL when out of memory. cap: most bytes this arena may ever hand out. */
struct arena *arena_new(size_t cap);
void arena_free(struct arena *a);		/* NULL is fine */
/* Forgets all pieces; keeps at most the first block. */
void arena_reset(struct arena *a);

/* Zeroed and aligned for any type; NULL when the cap or memory is used up. */
void *arena_alloc(struct arena *a, size_t n);
/* A NUL-terminated copy; NULL as above. */
char *arena_dup(struct arena *a, struct span s);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
size_t arena_used(const struct arena *a);

#endif
