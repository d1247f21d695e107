#include "net/milter_packet.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MOST 255		/* of a header field */

/* -- commands -- */

static const struct {
	char letter;
	uint32_t untold, unanswered;	/* steps */
	unsigned char version;		/* the first that has it */
} stages[MILTER_STAGES] = {
	[MILTER_CONNECT] = { 'C', 0x1, 0x1000, 2 },
	[MILTER_HELO] = { 'H', 0x2, 0x2000, 2 },
	[MILTER_MAIL] = { 'M', 0x4, 0x4000, 2 },
	[MILTER_RCPT] = { 'R', 0x8, 0x8000, 2 },
	[MILTER_DATA] = { 'T', 0x200, 0x10000, 4 },
	[MILTER_END] = { 'E', 0, 0, 2 },
	[MILTER_EOH] = { 'N', 0x40, 0x40000, 2 },
	[MILTER_HEADER] = { 'L', 0x20, 0x80, 2 },
	[MILTER_BODY] = { 'B', 0x10, 0x80000, 2 },
};

char milter_letter(enum milter_stage stage)
{
	return stages[stage].letter;
}

bool milter_is_told(const struct milter_options *o, enum milter_stage stage)
{
	return o->version >= stages[stage].version &&
		!(o->steps & stages[stage].untold);
}

bool milter_is_answered(const struct milter_options *o,
		enum milter_stage stage)
{
	return !(o->steps & stages[stage].unanswered);
}

/* All that we can do, or leave undone. */
static uint32_t all_steps(void)
{
	uint32_t all = MILTER_NO_UNKNOWN | MILTER_NO_REPLY_UNKNOWN |
		MILTER_MAY_SKIP | MILTER_LEADING_SPACE;

	for (int i = 0; i < MILTER_STAGES; i++)
		all |= stages[i].untold | stages[i].unanswered;
	return all;
}

/* -- what a filter may say when -- */

static const struct {
	char word;
	uint32_t action;		/* 0: it ends the stage */
} words[] = {
	{ MILTER_IS_CONTINUE, 0 }, { MILTER_IS_ACCEPT, 0 },
	{ MILTER_IS_REJECT, 0 }, { MILTER_IS_TEMPFAIL, 0 },
	{ MILTER_IS_REPLY, 0 }, { MILTER_IS_DISCARD, 0 },
	{ MILTER_IS_SHUTDOWN, 0 }, { MILTER_IS_SKIP, 0 },
	{ MILTER_IS_ADD_RCPT, MILTER_ADD_RCPTS },
	{ MILTER_IS_DELETE_RCPT, MILTER_DELETE_RCPTS },
	{ MILTER_IS_ADD_RCPT_PARAMS, MILTER_ADD_RCPTS_PARAMS },
	{ MILTER_IS_BODY, MILTER_CHANGE_BODY },
	{ MILTER_IS_FROM, MILTER_CHANGE_FROM },
	{ MILTER_IS_ADD_HEADER, MILTER_ADD_HEADERS },
	/* libmilter asks for the same right for both */
	{ MILTER_IS_INSERT_HEADER, MILTER_ADD_HEADERS },
	{ MILTER_IS_CHANGE_HEADER, MILTER_CHANGE_HEADERS },
	{ MILTER_IS_QUARANTINE, MILTER_QUARANTINES },
	{ 0, 0 }
};

bool milter_is_due(const struct milter_options *o, enum milter_stage stage,
		char word, bool *change)
{
	size_t i = 0;

	while (words[i].word && words[i].word != word)
		i++;
	*change = words[i].action;
	if (*change)
		return stage == MILTER_END && (o->actions & words[i].action);
	if (word == MILTER_IS_SKIP)
		return (o->steps & MILTER_MAY_SKIP) &&
			(stage == MILTER_BODY || stage == MILTER_HEADER);
	if (word == MILTER_IS_DISCARD)
		return stage != MILTER_CONNECT && stage != MILTER_HELO;
	return words[i].word;
}

/* -- numbers and heads -- */

void milter_encode_number(struct str *out, uint32_t n)
{
	const char octets[4] = {
		(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n
	};

	str_add(out, span_make(octets, sizeof(octets)));
}

void milter_encode_head(struct str *out, char letter, size_t n)
{
	milter_encode_number(out, (uint32_t)n + 1);
	str_addc(out, letter);
}

static bool take_number(struct span *s, uint32_t *n)
{
	const unsigned char *p = (const unsigned char *)s->p;

	if (s->n < 4)
		return false;
	*n = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
	*s = span_rest(*s, 4);
	return true;
}

static bool take_text(struct span *s, struct span *text)
{
	if (!span_has(*s, '\0'))
		return false;
	*text = span_cut(s, '\0');
	return true;
}

/* -- options -- */

void milter_encode_options(struct str *out)
{
	milter_encode_head(out, MILTER_IS_OPTIONS, 12);
	milter_encode_number(out, MILTER_VERSION);
	milter_encode_number(out, MILTER_ALL_ACTIONS);
	milter_encode_number(out, all_steps());
}

static int take_macros(struct span s, struct milter_options *o,
		struct err *err)
{
	struct span names;
	uint32_t stage;

	while (s.n) {
		if (!take_number(&s, &stage) || !take_text(&s, &names) ||
				stage >= MILTER_MACRO_STAGES)
			return err_set(err, ERR_PROTO, "its list of macros is "
					"broken");
		o->macros[stage] = names;
	}
	return 0;
}

int milter_decode_options(struct span packet, struct milter_options *o,
		struct err *err)
{
	uint32_t others = ~(all_steps() | MILTER_REFUSED_RCPTS | MILTER_SIZES);

	memset(o, 0, sizeof(*o));
	if (!packet.n || packet.p[0] != MILTER_IS_OPTIONS)
		return err_set(err, ERR_PROTO, "it does not negotiate");
	packet = span_rest(packet, 1);
	if (!take_number(&packet, &o->version) ||
			!take_number(&packet, &o->actions) ||
			!take_number(&packet, &o->steps))
		return err_set(err, ERR_PROTO, "its options are cut off");
	if (o->version < MILTER_VERSION_LEAST || o->version > MILTER_VERSION)
		return err_set(err, ERR_PROTO, "it speaks version %lu",
				(unsigned long)o->version);
	if (o->actions & ~(uint32_t)MILTER_ALL_ACTIONS || o->steps & others)
		return err_set(err, ERR_PROTO, "it wants what was not offered "
				"(actions 0x%lx, steps 0x%lx)",
				(unsigned long)o->actions,
				(unsigned long)o->steps);
	return take_macros(packet, o, err);
}

/* -- the reply to the client -- */

/* "5.7.1 " off *s, of this class; RFC 3463 2. */
static bool take_enhanced(struct span *s, char class, char out[12])
{
	struct span rest = *s, word = span_cut(&rest, ' '), parts = word, part;
	unsigned long n;
	int i = 0;

	for (; i < 3; i++) {
		part = span_cut(&parts, '.');
		if (part.n > 3 || !span_number(part, 999, &n))
			return false;
	}
	if (parts.n || word.p[0] != class || word.p[1] != '.' ||
			str_copy(out, 12, word) < 0)
		return false;
	*s = rest;
	return true;
}

/* "550-" or "550 " off a line. */
static bool take_code(struct span *line, int *code)
{
	unsigned long n;

	if (!span_number(span_sub(*line, 0, 3), 599, &n) || n < 400)
		return false;
	if (line->n > 3 && line->p[3] != ' ' && line->p[3] != '-')
		return false;
	*line = span_rest(*line, 4);
	*code = (int)n;
	return true;
}

/* libmilter doubles %, for the printf that Sendmail's text goes through. */
static void add_printable(struct str *out, struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i];

		if (c == '%' && i + 1 < line.n && line.p[i + 1] == '%')
			i++;
		str_addc(out, c >= ' ' && c <= '~' ? c : '?');
	}
}

/* A lone CR or LF parts lines as CRLF does: nothing of it gets through. */
static struct span take_line(struct span *s)
{
	size_t n = 0;
	struct span line;

	while (n < s->n && s->p[n] != '\r' && s->p[n] != '\n')
		n++;
	line = span_sub(*s, 0, n);
	n += n + 1 < s->n && s->p[n] == '\r' && s->p[n + 1] == '\n';
	*s = span_rest(*s, n + 1);
	return line;
}

/* What is too long for us is left out. */
static int take_reply(struct span all, struct milter_reply *r)
{
	char enhanced[12];
	struct str text;
	int code;

	str_init(&text, sizeof(r->text) - 1);
	do {
		struct span line = take_line(&all);
		size_t was = text.n;

		if (!take_code(&line, &code) || (r->code && code != r->code)) {
			str_free(&text);
			return -1;
		}
		r->code = code;
		if (take_enhanced(&line, code < 500 ? '4' : '5', enhanced) &&
				!r->enhanced[0])
			memcpy(r->enhanced, enhanced, sizeof(enhanced));
		if (was)
			str_addc(&text, '\n');
		add_printable(&text, span_sub(line, 0, sizeof(r->text) - 2 -
				was));
	} while (all.n && text.n < sizeof(r->text) - 2);
	str_copy(r->text, sizeof(r->text), str_span(&text));
	str_free(&text);
	if (!r->enhanced[0])
		str_copys(r->enhanced, sizeof(r->enhanced), r->code < 500 ?
				"4.7.1" : "5.7.1");
	return 0;
}

/* -- all else -- */

/* RFC 5322 2.2: printable, no colon */
static bool is_field_name(struct span name)
{
	if (!name.n || name.n > NAME_MOST)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	return true;
}

static bool take_field(struct span *s, struct milter_reply *r)
{
	if (r->word != MILTER_IS_ADD_HEADER && !take_number(s, &r->index))
		return false;
	return take_text(s, &r->name) && take_text(s, &r->value) &&
		is_field_name(r->name);
}

/* An address and, where there are some, its parameters. */
static bool take_address(struct span *s, struct milter_reply *r)
{
	if (!take_text(s, &r->name))
		return false;
	return !s->n || take_text(s, &r->value);
}

static bool take_data(struct span *s, struct milter_reply *r)
{
	switch (r->word) {
	case MILTER_IS_ADD_HEADER:
	case MILTER_IS_INSERT_HEADER:
	case MILTER_IS_CHANGE_HEADER:
		return take_field(s, r);
	case MILTER_IS_ADD_RCPT:
	case MILTER_IS_DELETE_RCPT:
	case MILTER_IS_ADD_RCPT_PARAMS:
	case MILTER_IS_FROM:
		return take_address(s, r);
	case MILTER_IS_QUARANTINE:
		return take_text(s, &r->name);
	case MILTER_IS_BODY:
		r->name = *s;
		return true;
	case MILTER_IS_REPLY:
		return take_text(s, &r->name) && take_reply(r->name, r) == 0;
	}
	return true;
}

int milter_decode(struct span packet, struct milter_reply *r, struct err *err)
{
	struct span data = span_rest(packet, 1);

	memset(r, 0, sizeof(*r));
	if (!packet.n)
		return err_set(err, ERR_PROTO, "it sent an empty packet");
	r->word = packet.p[0];
	if (!take_data(&data, r))
		return err_set(err, ERR_PROTO, "its answer '%c' is broken",
				r->word > ' ' && r->word <= '~' ? r->word :
				'?');
	return 0;
}

/* -- header fields -- */

void milter_put_field(struct str *out, struct span name, struct span value,
		bool space)
{
	bool first = true;

	/* what ends in a line end does not end twice */
	while (value.n && (value.p[value.n - 1] == '\n' ||
				value.p[value.n - 1] == '\r'))
		value.n--;
	str_add(out, name);
	str_adds(out, space && !(value.n && value.p[0] == '\n') ? ": " : ":");
	while (value.n) {
		struct span line = take_line(&value), text = span_trim(line);

		/* a line of blanks is the end of the section for some */
		if (!first && !text.n)
			continue;
		if (!first)
			str_adds(out, line.p[0] == ' ' || line.p[0] == '\t' ?
					"\r\n" : "\r\n\t");
		str_add(out, line);
		first = false;
	}
	str_adds(out, "\r\n");
}
