#include "store/spool_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#define MAGIC "PB1 "
#define FIRST_LINES 5		/* id ... origin, before the recipients */

uint32_t record_crc(uint32_t crc, struct span piece)
{
	/* crc32() takes an unsigned int; pieces are far below it */
	return (uint32_t)crc32(crc, (const void *)piece.p, (unsigned)piece.n);
}

/* -- writing -- */

static void put_value(struct str *out, const char *value)
{
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < ' ' || c == 127 || c == '\\')
			str_addf(out, "\\x%02X", (unsigned)c);
		else
			str_addc(out, (char)c);
	}
}

static void put_line(struct str *out, const char *name, const char *value)
{
	str_adds(out, name);
	put_value(out, value);
	str_addc(out, '\n');
}

static bool too_long(const char *value)
{
	return strnlen(value, RECORD_ADDRESS_MOST + 1) > RECORD_ADDRESS_MOST;
}

static int check(const struct spool_envelope *e, struct err *err)
{
	if (e->nrcpt == 0)
		return err_set(err, ERR_PERM, "message without recipients");
	if (too_long(e->sender) || too_long(e->origin))
		return err_set(err, ERR_PERM, "sender too long");
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (too_long(e->rcpt[i].address) || !e->rcpt[i].address[0])
			return err_set(err, ERR_PERM, "bad recipient");
	return 0;
}

/* The end of the lines that stand before the recipients. */
static size_t skip_lines(struct span text, size_t at, unsigned lines)
{
	while (lines-- && at < text.n)
		at += span_find(span_sub(text, at, text.n), '\n') + 1;
	return at < text.n ? at : text.n;
}

uint32_t record_lines_crc(struct span text)
{
	size_t at = skip_lines(text, RECORD_FIXED, FIRST_LINES);
	uint32_t crc = record_crc(0, span_sub(text, RECORD_FIXED,
				at - RECORD_FIXED));

	while (at + 1 < text.n) {
		size_t end = skip_lines(text, at, 1);

		crc = record_crc(crc, span_sub(text, at + 1, end - at - 1));
		at = end;
	}
	return crc;
}

int record_put(struct str *out, const struct spool_envelope *e, uint32_t *crc,
		struct err *err)
{
	char fixed[RECORD_TRY_SIZE];

	if (check(e, err) < 0)
		return -1;
	record_try(fixed, e->attempts, e->next_try);
	str_addf(out, "%-*s\n", RECORD_HEAD_SIZE - 1, "unfinished");
	str_add(out, span_make(fixed, sizeof(fixed)));
	put_line(out, "id ", e->id);
	str_addf(out, "created %" PRId64 "\n", e->created);
	put_line(out, "flags ", e->eight_bit ? "8" : "-");
	put_line(out, "sender ", e->sender);
	put_line(out, "origin ", e->origin);
	for (unsigned i = 0; i < e->nrcpt; i++) {
		str_addc(out, (char)e->rcpt[i].state);
		put_line(out, " ", e->rcpt[i].address);
	}
	str_addc(out, '\n');
	if (out->bad)
		return err_set(err, ERR_NOMEM, "envelope too big");
	*crc = record_lines_crc(str_span(out));
	return 0;
}

static uint32_t crc_head(uint32_t crc, const struct record_head *h)
{
	char line[RECORD_HEAD_SIZE];
	int n = snprintf(line, sizeof(line), "%08" PRIx32 " %016" PRIx64
			" %08" PRIx32, h->envelope, h->message, h->message_crc);

	return record_crc(crc, span_make(line, (size_t)n));
}

void record_head_seal(char out[RECORD_HEAD_SIZE], struct record_head *h,
		uint32_t crc)
{
	char line[RECORD_HEAD_SIZE + 1];

	h->envelope_crc = crc_head(crc, h);
	snprintf(line, sizeof(line), MAGIC "%08" PRIx32 " %016" PRIx64
			" %08" PRIx32 " %08" PRIx32 "\n", h->envelope,
			h->message, h->envelope_crc, h->message_crc);
	memcpy(out, line, RECORD_HEAD_SIZE);
}

void record_try(char out[RECORD_TRY_SIZE], unsigned attempts, int64_t next)
{
	char line[RECORD_TRY_SIZE + 1];

	snprintf(line, sizeof(line), "try %010u %020" PRId64 "\n", attempts,
			next > 0 ? next : 0);
	memcpy(out, line, RECORD_TRY_SIZE);
}

/* -- reading -- */

static int hex_digit(char c)
{
	if (ascii_isdigit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly the digits of s. */
static bool hex_number(struct span s, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return false;
		*out = *out << 4 | (unsigned)digit;
	}
	return true;
}

int record_head_get(struct record_head *h, struct span line)
{
	static const unsigned char at[] = { 4, 13, 30, 39 };
	static const unsigned char width[] = { 8, 16, 8, 8 };
	uint64_t v[4];

	if (line.n < RECORD_HEAD_SIZE || memcmp(line.p, MAGIC, 4) != 0
			|| line.p[RECORD_HEAD_SIZE - 1] != '\n')
		return -1;
	for (int i = 0; i < 4; i++)
		if (!hex_number(span_sub(line, at[i], width[i]), &v[i])
				|| (i && line.p[at[i] - 1] != ' '))
			return -1;
	if (v[0] <= RECORD_FIXED || v[0] > RECORD_MOST || v[1] > INT64_MAX / 2)
		return -1;
	h->envelope = (uint32_t)v[0];
	h->message = v[1];
	h->envelope_crc = (uint32_t)v[2];
	h->message_crc = (uint32_t)v[3];
	return 0;
}

/* Unescapes the line in place and ends it with NUL. NULL: not well formed. */
static char *get_value(char *p, size_t n)
{
	char *to = p, *from = p, *end = p + n;

	while (from < end) {
		int high, low;

		if ((unsigned char)*from < ' ' || *from == 127)
			return NULL;
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		if (end - from < 4 || from[1] != 'x')
			return NULL;
		high = hex_digit(from[2]);
		low = hex_digit(from[3]);
		if (high < 0 || low < 0 || (high | low) == 0)
			return NULL;
		*to++ = (char)(high << 4 | low);
		from += 4;
	}
	*to = '\0';	/* at most where the line feed was */
	return p;
}

/*
 * Takes "NAME VALUE\n" off *rest. NULL when the line is another one.
 */
static char *take_line(struct span *rest, const char *name)
{
	size_t skip = strlen(name), n = span_find(*rest, '\n');
	/* record_get was given the text to change */
	char *line = (char *)(uintptr_t)rest->p;

	if (n == rest->n || n < skip || memcmp(line, name, skip) != 0)
		return NULL;
	*rest = span_sub(*rest, n + 1, rest->n);
	return get_value(line + skip, n - skip);
}

static bool take_number(struct span *rest, const char *name, int64_t *out)
{
	unsigned long long v;
	char *text = take_line(rest, name);

	if (!text || !span_number64(span_of(text), INT64_MAX, &v))
		return false;
	*out = (int64_t)v;
	return true;
}

static bool get_try(struct spool_envelope *e, struct span text)
{
	unsigned long long attempts, next;
	struct span line = span_sub(text, RECORD_HEAD_SIZE, RECORD_TRY_SIZE);

	if (memcmp(line.p, "try ", 4) != 0 || line.p[14] != ' '
			|| line.p[RECORD_TRY_SIZE - 1] != '\n'
			|| !span_number64(span_sub(line, 4, 10), UINT32_MAX,
				&attempts)
			|| !span_number64(span_sub(line, 15, 20), INT64_MAX,
				&next))
		return false;
	e->attempts = (unsigned)attempts;
	e->next_try = (int64_t)next;
	return true;
}

static bool get_first(struct spool_envelope *e, struct span *rest)
{
	const char *id = take_line(rest, "id "), *flags;

	if (!id || str_copy(e->id, sizeof(e->id), span_of(id)) < 0
			|| !take_number(rest, "created ", &e->created))
		return false;
	flags = take_line(rest, "flags ");
	e->sender = take_line(rest, "sender ");
	e->origin = take_line(rest, "origin ");
	e->eight_bit = flags && flags[0] == '8';
	return flags && e->sender && e->origin;
}

static bool is_state(char c)
{
	return c == SPOOL_WAITING || c == SPOOL_DONE || c == SPOOL_FAILED;
}

/* How many lines there are before the empty one that ends the block. */
static unsigned count_rcpt(struct span rest)
{
	unsigned n = 0;

	while (rest.n && rest.p[0] != '\n') {
		span_cut(&rest, '\n');
		n++;
	}
	return rest.n == 1 ? n : 0;
}

static bool get_rcpt(struct spool_envelope *e, struct span rest)
{
	for (unsigned i = 0; i < e->nrcpt; i++) {
		char name[] = { rest.p[0], ' ', '\0' };

		e->rcpt[i].state = (enum spool_state)name[0];
		e->rcpt[i].address = take_line(&rest, name);
		if (!is_state(name[0]) || !e->rcpt[i].address
				|| !e->rcpt[i].address[0])
			return false;
	}
	return true;
}

int record_get(struct spool_envelope *e, struct span text,
		const struct record_head *h, struct arena *a, struct err *err)
{
	struct span rest = span_sub(text, RECORD_FIXED, text.n);

	memset(e, 0, sizeof(*e));
	e->size = h->message;
	if (text.n != h->envelope || text.n <= RECORD_FIXED)
		return err_set(err, ERR_PERM, "envelope is cut");
	if (crc_head(record_lines_crc(text), h) != h->envelope_crc)
		return err_set(err, ERR_PERM, "envelope's CRC is wrong");
	if (!get_try(e, text) || !get_first(e, &rest))
		return err_set(err, ERR_PERM, "envelope is no envelope");
	e->nrcpt = count_rcpt(rest);
	if (!e->nrcpt)
		return err_set(err, ERR_PERM, "envelope without recipients");
	e->rcpt = arena_alloc(a, e->nrcpt * sizeof(*e->rcpt));
	if (!e->rcpt)
		return err_set(err, ERR_NOMEM, "envelope too big");
	if (!get_rcpt(e, rest))
		return err_set(err, ERR_PERM, "recipient is no recipient");
	return 0;
}

size_t record_state_at(struct span text, unsigned n)
{
	size_t at = skip_lines(text, RECORD_FIXED, FIRST_LINES + n);

	if (at + 1 < text.n && is_state(text.p[at]) && text.p[at + 1] == ' ')
		return at;
	return text.n;
}
