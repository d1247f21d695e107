#include "mail/var.h"

#include <stdlib.h>
#include <string.h>

static int order(const char *have, struct span name)
{
	int by = strncmp(have, name.p, name.n);

	return by ? by : have[name.n] != '\0';
}

/* Where it stands, or where it would have to. */
static struct mail_var **seek(const struct mail *m, struct span name)
{
	/* the list is m's own, the place in it is the caller's */
	struct mail_var **at = (struct mail_var **)&m->vars;

	while (*at && order((*at)->name, name) < 0)
		at = &(*at)->next;
	return at;
}

static bool is_at(const struct mail_var *v, struct span name)
{
	return v && span_eq(span_of(v->name), name);
}

/* Names that stand for another (POSIX: ask). */
static struct span real_name(struct span name)
{
	return span_eq(name, SPAN("ask")) ? SPAN("asksub") : name;
}

bool mail_var_is_name(struct span name)
{
	return name.n && !span_has(name, MAIL_VAR_PRIVATE) &&
			!span_has_control(name);
}

const char *mail_var(const struct mail *m, const char *name)
{
	const struct mail_var *v = *seek(m, span_of(name));

	return is_at(v, span_of(name)) ? v->value : NULL;
}

unsigned mail_var_number(const struct mail *m, const char *name, unsigned most,
		unsigned otherwise)
{
	unsigned long n;

	return span_number(span_of(mail_var(m, name)), most, &n) ?
			(unsigned)n : otherwise;
}

int mail_var_set(struct mail *m, struct span name, struct span value)
{
	struct mail_var **at, *v = NULL;
	size_t size;

	name = real_name(name);
	at = seek(m, name);
	size = sizeof(*v) + name.n + value.n + 2;
	if (value.p) {
		v = malloc(size);
		if (!v)
			return err_nomem(&m->err);
		v->value = v->name + name.n + 1;
		str_copy(v->name, name.n + 1, name);
		str_copy(v->value, value.n + 1, value);
	}
	if (is_at(*at, name)) {
		struct mail_var *old = *at;

		*at = old->next;
		free(old);
	}
	if (v) {
		v->next = *at;
		*at = v;
	}
	return 0;
}

void mail_var_defaults(struct mail *m)
{
	static const char *const presets[][2] = {
		{ "asksub", "" }, { "header", "" },
		{ "indentprefix", "\t" }, { "prompt", "? " }, { "save", "" },
		{ "toplines", "5" }
	};

	for (size_t i = 0; i < sizeof(presets) / sizeof(*presets); i++)
		mail_var_set(m, span_of(presets[i][0]),
				span_of(presets[i][1]));
}

void mail_var_free(struct mail *m)
{
	while (m->vars) {
		struct mail_var *v = m->vars;

		m->vars = v->next;
		free(v);
	}
}
