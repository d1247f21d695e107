#include "mime/calendar.h"

#include <string.h>
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/param.h"

/* For config/texts: labels are shown through T(), which is above this layer. */
#define N_(english) english
#define DAY 10			/* octets of "2026-11-24" */
#define TEXT_MOST 512		/* octets of one text that is shown */

void calendar_init(struct calendar *c, struct span charset,
		calendar_put_fn *put, void *arg)
{
	*c = (struct calendar){ .put = put, .arg = arg, .label = N_("Event") };
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
		[CALENDAR_START] = N_("When"), [CALENDAR_FINISH] = N_("Until"),
		[CALENDAR_DUE] = N_("Due"),
		[CALENDAR_RULE] = N_("Repeats"), [CALENDAR_PLACE] = N_("Where"),
		[CALENDAR_ORGANIZER] = N_("Organizer")
	};
	struct str number;

	c->in_event = false;
	if (c->events++ >= CALENDAR_EVENTS)
		return;
	tell(c, c->cancelled ? N_("Cancelled") : c->label,
			str_span(&c->text[CALENDAR_SUMMARY]));
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		if (labels[i] && c->text[i].n)
			/* RFC 5545 3.6.1: a day as the end is no part of it */
			tell(c, i == CALENDAR_FINISH && c->text[i].n == DAY ?
					N_("Ends before") : labels[i],
					str_span(&c->text[i]));
	if (!c->attendees)
		return;
	str_init(&number, 16);
	str_addf(&number, "%u", c->attendees);
	tell(c, N_("Attendees"), str_span(&number));
	str_free(&number);
}

/* ---- lines */

/* METHOD (RFC 5546 1.4) and PARTSTAT, as the first line says them. */
static const struct {
	char word[16];
	const char *label;
} labels[] = {
	{ "REQUEST", N_("Invitation") }, { "CANCEL", N_("Cancelled") },
	{ "REPLY", N_("Answer") }, { "COUNTER", N_("Other time wanted") },
	{ "DECLINECOUNTER", N_("Other time refused") }, { "REFRESH", N_("Refresh") },
	{ "ACCEPTED", N_("Accepted") }, { "DECLINED", N_("Declined") },
	{ "TENTATIVE", N_("Tentatively accepted") },
	{ "DELEGATED", N_("Delegated") }
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

enum form { FORM_TEXT, FORM_TIME, FORM_PERSON };

/* The properties that are told; of each the first. */
static const struct {
	char name[12];
	unsigned char text, form;
} properties[] = {
	{ "SUMMARY", CALENDAR_SUMMARY, FORM_TEXT },
	{ "LOCATION", CALENDAR_PLACE, FORM_TEXT },
	{ "RRULE", CALENDAR_RULE, FORM_TEXT },
	{ "DTSTART", CALENDAR_START, FORM_TIME },
	{ "DTEND", CALENDAR_FINISH, FORM_TIME },
	{ "DUE", CALENDAR_DUE, FORM_TIME },
	{ "ORGANIZER", CALENDAR_ORGANIZER, FORM_PERSON }
};

static void put_value(struct str *out, unsigned form, struct span params,
		struct span value)
{
	if (out->n)
		return;
	if (form == FORM_TIME)
		put_time(out, value, param(params, "TZID"));
	else if (form == FORM_PERSON)
		put_person(out, name_of(params), value);
	else
		put_text(out, value);
}

static void event_line(struct calendar *c, struct span name, struct span params,
		struct span value)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (span_is(name, properties[i].name))
			put_value(&c->text[properties[i].text],
					properties[i].form, params, value);
	if (span_is(name, "ATTENDEE"))
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
		tell(c, N_("No event"), span_make(NULL, 0));
	str_free(&c->line);
	for (int i = 0; i < CALENDAR_TEXTS; i++)
		str_free(&c->text[i]);
}
