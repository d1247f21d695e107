#include "config.h"
#include "queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mime/compose.h"
#include "mime/header.h"
#include "mime/header_utf8.h"
#include "os/clock.h"
#include "os/file.h"

void queue_text(struct str *out, const struct spool_envelope *e, int fd,
		int64_t start, bool whole)
{
	size_t most = e->size < QUEUE_RETURN_MOST ? (size_t)e->size :
		QUEUE_RETURN_MOST;
	char *text = malloc(most + 1);
	ssize_t n = 0;

	if (text)
		n = file_pread(fd, text, most, start);
	if (n > 0) {
		struct span s = span_make(text, (size_t)n);

		str_add(out, whole ? s : span_sub(s, 0, header_size(s)));
	}
	free(text);
}

int queue_header(struct str *out, const struct queue_message *m)
{
	int64_t start;
	int fd = spool_body(m->entry->queue->spool, m->envelope, &start, NULL);

	if (fd < 0)
		return -1;
	queue_text(out, m->envelope, fd, start, false);
	close(fd);
	return out->n && !out->bad ? 0 : -1;
}

/* RFC 4021 2.1.53 and 2.1.54, and what most programs write. */
bool queue_is_urgent(struct span header)
{
	struct header_field f;

	return (header_find(header, "Priority", &f)
			&& span_is(f.value, "urgent"))
		|| (header_find(header, "Importance", &f)
			&& span_is(f.value, "high"))
		|| (header_find(header, "X-Priority", &f) && f.value.n
			&& (*f.value.p == '1' || *f.value.p == '2')
			&& !(f.value.n > 1 && ascii_isdigit(f.value.p[1])));
}

bool queue_utf8_header(const struct spool_envelope *e, int fd, int64_t start)
{
	struct header_utf8 h;
	char piece[4096];
	uint64_t left = e->size < QUEUE_LOOK_MOST ? e->size : QUEUE_LOOK_MOST;
	ssize_t n = 1;

	header_utf8_init(&h);
	if (!CFG_SMTPUTF8 || !e->utf8)
		return false;
	for (; left && n > 0 && !h.found; left -= (size_t)n, start += n) {
		n = file_pread(fd, piece, left < sizeof(piece) ? (size_t)left :
				sizeof(piece), start);
		if (n > 0)
			header_utf8_feed(&h, span_make(piece, (size_t)n));
	}
	return h.found;
}

const char *queue_late_date(char out[QUEUE_LATE_DATE],
		const struct spool_envelope *e, int fd, int64_t start)
{
	int64_t now = clock_now();
	char date[DATE_SIZE];
	struct str header;
	bool missing;

	if (e->created >= CLOCK_EPOCH || !clock_plausible())
		return NULL;
	str_init(&header, QUEUE_RETURN_MOST + 1);
	queue_text(&header, e, fd, start, false);
	missing = header.n && !header.bad &&
		compose_missing(str_span(&header)) & COMPOSE_NO_DATE;
	str_free(&header);
	if (!missing)
		return NULL;
	date_mail(date, now, date_offset(now));
	snprintf(out, QUEUE_LATE_DATE, "Date: %s\r\n", date);
	return out;
}
