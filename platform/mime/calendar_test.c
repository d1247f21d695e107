#include "mime/calendar.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static bool add(void *arg, const char *label, struct span text)
{
	str_addf(arg, "%s: %.*s\n", label, SPAN_ARG(text));
	return true;
}

static void gives(const char *in, const char *want)
{
	struct calendar c;
	struct str out;

	str_init(&out, 100000);
	for (size_t piece = 1; piece < 200; piece += 50) {
		struct span rest = span_of(in);

		str_clear(&out);
		calendar_init(&c, SPAN("utf-8"), add, &out);
		for (; rest.n; rest = span_rest(rest, piece))
			calendar_put(&c, span_sub(rest, 0, piece));
		calendar_end(&c);
		assert_string_equal(str_c(&out), want);
	}
	str_free(&out);
}

#define BEGIN "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\n"
#define END "END:VEVENT\r\nEND:VCALENDAR\r\n"

static void invitation(void **state)
{
	(void)state;
	gives("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\n"
			"BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n"
			"BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
			"END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n"
			"DTSTART;TZID=Europe/Berlin:20261124T090000\r\n"
			"DTEND;TZID=\"Europe/Berlin\":20261124T100000\r\n"
			"SUMMARY;LANGUAGE=en:Budget\\, again\\; no joke\\nl"
			"ine \r\n two\r\nLOCATION:Room\r\n  7\r\n"
			"ORGANIZER;CN=Anna Blue;X=y:MAILTO:anna@a.com\r\n"
			"ATTENDEE;CN=\"B: x\":mailto:b@a.com\r\n"
			"ATTENDEE:mailto:c@a.com\r\n"
			"RRULE:FREQ=WEEKLY;BYDAY=MO\r\n"
			"BEGIN:VALARM\r\nSUMMARY:Alarm\r\nEND:VALARM\r\n"
			"STATUS:CONFIRMED\r\n" END,
			"Invitation: Budget, again; no joke line two\n"
			"When: 2026-11-24 09:00 (Europe/Berlin)\n"
			"Until: 2026-11-24 10:00 (Europe/Berlin)\n"
			"Where: Room 7\n"
			"Organizer: Anna Blue <anna@a.com>\n"
			"Repeats: FREQ=WEEKLY;BYDAY=MO\nAttendees: 2\n");
}

static void others(void **state)
{
	(void)state;
	gives(BEGIN "DTSTART;VALUE=DATE:20261124\nSUMMARY:Day\nSTATUS:CANCELLED"
			"\n" END, "Cancelled: Day\nWhen: 2026-11-24\n");
	gives("METHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED;CN=x:"
			"mailto:a@b\nSUMMARY:S\nDTSTART:20261124T090000Z\n" END,
			"Declined: S\nWhen: 2026-11-24 09:00 UTC\n"
			"Attendees: 1\n");
	gives("BEGIN:VTODO\nSUMMARY:Task\nDUE:20261201\nEND:VTODO\n"
			"BEGIN:VEVENT\nSUMMARY:Second\nEND:VEVENT\n",
			"Event: Task\nDue: 2026-12-01\nEvent: Second\n");
	gives(BEGIN "SUMMARY:Free\nDTSTART;VALUE=DATE:20261224\n"
			"DTEND;VALUE=DATE:20261227\n" END,
			"Invitation: Free\nWhen: 2026-12-24\n"
			"Ends before: 2026-12-27\n");
	gives("METHOD:CANCEL\nBEGIN:VEVENT\n" END, "Cancelled: \n");
}

static void broken(void **state)
{
	(void)state;
	gives("", "No event: \n");
	gives("nothing of the kind\n\n:\n", "No event: \n");
	gives(BEGIN "SUMMARY:Gr\xc3\r\n \xb6\xc3\r\n \x9f" "e\n" END,
			"Invitation: Größe\n");
	gives(BEGIN "SUMMARY:no end", "Invitation: no end\n");
	gives(BEGIN "SUMMARY:a\x1b[2J\\\nDTSTART:soon\n" END,
			"Invitation: a [2J\\\nWhen: soon\n");
	gives(BEGIN "DTSTART:2026\nORGANIZER:\n" END,
			"Invitation: \nWhen: 2026\n");
}

static void limits(void **state)
{
	struct calendar c;
	struct str in, out;

	(void)state;
	str_init(&in, 1000000);
	str_init(&out, 1000000);
	gives("BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n", "Event: a\n");
	for (int i = 0; i < 100; i++)
		str_addf(&in, BEGIN "SUMMARY:%d%0500d" END, i, 0);
	for (int i = 0; i < 100; i++)
		str_adds(&in, BEGIN "SUMMARY:x\n" END);
	calendar_init(&c, SPAN("utf-8"), add, &out);
	calendar_put(&c, str_span(&in));
	assert_true(c.line.size <= 2 * CALENDAR_LINE);
	calendar_end(&c);
	assert_true(out.n < 60000);
	str_free(&in);
	str_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invitation),
		cmocka_unit_test(others),
		cmocka_unit_test(broken),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
