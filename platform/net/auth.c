#include "net/auth.h"

#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "base/str.h"
#include "config.h"
#include "net/conn.h"
#include "net/sasl.h"
#include "os/clock.h"

#define AUTH_LIMIT_MS 5000
#define AUTH_SLOW_MS 15000	/* others may be asked meanwhile */
#define AUTH_RETRY_MS 250	/* between attempts to connect */
#define AUTH_KNOWN 4		/* addresses remembered */
#define AUTH_KNOWN_MS 5000

/* An address that was found a moment ago: mail comes in bursts. */
struct auth_known {
	struct auth_user user;
	int64_t until;
	size_t n;
	char line[384];		/* the request */
};

struct auth {
	struct loop *loop;
	const char *path;
	struct conn *conn;		/* NULL: not connected */
	bool up;
	struct list queue;		/* in order of asking = of answers */
	struct list ready;		/* whose answer is known */
	struct loop_task tell;		/* ... and is told from the loop */
	struct auth_known known[AUTH_KNOWN];
	unsigned oldest;
	struct loop_timer limit, retry;
	int64_t answered;		/* clock_ms() of the last answer */
	unsigned busy;			/* calls of the owner under way */
	bool freed;			/* by the owner, in such a call */
	int64_t limit_ms;
	/* auth_slow */
	bool slow, once;		/* once: for one question of */
	struct auth *of;
	struct list others;		/* such ones; link: among them */
	struct list link;
};

enum auth_expects { EXPECT_USER, EXPECT_SALT, EXPECT_SIGNATURE };

struct auth_request {
	struct list link;
	struct auth *auth;
	auth_fn *fn;			/* NULL: cancelled after sending */
	void *arg;
	int64_t asked;
	bool sent, lookup;
	enum auth_expects expects;
	struct auth_user known;
	size_t n;
	char line[];			/* with LF; may hold a password */
};

static struct auth_request *first(const struct auth *a)
{
	if (list_empty(&a->queue))
		return NULL;
	return container_of(a->queue.next, struct auth_request, link);
}

static void drop(struct auth_request *r)
{
	list_del(&r->link);
	explicit_bzero(r->line, r->n);
	free(r);
}

static void enter(struct auth *a)
{
	a->busy++;
}

static void leave(struct auth *a)
{
	if (!--a->busy && a->freed)
		free(a);
}

/* Only between enter and leave: fn may free a. */
static void finish(struct auth_request *r, enum auth_status status,
		const struct auth_user *user)
{
	auth_fn *fn = r->fn;
	void *arg = r->arg;
	struct auth *a = r->auth;

	drop(r);
	if (CFG_AUTHD_SLOW && a->once)
		auth_free(a);
	if (fn)
		fn(arg, status, status == AUTH_OK ? user : NULL);
}

/* -- what is known -- */

static struct auth_known *find_known(struct auth *a, const char *line,
		size_t n)
{
	for (int i = 0; i < AUTH_KNOWN; i++) {
		struct auth_known *k = &a->known[i];

		if (k->n == n && !memcmp(k->line, line, n) &&
		    k->until > loop_now(a->loop))
			return k;
	}
	return NULL;
}

static void remember(struct auth *a, const struct auth_request *r,
		const struct auth_user *user)
{
	struct auth_known *k = &a->known[a->oldest++ % AUTH_KNOWN];

	if (r->n > sizeof(k->line))
		return;
	k->user = *user;
	k->until = loop_now(a->loop) + AUTH_KNOWN_MS;
	k->n = r->n;
	memcpy(k->line, r->line, r->n);
}

static void tell(struct loop_task *t)
{
	struct auth *a = container_of(t, struct auth, tell);

	enter(a);
	while (!a->freed && !list_empty(&a->ready)) {
		struct auth_request *r = container_of(a->ready.next,
				struct auth_request, link);
		struct auth_user user = r->known;

		finish(r, AUTH_OK, &user);
	}
	leave(a);
}

/* -- the connection -- */

static void on_conn(struct conn *c, enum conn_event event, void *arg);

static void set_limit(struct auth *a)
{
	struct auth_request *r = first(a);
	int64_t since;

	if (!r)
		return;			/* a timer too many finds nothing */
	since = r->asked > a->answered ? r->asked : a->answered;
	loop_timer_within(a->loop, &a->limit,
			since + a->limit_ms - clock_ms());
}

static void send_waiting(struct auth *a)
{
	struct list *pos, *tmp;

	if (!a->up)
		return;
	list_each(pos, tmp, &a->queue) {
		struct auth_request *r = container_of(pos,
				struct auth_request, link);

		if (!conn_out_ready(a->conn))
			return;		/* CONN_DRAINED comes */
		if (!r->sent)
			conn_write(a->conn, r->line, r->n);
		r->sent = true;
	}
}

static void connect_again(struct auth *a)
{
	if (a->conn || a->retry.armed)
		return;
	a->conn = conn_connect_unix(a->loop, a->path, on_conn, a, NULL);
	if (!a->conn)
		loop_timer_set(a->loop, &a->retry, AUTH_RETRY_MS);
}

/* Whatever was not answered is asked again: asking twice changes nothing. */
static void disconnect(struct auth *a)
{
	struct list *pos, *tmp;

	if (a->conn)
		conn_abort(a->conn);
	a->conn = NULL;
	a->up = false;
	list_each(pos, tmp, &a->queue) {
		struct auth_request *r = container_of(pos,
				struct auth_request, link);

		if (r->fn)
			r->sent = false;
		else
			drop(r);
	}
	/* not at once: an authd that dies of a request shall not be spun on */
	if (!list_empty(&a->queue) && !a->retry.armed)
		loop_timer_set(a->loop, &a->retry, AUTH_RETRY_MS);
}

static void retry(struct loop_timer *t)
{
	struct auth *a = container_of(t, struct auth, retry);

	if (!list_empty(&a->queue))
		connect_again(a);
}

/*
 * The first has waited for too long, so its answer, if it should still come,
 * must not be taken for the next one's.
 */
static void limit(struct loop_timer *t)
{
	struct auth *a = container_of(t, struct auth, limit);
	struct auth_request *r;
	bool lost = false;

	enter(a);
	while (!a->freed && (r = first(a))) {
		int64_t now = clock_ms();

		if (now < r->asked + a->limit_ms ||
		    now < a->answered + a->limit_ms)
			break;
		lost |= r->sent;
		finish(r, AUTH_TEMP, NULL);
	}
	if (!a->freed && lost)
		disconnect(a);
	if (!a->freed)
		set_limit(a);
	leave(a);
}

/* -- answers -- */

static int text_of(char *to, size_t size, struct span b64)
{
	ssize_t n = base64_get(to, size - 1, b64);

	if (n <= 0 || memchr(to, 0, n))
		return -1;
	to[n] = '\0';
	return 0;
}

/* "OCTETS MESSAGES B64(settings)" */
static int parse_settings(struct auth_user *u, struct span *rest)
{
	struct span octets = span_word(rest), messages = span_word(rest);
	struct span settings = span_word(rest);
	unsigned long long most;
	unsigned long n;

	/* nobody has any: users come from where there are none */
	if (!CFG_USERS_FULL && !CFG_AUTHD_DIRECTORY)
		return 0;
	if (!span_number64(octets, INT64_MAX, &most) ||
	    !span_number(messages, UINT32_MAX, &n))
		return -1;
	u->quota = most;
	u->quota_messages = (uint32_t)n;
	return span_is(settings, "=") ? 0 : text_of(u->settings,
			sizeof(u->settings), settings);
}

bool auth_setting(const struct auth_user *user, const char *name,
		struct span *value)
{
	struct span rest = span_of(user->settings);

	while (rest.n) {
		*value = span_cut(&rest, '\n');
		if (span_is(span_cut(value, '='), name))
			return true;
	}
	*value = span_of("");
	return false;
}

/* All of a user's fields, B64(signature) where it is due */
static int parse_user(struct auth_user *u, struct span rest, bool due)
{
	struct span kind = span_word(&rest), name = span_word(&rest);
	struct span mailbox = span_word(&rest), uid = span_word(&rest);
	struct span gid = span_word(&rest);
	unsigned long id, group;

	if (span_is(kind, "VIRTUAL"))
		u->kind = AUTH_VIRTUAL;
	else if (span_is(kind, "SYSTEM"))
		u->kind = AUTH_SYSTEM;
	else if (CFG_ALIASES && span_is(kind, "ALIAS"))
		u->kind = AUTH_ALIAS;
	else
		return -1;
	if ((u->kind != AUTH_ALIAS || !span_is(name, "=")) &&
	    text_of(u->name, sizeof(u->name), name))
		return -1;
	if (text_of(u->mailbox, sizeof(u->mailbox), mailbox))
		return -1;
	/* (uid_t)-1 means "nobody in particular" to the kernel */
	if (!span_number(uid, UINT32_MAX - 1, &id) ||
	    !span_number(gid, UINT32_MAX - 1, &group))
		return -1;
	if (parse_settings(u, &rest) < 0)
		return -1;
	rest = span_trim(rest);
	if (due != (rest.n > 0) || str_copy(u->scram, sizeof(u->scram), rest))
		return -1;
	u->uid = id;
	u->gid = group;
	return 0;
}

static enum auth_status parse(struct auth_user *u, struct span line,
		enum auth_expects expects)
{
	struct span word = span_word(&line);

	memset(u, 0, sizeof(*u));
	if (expects == EXPECT_SALT)
		return span_is(word, "SALT") && !str_copy(u->scram,
				sizeof(u->scram), span_trim(line)) ?
			AUTH_OK : AUTH_TEMP;
	if (span_is(word, "OK") &&
	    !parse_user(u, line, expects == EXPECT_SIGNATURE))
		return AUTH_OK;
	return span_is(word, "NO") ? AUTH_NO : AUTH_TEMP;
}

static void take_answers(struct auth *a, struct conn *c)
{
	struct auth_user user;
	struct auth_request *r;
	enum auth_status status;
	struct span line;
	enum conn_line how;

	while (conn_owned_by(c, on_conn, a)) {
		how = conn_line(c, AUTH_LINE_MAX, &line);
		if (how == CONN_LINE_NONE)
			return;
		r = first(a);
		if (!r || !r->sent) {
			disconnect(a);	/* nobody asked: it talks nonsense */
			return;
		}
		a->answered = clock_ms();
		status = how == CONN_LINE_LONG ? AUTH_TEMP :
			parse(&user, line, r->expects);
		if (status == AUTH_OK && r->lookup)
			remember(CFG_AUTHD_SLOW && a->once ? a->of : a, r,
					&user);
		finish(r, status, &user);
	}
}

static void on_conn(struct conn *c, enum conn_event event, void *arg)
{
	struct auth *a = arg;

	enter(a);
	switch (event) {
	case CONN_UP:
		a->up = true;
		send_waiting(a);
		break;
	case CONN_DRAINED:
		send_waiting(a);
		break;
	case CONN_INPUT:
		take_answers(a, c);
		break;
	case CONN_EOF:
	case CONN_ERROR:
		disconnect(a);
		break;
	case CONN_TLS:
	case CONN_TIMEOUT:
		break;
	}
	leave(a);
}

/* -- questions -- */

/* Blanks separate, so an empty text has to be seen. */
static void add_text(struct str *line, struct span text)
{
	str_addc(line, ' ');
	if (text.n)
		base64_put(line, text);
	else
		str_addc(line, '=');
}

static void put_question(struct auth *a, struct auth_request *r)
{
	list_add_tail(&a->queue, &r->link);
	connect_again(a);
	send_waiting(a);
	set_limit(a);
}

/* NULL: no memory. */
static struct auth *apart(struct auth *a)
{
	struct auth *one = auth_new(a->loop, a->path);

	if (!one)
		return NULL;
	one->once = true;
	one->of = a;
	one->limit_ms = AUTH_SLOW_MS;
	list_add_tail(&a->others, &one->link);
	return one;
}

static struct auth_request *ask(struct auth *a, struct str *line, bool lookup,
		enum auth_expects expects, auth_fn *fn, void *arg)
{
	struct auth_request *r = NULL;
	struct auth_known *k;

	str_addc(line, '\n');
	k = lookup ? find_known(a, line->p, line->n) : NULL;
	if (CFG_AUTHD_SLOW && a->slow && !k)
		a = apart(a);
	if (a && !line->bad)
		r = malloc(sizeof(*r) + line->n);
	if (!r) {
		if (CFG_AUTHD_SLOW && a && a->once)
			auth_free(a);
		goto out;
	}
	*r = (struct auth_request){
		.auth = a, .fn = fn, .arg = arg, .asked = clock_ms(),
		.lookup = lookup, .expects = expects, .n = line->n
	};
	memcpy(r->line, line->p, line->n);
	list_init(&r->link);
	if (k) {
		r->known = k->user;
		list_add_tail(&a->ready, &r->link);
		loop_task_add(a->loop, &a->tell);
	} else {
		put_question(a, r);
	}
out:
	str_wipe(line);
	return r;
}

struct auth_request *auth_password(struct auth *a, struct span user,
		struct span password, const char *service, const char *peer,
		auth_fn *fn, void *arg)
{
	struct str line;

	str_init_secret(&line, AUTH_LINE_MAX);
	str_adds(&line, "PLAIN");
	add_text(&line, user);
	add_text(&line, password);
	str_addf(&line, " %s %s", service, peer);
	return ask(a, &line, false, EXPECT_USER, fn, arg);
}

struct auth_request *auth_lookup(struct auth *a, struct span address,
		auth_fn *fn, void *arg)
{
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "LOOKUP");
	add_text(&line, address);
	return ask(a, &line, true, EXPECT_USER, fn, arg);
}

static struct auth_request *ask_salt(struct auth *a, const struct sasl *s,
		auth_fn *fn, void *arg)
{
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "SALT");
	add_text(&line, span_of(s->user));
	return ask(a, &line, false, EXPECT_SALT, fn, arg);
}

/* What is wrong anyway is asked without a proof: authd counts and logs it. */
static struct auth_request *ask_proof(struct auth *a, const struct sasl *s,
		const char *service, const char *peer, auth_fn *fn, void *arg)
{
	struct str line;

	str_init_secret(&line, AUTH_LINE_MAX);
	str_adds(&line, "PROOF");
	add_text(&line, span_of(s->user));
	add_text(&line, str_span(&s->message));
	add_text(&line, span_make((const char *)s->proof,
			s->wrong ? 0 : sizeof(s->proof)));
	str_addf(&line, " %s %s", service, peer);
	return ask(a, &line, false, EXPECT_SIGNATURE, fn, arg);
}

struct auth_request *auth_sasl(struct auth *a, const struct sasl *s,
		const char *service, const char *peer, auth_fn *fn, void *arg)
{
	if (CFG_SASL_SCRAM && s->question == SASL_ASK_SALT)
		return ask_salt(a, s, fn, arg);
	if (CFG_SASL_SCRAM && s->question == SASL_ASK_PROOF)
		return ask_proof(a, s, service, peer, fn, arg);
	return auth_password(a, span_of(s->user), span_of(s->password),
			service, peer, fn, arg);
}

/* One that was sent keeps its place, so that the answers stay in order. */
void auth_cancel(struct auth_request *r)
{
	r->fn = NULL;
	if (CFG_AUTHD_SLOW && r->auth->once)
		auth_free(r->auth);
	else if (!r->sent)
		drop(r);
}

struct auth *auth_new(struct loop *l, const char *path)
{
	struct auth *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->loop = l;
	a->path = path;
	list_init(&a->queue);
	list_init(&a->ready);
	list_init(&a->tell.link);
	list_init(&a->others);
	list_init(&a->link);
	a->limit_ms = AUTH_LIMIT_MS;
	a->tell.run = tell;
	a->limit.fire = limit;
	a->retry.fire = retry;
	return a;
}

void auth_slow(struct auth *a)
{
	a->slow = true;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	while (CFG_AUTHD_SLOW && !list_empty(&a->others))
		auth_free(container_of(a->others.next, struct auth, link));
	if (CFG_AUTHD_SLOW)
		list_del(&a->link);
	while (first(a))
		drop(first(a));
	while (!list_empty(&a->ready))
		drop(container_of(a->ready.next, struct auth_request, link));
	loop_task_stop(&a->tell);
	if (a->conn)
		conn_abort(a->conn);
	loop_timer_stop(a->loop, &a->limit);
	loop_timer_stop(a->loop, &a->retry);
	a->freed = true;
	if (!a->busy)
		free(a);
}
