#include "mime/compose.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"

#define LINE_MOST 998		/* RFC 5322 2.1.1, without CRLF */

/*
 * Unique, not secret: where the kernel gives no random bytes, time and
 * process id do. (libc only: mime knows no os layer.)
 */
void compose_message_id(struct str *out, const char *host)
{
	struct timespec now = { 0 };
	uint64_t random;

	clock_gettime(CLOCK_REALTIME, &now);
	if (getentropy(&random, sizeof(random)) != 0)
		random = (uint64_t)getpid();
	str_addf(out, "<%" PRIx64 ".%09ld.%" PRIx64 "@%s>",
			(uint64_t)now.tv_sec, (long)now.tv_nsec, random, host);
}

static const struct {
	char name[11];
	unsigned char missing;
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
				missing &= ~(unsigned)wanted[i].missing;
	return missing;
}

/* A display name (RFC 5322 3.2.5): as it is, quoted, or encoded. */
static void put_name(struct str *out, struct span name)
{
	bool plain = true, high = false;

	for (size_t i = 0; i < name.n; i++) {
		high |= (unsigned char)name.p[i] > 127;
		plain &= ascii_isalnum(name.p[i]) || name.p[i] == ' ' ||
			(unsigned char)name.p[i] > 127;
	}
	/* RFC 2047 5 (3): no encoded word within a quoted string */
	if (plain)
		word_encode(out, name);
	else if (high)
		word_encode_whole(out, name);
	else
		addr_put_quoted(out, name);
}

void compose_author(struct str *out, struct span name, const char *address)
{
	if (name.n)
		put_name(out, name);
	str_addf(out, name.n ? " <%s>" : "%s", address);
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

unsigned compose_look(struct span body)
{
	unsigned look = 0;

	if (!utf8_ascii(body))
		look = utf8_valid(body) ? COMPOSE_HIGH :
				COMPOSE_HIGH | COMPOSE_NOT_UTF8;
	while (body.n) {
		struct span line = span_cut(&body, '\n');

		/* what RFC 5321 cannot carry, or relays would change */
		if (line.n > LINE_MOST || span_has(line, '\0') ||
				span_has(line, '\r'))
			look |= COMPOSE_HARD;
	}
	return look;
}

static bool has_charset(struct span type)
{
	bool found = false;

	while (type.n && !found)
		found = span_starts(span_trim(span_cut(&type, ';')),
				"charset=");
	return found;
}

enum compose_encoding compose_body(struct str *header, struct span type,
		struct span charset, unsigned look)
{
	static const char names[][17] = {
		[COMPOSE_7BIT] = "7bit", [COMPOSE_8BIT] = "8bit",
		[COMPOSE_QP] = "quoted-printable",
		[COMPOSE_BASE64] = "base64",
	};
	enum compose_encoding encoding = COMPOSE_7BIT;

	if (look & COMPOSE_HIGH)
		encoding = COMPOSE_8BIT;
	if (look & COMPOSE_HARD)
		encoding = COMPOSE_QP;
	if (look & COMPOSE_BINARY)
		encoding = COMPOSE_BASE64;
	if (!(look & COMPOSE_HIGH))
		charset = SPAN("us-ascii");
	else if (!(look & COMPOSE_NOT_UTF8))
		charset = SPAN("utf-8");
	else if (!charset.n)
		charset = SPAN("unknown-8bit");
	str_adds(header, "Content-Type: ");
	str_add(header, type);
	if (span_starts(type, "text/") && !has_charset(type)) {
		str_adds(header, "; charset=");
		str_add(header, charset);
	}
	str_addf(header, "\nContent-Transfer-Encoding: %s\n",
			names[encoding]);
	return encoding;
}

enum compose_encoding compose_text(struct str *header, unsigned look)
{
	str_adds(header, "MIME-Version: 1.0\n");
	return compose_body(header, SPAN("text/plain"), SPAN(""), look);
}
