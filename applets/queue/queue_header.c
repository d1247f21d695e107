#include "queue.h"

#include <stdio.h>
#include <stdlib.h>

#include "mime/compose.h"
#include "mime/header.h"
#include "os/clock.h"
#include "os/file.h"

void queue_text(struct str *out, int fd, int64_t start, bool whole)
{
	char *text = malloc(QUEUE_RETURN_MOST);
	ssize_t n = 0;

	/* the message is the last thing in its file */
	if (text)
		n = file_pread(fd, text, QUEUE_RETURN_MOST, start);
	if (n > 0) {
		struct span s = span_make(text, (size_t)n);

		str_add(out, whole ? s : span_sub(s, 0, header_size(s)));
	}
	free(text);
}

const char *queue_late_date(char out[QUEUE_LATE_DATE], int64_t created, int fd,
		int64_t start)
{
	int64_t now = clock_now();
	char date[DATE_SIZE];
	struct str header;
	bool missing;

	if (created >= CLOCK_EPOCH || !clock_plausible())
		return NULL;
	str_init(&header, QUEUE_RETURN_MOST + 1);
	queue_text(&header, fd, start, false);
	missing = header.n && !header.bad &&
		compose_missing(str_span(&header)) & COMPOSE_NO_DATE;
	str_free(&header);
	if (!missing)
		return NULL;
	date_mail(date, now, date_offset(now));
	snprintf(out, QUEUE_LATE_DATE, "Date: %s\r\n", date);
	return out;
}
