/* The kinds made of host names: hostname, domain. */
#include "os/conf_row.h"

#include <stdio.h>

#include "base/utf8.h"
#include "config.h"

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

struct span conf_host(char out[IDNA_SIZE], struct span s)
{
	return idna_ascii(out, s) && conf_is_host(span_of(out)) ?
		span_of(out) : span_make(NULL, 0);
}

/* The name in lower case, without the final dot; NULL after conf_error. */
static const char *host(struct conf_load *l, struct span word)
{
	struct span name = word;
	char ascii[IDNA_SIZE];

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	name = conf_host(ascii, name);
	if (!name.n) {
		conf_bad(l, word, "is no host name");
		return NULL;
	}
	return conf_keep(l, name);
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
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 128 && !span_isalnum(span_sub(s, i,
					1), "!$%&'*+-/=?^_`{|}~.@"))
			return false;
	return s.n && (CFG_SMTPUTF8 ? utf8_clean(s) : utf8_ascii(s));
}

/* An account's name or an address; its domain as authd gives it. */
struct span conf_user(char out[CONF_USER_SIZE], struct span s)
{
	size_t at = span_rfind(s, '@') + 1;
	struct span domain = span_rest(s, at);
	char ascii[IDNA_SIZE];

	if (!conf_is_user(s))
		return span_make(NULL, 0);
	if (!CFG_SMTPUTF8 || utf8_ascii(domain))
		return s;
	if (!idna_ascii(ascii, domain) || at > CONF_USER_SIZE - IDNA_SIZE)
		return span_make(NULL, 0);
	snprintf(out, CONF_USER_SIZE, "%.*s%s", SPAN_ARG(span_sub(s, 0, at)),
			ascii);
	return span_of(out);
}

struct span conf_mailbox(char out[CONF_USER_SIZE], struct span s)
{
	struct span r = conf_user(out, s);
	size_t at = span_rfind(r, '@');

	return at < r.n && conf_is_host(span_rest(r, at + 1)) ? r :
		span_make(NULL, 0);
}

int conf_parse_users(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	char text[CONF_USER_SIZE];

	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		struct span name = conf_user(text, words->v[i]);

		if (!name.n)
			return conf_bad(l, words->v[i], "is no user's name");
		if (conf_add_word(l, &l->c->sender_any, name) < 0)
			return -1;
	}
	return 0;
}
