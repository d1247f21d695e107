#include "mail/options.h"

#include <string.h>
#include "applet.h"
#include "config.h"
#include "os/text.h"

static const struct opt_row rows[] = {
	{ 's', "subject", OPT_TEXT, OPT_AT(struct mail_options, subject) },
	{ 'c', "cc", OPT_LIST, OPT_AT(struct mail_options, cc) },
	{ 'b', "bcc", OPT_LIST, OPT_AT(struct mail_options, bcc) },
	{ 'r', "from", OPT_TEXT, OPT_AT(struct mail_options, from) },
	{ 'a', "attach", OPT_LIST, OPT_AT(struct mail_options, more) },
	USE_MAIL_NAIL({ 'C', "header", OPT_LIST,
		OPT_AT(struct mail_options, fields) },)
	{ 'E', "", OPT_FLAG, OPT_AT(struct mail_options, skip_empty) },
	USE_MAIL_NAIL({ 'M', "type", OPT_TEXT,
		OPT_AT(struct mail_options, type) },)
	USE_MAIL_NAIL({ 'q', "quote-file", OPT_TEXT,
		OPT_AT(struct mail_options, quoted) },)
	USE_MAIL_RC({ 't', "template", OPT_FLAG,
		OPT_AT(struct mail_options, template) },)
	USE_MAIL_READ({ 'F', "record", OPT_FLAG,
		OPT_AT(struct mail_options, record) },)
	USE_MAIL_NAIL({ '~', "escapes", OPT_FLAG,
		OPT_AT(struct mail_options, escapes) },)
	USE_MAIL_READ({ 'd', "debug", OPT_FLAG,
		OPT_AT(struct mail_options, debug) },)
	USE_MAIL_READ({ 'f', "file", OPT_FLAG,
		OPT_AT(struct mail_options, file) },)
	USE_MAIL_READ({ 'u', "user", OPT_TEXT,
		OPT_AT(struct mail_options, user) },)
	USE_MAIL_READ({ 'e', "check", OPT_FLAG,
		OPT_AT(struct mail_options, exists) },)
	USE_MAIL_READ({ 'H', "headers", OPT_FLAG,
		OPT_AT(struct mail_options, headers) },)
	USE_MAIL_READ({ 'N', "no-headers", OPT_FLAG,
		OPT_AT(struct mail_options, no_headers) },)
	USE_MAIL_READ({ 'L', "list", OPT_TEXT,
		OPT_AT(struct mail_options, list) },)
	USE_MAIL_READ({ 'R', "read-only", OPT_FLAG,
		OPT_AT(struct mail_options, read_only) },)
	USE_MAIL_ACCOUNT({ 'A', "account", OPT_TEXT,
		OPT_AT(struct mail_options, account) },)
	USE_MAIL_RC({ 'S', "set", OPT_LIST, OPT_AT(struct mail_options, set) },)
	{ 'v', "verbose", OPT_FLAG, OPT_AT(struct mail_options, verbose) },
	{ 'i', "ignore", OPT_FLAG, OPT_AT(struct mail_options, ignore) },
	USE_MAILCONF_SETUP({ 0, "setup", OPT_FLAG,
		OPT_AT(struct mail_options, setup) },)
	{ 'n', "no-start-up", OPT_FLAG, OPT_AT(struct mail_options, bare) },
	{ 0 }
};

int mail_options_parse(int argc, char **argv, struct mail_options *o)
{
	return usage_parse(argc, argv, rows, o);
}

int mail_options_sendmail(struct mail *m, struct mail_options *o, char **v,
		int n)
{
	static const struct opt_row sendmail[] = {
		{ 'f', "", OPT_TEXT, OPT_AT(struct mail_options, from) },
		{ 'r', "", OPT_TEXT, OPT_AT(struct mail_options, from) },
		{ 'F', "", OPT_IGNORE_ARG, 0 },
		{ 'i', "", OPT_IGNORE, 0 },
		{ 'o', "", OPT_IGNORE_ARG, 0 },
		{ 'v', "", OPT_IGNORE, 0 },
		{ 0 }
	};
	int first = 0, at, count;

	while (first < n && v[first][0] != '-')
		first++;
	if (first == n)
		return n;
	/* opt_parse skips one word: the "--", or what is before */
	at = strcmp(v[first], "--") ? first - 1 : first;
	count = n - at;
	if (opt_parse(count, v + at, sendmail, o, &m->err) == count)
		return first;
	return m->err.kind ? -1 : err_set(&m->err, ERR_PERM,
			T("%s: addresses stand before -"), v[first]);
}
