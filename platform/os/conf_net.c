/* The kinds made of addresses: relay-from, greylist-exempt, nameserver. */
#include "os/conf_row.h"

#include <arpa/inet.h>
#include <string.h>

#define V4_BITS 96		/* of ::ffff:0:0/96 */

static const unsigned char v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool conf_address(struct span text, unsigned char addr[16], bool *v4)
{
	char room[INET6_ADDRSTRLEN];

	if (str_copy(room, sizeof(room), text) < 0)
		return false;
	*v4 = inet_pton(AF_INET, room, addr + sizeof(v4_prefix)) == 1;
	if (*v4) {
		memcpy(addr, v4_prefix, sizeof(v4_prefix));
		return true;
	}
	return inet_pton(AF_INET6, room, addr) == 1;
}

bool conf_split_port(struct span text, struct span *host, unsigned *port,
		bool *brackets)
{
	struct span rest = text;
	unsigned long number;

	*port = 0;
	*brackets = text.n && text.p[0] == '[';
	if (*brackets) {
		rest = span_rest(text, 1);
		if (!span_has(rest, ']'))
			return false;
		*host = span_cut(&rest, ']');
		if (!rest.n)
			return host->n > 0;
		if (rest.p[0] != ':')
			return false;
		rest = span_rest(rest, 1);
	} else {
		*host = span_cut(&rest, ':');
		if (host->n == text.n)
			return host->n > 0;
	}
	if (!host->n || !span_number(rest, 65535, &number) || !number)
		return false;
	*port = (unsigned)number;
	return true;
}

static bool is_v4_block(const struct conf_net *net)
{
	return net->bits >= V4_BITS &&
		!memcmp(net->addr, v4_prefix, sizeof(v4_prefix));
}

static void put_block(struct str *out, const struct conf_net *net)
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v4 = is_v4_block(net);

	if (v4)
		inet_ntop(AF_INET, net->addr + sizeof(v4_prefix), text,
				sizeof(text));
	else
		inet_ntop(AF_INET6, net->addr, text, sizeof(text));
	str_adds(out, text);
	if (net->bits < 128)
		str_addf(out, "/%u", net->bits - (v4 ? V4_BITS : 0));
}

/* Sets the bits behind the prefix to 0; true when one was not. */
static bool clear_host_bits(struct conf_net *net)
{
	bool changed = false;

	for (unsigned i = net->bits; i < 128; i++) {
		unsigned char bit = (unsigned char)(0x80 >> i % 8);

		changed |= (net->addr[i / 8] & bit) != 0;
		net->addr[i / 8] &= (unsigned char)~bit;
	}
	return changed;
}

static int bad_host_bits(struct conf_load *l, struct span word,
		const struct conf_net *net)
{
	struct str right;
	int rc;

	str_init(&right, INET6_ADDRSTRLEN + 4);
	put_block(&right, net);
	rc = conf_error(l, "%.*s has bits behind the prefix; write %s",
			SPAN_ARG(word), str_c(&right));
	str_free(&right);
	return rc;
}

static int parse_block(struct conf_load *l, struct span word,
		struct conf_net *net)
{
	struct span bits = word, address = span_cut(&bits, '/');
	unsigned long n = 0;
	bool v4, given = address.n < word.n;

	if (!conf_address(address, net->addr, &v4))
		return conf_bad(l, word, "is no address");
	if (given && !span_number(bits, v4 ? 32 : 128, &n))
		return conf_error(l, "%.*s: the prefix has 1 to %d bits",
				SPAN_ARG(word), v4 ? 32 : 128);
	net->bits = given ? (unsigned)n + (v4 ? V4_BITS : 0) : 128;
	if ((given && !n) || (is_v4_block(net) && net->bits == V4_BITS))
		return conf_bad(l, word, "would mean everybody");
	if (clear_host_bits(net))
		return bad_host_bits(l, word, net);
	return 0;
}

int conf_parse_nets(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_net **end = (void *)((char *)l->c + row->offset);

	while (*end)
		end = &(*end)->next;
	for (size_t i = 0; i < words->n; i++) {
		struct conf_net *net = conf_alloc(l, sizeof(*net));

		if (!net || parse_block(l, words->v[i], net) < 0)
			return -1;
		*end = net;
		end = &net->next;
	}
	return 0;
}

void conf_print_nets(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_net *const *nets = (const void *)
		((const char *)c + row->offset);

	for (const struct conf_net *n = *nets; n; n = n->next) {
		put_block(out, n);
		if (n->next)
			str_addc(out, '\n');
	}
}

static bool net_has(const struct conf_net *net, const unsigned char a[16])
{
	unsigned whole = net->bits / 8, more = net->bits % 8;

	if (memcmp(net->addr, a, whole))
		return false;
	return !more || !((net->addr[whole] ^ a[whole]) >> (8 - more));
}

bool conf_net_has(const struct conf_net *nets, const struct sockaddr *addr)
{
	unsigned char a[16];
	bool v4;

	if (addr->sa_family == AF_INET) {
		memcpy(a, v4_prefix, sizeof(v4_prefix));
		memcpy(a + sizeof(v4_prefix), (const char *)addr +
			offsetof(struct sockaddr_in, sin_addr), 4);
	} else if (addr->sa_family == AF_INET6) {
		memcpy(a, (const char *)addr +
			offsetof(struct sockaddr_in6, sin6_addr), 16);
	} else {
		return false;
	}
	/* An IPv6 block such as ::/8 does not mean the whole of IPv4. */
	v4 = !memcmp(a, v4_prefix, sizeof(v4_prefix));
	for (; nets; nets = nets->next)
		if ((!v4 || nets->bits >= V4_BITS) && net_has(nets, a))
			return true;
	return false;
}

int conf_parse_nameservers(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		struct span word = words->v[i], host;
		unsigned char addr[16];
		bool v4, brackets;
		unsigned port;

		if (!conf_address(word, addr, &v4) &&
				!(conf_split_port(word, &host, &port,
						&brackets) &&
				  conf_address(host, addr, &v4)))
			return conf_bad(l, word,
					"is no ADDRESS or ADDRESS:PORT");
		if (conf_add_word(l, &l->c->nameservers, word) < 0)
			return -1;
	}
	return 0;
}
