#include "base/date.h"

#include <stdio.h>
#include <time.h>

#define DAY INT64_C(86400)
#define EPOCH INT64_C(719528)	/* days from 0000-01-01 to 1970-01-01 */
/* RFC 5322 has years of four digits: 0000-01-01 to 9999-12-31. */
#define FIRST (-EPOCH * DAY)
#define LAST (INT64_C(2932897) * DAY - 1)

/* 32-bit glibc needs -D_TIME_BITS=64 */
_Static_assert(sizeof(time_t) == 8, "dates past 2038");

static const char days[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"
};
static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
};

struct civil {
	int year, month, day;		/* month 1..12 */
	int hour, minute, second;
	int weekday;			/* 0: Sunday */
};

/*
 * Days since 1970-01-01. Counting years from March puts the leap day last,
 * so that a month's start is a linear function: 153 days in 5 months.
 */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400;
	int m = month > 2 ? month - 3 : month + 9;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
		(153 * m + 2) / 5 + day - 1 - 719468;
}

static int month_days(int year, int month)
{
	static const char n[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return n[month - 1] + (month == 2 && leap);
}

/* when lies between FIRST and LAST */
static struct civil civil_of(int64_t when)
{
	int64_t day = (when - FIRST) / DAY;	/* since 0000-01-01 */
	int second = (int)((when - FIRST) % DAY);
	struct civil c = { .month = 1 };

	c.hour = second / 3600;
	c.minute = second / 60 % 60;
	c.second = second % 60;
	c.weekday = (int)((day + 6) % 7);	/* 0000-01-01: a Saturday */
	/* 400 years have 146097 days; the guess is off by less than one */
	c.year = (int)(day * 400 / 146097);
	c.year -= c.year > 0;
	while (days_of(c.year + 1, 1, 1) + EPOCH <= day)
		c.year++;
	day -= days_of(c.year, 1, 1) + EPOCH;
	while (day >= month_days(c.year, c.month))
		day -= month_days(c.year, c.month++);
	c.day = (int)day + 1;
	return c;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
	if (x < low)
		return low;
	return x > high ? high : x;
}

void date_mail(char out[DATE_SIZE], int64_t when, int offset)
{
	int minutes = (int)clamp(offset / 60, -5999, 5999);
	char sign = minutes < 0 ? '-' : '+';
	struct civil c;

	/* what is printed is the time in the zone that is printed */
	when = clamp(when, FIRST, LAST) + minutes * 60;
	c = civil_of(clamp(when, FIRST, LAST));
	if (minutes < 0)
		minutes = -minutes;
	snprintf(out, DATE_SIZE, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d",
			days[c.weekday], c.day, months[c.month - 1], c.year,
			c.hour, c.minute, c.second, sign, minutes / 60,
			minutes % 60);
}

void date_mbox(char out[DATE_SIZE], int64_t when)
{
	struct civil c = civil_of(clamp(when, FIRST, LAST));

	snprintf(out, DATE_SIZE, "%s %s %2d %02d:%02d:%02d %04d",
			days[c.weekday], months[c.month - 1], c.day, c.hour,
			c.minute, c.second, c.year);
}

void date_iso(char out[DATE_SIZE], int64_t when)
{
	struct civil c = civil_of(clamp(when, FIRST, LAST));

	snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year,
			c.month, c.day, c.hour, c.minute, c.second);
}

int date_offset(int64_t when)
{
	time_t t = when;
	struct tm tm;

	return localtime_r(&t, &tm) ? (int)tm.tm_gmtoff : 0;
}

/*
 * Reading: RFC 5322 3.3, and the obsolete forms of 4.3. Between the tokens
 * may be blanks, line ends, and comments.
 */

/* Comments nest, and quote with a backslash. */
static void skip_blank(struct span *s)
{
	size_t i = 0;
	unsigned deep = 0;

	for (; i < s->n; i++) {
		char c = s->p[i];

		if (c == '(')
			deep++;
		else if (!deep && !ascii_isspace(c))
			break;
		else if (c == ')')
			deep--;
		else if (c == '\\')
			i++;
	}
	*s = span_sub(*s, i, s->n);
}

static bool take_char(struct span *s, char c)
{
	skip_blank(s);
	if (!s->n || s->p[0] != c)
		return false;
	*s = span_sub(*s, 1, s->n);
	return true;
}

/* The longest run of characters that is() likes; may be empty. */
static struct span take_run(struct span *s, bool (*is)(char c))
{
	struct span run;
	size_t n = 0;

	skip_blank(s);
	while (n < s->n && is(s->p[n]))
		n++;
	run = span_sub(*s, 0, n);
	*s = span_sub(*s, n, s->n);
	return run;
}

static bool is_letter(char c)
{
	return ascii_isalnum(c) && !ascii_isdigit(c);
}

/* A number of least to most digits that is not over max. */
static bool take_number(struct span *s, size_t least, size_t most,
		unsigned long max, int *out)
{
	struct span run = take_run(s, ascii_isdigit);
	unsigned long value;

	if (run.n < least || run.n > most || !span_number(run, max, &value))
		return false;
	*out = (int)value;
	return true;
}

static bool take_month(struct span *s, int *month)
{
	struct span word = take_run(s, is_letter);

	for (int i = 0; i < 12; i++)
		if (span_is(word, months[i])) {
			*month = i + 1;
			return true;
		}
	return false;
}

/* RFC 5322 4.3: 2 digits are 1950 to 2049, 3 are years since 1900. */
static bool take_year(struct span *s, int *year)
{
	size_t before;

	skip_blank(s);
	before = s->n;
	if (!take_number(s, 2, 4, 9999, year))
		return false;
	if (before - s->n == 2)
		*year += *year < 50 ? 2000 : 1900;
	else if (before - s->n == 3)
		*year += 1900;
	return true;
}

/* Seconds since midnight. */
static bool take_time(struct span *s, int *out)
{
	int hour, minute, second = 0;

	if (!take_number(s, 1, 2, 23, &hour) || !take_char(s, ':') ||
			!take_number(s, 1, 2, 59, &minute))
		return false;
	/* 60: a leap second, which the next minute's start stands for */
	if (take_char(s, ':') && !take_number(s, 1, 2, 60, &second))
		return false;
	*out = hour * 3600 + minute * 60 + second;
	return true;
}

/* Hours of the zones with names; all other names say nothing (4.3). */
static int named_zone(struct span name)
{
	static const struct {
		char name[4];
		signed char hours;
	} zones[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (span_is(name, zones[i].name))
			return zones[i].hours * 3600;
	return 0;
}

/* Seconds east. No zone at all, against the RFC but seen, counts as UTC. */
static bool take_zone(struct span *s, int *out)
{
	bool west = take_char(s, '-');
	int number;

	if (!west && !take_char(s, '+')) {
		*out = named_zone(take_run(s, is_letter));
		return true;
	}
	if (!take_number(s, 4, 4, 9959, &number) || number % 100 > 59)
		return false;
	*out = number / 100 * 3600 + number % 100 * 60;
	if (west)
		*out = -*out;
	return true;
}

bool date_parse(struct span s, int64_t *when, int *offset)
{
	int year, month, day, seconds, zone;

	/* The name of the day says nothing new, right or wrong. */
	take_run(&s, is_letter);
	take_char(&s, ',');
	if (!take_number(&s, 1, 2, 31, &day) || !take_month(&s, &month) ||
			!take_year(&s, &year) || !take_time(&s, &seconds) ||
			!take_zone(&s, &zone))
		return false;
	skip_blank(&s);
	if (s.n || !day || day > month_days(year, month))
		return false;
	*when = days_of(year, month, day) * DAY + seconds - zone;
	*offset = zone;
	return true;
}
