#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>
#include <cmocka.h>

static void sets(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, ERR_PERM, "%s %d", "no", 7), -1);
	assert_int_equal(err.kind, ERR_PERM);
	assert_string_equal(err.text, "no 7");
	assert_int_equal(err_set(NULL, ERR_PERM, "x"), -1);
	assert_int_equal(err_errno(NULL, "x"), -1);
}

static void text_is_cut(void **state)
{
	struct err err;
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, ERR_TEMP, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	errno = ENOENT;
	err_errno(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	text[sizeof(err.text) - 2] = '\0';
	errno = ENOENT;
	err_errno(&err, "%s", text);
	assert_int_equal(err.text[sizeof(err.text) - 2], ':');
	assert_int_equal(err.text[sizeof(err.text) - 1], '\0');
}

static void text_is_one_line(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, ERR_TEMP, "%s", "550 no\r\n250 yes\x7f\x1b[m\xc3\xa4");
	assert_string_equal(err.text, "550 no  250 yes  [m\xc3\xa4");
}

static void adds_errno(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "open %s", "/x"), -1);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_string_equal(err.text, "open /x: No such file or directory");
	assert_int_equal(errno, ENOENT);
	errno = ENOMEM;
	err_errno(&err, "x");
	assert_int_equal(err.kind, ERR_NOMEM);
}

static void kinds(void **state)
{
	static const struct {
		enum err_kind kind;
		int smtp;
		const char *enhanced;
		int exit;
	} rows[] = {
		{ ERR_TEMP, 451, "4.3.0", EX_TEMPFAIL },
		{ ERR_PERM, 550, "5.0.0", EX_UNAVAILABLE },
		{ ERR_PROTO, 501, "5.5.2", EX_PROTOCOL },
		{ ERR_AUTH, 535, "5.7.8", EX_NOPERM },
		{ ERR_NOMEM, 452, "4.3.1", EX_TEMPFAIL },
		/* no kind at all is treated as a fault that may go away */
		{ ERR_KIND_COUNT, 451, "4.3.0", EX_TEMPFAIL },
		{ (enum err_kind)-1, 451, "4.3.0", EX_TEMPFAIL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(err_smtp(rows[i].kind), rows[i].smtp);
		assert_string_equal(err_enhanced(rows[i].kind),
				rows[i].enhanced);
		assert_int_equal(err_exit(rows[i].kind), rows[i].exit);
	}
	/* the class of both codes is the same */
	for (int k = ERR_NONE; k < ERR_KIND_COUNT; k++)
		assert_int_equal(err_smtp((enum err_kind)k) / 100,
				err_enhanced((enum err_kind)k)[0] - '0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(text_is_cut),
		cmocka_unit_test(text_is_one_line),
		cmocka_unit_test(adds_errno),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
