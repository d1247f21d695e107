#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "deliver/deliver.h"
#include "os/rand.h"
#include "store/disk.h"

void stage_none(struct stage *g)
{
	*g = (struct stage){ .out.fd = -1 };
}

int stage_open(struct stage *g, int staging, struct err *err)
{
	int fd;

	rand_word(g->name, sizeof(g->name) - 1);
	fd = openat(staging, g->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);
	if (fd < 0)
		return disk_err(err, "staging");
	if (out_open(&g->out, fd, OUT_SIZE, err) == 0)
		return 0;
	stage_drop(g, staging);
	return -1;
}

int stage_write(struct stage *g, struct span piece, struct err *err)
{
	out_add_lf(&g->out, piece);
	errno = g->out.error;
	return errno ? disk_err(err, "staging") : 0;
}

int stage_flush(struct stage *g, struct err *err)
{
	return out_close(&g->out) < 0 ? disk_err(err, "staging") : 0;
}

void stage_drop(struct stage *g, int staging)
{
	if (g->out.fd >= 0) {
		close(g->out.fd);
		if (g->name[0])
			unlinkat(staging, g->name, 0);
	}
	free(g->out.buffer);
	stage_none(g);
}
