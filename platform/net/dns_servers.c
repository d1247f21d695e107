#include "net/dns_servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/conf_row.h"
#include "os/file.h"
#include "os/log.h"

#define DNS_PORT 53
#define RESOLV_MOST 16384
#define LOOK_MS 1000

/* fe80::1%eth0: a router that announces itself (RFC 8106) */
static bool take_v6(struct dns_server *to, struct span text, unsigned port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&to->addr;
	char name[INET6_ADDRSTRLEN + IF_NAMESIZE];
	char *zone;

	if (str_copy(name, sizeof(name), text))
		return false;
	zone = strchr(name, '%');
	if (zone)
		*zone++ = '\0';
	if (inet_pton(AF_INET6, name, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	v6->sin6_scope_id = zone ? if_nametoindex(zone) : 0;
	to->len = sizeof(*v6);
	return true;
}

static bool take_v4(struct dns_server *to, struct span text, unsigned port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&to->addr;
	char name[INET_ADDRSTRLEN];

	if (str_copy(name, sizeof(name), text) ||
			inet_pton(AF_INET, name, &v4->sin_addr) != 1)
		return false;
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	to->len = sizeof(*v4);
	return true;
}

static void add(struct dns_servers *s, struct span host, unsigned port)
{
	struct dns_server *to = &s->v[s->n];

	if (s->n == DNS_SERVERS_MOST)
		return;
	memset(to, 0, sizeof(*to));
	if (take_v4(to, host, port) || take_v6(to, host, port))
		s->n++;
	else
		log_warn("%.*s: not a name server's address", SPAN_ARG(host));
}

/* ADDRESS, ADDRESS:PORT, [ADDRESS], [ADDRESS]:PORT; conf has checked it. */
static void add_word(struct dns_servers *s, struct span word)
{
	struct span host;
	unsigned port;
	bool brackets;

	/* false: an IPv6 address without brackets */
	if (!conf_split_port(word, &host, &port, &brackets)) {
		host = word;
		port = 0;
	}
	add(s, host, port ? port : DNS_PORT);
}

/* resolver(5) */
static void parse(struct dns_servers *s, struct span text)
{
	s->n = 0;
	while (text.n) {
		struct span line = span_cut(&text, '\n');

		if (span_is(span_word(&line), "nameserver"))
			add(s, span_word(&line), DNS_PORT);
	}
	if (!s->n)
		add(s, SPAN("127.0.0.1"), DNS_PORT);
}

static void read_file(struct dns_servers *s)
{
	struct str text;

	str_init(&text, RESOLV_MOST);
	if (!file_read(s->dirfd, s->file, &text, NULL))
		parse(s, str_span(&text));
	str_free(&text);
}

/* 0 is never what a changed file has: it is then simply read. */
static bool has_changed(struct dns_servers *s)
{
	struct stat st;

	if (fstatat(s->dirfd, s->file, &st, 0) < 0)
		return false;		/* being replaced: the old ones do */
	if (st.st_mtim.tv_sec == s->changed.tv_sec &&
			st.st_mtim.tv_nsec == s->changed.tv_nsec)
		return false;
	s->changed = st.st_mtim;
	return true;
}

void dns_servers_look(struct dns_servers *s)
{
	int64_t now = clock_ms();

	if (s->dirfd < 0 || (s->looked && now - s->looked < LOOK_MS))
		return;
	s->looked = now;
	if (has_changed(s))
		read_file(s);
}

/* The real folder: /etc/resolv.conf is often a link to one below /run or /tmp. */
static void open_folder(struct dns_servers *s, const char *path)
{
	char folder[PATH_MAX], *name;

	if (!realpath(path, folder))
		str_copys(folder, sizeof(folder), path);
	name = strrchr(folder, '/');
	if (!name || str_copys(s->file, sizeof(s->file), name + 1))
		return;
	name[1] = '\0';
	s->dirfd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void dns_servers_init(struct dns_servers *s, const struct conf *conf,
		const char *path)
{
	const struct conf_word *w;

	memset(s, 0, sizeof(*s));
	s->dirfd = -1;
	for (w = conf->nameservers; w; w = w->next)
		add_word(s, span_of(w->text));
	if (s->n)
		return;
	parse(s, span_make(NULL, 0));
	open_folder(s, path);
	dns_servers_look(s);
}

void dns_servers_close(struct dns_servers *s)
{
	if (s->dirfd >= 0)
		close(s->dirfd);
	s->dirfd = -1;
}
