/* listen: which service at which socket address */
#include "os/conf_row.h"

#include <arpa/inet.h>
#include <string.h>

#include "config.h"

static const char services[CONF_SERVICE_COUNT][11] = {
	[CONF_SMTP] = "smtp",
	[CONF_SUBMISSION] = "submission",
	[CONF_SMTPS] = "smtps",
	[CONF_POP3] = "pop3",
	[CONF_POP3S] = "pop3s",
	USE_DELIVER_TCP([CONF_LMTP] = "lmtp",)
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
			"pop3s" USE_DELIVER_TCP(", lmtp"));
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

static const struct {
	char word[10];
	unsigned char flag;
	unsigned char services;		/* that it has a meaning for */
} options[] = {
	{ "noauth", CONF_LISTEN_NOAUTH, 1 << CONF_SMTP },
	{ "plainauth", CONF_LISTEN_PLAINAUTH, 1 << CONF_SMTP |
		1 << CONF_SUBMISSION | 1 << CONF_POP3 },
	{ "needtls", CONF_LISTEN_NEEDTLS, 1 << CONF_SMTP |
		1 << CONF_SUBMISSION },
	{ "norelay", CONF_LISTEN_NORELAY, 1 << CONF_SMTP },
	{ "nochecks", CONF_LISTEN_NOCHECKS, 1 << CONF_SMTP },
	{ "repair", CONF_LISTEN_REPAIR, 1 << CONF_SMTP |
		1 << CONF_SUBMISSION | 1 << CONF_SMTPS },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static int parse_option(struct conf_load *l, struct conf_listen *new,
		struct span word)
{
	size_t i = 0;

	while (i < OPTIONS && !span_is(word, options[i].word))
		i++;
	if (i == OPTIONS)
		return conf_bad(l, word, "is not understood");
	if (!(options[i].services >> new->service & 1))
		return conf_error(l, "%s has no meaning for %s",
				options[i].word, services[new->service]);
	new->flags |= options[i].flag;
	return 0;
}

struct conf_listen *conf_add_listen(struct conf_load *l,
		enum conf_service service, struct span word)
{
	struct conf_listen *new = conf_alloc(l, sizeof(*new));
	struct conf_listen **end = &l->c->listen;

	if (!new)
		return NULL;
	new->service = service;
	if (!conf_socket(word, &new->addr, &new->addr_len)) {
		conf_bad(l, word, "is no ADDRESS:PORT, *:PORT, [IPV6]:PORT or "
				"none");
		return NULL;
	}
	while (*end)
		end = &(*end)->next;
	*end = new;
	return new;
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
	if (none && words->n > 2)
		return conf_bad(l, words->v[2], "comes after none");
	if (none)
		return 0;
	new = conf_add_listen(l, (enum conf_service)service, words->v[1]);
	if (!new)
		return -1;
	for (size_t i = 2; i < words->n; i++)
		if (parse_option(l, new, words->v[i]) < 0)
			return -1;
	return 0;
}

void conf_print_socket(struct str *out, const struct conf_listen *at)
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
	bool some = false;

	(void)row;
	for (const struct conf_listen *n = c->listen; n; n = n->next) {
		if (n->device)
			continue;
		if (some)
			str_addc(out, '\n');
		some = true;
		str_addf(out, "%s ", services[n->service]);
		conf_print_socket(out, n);
		for (size_t i = 0; i < OPTIONS; i++)
			if (n->flags & options[i].flag)
				str_addf(out, " %s", options[i].word);
	}
}
