#include "store/submit_alias.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "mime/addr.h"

static int add(struct submit_alias *x, const char *to, const char *dsn,
		struct err *err)
{
	unsigned size = x->size ? 2 * x->size : 16;
	const char **more;

	if (x->n == x->size) {
		more = realloc(x->to, size * sizeof(*more));
		if (!more)
			return err_nomem(err);
		x->to = more;
		more = realloc(x->dsn, size * sizeof(*more));
		if (!more)
			return err_nomem(err);
		x->dsn = more;
		x->size = size;
	}
	x->to[x->n] = to;
	x->dsn[x->n++] = dsn;
	return 0;
}

static int add_set(struct submit_alias *x, const struct alias_set *s,
		const char *dsn, struct err *err)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (alias_is_target(span_of(s->address[i])))
			return err_set(err, ERR_PERM, "%.100s is a command or "
					"file: only deliver runs those",
					s->address[i]);
		if (add(x, s->address[i], dsn, err) < 0)
			return -1;
	}
	return 0;
}

static int take(struct submit_alias *x, struct aliases *a,
		const struct conf *conf, unsigned i, struct err *err)
{
	struct span address = span_of(x->rcpt[i]);
	const char *dsn = x->rcpt_dsn ? x->rcpt_dsn[i] : NULL;
	struct span domain = span_behind(address, '@');
	int rc = 0;

	if (!domain.n || conf_is_local(conf, domain))
		rc = aliases_expand(a, address, ALIASES_ROLES, UINT_MAX,
				&x->sets[i], err);
	if (rc < 0)
		return -1;
	return rc ? add_set(x, &x->sets[i], dsn, err)
		: add(x, x->rcpt[i], dsn, err);
}

int submit_alias_begin(struct submit_alias *x, const struct conf *conf,
		struct smtp_message *m, struct err *err)
{
	struct aliases *a = aliases_new(conf, false);
	int rc = 0;

	*x = (struct submit_alias){ m->rcpt, m->rcpt_dsn, m->nrcpt, NULL,
		NULL, 0, 0, calloc(m->nrcpt, sizeof(*x->sets)) };
	if (!a || !x->sets)
		rc = err_nomem(err);
	for (unsigned i = 0; rc == 0 && i < x->nrcpt; i++)
		rc = take(x, a, conf, i, err);
	aliases_free(a);
	if (rc < 0)
		return -1;
	m->rcpt = x->to;
	m->nrcpt = x->n;
	if (m->rcpt_dsn)
		m->rcpt_dsn = x->dsn;
	return 0;
}

void submit_alias_end(struct submit_alias *x, struct smtp_message *m)
{
	m->rcpt = x->rcpt;
	m->rcpt_dsn = x->rcpt_dsn;
	m->nrcpt = x->nrcpt;
	for (unsigned i = 0; x->sets && i < x->nrcpt; i++)
		alias_set_free(&x->sets[i]);
	free(x->sets);
	free(x->to);
	free(x->dsn);
}
