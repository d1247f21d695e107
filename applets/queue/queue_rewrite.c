/* Addresses as others are to see them: masquerade, sender= of a smarthost, srs. */
#include "applet.h"
#include "config.h"
#include "queue.h"

#include <stdlib.h>
#include <string.h>

#include "mime/addr.h"
#include "mime/alias.h"
#include "mime/dsn.h"
#include "mime/header.h"
#include "mime/rewrite.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "store/mask.h"

/* ---- masquerade */

/* It, or what stands in its place; NULL: no memory. */
static const char *masked(const struct queue_message *m, const char *address)
{
	const char *result = address;
	struct str out;

	if (!CFG_MASQUERADE || !*address)
		return address;
	str_init(&out, MASK_MOST);
	if (mask_text(m->entry->queue->daemon.conf, address, &out))
		result = out.bad ? NULL : arena_dup(m->arena, str_span(&out));
	str_free(&out);
	return result;
}

int rewrite_rcpt(struct queue_message *m, unsigned i)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	const char *address = message_address(m, i), *other;

	if (!conf->masquerades || mask_stays_here(conf, address) ||
			(CFG_ALIASES && alias_is_target(span_of(address))))
		return 0;
	other = masked(m, address);
	if (other != address)
		m->outcome[i].address = other;
	return other ? 0 : -1;
}

const char *rewrite_virtual(const struct queue_message *m,
		const char *address)
{
	const struct conf *conf = m->entry->queue->daemon.conf;
	struct addr a = addr_split(span_of(address));
	const struct conf_map *to;
	struct str plain;

	if (!CFG_AUTHD_VIRTUAL || !conf->virtuals || !a.domain.n)
		return address;
	str_init(&plain, MASK_MOST);
	addr_local_plain(&plain, a.local);
	to = plain.bad ? NULL : conf_map_find(conf, conf->virtuals,
			str_span(&plain), a.domain, CONF_MAP_ADDRESS);
	str_free(&plain);
	if (!to)
		return address;
	if (to->to[0] == '@')
		return arena_printf(m->arena, "%.*s%s", SPAN_ARG(a.local),
				to->to);
	return span_has(span_of(to->to), '@') ? to->to :
		arena_printf(m->arena, "%s@%.*s", to->to, SPAN_ARG(a.domain));
}

const char *rewrite_dsn(const struct queue_message *m, unsigned i)
{
	const struct spool_rcpt *r = &m->envelope->rcpt[i];
	const char *dsn = CFG_ALIASES ? alias_dsn(m, i) : r->dsn, *result;
	struct str out;

	if (!CFG_MASQUERADE || !CFG_DSN || !m->outcome[i].address ||
			dsn_param(dsn, "ORCPT").n)
		return dsn;
	str_init(&out, DSN_ORCPT_MOST + MASK_MOST);
	str_adds(&out, dsn ? dsn : "");
	dsn_make_orcpt(&out, r->address);
	/* without memory it is just not said */
	result = out.bad || !out.n ? NULL : arena_dup(m->arena,
			str_span(&out));
	str_free(&out);
	return result ? result : dsn;
}

/* ---- the sender */

/* Is some of it for others than those it came for? */
static bool is_forwarded(const struct queue_job *j)
{
	const struct queue_message *m = j->message;

	for (unsigned i = 0; m->address && i < j->smtp.nrcpt; i++)
		if (m->address[j->index[i]])
			return true;
	/* a message that was made from an alias (queue_alias.c) */
	return span_starts(span_of(m->envelope->origin), PARENT_ALIAS) ||
		span_starts(span_of(m->envelope->origin),
				PARENT_FORWARD);
}

/* Of somebody else, and on its way because of us. */
static bool wants_srs(const struct queue_job *j, const char *sender)
{
	const struct queue *q = j->site->queue;
	struct span domain = addr_split(span_of(sender)).domain;

	return CFG_SRS && q->srs && domain.n && is_forwarded(j) &&
		!conf_is_local(q->daemon.conf, domain);
}

static const char *srs_sender(const struct queue_job *j, const char *sender)
{
	const struct queue_message *m = j->message;
	const char *result = sender;
	struct str out;

	str_init(&out, MASK_MOST);
	if (srs_forward(&out, j->site->queue->srs, span_of(sender),
			clock_now()))
		result = arena_dup(m->arena, str_span(&out));
	else if (out.bad)
		result = NULL;
	else
		log_info("%s: from=<%s> is too long for SRS, and stays",
				m->entry->id, sender);
	str_free(&out);
	return result;
}

static const char *new_sender(const struct queue_job *j)
{
	const struct conf_smarthost *h = j->site->route.smarthost;
	const char *sender = j->message->envelope->sender;

	/* a report has none, whatever they demand (RFC 5321 4.5.5) */
	if (!*sender)
		return sender;
	if (CFG_MASQUERADE && h && h->sender)
		return h->sender;
	sender = masked(j->message, sender);
	return sender && wants_srs(j, sender) ? srs_sender(j, sender) :
		sender;
}

/* ---- the header */

/* What there is of it within QUEUE_REWRITE_MOST octets, in room. */
static struct span read_header(const struct queue_job *j, char *room,
		bool *cut)
{
	uint64_t size = j->smtp.size;
	size_t most = size < QUEUE_REWRITE_MOST ? (size_t)size :
		QUEUE_REWRITE_MOST;
	ssize_t n = file_pread(j->smtp.fd, room, most, j->smtp.start);
	struct span s = span_make(room, n < 0 ? 0 : (size_t)n);

	*cut = most < size && header_size(s) == s.n;
	if (*cut)
		log_warn("%s: of its header only %d octets are looked at",
				j->message->entry->id, QUEUE_REWRITE_MOST);
	return s;
}

/* 0 or -1: no memory. */
static int new_header(struct queue_job *j, struct str *head)
{
	struct conf *conf = j->site->queue->daemon.conf;
	const struct conf_smarthost *h = j->site->route.smarthost;
	struct rewrite r = { .map = mask_addr, .arg = conf,
		.from = h ? h->sender : NULL };
	struct str fields;
	size_t used;
	char *room;

	if (!conf->masquerades && !r.from)
		return 0;
	room = malloc(QUEUE_REWRITE_MOST);
	if (!room)
		return -1;
	str_init(&fields, QUEUE_HEAD_MOST - QUEUE_LATE_DATE);
	if (rewrite_header(&fields, read_header(j, room, &r.cut), &r, &used)) {
		if (fields.bad) {
			log_warn("%s: its header stays: addresses that others "
					"may see need too much room in it",
					j->message->entry->id);
		} else {
			str_add(head, str_span(&fields));
			j->smtp.start += (int64_t)used;
			j->smtp.size -= used;
		}
	}
	str_free(&fields);
	free(room);
	return head->bad ? -1 : 0;
}

int rewrite_message(struct queue_job *j, struct str *head)
{
	const char *sender;

	j->smtp.sender = j->message->envelope->sender;
	j->smtp.size = j->message->envelope->size;
	if (j->site->route.lmtp)
		return 0;
	sender = new_sender(j);
	if (!sender || (CFG_MASQUERADE && new_header(j, head) < 0))
		return -1;
	if (strcmp(sender, j->smtp.sender) != 0)
		log_info("%s: from=<%s> goes as <%s>", j->message->entry->id,
				j->smtp.sender, sender);
	j->smtp.sender = sender;
	return 0;
}
