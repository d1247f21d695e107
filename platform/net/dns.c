#include "net/dns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "config.h"
#include "net/dns_packet.h"
#include "net/dns_servers.h"
#include "os/clock.h"
#include "os/rand.h"

#define TRY_MS 2000		/* for one server's first try; doubles each round */
#define TCP_MS 5000
#define UDP_MOST 1500		/* without EDNS0 512; some send more all the same */
#define ANSWER_MEMORY (256 * 1024)	/* a TCP answer has 64 KB at most */
#define PLAIN_MS 300000		/* without EDNS, when only that is answered */
#define GOOD_MS 60000		/* how long a server that answered is asked first */

struct dns {
	struct loop *loop;
	struct dns_servers servers;
	int64_t timeout;		/* ms for a whole look-up */
	int first;			/* the server asked first, */
	int64_t first_until;		/* when others have not answered */
	bool proof;			/* with EDNS and DO, */
	int64_t plain_until;		/* but not before */
	struct list queries;
};

struct dns_query {
	struct dns *dns;
	struct list link;
	void (*fn)(void *arg, const struct dns_answer *answer);
	void *arg;

	char name[DNS_NAME_SIZE];	/* asked now: the end of the chain */
	enum dns_type type;
	unsigned chain;
	bool doubtful;			/* a step of the chain was not authentic */
	unsigned id;
	int64_t deadline;
	int base;			/* the first of them asked for this name; */
	int tries;			/* servers tried for it */
	int refusals;			/* of these in this round */
	/* this try has EDNS; it was tried in vain */
	bool proof, plain;
	enum dns_status early;		/* known without asking; DNS_FAIL: time is up */
	bool ready;			/* early is to be told */

	struct loop_watch watch;	/* fd -1: none */
	struct loop_timer timer;
	unsigned char *tcp;		/* the answer's length and octets; NULL: UDP */
	size_t tcp_n, tcp_size;
	bool tcp_asked;
};

/* -- life -- */

struct dns *dns_new(struct loop *l, const struct conf *conf)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->loop = l;
	d->timeout = (int64_t)conf->dns_timeout * 1000;
	list_init(&d->queries);
	dns_servers_init(&d->servers, conf, "/etc/resolv.conf");
	return d;
}

void dns_want_proof(struct dns *d)
{
	d->proof = true;
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	while (!list_empty(&d->queries))
		dns_cancel(container_of(d->queries.next, struct dns_query,
				link));
	dns_servers_close(&d->servers);
	free(d);
}

static void hang_up(struct dns_query *q)
{
	if (q->watch.fd >= 0) {
		loop_unwatch(q->dns->loop, &q->watch);
		close(q->watch.fd);
	}
	q->watch.fd = -1;
	free(q->tcp);
	q->tcp = NULL;
	q->tcp_n = 0;
}

/* Out of the list first: fn may ask again, or even free the whole dns. */
static void detach(struct dns_query *q)
{
	hang_up(q);
	loop_timer_stop(q->dns->loop, &q->timer);
	list_del(&q->link);
}

void dns_cancel(struct dns_query *q)
{
	if (!q)
		return;
	detach(q);
	free(q);
}

static void finish(struct dns_query *q, const struct dns_answer *answer)
{
	detach(q);
	q->fn(q->arg, answer);
	free(q);
}

static void give_up(struct dns_query *q)
{
	finish(q, &(struct dns_answer){ .status = DNS_FAIL });
}

/* -- the servers in turn -- */

static void start(struct dns_query *q);

static int server_of(const struct dns_query *q)
{
	return (q->base + q->tries) % q->dns->servers.n;
}

/*
 * refused: a clear no, be it of the server or of the network. When all say so
 * there is nothing to wait for, and trying again at once would only spin. It
 * may be EDNS that a server says no to, or that does not get through.
 */
static void next_server(struct dns_query *q, bool refused)
{
	hang_up(q);
	if (q->proof) {
		q->plain = true;
		start(q);
		return;
	}
	q->plain = false;
	q->tries++;
	q->refusals += refused;
	if (q->tries % q->dns->servers.n == 0) {
		if (q->refusals >= q->dns->servers.n) {
			give_up(q);
			return;
		}
		q->refusals = 0;
	}
	start(q);
}

/* Later look-ups need not wait for a dead server first. */
static void remember(struct dns_query *q)
{
	struct dns *d = q->dns;
	int64_t now = loop_now(d->loop);

	if (q->plain)
		d->plain_until = now + PLAIN_MS;
	if (q->tries)
		d->first = server_of(q);
	if (q->tries || now > d->first_until)
		d->first_until = now + GOOD_MS;
}

/* After a while the configuration's order counts again. */
static void refresh(struct dns *d)
{
	int n = d->servers.n;

	dns_servers_look(&d->servers);
	if (d->servers.n != n || loop_now(d->loop) > d->first_until)
		d->first = 0;
}

static void arm(struct dns_query *q, int64_t most)
{
	int64_t left = q->deadline - clock_ms();

	loop_timer_set(q->dns->loop, &q->timer,
			left < 0 ? 0 : left < most ? left : most);
}

static int64_t patience(const struct dns_query *q)
{
	int n = q->dns->servers.n, round = q->tries / n;
	int64_t fair = q->dns->timeout / (n + 1);

	return (fair < TRY_MS ? fair : TRY_MS) << (round < 6 ? round : 6);
}

/* -- answers -- */

static void start_tcp(struct dns_query *q);

static void follow(struct dns_query *q, const struct dns_reading *r)
{
	q->chain = r->chain;
	q->doubtful |= !r->answer.authentic;
	str_copys(q->name, sizeof(q->name), r->next);
	hang_up(q);
	q->base = q->dns->first;
	q->tries = q->refusals = 0;
	start(q);
}

static void understood(struct dns_query *q, enum dns_verdict verdict,
		struct dns_reading *r)
{
	remember(q);
	if (verdict == DNS_LOOP) {
		give_up(q);
	} else if (verdict == DNS_FOLLOW) {
		follow(q, r);
	} else {
		r->answer.authentic &= !q->doubtful;
		finish(q, &r->answer);
	}
}

/* q may be gone afterwards. */
static void got_packet(struct dns_query *q, struct span packet)
{
	struct dns_reading r = { .chain = q->chain };
	struct arena *a = arena_new(ANSWER_MEMORY);
	bool tcp = q->tcp != NULL;
	enum dns_verdict verdict = !a ? DNS_REFUSED :
		dns_packet_read(packet, q->id, span_of(q->name), q->type, a,
				&r);

	if (verdict == DNS_TRUNCATED && !tcp)
		start_tcp(q);
	else if (verdict == DNS_STRAY && !tcp)
		;			/* the real one may still come */
	else if (verdict <= DNS_REFUSED)
		next_server(q, true);
	else
		understood(q, verdict, &r);
	arena_free(a);
}

static void udp_ready(struct loop_watch *w, unsigned events)
{
	struct dns_query *q = container_of(w, struct dns_query, watch);
	char packet[UDP_MOST];
	ssize_t n = recv(w->fd, packet, sizeof(packet), 0);

	(void)events;
	if (n >= 0)
		got_packet(q, span_make(packet, (size_t)n));
	else if (errno != EAGAIN && errno != EINTR)
		next_server(q, true);	/* the port is closed */
}

/* -- TCP (RFC 1035 4.2.2): a length of two octets before each packet -- */

/* Small enough for any fresh socket: what does not fit at once is an error. */
static bool tcp_ask(struct dns_query *q)
{
	unsigned char packet[2 + DNS_QUERY_SIZE];
	size_t n = dns_packet_query(packet + 2, q->id, span_of(q->name),
			q->type, q->proof);

	packet[0] = (unsigned char)(n >> 8);
	packet[1] = (unsigned char)n;
	q->tcp_asked = true;
	return send(q->watch.fd, packet, n + 2, MSG_NOSIGNAL) ==
		(ssize_t)(n + 2) &&
		!loop_watch(q->dns->loop, &q->watch, LOOP_READ);
}

/* 1: whole; 0: more must come; -1: broken. */
static int tcp_read(struct dns_query *q)
{
	ssize_t n = recv(q->watch.fd, q->tcp + q->tcp_n,
			q->tcp_size - q->tcp_n, 0);
	unsigned char *more;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	q->tcp_n += (size_t)n;
	if (q->tcp_n < q->tcp_size)
		return 0;
	if (q->tcp_size > 2)
		return 1;
	q->tcp_size = 2 + ((size_t)q->tcp[0] << 8 | q->tcp[1]);
	more = realloc(q->tcp, q->tcp_size);
	if (!more)
		return -1;
	q->tcp = more;
	return q->tcp_size > 2 ? 0 : -1;
}

static void tcp_ready(struct loop_watch *w, unsigned events)
{
	struct dns_query *q = container_of(w, struct dns_query, watch);
	int rc;

	(void)events;
	if (!q->tcp_asked) {
		if (!tcp_ask(q))
			next_server(q, true);
		return;
	}
	rc = tcp_read(q);
	if (rc > 0)
		got_packet(q, span_make((char *)q->tcp + 2, q->tcp_n - 2));
	else if (rc < 0)
		next_server(q, true);
}

static bool dial(struct dns_query *q, int type)
{
	const struct dns_server *s = &q->dns->servers.v[server_of(q)];

	q->watch.fd = socket(s->addr.ss_family,
			type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	q->watch.active = false;
	q->watch.want = 0;
	return q->watch.fd >= 0 &&
		(!connect(q->watch.fd, (const void *)&s->addr, s->len) ||
		 errno == EINPROGRESS);
}

static void start_tcp(struct dns_query *q)
{
	hang_up(q);
	q->tcp_asked = false;
	q->tcp_size = 2;
	q->tcp = malloc(q->tcp_size);
	q->watch.ready = tcp_ready;
	if (!q->tcp || !dial(q, SOCK_STREAM) ||
			loop_watch(q->dns->loop, &q->watch, LOOP_WRITE))
		next_server(q, true);
	else
		arm(q, TCP_MS);
}

/* -- UDP -- */

/* The socket is connected: only this server's packets come in. */
static bool udp_ask(struct dns_query *q, const unsigned char *packet, size_t n)
{
	q->watch.ready = udp_ready;
	return dial(q, SOCK_DGRAM) &&
		send(q->watch.fd, packet, n, MSG_NOSIGNAL) == (ssize_t)n &&
		!loop_watch(q->dns->loop, &q->watch, LOOP_READ);
}

static void tell(struct dns_query *q, enum dns_status status)
{
	q->early = status;
	q->ready = true;
	loop_timer_set(q->dns->loop, &q->timer, 0);
}

/*
 * One try of one server. Nothing is reported from inside: this runs in
 * dns_ask, too. When nothing can be sent, its turn passes as if unanswered.
 */
static void start(struct dns_query *q)
{
	unsigned char packet[DNS_QUERY_SIZE];
	uint16_t id;
	size_t n;

	rand_bytes(&id, sizeof(id));
	q->id = id;
	q->proof = CFG_DANE && q->dns->proof && !q->plain
		&& loop_now(q->dns->loop) >= q->dns->plain_until;
	n = dns_packet_query(packet, q->id, span_of(q->name), q->type,
			q->proof);
	if (!n)
		tell(q, q->chain ? DNS_FAIL : DNS_BAD_NAME);
	else if (udp_ask(q, packet, n))
		arm(q, patience(q));
	else
		arm(q, patience(q) / 4);
}

static void timed_out(struct loop_timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);

	if (q->ready)
		finish(q, &(struct dns_answer){ .status = q->early });
	else if (clock_ms() >= q->deadline)
		give_up(q);
	else
		next_server(q, false);
}

/* -- names that no server is asked for (RFC 6761 6.3) -- */

static bool is_localhost(struct span name)
{
	return span_is(name, "localhost") || span_ends(name, ".localhost");
}

static void answer_localhost(struct loop_timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);
	struct dns_record r = { .type = q->type };
	struct dns_answer answer = { .status = DNS_NODATA };

	if (q->type == DNS_A)
		r.ip.a.s_addr = htonl(INADDR_LOOPBACK);
	else
		r.ip.aaaa.s6_addr[15] = 1;	/* ::1 */
	if (q->type == DNS_A || q->type == DNS_AAAA)
		answer = (struct dns_answer){ DNS_OK, 1, &r, false,
			NULL };
	finish(q, &answer);
}

/* -- asking -- */

struct dns_query *dns_ask(struct dns *d, struct span name, enum dns_type type,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg)
{
	struct dns_query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->dns = d;
	q->fn = fn;
	q->arg = arg;
	q->type = type;
	q->watch.fd = -1;
	q->timer.fire = timed_out;
	q->deadline = clock_ms() + d->timeout;
	list_add_tail(&d->queries, &q->link);
	if (is_localhost(name)) {
		q->timer.fire = answer_localhost;
		loop_timer_set(d->loop, &q->timer, 0);
	} else if (span_has(name, '\0') ||
			str_copy(q->name, sizeof(q->name), name)) {
		tell(q, DNS_BAD_NAME);
	} else {
		refresh(d);
		q->base = d->first;	/* whatever others find out meanwhile */
		start(q);
	}
	return q;
}

static void reverse_v4(char *out, const unsigned char *a, const char *zone)
{
	snprintf(out, DNS_REVERSE_SIZE, "%u.%u.%u.%u.%s", a[3], a[2], a[1],
			a[0], zone);
}

/* RFC 3596 2.5 */
static void reverse_v6(char *out, const unsigned char *a, const char *zone)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	for (int i = 15; i >= 0; i--) {
		out[at++] = hex[a[i] & 15];
		out[at++] = '.';
		out[at++] = hex[a[i] >> 4];
		out[at++] = '.';
	}
	str_copys(out + at, DNS_REVERSE_SIZE - at, zone);
}

void dns_reverse(char out[DNS_REVERSE_SIZE], const struct sockaddr *addr,
		const char *v4_zone, const char *v6_zone)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	out[0] = '\0';
	if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		reverse_v4(out, (const unsigned char *)&v4.sin_addr, v4_zone);
	} else if (addr->sa_family == AF_INET6) {
		memcpy(&v6, addr, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			reverse_v4(out, v6.sin6_addr.s6_addr + 12, v4_zone);
		else
			reverse_v6(out, v6.sin6_addr.s6_addr, v6_zone);
	}
}

struct dns_query *dns_ask_ptr(struct dns *d, const struct sockaddr *addr,
		void (*fn)(void *arg, const struct dns_answer *answer), void *arg)
{
	char name[DNS_REVERSE_SIZE];

	dns_reverse(name, addr, "in-addr.arpa", "ip6.arpa");
	return dns_ask(d, span_of(name), DNS_PTR, fn, arg);
}
