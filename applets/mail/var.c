#include "mail/var.h"

#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "os/text.h"

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

const char *mail_var_known(unsigned n)
{
	static const char names[][16] = {
		"DEAD", "EDITOR", "LISTER", "MBOX", "PAGER", "SHELL", "Sign",
		"VISUAL", "allnet", "append", "askbcc", "askcc", "asksub",
		"autoprint", "bang", "cmd", "crt", "debug", "dot", "escape",
		"flipr", "folder", "from", "header", "hold", "ignore",
		"ignoreeof", "indentprefix", "keep", "keepsave", "metoo",
		"onehop", "outfolder", "page", "prompt", "quiet", "record",
		"save", "screen", "sendwait", "showto", "sign", "toplines",
		USE_MAIL_LATIN("ttycharset",)
	};

	return n < sizeof(names) / sizeof(*names) ? names[n] : NULL;
}

/* Names that stand for another (POSIX: ask; heirloom: replyto). */
static struct span real_name(struct span name)
{
	if (CFG_MAIL_NAIL && span_is(name, "replyto"))
		return SPAN("reply-to");
	return span_is(name, "ask") ? SPAN("asksub") : name;
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

/* ---- lists */

static struct span list_name(char buf[MAIL_VAR_NAME_MOST + 2], char list,
		struct span name)
{
	buf[0] = MAIL_VAR_PRIVATE;
	buf[1] = list;
	memcpy(buf + 2, name.n ? name.p : "", name.n);
	return span_make(buf, name.n + 2);
}

const char *mail_var_listed(const struct mail *m, char list, struct span name)
{
	char buf[MAIL_VAR_NAME_MOST + 2];
	const struct mail_var *v;

	if (name.n > MAIL_VAR_NAME_MOST)
		return NULL;
	name = list_name(buf, list, name);
	v = *seek(m, name);
	return is_at(v, name) ? v->value : NULL;
}

int mail_var_list(struct mail *m, char list, struct span name,
		struct span value)
{
	char buf[MAIL_VAR_NAME_MOST + 2];

	if (name.n > MAIL_VAR_NAME_MOST || span_has(name, '\0'))
		return err_set(&m->err, ERR_PERM, T("%.*s...: too long a name"),
				SPAN_ARG(span_sub(name, 0, 40)));
	return mail_var_set(m, list_name(buf, list, name), value);
}

const struct mail_var *mail_var_next(const struct mail *m, char list,
		const struct mail_var *after)
{
	const struct mail_var *v = after ? after->next : m->vars;

	/* the private ones come first */
	while (v && v->name[0] == MAIL_VAR_PRIVATE && v->name[1] != list)
		v = v->next;
	return v && v->name[0] == MAIL_VAR_PRIVATE ? v : NULL;
}

void mail_var_print(struct mail *m, char list)
{
	const struct mail_var *v = NULL;

	while ((v = mail_var_next(m, list, v)))
		mail_term_printf(&m->term, "%s\n", mail_var_name(v));
}

const char *mail_var_name(const struct mail_var *v)
{
	return v->name + 2;
}

/* ---- */

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
