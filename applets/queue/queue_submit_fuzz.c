/*
 * A caller of queue.ctl that says anything, in pieces of any size: what gets into
 * the spool is a whole message with addresses and CRLF lines, nothing stays behind.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listen.h"
#include "os/file.h"
#include "os/log.h"
#include "queue_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf conf = {
	.hostname = "h", .max_message_size = 3000, .max_recipients = 5,
	.max_sessions = 10, .max_queue = 1000, .metered_size = 1000
};
static struct queue *q;
static char dir[] = "/tmp/queue_submit_fuzz.XXXXXX";
static char socket_path[64];

static void nothing(struct loop_task *t)
{
	(void)t;
}

static void clean(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command) != 0)
		abort();
}

static void set_up(void)
{
	struct err err;
	int fd;

	log_level(LOG_LEVEL_ERROR);
	q = calloc(1, sizeof(*q));
	if (!q || !mkdtemp(dir))
		abort();
	atexit(clean);
	conf.spool_dir = conf.run_dir = dir;
	snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
	q->daemon.conf = &conf;
	q->daemon.loop = loop_new(&err);
	q->uplink_fd = -1;
	q->start.run = nothing;
	list_init(&q->start.link);
	list_init(&q->ready);
	list_init(&q->backlog);
	for (unsigned i = 0; i < QUEUE_SITE_BUCKETS; i++)
		list_init(&q->sites[i]);
	list_init(&q->callers);
	list_init(&q->tallies);
	q->spool = spool_open(&conf, NULL, &err);
	fd = listen_open_unix(socket_path, SOCK_STREAM, 0600, &err);
	if (!q->spool || fd < 0 || control_start(q, fd, &err) < 0)
		abort();
}

static int call(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, socket_path);
	if (fd < 0 || connect(fd, (void *)&at, sizeof(at)) < 0)
		abort();
	return fd;
}

static void turns(int n)
{
	while (n--)
		loop_turn(q->daemon.loop, 0);
}

static void check_body(const struct spool_envelope *e)
{
	char text[8192];
	int64_t start;
	int fd = spool_body(q->spool, e, &start, NULL);
	ssize_t n = file_pread(fd, text, sizeof(text), start);

	close(fd);
	if (n != (ssize_t)e->size || n < 2 || text[n - 1] != '\n')
		abort();
	for (ssize_t i = 0; i < n; i++)
		if ((text[i] == '\n' && (!i || text[i - 1] != '\r'))
				|| (text[i] == '\r' && text[i + 1] != '\n')
				|| ((unsigned char)text[i] > 127
					&& !e->eight_bit))
			abort();
}

/* Takes it out again. */
static void check_message(void *arg, const char *id)
{
	struct arena *a = arena_new(1 << 20);
	struct queue_entry *known = queue_find(q, id);
	struct spool_envelope *e;
	struct err err;

	(void)arg;
	if (!known || spool_load(q->spool, id, a, &e, &err) < 0
			|| spool_check(q->spool, e, &err) < 0 || !e->nrcpt
			|| e->nrcpt > conf.max_recipients
			|| strncmp(e->origin, "uid ", 4) != 0)
		abort();
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (!strchr(e->rcpt[i].address, '@'))
			abort();
	check_body(e);
	queue_drop(known);
	if (spool_remove(q->spool, id, &err) < 0)
		abort();
	arena_free(a);
}

/* The first octet: how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t step;
	int fd;

	if (!q)
		set_up();
	if (!size)
		return 0;
	step = *data % 3 ? *data : size;
	fd = call();
	turns(1);
	for (data++, size--; size; ) {
		size_t n = size < step ? size : step;

		if (send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (int)n)
			break;
		data += n;
		size -= n;
		turns(2);
	}
	turns(4);
	close(fd);
	turns(4);
	if (spool_scan(q->spool, check_message, NULL, NULL) < 0)
		abort();
	if (!list_empty(&q->callers) || q->committing || q->entries)
		abort();
	return 0;
}
