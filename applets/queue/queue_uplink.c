/*
 * Links to the world: what the network's hooks say of them (LINK on queue.ctl,
 * `mailq --link`). The best of them counts. Down: nothing is tried, no name is
 * looked up, and that is no try; metered: only what is small or urgent goes. In
 * run-dir/link for a queue that starts anew; lost with a reboot, as links are.
 */
#include "config.h"
#include "queue_control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/header.h"
#include "os/file.h"
#include "os/log.h"
#include "os/priv.h"

#define FILE_NAME "link"		/* below run-dir */
#define FILE_MOST 1024

static const char names[][8] = { "gone", "down", "metered", "up" };

/* NULL-terminated texts are the reasons that mailq shows. */
static const struct smtp_result is_down = {
	.kind = ERR_TEMP, .enhanced = "4.4.0", .text = "the link is down"
}, is_metered = {
	.kind = ERR_TEMP, .enhanced = "4.4.0",
	.text = "the link is metered, and this neither small nor urgent"
};

static int find_state(struct span word)
{
	for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++)
		if (span_eq(word, span_of(names[i])))
			return i;
	return -1;
}

/* No link is known: then nobody tells us, and it is up. */
static unsigned char best(const struct queue *q)
{
	unsigned char state = UPLINK_GONE;

	for (int i = 0; i < QUEUE_UPLINKS; i++)
		if (q->uplinks[i].state > state)
			state = q->uplinks[i].state;
	return state == UPLINK_GONE ? UPLINK_UP : state;
}

/* The one of that name, or a free one; NULL: there are too many. */
static struct queue_uplink *find(struct queue *q, struct span name)
{
	struct queue_uplink *free_one = NULL;

	for (int i = 0; i < QUEUE_UPLINKS; i++) {
		struct queue_uplink *l = &q->uplinks[i];

		if (l->state == UPLINK_GONE)
			free_one = free_one ? free_one : l;
		else if (span_eq(name, span_of(l->name)))
			return l;
	}
	return free_one;
}

/* Interfaces of Linux, and what OpenWrt calls its own. -1: no name, or full. */
static int set(struct queue *q, struct span name, int state)
{
	struct queue_uplink *l = find(q, name);

	if (!l || state < 0 || !name.n || !span_isalnum(name, "._-@:"))
		return -1;
	if (str_copy(l->name, sizeof(l->name), name) < 0) {
		l->state = UPLINK_GONE;
		return -1;
	}
	l->state = (unsigned char)state;
	q->uplink = best(q);
	return 0;
}

/* -- over a restart -- */

static void load(struct queue *q)
{
	char text[FILE_MOST];
	ssize_t n = file_pread(q->uplink_fd, text, sizeof(text), 0);
	struct span rest = span_make(text, n > 0 ? (size_t)n : 0);

	while (span_has(rest, '\n')) {
		struct span line = span_cut(&rest, '\n');
		struct span name = span_word(&line);

		set(q, name, find_state(span_word(&line)));
	}
	if (q->uplink != UPLINK_UP)
		log_info("the link is %s", names[q->uplink]);
}

static void save(struct queue *q)
{
	struct str text;

	if (q->uplink_fd < 0)
		return;
	str_init(&text, FILE_MOST);
	for (int i = 0; i < QUEUE_UPLINKS; i++)
		if (q->uplinks[i].state != UPLINK_GONE)
			str_addf(&text, "%s %s\n", q->uplinks[i].name,
					names[q->uplinks[i].state]);
	if (ftruncate(q->uplink_fd, 0) < 0 || (text.n && pwrite(q->uplink_fd,
					text.p, text.n, 0) != (ssize_t)text.n))
		log_warn("run-dir/" FILE_NAME ": %s", strerror(errno));
	str_free(&text);
}

void uplink_open(struct queue *q)
{
	const struct conf *conf = q->daemon.conf;
	struct priv_user owner;
	struct stat st;
	char path[128];

	q->uplink = UPLINK_UP;
	snprintf(path, sizeof(path), "%s/" FILE_NAME, conf->run_dir);
	q->uplink_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (q->uplink_fd < 0 || fstat(q->uplink_fd, &st) < 0) {
		log_warn("%s: %s", path, strerror(errno));
		return;
	}
	/* another queue may begin with fewer rights; a link is not ours to give */
	if (geteuid() == 0 && st.st_nlink == 1
			&& priv_find(conf->user_queue, &owner, NULL) == 0
			&& fchown(q->uplink_fd, owner.uid, owner.gid) < 0)
		log_warn("%s: %s", path, strerror(errno));
	load(q);
}

/* -- what is said -- */

/*
 * All at once. A link that was away may be new in every way: connections that
 * are kept may lead nowhere.
 */
static void flush_all(struct queue *q)
{
	unsigned at = 0, request = ++q->flushes;
	struct queue_entry *e = NULL;

	site_stop_idle(q);
	while ((e = queue_next(q, &at, e ? e->id : "")))
		if (!e->held)
			queue_flush(e, request);
}

const char *uplink_say(struct queue *q, struct span line)
{
	struct span name = span_cut(&line, '\t');
	unsigned char before = q->uplink;
	int state = find_state(line);

	if (set(q, name, state) < 0)
		return "ERROR no such state, no name, or too many links";
	save(q);
	log_info("link %.*s is %s", SPAN_ARG(name), names[state]);
	if (q->uplink != before)
		log_info("the link is %s", names[q->uplink]);
	if (q->uplink == UPLINK_UP ? state >= UPLINK_UP || before != UPLINK_UP
			: before < q->uplink) {
		queue_look(q);
		flush_all(q);
	}
	/* what waits there is told */
	if (q->uplink == UPLINK_DOWN)
		site_wake_all(q);
	return NULL;
}

/* -- who may go -- */

static bool is_near(const char *host)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, host, a) == 1)
		return a[0] == 10 || a[0] == 127 || (a[0] == 172
				&& (a[1] & 0xf0) == 16)
			|| (a[0] == 192 && a[1] == 168)
			|| (a[0] == 169 && a[1] == 254);
	if (inet_pton(AF_INET6, host, a) != 1)
		return false;
	return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && (a[1] & 0xc0) == 0x80)
		|| memcmp(a, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16) == 0;
}

/* This machine, and addresses of a local network: they need no link. */
static bool is_beyond(const struct queue_route *r)
{
	return !r->unix_path && !(r->host && is_near(r->host));
}

const struct smtp_result *uplink_down(const struct queue *q,
		const struct queue_route *r)
{
	return q->uplink == UPLINK_DOWN && is_beyond(r) ? &is_down : NULL;
}

static bool is_urgent(const struct queue_message *m)
{
	struct str header;
	bool urgent;

	str_init(&header, QUEUE_RETURN_MOST + 1);
	urgent = queue_header(&header, m) == 0
		&& queue_is_urgent(str_span(&header));
	str_free(&header);
	return urgent;
}

const struct smtp_result *uplink_holds(const struct queue_message *m,
		const struct queue_route *r)
{
	const struct queue *q = m->entry->queue;

	if (q->uplink != UPLINK_METERED || !is_beyond(r))
		return uplink_down(q, r);
	return m->envelope->size <= q->daemon.conf->metered_size
		|| is_urgent(m) ? NULL : &is_metered;
}
