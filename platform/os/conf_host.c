/* The kinds made of host names: hostname, domain. */
#include "os/conf_row.h"

#define LABEL_MOST 63		/* RFC 1035 2.3.4 */
#define NAME_MOST 253		/* of 255 bytes on the wire */

/* RFC 1123 2.1: letters, digits and hyphens, none of these at an end. */
static bool is_label(struct span s)
{
	return s.n && s.n <= LABEL_MOST && s.p[0] != '-' &&
		s.p[s.n - 1] != '-' && span_isalnum(s, "-");
}

static bool is_digits(struct span s)
{
	while (s.n && ascii_isdigit(s.p[s.n - 1]))
		s.n--;
	return !s.n;
}

bool conf_is_host(struct span s)
{
	struct span label = s;

	if (!s.n || s.n > NAME_MOST || s.p[s.n - 1] == '.')
		return false;
	while (s.n) {
		label = span_cut(&s, '.');
		if (!is_label(label))
			return false;
	}
	/* no top-level domain is a number (RFC 3696 2), but 10.0.0.1 is */
	return !is_digits(label);
}

/* The name in lower case, without the final dot; NULL after conf_error. */
static const char *host(struct conf_load *l, struct span word)
{
	struct span name = word;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!conf_is_host(name)) {
		conf_bad(l, word, "is no host name");
		return NULL;
	}
	return conf_keep_lower(l, name);
}

int conf_parse_host(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const char **field = (const char **)(void *)
		((char *)l->c + row->offset);

	*field = host(l, words->v[0]);
	return *field ? 0 : -1;
}

int conf_add_word(struct conf_load *l, struct conf_word **list,
		struct span word)
{
	struct conf_word *new;

	for (; *list; list = &(*list)->next)
		if (span_is(word, (*list)->text))
			return 0;
	new = conf_alloc(l, sizeof(*new));
	if (!new)
		return -1;
	new->text = conf_keep(l, word);
	if (!new->text)
		return -1;
	*list = new;
	return 0;
}

void conf_print_words(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_word *w = *(struct conf_word *const *)(const void *)
			((const char *)c + row->offset);

	for (; w; w = w->next) {
		str_adds(out, w->text);
		if (w->next)
			str_addc(out, '\n');
	}
}

int conf_parse_domains(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		const char *name = host(l, words->v[i]);

		if (!name || conf_add_word(l, &l->c->domains,
				span_of(name)) < 0)
			return -1;
	}
	return 0;
}

/* An account's name or an address: dot-atom and @ (RFC 5322 3.4.1), but # */
bool conf_is_user(struct span s)
{
	return s.n && span_isalnum(s, "!$%&'*+-/=?^_`{|}~.@");
}

int conf_parse_users(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		if (!conf_is_user(words->v[i]))
			return conf_bad(l, words->v[i], "is no user's name");
		if (conf_add_word(l, &l->c->sender_any, words->v[i]) < 0)
			return -1;
	}
	return 0;
}
