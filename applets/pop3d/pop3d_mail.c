#include "pop3d/pop3d.h"

#include <inttypes.h>
#include <limits.h>

#include "os/log.h"

#define TOP_LINES_MOST LONG_MAX

/* -- messages that are there and not deleted -- */

static bool is_there(const struct session *s, unsigned n)
{
	return !(mailbox_flags(s->mailbox, n) & MAILBOX_DELETED);
}

static void no_such_message(struct session *s)
{
	pop3d_reply(s, "-ERR no such message");
}

/* The message that a word names, or 0, and a reply was given. */
static unsigned named(struct session *s, struct span word)
{
	unsigned long n;

	if (span_number(word, mailbox_count(s->mailbox), &n) && n
			&& is_there(s, (unsigned)n))
		return (unsigned)n;
	no_such_message(s);
	return 0;
}

/* -- commands -- */

void pop3d_opened(struct session *s)
{
	pop3d_reply(s, "+OK %u messages", mailbox_count(s->mailbox));
}

/* Sizes that no name tells are measured on the way: that takes its time. */
static enum session_more more_total(struct session *s)
{
	if (s->at <= mailbox_count(s->mailbox)) {
		if (is_there(s, s->at)) {
			s->total += mailbox_message(s->mailbox, s->at)->size;
			s->count++;
		}
		s->at++;
		return SESSION_MORE;
	}
	pop3d_reply(s, "+OK %u %" PRIu64, s->count, s->total);
	return SESSION_DONE;
}

void pop3d_stat(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d, (void)args;
	s->count = 0;
	s->total = 0;
	s->at = 1;
	pop3d_send(s, more_total);
}

/* One line of LIST or UIDL. */
static void put_line(struct session *s, const char *lead, unsigned n)
{
	const struct mailbox_message *m = mailbox_message(s->mailbox, n);

	if (s->uids)
		pop3d_reply(s, "%s%u %s", lead, n, m->uid);
	else
		pop3d_reply(s, "%s%u %" PRIu64, lead, n, m->size);
}

static enum session_more more_lines(struct session *s)
{
	if (s->at > mailbox_count(s->mailbox)) {
		pop3d_reply(s, ".");
		return SESSION_DONE;
	}
	if (is_there(s, s->at))
		put_line(s, "", s->at);
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
		put_line(s, "+OK ", n);
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
	if (err->kind == ERR_PERM) {
		log_info("mailbox of %s: %s", s->name, err->text);
		pop3d_reply(s, "-ERR another program has removed it");
		return;
	}
	log_error("mailbox of %s, message %u: %s", s->name, n, err->text);
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

/* RFC 1939 7 knows no end of it: more than any message has are all. */
static bool line_count(struct span word, unsigned long *lines)
{
	if (span_number(word, TOP_LINES_MOST, lines))
		return true;
	*lines = TOP_LINES_MOST;
	for (size_t i = 0; i < word.n; i++)
		if (!ascii_isdigit(word.p[i]))
			return false;
	return word.n > 0;
}

void pop3d_top(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	struct span word = span_word(&args);
	unsigned long lines;
	struct err err;
	unsigned n;

	(void)d;
	if (!line_count(span_trim(args), &lines)) {
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
