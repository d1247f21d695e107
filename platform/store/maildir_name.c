#include "store/maildir_name.h"

#include <string.h>

#include "store/mailbox.h"

#define SORT_FEW 16		/* entries that are not split any more */
#define SORT_DEPTH 40		/* of splits within splits */
#define ID_DIGITS 11		/* of a spool id: the time, 5 bits each */

/* -- flags -- */

/* On FAT, whose names have no colon, ";2," stands for ":2,". */
static size_t info_at(struct span file)
{
	size_t semicolon = span_find(file, ';'), colon = span_find(file, ':');

	return semicolon < colon && span_starts(span_rest(file, semicolon),
			";2,") ? semicolon : colon;
}

struct span maildir_unique_part(struct span file)
{
	return span_sub(file, 0, info_at(file));
}

static struct span flag_part(struct span file)
{
	struct span s = span_rest(file, info_at(file) + 1);

	return span_starts(s, "2,") ? span_rest(s, 2) : SPAN("");
}

static const struct {
	char letter;
	unsigned char flag;
} letters[] = {
	{ 'F', MAILBOX_FLAGGED }, { 'R', MAILBOX_ANSWERED },
	{ 'S', MAILBOX_SEEN }
};

/*
 * T (trashed) is not taken for MAILBOX_DELETED: another program's mark is no
 * order to us.
 */
static unsigned flags_of(struct span text)
{
	unsigned flags = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if (span_has(text, letters[i].letter))
			flags |= letters[i].flag;
	return flags;
}

void maildir_flags_put(char out[MAILDIR_FLAGS_SIZE], struct span file,
		unsigned flags)
{
	struct span old = flag_part(file);
	size_t n = 0;

	for (int c = 33; c < 127 && n < MAILDIR_FLAGS_SIZE - 1; c++) {
		bool set = !strchr("FRS/", c) && span_has(old, (char)c);

		for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
			if (letters[i].letter == c)
				set = flags & letters[i].flag;
		if (set)
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

/* -- what tells messages apart -- */

static uint32_t number(struct span s, uint32_t most)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n && ascii_isdigit(s.p[i]) && v < most; i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	return v < most ? (uint32_t)v : most;
}

/* Without ",S=..." and ",W=...", which others may add. */
static struct span identity(struct span unique)
{
	size_t at = span_find(unique, ',');

	for (; at < unique.n; at += 1 + span_find(span_rest(unique, at + 1),
				',')) {
		struct span rest = span_rest(unique, at);

		if (span_starts(rest, ",S=") || span_starts(rest, ",W="))
			break;
	}
	return span_sub(unique, 0, at);
}

/* The time in a spool id, in microseconds. False: it is none. */
static bool id_time(struct span s, uint64_t *us)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t time = 0;

	for (size_t i = 0; i < ID_DIGITS; i++) {
		const char *at = i < s.n && s.p[i] ? strchr(digits, s.p[i])
				: NULL;

		if (!at)
			return false;
		time = time << 5 | (uint64_t)(at - digits);
	}
	*us = time;
	return true;
}

/*
 * When within its second, or how long before: what the queue delivers in one
 * second may have come in another, and goes first then. 8 seconds are told
 * apart.
 */
static uint32_t rank_of_time(uint64_t us, uint64_t second)
{
	if (us >= second)
		return 0x8000 + (uint32_t)(us - second < 999999 ?
				us - second : 999999) / 32;
	us = (second - us) / 250;
	return us < 0x7FFF ? 0x7FFF - (uint32_t)us : 0;
}

/*
 * Behind the seconds most programs write M and the microseconds, ours also a
 * spool id, old ones the number of a process. 16 bits.
 */
static uint32_t rank_of(struct span s, uint32_t when)
{
	size_t m = span_find(s, 'M') + 1;
	uint64_t us;

	if (m < s.n && ascii_isdigit(s.p[m]))
		return rank_of_time(number(span_rest(s, m), 999999), 0);
	if (id_time(s, &us))
		return rank_of_time(us, when * UINT64_C(1000000));
	return number(s, 0xFFFF);
}

uint32_t maildir_size_of(struct span unique, const char *which)
{
	unsigned long size;

	while (unique.n) {
		struct span part = span_cut(&unique, ',');

		if (span_starts(part, which) && span_number(span_rest(part, 2),
					MAILDIR_SIZE_UNKNOWN, &size))
			return (uint32_t)size;
	}
	return MAILDIR_SIZE_UNKNOWN;
}

struct maildir_entry maildir_entry_of(struct span file, bool cur)
{
	struct span unique = maildir_unique_part(file);
	struct span id = identity(unique), rest = id;
	uint64_t hash = span_hash(SPAN_HASH, id);
	struct maildir_entry e = {
		.when = number(id, UINT32_MAX),
		.size = maildir_size_of(unique, "W=")
	};

	span_cut(&rest, '.');
	e.high = rank_of(span_cut(&rest, '.'), e.when) << 16 | (uint32_t)(hash >> 48);
	e.low = (uint32_t)(hash >> 16) & ~MAILDIR_FLAG_BITS;
	e.low |= flags_of(flag_part(file)) | (cur ? MAILBOX_OLD : 0);
	return e;
}

/* -- order -- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static uint64_t time_of(const struct maildir_entry *e)
{
	return (uint64_t)e->when << 32 | e->high;
}

int maildir_entry_order(const struct maildir_entry *a,
		const struct maildir_entry *b)
{
	int c = compare(time_of(a), time_of(b));

	return c ? c : compare(a->low & ~MAILDIR_FLAG_BITS,
			b->low & ~MAILDIR_FLAG_BITS);
}

bool maildir_entry_same(const struct maildir_entry *a,
		const struct maildir_entry *b)
{
	return maildir_entry_order(a, b) == 0 && (a->size == b->size
			|| a->size == MAILDIR_SIZE_UNKNOWN
			|| b->size == MAILDIR_SIZE_UNKNOWN);
}

/* Of the same message the name in cur/ is the newer one. */
static bool is_after(const struct maildir_entry *a,
		const struct maildir_entry *b)
{
	int c = maildir_entry_order(a, b);

	if (!c)
		c = compare(a->size, b->size);
	return c ? c > 0 : a->low > b->low;
}

/* Shell's: no memory of its own, which qsort would take as much of again. */
static void sort_some(struct maildir_entry *list, unsigned n)
{
	for (unsigned gap = n; gap > 1;) {
		gap = gap < 5 ? 1 : (unsigned)((uint64_t)gap * 5 / 11);
		for (unsigned i = gap; i < n; i++) {
			struct maildir_entry e = list[i];
			unsigned at = i;

			for (; at >= gap && is_after(&list[at - gap], &e);
					at -= gap)
				list[at] = list[at - gap];
			list[at] = e;
		}
	}
}

/* Gives how many are in front of the others; neither side is empty. */
static unsigned split(struct maildir_entry *list, unsigned n)
{
	struct maildir_entry middle = list[(n - 1) / 2], e;
	unsigned from = 0, to = n - 1;

	for (;; from++, to--) {
		while (is_after(&middle, &list[from]))
			from++;
		while (is_after(&list[to], &middle))
			to--;
		if (from >= to)
			return to + 1;
		e = list[from];
		list[from] = list[to];
		list[to] = e;
	}
}

/* Hoare's, and what is few or, by names made for it, does not get fewer, Shell's. */
static void sort(struct maildir_entry *list, unsigned n, int depth)
{
	while (n > SORT_FEW && depth--) {
		unsigned front = split(list, n);

		sort(list, front, depth);
		list += front;
		n -= front;
	}
	sort_some(list, n);
}

void maildir_entry_sort(struct maildir_entry *list, unsigned n)
{
	sort(list, n, SORT_DEPTH);
}
