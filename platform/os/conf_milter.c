/* milter: mail filters, where they listen and what they are asked about. */
#include "os/conf_row.h"

#include <string.h>

#define TIMEOUT 30
#define TIMEOUT_MOST 120
#define PATH_MOST 107		/* sun_path */

static const char *const services[] = {
	[CONF_SMTP] = "smtp", [CONF_SUBMISSION] = "submission",
	[CONF_SMTPS] = "smtps", [CONF_MILTER_LOCAL] = "local"
};
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

static const char *const defaults[] = { "tempfail", "accept", "reject" };

static unsigned char all_services(void)
{
	unsigned char all = 0;

	for (unsigned i = 0; i < SERVICES; i++)
		if (services[i])
			all |= (unsigned char)(1U << i);
	return all;
}

static int parse_on(struct conf_load *l, struct conf_milter *m,
		struct span list)
{
	struct span all = list;

	m->services = 0;
	do {
		struct span word = span_cut(&list, ',');
		unsigned i = 0;

		while (i < SERVICES && !(services[i] &&
					span_is(word, services[i])))
			i++;
		if (i == SERVICES)
			return conf_bad(l, all, "is no list of smtp, "
					"submission, smtps, local");
		m->services |= (unsigned char)(1U << i);
	} while (list.n);
	return 0;
}

static int parse_default(struct conf_load *l, struct conf_milter *m,
		struct span word)
{
	for (unsigned char i = 0; i < 3; i++)
		if (span_is(word, defaults[i])) {
			m->otherwise = i;
			return 0;
		}
	return conf_bad(l, word, "is neither tempfail, accept nor reject");
}

static int parse_option(struct conf_load *l, struct conf_milter *m,
		struct span word)
{
	if (span_starts(word, "on="))
		return parse_on(l, m, span_rest(word, 3));
	if (span_starts(word, "default="))
		return parse_default(l, m, span_rest(word, 8));
	if (span_starts(word, "timeout="))
		return conf_seconds(span_rest(word, 8), TIMEOUT_MOST,
				&m->timeout) ? 0 :
			conf_bad(l, word, "is no time from 1 to 2m");
	return conf_bad(l, word, "is not understood");
}

/* smtpd opens the folder above the socket's own (applets/smtpd/milter.c). */
static bool is_path(struct span path)
{
	return path.n > 1 && path.n <= PATH_MOST && path.p[0] == '/' &&
		path.p[path.n - 1] != '/';
}

static int parse_where(struct conf_load *l, struct conf_milter *m,
		struct span word)
{
	struct span where = span_rest(word, 5);

	if (span_starts(word, "unix:") && is_path(where)) {
		m->path = conf_keep(l, where);
		return m->path ? 0 : -1;
	}
	if (span_starts(word, "inet:") && where.n && where.p[0] != '*' &&
			conf_socket(where, &m->addr, &m->addr_len))
		return 0;
	return conf_bad(l, word, "is neither unix:PATH nor inet:ADDRESS:PORT");
}

int conf_parse_milter(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_milter **end = &l->c->milters, *m;
	unsigned n = 0;

	(void)row;
	for (; *end; end = &(*end)->next)
		n++;
	if (n == CONF_MILTERS_MOST)
		return conf_error(l, "more than %d filters",
				CONF_MILTERS_MOST);
	m = conf_alloc(l, sizeof(*m));
	if (!m)
		return -1;
	m->timeout = TIMEOUT;
	m->services = all_services();
	m->name = conf_keep(l, words->v[0]);
	if (!m->name || parse_where(l, m, words->v[0]) < 0)
		return -1;
	for (size_t i = 1; i < words->n; i++)
		if (parse_option(l, m, words->v[i]) < 0)
			return -1;
	*end = m;
	return 0;
}

static void put_services(struct str *out, unsigned set)
{
	const char *lead = " on=";

	for (unsigned i = 0; i < SERVICES; i++)
		if (set & 1U << i) {
			str_addf(out, "%s%s", lead, services[i]);
			lead = ",";
		}
}

void conf_print_milter(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)row;
	for (const struct conf_milter *m = c->milters; m; m = m->next) {
		bool quotes = strchr(m->name, ' ') || strchr(m->name, '\t');

		str_addf(out, quotes ? "\"%s\"" : "%s", m->name);
		if (m->timeout != TIMEOUT) {
			str_adds(out, " timeout=");
			conf_put_seconds(out, m->timeout);
		}
		if (m->otherwise)
			str_addf(out, " default=%s", defaults[m->otherwise]);
		if (m->services != all_services())
			put_services(out, m->services);
		if (m->next)
			str_addc(out, '\n');
	}
}
