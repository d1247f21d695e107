#include "mail/draft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "mail/child.h"
#include "mail/letter.h"
#include "mail/record.h"
#include "mail/var.h"
#include "os/file.h"

static struct conf conf = {
	.max_recipients = 100, .max_message_size = 1000000,
	.hostname = (char[]){ "mail.a.com" }
};

static void begin(struct mail *m, struct mail_draft *d, const char *text)
{
	*m = (struct mail){ .conf = &conf };
	str_copys(m->address, sizeof(m->address), "me@a.com");
	assert_int_equal(mail_draft_init(m, d), 0);
	assert_int_equal(mail_draft_add(d, span_of(text)), 0);
}

static void end(struct mail *m, struct mail_draft *d)
{
	mail_draft_free(d);
	mail_var_free(m);
}

static int gather(void *arg, struct span piece)
{
	str_add(arg, piece);
	return 0;
}

static void assert_body(struct mail_draft *d, const char *want)
{
	struct str got;

	str_init(&got, 1000000);
	assert_int_equal(mail_draft_each(d, gather, &got), 0);
	assert_string_equal(str_c(&got), want);
	assert_int_equal(d->size, strlen(want));
	str_free(&got);
}

static void assert_field(struct mail_draft *d, enum mail_field f,
		const char *want)
{
	assert_string_equal(str_c(&d->field[f]), want);
}

/* ---- fields */

static void lines(void **state)
{
	struct mail_draft d;
	struct mail m;

	(void)state;
	begin(&m, &d, "");
	assert_int_equal(mail_draft_line(&m, &d, SPAN("To: bob al")), 0);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("tO:Al <a@b>")), 0);
	assert_field(&d, MAIL_TO, "bob, al, Al <a@b>");
	assert_int_equal(mail_draft_line(&m, &d, SPAN("Subject: 1")), 0);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("Subject: 2")), 0);
	assert_field(&d, MAIL_SUBJECT, "2");
	assert_int_equal(mail_draft_line(&m, &d, SPAN("X-A: b: c")), 0);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("MIME-Version: 9")), 0);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("X-B: \xC3\xBC")), 0);
	assert_field(&d, MAIL_MORE, "X-A: b: c\nX-B: =?UTF-8?B?w7w=?=\n");
	assert_int_equal(mail_draft_line(&m, &d, SPAN("no colon")), -1);
	assert_int_equal(mail_draft_line(&m, &d, SPAN(": x")), -1);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("A B: x")), -1);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("X: a\nBcc: b")), -1);
	assert_int_equal(mail_draft_line(&m, &d, SPAN("X: a\033[m")), -1);
	end(&m, &d);
}

static void template(void **state)
{
	struct mail_draft d;
	struct mail m;

	(void)state;
	begin(&m, &d, "# one\nTo: bob\n# two\nCc: al,\n dan\n\nbody\nCc: x\n");
	assert_int_equal(mail_draft_template(&m, &d), 0);
	assert_field(&d, MAIL_TO, "bob");
	assert_field(&d, MAIL_CC, "al, dan");
	assert_body(&d, "body\nCc: x\n");
	/* adding goes on behind it */
	assert_int_equal(mail_draft_add(&d, SPAN("more\n")), 0);
	assert_body(&d, "body\nCc: x\nmore\n");
	end(&m, &d);
	begin(&m, &d, "no field\nTo: bob\n");
	assert_int_equal(mail_draft_template(&m, &d), 0);
	assert_field(&d, MAIL_TO, "");
	assert_body(&d, "no field\nTo: bob\n");
	end(&m, &d);
}

static void fields_and_back(void **state)
{
	struct mail_draft d, e;
	struct mail m;
	struct str head;

	(void)state;
	begin(&m, &d, "");
	mail_draft_line(&m, &d, SPAN("To: bob"));
	mail_draft_line(&m, &d, SPAN("Bcc: eve"));
	mail_draft_line(&m, &d, SPAN("Subject: gr\xC3\xBCn"));
	mail_draft_line(&m, &d, SPAN("X-A: b"));
	str_init(&head, MAIL_DRAFT_ROOM);
	mail_draft_fields(&d, &head);
	end(&m, &d);
	begin(&m, &e, "");
	mail_draft_line(&m, &e, SPAN("Subject: mine"));
	mail_draft_fill(&m, &e, str_span(&head));
	str_free(&head);
	assert_field(&e, MAIL_TO, "bob");
	assert_field(&e, MAIL_BCC, "eve");
	assert_field(&e, MAIL_SUBJECT, "mine");	/* what is there stays */
	assert_field(&e, MAIL_MORE, "X-A: b\n");
	end(&m, &e);
}

/* ---- the body */

static int file_with(const char *text)
{
	struct err err;
	int fd = file_temporary(&err);

	assert_true(fd >= 0);
	assert_int_equal(file_write(fd, text, strlen(text)), 0);
	return fd;
}

static void replace(void **state)
{
	static const char *const texts[] = { "short\n", "", "much longer\nx" };
	struct mail_draft d;
	struct mail m;

	(void)state;
	begin(&m, &d, "the old text\n");
	for (size_t i = 0; i < 3; i++) {
		int fd = file_with(texts[i]);

		assert_int_equal(mail_draft_replace(&d, fd), 0);
		assert_body(&d, texts[i]);
		close(fd);
	}
	assert_false(d.ends_in_lf);
	assert_int_equal(mail_draft_cut(&d, 5), 0);
	assert_body(&d, "longer\nx");
	end(&m, &d);
}

static void add_file(void **state)
{
	int fd = file_with("0123456789\n");
	struct mail_draft d;
	struct mail m;

	(void)state;
	begin(&m, &d, "a");
	assert_int_equal(mail_draft_add_file(&d, fd, 8), 0);
	assert_body(&d, "a89\n");
	assert_true(d.ends_in_lf);
	assert_int_equal(mail_draft_add_file(&d, -1, 0), -1);
	assert_body(&d, "a89\n");
	close(fd);
	end(&m, &d);
}

/* ---- names */

static void record_names(void **state)
{
	static const char *const pairs[][2] = {
		{ "Bob <bob@b.com>", "bob" }, { "bob", "bob" },
		{ "a/b@x", "a_b" }, { "\"/etc/x\"@x", "_etc_x" },
		{ "\"..\"@x", "_.._" }, { "+x@x", "_x" }, { "-x@x", "_x" },
		{ "\"a b;c\"@x", "_a_b_c_" }, { "a+b=c_d-e.f@x", "a+b=c_d-e.f" }
	};
	char name[NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(mail_record_name(span_of(pairs[i][0]), name),
				0);
		assert_string_equal(name, pairs[i][1]);
	}
	assert_int_equal(mail_record_name(SPAN(""), name), -1);
}

static void shell_words(void **state)
{
	struct str s;

	(void)state;
	str_init(&s, 100);
	mail_child_word(&s, SPAN("a'b $x"));
	assert_string_equal(str_c(&s), "'a'\\''b $x'");
	str_free(&s);
}

/* ---- the letter */

static void envelope(void **state)
{
	struct mail_draft d;
	struct letter l;
	struct mail m;

	(void)state;
	begin(&m, &d, "hi");
	mail_draft_line(&m, &d, SPAN("To: bob, Al <bob@a.com>, c@c.com"));
	mail_draft_line(&m, &d, SPAN("Bcc: eve@e.com"));
	mail_draft_line(&m, &d, SPAN("From: other@o.com"));
	letter_init(&l, &m);
	assert_int_equal(letter_make(&l, &d), 0);
	assert_int_equal(l.n, 3);
	assert_memory_equal(l.rcpts.p, "bob@a.com\0c@c.com\0eve@e.com", 28);
	assert_string_equal(str_c(&l.sender), "me@a.com");
	assert_non_null(strstr(str_c(&l.header), "\nFrom: other@o.com\n") ?
			"" : span_starts(str_span(&l.header),
				"From: other@o.com\n") ? "" : NULL);
	assert_null(strstr(str_c(&l.header), "eve"));
	assert_body(&d, "hi\n");
	letter_free(&l);
	end(&m, &d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(template),
		cmocka_unit_test(fields_and_back),
		cmocka_unit_test(replace),
		cmocka_unit_test(add_file),
		cmocka_unit_test(record_names),
		cmocka_unit_test(shell_words),
		cmocka_unit_test(envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
