/*
 * The file of a message that has gone is kept as spare/NN, for a new one to be
 * written over it: neither has to give blocks back, which takes milliseconds on
 * a disk that is told of each (discard), nor to ask for new ones. Nobody but
 * the queue puts one there, and anybody may take it: each is a rename.
 */
#include "store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "store/disk.h"

#define SPARES 1000
#define SPARE_MOST 16384	/* octets: a smaller message would waste them */
#define SPARE_IDLE 3000		/* ms without one more, then they are removed, */
#define SPARE_EACH 20		/* one in so many ms */
#define SPARE_LOOK 50		/* ms between looks where they are */

static const char *name_of(char name[12], unsigned n)
{
	snprintf(name, 12, "%u", n % SPARES);
	return name;
}

static void idle(struct loop_timer *t)
{
	struct spool *s = container_of(t, struct spool, spare.idle);
	char name[12];

	while (s->spare.left && unlinkat(s->spare.folder, name_of(name,
				s->spare.put - s->spare.left), 0) < 0)
		s->spare.left--;
	if (s->spare.left && --s->spare.left)
		loop_timer_set(s->loop, t, SPARE_EACH);
}

/*
 * A flush of single files would leave the folder's names as they were: after a
 * power cut a file might be spare, and be a message as well.
 */
int spool_spare_open(struct spool *s, struct err *err)
{
	s->spare.idle.fire = idle;
	if (!s->loop || spool_has_flash(s) || sync_by_name(s->sync))
		return 0;
	s->spare.folder = spool_folder(s, s->place.root, "spare", 0700, err);
	return s->spare.folder < 0 ? -1 : 0;
}

void spool_spare_own(struct spool *s)
{
	if (s->spare.folder >= 0)
		disk_sweep(s->spare.folder, ".", -INT_MAX);
}

void spool_spare_close(struct spool *s)
{
	if (s->spare.folder < 0)
		return;
	loop_timer_stop(s->loop, &s->spare.idle);
	close(s->spare.folder);
}

/* What they take is nobody else's for some seconds. */
static bool has_room(const struct spool *s)
{
	return file_free_space(s->spare.folder) - SPARES * SPARE_MOST
		>= (int64_t)s->conf->min_free_space;
}

bool spool_spare_put(struct spool *s, const char *id)
{
	char name[12];
	struct stat st;

	if (s->spare.folder < 0 || !has_room(s) || fstatat(s->place.msg, id,
				&st, AT_SYMLINK_NOFOLLOW) < 0
			|| !S_ISREG(st.st_mode) || st.st_nlink > 1
			|| st.st_size > SPARE_MOST
			|| renameat(s->place.msg, id, s->spare.folder,
				name_of(name, s->spare.put)) < 0)
		return false;
	s->spare.put++;
	if (s->spare.left < SPARES)
		s->spare.left++;
	loop_timer_set(s->loop, &s->spare.idle, SPARE_IDLE);
	return true;
}

static int lowest(void *arg, const char *name)
{
	unsigned *least = arg, n = (unsigned)strtoul(name, NULL, 10);

	if (n < *least)
		*least = n;
	return 0;
}

static bool take(struct spool *s, const char *id)
{
	char name[12];

	if (renameat(s->spare.folder, name_of(name, s->spare.take),
				s->place.tmp, id) < 0)
		return false;
	s->spare.take++;
	return true;
}

/*
 * Puts and takes both go round, so that who has found one finds the next. Where
 * the first one is has to be seen.
 */
static bool look(struct spool *s)
{
	int64_t now = loop_now(s->loop);
	unsigned least = SPARES;

	if (now - s->spare.looked < SPARE_LOOK)
		return false;
	s->spare.looked = now;
	disk_each(s->spare.folder, ".", lowest, &least, NULL);
	s->spare.take = least;
	return least < SPARES;
}

int spool_spare_take(struct spool *s, const char *id)
{
	int fd;

	if (s->spare.folder < 0 || (!take(s, id) && !(look(s) && take(s, id))))
		return -1;
	fd = openat(s->place.tmp, id, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		unlinkat(s->place.tmp, id, 0);
	return fd;
}
