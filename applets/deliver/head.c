#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deliver/deliver.h"
#include "mime/header.h"
#include "os/file.h"

#define LOOK_MOST 8192		/* octets: what was added last stands first */

/* RFC 5321 4.4: final delivery adds the sender as Return-Path. */
struct span deliver_head(char out[DELIVER_HEAD_SIZE], const char *sender,
		const char *delivered_to, const char *original_to)
{
	int n = snprintf(out, DELIVER_HEAD_SIZE,
			"Return-Path: <%s>\nDelivered-To: %s\n", sender,
			delivered_to);

	if (n >= 0 && n < DELIVER_HEAD_SIZE
			&& strcmp(delivered_to, original_to) != 0)
		n += snprintf(out + n, (size_t)(DELIVER_HEAD_SIZE - n),
				"X-Original-To: %s\n", original_to);
	/* addresses are at most 256 octets each: this does not happen */
	if (n < 0 || n >= DELIVER_HEAD_SIZE)
		n = 0;
	return span_make(out, (size_t)n);
}

/*
 * As Postfix and qmail have it: each final delivery leaves its mark. Those on
 * top are queue's, of what it has made from an alias or a .forward: what comes
 * in gets a Received above them.
 */
bool deliver_loops(int fd, int64_t start, const char *delivered_to,
		const char *address)
{
	char text[LOOK_MOST];
	ssize_t n = file_pread(fd, text, sizeof(text), start);
	struct span rest = span_make(text, n > 0 ? (size_t)n : 0);
	struct header_field f;
	bool top = true;

	while (header_next(&rest, &f)) {
		bool mark = span_is(f.name, "Delivered-To");

		/* a late Date comes with them */
		top &= mark || span_is(f.name, "Date");
		if (mark && !top && (span_is(f.value, delivered_to)
					|| span_is(f.value, address)))
			return true;
	}
	return false;
}

/* FNV-1a: tells one message's recipients apart, no more. */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)ascii_lower(*s)) * 16777619u;
	return h;
}

const char *deliver_key(char out[DELIVER_KEY_SIZE], const char *spool_id,
		const char *address)
{
	if (!spool_id)
		return NULL;
	snprintf(out, DELIVER_KEY_SIZE, "%.23s-%08" PRIx32, spool_id,
			hash(address));
	return out;
}
