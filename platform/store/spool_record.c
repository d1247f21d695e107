#include "store/spool_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_LINES 5		/* id ... origin, before the recipients */
#define TRY_DIGITS 8		/* of the sum in a `try` line */
#define TRY_SUM INT64_C(1000000000000)	/* above it: no time is that far */

uint32_t record_crc(uint32_t crc, struct span piece)
{
	/*
	 * For a NULL, as an empty span may have, zlib's crc32() gives its first
	 * value. It takes an unsigned int; pieces are far below that.
	 */
	return piece.n ? (uint32_t)crc32(crc, (const void *)piece.p,
			(unsigned)piece.n) : crc;
}

/* -- the lines of fixed width -- */

/* A blank, and value in this many digits; gives what is behind. */
static char *put_hex(char *to, uint64_t value, unsigned digits)
{
	*to++ = ' ';
	for (unsigned i = digits; i--; value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
	return to + digits;
}

/* Digits that are none are seen by print_head: it never makes them. */
static uint64_t get_hex(const char *from, unsigned digits)
{
	uint64_t value = 0;

	while (digits--) {
		unsigned c = (unsigned char)*from++;

		value = value << 4 | ((c & 15) + (c >> 6) * 9);
	}
	return value;
}

/* Several times a message: a third of the envelope's cost by printf. */
static void print_head(char line[RECORD_HEAD_SIZE + 1],
		const struct record_head *h)
{
	char *to = line + 3;

	memcpy(line, "PB1", 3);
	to = put_hex(to, h->envelope, 8);
	to = put_hex(to, h->message, 16);
	to = put_hex(to, h->envelope_crc, 8);
	to = put_hex(to, h->message_crc, 8);
	memcpy(to, "\n", 2);
}

/* Goes on with ENVELOPE, MESSAGE and CRC-MESSAGE as they are written. */
static uint32_t crc_head(uint32_t crc, struct record_head h)
{
	char line[RECORD_HEAD_SIZE + 1];

	h.envelope_crc = h.message_crc;
	print_head(line, &h);
	return record_crc(crc, span_make(line + 4, 34));
}

void record_head_seal(char out[RECORD_HEAD_SIZE], struct record_head *h,
		uint32_t crc)
{
	char line[RECORD_HEAD_SIZE + 1];

	h->envelope_crc = crc_head(crc, *h);
	print_head(line, h);
	memcpy(out, line, RECORD_HEAD_SIZE);
}

int record_head_get(struct record_head *h, struct span text)
{
	char line[RECORD_HEAD_SIZE + 1], again[RECORD_HEAD_SIZE + 1];

	if (str_copy(line, sizeof(line), span_sub(text, 0,
					RECORD_HEAD_SIZE)) < 0
			|| strlen(line) < RECORD_HEAD_SIZE)
		return -1;
	h->envelope = (uint32_t)get_hex(line + 4, 8);
	h->message = get_hex(line + 13, 16);
	h->envelope_crc = (uint32_t)get_hex(line + 30, 8);
	h->message_crc = (uint32_t)get_hex(line + 39, 8);
	print_head(again, h);
	return strcmp(line, again) != 0 || h->envelope <= RECORD_FIXED
		|| h->envelope > RECORD_MOST || h->message > INT64_MAX / 2
		? -1 : 0;
}

/*
 * Its sum stands where the first digits of the time would, of which files of
 * before have but zeros; who does not know of it waits retry-most at worst.
 */
static void print_try(char line[RECORD_TRY_SIZE + 1],
		const struct spool_envelope *e, bool summed)
{
	int64_t when = e->next_try > 0 ? e->next_try : 0;
	uint32_t crc;

	if (when >= TRY_SUM)
		when = TRY_SUM - 1;
	snprintf(line, RECORD_TRY_SIZE + 1, "try%c%010u %020" PRId64 "\n",
			" *!#"[e->warned + 2 * e->held], e->attempts, when);
	if (!summed)
		return;
	crc = record_crc(0, span_make(line, RECORD_TRY_SIZE));
	snprintf(line + 15, RECORD_TRY_SIZE + 1 - 15, "1%07u%012" PRId64 "\n",
			(unsigned)(crc % 9999999 + 1), when);
}

void record_try(char out[RECORD_TRY_SIZE], const struct spool_envelope *e)
{
	char line[RECORD_TRY_SIZE + 1];

	print_try(line, e, true);
	memcpy(out, line, RECORD_TRY_SIZE);
}

static bool get_try(struct spool_envelope *e, const char *line)
{
	char again[RECORD_TRY_SIZE + 1];

	e->warned = line[3] == '*' || line[3] == '#';
	e->held = line[3] == '!' || line[3] == '#';
	e->attempts = (unsigned)strtoll(line + 4, NULL, 10);
	e->next_try = strtoll(line + 15 + TRY_DIGITS, NULL, 10);
	print_try(again, e, line[15] != '0');
	return memcmp(line, again, RECORD_TRY_SIZE) == 0;
}

/* -- writing -- */

/* A value is one line: nothing in it may end that. */
static bool is_line(const char *s, size_t most)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= ' ' && s[n] != 127)
		n++;
	return !s[n] && n <= most;
}

static bool is_value(const char *s)
{
	return is_line(s, RECORD_ADDRESS_MOST);
}

static bool is_good_dsn(const char *dsn)
{
	return !dsn || is_value(dsn);
}

static bool is_good(const struct spool_envelope *e)
{
	for (unsigned i = 0; i < e->nrcpt; i++)
		if (!is_value(e->rcpt[i].address) || !e->rcpt[i].address[0]
				|| !is_good_dsn(e->rcpt[i].dsn))
			return false;
	return e->nrcpt && is_value(e->sender)
		&& is_line(e->origin, RECORD_MOST)
		&& is_good_dsn(e->dsn);
}

/* The end of the lines that stand before the recipients. */
static size_t skip_lines(struct span text, size_t at, unsigned lines)
{
	while (lines-- && at < text.n)
		at += span_find(span_rest(text, at), '\n') + 1;
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

	if (!is_good(e))
		return err_set(err, ERR_PERM, "bad sender or recipient");
	record_try(fixed, e);
	str_addf(out, "%-*s\n%.*sid %s\ncreated %" PRId64 "\nflags %c%s%s%s\n"
			"sender %s\norigin %s\n", RECORD_HEAD_SIZE - 1,
			"unfinished", RECORD_TRY_SIZE, fixed, e->id, e->created,
			e->eight_bit ? '8' : '-', e->utf8 ? "u" : "",
			e->dsn ? " " : "", e->dsn ? e->dsn : "", e->sender,
			e->origin);
	for (unsigned i = 0; i < e->nrcpt; i++) {
		const struct spool_rcpt *r = &e->rcpt[i];

		str_addf(out, "%c %s%s%s\n", r->state, r->address,
				r->dsn ? "\t" : "", r->dsn ? r->dsn : "");
	}
	str_addc(out, '\n');
	if (out->bad)
		return err_set(err, ERR_NOMEM, "envelope too big");
	*crc = record_lines_crc(str_span(out));
	return 0;
}

/* -- reading -- */

/* Takes a line off *rest and ends it with NUL. NULL: there is none. */
static char *take_line(struct span *rest)
{
	size_t n = span_find(*rest, '\n');
	/* record_get was given the text to change */
	char *line = (char *)(uintptr_t)rest->p;

	if (n == rest->n)
		return NULL;
	line[n] = '\0';
	*rest = span_rest(*rest, n + 1);
	return line;
}

/* The next line's value, if it has this name; else NULL. */
static const char *take(struct span *rest, const char *name)
{
	char *line = take_line(rest);
	size_t n = strlen(name);

	return line && strncmp(line, name, n) == 0 ? line + n : NULL;
}

static bool get_first(struct spool_envelope *e, struct span *rest)
{
	const char *id = take(rest, "id "), *created = take(rest, "created ");
	const char *flags = take(rest, "flags ");
	unsigned long long v;

	e->sender = take(rest, "sender ");
	e->origin = take(rest, "origin ");
	if (!id || !created || !flags || !e->sender || !e->origin
			|| !span_number64(span_of(created), INT64_MAX, &v))
		return false;
	e->created = (int64_t)v;
	e->eight_bit = flags[0] == '8';
	/* files of before SMTPUTF8, and of before RFC 3461, end here */
	e->utf8 = flags[0] && flags[1] == 'u';
	flags += e->utf8;
	e->dsn = flags[0] && flags[1] == ' ' ? flags + 2 : NULL;
	return str_copys(e->id, sizeof(e->id), id) == 0;
}

static bool is_state(char c)
{
	return c == SPOOL_WAITING || c == SPOOL_DONE || c == SPOOL_FAILED
		|| c == SPOOL_DELIVERED || c == SPOOL_RELAYED
		|| c == SPOOL_EXPANDED;
}

/* All lines up to the empty one that ends the block. */
static bool get_rcpt(struct spool_envelope *e, struct span rest)
{
	for (unsigned i = 0; i < e->nrcpt; i++) {
		char *line = take_line(&rest), *tab;

		if (!line || !is_state(line[0]) || line[1] != ' ')
			return false;
		tab = strchr(line, '\t');
		if (tab)
			*tab++ = '\0';
		if (!line[2])
			return false;
		e->rcpt[i].state = (enum spool_state)line[0];
		e->rcpt[i].address = line + 2;
		e->rcpt[i].dsn = tab;
	}
	return e->nrcpt && rest.n == 1 && rest.p[0] == '\n';
}

int record_get(struct spool_envelope *e, struct span text,
		const struct record_head *h, struct arena *a, struct err *err)
{
	struct span rest = span_rest(text, RECORD_FIXED);

	memset(e, 0, sizeof(*e));
	e->size = h->message;
	if (text.n != h->envelope || !rest.n || crc_head(record_lines_crc(text),
				*h) != h->envelope_crc)
		return err_set(err, ERR_PERM, "envelope's CRC is wrong");
	/* the first line behind it ends get_try's number */
	if (!get_first(e, &rest) || !get_try(e, text.p + RECORD_HEAD_SIZE))
		return err_set(err, ERR_PERM, "envelope is no envelope");
	for (size_t i = 0; i + 1 < rest.n; i++)
		e->nrcpt += rest.p[i] == '\n';
	e->rcpt = arena_alloc(a, (e->nrcpt + 1) * sizeof(*e->rcpt));
	if (!e->rcpt)
		return err_set(err, ERR_NOMEM, "envelope too big");
	if (!get_rcpt(e, rest))
		return err_set(err, ERR_PERM, "recipient is no recipient");
	return 0;
}

int64_t record_state_at(const struct spool_envelope *e, uint32_t envelope,
		unsigned n)
{
	int64_t at = envelope - 1;	/* of the empty line */

	for (; n < e->nrcpt; n++) {
		at -= (int64_t)strlen(e->rcpt[n].address) + 3;
		if (e->rcpt[n].dsn)
			at -= (int64_t)strlen(e->rcpt[n].dsn) + 1;
	}
	return at;
}
