#include "mail/options.h"

#include <string.h>
#include <unistd.h>
#include "applet.h"
#include "config.h"
#include "mail/var.h"
#include "os/text.h"

/* Behind an address these are sendmail's, as scripts for bsd-mailx have it. */
#define OF_SENDMAIL 3

static const struct opt_row all_rows[] = {
	{ 'f', "", OPT_TEXT, OPT_AT(struct mail_options, from) },
	{ 'F', "", OPT_IGNORE_ARG, 0 },
	{ 'o', "", OPT_IGNORE_ARG, 0 },
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
	/* what others call so, and what is so here in any case */
	USE_MAIL_NAIL({ 'I', "", OPT_FLAG,
		OPT_AT(struct mail_options, escapes) },)
	USE_MAIL_NAIL({ 0, "append", OPT_LIST,
		OPT_AT(struct mail_options, more) },)
	USE_MAIL_NAIL({ 0, "content-type", OPT_TEXT,
		OPT_AT(struct mail_options, type) },)
	USE_MAIL_NAIL({ 'B', "", OPT_IGNORE, 0 },)
	USE_MAIL_NAIL({ 'D', "", OPT_IGNORE, 0 },)
	USE_MAIL_NAIL({ 'h', "", OPT_IGNORE_ARG, 0 },)
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
	USE_MAIL_ACCOUNT({ 'A', "account", OPT_LIST,
		OPT_AT(struct mail_options, account) },)
	USE_MAIL_ATTACH({ 'A', "", OPT_LIST,
		OPT_AT(struct mail_options, more) },)
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
	return usage_parse(argc, argv, all_rows + OF_SENDMAIL, o);
}

/* Words of the command line that a sendmail option is; 0: it is none. */
static int sendmail_words(const char *word)
{
	if (!word[2] && strchr("iv", word[1]))
		return 1;
	return !strchr("fFor", word[1]) ? 0 : word[2] ? 1 : 2;
}

int mail_options_behind(struct mail *m, struct mail_options *o, char **v,
		int n)
{
	bool ended = false;
	int kept = 0, words, at;

	for (int i = 0; i < n; i++) {
		if (v[i][0] != '-' || !v[i][1]) {
			v[kept++] = v[i];
			continue;
		}
		words = ended ? sendmail_words(v[i]) : n - i;
		if (!kept || !words || !strcmp(v[-1], "--"))
			return err_set(&m->err, ERR_PERM,
				T("%s: addresses stand before -"), v[i]);
		/* it skips one word: the one before */
		at = opt_parse(1 + (words < n - i ? words : n - i), v + i - 1,
				all_rows, o, &m->err);
		if (at < 0)
			return -1;
		i += at - 2;
		ended = ended || !strcmp(v[i], "--");
	}
	return kept;
}

bool mail_options_write(const struct mail_options *o)
{
	return o->template || o->subject || o->cc.n || o->bcc.n || o->more.n ||
			o->fields.n || o->type || o->quoted;
}

bool mail_options_file(struct mail *m, const char *name)
{
	return CFG_MAIL_ATTACH && m->sending &&
			!mail_var_listed(m, MAIL_VAR_ACCOUNT, span_of(name)) &&
			access(name, F_OK) == 0;
}
