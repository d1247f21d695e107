/* A name server of our own in the same loop gives crafted answers. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "net/dns.h"
#include "net/dns_packet.h"
#include "net/dns_servers.h"
#include "net/listen.h"
#include "os/clock.h"

#define PACKET 70000

/* -- packets made by hand -- */

struct packet {
	unsigned char p[PACKET];
	size_t n;
};

static void byte(struct packet *k, unsigned v)
{
	k->p[k->n++] = (unsigned char)v;
}

static void word(struct packet *k, unsigned v)
{
	byte(k, v >> 8);
	byte(k, v & 255);
}

static void name(struct packet *k, const char *text)
{
	struct span s = span_of(text), label;

	while (s.n) {
		label = span_cut(&s, '.');
		byte(k, (unsigned)label.n);
		memcpy(k->p + k->n, label.p, label.n);
		k->n += label.n;
	}
	byte(k, 0);
}

static void count(struct packet *k, int section)
{
	k->p[5 + 2 * section]++;
}

/* The header and question of a query, turned into an answer. */
static void begin(struct packet *k, const unsigned char *query, size_t n,
		unsigned flags)
{
	memset(k, 0, 12);
	memcpy(k->p, query, n);
	k->n = n;
	k->p[2] = (unsigned char)(0x80 | flags >> 8);
	k->p[3] = (unsigned char)flags;
}

static size_t record(struct packet *k, int section, const char *owner,
		unsigned type)
{
	count(k, section);
	name(k, owner);
	word(k, type);
	word(k, 1);
	word(k, 0);
	word(k, 300);
	word(k, 0);
	return k->n;
}

/* Closes the rdata that began at `at`. */
static void end(struct packet *k, size_t at)
{
	k->p[at - 2] = (unsigned char)((k->n - at) >> 8);
	k->p[at - 1] = (unsigned char)(k->n - at);
}

static void a_record(struct packet *k, const char *owner, const char *ip)
{
	size_t at = record(k, 1, owner, DNS_A);

	inet_pton(AF_INET, ip, k->p + k->n);
	k->n += 4;
	end(k, at);
}

static void cname(struct packet *k, const char *owner, const char *to)
{
	size_t at = record(k, 1, owner, 5);

	name(k, to);
	end(k, at);
}

static void mx(struct packet *k, const char *owner, unsigned preference,
		const char *host)
{
	size_t at = record(k, 1, owner, DNS_MX);

	word(k, preference);
	name(k, host);
	end(k, at);
}

static void soa(struct packet *k, const char *owner)
{
	size_t at = record(k, 2, owner, 6);

	name(k, "ns.test");
	name(k, "root.test");
	for (int i = 0; i < 10; i++)
		word(k, 1);
	end(k, at);
}

static void txt(struct packet *k, const char *owner, const char *data, size_t n)
{
	size_t at = record(k, 1, owner, DNS_TXT);

	memcpy(k->p + k->n, data, n);
	k->n += n;
	end(k, at);
}

/* -- the server -- */

struct server;
typedef void script_fn(struct server *s, const unsigned char *query, size_t n,
		bool tcp, struct packet *out);

struct server {
	struct loop *loop;
	struct loop_watch udp, tcp, client;
	unsigned port;
	script_fn *script;
	unsigned asked, asked_tcp;
	char last[256];			/* the name asked */
	struct sockaddr_in from;
	struct packet out;
};

struct fixture {
	struct loop *loop;
	struct conf conf;
	struct conf_word words[3];
	char texts[3][32];
	struct server server[2];
	struct dns *dns;

	int calls;
	struct dns_answer answer;
	struct dns_record records[DNS_MOST];
	char text[DNS_MOST][300];
	char name[256];
};

static void remember_name(struct server *s, const unsigned char *q)
{
	size_t at = 12, n = 0;

	while (q[at] && n + q[at] < sizeof(s->last) - 2) {
		memcpy(s->last + n, q + at + 1, q[at]);
		n += q[at];
		s->last[n++] = '.';
		at += q[at] + 1u;
	}
	s->last[n ? n - 1 : 0] = '\0';
}

static void udp_in(struct loop_watch *w, unsigned events)
{
	struct server *s = container_of(w, struct server, udp);
	unsigned char query[600];
	socklen_t len = sizeof(s->from);
	ssize_t n = recvfrom(w->fd, query, sizeof(query), 0,
			(struct sockaddr *)&s->from, &len);

	(void)events;
	if (n < 12)
		return;
	s->asked++;
	remember_name(s, query);
	s->out.n = 0;
	s->script(s, query, (size_t)n, false, &s->out);
	if (s->out.n)
		sendto(w->fd, s->out.p, s->out.n, 0,
				(struct sockaddr *)&s->from, len);
}

/* In pieces, so that the reader has to put them together. */
static void send_slowly(int fd, const unsigned char *p, size_t n)
{
	size_t at, step;

	for (at = 0; at < n; at += step) {
		step = at < 4 ? 1 : n - at;
		assert_int_equal(send(fd, p + at, step, 0), step);
	}
}

static void tcp_in(struct loop_watch *w, unsigned events)
{
	struct server *s = container_of(w, struct server, client);
	unsigned char query[600], size[2];
	ssize_t n = recv(w->fd, query, sizeof(query), 0);

	(void)events;
	loop_unwatch(s->loop, w);
	if (n > 14) {
		s->asked_tcp++;
		s->out.n = 0;
		s->script(s, query + 2, (size_t)n - 2, true, &s->out);
		size[0] = (unsigned char)(s->out.n >> 8);
		size[1] = (unsigned char)s->out.n;
		if (s->out.n) {
			send_slowly(w->fd, size, 2);
			send_slowly(w->fd, s->out.p, s->out.n);
		}
	}
	close(w->fd);
	w->fd = -1;
}

static void tcp_accept(struct loop_watch *w, unsigned events)
{
	struct server *s = container_of(w, struct server, tcp);

	(void)events;
	s->client.fd = accept(w->fd, NULL, NULL);
	s->client.ready = tcp_in;
	loop_watch(s->loop, &s->client, LOOP_READ);
}

/* One port of both kinds; false: somebody else has the second. */
static bool server_bind(struct server *s)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int one = 1;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->udp.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	s->tcp.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(s->tcp.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(s->udp.fd, (struct sockaddr *)&in, sizeof(in)), 0);
	getsockname(s->udp.fd, (struct sockaddr *)&in, &len);
	s->port = ntohs(in.sin_port);
	if (bind(s->tcp.fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return true;
	close(s->udp.fd);
	close(s->tcp.fd);
	return false;
}

static void server_open(struct server *s, struct loop *l)
{
	s->loop = l;
	s->client.fd = -1;
	while (!server_bind(s))
		;
	assert_int_equal(listen(s->tcp.fd, 5), 0);
	s->udp.ready = udp_in;
	s->tcp.ready = tcp_accept;
	loop_watch(l, &s->udp, LOOP_READ);
	loop_watch(l, &s->tcp, LOOP_READ);
}

static void server_close(struct server *s)
{
	if (s->udp.fd < 0)
		return;
	loop_unwatch(s->loop, &s->udp);
	loop_unwatch(s->loop, &s->tcp);
	close(s->udp.fd);
	close(s->tcp.fd);
	s->udp.fd = -1;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new(NULL);
	f->conf.dns_timeout = 3;
	for (int i = 0; i < 2; i++) {
		server_open(&f->server[i], f->loop);
		snprintf(f->texts[i], sizeof(f->texts[i]), "127.0.0.1:%u",
				f->server[i].port);
		f->words[i].text = f->texts[i];
	}
	f->conf.nameservers = &f->words[0];
	f->dns = dns_new(f->loop, &f->conf);
	*state = f;
	return 0;
}

/* Both servers from here on; setup has only the first. */
static void use_both(struct fixture *f)
{
	dns_free(f->dns);
	f->words[0].next = &f->words[1];
	f->dns = dns_new(f->loop, &f->conf);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dns_free(f->dns);
	server_close(&f->server[0]);
	server_close(&f->server[1]);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void answered(void *arg, const struct dns_answer *a)
{
	struct fixture *f = arg;

	f->calls++;
	f->answer = *a;
	if (a->name)
		str_copys(f->name, sizeof(f->name), a->name);
	for (int i = 0; i < a->count; i++) {
		f->records[i] = a->records[i];
		if (a->records[i].text)
			memcpy(f->text[i], a->records[i].text,
					a->records[i].text_len + 1);
	}
}

static enum dns_status wait_answer(struct fixture *f)
{
	int64_t until = clock_ms() + 6000;

	while (!f->calls && clock_ms() < until)
		loop_turn(f->loop, 100);
	assert_int_equal(f->calls, 1);
	loop_turn(f->loop, 0);
	assert_int_equal(f->calls, 1);
	return f->answer.status;
}

static enum dns_status ask(struct fixture *f, const char *what,
		enum dns_type type)
{
	f->calls = 0;
	assert_non_null(dns_ask(f->dns, span_of(what), type, answered, f));
	assert_int_equal(f->calls, 0);
	return wait_answer(f);
}

/* -- EDNS -- */

static unsigned with_opt, without_opt;
/* what EDNS is answered with; 99: nothing */
static unsigned edns_rcode;

/* Some know no EDNS, some middle boxes drop it (RFC 6891 7). */
static void say_old(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	bool opt = q[11] == 1;

	(void)tcp;
	*(opt ? &with_opt : &without_opt) += 1;
	if (opt) {
		/* root, 41, 1232, version 0, DO, no options */
		assert_memory_equal(q + n - 11,
				"\0\0\x29\x04\xd0\0\0\x80\0\0", 11);
		n -= 11;
	}
	if (opt && edns_rcode == 99)
		return;
	begin(out, q, n, 0x20 | (opt ? edns_rcode : 0));
	out->p[11] = 0;
	if (!opt || !edns_rcode)
		a_record(out, s->last, "192.0.2.7");
}

static void test_edns(void **state)
{
	static const unsigned rcodes[] = { 1, 4, 2, 99, 0 };
	struct fixture *f = *state;

	if (!CFG_DANE)
		skip();
	f->server[0].script = say_old;
	with_opt = without_opt = 0;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(with_opt, 0);
	for (int i = 0; i < 5; i++) {
		dns_free(f->dns);
		f->dns = dns_new(f->loop, &f->conf);
		dns_want_proof(f->dns);
		with_opt = without_opt = 0;
		edns_rcode = rcodes[i];
		assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
		assert_true(f->answer.authentic);
		assert_int_equal(with_opt, 1);
		assert_int_equal(without_opt, edns_rcode ? 1 : 0);
		/* that is remembered for a while */
		assert_int_equal(ask(f, "b.test", DNS_A), DNS_OK);
		assert_int_equal(with_opt, edns_rcode ? 1 : 2);
	}
}

/* A server that is dead says nothing about EDNS. */
static void test_edns_and_a_dead_server(void **state)
{
	struct fixture *f = *state;

	if (!CFG_DANE)
		skip();
	use_both(f);
	dns_want_proof(f->dns);
	server_close(&f->server[0]);
	f->server[1].script = say_old;
	with_opt = without_opt = edns_rcode = 0;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(ask(f, "b.test", DNS_A), DNS_OK);
	assert_int_equal(with_opt, 2);
	assert_int_equal(without_opt, 0);
}

/* -- scripts -- */

static void say_a(struct server *s, const unsigned char *q, size_t n, bool tcp,
		struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0x20);
	a_record(out, s->last, "192.0.2.7");
	a_record(out, "other.test", "192.0.2.66");
	a_record(out, s->last, "192.0.2.8");
}

static void say_nothing(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)s, (void)q, (void)n, (void)tcp;
	out->n = 0;
}

static void say_nodata(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)s, (void)tcp;
	begin(out, q, n, 0);
	soa(out, "test");
}

static void say_nxdomain(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)s, (void)tcp;
	begin(out, q, n, 3);
	soa(out, "test");
}

static void say_servfail(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)s, (void)tcp;
	begin(out, q, n, 2);
}

static void say_referral(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	size_t at;

	(void)s, (void)tcp;
	begin(out, q, n, 0);
	at = record(out, 2, "test", 2);
	name(out, "ns.elsewhere.test");
	end(out, at);
}

static void say_mx(struct server *s, const unsigned char *q, size_t n, bool tcp,
		struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	mx(out, s->last, 20, "Backup.TEST");
	mx(out, s->last, 10, "one.test");
	mx(out, s->last, 10, "two.test");
	mx(out, s->last, 10, "three.test");
}

static void say_null_mx(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	mx(out, s->last, 0, "");
}

static void say_txt(struct server *s, const unsigned char *q, size_t n, bool tcp,
		struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	txt(out, s->last, "\003abc\000\004d\000ef", 10);
}

/* The answer does not fit into UDP: cut in the middle of a record. */
static void say_truncated(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	if (tcp) {
		begin(out, q, n, 0);
		for (int i = 0; i < 60; i++)
			a_record(out, s->last, "192.0.2.9");
		return;
	}
	begin(out, q, n, 0x200);
	a_record(out, s->last, "192.0.2.1");
	out->n -= 3;
}

/* A wrong id and a wrong question first, then the truth. */
static void say_forged_first(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	struct packet bad;

	begin(&bad, q, n, 0);
	a_record(&bad, s->last, "203.0.113.1");
	bad.p[0] ^= 0xff;
	sendto(s->udp.fd, bad.p, bad.n, 0, (struct sockaddr *)&s->from,
			sizeof(s->from));
	bad.p[0] ^= 0xff;
	bad.p[13] ^= 1;			/* a letter of the question */
	sendto(s->udp.fd, bad.p, bad.n, 0, (struct sockaddr *)&s->from,
			sizeof(s->from));
	sendto(s->udp.fd, "x", 1, 0, (struct sockaddr *)&s->from,
			sizeof(s->from));
	say_a(s, q, n, tcp, out);
}

/* A stranger's port: a connected socket does not hear it. */
static void say_from_elsewhere(struct server *s, const unsigned char *q,
		size_t n, bool tcp, struct packet *out)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct packet bad;

	begin(&bad, q, n, 0);
	a_record(&bad, s->last, "203.0.113.1");
	sendto(fd, bad.p, bad.n, 0, (struct sockaddr *)&s->from,
			sizeof(s->from));
	close(fd);
	say_a(s, q, n, tcp, out);
}

static void say_chain(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	a_record(out, "c.test", "192.0.2.3");
	cname(out, "b.test", "c.test");
	cname(out, s->last, "b.test");
}

static void say_tlsa(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	size_t at;

	(void)tcp;
	begin(out, q, n, 0x20);
	cname(out, s->last, "Keys.test");
	at = record(out, 1, "keys.test", DNS_TLSA);
	for (unsigned i = 0; i < 7; i++)
		byte(out, i);
	end(out, at);
}

static void say_alias(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	cname(out, s->last, "keys.test");
}

/* One link of the chain for each question. */
static void say_next_link(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	char next[300];

	(void)tcp;
	begin(out, q, n, 0);
	if (strcmp(s->last, "xxx.test") == 0) {
		a_record(out, s->last, "192.0.2.4");
		return;
	}
	snprintf(next, sizeof(next), "x%s", s->last);
	cname(out, s->last, next);
}

static void say_loop(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	cname(out, s->last, "b.test");
	cname(out, "b.test", s->last);
}

static void say_endless(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	cname(out, s->last, strcmp(s->last, "a.test") ? "a.test" : "b.test");
}

static void say_alias_of_nobody(struct server *s, const unsigned char *q,
		size_t n, bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 3);
	cname(out, s->last, "gone.test");
	soa(out, "test");
}

/* A name that points at itself. */
static void say_compression_loop(struct server *s, const unsigned char *q,
		size_t n, bool tcp, struct packet *out)
{
	size_t at;

	(void)tcp;
	begin(out, q, n, 0);
	at = record(out, 1, s->last, DNS_MX);
	word(out, 10);
	word(out, 0xc000 | (unsigned)out->n);
	end(out, at);
}

/* -- tests -- */

static void test_addresses(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_a;
	assert_int_equal(ask(f, "WWW.a.test", DNS_A), DNS_OK);
	assert_int_equal(f->answer.count, 2);
	assert_int_equal(f->records[0].ip.a.s_addr, inet_addr("192.0.2.7"));
	assert_int_equal(f->records[1].ip.a.s_addr, inet_addr("192.0.2.8"));
	assert_int_equal(f->records[0].ttl, 300);
	assert_true(f->answer.authentic);
	assert_string_equal(f->server[0].last, "WWW.a.test");
}

static void test_negative_answers_differ(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_nodata;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_NODATA);
	f->server[0].script = say_nxdomain;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_NXDOMAIN);
	f->server[0].script = say_servfail;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_FAIL);
	f->server[0].script = say_referral;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_FAIL);
	f->server[0].script = say_alias_of_nobody;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_NXDOMAIN);
}

static void test_mx_order(void **state)
{
	struct fixture *f = *state;
	bool first[3] = { false, false, false };

	f->server[0].script = say_mx;
	for (int i = 0; i < 60; i++) {
		assert_int_equal(ask(f, "a.test", DNS_MX), DNS_OK);
		assert_int_equal(f->answer.count, 4);
		assert_string_equal(f->text[3], "backup.test");
		assert_int_equal(f->records[3].preference, 20);
		first[0] |= !strcmp(f->text[0], "one.test");
		first[1] |= !strcmp(f->text[0], "two.test");
		first[2] |= !strcmp(f->text[0], "three.test");
	}
	/* one chance in 10^10 that this is wrong */
	assert_true(first[0] && first[1] && first[2]);
	f->server[0].script = say_null_mx;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_OK);
	assert_string_equal(f->text[0], "");
}

static void srv(struct packet *k, const char *owner, unsigned port,
		const char *host)
{
	size_t at = record(k, 1, owner, DNS_SRV);

	word(k, port ? 10 : 0);
	word(k, 5);
	word(k, port);
	if (host)
		name(k, host);
	end(k, at);
}

static void say_srv(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	srv(out, s->last, 465, "Smtp.a.test");
	srv(out, s->last, 0, "");
}

/* One that ends before the name. */
static void say_short_srv(struct server *s, const unsigned char *q, size_t n,
		bool tcp, struct packet *out)
{
	(void)tcp;
	begin(out, q, n, 0);
	srv(out, s->last, 465, NULL);
}

static void test_srv(void **state)
{
	struct fixture *f = *state;

	if (!CFG_MAILCONF_SETUP)
		skip();
	f->server[0].script = say_srv;
	assert_int_equal(ask(f, "a.test", DNS_SRV), DNS_OK);
	assert_int_equal(f->answer.count, 2);
	assert_int_equal(f->records[0].preference, 10);
	assert_int_equal(f->records[0].port, 465);
	assert_string_equal(f->text[0], "smtp.a.test");
	assert_string_equal(f->text[1], "");
	f->server[0].script = say_short_srv;
	assert_int_not_equal(ask(f, "a.test", DNS_SRV), DNS_OK);
}

static void test_txt_is_joined(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_txt;
	assert_int_equal(ask(f, "a.test", DNS_TXT), DNS_OK);
	assert_int_equal(f->records[0].text_len, 7);
	assert_memory_equal(f->text[0], "abcd\0ef", 7);
}

static void test_truncated_goes_to_tcp(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_truncated;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(f->answer.count, DNS_MOST);
	assert_int_equal(f->server[0].asked_tcp, 1);
}

static void test_forgeries_are_ignored(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_forged_first;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(f->records[0].ip.a.s_addr, inet_addr("192.0.2.7"));
	f->server[0].script = say_from_elsewhere;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(f->records[0].ip.a.s_addr, inet_addr("192.0.2.7"));
}

static void test_chains(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_chain;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(f->records[0].ip.a.s_addr, inet_addr("192.0.2.3"));
	assert_int_equal(f->server[0].asked, 1);
	f->server[0].script = say_next_link;
	assert_int_equal(ask(f, "test", DNS_A), DNS_FAIL);	/* xtest, ... */
	f->server[0].asked = 0;
	assert_int_equal(ask(f, "x.test", DNS_A), DNS_OK);
	assert_int_equal(f->server[0].asked, 3);
	f->server[0].script = say_loop;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_FAIL);
	f->server[0].script = say_endless;
	f->server[0].asked = 0;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_FAIL);
	assert_true(f->server[0].asked <= DNS_CHAIN_MOST + 1);
	f->server[0].script = say_compression_loop;
	assert_int_equal(ask(f, "a.test", DNS_MX), DNS_FAIL);
}

static void test_second_server_helps(void **state)
{
	struct fixture *f = *state;
	int64_t began;

	use_both(f);
	f->server[0].script = say_nothing;
	f->server[1].script = say_a;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_int_equal(f->server[0].asked, 1);
	/* the one that answered is asked first from now on */
	began = clock_ms();
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
	assert_true(clock_ms() - began < 500);
	assert_int_equal(f->server[0].asked, 1);
	f->server[1].script = say_servfail;
	f->server[0].script = say_a;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_OK);
}

static void count_good(void *arg, const struct dns_answer *a)
{
	int *good = arg;

	good[0] += a->status == DNS_OK;
	good[1]++;
}

/* What one finds out about the servers does not send the others round in circles. */
static void test_many_at_once(void **state)
{
	struct fixture *f = *state;
	int good[2] = { 0 };

	use_both(f);
	f->server[0].script = say_servfail;
	f->server[1].script = say_a;
	for (int i = 0; i < 20; i++) {
		assert_non_null(dns_ask(f->dns, SPAN("a.test"), DNS_A,
					count_good, good));
		loop_turn(f->loop, 0);
	}
	for (int i = 0; i < 1000 && good[1] < 20; i++)
		loop_turn(f->loop, 10);
	assert_int_equal(good[0], 20);
}

static void test_dead_servers(void **state)
{
	struct fixture *f = *state;
	int64_t began = clock_ms();

	f->server[0].script = say_nothing;
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_FAIL);
	assert_in_range(clock_ms() - began, 2900, 3500);
	assert_in_range(f->server[0].asked, 2, 4);
	/* nobody listens: no need to wait, and no spinning either */
	server_close(&f->server[0]);
	began = clock_ms();
	assert_int_equal(ask(f, "a.test", DNS_A), DNS_FAIL);
	assert_true(clock_ms() - began < 500);
}

static void test_names_that_cannot_be_asked(void **state)
{
	struct fixture *f = *state;
	char text[300];

	f->server[0].script = say_a;
	assert_int_equal(ask(f, "", DNS_A), DNS_BAD_NAME);
	assert_int_equal(ask(f, "a..test", DNS_A), DNS_BAD_NAME);
	assert_int_equal(ask(f, ".test", DNS_A), DNS_BAD_NAME);
	assert_int_equal(ask(f, "test.", DNS_A), DNS_BAD_NAME);
	assert_int_equal(ask(f, "a b.test", DNS_A), DNS_BAD_NAME);
	assert_int_equal(ask(f, "a\\.test", DNS_A), DNS_BAD_NAME);
	memset(text, 'a', sizeof(text));
	text[64] = '\0';
	assert_int_equal(ask(f, text, DNS_A), DNS_BAD_NAME);
	text[64] = 'a';
	for (int i = 63; i < 299; i += 64)
		text[i] = '.';
	text[254] = '\0';
	assert_int_equal(ask(f, text, DNS_A), DNS_BAD_NAME);
	text[253] = '\0';
	assert_int_equal(ask(f, text, DNS_A), DNS_OK);
	f->calls = 0;
	dns_ask(f->dns, SPAN("a\0b.test"), DNS_A, answered, f);
	assert_int_equal(wait_answer(f), DNS_BAD_NAME);
}

static void say_ptr(struct server *s, const unsigned char *q, size_t n, bool tcp,
		struct packet *out)
{
	size_t at;

	(void)tcp;
	begin(out, q, n, 0);
	at = record(out, 1, s->last, DNS_PTR);
	name(out, "Host.a.test");
	end(out, at);
}

static void test_ptr(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	f->server[0].script = say_ptr;
	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	dns_ask_ptr(f->dns, (struct sockaddr *)&v4, answered, f);
	assert_int_equal(wait_answer(f), DNS_OK);
	assert_string_equal(f->server[0].last, "1.2.0.192.in-addr.arpa");
	assert_string_equal(f->text[0], "host.a.test");
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6.sin6_addr);
	f->calls = 0;
	dns_ask_ptr(f->dns, (struct sockaddr *)&v6, answered, f);
	wait_answer(f);
	assert_string_equal(f->server[0].last, "1.2.0.192.in-addr.arpa");
	inet_pton(AF_INET6, "2001:db8::567:89ab", &v6.sin6_addr);
	f->calls = 0;
	dns_ask_ptr(f->dns, (struct sockaddr *)&v6, answered, f);
	wait_answer(f);
	/* the example of RFC 3596 2.5, with another prefix */
	assert_string_equal(f->server[0].last, "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0."
			"0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void test_localhost(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_nxdomain;
	assert_int_equal(ask(f, "LocalHost", DNS_A), DNS_OK);
	assert_int_equal(f->records[0].ip.a.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(ask(f, "x.localhost", DNS_AAAA), DNS_OK);
	assert_int_equal(ask(f, "localhost", DNS_MX), DNS_NODATA);
	assert_int_equal(f->server[0].asked, 0);
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_a;
	f->calls = 0;
	dns_cancel(dns_ask(f->dns, SPAN("a.test"), DNS_A, answered, f));
	dns_ask(f->dns, SPAN("b.test"), DNS_A, answered, f);
	dns_free(f->dns);
	f->dns = dns_new(f->loop, &f->conf);
	for (int i = 0; i < 5; i++)
		loop_turn(f->loop, 20);
	assert_int_equal(f->calls, 0);
}

/* -- resolv.conf -- */

static void write_file(const char *path, const char *text, time_t when)
{
	struct timespec t[2] = { { when, 0 }, { when, 0 } };
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	futimens(fd, t);
	close(fd);
}

static unsigned port_of(const struct dns_server *s)
{
	return ntohs(((const struct sockaddr_in *)(const void *)
			&s->addr)->sin_port);
}

static void test_resolv_conf(void **state)
{
	char path[] = "/tmp/dns_testXXXXXX";
	struct conf conf = { 0 };
	struct dns_servers s;

	(void)state;
	close(mkstemp(path));
	write_file(path, "# x\nsearch a\nnameserver 192.0.2.1\n"
			"nameserver\t2001:db8::1 \nnameserver nonsense\n", 1000);
	dns_servers_init(&s, &conf, path);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.v[0].addr.ss_family, AF_INET);
	assert_int_equal(s.v[1].addr.ss_family, AF_INET6);
	assert_int_equal(port_of(&s.v[0]), 53);
	write_file(path, "nameserver 192.0.2.9\n", 2000);
	dns_servers_look(&s);		/* not again within the second */
	assert_int_equal(s.n, 2);
	s.looked = 0;
	dns_servers_look(&s);
	assert_int_equal(s.n, 1);
	unlink(path);
	s.looked = 0;
	dns_servers_look(&s);		/* gone: what was read stays */
	assert_int_equal(s.n, 1);
	write_file(path, "nothing\n", 3000);
	s.looked = 0;
	dns_servers_look(&s);
	assert_int_equal(s.v[0].addr.ss_family, AF_INET);
	unlink(path);
	dns_servers_close(&s);
	dns_servers_init(&s, &conf, "/nonexistent/resolv.conf");
	assert_int_equal(s.n, 1);
	dns_servers_close(&s);
}

static void test_servers_of_the_configuration(void **state)
{
	struct conf_word w[4] = {
		{ &w[1], "192.0.2.1" }, { &w[2], "192.0.2.1:5353" },
		{ &w[3], "2001:db8::1" }, { NULL, "[2001:db8::1]:5300" }
	};
	struct conf conf = { .nameservers = w };
	struct dns_servers s;

	(void)state;
	dns_servers_init(&s, &conf, "/etc/resolv.conf");
	assert_int_equal(s.n, 4);
	assert_int_equal(port_of(&s.v[0]), 53);
	assert_int_equal(port_of(&s.v[1]), 5353);
	assert_int_equal(port_of(&s.v[2]), 53);
	assert_int_equal(port_of(&s.v[3]), 5300);
	assert_int_equal(s.dirfd, -1);
	dns_servers_close(&s);
}

/* Octets as they are, and the name that they belong to. */
static void test_tlsa_and_aliases(void **state)
{
	struct fixture *f = *state;

	f->server[0].script = say_tlsa;
	assert_int_equal(ask(f, "_25._tcp.a.test", DNS_TLSA), DNS_OK);
	assert_true(f->answer.authentic);
	assert_string_equal(f->name, "keys.test");
	assert_int_equal(f->answer.count, 1);
	assert_int_equal(f->records[0].text_len, 7);
	assert_memory_equal(f->text[0], "\0\1\2\3\4\5\6", 7);
	f->server[0].script = say_alias;
	assert_int_equal(ask(f, "a.test", DNS_CNAME), DNS_OK);
	assert_false(f->answer.authentic);
	assert_string_equal(f->name, "a.test");
	assert_string_equal(f->text[0], "keys.test");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_addresses),
		TEST(test_negative_answers_differ),
		TEST(test_mx_order),
		TEST(test_srv),
		TEST(test_txt_is_joined),
		TEST(test_truncated_goes_to_tcp),
		TEST(test_forgeries_are_ignored),
		TEST(test_chains),
		TEST(test_tlsa_and_aliases),
		TEST(test_second_server_helps),
		TEST(test_many_at_once),
		TEST(test_dead_servers),
		TEST(test_names_that_cannot_be_asked),
		TEST(test_ptr),
		TEST(test_localhost),
		TEST(test_cancel),
		TEST(test_edns), TEST(test_edns_and_a_dead_server),
		cmocka_unit_test(test_resolv_conf),
		cmocka_unit_test(test_servers_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
