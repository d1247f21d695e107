#include "mime/compose.h"

#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "mime/header.h"

#define ID_RANDOM 10		/* bytes */
#define LINE_MOST 998		/* RFC 5322 2.1.1, without CRLF */

/* Base 36, so that the id is one atom. */
static void put_number(struct str *out, uint64_t n)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[16];
	size_t at = sizeof(text);

	do {
		text[--at] = digits[n % 36];
		n /= 36;
	} while (n && at);
	str_add(out, span_make(text + at, sizeof(text) - at));
}

/*
 * Unique, not secret: where the kernel gives no random bytes, time and
 * process id do. (libc only: mime knows no os layer.)
 */
void compose_message_id(struct str *out, const char *host)
{
	unsigned char random[ID_RANDOM];
	struct timespec now = { 0 };
	uint64_t n = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getentropy(random, sizeof(random)) != 0)
		for (size_t i = 0; i < sizeof(random); i++)
			random[i] = (unsigned char)(getpid() >> (i % 4 * 8));
	for (size_t i = 0; i < sizeof(random); i++)
		n = n * 256 + random[i];
	str_addc(out, '<');
	put_number(out, (uint64_t)now.tv_sec * 1000000 +
			(uint64_t)now.tv_nsec / 1000);
	str_addc(out, '.');
	put_number(out, n);
	str_addf(out, "@%s>", host);
}

static const struct {
	const char *name;
	unsigned missing;
} wanted[] = {
	{ "Date", COMPOSE_NO_DATE },
	{ "From", COMPOSE_NO_FROM },
	{ "Message-ID", COMPOSE_NO_ID },
	/* RFC 5322 3.6: no destination field has to be there, but old
	 * software stumbles when there is none at all */
	{ "To", COMPOSE_NO_TO },
	{ "Cc", COMPOSE_NO_TO },
	{ "Bcc", COMPOSE_NO_TO },
};

unsigned compose_missing(struct span header)
{
	unsigned missing = COMPOSE_NO_DATE | COMPOSE_NO_FROM | COMPOSE_NO_ID |
		COMPOSE_NO_TO;
	struct header_field f;

	while (header_next(&header, &f))
		for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
			if (span_is(f.name, wanted[i].name))
				missing &= ~wanted[i].missing;
	return missing;
}

void compose_reply_subject(struct str *out, struct span subject)
{
	subject = span_trim(subject);
	if (!span_starts(subject, "Re:"))
		str_adds(out, "Re: ");
	str_add(out, subject);
}

static bool is_one_id(struct span s)
{
	return s.n && s.p[0] == '<' && span_find(s, '>') == s.n - 1;
}

/* Appends the value, unfolded: give it to header_put. */
void compose_references(struct str *out, struct span header)
{
	struct header_field f;

	if (header_find(header, "References", &f) ||
			(header_find(header, "In-Reply-To", &f) &&
			 is_one_id(f.value)))
		header_unfold(out, f.value);
	if (!header_find(header, "Message-ID", &f))
		return;
	if (out->n)
		str_addc(out, ' ');
	header_unfold(out, f.value);
}

/* Lines that RFC 5321 cannot carry, or that relays would change. */
static bool needs_encoding(struct span body)
{
	while (body.n) {
		struct span line = span_cut(&body, '\n');

		if (line.n > LINE_MOST || span_find(line, '\0') < line.n ||
				span_find(line, '\r') < line.n)
			return true;
	}
	return false;
}

enum compose_encoding compose_text(struct str *header, struct span body,
		bool eight_bit_ok)
{
	static const char *const names[] = {
		[COMPOSE_7BIT] = "7bit", [COMPOSE_8BIT] = "8bit",
		[COMPOSE_QP] = "quoted-printable",
	};
	bool ascii = utf8_ascii(body);
	enum compose_encoding encoding = COMPOSE_7BIT;
	const char *charset = "us-ascii";

	if (!ascii)
		charset = utf8_valid(body) ? "utf-8" : "unknown-8bit";
	if (needs_encoding(body) || (!ascii && !eight_bit_ok))
		encoding = COMPOSE_QP;
	else if (!ascii)
		encoding = COMPOSE_8BIT;
	str_addf(header, "MIME-Version: 1.0\n"
			"Content-Type: text/plain; charset=%s\n"
			"Content-Transfer-Encoding: %s\n",
			charset, names[encoding]);
	return encoding;
}
