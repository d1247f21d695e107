#include "sendmail/mailq.h"

#include <stdint.h>

/* Whatever the queue says there, it is a number. */
static void put_number(struct str *out, const char *name, struct span s)
{
	unsigned long long n = 0;

	span_number64(s, INT64_MAX, &n);
	str_addf(out, ",\"%s\":%llu", name, n);
}

void json_message(struct str *out, const struct span field[MAILQ_FIELDS])
{
	str_adds(out, "{\"id\":");
	json_string(out, field[MAILQ_ID]);
	str_adds(out, ",\"state\":");
	json_string(out, field[MAILQ_STATE]);
	put_number(out, "size", field[MAILQ_SIZE]);
	put_number(out, "created", field[MAILQ_CREATED]);
	if (span_is(field[MAILQ_STATE], "held"))
		str_adds(out, ",\"next_try\":null");
	else
		put_number(out, "next_try", field[MAILQ_NEXT]);
	put_number(out, "attempts", field[MAILQ_ATTEMPTS]);
	str_adds(out, ",\"sender\":");
	json_string(out, field[MAILQ_SENDER]);
	str_adds(out, ",\"recipients\":[");
}

void json_rcpt(struct str *out, bool first, struct span address,
		struct span reason)
{
	str_adds(out, first ? "{\"address\":" : ",{\"address\":");
	json_string(out, address);
	str_adds(out, ",\"reason\":");
	if (reason.n)
		json_string(out, reason);
	else
		str_adds(out, "null");
	str_addc(out, '}');
}

void json_end(struct str *out)
{
	str_adds(out, "]}\n");
}
