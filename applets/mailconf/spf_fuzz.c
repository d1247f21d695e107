/*
 * Whatever is published: an end is found within the look-ups that RFC 7208
 * allows, and a few more for the addresses of exchangers.
 */
#include "mailconf/spf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MOST 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct span rest;
	unsigned asked;
	struct dns_record records[4];
	struct dns_answer answer;
	char text[4][4096];
};

/* Each question gets the next lines of the input; a line "!" is no answer. */
static const struct dns_answer *ask(void *arg, const char *name,
		enum dns_type type)
{
	struct world *w = arg;

	if (++w->asked > ASKED_MOST || !*name || strlen(name) > 255)
		abort();
	w->answer = (struct dns_answer){ .status = DNS_NXDOMAIN,
		.records = w->records };
	for (int i = 0; i < 4 && w->rest.n; i++) {
		struct span line = span_cut(&w->rest, '\n');
		struct dns_record *r = &w->records[i];

		if (!line.n)
			break;
		if (span_is(line, "!")) {
			w->answer.status = DNS_FAIL;
			break;
		}
		if (line.n >= sizeof(w->text[i]))
			line.n = sizeof(w->text[i]) - 1;
		memcpy(w->text[i], line.p, line.n);
		w->text[i][line.n] = '\0';
		*r = (struct dns_record){ .type = type, .text = w->text[i],
			.text_len = line.n };
		if (type == DNS_A || type == DNS_AAAA)
			memcpy(&r->ip, w->text[i], sizeof(r->ip));
		w->answer.status = DNS_OK;
		w->answer.count++;
	}
	return &w->answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct spf s = { .ask = ask, .arg = &w, .provider = "smtp.x.test" };

	w.asked = 0;
	w.rest = span_make((const char *)data, size);
	if (size > 16)
		memcpy(s.ip, data, 16);
	if (size && data[0] & 1) {
		memset(s.ip, 0, 10);
		memset(s.ip + 10, 0xff, 2);
	}
	spf_check(&s, "x.test");
	return 0;
}
