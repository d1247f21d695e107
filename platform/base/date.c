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

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
	if (x < low)
		return low;
	return x > high ? high : x;
}

/* In UTC; what cannot be printed becomes the nearest that can. */
static void utc(struct tm *tm, int64_t when)
{
	time_t t = clamp(when, FIRST, LAST);

	gmtime_r(&t, tm);
}

void date_mail(char out[DATE_SIZE], int64_t when, int offset)
{
	int minutes = (int)clamp(offset / 60, -5999, 5999);
	char sign = minutes < 0 ? '-' : '+';
	struct tm tm;

	/* what is printed is the time in the zone that is printed */
	utc(&tm, clamp(when, FIRST, LAST) + minutes * 60);
	if (minutes < 0)
		minutes = -minutes;
	snprintf(out, DATE_SIZE, "%s, %d %s %04d %02d:%02d:%02d %c%02d%02d",
			days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
			tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
			sign, minutes / 60, minutes % 60);
}

void date_mbox(char out[DATE_SIZE], int64_t when)
{
	struct tm tm;

	utc(&tm, when);
	snprintf(out, DATE_SIZE, "%s %s %2d %02d:%02d:%02d %04d",
			days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

void date_iso(char out[DATE_SIZE], int64_t when)
{
	struct tm tm;

	utc(&tm, when);
	snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec);
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
	*s = span_rest(*s, i);
}

static bool take_char(struct span *s, char c)
{
	skip_blank(s);
	if (!s->n || s->p[0] != c)
		return false;
	*s = span_rest(*s, 1);
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
	*s = span_rest(*s, n);
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

/* As struct tm has it: from 0. */
static bool take_month(struct span *s, int *month)
{
	struct span word = take_run(s, is_letter);

	for (int i = 0; i < 12; i++)
		if (span_is(word, months[i])) {
			*month = i;
			return true;
		}
	return false;
}

/* Since 1900. RFC 5322 4.3: 2 digits are 1950 to 2049, 3 are years since 1900. */
static bool take_year(struct span *s, int *year)
{
	size_t before;

	skip_blank(s);
	before = s->n;
	if (!take_number(s, 2, 4, 9999, year))
		return false;
	if (before - s->n == 2 && *year < 50)
		*year += 100;
	else if (before - s->n == 4)
		*year -= 1900;
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
	struct tm tm = { 0 };
	int day, seconds, zone;
	int64_t start;

	/* The name of the day says nothing new, right or wrong. */
	take_run(&s, is_letter);
	take_char(&s, ',');
	if (!take_number(&s, 1, 2, 31, &day) || !take_month(&s, &tm.tm_mon) ||
			!take_year(&s, &tm.tm_year) ||
			!take_time(&s, &seconds) || !take_zone(&s, &zone))
		return false;
	skip_blank(&s);
	tm.tm_mday = day;
	start = timegm(&tm);
	/* 31 April has become 1 May */
	if (s.n || tm.tm_mday != day)
		return false;
	*when = start + seconds - zone;
	*offset = zone;
	return true;
}
