/* A line of queue's TLS (applets/queue/queue_control.h) as RFC 8460 4.4 has it. */
#include "sendmail/mailq.h"

#include <string.h>

#include "base/date.h"

#define DAY 86400

static unsigned long long number(struct span s)
{
	unsigned long long n = 0;

	span_number64(s, INT64_MAX - DAY, &n);
	return n;
}

static void put_string(struct str *out, const char *name, struct span s)
{
	str_addf(out, "\"%s\":", name);
	json_string(out, s);
}

static void put_head(struct str *out, const char *us, struct span day,
		struct span domain)
{
	int64_t start = (int64_t)number(day);
	char from[DATE_SIZE], to[DATE_SIZE];

	date_iso(from, start);
	date_iso(to, start + DAY - 1);
	str_adds(out, "{");
	put_string(out, "organization-name", span_of(us));
	str_addf(out, ",\"date-range\":{\"start-datetime\":\"%s\","
			"\"end-datetime\":\"%s\"},\"contact-info\":"
			"\"postmaster@%s\",", from, to, us);
	str_addf(out, "\"report-id\":\"%s_%.*s\",\"policies\":[{\"policy\":{",
			from, SPAN_ARG(domain));
}

/* RESULT=N; its sum is more. */
static unsigned long long put_failure(struct str *out, const char *lead,
		struct span word)
{
	struct span name = span_cut(&word, '=');

	str_addf(out, "%s{", lead);
	put_string(out, "result-type", name);
	str_addf(out, ",\"failed-session-count\":%llu}", number(word));
	return number(word);
}

void json_tls(struct str *out, const char *us, struct span line)
{
	struct span day = span_cut(&line, '\t'), domain = span_cut(&line, '\t');
	struct span type = span_cut(&line, '\t'), good = span_cut(&line, '\t');
	unsigned long long failed = 0;
	const char *lead = "";
	struct str details;

	str_init(&details, 4096);
	while (line.n) {
		failed += put_failure(&details, lead, span_cut(&line, '\t'));
		lead = ",";
	}
	put_head(out, us, day, domain);
	put_string(out, "policy-type", type);
	str_addc(out, ',');
	put_string(out, "policy-domain", domain);
	str_addf(out, "},\"summary\":{\"total-successful-session-count\":%llu,"
			"\"total-failure-session-count\":%llu}", number(good),
			failed);
	if (*lead)
		str_addf(out, ",\"failure-details\":[%.*s]",
				SPAN_ARG(str_span(&details)));
	str_adds(out, "}]}\n");
	str_free(&details);
}
