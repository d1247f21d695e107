#include "mailuser/mailuser.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "base/utf8.h"
#include "os/rand.h"
#include "os/terminal.h"

static int read_line(const struct terminal *t, char out[PASSWORD_SIZE],
		struct err *err)
{
	int got = terminal_line(t, out, PASSWORD_SIZE, err);
	size_t n = (size_t)got;

	if (got < 0)
		return got;
	if (!n)
		return err_set(err, ERR_PERM, "the password is empty");
	if (strlen(out) != n || !utf8_valid(span_make(out, n)))
		return err_set(err, ERR_PERM, "the password is not UTF-8");
	/* RFC 8265 4.2.2; in PASS it would be refused */
	if (!utf8_clean(span_make(out, n)))
		return err_set(err, ERR_PERM, "the password has a control "
				"character");
	return 0;
}

static int read_twice(const struct terminal *t, char out[PASSWORD_SIZE],
		const char *who, struct err *err)
{
	char again[PASSWORD_SIZE];
	int result;

	fprintf(stderr, "Password for %s: ", who);
	result = read_line(t, out, err);
	if (result < 0)
		return result;
	fprintf(stderr, "The same again: ");
	result = read_line(t, again, err);
	if (result == 0 && strcmp(out, again) != 0)
		result = err_set(err, ERR_PERM, "the two differ");
	explicit_bzero(again, sizeof(again));
	return result;
}

int mailuser_ask_password(char out[PASSWORD_SIZE], const char *who,
		struct err *err)
{
	struct terminal t;
	int result;

	terminal_quiet(&t, STDIN_FILENO);
	result = t.interrupt < 0 ? read_line(&t, out, err) :
		read_twice(&t, out, who, err);
	terminal_loud(&t, result);
	return result;
}

void mailuser_make_password(char out[PASSWORD_SIZE])
{
	rand_word(out, PASSWORD_MADE);
}
