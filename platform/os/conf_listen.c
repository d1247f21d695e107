/* listen: which service at which socket address */
#include "os/conf_row.h"

#include <arpa/inet.h>
#include <string.h>

static const char services[CONF_SERVICE_COUNT][11] = {
	[CONF_SMTP] = "smtp",
	[CONF_SUBMISSION] = "submission",
	[CONF_SMTPS] = "smtps",
	[CONF_POP3] = "pop3",
	[CONF_POP3S] = "pop3s",
};

const char *conf_service_name(enum conf_service service)
{
	return services[service];
}

/* What the file said of a service (conf_load.listens). */
enum { LISTEN_OPEN, LISTEN_ADDRESS, LISTEN_NONE };

/* Its enum conf_service, or -1 after conf_error. */
static int find_service(struct conf_load *l, struct span word)
{
	for (int i = 0; i < CONF_SERVICE_COUNT; i++)
		if (span_is(word, services[i]))
			return i;
	return conf_bad(l, word, "is none of smtp, submission, smtps, pop3, "
			"pop3s");
}

bool conf_socket(struct span word, struct sockaddr_storage *addr,
		socklen_t *len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)(void *)addr;
	unsigned char a[16] = { 0 };
	struct span host;
	unsigned port;
	bool brackets, v4 = false;

	if (!conf_split_port(word, &host, &port, &brackets) || !port)
		return false;
	if (!(span_is(host, "*") && !brackets) && !conf_address(host, a, &v4))
		return false;
	if (v4) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a + sizeof(a) - 4, 4);
		*len = sizeof(*in);
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, a, sizeof(a));
		*len = sizeof(*in6);
	}
	return true;
}

static void add_listen(struct conf *c, struct conf_listen *new)
{
	struct conf_listen **end = &c->listen;

	while (*end)
		end = &(*end)->next;
	*end = new;
}

int conf_parse_listen(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	bool none = span_is(words->v[1], "none");
	unsigned char now = none ? LISTEN_NONE : LISTEN_ADDRESS;
	int service = find_service(l, words->v[0]);
	struct conf_listen *new;

	(void)row;
	if (service < 0)
		return -1;
	if (l->presets && l->listens[service])
		return 0;
	if (l->listens[service] && (none || l->listens[service] != now))
		return conf_error(l, "%s has none already, or had an address",
				services[service]);
	if (!l->presets)
		l->listens[service] = now;
	if (none)
		return 0;
	new = conf_alloc(l, sizeof(*new));
	if (!new)
		return -1;
	new->service = (enum conf_service)service;
	if (!conf_socket(words->v[1], &new->addr, &new->addr_len))
		return conf_bad(l, words->v[1], "is no ADDRESS:PORT, *:PORT, "
				"[IPV6]:PORT or none");
	add_listen(l->c, new);
	return 0;
}

static void put_socket(struct str *out, const struct conf_listen *at)
{
	const struct sockaddr_in6 *in6 =
		(const struct sockaddr_in6 *)(const void *)&at->addr;
	const struct sockaddr_in *in =
		(const struct sockaddr_in *)(const void *)&at->addr;
	char text[INET6_ADDRSTRLEN] = "";

	if (at->addr.ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		str_addf(out, "%s:%u", text, ntohs(in->sin_port));
	} else if (IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)) {
		str_addf(out, "*:%u", ntohs(in6->sin6_port));
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		str_addf(out, "[%s]:%u", text, ntohs(in6->sin6_port));
	}
}

void conf_print_listen(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_listen *n = c->listen; n; n = n->next) {
		str_addf(out, "%s ", services[n->service]);
		put_socket(out, n);
		if (n->next)
			str_addc(out, '\n');
	}
}
