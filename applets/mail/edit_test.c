#include "mail/edit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "base/utf8.h"

#define KEY(c) ((c) & 31)

struct bench {
	struct mail_term term;
	struct mail_edit e;
	struct str out;
};

static void begin(struct bench *b, enum mail_terminal kind, unsigned room)
{
	*b = (struct bench){ .term = { .kind = kind, .charset = MAIL_UTF8 } };
	mail_edit_init(&b->e, &b->term);
	str_init(&b->out, 65536);
	mail_edit_start(&b->e, MAIL_ASK_COMMAND, SPAN(""), room);
}

static void end(struct bench *b)
{
	mail_edit_free(&b->e);
	str_free(&b->out);
}

static void type(struct bench *b, const char *text)
{
	struct span rest = span_of(text);

	while (rest.n)
		assert_int_equal(mail_edit_key(&b->e, utf8_next(&rest)),
				EDIT_ON);
}

/* What drawing writes now. */
static const char *drawn(struct bench *b)
{
	str_clear(&b->out);
	mail_edit_draw(&b->e, &b->out);
	return str_c(&b->out);
}

static void key(struct bench *b, uint32_t k)
{
	assert_int_equal(mail_edit_key(&b->e, k), EDIT_ON);
}

static void enter(struct bench *b, const char *text)
{
	mail_edit_start(&b->e, MAIL_ASK_COMMAND, SPAN(""), 40);
	type(b, text);
	mail_edit_remember(&b->e);
	mail_edit_start(&b->e, MAIL_ASK_COMMAND, SPAN(""), 40);
}

#define IS(b, want) assert_string_equal(str_c(&(b)->e.text), want)

static void moving(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	type(&b, "one two");
	key(&b, KEY('A'));
	type(&b, "<");
	key(&b, KEY('E'));
	type(&b, ">");
	key(&b, KEY('B'));
	key(&b, KEY_LEFT);
	type(&b, "-");
	key(&b, KEY_RIGHT);
	key(&b, KEY('F'));
	type(&b, ".");
	IS(&b, "<one tw-o>.");
	key(&b, KEY_WORD_LEFT);
	type(&b, "!");
	key(&b, KEY_WORD_LEFT);
	key(&b, KEY_WORD_LEFT);
	key(&b, KEY_WORD_RIGHT);
	type(&b, "?");
	IS(&b, "<one? !tw-o>.");
	for (int i = 0; i < 50; i++)
		key(&b, KEY_RIGHT);
	for (int i = 0; i < 50; i++)
		key(&b, KEY_LEFT);
	type(&b, "=");
	IS(&b, "=<one? !tw-o>.");
	end(&b);
}

static void erasing(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	key(&b, 127);
	key(&b, KEY_DELETE);
	type(&b, "one two three");
	key(&b, KEY('H'));
	key(&b, KEY('W'));
	IS(&b, "one two ");
	key(&b, KEY('Y'));
	IS(&b, "one two thre");
	key(&b, KEY('A'));
	key(&b, KEY('D'));
	key(&b, KEY_DELETE);
	IS(&b, "e two thre");
	key(&b, KEY_RIGHT);
	key(&b, KEY('K'));
	IS(&b, "e");
	key(&b, KEY('Y'));
	key(&b, KEY_LEFT);
	key(&b, KEY('U'));
	IS(&b, "e");
	key(&b, KEY('E'));
	type(&b, "xyz");
	key(&b, KEY('T'));
	IS(&b, "exzy");
	key(&b, KEY('A'));
	key(&b, KEY('T'));
	IS(&b, "exzy");
	key(&b, KEY_RIGHT);
	key(&b, KEY('T'));
	IS(&b, "xezy");
	end(&b);
}

/* Accents and wide characters go as one. */
static void characters(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	type(&b, "e\u0301\u0323\u4f60x\U0001f600");
	assert_string_equal(drawn(&b), "e\u0301\u0323\u4f60x\U0001f600");
	assert_int_equal(b.e.column, 6);
	key(&b, 127);
	assert_string_equal(drawn(&b), "\b\b\033[K");
	key(&b, KEY_LEFT);
	key(&b, KEY_LEFT);
	assert_string_equal(drawn(&b), "\b\b\b");
	key(&b, 127);
	IS(&b, "\u4f60x");
	assert_string_equal(drawn(&b), "\b\u4f60x\033[K\b\b\b");
	end(&b);
}

/* 9600 baud: what is typed costs its own bytes. */
static void cheap(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	for (const char *c = "subject and more"; *c; c++) {
		type(&b, (const char[]){ *c, '\0' });
		assert_string_equal(drawn(&b), ((const char[]){ *c, '\0' }));
	}
	assert_string_equal(drawn(&b), "");
	key(&b, KEY_LEFT);
	assert_string_equal(drawn(&b), "\b");
	key(&b, KEY_RIGHT);
	assert_string_equal(drawn(&b), "e");
	key(&b, KEY('A'));
	assert_string_equal(drawn(&b), "\033[16D");
	key(&b, KEY_DELETE);
	assert_string_equal(drawn(&b), "ubject and more\033[K\033[15D");
	/* the same where the terminal can shift what stands */
	b.term.kind = MAIL_INSERTS;
	key(&b, KEY_DELETE);
	assert_string_equal(drawn(&b), "\033[1P");
	type(&b, "xy");
	assert_string_equal(drawn(&b), "\033[2@xy");
	end(&b);
}

/* A line longer than the window: it moves by a part of it, not by one. */
static void scrolling(void **state)
{
	struct bench b;
	size_t octets = 0;

	(void)state;
	begin(&b, MAIL_ANSI, 20);
	type(&b, "0123456789abcdefghij");
	assert_string_equal(drawn(&b), "0123456789abcdefghij");
	type(&b, "k");
	drawn(&b);
	assert_string_equal(str_c(&b.e.shown), "<789abcdefghijk");
	key(&b, KEY('A'));
	drawn(&b);
	assert_string_equal(str_c(&b.e.shown), "0123456789abcdefghij>");
	assert_int_equal(b.e.column, 0);
	key(&b, KEY('E'));
	drawn(&b);
	for (int i = 0; i < 100; i++) {
		type(&b, "x");
		octets += strlen(drawn(&b));
		assert_in_range(b.e.column, 1, 20);
	}
	assert_in_range(octets, 100, 500);
	end(&b);
}

static void other_charsets(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 20);
	b.term.charset = MAIL_ASCII;
	type(&b, "\u00e9\u4f60\u2026");
	assert_string_equal(drawn(&b), "e?...");
	key(&b, 127);
	assert_string_equal(drawn(&b), "\b\b\b\033[K");
	b.term.charset = MAIL_LATIN1;
	mail_edit_lost(&b.e, 20);
	assert_string_equal(drawn(&b), "\xe9?");
	end(&b);
}

static void history(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	key(&b, KEY_UP);
	key(&b, KEY_DOWN);
	IS(&b, "");
	enter(&b, "first");
	enter(&b, "second");
	enter(&b, "second");
	enter(&b, "");
	enter(&b, "rst");	/* ends as first does */
	type(&b, "new");
	key(&b, KEY_UP);
	IS(&b, "rst");
	key(&b, KEY('P'));
	IS(&b, "second");
	key(&b, KEY_UP);
	key(&b, KEY_UP);
	IS(&b, "first");
	key(&b, KEY('N'));
	key(&b, KEY_DOWN);
	key(&b, KEY_DOWN);
	key(&b, KEY_DOWN);
	IS(&b, "new");
	key(&b, KEY('U'));
	type(&b, "IR");
	key(&b, KEY('R'));
	IS(&b, "first");
	key(&b, KEY('R'));
	IS(&b, "first");
	/* a question of another kind has its own */
	mail_edit_start(&b.e, MAIL_ASK_SUBJECT, SPAN("Re: x"), 40);
	key(&b, KEY_UP);
	IS(&b, "Re: x");
	mail_edit_start(&b.e, MAIL_ASK_TEXT, SPAN(""), 40);
	key(&b, KEY_UP);
	key(&b, KEY('R'));
	mail_edit_remember(&b.e);
	IS(&b, "");
	end(&b);
}

static void history_is_limited(void **state)
{
	struct bench b;
	char line[500];

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	for (int i = 0; i < 100; i++) {
		memset(line, 'a' + i % 26, 400);
		line[400] = '\0';
		enter(&b, line);
		assert_in_range(b.e.past[MAIL_ASK_COMMAND].n, 401,
				MAIL_HISTORY_MOST);
	}
	key(&b, KEY_UP);
	assert_string_equal(str_c(&b.e.text), line);
	for (int i = 0; i < 100; i++)
		key(&b, KEY_UP);
	assert_int_equal(b.e.text.n, 400);
	end(&b);
}

/* A subject of somebody's: nothing of it floods or paints. */
static void hostile_text(void **state)
{
	struct bench b;
	struct str text;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	str_init(&text, 200000);
	str_adds(&text, "a");
	for (int i = 0; i < 30000; i++)
		str_adds(&text, "\u0301");
	str_adds(&text, "\033[2J\xff\u202e");
	mail_edit_start(&b.e, MAIL_ASK_SUBJECT, str_span(&text), 40);
	assert_string_equal(drawn(&b), "a\u0301\u0301\u0301\u0301^[[2J\ufffd?");
	str_clear(&text);
	for (int i = 0; i < 100000; i++)
		str_addc(&text, 'x');
	mail_edit_start(&b.e, MAIL_ASK_SUBJECT, str_span(&text), 40);
	assert_in_range(b.e.text.n, MAIL_LINE_MOST - 5, MAIL_LINE_MOST);
	drawn(&b);
	key(&b, KEY('A'));
	type(&b, "yyyyyyyy");
	assert_in_range(b.e.text.n, MAIL_LINE_MOST - 5, MAIL_LINE_MOST);
	str_free(&text);
	end(&b);
}

static void ends(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, MAIL_ANSI, 40);
	assert_int_equal(mail_edit_key(&b.e, KEY('D')), EDIT_END);
	type(&b, "x");
	assert_int_equal(mail_edit_key(&b.e, KEY('D')), EDIT_ON);
	assert_int_equal(mail_edit_key(&b.e, '\n'), EDIT_DONE);
	assert_int_equal(mail_edit_key(&b.e, '\r'), EDIT_DONE);
	assert_int_equal(mail_edit_key(&b.e, KEY('L')), EDIT_CLEAR);
	key(&b, KEY_NONE);
	key(&b, KEY('G'));
	key(&b, 0);
	IS(&b, "x");
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moving),
		cmocka_unit_test(erasing),
		cmocka_unit_test(characters),
		cmocka_unit_test(cheap),
		cmocka_unit_test(scrolling),
		cmocka_unit_test(other_charsets),
		cmocka_unit_test(history),
		cmocka_unit_test(history_is_limited),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
