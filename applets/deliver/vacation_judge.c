#include "deliver/vacation.h"

#include <string.h>

#include "base/str.h"
#include "mime/addr.h"
#include "mime/header.h"

#define FIELD_MOST 65536	/* octets of To or Cc that are looked through */

/* -- the envelope's sender -- */

/*
 * RFC 3834 2 and 5.1: programs, lists and who speaks for them. In lower case;
 * "x-" is how the local part begins, "-x" how it ends, "x" all of it.
 */
static const char senders[][16] = {
	"mailer-daemon", "postmaster", "mailer", "root-", "owner-", "-owner",
	"-request", "-relay", "bounce-", "bounces-", "-bounce", "-bounces",
	"listserv", "majordomo", "mailman", "noreply", "no-reply",
	"no_reply", "donotreply", "do-not-reply", "noreply-", "no-reply-",
	"-noreply", "-no-reply", "nobody", "uucp", "bounce", "bounces",
};

static bool fits(struct span local, const char *rule)
{
	size_t n = strlen(rule);

	if (rule[0] == '-')
		return span_ends(local, rule);
	if (rule[n - 1] == '-')
		return span_starts(local, rule);
	return span_is(local, rule);
}

static bool is_machine(struct span local)
{
	/* bounces+bob=a.test of lists that name whom they wrote to (VERP) */
	struct span first = span_before(local, '+');

	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++)
		if (fits(local, senders[i]) || fits(first, senders[i]))
			return true;
	return false;
}

/* -- the header -- */

/* RFC 3834 5: "no" alone, without parameters and comments, is a human's. */
static bool is_automatic(struct span value)
{
	struct span word = span_trim(span_before(span_before(value, ';'), '('));

	return !span_is(word, "no");
}

static bool is_bulk(struct span value)
{
	struct span word = span_word(&value);

	return span_is(word, "bulk") || span_is(word, "list")
		|| span_is(word, "junk");
}

static bool is_report(struct span value)
{
	return span_starts(value, "multipart/report") || span_starts(value,
			"message/");
}

static bool is_yes(struct span value)
{
	return span_starts(value, "yes");
}

static bool is_there(struct span value)
{
	(void)value;
	return true;
}

static bool is_not_none(struct span value)
{
	return !span_is(value, "none");
}

/* The name may go on where it ends in "-". */
static const struct {
	const char *name;
	bool (*bad)(struct span value);
	const char *why;
} fields[] = {
	{ "Auto-Submitted", is_automatic, "it is automatic" },
	{ "Precedence", is_bulk, "it is bulk mail" },
	{ "List-", is_there, "it came by a list" },
	{ "Mailing-List", is_there, "it came by a list" },
	{ "X-Loop", is_there, "it came by a list or a responder" },
	{ "X-Auto-Response-Suppress", is_not_none, "the sender wants none" },
	{ "X-Autoreply", is_there, "it is automatic" },
	{ "X-Autorespond", is_there, "it is automatic" },
	{ "X-Spam-Flag", is_yes, "it is spam" },
	{ "Content-Type", is_report, "it is a report" },
};

static const char *why_field(const struct header_field *f)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *name = fields[i].name;
		bool open = name[strlen(name) - 1] == '-';

		if ((open ? span_starts(f->name, name) : span_is(f->name, name))
				&& fields[i].bad(f->value))
			return fields[i].why;
	}
	return NULL;
}

/* -- To and Cc: RFC 3834 2, "personal" -- */

struct search {
	bool (*is_own)(void *arg, struct span address);
	void *arg;
	bool found;
};

static bool look(void *arg, const struct addr_entry *e)
{
	struct search *s = arg;
	struct str address;

	str_init(&address, ADDR_MAX);
	addr_put(&address, &e->addr);
	s->found |= !address.bad && s->is_own(s->arg, str_span(&address));
	str_free(&address);
	return !s->found;
}

static void look_at(struct search *s, struct span value)
{
	struct str text;

	str_init(&text, FIELD_MOST);
	header_unfold(&text, value);
	addr_each(str_span(&text), look, s);
	str_free(&text);
}

static bool is_recipient_field(struct span name)
{
	return span_is(name, "To") || span_is(name, "Cc")
		|| span_is(name, "Bcc") || span_is(name, "Resent-To")
		|| span_is(name, "Resent-Cc") || span_is(name, "Resent-Bcc");
}

const char *vacation_why_not(struct span header, const char *sender,
		bool (*is_own)(void *arg, struct span address), void *arg)
{
	struct addr from = addr_split(span_of(sender));
	struct search s = { is_own, arg, false };
	struct header_field f;
	const char *why = NULL;

	if (!*sender)
		return "it is a report";
	if (!from.domain.n || !from.local.n)
		return "the sender has no address";
	if (is_machine(from.local))
		return "the sender is a program or a list";
	if (is_own(arg, span_of(sender)))
		return "it is his own";
	while (!why && header_next(&header, &f)) {
		why = why_field(&f);
		if (!s.found && is_recipient_field(f.name))
			look_at(&s, f.value);
	}
	return why ? why : s.found ? NULL : "it is not addressed to him";
}
