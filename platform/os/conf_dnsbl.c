/* The kind dnsbl: a DNS list, its weight and the answers that count. */
#include "os/conf_row.h"

#include <arpa/inet.h>
#include <string.h>

#define LISTS_MOST 16
#define CODES_MOST 32
#define WEIGHT_MOST 1000

static bool parse_code(struct span text, uint32_t *code)
{
	unsigned char addr[16];
	bool v4;

	if (!conf_address(text, addr, &v4) || !v4 || addr[12] != 127)
		return false;
	memcpy(code, addr + 12, 4);
	*code = ntohl(*code);
	return true;
}

/* A-B,C,... */
static int parse_codes(struct conf_load *l, struct conf_dnsbl *d,
		struct span list)
{
	struct conf_codes *to = conf_alloc(l, CODES_MOST * sizeof(*to));

	if (!to)
		return -1;
	d->codes = to;
	do {
		struct span high = span_cut(&list, ','), range = high;
		struct span low = span_cut(&high, '-');

		if (d->ncodes == CODES_MOST || !parse_code(low, &to->low) ||
				!parse_code(low.n == range.n ? low : high,
					&to->high) || to->low > to->high)
			return conf_bad(l, range, "is no 127.A.B.C or "
					"127.A.B.C-127.D.E.F");
		d->ncodes++;
		to++;
	} while (list.n);
	return 0;
}

static int parse_weight(struct conf_load *l, struct conf_dnsbl *d,
		struct span word)
{
	bool minus = word.n && word.p[0] == '-';
	unsigned long n;

	if (!span_number(span_rest(word, minus), WEIGHT_MOST, &n) || !n)
		return conf_bad(l, word, "is no weight from -1000 to 1000");
	d->weight = minus ? -(int)n : (int)n;
	return 0;
}

static int parse_option(struct conf_load *l, struct conf_dnsbl *d,
		struct span word)
{
	if (span_starts(word, "weight="))
		return parse_weight(l, d, span_rest(word, 7));
	if (span_starts(word, "codes=") && !d->ncodes)
		return parse_codes(l, d, span_rest(word, 6));
	return conf_bad(l, word, "is not understood");
}

int conf_parse_dnsbl(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_dnsbl **end = &l->c->dnsbl, *d;
	unsigned n = 0;

	(void)row;
	for (; *end; end = &(*end)->next)
		n++;
	if (n == LISTS_MOST)
		return conf_error(l, "more than %d lists", LISTS_MOST);
	if (!conf_is_host(words->v[0]))
		return conf_bad(l, words->v[0], "is no list's name");
	d = conf_alloc(l, sizeof(*d));
	if (!d)
		return -1;
	d->weight = 1;
	d->name = conf_keep_lower(l, words->v[0]);
	if (!d->name)
		return -1;
	for (size_t i = 1; i < words->n; i++)
		if (parse_option(l, d, words->v[i]) < 0)
			return -1;
	*end = d;
	return 0;
}

static void put_code(struct str *out, uint32_t code)
{
	str_addf(out, "%u.%u.%u.%u", code >> 24, code >> 16 & 255,
			code >> 8 & 255, code & 255);
}

void conf_print_dnsbl(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_dnsbl *d = c->dnsbl; d; d = d->next) {
		str_adds(out, d->name);
		if (d->weight != 1)
			str_addf(out, " weight=%d", d->weight);
		for (unsigned i = 0; i < d->ncodes; i++) {
			const struct conf_codes *r = &d->codes[i];

			str_adds(out, i ? "," : " codes=");
			put_code(out, r->low);
			if (r->high != r->low) {
				str_addc(out, '-');
				put_code(out, r->high);
			}
		}
		if (d->next)
			str_addc(out, '\n');
	}
}
