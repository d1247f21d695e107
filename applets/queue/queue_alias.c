/*
 * Aliases (RFC 5321 3.9): a recipient of ours may stand for somebody else. One
 * who leads to one address goes there, and nothing is written. One who leads to
 * several becomes a message of its own, to all of them; docs/queue.md has the
 * steps. Its id is made from its parent's and the recipient's number, so that a
 * queue that was killed in the middle finds it again, and it is sent only when
 * its parent's mark is durable.
 */
#include "applet.h"
#include "config.h"
#include "queue.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mime/addr.h"
#include "mime/alias.h"
#include "mime/dsn.h"
#include "mime/header.h"
#include "os/file.h"
#include "os/log.h"
#include "store/aliases.h"

#define AT_ONCE 8			/* expansions, each with all its addresses */
#define COPY_PIECE (16 * 1024)
#define COPY_SLICE (256 * 1024)		/* octets a turn of the loop */
#define CHILD_DIGITS 4			/* behind the parent's id */
/* digits of an id that say when it was made */
#define ID_TIME 11
#define DSN_SIZE 640

/* One recipient becomes a message; lives in its message's arena. */
struct queue_expansion {
	struct list link;		/* in q->expansions until it begins */
	struct queue_expansion *next;	/* of the message */
	struct queue_message *message;
	unsigned rcpt, n;
	/* of a .forward; NULL: what the file says */
	const char **to;
	bool list;			/* it has an owner, who is the sender now */
	struct spool_draft *draft;
	int fd;				/* the parent's text, copied from: */
	int64_t at, end;
	struct loop_task copy;
	struct sync_request flush;
	char child[SPOOL_ID_SIZE];
	char name[SPOOL_ID_SIZE + 2];	/* "./PARENT" */
};

static struct queue *queue_of(const struct queue_message *m)
{
	return m->entry->queue;
}

/* ---- children */

/* What follows the word in a child's origin; empty: it is no such child. */
static struct span origin_behind(const struct queue_message *m,
		const char *word)
{
	struct span origin = span_of(m->envelope->origin);

	return span_starts(origin, word) ? span_rest(origin, strlen(word))
		: SPAN("");
}

/*
 * The parent's id, and four digits. A child's own child keeps of its parent
 * when it was, and a hash of the rest in as many digits. -1: there is no such
 * id.
 */
static int child_id(char out[SPOOL_ID_SIZE], const char *parent, unsigned rcpt)
{
	size_t n = strlen(parent);

	if (n >= SPOOL_ID_SIZE || rcpt >> (5 * CHILD_DIGITS))
		return -1;
	memcpy(out, parent, n + 1);
	if (CFG_DELIVER_FORWARD && n == SPOOL_ID_SIZE - 1) {
		n -= CHILD_DIGITS;
		spool_id_put(out + ID_TIME, (unsigned)n - ID_TIME,
				span_hash(SPAN_HASH, span_of(parent +
						ID_TIME)));
	}
	if (n + CHILD_DIGITS >= SPOOL_ID_SIZE)
		return -1;
	spool_id_put(out + n, CHILD_DIGITS, rcpt);
	out[n + CHILD_DIGITS] = '\0';
	return 0;
}

/* Which of the parent's recipients it was; UINT_MAX: no such id. */
static unsigned number_of(const char *child)
{
	static const char digits[] = SPOOL_ID_DIGITS;
	size_t n = strlen(child);
	unsigned rcpt = 0;

	for (const char *p = child + (n > CHILD_DIGITS ? n - CHILD_DIGITS : n);
			*p; p++) {
		const char *digit = strchr(digits, *p);

		if (!digit)
			return UINT_MAX;
		rcpt = rcpt << 5 | (unsigned)(digit - digits);
	}
	return n > CHILD_DIGITS ? rcpt : UINT_MAX;
}

/* What becomes of the parent's recipient (RFC 3461 5.2.7.2, 5.2.7.3). */
static enum spool_state state_of(const struct spool_envelope *e, unsigned rcpt,
		bool list)
{
	if (!CFG_DSN || !*e->sender || !dsn_wants(e->rcpt[rcpt].dsn,
				DSN_SUCCESS))
		return SPOOL_DONE;
	/* for the sender a list is where it ends */
	return list ? SPOOL_DELIVERED : SPOOL_EXPANDED;
}

/* ---- looking up */

/* X.2.4: mailing list expansion problem (RFC 3463 3.3). */
static void fail_expand(struct queue_message *m, unsigned rcpt,
		const struct err *err, bool looped)
{
	message_fail(m, rcpt, err->kind, err->kind != ERR_PERM ? "4.2.4"
			: looped ? "5.4.6" : "5.2.4", err->text);
}

/* Has the message been here before? As Postfix and qmail mark it. */
static bool was_here(struct queue_message *m, const char *address)
{
	struct header_field f;
	struct str header;
	struct span rest;
	bool found = false;
	int64_t start;
	int fd = spool_body(queue_of(m)->spool, m->envelope, &start, NULL);

	if (fd < 0)
		return false;
	str_init(&header, QUEUE_RETURN_MOST + 1);
	queue_text(&header, m->envelope, fd, start, false);
	close(fd);
	rest = str_span(&header);
	while (!found && header_next(&rest, &f))
		found = span_is(f.name, "Delivered-To")
			&& span_caseeq(f.value, span_of(address));
	str_free(&header);
	return found;
}

static struct queue_expansion *expansion_new(struct queue_message *m,
		unsigned rcpt)
{
	struct queue_expansion *x = arena_alloc(m->arena, sizeof(*x));

	if (!x)
		return NULL;
	x->message = m;
	x->rcpt = rcpt;
	x->fd = -1;
	list_init(&x->link);
	list_init(&x->copy.link);
	return x;
}

static int note(struct queue_message *m, unsigned rcpt)
{
	struct queue_expansion *x = expansion_new(m, rcpt);

	if (!x)
		return -1;
	x->next = m->expansions;
	m->expansions = x;
	m->address[rcpt] = "";
	return 0;
}

/* rc, s, err: of aliases_expand for two addresses at most. -1: no memory. */
static int settle(struct queue_message *m, unsigned i, int rc,
		const struct alias_set *s, const struct err *err)
{
	const char *address = m->envelope->rcpt[i].address;
	bool several = s->n > 1 || (s->owner && *m->envelope->sender);

	if (rc < 0) {
		fail_expand(m, i, err, s->looped);
		return 0;
	}
	if (s->looped)
		log_warn("%s: to=<%s> the alias leads back to itself",
				m->entry->id, address);
	if ((several || alias_is_target(span_of(s->address[0])))
			&& was_here(m, address)) {
		message_fail(m, i, ERR_PERM, "5.4.6", "mail forwarding loop: it"
				" has been delivered to this alias before");
		return 0;
	}
	if (several)
		return note(m, i);
	m->address[i] = arena_dup(m->arena, span_of(s->address[0]));
	return m->address[i] ? 0 : -1;
}

/* Made before the queue was killed: it counts, whatever the file says now. */
static bool has_child(const struct queue_message *m, unsigned i)
{
	char id[SPOOL_ID_SIZE];

	return m->entry->again && child_id(id, m->entry->id, i) == 0
		&& queue_find(queue_of(m), id);
}

/*
 * Of what a .forward says: its commands and files, which only we may name, and
 * its owner's own mailbox, whatever aliases of that name there are.
 */
static bool is_settled(const struct queue_message *m, struct span address)
{
	struct span owner = origin_behind(m, PARENT_FORWARD);

	span_cut(&owner, ' ');
	return owner.n && (alias_is_target(address) ||
			span_caseeq(address, owner));
}

/* Without authd nobody knows whether postmaster has a mailbox. */
static unsigned also(const struct queue_message *m, unsigned rcpt)
{
	return entry_has_moved(m->entry, rcpt) ? ALIASES_ROLES | ALIASES_REST :
		CFG_AUTHD ? 0 : ALIASES_ROLES;
}

static int resolve(struct queue_message *m, unsigned i)
{
	const char *old = m->envelope->rcpt[i].address;
	const char *to = rewrite_virtual(m, old);
	struct span address = span_of(to);
	struct addr a = addr_split(address);
	struct alias_set s;
	struct err err;
	int rc;

	if (!to)
		return -1;
	if (span_rfind(address, '@') == address.n)
		a = (struct addr){ .local = address };
	if (a.domain.n && !conf_is_local(queue_of(m)->daemon.conf, a.domain)) {
		m->address[i] = to == old ? NULL : to;
		return 0;
	}
	if (CFG_DELIVER_FORWARD && is_settled(m, address))
		return has_child(m, i) ? note(m, i) : 0;
	if (alias_is_target(a.local)) {
		/* nobody but we may say such, and we say it to deliver */
		message_fail(m, i, ERR_PERM, "5.1.1", "no such user");
		return 0;
	}
	if (has_child(m, i))
		return note(m, i);
	rc = aliases_expand(queue_of(m)->aliases, address, also(m, i), 2, &s,
			&err);
	if (rc)
		rc = settle(m, i, rc, &s, &err);
	alias_set_free(&s);
	return rc;
}

int alias_resolve(struct queue_message *m)
{
	/* all of an alias is in the child, but for what .forward files say */
	bool final = origin_behind(m, PARENT_ALIAS).n;

	if (!queue_of(m)->aliases || (final && !CFG_DELIVER_FORWARD))
		return 0;
	m->address = arena_alloc(m->arena, m->envelope->nrcpt
			* sizeof(*m->address));
	if (!m->address)
		return -1;
	for (unsigned i = 0; i < m->envelope->nrcpt; i++)
		if (m->envelope->rcpt[i].state == SPOOL_WAITING
				&& (final ? has_child(m, i) && note(m, i) < 0
					: resolve(m, i) < 0))
			return -1;
	return 0;
}

/* ---- RFC 3461's parameters of who was an alias */

/* Success has been told, or will be (RFC 3461 5.2.7.2 b). */
static void put_notify(struct str *out, const char *dsn, bool expanded)
{
	struct span notify = dsn_param(dsn, "NOTIFY");

	if (!notify.n)
		return;
	if (!expanded || !dsn_wants(dsn, DSN_SUCCESS))
		str_addf(out, "NOTIFY=%.*s", SPAN_ARG(notify));
	else
		str_addf(out, "NOTIFY=%s%s%s",
				dsn_wants(dsn, DSN_FAILURE) ? "FAILURE" : "",
				dsn_wants(dsn, DSN_FAILURE) &&
				dsn_wants(dsn, DSN_DELAY) ? "," : "",
				dsn_wants(dsn, DSN_DELAY) ? "DELAY" :
				dsn_wants(dsn, DSN_FAILURE) ? "" : "NEVER");
}

static const char *dsn_of(struct arena *a, const struct spool_rcpt *r,
		bool expanded)
{
	struct span orcpt = dsn_param(r->dsn, "ORCPT");
	const char *made = r->dsn;
	struct str text;

	if (!CFG_DSN)
		return NULL;
	str_init(&text, DSN_SIZE);
	put_notify(&text, r->dsn, expanded);
	if (orcpt.n)
		str_addf(&text, "%sORCPT=%.*s", text.n ? " " : "",
				SPAN_ARG(orcpt));
	else
		dsn_make_orcpt(&text, r->address);
	if (!text.bad && text.n)
		made = arena_dup(a, str_span(&text));
	str_free(&text);
	return made;
}

const char *alias_dsn(const struct queue_message *m, unsigned rcpt)
{
	const struct spool_rcpt *r = &m->envelope->rcpt[rcpt];

	if (!CFG_DSN || !m->address || !m->address[rcpt])
		return r->dsn;
	return dsn_of(m->arena, r, false);
}

/* ---- the message to all of them */

static void begin_next(struct queue *q);

static void end(struct queue_expansion *x)
{
	struct queue_message *m = x->message;
	struct queue *q = queue_of(m);

	if (x->fd >= 0)
		close(x->fd);
	q->expanding--;
	m->expanding--;
	begin_next(q);
	message_part_ended(m);
}

static void give_up(struct queue_expansion *x, const struct err *err)
{
	message_fail(x->message, x->rcpt, err->kind, err->kind == ERR_PERM ?
			"5.3.0" : "4.3.0", err->text);
	end(x);
}

/* The parent is marked, and that will be so whatever happens: it may go. */
static void on_marked(struct sync_request *r, int error)
{
	struct queue_expansion *x = container_of(r, struct queue_expansion,
			flush);
	struct queue_message *m = x->message;

	if (error)
		log_error("%s: %s", m->entry->id, strerror(error));
	log_info("%s: to=<%s> relay=none status=sent (%s to %u recipients"
			" in %s)", m->entry->id,
			m->envelope->rcpt[x->rcpt].address, x->to ?
			"forwarded" : "expanded", x->n, x->child);
	queue_learn(queue_of(m), x->child);
	end(x);
}

static void mark_parent(struct queue_expansion *x)
{
	struct queue_message *m = x->message;
	struct queue *q = queue_of(m);
	struct err err;

	if (spool_mark(q->spool, m->envelope, x->rcpt, state_of(m->envelope,
					x->rcpt, x->list), &err) < 0) {
		give_up(x, &err);
		return;
	}
	message_sent(m, x->rcpt);
	snprintf(x->name, sizeof(x->name), "./%s", m->entry->id);
	x->flush = (struct sync_request){ .name = x->name, .done = on_marked };
	spool_flush(q->spool, &x->flush);
}

static void on_durable(void *arg, const char *id, const struct err *err)
{
	(void)id;
	if (err)
		give_up(arg, err);
	else
		mark_parent(arg);
}

/* -1 with err; 1: that was all. */
static int copy_piece(struct queue_expansion *x, struct err *err)
{
	char piece[COPY_PIECE];
	int64_t left = x->end - x->at;
	ssize_t n;

	if (!left)
		return 1;
	n = file_pread(x->fd, piece, left < COPY_PIECE ? (size_t)left
			: COPY_PIECE, x->at);
	if (n < 0)
		return err_errno(err, "reading the message");
	if (n == 0)
		return err_set(err, ERR_TEMP, "the message is cut off");
	x->at += n;
	return spool_write(x->draft, span_make(piece, (size_t)n), err);
}

static void drop(struct queue_expansion *x, const struct err *err)
{
	spool_abort(x->draft);
	x->draft = NULL;
	give_up(x, err);
}

/* In slices, as the sessions go on meanwhile. */
static void copy(struct loop_task *t)
{
	struct queue_expansion *x = container_of(t, struct queue_expansion,
			copy);
	struct spool_draft *d = x->draft;
	struct err err;
	int rc = 0;

	for (int i = 0; i < COPY_SLICE / COPY_PIECE && rc == 0; i++)
		rc = copy_piece(x, &err);
	if (rc < 0) {
		drop(x, &err);
	} else if (rc == 0) {
		loop_task_next(queue_of(x->message)->daemon.loop, t);
	} else {
		x->draft = NULL;
		spool_commit(d, on_durable, x);
	}
}

/* RFC 5321 4.4 leaves it to us to see loops; and see queue_late_date. */
static int write_head(struct queue_expansion *x, struct err *err)
{
	const struct spool_envelope *e = x->message->envelope;
	char date[QUEUE_LATE_DATE];
	const char *late = queue_late_date(date, e, x->fd, x->at);
	struct str head;
	int rc;

	str_init(&head, SPOOL_ADDED_MOST);
	str_addf(&head, "Delivered-To: %s\r\n%s", x->to ?
			message_address(x->message, x->rcpt) :
			e->rcpt[x->rcpt].address, late ? late : "");
	rc = head.bad ? err_nomem(err) : spool_write(x->draft,
			str_span(&head), err);
	str_free(&head);
	return rc;
}

/*
 * Who sent it hears of what fails, as for its own recipients; where there is an
 * owner he does (RFC 5321 3.9.2). A report stays one.
 */
static int open_draft(struct queue_expansion *x, const struct alias_set *s,
		struct err *err)
{
	const struct spool_envelope *old = x->message->envelope;
	const struct spool_rcpt *r = &old->rcpt[x->rcpt];
	struct spool_envelope e = {
		.sender = x->list ? s->owner : old->sender,
		.origin = x->to ? arena_printf(s->arena, PARENT_FORWARD
				"%s %s", old->id, message_address(x->message,
					x->rcpt))
			: arena_printf(s->arena, PARENT_ALIAS "%s", old->id),
		.eight_bit = old->eight_bit, .utf8 = old->utf8,
		.dsn = x->list ? NULL : old->dsn, .nrcpt = s->n,
		.rcpt = arena_alloc(s->arena, s->n * sizeof(*e.rcpt))
	};
	const char *dsn = x->list ? NULL : dsn_of(s->arena, r, true);

	if (!e.origin || !e.rcpt)
		return err_nomem(err);
	for (unsigned i = 0; i < s->n; i++)
		e.rcpt[i] = (struct spool_rcpt){ s->address[i], SPOOL_WAITING,
			dsn };
	x->draft = spool_begin_as(queue_of(x->message)->spool, x->child, &e,
			err);
	return x->draft ? 0 : -1;
}

/* Was it made before, and the queue killed then? 1 yes, 0 no, -1 err. */
static int is_made(struct queue_expansion *x, struct err *err)
{
	struct spool *spool = queue_of(x->message)->spool;
	struct arena *a = arena_new(QUEUE_ENVELOPE_MOST);
	struct spool_envelope *e;
	int rc = a ? spool_load(spool, x->child, a, &e, err) : err_nomem(err);

	if (rc == 0)
		rc = spool_check(spool, e, err);
	if (rc == 0) {
		x->n = e->nrcpt;
		x->list = strcmp(e->sender, x->message->envelope->sender) != 0;
	}
	arena_free(a);
	/* gone: not there; damaged: not any more */
	return rc == 0 ? 1 : err->kind == ERR_PERM ? 0 : -1;
}

static void make(struct queue_expansion *x, const struct alias_set *s)
{
	struct queue_message *m = x->message;
	struct err err;

	x->n = s->n;
	x->list = s->owner && *m->envelope->sender;
	x->fd = spool_body(queue_of(m)->spool, m->envelope, &x->at, &err);
	x->end = x->at + (int64_t)m->envelope->size;
	if (x->fd < 0 || open_draft(x, s, &err) < 0) {
		give_up(x, &err);
	} else if (write_head(x, &err) < 0) {
		drop(x, &err);
	} else {
		x->copy.run = copy;
		copy(&x->copy);
	}
}

static void expand(struct queue_expansion *x)
{
	struct queue_message *m = x->message;
	struct queue *q = queue_of(m);
	const char *address = rewrite_virtual(m,
			m->envelope->rcpt[x->rcpt].address);
	struct alias_set s = { 0 };
	struct err err;
	int rc = address ? aliases_expand(q->aliases, span_of(address),
			also(m, x->rcpt), UINT_MAX, &s, &err) :
			err_nomem(&err);

	if (rc == 0)
		rc = err_set(&err, ERR_TEMP, "the alias has just gone");
	if (rc < 0) {
		fail_expand(m, x->rcpt, &err, s.looped);
		end(x);
	} else {
		make(x, &s);
	}
	alias_set_free(&s);
}

static void begin(struct queue_expansion *x)
{
	struct queue_message *m = x->message;
	struct err err;
	int made;

	if (queue_of(m)->daemon.stopping)
		made = err_set(&err, ERR_TEMP, "queue is being stopped");
	else if (child_id(x->child, m->entry->id, x->rcpt) < 0)
		made = err_set(&err, ERR_PERM, "its id is too long");
	else
		made = is_made(x, &err);
	if (made < 0)
		give_up(x, &err);
	else if (made)
		mark_parent(x);
	else if (CFG_DELIVER_FORWARD && x->to)
		make(x, &(struct alias_set){ .arena = x->message->arena,
				.address = x->to, .n = x->n });
	else
		expand(x);
}

static void run(struct loop_task *t)
{
	struct queue *q = container_of(t, struct queue, expand);

	if (q->expanding < AT_ONCE && !list_empty(&q->expansions)) {
		struct queue_expansion *x = container_of(q->expansions.next,
				struct queue_expansion, link);

		list_del(&x->link);
		q->expanding++;
		begin(x);
		begin_next(q);
	}
}

/* One a turn: each may take a while. */
static void begin_next(struct queue *q)
{
	if (q->expanding < AT_ONCE && !list_empty(&q->expansions))
		loop_task_next(q->daemon.loop, &q->expand);
}

static void stand_in_line(struct queue_expansion *x)
{
	list_add_tail(&queue_of(x->message)->expansions, &x->link);
	x->message->jobs++;
	x->message->expanding++;
}

void alias_begin(struct queue_message *m)
{
	for (struct queue_expansion *x = m->expansions; x; x = x->next)
		stand_in_line(x);
	begin_next(queue_of(m));
}

int alias_forward(struct queue_message *m, unsigned rcpt, struct span to)
{
	struct queue_expansion *x = expansion_new(m, rcpt);
	unsigned n = 0;

	for (size_t i = 0; i < to.n; i++)
		n += to.p[i] == '\n';
	if (!x || !(x->to = arena_alloc(m->arena, n * sizeof(*x->to))))
		return -1;
	while (x->n < n) {
		x->to[x->n] = arena_dup(m->arena, span_cut(&to, '\n'));
		if (!x->to[x->n++])
			return -1;
	}
	stand_in_line(x);
	begin_next(queue_of(m));
	return 0;
}

int alias_open(struct queue *q)
{
	list_init(&q->expansions);
	list_init(&q->expand.link);
	q->expand.run = run;
	q->aliases = aliases_new(q->daemon.conf, true);
	return q->aliases ? 0 : -1;
}

/* ---- a child that a scan has found */

void alias_runs(const struct queue_message *m,
		const struct spool_envelope *parent, char *out, size_t size)
{
	bool list = strcmp(m->envelope->sender, parent->sender) != 0;
	unsigned rcpt = number_of(m->entry->id);

	*out = '\0';
	if (rcpt < parent->nrcpt)
		snprintf(out, size, "%c%u%c1", PARENT_NOTHING, rcpt,
				state_of(parent, rcpt, list));
}
