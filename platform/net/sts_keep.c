/*
 * Policies of domains: looked up when mail is to go there, kept as long as they
 * say (RFC 8461 3.3), renewed when half of that is over (10.2), and written to
 * one file, so that a restart forgets none.
 */
#include "net/sts_keep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "net/http.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"

#define STS_MOST 1000			/* domains */
#define FILE_MOST (512 * 1024)		/* octets of the file */
#define FETCH_SECONDS 60		/* RFC 8461 3.3 */
#define AGAIN_MS (5 * 60 * 1000)	/* after a fetch that failed (3.3) */
#define LOOK_MS (6 * 3600 * 1000)	/* is one half over? */
#define NEXT_MS 60000			/* between two that are */
#define SAVE_MS (10 * 60 * 1000)	/* changes of this time are one write */

struct sts_wait {
	struct list link;
	sts_fn *fn;
	void *arg;
};

/* A domain that has a policy, is being asked, or could not be fetched. */
struct entry {
	struct list link;
	struct sts_cache *sts;
	struct sts_kept *kept;		/* NULL: none */
	char id[STS_ID_SIZE];		/* of it */
	char fetching[STS_ID_SIZE];	/* of what is being fetched */
	int64_t expires, saved;		/* seconds since 1970; saved: in the file */
	int64_t again;			/* clock_ms: no fetch before */
	bool renew;			/* fetch, be the id the same */
	struct dns_query *txt;
	struct http *http;
	struct loop_timer now;		/* nothing can be asked */
	struct list waits;
	char domain[];
};

struct sts_cache {
	const struct sts_env *env;
	struct list entries;
	unsigned n;
	struct loop_timer look, save;
};

/* -- policies -- */

void sts_drop(struct sts_kept *k)
{
	if (k && --k->refs == 0)
		free(k);
}

/* mx: as in struct sts_policy. */
static struct sts_kept *keep(const struct sts_policy *p)
{
	struct sts_kept *k;
	size_t n = 0;

	while (p->mx[n])
		n += strlen(p->mx + n) + 1;
	k = malloc(sizeof(*k) + n + 1);
	if (!k)
		return NULL;
	k->refs = 1;
	k->mode = p->mode;
	k->max_age = p->max_age;
	memcpy(k->mx, p->mx, n + 1);
	return k;
}

static bool is_live(const struct entry *e)
{
	return e->kept && clock_plausible() && clock_now() < e->expires;
}

static bool is_busy(const struct entry *e)
{
	return e->txt || e->http || !list_empty(&e->waits);
}

/* -- entries -- */

static struct entry *find(const struct sts_cache *s, const char *domain)
{
	struct list *pos;

	for (pos = s->entries.next; pos != &s->entries; pos = pos->next) {
		struct entry *e = container_of(pos, struct entry, link);

		if (strcmp(e->domain, domain) == 0)
			return e;
	}
	return NULL;
}

static void entry_free(struct entry *e)
{
	list_del(&e->link);
	loop_timer_stop(e->sts->env->loop, &e->now);
	e->sts->n--;
	sts_drop(e->kept);
	free(e);
}

/* One without a policy, else the one that ends first. */
static void make_room(struct sts_cache *s)
{
	struct entry *first = NULL;
	struct list *pos;

	for (pos = s->entries.next; pos != &s->entries; pos = pos->next) {
		struct entry *e = container_of(pos, struct entry, link);

		if (is_busy(e))
			continue;
		if (!first || (first->kept && (!e->kept ||
						e->expires < first->expires)))
			first = e;
	}
	if (first)
		entry_free(first);
}

static void settle_now(struct loop_timer *t);

static struct entry *entry_new(struct sts_cache *s, const char *domain)
{
	struct entry *e;

	if (s->n >= STS_MOST)
		make_room(s);
	if (s->n >= STS_MOST)
		return NULL;
	e = calloc(1, sizeof(*e) + strlen(domain) + 1);
	if (!e)
		return NULL;
	memcpy(e->domain, domain, strlen(domain) + 1);
	e->sts = s;
	e->now.fire = settle_now;
	list_init(&e->waits);
	list_add_tail(&s->entries, &e->link);
	s->n++;
	return e;
}

/* -- the file: DOMAIN ID EXPIRES MAX_AGE MODE MX... -- */

static void put_entry(struct str *out, struct entry *e)
{
	const char *mx = e->kept->mx;

	str_addf(out, "%s %s %lld %u %s", e->domain, e->id,
			(long long)e->expires, e->kept->max_age,
			sts_mode_name(e->kept->mode));
	for (; *mx; mx += strlen(mx) + 1)
		str_addf(out, " %s", mx);
	str_addc(out, '\n');
	e->saved = e->expires;
}

void sts_save(struct sts_cache *s)
{
	struct list *pos;
	struct str out;
	struct err err;

	if (!s || !s->save.armed)
		return;
	loop_timer_stop(s->env->loop, &s->save);
	str_init(&out, FILE_MOST);
	for (pos = s->entries.next; pos != &s->entries; pos = pos->next) {
		struct entry *e = container_of(pos, struct entry, link);

		if (e->kept)
			put_entry(&out, e);
	}
	if (out.bad)
		log_warn("mta-sts: too many policies to be written");
	else if (file_replace(AT_FDCWD, s->env->path, 0600, str_span(&out),
				&err) < 0)
		log_warn("mta-sts: %s", err.text);
	str_free(&out);
}

static void save_due(struct loop_timer *t)
{
	sts_save(container_of(t, struct sts_cache, save));
}

static bool read_number(struct span word, int64_t *out)
{
	unsigned long long n;

	if (!span_number64(word, INT64_MAX, &n))
		return false;
	*out = (int64_t)n;
	return true;
}

static bool read_policy(struct span line, struct sts_policy *p)
{
	struct span word = span_word(&line);
	int64_t age;

	memset(p, 0, sizeof(*p));
	if (!read_number(word, &age) || age > STS_AGE_MOST)
		return false;
	p->max_age = (unsigned)age;
	word = span_word(&line);
	p->mode = span_is(word, sts_mode_name(STS_ENFORCE)) ? STS_ENFORCE :
		STS_TESTING;
	while ((word = span_word(&line)).n)
		if (!sts_add_mx(p, word))
			return false;
	return *p->mx;
}

/* A line that is damaged is a policy that is fetched again. */
static void read_line(struct sts_cache *s, struct span line)
{
	struct span name = span_word(&line), id = span_word(&line);
	struct span expires = span_word(&line);
	struct sts_policy p;
	char domain[256];
	struct entry *e;
	int64_t at;

	if (!name.n || str_copy(domain, sizeof(domain), name) < 0 ||
			id.n >= STS_ID_SIZE || !read_number(expires, &at) ||
			!read_policy(line, &p) || find(s, domain))
		return;
	e = entry_new(s, domain);
	if (!e)
		return;
	e->kept = keep(&p);
	e->expires = e->saved = at;
	str_copy(e->id, sizeof(e->id), id);
	if (!e->kept)
		entry_free(e);
}

static void load(struct sts_cache *s)
{
	struct str text;
	struct err err;
	struct span rest;

	str_init(&text, FILE_MOST);
	if (file_read(AT_FDCWD, s->env->path, &text, &err) == 0) {
		rest = str_span(&text);
		while (rest.n)
			read_line(s, span_cut(&rest, '\n'));
	}
	str_free(&text);
}

/* -- telling -- */

static void forget_or_look(struct entry *e)
{
	struct sts_cache *s = e->sts;

	e->renew = false;
	if (!e->kept && e->again <= clock_ms())
		entry_free(e);
	else if (e->kept && !s->look.armed)
		loop_timer_set(s->env->loop, &s->look, LOOK_MS);
}

/* All that can be known now is known. */
static void settle(struct entry *e)
{
	bool live = is_live(e);

	while (!list_empty(&e->waits)) {
		struct sts_wait *w = container_of(e->waits.next,
				struct sts_wait, link);

		list_del(&w->link);
		if (live)
			e->kept->refs++;
		w->fn(w->arg, live ? e->kept : NULL);
		free(w);
	}
	forget_or_look(e);
}

static void settle_now(struct loop_timer *t)
{
	settle(container_of(t, struct entry, now));
}

/* -- fetching -- */

static void fetch_failed(struct entry *e, const char *why,
		enum sts_failure what)
{
	const struct sts_env *env = e->sts->env;

	if (env->failed)
		env->failed(env->arg, e->domain, what, why);
	e->again = clock_ms() + AGAIN_MS;
	log_info("mta-sts: %s: %s%s", e->domain, why,
			is_live(e) ? "; the policy that is known counts" : "");
	settle(e);
}

static bool same(const struct sts_kept *a, const struct sts_kept *b)
{
	const char *x, *y;

	if (!a || a->mode != b->mode || a->max_age != b->max_age)
		return false;
	for (x = a->mx, y = b->mx; *x && strcmp(x, y) == 0;
			x += strlen(x) + 1, y += strlen(y) + 1)
		;
	return !*x && !*y;
}

/* Flash wears: a longer life alone is not written before half is over. */
static void note_change(struct entry *e, bool changed)
{
	struct sts_cache *s = e->sts;
	int64_t half = e->kept ? e->kept->max_age / 2 : 0;

	if (!changed && e->saved - clock_now() >= half)
		return;
	if (s->env->write && !s->save.armed)
		loop_timer_set(s->env->loop, &s->save, SAVE_MS);
}

static void take_policy(struct entry *e, const struct sts_policy *p)
{
	struct sts_kept *k = p->mode == STS_NONE ? NULL : keep(p);
	bool changed;

	if (!k && p->mode != STS_NONE) {
		fetch_failed(e, "out of memory", STS_FAILED_FETCH);
		return;
	}
	changed = k ? !same(e->kept, k) || strcmp(e->id, e->fetching) != 0 :
		e->kept != NULL;
	if (changed)
		log_info("mta-sts: %s: %s", e->domain, sts_mode_name(p->mode));
	sts_drop(e->kept);
	e->kept = k;
	e->expires = clock_now() + p->max_age;
	memcpy(e->id, e->fetching, sizeof(e->id));
	note_change(e, changed);
	settle(e);
}

/* RFC 8461 3.3: text/plain, whatever its parameters */
static bool is_text(struct span type)
{
	struct span kind = span_cut(&type, ';');

	return span_is(span_trim(kind), "text/plain");
}

static void got_policy(void *arg, const struct http_reply *r,
		const struct err *err)
{
	struct entry *e = arg;
	struct sts_policy p;
	const char *wrong;
	char text[64];

	e->http = NULL;
	if (!r) {
		fetch_failed(e, err->text, err->kind == ERR_PERM ?
				STS_FAILED_CERT : STS_FAILED_FETCH);
		return;
	}
	snprintf(text, sizeof(text), "the answer is %u", r->status);
	wrong = r->status != 200 ? text : !is_text(r->type) ?
		"the answer is no text" : sts_parse(r->body, &p);
	if (wrong)
		fetch_failed(e, wrong, r->status != 200 ? STS_FAILED_FETCH :
				STS_FAILED_SYNTAX);
	else
		take_policy(e, &p);
}

static void fetch(struct entry *e)
{
	const struct sts_env *env = e->sts->env;
	char url[320];
	struct http_request request = {
		.method = "GET", .url = url, .most = STS_TEXT_MOST,
		.timeout = FETCH_SECONDS
	};
	struct err err;

	snprintf(url, sizeof(url), "https://mta-sts.%s/.well-known/mta-sts.txt",
			e->domain);
	if (tls_add_bundle(env->tls, env->ca, &err) == 0)
		e->http = http_start(env->loop, env->dns, env->tls, &request,
				got_policy, e, &err);
	if (!e->http)
		fetch_failed(e, err.text, STS_FAILED_FETCH);
}

/* -- the record -- */

/* RFC 8461 3.1: with more than one, or none, there is no new policy. */
static bool find_record(const struct dns_answer *a, char id[STS_ID_SIZE])
{
	int found = 0;

	for (int i = 0; i < a->count; i++) {
		struct span text = span_make(a->records[i].text,
				a->records[i].text_len);
		char other[STS_ID_SIZE];

		if (span_eq(span_sub(text, 0, 7), SPAN("v=STSv1")) &&
				++found == 1 && sts_record(text, other))
			memcpy(id, other, sizeof(other));
	}
	return found == 1 && *id;
}

static void got_record(void *arg, const struct dns_answer *a)
{
	struct entry *e = arg;

	e->txt = NULL;
	e->fetching[0] = '\0';
	if (a->status != DNS_OK || !find_record(a, e->fetching) ||
			clock_ms() < e->again)
		settle(e);
	else if (is_live(e) && !e->renew && strcmp(e->id, e->fetching) == 0)
		settle(e);
	else
		fetch(e);
}

static void ask(struct entry *e)
{
	const struct sts_env *env = e->sts->env;
	char name[320];

	snprintf(name, sizeof(name), "_mta-sts.%s", e->domain);
	e->txt = dns_ask(env->dns, span_of(name), DNS_TXT, got_record, e);
	if (!e->txt)
		loop_timer_set(env->loop, &e->now, 0);
}

/* What is wanted of a name here: it goes into a URL and a file of words. */
static bool is_plain(const char *domain)
{
	return *domain && strlen(domain) < 240 &&
		span_isalnum(span_of(domain), "-._");
}

struct sts_wait *sts_find(struct sts_cache *s, const char *domain, sts_fn *fn,
		void *arg)
{
	struct sts_wait *w = NULL;
	struct entry *e;

	/* when does what end? and no certificate can be checked */
	if (!clock_plausible() || !is_plain(domain))
		return NULL;
	e = find(s, domain);
	if (!e)
		e = entry_new(s, domain);
	if (e)
		w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fn = fn;
	w->arg = arg;
	list_add_tail(&e->waits, &w->link);
	if (!e->txt && !e->http && !e->now.armed)
		ask(e);
	return w;
}

void sts_cancel(struct sts_wait *w)
{
	if (!w)
		return;
	list_del(&w->link);
	free(w);
}

/* -- renewing -- */

/* RFC 8461 10.2: who can block the look-up must do so all the time. */
static bool wants_renewal(const struct entry *e)
{
	return e->kept && !is_busy(e) && !e->now.armed &&
		clock_ms() >= e->again &&
		e->expires - clock_now() < e->kept->max_age / 2;
}

static void look(struct loop_timer *t)
{
	struct sts_cache *s = container_of(t, struct sts_cache, look);
	struct loop *l = s->env->loop;
	struct list *pos, *tmp;
	unsigned left = 0;

	list_each(pos, tmp, &s->entries) {
		struct entry *e = container_of(pos, struct entry, link);

		if (clock_plausible() && wants_renewal(e)) {
			/* long over, and nobody has asked: not worth it */
			if (!is_live(e)) {
				entry_free(e);
				continue;
			}
			e->renew = true;
			ask(e);
			loop_timer_set(l, t, NEXT_MS);
			return;
		}
		left += e->kept != NULL;
	}
	if (left)
		loop_timer_set(l, t, LOOK_MS);
}

/* -- the beginning, and the end -- */

struct sts_cache *sts_open(const struct sts_env *env)
{
	struct sts_cache *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->env = env;
	s->look.fire = look;
	s->save.fire = save_due;
	list_init(&s->entries);
	if (env->path)
		load(s);
	if (s->n && env->write)
		loop_timer_set(env->loop, &s->look, NEXT_MS);
	return s;
}

void sts_close(struct sts_cache *s)
{
	if (!s)
		return;
	loop_timer_stop(s->env->loop, &s->look);
	loop_timer_stop(s->env->loop, &s->save);
	while (!list_empty(&s->entries)) {
		struct entry *e = container_of(s->entries.next, struct entry,
				link);

		dns_cancel(e->txt);
		http_cancel(e->http);
		entry_free(e);
	}
	free(s);
}
