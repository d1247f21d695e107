/* Users of a directory or a database: servers, texts with places for a name. */
#include "os/conf_row.h"

#include <string.h>

/* ldap://HOST[:PORT], ldaps://HOST[:PORT], ldapi://PATH with %2f for / */
static bool is_ldap(struct span word)
{
	struct span host;
	unsigned port;
	bool brackets;

	if (span_starts(word, "ldapi://"))
		return word.n > strlen("ldapi://");
	if (!span_starts(word, "ldap://") && !span_starts(word, "ldaps://"))
		return false;
	word = span_rest(word, span_find(word, ':') + 3);
	return !span_has(word, '/') && !span_has(word, '?') &&
		conf_split_port(word, &host, &port, &brackets) && host.n;
}

/* HOST[:PORT], or the path of a socket */
static bool is_mysql(struct span word)
{
	struct span host;
	unsigned port;
	bool brackets;

	return (word.n > 1 && word.p[0] == '/') ||
		(conf_split_port(word, &host, &port, &brackets) && host.n &&
		 !span_has(host, '/'));
}

static struct conf_word **list_of(struct conf *c, const struct conf_row *row)
{
	return (struct conf_word **)(void *)((char *)c + row->offset);
}

int conf_parse_servers(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_word **list = list_of(l->c, row);
	unsigned n = 0;

	for (size_t i = 0; i < words->n; i++) {
		bool ldap = row->min == CONF_SERVER_LDAP;

		if (ldap && !is_ldap(words->v[i]))
			return conf_bad(l, words->v[i], "is no ldap://HOST, "
					"ldaps://HOST or ldapi://SOCKET");
		if (!ldap && !is_mysql(words->v[i]))
			return conf_bad(l, words->v[i],
					"is no HOST[:PORT] or /SOCKET");
		if (conf_add_word(l, list, words->v[i]) < 0)
			return -1;
	}
	for (const struct conf_word *w = *list; w; w = w->next)
		n++;
	return n > CONF_SERVERS_MOST ? conf_error(l, "more than %u servers",
			CONF_SERVERS_MOST) : 0;
}

/* %u, %n, %d and %%: no other. */
static bool template_valid(struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '%' && (++i == text.n ||
				!memchr("und%", text.p[i], 4)))
			return false;
	return true;
}

int conf_parse_text(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const char **field = (const char **)(void *)((char *)l->c +
			row->offset);
	struct span text = words->v[0];

	if (!text.n)
		return conf_error(l, "is empty");
	if (row->min == CONF_TEXT_TEMPLATE && !template_valid(text))
		return conf_bad(l, text, "has a % that is none of %u (the "
				"address), %n (what stands before its @), %d "
				"(behind it), %% (a %)");
	if (row->min == CONF_TEXT_TEMPLATE && !span_has(text, '%'))
		return conf_bad(l, text, "does not ask for anybody: %u stands "
				"for the address");
	*field = conf_keep(l, text);
	return *field ? 0 : -1;
}

void conf_print_quoted(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const char *text = *(const char *const *)(const void *)
			((const char *)c + row->offset);

	if (text)
		str_addf(out, strpbrk(text, " \t#(") ? "\"%s\"" : "%s", text);
}

int conf_parse_attributes(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	static const char *const names[] = { "name", "mailbox", "quota" };
	struct conf_word **list = list_of(l->c, row);

	for (size_t i = 0; i < words->n; i++) {
		struct span value = words->v[i], key = span_cut(&value, '=');
		size_t k = 0;

		while (k < 3 && !span_eq(key, span_of(names[k])))
			k++;
		/* RFC 4512 1.4: a description */
		if (k == 3 || !span_isalnum(value, "-.;") || !value.n)
			return conf_bad(l, words->v[i], "is no name=, mailbox= "
					"or quota= with an attribute");
		if (conf_add_word(l, list, words->v[i]) < 0)
			return -1;
	}
	return 0;
}

int conf_check_directory(struct conf_load *l)
{
	const struct conf *c = l->c;

	if (c->ldap_servers && !c->ldap_base)
		return conf_error(l, "ldap-server needs ldap-base");
	if (c->mysql_servers && !c->mysql_query)
		return conf_error(l, "mysql-server needs mysql-query");
	return 0;
}

const char *conf_attribute(const struct conf *c, const char *key)
{
	for (const struct conf_word *w = c->ldap_attributes; w; w = w->next) {
		struct span value = span_of(w->text);

		if (span_is(span_cut(&value, '='), key))
			return value.p;
	}
	return NULL;
}
