#include "pop3d/pop3d.h"

#include <inttypes.h>

#include "os/log.h"

#define TOP_LINES_MOST 1000000000

/* -- messages that are there and not deleted -- */

static const struct mailbox_message *get(struct session *s, unsigned n)
{
	const struct mailbox_message *m = mailbox_message(s->mailbox, n);

	return m && !(m->flags & MAILBOX_DELETED) ? m : NULL;
}

static void total(struct session *s, unsigned *count, uint64_t *size)
{
	unsigned all = mailbox_count(s->mailbox);

	*count = 0;
	*size = 0;
	for (unsigned n = 1; n <= all; n++) {
		const struct mailbox_message *m = get(s, n);

		*count += m != NULL;
		*size += m ? m->size : 0;
	}
}

static void no_such_message(struct session *s)
{
	pop3d_reply(s, "-ERR no such message");
}

/* The message that a word names, or 0, and a reply was given. */
static unsigned named(struct session *s, struct span word)
{
	unsigned long n;

	if (span_number(word, mailbox_count(s->mailbox), &n) && get(s,
			(unsigned)n))
		return (unsigned)n;
	no_such_message(s);
	return 0;
}

/* -- commands -- */

void pop3d_opened(struct session *s)
{
	pop3d_reply(s, "+OK %u messages", mailbox_count(s->mailbox));
}

void pop3d_stat(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	uint64_t size;
	unsigned count;

	(void)d, (void)args;
	total(s, &count, &size);
	pop3d_reply(s, "+OK %u %" PRIu64, count, size);
}

/* One line of LIST or UIDL. */
static void put_line(struct session *s, const char *lead, unsigned n,
		const struct mailbox_message *m)
{
	if (s->uids)
		pop3d_reply(s, "%s%u %s", lead, n, m->uid);
	else
		pop3d_reply(s, "%s%u %" PRIu64, lead, n, m->size);
}

static enum session_more more_lines(struct session *s)
{
	const struct mailbox_message *m;

	if (s->at > mailbox_count(s->mailbox)) {
		pop3d_reply(s, ".");
		return SESSION_DONE;
	}
	m = get(s, s->at);
	if (m)
		put_line(s, "", s->at, m);
	s->at++;
	return SESSION_MORE;
}

static void list(struct session *s, struct span args, bool uids)
{
	unsigned n;

	s->uids = uids;
	s->at = 1;
	if (!args.n) {
		pop3d_reply(s, "+OK list follows");
		pop3d_send(s, more_lines);
		return;
	}
	n = named(s, args);
	if (n)
		put_line(s, "+OK ", n, get(s, n));
}

void pop3d_list(struct dialog *d, void *session, struct span args)
{
	(void)d;
	list(session, args, false);
}

void pop3d_uidl(struct dialog *d, void *session, struct span args)
{
	(void)d;
	list(session, args, true);
}

static void cannot_read(struct session *s, unsigned n, const struct err *err)
{
	log_error("mailbox of %s, message %u: %s", s->owner->name, n,
			err->text);
	pop3d_reply(s, "-ERR [SYS/TEMP] the message cannot be read");
}

void pop3d_retr(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	unsigned n = named(s, args);
	struct err err;

	(void)d;
	if (!n)
		return;
	if (pop3d_send_message(s, n, -1, &err) < 0)
		cannot_read(s, n, &err);
	else
		s->retrieved++;
}

void pop3d_top(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	struct span word = span_word(&args);
	unsigned long lines;
	struct err err;
	unsigned n;

	(void)d;
	if (!span_number(span_trim(args), TOP_LINES_MOST, &lines)) {
		pop3d_error(s, "TOP message lines");
		return;
	}
	n = named(s, word);
	if (n && pop3d_send_message(s, n, (long)lines, &err) < 0)
		cannot_read(s, n, &err);
}

void pop3d_dele(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	unsigned n = named(s, args);

	(void)d;
	if (!n)
		return;
	mailbox_flag(s->mailbox, n, MAILBOX_DELETED, 0);
	s->deleted++;
	pop3d_reply(s, "+OK message %u will be deleted", n);
}

void pop3d_rset(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	unsigned all = mailbox_count(s->mailbox);

	(void)d, (void)args;
	for (unsigned n = 1; s->deleted && n <= all; n++)
		mailbox_flag(s->mailbox, n, 0, MAILBOX_DELETED);
	s->deleted = 0;
	pop3d_reply(s, "+OK nothing will be deleted");
}

/* RFC 1939 6: who is told that all went well has lost what it deleted. */
static void update(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, later);
	struct err err;

	if (!s->deleted || mailbox_save(s->mailbox, &err) == 0) {
		if (s->deleted)
			log_info("deleted user=<%s> messages=%u",
					s->owner->name, s->deleted);
		pop3d_reply(s, "+OK bye");
	} else if (err.kind == ERR_TEMP && pop3d_again(s, update)) {
		return;
	} else {
		log_error("mailbox of %s: %s", s->owner->name, err.text);
		pop3d_reply(s, "-ERR [SYS/TEMP] not all that was deleted "
				"is gone");
	}
	pop3d_end(s);
}

void pop3d_quit(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)args;
	dialog_hold(d);
	update(&s->later);
}
