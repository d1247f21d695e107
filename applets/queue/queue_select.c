#include "queue_control.h"

#include <stddef.h>
#include <string.h>

static const struct {
	char name[8];
	size_t at;
} names[] = {
	{ "id", offsetof(struct queue_select, id) },
	{ "from", offsetof(struct queue_select, from) },
	{ "to", offsetof(struct queue_select, to) },
	{ "domain", offsetof(struct queue_select, domain) },
};

static const char **field(struct queue_select *s, struct span name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_eq(name, span_of(names[i].name)))
			return (const char **)(void *)((char *)s
					+ names[i].at);
	return NULL;
}

static int take(struct queue_select *s, char *word)
{
	char *value = strchr(word, '=');
	const char **to;

	if (!value)
		return -1;
	to = field(s, span_make(word, (size_t)(value - word)));
	if (!to || *to || span_has_control(span_of(value)))
		return -1;
	*to = value + 1;
	return 0;
}

int select_parse(struct queue_select *s, char *words)
{
	*s = (struct queue_select){ NULL, NULL, NULL, NULL };
	for (;;) {
		char *tab = strchr(words, '\t');

		if (tab)
			*tab = '\0';
		if (take(s, words) < 0)
			return -1;
		if (!tab)
			return 0;
		words = tab + 1;
	}
}

static struct span domain_of(struct span address)
{
	size_t at = span_rfind(address, '@');

	return span_rest(address, at + 1);
}

/* "@DOMAIN" means everybody there; "" only the null sender. */
static bool is_address(const char *want, const char *address)
{
	struct span a = span_of(address);

	if (*want == '@')
		return span_caseeq(domain_of(a), span_of(want + 1));
	return span_caseeq(a, span_of(want));
}

bool select_match(const struct queue_select *s, const struct spool_envelope *e)
{
	bool to = !s->to, domain = !s->domain;

	if (s->id && strcmp(s->id, e->id) != 0)
		return false;
	if (s->from && !is_address(s->from, e->sender))
		return false;
	for (unsigned i = 0; i < e->nrcpt && !(to && domain); i++) {
		const char *address = e->rcpt[i].address;

		if (e->rcpt[i].state != SPOOL_WAITING)
			continue;
		to = to || is_address(s->to, address);
		domain = domain || span_caseeq(domain_of(span_of(address)),
				span_of(s->domain));
	}
	return to && domain;
}
