#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 1000		/* with malloc's own header under 1 KB */
#define ALIGN _Alignof(max_align_t)

struct block {
	struct block *older;
	size_t size, used;		/* of data */
	max_align_t data[];
};

struct arena {
	size_t cap, used;
	struct block *newest;		/* NULL before the first piece */
};

struct arena *arena_new(size_t cap)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->cap = cap;
	return a;
}

void arena_reset(struct arena *a)
{
	struct block *b = a->newest, *kept = NULL;

	while (b) {
		struct block *older = b->older;

		if (kept || b->size > BLOCK_SIZE)
			free(b);
		else
			kept = b;
		b = older;
	}
	if (kept) {
		kept->used = 0;
		kept->older = NULL;
	}
	a->newest = kept;
	a->used = 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a->newest);
	free(a);
}

static struct block *block_new(struct arena *a, size_t n)
{
	size_t size = BLOCK_SIZE - sizeof(struct block);
	struct block *b;

	if (size < n)
		size = n;
	if (size > SIZE_MAX - sizeof(*b))
		return NULL;
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->size = size;
	b->used = 0;
	b->older = a->newest;
	a->newest = b;
	/* A big piece goes behind, so that the room before it is not lost. */
	if (b->older && b->older->size - b->older->used > size - n) {
		a->newest = b->older;
		b->older = a->newest->older;
		a->newest->older = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->newest;
	char *piece;

	if (!n)
		n = 1;
	if (n > SIZE_MAX - ALIGN)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n > a->cap - a->used)
		return NULL;
	if (!b || n > b->size - b->used)
		b = block_new(a, n);
	if (!b)
		return NULL;
	piece = (char *)b->data + b->used;
	b->used += n;
	a->used += n;
	return memset(piece, 0, n);
}

char *arena_dup(struct arena *a, struct span s)
{
	char *copy = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (copy && s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		text = arena_alloc(a, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
