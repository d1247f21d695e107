/* The kinds masquerade and virtual: one address in place of another. */
#include "os/conf_row.h"

#include "base/utf8.h"
#include "config.h"

/* An address, @DOMAIN or a name alone, as conf keeps it; empty: none of them. */
static struct span read_one(char out[CONF_USER_SIZE], struct span word)
{
	struct span s = span_has(word, '@') ? conf_mailbox(out, word) :
		conf_user(out, word);

	return span_has(span_before(s, '@'), '@') ? span_make(NULL, 0) : s;
}

static int read_from(struct conf_load *l, struct conf_map *m, struct span word)
{
	char text[CONF_USER_SIZE];
	struct span from = read_one(text, word);

	if (!from.n)
		return conf_bad(l, word, "is neither ADDRESS, @DOMAIN nor "
				"USER");
	m->from = conf_keep(l, from);
	return m->from ? 0 : -1;
}

static int read_to(struct conf_load *l, struct conf_map *m,
		const struct conf_row *row, struct span word)
{
	char text[CONF_USER_SIZE];
	struct span to = read_one(text, word);
	bool masquerade = row->kind == CONF_KIND_MASQUERADE;

	if (!to.n || (masquerade && !span_has(to, '@')))
		return conf_bad(l, word, masquerade ? "is neither ADDRESS nor "
				"@DOMAIN" : "is neither ADDRESS, @DOMAIN nor "
				"USER");
	/* who sees it may know no SMTPUTF8 */
	if (masquerade && !utf8_ascii(to))
		return conf_bad(l, word, "is not ASCII");
	m->to = conf_keep(l, to);
	return m->to ? 0 : -1;
}

static struct conf_map **list_of(struct conf *c, const struct conf_row *row)
{
	return (struct conf_map **)(void *)((char *)c + row->offset);
}

int conf_parse_map(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_map **end = list_of(l->c, row);
	struct conf_map *m = conf_alloc(l, sizeof(*m));

	if (!m || read_from(l, m, words->v[0]) < 0 ||
			read_to(l, m, row, words->v[1]) < 0)
		return -1;
	if (row->kind == CONF_KIND_VIRTUAL && !span_has(span_of(m->from), '@'))
		return conf_bad(l, words->v[0], "is neither ADDRESS nor "
				"@DOMAIN");
	while (*end)
		end = &(*end)->next;
	*end = m;
	return 0;
}

void conf_print_map(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_map *m = *(struct conf_map *const *)(const void *)
			((const char *)c + row->offset);

	for (; m; m = m->next)
		str_addf(out, "%s %s%s", m->from, m->to, m->next ? "\n" : "");
}

int conf_check_virtual(struct conf_load *l)
{
	for (const struct conf_map *m = l->c->virtuals; m; m = m->next) {
		struct span from = span_behind(span_of(m->from), '@');
		struct span to = span_behind(span_of(m->to), '@');

		if (!conf_is_local(l->c, from))
			return conf_error(l, "virtual %s: no domain of ours",
					m->from);
		/* one address may be sent on, by who does so for aliases */
		if (span_has(span_of(m->to), '@') && !conf_is_local(l->c, to)
				&& (!CFG_ALIASES || m->from[0] == '@'
					|| m->to[0] == '@'))
			return conf_error(l, "virtual %s %s: no domain of "
					"ours", m->from, m->to);
	}
	return 0;
}

/* An address without a domain is one of this machine. */
static bool same_domain(const struct conf *c, struct span ours,
		struct span domain)
{
	return domain.n ? idna_same(ours, domain) : conf_is_local(c, ours);
}

static bool fits(const struct conf *c, struct span from, struct span local,
		struct span domain, unsigned what)
{
	if (span_has(from, '@') && !same_domain(c, span_behind(from, '@'),
				domain))
		return false;
	if (from.p[0] == '@')
		return what & CONF_MAP_DOMAIN;
	if (!(what & CONF_MAP_ADDRESS)
			|| !span_caseeq(span_before(from, '@'), local))
		return false;
	return span_has(from, '@') || !domain.n || conf_is_local(c, domain);
}

const struct conf_map *conf_map_find(const struct conf *c,
		const struct conf_map *m, struct span local,
		struct span domain, unsigned what)
{
	while (m && !fits(c, span_of(m->from), local, domain, what))
		m = m->next;
	return m;
}

void conf_map_put(const struct conf_map *m, struct span local,
		struct str *out)
{
	if (m->to[0] == '@')
		str_add(out, local);
	str_adds(out, m->to);
}

/* One of what a user's name may have, and a folder's name, too. */
int conf_parse_delimiter(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct span word = words->v[0];
	bool none = span_is(word, "none");

	(void)row;
	if (!none && (word.n != 1 || !span_has(SPAN("+-=_~"), word.p[0])))
		return conf_bad(l, word, "is neither one of + - = _ ~ nor "
				"none");
	l->c->delimiter = conf_keep(l, none ? SPAN("") : word);
	return l->c->delimiter ? 0 : -1;
}

void conf_print_delimiter(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	str_adds(out, *c->delimiter ? c->delimiter : "none");
}
