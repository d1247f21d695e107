/* Input: lines as the kernel's line discipline gives them, and blocks for scripts. */
#include "mail/term_private.h"

#include <string.h>
#include "config.h"

static void add_line_piece(struct mail_term *t, struct str *out, bool *whole)
{
	struct span have = span_make(t->in + t->in_at, t->in_n - t->in_at);
	size_t n = span_find(have, '\n');
	size_t room = MAIL_LINE_MOST - out->n;

	*whole = n < have.n && n <= room;
	if (n > room)
		n = room;
	str_add(out, span_sub(have, 0, n));
	t->in_at += (unsigned)n + *whole;
}

/* As the kernel's line discipline gives it, or a script. */
static enum mail_input plain_line(struct mail_term *t, struct str *out)
{
	enum mail_input why = MAIL_LINE;
	bool whole = false;
	enum mail_fill got;

	while (!t->hangup) {
		if (t->in_at < t->in_n)
			add_line_piece(t, out, &whole);
		t->partial = !whole && out->n >= MAIL_LINE_MOST;
		if (whole || t->partial)
			return out->bad ? MAIL_HANGUP : MAIL_LINE;
		if (t->in_at < t->in_n)
			continue;
		got = mail_term_fill(t, &why);
		if (got == FILL_DATA || got == FILL_REDRAW)
			continue;
		/* a last line without its line feed is a line */
		return why == MAIL_EOF && out->n ? MAIL_LINE : why;
	}
	return MAIL_HANGUP;
}

static void show_prompt(struct mail_term *t, const char *prompt,
		struct span text)
{
	if (!t->tty_in)
		return;
	mail_term_text(t, span_of(prompt));
	if (text.n) {
		mail_term_text(t, SPAN("["));
		mail_term_text(t, text);
		mail_term_text(t, SPAN("] "));
	}
}

enum mail_input mail_term_edit(struct mail_term *t, const char *prompt,
		struct span text, struct str *out)
{
	enum mail_input in;

	mail_term_charset(t);
	str_clear(out);
	t->partial = t->pasted = false;
	t->column = 0;
	if (CFG_MAIL_EDIT && t->kind && !t->hangup) {
		in = mail_term_edit_line(t, prompt, text, out);
	} else {
		show_prompt(t, prompt, text);
		mail_term_lines_begin(t);
		in = plain_line(t, out);
		mail_term_keys_end(t);
		if (t->tty_in)
			mail_term_decode(t, out);
		if (in == MAIL_LINE && !out->n)
			str_add(out, text);
	}
	t->ask = MAIL_ASK_TEXT;
	t->column = 0;
	return in;
}

enum mail_input mail_term_line(struct mail_term *t, const char *prompt,
		struct str *out)
{
	return mail_term_edit(t, prompt, SPAN(""), out);
}

long mail_term_block(struct mail_term *t, void *buf, unsigned long size)
{
	enum mail_fill got = FILL_DATA;
	enum mail_input why;
	unsigned n;

	while (t->in_at == t->in_n && got > 0) {
		got = mail_term_fill(t, &why);
		if (got <= 0)
			return got;
	}
	n = t->in_n - t->in_at;
	if (n > size)
		n = (unsigned)size;
	memcpy(buf, t->in + t->in_at, n);
	t->in_at += n;
	return n;
}
