#include "deliver/vacation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"

/*
 * "0123456789abcdef 1764000000\n": a line is changed in place, a page of flash.
 */
static uint64_t hash_of(const char *sender)
{
	uint64_t hash = SPAN_HASH;

	for (; *sender; sender++) {
		char c = ascii_lower(*sender);

		hash = span_hash(hash, span_make(&c, 1));
	}
	return hash;
}

/* A line that is none is as old as can be. */
static int64_t time_of(struct span line)
{
	unsigned long long when;

	if (!span_number64(span_sub(line, 17, VACATION_RECORD - 18), INT64_MAX,
				&when))
		return 0;
	return (int64_t)when;
}

static int64_t look(const char *all, size_t n, const char *hash, int64_t since,
		int64_t now)
{
	int64_t oldest = INT64_MAX, at = 0;

	for (size_t i = 0; i + VACATION_RECORD <= n; i += VACATION_RECORD) {
		int64_t when = time_of(span_make(all + i, VACATION_RECORD));

		/* one of days to come: the clock was wrong then */
		if (when > now)
			when = 0;
		if (memcmp(all + i, hash, 16) == 0)
			return when && when > since ? -1 : (int64_t)i;
		if (when < oldest) {
			oldest = when;
			at = (int64_t)i;
		}
	}
	return n < (size_t)VACATION_SEEN_MOST * VACATION_RECORD ?
		(int64_t)(n - n % VACATION_RECORD) : at;
}

int64_t vacation_seen(int fd, const char *sender, int64_t since, int64_t now,
		struct err *err)
{
	char all[VACATION_SEEN_MOST * VACATION_RECORD], hash[17];
	ssize_t n = file_pread(fd, all, sizeof(all), 0);

	err->kind = ERR_NONE;
	if (n < 0)
		return err_errno(err, "who was answered");
	snprintf(hash, sizeof(hash), "%016" PRIx64, hash_of(sender));
	return look(all, (size_t)n, hash, since, now);
}

int vacation_note(int fd, int64_t at, const char *sender, int64_t now,
		struct err *err)
{
	char line[64];

	snprintf(line, sizeof(line), "%016" PRIx64 " %010" PRId64 "\n",
			hash_of(sender), now);
	if (pwrite(fd, line, VACATION_RECORD, (off_t)at) != VACATION_RECORD)
		return err_errno(err, "who was answered");
	return 0;
}
