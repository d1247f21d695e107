#include "mime/calendar.h"

#include <string.h>
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/param.h"

#define TEXT_MOST 512		/* octets of one text that is shown */

void calendar_init(struct calendar *c, struct span charset,
		calendar_put_fn *put, void *arg)
{
	*c = (struct calendar){ .put = put, .arg = arg, .label = "Event" };
	str_copy(c->charset, sizeof(c->charset), charset);
	str_init(&c->line, CALENDAR_LINE);
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		str_init(&c->text[i], TEXT_MOST);
}

static void tell(struct calendar *c, const char *label, struct span text)
{
	c->over = c->over || !c->put(c->arg, label, text);
}

/* ---- values */

/* RFC 5545 3.3.11: \n \, \; \\ ; in one line, and as much as there is room. */
static void put_text(struct str *out, struct span in)
{
	while (in.n && out->n + 8 < TEXT_MOST) {
		uint32_t c = utf8_next(&in);

		if (c == '\\' && in.n) {
			c = utf8_next(&in);
			c = c == 'n' || c == 'N' ? ' ' : c;
		}
		utf8_put(out, utf8_width(c) < 0 ? ' ' : c);
	}
}

/* "20261124T090000Z" as "2026-11-24 09:00 UTC"; what is none as it is. */
static void put_time(struct str *out, struct span time, struct span zone)
{
	struct span clock = span_behind(time, 'T');
	bool day = time.n == 8, utc = span_ends(clock, "z");

	if (!span_isalnum(time, "") || (!day && (time.n < 13 ||
			time.p[8] != 'T'))) {
		put_text(out, time);
		return;
	}
	str_addf(out, "%.4s-%.2s-%.2s", time.p, time.p + 4, time.p + 6);
	if (!day)
		str_addf(out, " %.2s:%.2s", time.p + 9, time.p + 11);
	if (utc)
		str_adds(out, " UTC");
	if (zone.n && !utc && !day) {
		str_adds(out, " (");
		put_text(out, span_sub(zone, 0, 64));
		str_addc(out, ')');
	}
}

/* "Name <address>" of ORGANIZER;CN=Name:mailto:address */
static void put_person(struct str *out, struct span name, struct span address)
{
	if (span_starts(address, "mailto:"))
		address = span_rest(address, 7);
	put_text(out, span_sub(name, 0, 128));
	if (name.n)
		str_adds(out, " <");
	put_text(out, span_sub(address, 0, 256));
	if (name.n)
		str_addc(out, '>');
}

/* ---- one event */

static void event_begin(struct calendar *c)
{
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		str_clear(&c->text[i]);
	c->in_event = true;
	c->cancelled = false;
	c->attendees = c->depth = 0;
}

static void event_end(struct calendar *c)
{
	static const char *const labels[CALENDAR_TEXTS] = {
		[CALENDAR_START] = "When", [CALENDAR_FINISH] = "Until",
		[CALENDAR_RULE] = "Repeats", [CALENDAR_PLACE] = "Where",
		[CALENDAR_ORGANIZER] = "Organizer"
	};
	struct str number;

	c->in_event = false;
	if (c->events++ >= CALENDAR_EVENTS)
		return;
	tell(c, c->cancelled ? "Cancelled" : c->label,
			str_span(&c->text[CALENDAR_SUMMARY]));
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		if (labels[i] && c->text[i].n)
			tell(c, labels[i], str_span(&c->text[i]));
	if (!c->attendees)
		return;
	str_init(&number, 16);
	str_addf(&number, "%u", c->attendees);
	tell(c, "Attendees", str_span(&number));
	str_free(&number);
}

/* ---- lines */

/* METHOD (RFC 5546 1.4) and PARTSTAT, as the first line says them. */
static const struct {
	char word[16];
	const char *label;
} labels[] = {
	{ "REQUEST", "Invitation" }, { "CANCEL", "Cancelled" },
	{ "REPLY", "Answer" }, { "COUNTER", "Other time wanted" },
	{ "DECLINECOUNTER", "Other time refused" }, { "REFRESH", "Refresh" },
	{ "ACCEPTED", "Accepted" }, { "DECLINED", "Declined" },
	{ "TENTATIVE", "Tentatively accepted" },
	{ "DELEGATED", "Delegated" }
};

static const char *label_of(struct span word, const char *otherwise)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (span_is(word, labels[i].word))
			return labels[i].label;
	return otherwise;
}

/* Where the value begins: behind the first colon that is in no quotes. */
static size_t colon(struct span line)
{
	bool quoted = false;
	size_t n = 0;

	while (n < line.n && (quoted || line.p[n] != ':'))
		quoted ^= line.p[n++] == '"';
	return n;
}

static struct span param(struct span params, const char *name)
{
	struct param p;

	while (param_next(&params, &p))
		if (span_is(p.name, name))
			return p.text;
	return span_make(NULL, 0);
}

/* CN=John Smith: not quoted, blanks and all (RFC 5545 3.2). */
static struct span name_of(struct span params)
{
	struct param p;

	while (param_next(&params, &p))
		if (span_is(p.name, "CN"))
			return p.quoted ? p.text : span_make(p.text.p,
					p.text.n + span_find(params, ';'));
	return span_make(NULL, 0);
}

static void attendee(struct calendar *c, struct span params)
{
	c->attendees++;
	if (!strcmp(c->label, "Answer"))
		c->label = label_of(param(params, "PARTSTAT"), c->label);
}

static void event_line(struct calendar *c, struct span name, struct span params,
		struct span value)
{
	struct str *text = c->text;

	if (span_is(name, "SUMMARY") && !text[CALENDAR_SUMMARY].n)
		put_text(&text[CALENDAR_SUMMARY], value);
	else if (span_is(name, "LOCATION") && !text[CALENDAR_PLACE].n)
		put_text(&text[CALENDAR_PLACE], value);
	else if (span_is(name, "DTSTART") && !text[CALENDAR_START].n)
		put_time(&text[CALENDAR_START], value, param(params, "TZID"));
	else if ((span_is(name, "DTEND") || span_is(name, "DUE")) &&
			!text[CALENDAR_FINISH].n)
		put_time(&text[CALENDAR_FINISH], value, param(params, "TZID"));
	else if (span_is(name, "RRULE") && !text[CALENDAR_RULE].n)
		put_text(&text[CALENDAR_RULE], value);
	else if (span_is(name, "ORGANIZER") && !text[CALENDAR_ORGANIZER].n)
		put_person(&text[CALENDAR_ORGANIZER], name_of(params), value);
	else if (span_is(name, "ATTENDEE"))
		attendee(c, params);
	else if (span_is(name, "STATUS"))
		c->cancelled |= span_is(value, "CANCELLED");
}

static bool is_event(struct span component)
{
	return span_is(component, "VEVENT") || span_is(component, "VTODO") ||
			span_is(component, "VJOURNAL");
}

/* A content line (RFC 5545 3.1). */
static void read_line(struct calendar *c, struct span line)
{
	struct span name, params, value;

	value = span_trim(span_rest(line, colon(line) + 1));
	params = span_sub(line, 0, colon(line));
	name = span_sub(params, 0, span_find(params, ';'));
	params = span_rest(params, name.n);
	if (c->in_event && span_is(name, "BEGIN"))
		c->depth++;
	else if (c->in_event && span_is(name, "END") && c->depth)
		c->depth--;
	else if (c->in_event && span_is(name, "END"))
		event_end(c);
	else if (c->in_event && !c->depth)
		event_line(c, name, params, value);
	else if (span_is(name, "BEGIN") && is_event(value))
		event_begin(c);
	else if (!c->in_event && span_is(name, "METHOD"))
		c->label = label_of(value, c->label);
}

/* Its charset is undone only now: folds may cut a character in two. */
static void end_line(struct calendar *c)
{
	struct str line;

	str_init(&line, 4 * CALENDAR_LINE);
	charset_to_utf8(&line, str_span(&c->line), span_of(c->charset));
	read_line(c, str_span(&line));
	str_free(&line);
	str_clear(&c->line);
}

/* A line ends where the next one does not begin with a blank. */
static void read_char(struct calendar *c, char ch)
{
	if (c->folded && ch != ' ' && ch != '\t')
		end_line(c);
	else if (c->folded)
		ch = '\r';	/* the blank goes, too */
	c->folded = ch == '\n';
	if (ch != '\n' && ch != '\r')
		str_addc(&c->line, ch);
}

void calendar_put(struct calendar *c, struct span octets)
{
	for (size_t i = 0; i < octets.n && !c->over; i++)
		read_char(c, octets.p[i]);
}

void calendar_end(struct calendar *c)
{
	end_line(c);
	if (c->in_event)	/* the end is missing */
		event_end(c);
	if (!c->events)
		tell(c, "No event", span_make(NULL, 0));
	str_free(&c->line);
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		str_free(&c->text[i]);
}
