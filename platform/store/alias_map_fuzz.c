/*
 * Any bytes as users.aliases: looking ends, and what it finds is there. Its
 * lines in order are a good one: then each is found, and nothing else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/alias_map.h"

#define LINES_MOST 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int find(struct span map, struct span key, struct str *out)
{
	int fd = memfd_create("map", MFD_CLOEXEC), rc;
	char path[40];
	struct err err;

	if (fd < 0 || (map.n && write(fd, map.p, map.n) != (ssize_t)map.n))
		abort();
	/* a memfd's mode is 0777 */
	if (fchmod(fd, 0600) < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	str_init(out, ALIAS_MAP_LINE_MOST);
	rc = alias_map_find(path, key, out, &err);
	close(fd);
	if (rc < 0 && err.kind != ERR_TEMP && err.kind != ERR_NOMEM)
		abort();
	return rc;
}

static int order(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	struct span one = span_sub(*x, 0, span_find(*x, ' '));
	struct span other = span_sub(*y, 0, span_find(*y, ' '));
	size_t n = one.n < other.n ? one.n : other.n;
	int rc = n ? memcmp(one.p, other.p, n) : 0;

	return rc ? rc : one.n < other.n ? -1 : one.n > other.n;
}

static bool is_line(struct span map, struct span key, struct span value)
{
	while (map.n) {
		struct span rest = span_cut(&map, '\n');

		if (span_eq(span_cut(&rest, ' '), key) && span_eq(rest, value))
			return true;
	}
	return false;
}

static void look(struct span map, struct span key, bool sorted)
{
	struct str out;
	int rc = find(map, key, &out);

	if (rc < 0 && sorted)
		abort();
	if (rc > 0 && !is_line(map, key, str_span(&out)))
		abort();
	if (rc == 0 && out.n)
		abort();
	str_free(&out);
}

/* All of its lines in order, each key once. */
static void look_sorted(struct span text)
{
	struct span line[LINES_MOST];
	struct str map, out;
	unsigned n = 0, left = 0;

	while (text.n && n < LINES_MOST) {
		line[n] = span_cut(&text, '\n');
		n += line[n].n > 0;
	}
	qsort(line, n, sizeof(*line), order);
	str_init(&map, 1 << 20);
	for (unsigned i = 0; i < n; i++) {
		if (left && order(&line[left - 1], &line[i]) == 0)
			continue;
		line[left++] = line[i];
		str_add(&map, line[i]);
		str_addc(&map, '\n');
	}
	for (unsigned i = 0; i < left; i++) {
		struct span rest = line[i], key = span_cut(&rest, ' ');

		if (find(str_span(&map), key, &out) != 1 ||
				!span_eq(str_span(&out), rest))
			abort();
		str_free(&out);
		/* nearly the same */
		if (key.n)
			look(str_span(&map), span_sub(key, 0, key.n - 1), true);
	}
	str_free(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct span key = span_cut(&text, '\n');

	look(text, key, false);
	if (size < 60000)
		look_sorted(text);
	return 0;
}
