/* What an alias leads to: through others, included lists, each name once. */
#include "store/aliases_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/idna.h"
#include "config.h"
#include "mime/addr.h"
#include "store/alias_map.h"

#define SLOTS_FIRST 64			/* of the hash table; a power of two */
#define ADDRESS_COST (ADDR_MAX + 64)	/* memory of one, at most */

enum { NEW, ON_PATH, DONE };		/* of an entry */

/* An included file that was begun. */
struct include {
	struct include *next;
	dev_t device;
	ino_t inode;
};

/* An alias of users.db that was begun. */
struct mapped {
	struct mapped *next;
	const char *key;
	int seen;
};

struct expand {
	const struct aliases *a;
	struct alias_set *s;
	struct err *err;
	struct span domain;		/* of the recipient, */
	const struct aliases_entry *own;	/* whose name this is; NULL: a role */
	unsigned char *seen;		/* of each entry */
	struct include *includes;
	struct mapped *mapped;
	/* whose value is being taken, or NULL */
	const struct mapped *from;
	size_t left;			/* octets that includes may still take */
	unsigned most, depth;
	bool alone;			/* one name has led to one name so far */
};

static struct span first_domain(const struct conf *conf)
{
	return span_of(conf->domains ? conf->domains->text : conf->hostname);
}

/* -- the set -- */

static unsigned hash(const char *s)
{
	unsigned h = 5381;

	while (*s)
		h = h * 33 ^ (unsigned char)ascii_lower(*s++);
	return h;
}

/* One of ours in whatever letters; of others the local part as it is. */
static bool same(const struct conf *conf, const char *a, const char *b)
{
	struct addr x = addr_split(span_of(a)), y = addr_split(span_of(b));

	if (!span_caseeq(x.domain, y.domain))
		return false;
	return span_eq(x.local, y.local) || (span_caseeq(x.local, y.local) &&
			conf_is_local(conf, x.domain));
}

static unsigned *slot_of(const struct conf *conf, struct alias_set *s,
		const char *address)
{
	unsigned i = hash(address) & (s->nslots - 1);

	while (s->slots[i] && !same(conf, s->address[s->slots[i] - 1], address))
		i = (i + 1) & (s->nslots - 1);
	return &s->slots[i];
}

/* Twice the room, at most half of it in use. */
static bool grow(const struct conf *conf, struct alias_set *s)
{
	unsigned size = s->size ? 2 * s->size : SLOTS_FIRST / 2;
	const char **address = realloc(s->address, size * sizeof(*address));
	unsigned *slots;

	if (!address)
		return false;
	s->address = address;
	slots = calloc(2 * (size_t)size, sizeof(*slots));
	if (!slots)
		return false;
	free(s->slots);
	s->slots = slots;
	s->size = size;
	s->nslots = 2 * size;
	for (unsigned i = 0; i < s->n; i++)
		*slot_of(conf, s, s->address[i]) = i + 1;
	return true;
}

static int add(struct expand *x, struct span address)
{
	const struct conf *conf = x->a->conf;
	struct alias_set *s = x->s;
	const char *copy;
	unsigned *slot;

	if (s->n == s->size && !grow(conf, s))
		return err_nomem(x->err);
	copy = arena_dup(s->arena, address);
	if (!copy)
		return err_nomem(x->err);
	slot = slot_of(conf, s, copy);
	if (*slot)
		return 0;
	if (s->n >= conf->max_alias_recipients)
		return err_set(x->err, ERR_PERM, "the alias leads to more than"
				" %u recipients", conf->max_alias_recipients);
	s->address[s->n++] = copy;
	*slot = s->n;
	return 0;
}

/* local@domain, or the address that local is. */
static int add_local(struct expand *x, struct span local, struct span domain)
{
	char text[ALIAS_VALUE_SIZE + IDNA_SIZE];

	snprintf(text, sizeof(text), "%.*s@%.*s", SPAN_ARG(local),
			SPAN_ARG(domain));
	return add(x, span_of(text));
}

void alias_set_free(struct alias_set *s)
{
	arena_free(s->arena);
	free(s->address);
	free(s->slots);
	memset(s, 0, sizeof(*s));
}

/* -- walking -- */

static bool full(const struct expand *x)
{
	return x->s->n >= x->most;
}

static int take_entry(struct expand *x, const struct aliases_entry *e);
static int take_include(struct expand *x, const char *path);
static int take_mapped(struct expand *x, struct span local,
		struct span domain);

/* A user, or another alias; in: whose value it is, NULL: a file's. */
static int take_address(struct expand *x, const struct aliases_entry *in,
		const struct alias_value *v)
{
	struct span text = span_of(v->text), domain = { NULL, 0 };
	struct span local = span_before(text, '@');
	const struct aliases_entry *e;
	int rc;

	if (local.n < text.n)
		domain = span_rest(text, local.n + 1);
	if (domain.n && !conf_is_local(x->a->conf, domain))
		return add(x, text);
	if (CFG_USERS_FULL && v->kind != ALIAS_EXACT) {
		rc = take_mapped(x, local, domain.n ? domain :
				first_domain(x->a->conf));
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	e = aliases_find(x->a, local);
	/* alice: alice, bob means her mailbox */
	if (e && e != in && v->kind != ALIAS_EXACT)
		return take_entry(x, e);
	/* what is an alias in all domains is a mailbox in the one asked for */
	if (!domain.n && e && e == x->own)
		domain = x->domain;
	return add_local(x, local, domain.n ? domain :
			first_domain(x->a->conf));
}

static int take_value(struct expand *x, const struct aliases_entry *in,
		const struct alias_value *v, unsigned *targets)
{
	struct str text;
	int rc;

	if (v->kind == ALIAS_ADDRESS || v->kind == ALIAS_EXACT)
		return take_address(x, in, v);
	if (v->kind == ALIAS_INCLUDE)
		return take_include(x, v->text);
	/* such names were found out when the file was read */
	if (in->name[0] == '"')
		return 0;
	str_init(&text, ALIAS_NAME_SIZE + 16);
	alias_put_target(&text, in->name, ++*targets);
	rc = text.bad ? 0 : add_local(x, str_span(&text), x->domain);
	str_free(&text);
	return rc;
}

/* The first one on the way that has an owner, while the way is one. */
static int find_owner(struct expand *x, const struct aliases_entry *e)
{
	char name[ALIAS_NAME_SIZE + 8];

	if (!x->alone || x->s->owner)
		return 0;
	snprintf(name, sizeof(name), "owner-%s", e->name);
	if (e->name[0] != '"' && strncmp(name + 6, "owner-", 6) != 0 &&
			aliases_find_name(x->a, name)) {
		x->s->owner = arena_printf(x->s->arena, "%s@%.*s", name,
				SPAN_ARG(x->domain));
		if (!x->s->owner)
			return err_nomem(x->err);
	}
	x->alone = aliases_alone(&e->values);
	return 0;
}

static int too_deep(struct expand *x, const char *name)
{
	return err_set(x->err, ERR_PERM, "aliases are nested more than %d"
			" deep, down to %s", ALIASES_DEPTH_MOST, name);
}

static int take_values(struct expand *x, const struct aliases_entry *e)
{
	struct alias_list l = e->values;
	unsigned targets = 0;
	struct alias_value v;
	const char *why;
	int rc;

	while (!full(x) && (rc = alias_value_next(&l, &v, &why)) != 0)
		if (rc > 0 && take_value(x, e, &v, &targets) < 0)
			return -1;
	return 0;
}

static int take_entry(struct expand *x, const struct aliases_entry *e)
{
	unsigned char *seen = &x->seen[e - x->a->entry];
	int rc;

	if (*seen) {
		x->s->looped |= *seen == ON_PATH;
		return 0;
	}
	if (x->depth++ == ALIASES_DEPTH_MOST)
		return too_deep(x, e->name);
	*seen = ON_PATH;
	rc = find_owner(x, e);
	if (rc == 0)
		rc = take_values(x, e);
	*seen = DONE;
	x->depth--;
	return rc;
}

/* -- aliases of users.db -- */

/* 1: it was begun before. */
static int note_mapped(struct expand *x, const char *key, struct mapped **out)
{
	struct mapped *m;

	for (m = x->mapped; m; m = m->next)
		if (strcmp(m->key, key) == 0) {
			x->s->looped |= m->seen == ON_PATH;
			return 1;
		}
	m = arena_alloc(x->s->arena, sizeof(*m));
	if (!m)
		return err_nomem(x->err);
	*m = (struct mapped){ x->mapped, arena_dup(x->s->arena, span_of(key)),
		ON_PATH };
	if (!m->key)
		return err_nomem(x->err);
	x->mapped = *out = m;
	return 0;
}

static int take_mapped_values(struct expand *x, struct mapped *m,
		struct span values)
{
	const struct mapped *before = x->from;
	struct alias_value v = { .kind = ALIAS_ADDRESS };
	int rc = 0;

	if (x->depth++ == ALIASES_DEPTH_MOST)
		return too_deep(x, m->key);
	x->from = m;
	x->alone = x->alone && !span_has(values, ',');
	while (rc == 0 && !full(x) && values.n)
		if (str_copy(v.text, sizeof(v.text), span_cut(&values, ','))
				== 0)
			rc = take_address(x, NULL, &v);
	x->from = before;
	m->seen = DONE;
	x->depth--;
	return rc;
}

/* 1: it is one, and was taken; 0: it is none, or itself again: a mailbox. */
static int take_mapped(struct expand *x, struct span local, struct span domain)
{
	char key[ALIASES_KEY_SIZE];
	struct mapped *m = NULL;
	struct str values;
	int rc;

	str_init(&values, ALIAS_MAP_LINE_MOST);
	rc = aliases_mapped(x->a, local, domain, key, &values, x->err);
	if (rc > 0 && x->from && strcmp(x->from->key, key) == 0)
		rc = 0;
	if (rc > 0) {
		rc = note_mapped(x, key, &m);
		if (rc == 0)
			rc = take_mapped_values(x, m, str_span(&values));
		rc = rc < 0 ? -1 : 1;
	}
	str_free(&values);
	return rc;
}

/* -- included files -- */

/* 1: it was begun before, and so it ends here. */
static int note_include(struct expand *x, const struct stat *st)
{
	struct include *i;

	for (i = x->includes; i; i = i->next)
		if (i->device == st->st_dev && i->inode == st->st_ino)
			return 1;
	i = arena_alloc(x->s->arena, sizeof(*i));
	if (!i)
		return err_nomem(x->err);
	*i = (struct include){ x->includes, st->st_dev, st->st_ino };
	x->includes = i;
	return 0;
}

/* Addresses and more files: who may write to a list may not run commands. */
static int take_lines(struct expand *x, const char *path, struct span text)
{
	struct alias_list l = { text, true, true, 1, 1 };
	struct alias_value v;
	const char *why;
	int rc;

	while (!full(x) && (rc = alias_value_next(&l, &v, &why)) != 0) {
		if (rc > 0 && (v.kind == ALIAS_COMMAND || v.kind == ALIAS_FILE))
			why = "a list has no commands and files";
		else if (rc > 0)
			why = NULL;
		if (why)
			aliases_tell(x->a, path, l.at, why);
		else if (take_value(x, NULL, &v, NULL) < 0)
			return -1;
	}
	return 0;
}

static int take_include(struct expand *x, const char *path)
{
	struct str text;
	struct stat st;
	int rc;

	if (x->depth++ == ALIASES_DEPTH_MOST)
		return too_deep(x, path);
	str_init(&text, x->left);
	rc = aliases_read(path, &text, &st, x->err);
	if (rc == 0)
		rc = note_include(x, &st);
	if (rc == 0) {
		x->left -= text.n;
		rc = take_lines(x, path, str_span(&text));
		x->left += text.n;
	}
	str_free(&text);
	x->depth--;
	return rc < 0 ? -1 : 0;
}

/* -- the question -- */

/* RFC 5321 4.5.1: who gets postmaster's mail, where postmaster is no alias. */
static const struct aliases_entry *find(const struct aliases *a,
		struct span local, bool roles)
{
	const struct aliases_entry *e = aliases_find(a, local);

	if (e || !roles || !(span_is(local, "postmaster") || span_is(local, "abuse") ||
				span_is(local, "mailer-daemon")))
		return e;
	e = aliases_find(a, SPAN("postmaster"));
	return e ? e : aliases_find(a, span_of(a->conf->postmaster));
}

static int begin(struct expand *x)
{
	x->s->arena = arena_new((size_t)x->a->conf->max_alias_recipients *
			ADDRESS_COST + ALIASES_FILE_MOST);
	x->seen = calloc(x->a->n + 1, 1);
	return x->s->arena && x->seen ? 0 : err_nomem(x->err);
}

static int expand_all(struct expand *x, struct span local, unsigned also)
{
	const struct aliases_entry *e;
	int rc;

	if (CFG_USERS_FULL) {
		rc = take_mapped(x, local, x->domain);
		if (rc)
			return rc;
	}
	x->own = aliases_find(x->a, local);
	e = find(x->a, local, also & ALIASES_ROLES);
	if (e)
		return take_entry(x, e) < 0 ? -1 : 1;
	return CFG_USERS_FULL && also & ALIASES_REST ? take_mapped(x,
			span_of(""), x->domain) : 0;
}

int aliases_expand(struct aliases *a, struct span rcpt, unsigned also,
		unsigned most, struct alias_set *s, struct err *err)
{
	struct addr to = addr_split(rcpt);
	struct expand x = { .a = a, .s = s, .err = err, .most = most,
		.left = ALIASES_FILE_MOST, .alone = true,
		.domain = to.domain.n ? to.domain : first_domain(a->conf) };
	int rc;

	memset(s, 0, sizeof(*s));
	if (aliases_refresh(a, err) < 0)
		return -1;
	if (!CFG_USERS_FULL && !find(a, to.local, also & ALIASES_ROLES))
		return 0;
	rc = begin(&x);
	if (rc == 0)
		rc = expand_all(&x, to.local, also);
	free(x.seen);
	if (rc <= 0)
		return rc;
	if (!s->n)
		return err_set(err, ERR_PERM, s->looped ? "the alias %.*s leads"
				" back to itself" : "the alias %.*s leads to"
				" nobody", SPAN_ARG(to.local));
	return 1;
}

/* -- newaliases -- */

/* Each by itself: what it includes, and where it leads. */
static void check_entry(struct aliases *a, const struct aliases_entry *e)
{
	char address[ALIAS_NAME_SIZE + IDNA_SIZE];
	const char *path = aliases_path(a->conf);
	struct alias_set s;
	struct err err;

	snprintf(address, sizeof(address), "%s@%.*s", e->name,
			SPAN_ARG(first_domain(a->conf)));
	if (aliases_expand(a, span_of(address), 0,
				a->conf->max_alias_recipients + 1, &s,
				&err) < 0)
		aliases_tell(a, path, e->values.line, err.text);
	else if (s.looped)
		aliases_tell(a, path, e->values.line, "an alias that it leads"
				" to leads back here");
	alias_set_free(&s);
}

int aliases_check(const struct conf *conf,
		void (*fn)(void *arg, const char *text), void *arg,
		unsigned *n, struct err *err)
{
	struct aliases *a = aliases_new(conf, false);
	int rc;

	*n = 0;
	if (!a)
		return err_nomem(err);
	a->tell = fn;
	a->arg = arg;
	rc = aliases_refresh(a, err);
	/* as it was read, whatever happens to it meanwhile */
	for (unsigned i = 0; rc == 0 && i < a->n; i++) {
		a->looked = INT64_MAX / 2;
		check_entry(a, &a->entry[i]);
	}
	*n = a->n;
	aliases_free(a);
	return rc;
}
