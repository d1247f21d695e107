/* Answers of any bytes: the first ones choose what was asked. */
#include <stdlib.h>
#include <string.h>

#include "net/dane.h"
#include "net/dns_packet.h"

/* A record that is of use can be told from others. */
static void use_pins(const struct dns_answer *a)
{
	struct tls_pins *s = dane_pins(a);

	if (!a->name || strlen(a->name) >= DNS_NAME_SIZE)
		abort();
	for (unsigned i = 0; s && i < s->expect.npins; i++)
		if (s->expect.pins[i].usage < 2 || !s->expect.pins[i].data.n)
			abort();
	tls_pins_drop(s);
}

static void use(const struct dns_answer *a)
{
	size_t sum = 0;

	if (a->count < 0 || a->count > DNS_MOST)
		abort();
	for (int i = 0; i < a->count; i++) {
		const struct dns_record *r = &a->records[i];

		for (size_t j = 0; r->text && j <= r->text_len; j++)
			sum += (unsigned char)r->text[j];
		if (r->type == DNS_MX && strlen(r->text) != r->text_len)
			abort();
		if (i && r->preference < a->records[i - 1].preference)
			abort();
	}
	use_pins(a);
	if (sum == 1)
		abort();		/* keeps the reads */
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static const enum dns_type types[] = {
		DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR, DNS_CNAME,
		DNS_TLSA
	};
	unsigned char packet[4096], query[DNS_QUERY_SIZE];
	struct dns_reading r = { .chain = 0 };
	struct arena *a = arena_new(256 * 1024);
	enum dns_type type = n ? types[p[0] % 7] : DNS_A;
	size_t m = dns_packet_query(query, 7, SPAN("a.test"), type,
			true);

	/* half of the time with the right header and question in front */
	if (n > 4 && n < 3000 && p[0] & 64) {
		memcpy(packet, query, m);
		packet[2] = 0x80;
		packet[3] = p[1] & 3;
		packet[7] = p[2];
		packet[9] = p[3];
		memcpy(packet + m, p + 4, n - 4);
		if (dns_packet_read(span_make((char *)packet, m + n - 4), 7,
				SPAN("a.test"), type, a, &r) == DNS_ANSWERED)
			use(&r.answer);
	} else if (n && dns_packet_read(span_make((const char *)p + 1, n - 1),
				7, SPAN("a.test"), type, a, &r) == DNS_ANSWERED) {
		use(&r.answer);
	}
	arena_free(a);
	return 0;
}
