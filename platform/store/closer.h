/* closer - closes removed files elsewhere, so that the loop need not wait
 *
 * With its last descriptor a removed file gives its blocks back: on a disk that
 * is told of each (discard), on flash, or for a large file that takes
 * milliseconds, while the name is gone at once. Helper processes take that over
 * while there is much to remove and it is slow; otherwise there are none.
 */
#ifndef STORE_CLOSER_H
#define STORE_CLOSER_H

#include <stdbool.h>
#include "net/loop.h"

#define CLOSER_HELPERS 4
#define CLOSER_SLOW_US 200	/* so long took one that was removed here, */
/* and so short ago: the next ones go elsewhere, */
#define CLOSER_SOON_US 50000
#define CLOSER_TURN 64		/* until it is tried here again */
#define CLOSER_IDLE_MS 2000	/* then helpers end */

struct closer;

/* NULL: no memory. Starts no helper yet. */
struct closer *closer_new(struct loop *l);
/*
 * What helpers have not closed yet, the kernel does as they end. NULL is fine.
 */
void closer_free(struct closer *c);
/*
 * Removes the name of a file in folder, and with it its content, here or
 * elsewhere. As unlinkat, of which errno is. c NULL: here.
 */
int closer_remove(struct closer *c, int folder, const char *name);
/* How many were left to helpers so far. */
unsigned long closer_count(const struct closer *c);

#endif
