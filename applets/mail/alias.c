#include "mail/alias.h"

#include "mail/args.h"
#include "mail/command.h"
#include "mail/var.h"
#include "mime/header.h"

#define DEPTH_MOST 25		/* aliases of aliases */
#define OPEN_MOST 10000		/* 25 that each have two others twice never end */

/* ---- the user's own addresses */

static bool matches(const struct mail *m, struct span own,
		const struct addr *a)
{
	struct addr o = addr_split(own);

	if (!span_caseeq(a->local, o.local))
		return false;
	return mail_var(m, "allnet") || span_caseeq(a->domain, o.domain) ||
			((!o.domain.n || conf_is_local(m->conf, o.domain)) &&
			 (!a->domain.n || conf_is_local(m->conf, a->domain)));
}

struct seek {
	const struct mail *m;
	const struct addr *a;
	bool found;
};

static bool compare(void *arg, const struct addr_entry *e)
{
	struct seek *s = arg;

	s->found = span_caseeq(e->addr.local, s->a->local) &&
			span_caseeq(e->addr.domain, s->a->domain);
	return !s->found;
}

bool mail_alias_has(struct span list, const struct addr *a)
{
	struct seek s = { .a = a };

	addr_each(list, compare, &s);
	return s.found;
}

bool mail_is_own(const struct mail *m, const struct addr *a)
{
	const struct mail_var *v = NULL;
	bool found = matches(m, span_of(m->address), a) ||
			mail_alias_has(span_of(mail_var(m, "from")), a);

	while (!found && (v = mail_var_next(m, MAIL_VAR_ALTERNATE, v)))
		found = matches(m, span_of(mail_var_name(v)), a);
	return found;
}

/* ---- what an alias stands for */

struct chain {
	const struct chain *up;
	struct span name;
	unsigned depth;
};

struct expand {
	struct mail *m;
	struct str *out;
	const struct chain *chain;
	bool drop_own, plain;
	unsigned *left;		/* aliases that may still be opened */
	int rc;
};

void mail_alias_put(struct str *list, const struct addr_entry *e)
{
	str_adds(list, list->n ? ", " : "");
	header_unfold(list, e->name);
	str_adds(list, e->name.n ? " <" : "");
	addr_put(list, &e->addr);
	str_adds(list, e->name.n ? ">" : "");
}

static void put(struct expand *x, const struct addr_entry *e)
{
	/* what an alias brings in comes but once */
	if (!x->chain || !((x->drop_own && mail_is_own(x->m, &e->addr)) ||
	    mail_alias_has(str_span(x->out), &e->addr)))
		mail_alias_put(x->out, e);
}

static bool is_in(const struct chain *c, struct span name)
{
	while (c && !span_eq(c->name, name))
		c = c->up;
	return c;
}

static bool on_entry(void *arg, const struct addr_entry *e);

/* Each of an alias's addresses; one of it with its own name is an address. */
static void open_alias(struct expand *x, struct span name, struct span text)
{
	struct chain here = { x->chain, name,
			x->chain ? x->chain->depth + 1 : 1 };
	struct expand inner = *x;

	if (is_in(x->chain, name) || here.depth > DEPTH_MOST) {
		x->rc = err_set(&x->m->err, ERR_PERM, T("alias %.*s: it leads "
				"back to itself"),
				SPAN_ARG(span_sub(name, 0, 80)));
		return;
	}
	if (!*x->left) {
		x->rc = mail_wrong(x->m, T("Too many addresses"));
		return;
	}
	--*x->left;
	inner.chain = &here;
	inner.drop_own = !mail_var(x->m, "metoo") &&
			(x->drop_own || span_find(text, '\n') + 1 < text.n);
	while (text.n && inner.rc == 0) {
		struct span one = span_cut(&text, '\n');

		/* "\bob" is the address, no alias (POSIX) */
		inner.plain = span_starts(one, "\\");
		addr_each(span_rest(one, inner.plain), on_entry, &inner);
	}
	x->rc = inner.rc;
}

static bool on_entry(void *arg, const struct addr_entry *e)
{
	struct expand *x = arg;
	struct span name = e->addr.local;
	const char *text = e->name.n || e->addr.domain.n ? NULL :
			mail_var_listed(x->m, MAIL_VAR_ALIAS, name);

	if (!text || x->plain || (x->chain && span_eq(x->chain->name, name)))
		put(x, e);
	else
		open_alias(x, name, span_of(text));
	return x->rc == 0;
}

static bool seek_alias(void *arg, const struct addr_entry *e)
{
	struct seek *s = arg;

	s->found = !e->name.n && !e->addr.domain.n && mail_var_listed(s->m,
			MAIL_VAR_ALIAS, e->addr.local);
	return !s->found;
}

int mail_alias_expand(struct mail *m, struct span list, struct str *out)
{
	unsigned left = OPEN_MOST;
	struct expand x = { .m = m, .out = out, .left = &left };
	struct seek s = { .m = m };

	/* what is broken in it is told when it is sent */
	if (addr_each(list, seek_alias, &s) || !s.found) {
		str_adds(out, out->n && list.n ? ", " : "");
		str_add(out, list);
		return 0;
	}
	addr_each(list, on_entry, &x);
	if (out->bad && x.rc == 0)
		x.rc = mail_wrong(m, T("Too many addresses"));
	return x.rc;
}

/* ---- the commands */

static void print_alias(struct mail *m, struct span name, struct span rest)
{
	mail_term_printf(&m->term, "alias %.*s", SPAN_ARG(name));
	while (rest.n) {
		struct span one = span_cut(&rest, '\n');

		mail_term_printf(&m->term, span_has(one, ' ') ? " \"%.*s\"" :
				" %.*s", SPAN_ARG(one));
	}
	mail_term_printf(&m->term, "\n");
}

static int print_aliases(struct mail *m)
{
	const struct mail_var *v = NULL;

	mail_term_page_begin(&m->term);
	while ((v = mail_var_next(m, MAIL_VAR_ALIAS, v)))
		print_alias(m, span_of(mail_var_name(v)), span_of(v->value));
	mail_term_page_end(&m->term);
	return 0;
}

/* Adds what is new to the alias. */
static void add_address(struct str *value, struct span arg)
{
	struct span old = str_span(value);
	struct str text;
	bool has = false;

	str_init(&text, MAIL_LINE_MOST);
	/* it says that what follows is no alias: kept */
	if (span_starts(arg, "\\") && !span_starts(arg, "\\\""))
		str_addc(&text, '\\');
	mail_unquote(&text, arg);
	if (text.n && text.p[text.n - 1] == ',')
		text.p[--text.n] = '\0';
	while (old.n && !has)
		has = span_eq(span_cut(&old, '\n'), str_span(&text));
	if (!has && text.n) {
		str_add(value, str_span(&text));
		str_addc(value, '\n');
	}
	str_free(&text);
}

int mail_do_alias(struct mail *m)
{
	struct span rest = m->arg, name = mail_arg(&rest), arg;
	const char *old = mail_var_listed(m, MAIL_VAR_ALIAS, name);
	struct str value;
	int rc;

	if (!name.n)
		return print_aliases(m);
	rest = span_trim(rest);
	if (!rest.n && old)
		print_alias(m, name, span_of(old));
	else if (!rest.n)
		return mail_tell(m, T("There is no such alias"));
	str_init(&value, MAIL_LINE_MOST);
	str_adds(&value, old ? old : "");
	while ((arg = mail_arg(&rest)).n)
		add_address(&value, arg);
	rc = value.bad ? mail_wrong(m, T("Too many addresses")) :
			mail_var_list(m, MAIL_VAR_ALIAS, name,
					str_span(&value));
	str_free(&value);
	return rc < 0 ? mail_failed(m) : 0;
}

int mail_do_unalias(struct mail *m)
{
	struct span rest = m->arg, name;

	while ((name = mail_arg(&rest)).n)
		mail_var_list(m, MAIL_VAR_ALIAS, name, span_make(NULL, 0));
	return 0;
}

int mail_do_alternates(struct mail *m)
{
	const struct mail_var *v;
	struct span rest = m->arg, name = mail_arg(&rest);

	if (!name.n) {
		mail_var_print(m, MAIL_VAR_ALTERNATE);
		return 0;
	}
	while ((v = mail_var_next(m, MAIL_VAR_ALTERNATE, NULL)))
		mail_var_list(m, MAIL_VAR_ALTERNATE, span_of(mail_var_name(v)),
				span_make(NULL, 0));
	for (; name.n; name = mail_arg(&rest))
		if (mail_var_list(m, MAIL_VAR_ALTERNATE, name, SPAN("")) < 0)
			return mail_failed(m);
	return 0;
}
