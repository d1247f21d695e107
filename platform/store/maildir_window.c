#include "store/maildir_list.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

/*
 * Who fetches one message after the other makes the directory be read once for
 * so many of them: to find a single name the kernel has to sort a block of it.
 */
#define WINDOW 2048
#define WINDOW_RUN 8		/* messages in order, before that */
#define WINDOW_TIMES 32		/* of a larger directory finding is cheaper */
#define WINDOW_TEXT 131072	/* octets of names, at most */
#define BITS 14
#define AHEAD 32		/* messages, */
#define AHEAD_SIZE 65536	/* and of each so many octets */

struct maildir_window {
	unsigned from;			/* the first message */
	/* 1 + where its path begins in text; 0: unknown */
	uint32_t at[WINDOW];
	struct str text;		/* paths, a NUL behind each */
	unsigned char places[1 << (BITS - 3)];	/* a bit for each, hashed */
};

void maildir_window_free(struct maildir *md)
{
	if (md->window)
		str_free(&md->window->text);
	free(md->window);
	md->window = NULL;
}

static unsigned bit_of(uint32_t place)
{
	return (place * UINT32_C(2654435761)) >> (32 - BITS);
}

/* Few of the others get past the bits. */
static int note(void *arg, const struct maildir_seen *seen)
{
	struct maildir *md = arg;
	struct maildir_window *w = md->window;
	unsigned bit = bit_of(maildir_kept_place(md, seen));
	struct span file = span_of(seen->file);
	struct maildir_entry e;
	long i;

	if (!(w->places[bit / 8] & 1 << bit % 8))
		return 0;
	e = maildir_entry_of(file, false);
	i = maildir_find(md, &e);
	if (i < (long)w->from || i >= (long)w->from + WINDOW)
		return 0;
	/* of long names not all have room: the rest is looked for singly */
	if (w->text.n + 4 + file.n + 1 > WINDOW_TEXT)
		return 0;
	w->at[i - (long)w->from] = (uint32_t)w->text.n + 1;
	str_adds(&w->text, seen->cur ? "cur/" : "new/");
	str_add(&w->text, span_make(file.p, file.n + 1));	/* its NUL, too */
	return w->text.bad;
}

static void fill(struct maildir *md, unsigned from)
{
	struct maildir_window *w = calloc(1, sizeof(*w));

	md->window = w;
	if (!w)
		return;
	w->from = md->ahead = from;
	str_init(&w->text, WINDOW_TEXT);
	for (unsigned i = from; i < md->m.count && i < from + WINDOW; i++) {
		unsigned bit = bit_of(md->list[i].place);

		w->places[bit / 8] |= (unsigned char)(1 << bit % 8);
	}
	if (maildir_each(md, note, md, NULL) != 0 || w->text.bad)
		maildir_window_free(md);
}

static bool is_in(const struct maildir *md, unsigned i)
{
	return md->window && i >= md->window->from
		&& i < md->window->from + WINDOW;
}

static const char *path_of(const struct maildir_window *w, unsigned i)
{
	uint32_t at = w->at[i - w->from];

	return at ? w->text.p + at - 1 : NULL;
}

const char *maildir_window_path(struct maildir *md, unsigned i)
{
	md->run = i == md->next ? md->run + 1 : 0;
	md->next = i + 1;
	if (!is_in(md, i))
		maildir_window_free(md);
	if (!md->window && md->run >= WINDOW_RUN
			&& md->m.count <= WINDOW * WINDOW_TIMES)
		fill(md, i);
	return md->window ? path_of(md->window, i) : NULL;
}

/* Disks answer many questions in little more time than one. */
void maildir_window_ahead(struct maildir *md, unsigned i, int fd)
{
	if (!is_in(md, i) || i < md->ahead)
		return;
	md->ahead = i + 1 + AHEAD;
	if (!file_is_cold(fd))
		return;
	while (++i < md->ahead && i < md->m.count && is_in(md, i)) {
		const char *path = path_of(md->window, i);

		fd = path ? maildir_open_path(md, path) : -1;
		if (fd < 0)
			continue;
		posix_fadvise(fd, 0, AHEAD_SIZE, POSIX_FADV_WILLNEED);
		close(fd);
	}
}
