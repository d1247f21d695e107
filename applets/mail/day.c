/* Days as people name them: today, 7d, monday, 2026-11-30, 1-Nov. */
#include "mail/select.h"

#include <stdio.h>
#include <string.h>
#include "base/date.h"

static struct span months(void)
{
	return SPAN("janfebmaraprmayjunjulaugsepoctnovdec");
}

static struct span weekdays(void)
{
	return SPAN("thufrisatsunmontuewed");	/* 1970 began on a Thursday */
}

/* Which of the names of three letters begins the word? -1: none. */
static int name_of(struct span names, struct span word)
{
	for (size_t i = 0; word.n >= 3 && i < names.n; i += 3)
		if (span_caseeq(span_sub(names, i, 3), span_sub(word, 0, 3)))
			return (int)(i / 3);
	return -1;
}

static bool parse_day(struct span day, int month, unsigned long year,
		int64_t *when)
{
	char text[64];
	int offset;

	snprintf(text, sizeof(text), "%.*s %.3s %04lu 00:00:00 +0000",
			day.n < 3 ? (int)day.n : 0, day.p,
			months().p + 3 * (size_t)month, year);
	return date_parse(span_of(text), when, &offset);
}

/* 2026-11-01, 1-Nov-2026; without a year the last such day. */
static bool parse_date(struct span text, int64_t now, int64_t *when)
{
	struct span day = span_cut(&text, '-'), name = span_cut(&text, '-');
	struct span given = text;
	unsigned long number, year = 0;
	int month = name_of(months(), name);
	char today[DATE_SIZE];

	date_iso(today, now);
	span_number(span_make(today, 4), 9999, &year);
	if (day.n == 4 && span_number(name, 12, &number) && number) {
		month = (int)number - 1;
		given = day;
		day = text;
	}
	if (month < 0 || (given.n && !(given.n == 4 &&
			span_number(given, 9999, &year))))
		return false;
	return parse_day(day, month, year, when) && (given.n ||
			*when <= now || parse_day(day, month, year - 1, when));
}

bool mail_day(struct span text, int64_t now, int64_t *day)
{
	static const char units[] = "dwmy", days[] = { 1, 7, 30, 0 };
	int64_t today = now - now % MAIL_DAY;
	int weekday = name_of(weekdays(), text);
	const char *unit = text.n ? strchr(units,
			ascii_lower(text.p[text.n - 1])) : NULL;
	unsigned long n;

	if (span_is(text, "today") || span_is(text, "yesterday")) {
		*day = today - (text.n > 5 ? MAIL_DAY : 0);
	} else if (weekday >= 0 && !span_has(text, '-')) {
		*day = today - (today / MAIL_DAY % 7 - weekday + 7) % 7 *
				MAIL_DAY;
	} else if (unit && *unit &&
	    span_number(span_sub(text, 0, text.n - 1), 9999, &n)) {
		*day = today - (int64_t)n * MAIL_DAY *
				(days[unit - units] ? days[unit - units] : 365);
	} else {
		return parse_date(text, now, day);
	}
	return true;
}
