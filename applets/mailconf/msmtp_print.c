#include "mailconf/msmtp.h"

#include <string.h>

#include "config.h"

enum { FINGERPRINT = 64 };		/* hex digits of SHA-256 */

static bool is_set(const struct msmtp_account *a, enum msmtp_key key)
{
	return a->value[key].p;
}

/* msmtp: "on", or nothing at all behind the word. */
static bool is_on(const struct msmtp_account *a, enum msmtp_key key,
		bool otherwise)
{
	const struct span *v = &a->value[key];

	return v->p ? !v->n || span_eq(*v, SPAN("on")) : otherwise;
}

/* Ours end where a line does and have quotes about blanks. */
static bool can_say(struct span value)
{
	return value.n && !span_has(value, '"') && !span_has_control(value) &&
		!span_has(value, '\t');
}

static void put_word(struct str *out, const char *key, struct span value)
{
	bool quotes = span_has(value, ' ') || (!*key && value.p[0] == '#');

	str_addf(out, quotes ? " \"%s%.*s\"" : " %s%.*s", key,
			SPAN_ARG(value));
}

/* -- names in comments and paths: what others wrote may hold anything -- */

static void put_name(struct str *out, struct span name)
{
	for (size_t i = 0; i < name.n && i < 64; i++)
		str_addc(out, span_isalnum(span_sub(name, i, 1), "-_.@+") ?
				name.p[i] : '_');
}

void msmtp_secret(const struct msmtp_account *a, bool first, const char *path,
		struct str *out)
{
	str_adds(out, path ? path : MSMTP_SECRET);
	if (first)
		return;
	str_addc(out, '.');
	put_name(out, a->name);
}

/* -- one account -- */

static bool logs_in(const struct msmtp_account *a)
{
	const struct span *auth = &a->value[MSMTP_AUTH];

	return auth->p && !span_eq(*auth, SPAN("off"));
}

/* What prints the password, or the token. */
static bool has_command(const struct msmtp_account *a)
{
	return is_set(a, MSMTP_PASSWORDEVAL) && !is_set(a, MSMTP_PASSWORD);
}

static bool is_oauth(const struct msmtp_account *a)
{
	return span_is(a->value[MSMTP_AUTH], "oauthbearer") ||
		span_is(a->value[MSMTP_AUTH], "xoauth2");
}

static bool is_hash(struct span s, char hex[FINGERPRINT + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':')
			continue;
		if (n == FINGERPRINT || !span_isalnum(span_sub(s, i, 1), "") ||
				ascii_lower(s.p[i]) > 'f')
			return false;
		hex[n++] = ascii_lower(s.p[i]);
	}
	hex[n] = '\0';
	return n == FINGERPRINT;
}

/* msmtp takes names of /etc/services, too. Empty: not one of ours. */
static struct span port_of(const struct msmtp_account *a)
{
	static const char names[][2][12] = {
		{ "smtp", "25" }, { "submission", "587" }, { "smtps", "465" },
		{ "submissions", "465" }, { "ssmtp", "465" }
	};
	struct span port = a->value[MSMTP_PORT];
	unsigned long n;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(port, names[i][0]))
			return span_of(names[i][1]);
	return span_number(port, 65535, &n) ? port : SPAN("");
}

static void put_host(struct str *out, const struct msmtp_account *a)
{
	struct span host = a->value[MSMTP_HOST], port = port_of(a);
	bool tls = is_on(a, MSMTP_TLS, false);
	bool start = is_on(a, MSMTP_STARTTLS, true);

	str_addf(out, span_has(host, ':') ? "smarthost [%.*s]:" :
			"smarthost %.*s:", SPAN_ARG(host));
	if (port.n)
		str_add(out, port);
	else
		str_adds(out, tls && !start ? "465" : "25");
	str_adds(out, !tls ? " none" : start ? " starttls" : " tls");
}

static void put_trust(struct str *out, const struct msmtp_account *a)
{
	char hex[FINGERPRINT + 1];

	if (!is_on(a, MSMTP_TLS, false))
		return;
	if (is_set(a, MSMTP_FINGERPRINT) &&
			is_hash(a->value[MSMTP_FINGERPRINT], hex))
		str_addf(out, " fingerprint=%s", hex);
	else if (!is_on(a, MSMTP_CERTCHECK, true))
		str_adds(out, " noverify");
}

static void put_login(struct str *out, const struct msmtp_account *a,
		bool first, const char *path)
{
	struct str secret;

	if (!logs_in(a) || !is_set(a, MSMTP_USER))
		return;
	put_word(out, "user=", a->value[MSMTP_USER]);
	if (has_command(a)) {
		put_word(out, is_oauth(a) ? "token-command=" :
				"password-command=",
				can_say(a->value[MSMTP_PASSWORDEVAL]) ?
				a->value[MSMTP_PASSWORDEVAL] :
				SPAN(MSMTP_SCRIPT));
		return;
	}
	if (CFG_OAUTH && is_oauth(a)) {
		str_adds(out, " token-file=" MSMTP_TOKEN);
		return;
	}
	str_init(&secret, 1024);
	msmtp_secret(a, first, path, &secret);
	put_word(out, "password-file=", str_span(&secret));
	str_free(&secret);
}

/* -- what a line cannot say -- */

static bool is_mechanism(struct span auth)
{
	static const char *const ours[] = {
		"", "on", "plain", "login", "scram-sha-256"
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (span_is(auth, ours[i]))
			return true;
	return false;
}

static void note_command(struct str *out, const struct msmtp_account *a)
{
	struct span command = a->value[MSMTP_PASSWORDEVAL];

	str_adds(out, "# queue runs its command, as its own user: keys and "
			"keyrings of yours are\n#   not there\n");
	if (can_say(command))
		return;
	str_adds(out, "# the command has quotes in it: make " MSMTP_SCRIPT
			" a script of it:\n#   ");
	for (size_t i = 0; i < command.n; i++)
		str_addc(out, command.p[i] < ' ' || command.p[i] > '~' ? '?' :
				command.p[i]);
	str_addc(out, '\n');
}

static void note_login(struct str *out, const struct msmtp_account *a,
		bool first, const char *path)
{
	struct span auth = a->value[MSMTP_AUTH];

	if (!logs_in(a))
		return;
	if (is_oauth(a))
		str_adds(out, has_command(a) ? "# OAuth: its command has to "
				"print a token; smtp --authorize does without "
				"one\n" : "# OAuth: see smtp --authorize\n");
	else if (!is_mechanism(auth))
		str_adds(out, "# its auth method is not known here: the best "
				"that both know is taken\n");
	if (!is_set(a, MSMTP_USER)) {
		str_adds(out, "# auth without user: the user was not found "
				"in the file\n");
		return;
	}
	if (has_command(a)) {
		note_command(out, a);
	} else if (CFG_OAUTH && is_oauth(a)) {
		return;
	} else if (is_set(a, MSMTP_PASSWORD) && !path) {
		str_adds(out, "# its password belongs into the first line of ");
		msmtp_secret(a, first, path, out);
		str_adds(out, ", mode 0600;\n#   --password-file PATH writes "
				"it\n");
	} else if (!is_set(a, MSMTP_PASSWORD)) {
		str_adds(out, "# the file has no password: msmtp had it from "
				"~/.netrc or a keyring\n");
	}
}

static void note_rest(struct str *out, const struct msmtp_account *a,
		bool first)
{
	char hex[FINGERPRINT + 1];
	struct span from = a->value[MSMTP_FROM];

	if (is_set(a, MSMTP_FINGERPRINT) &&
			!is_hash(a->value[MSMTP_FINGERPRINT], hex))
		str_adds(out, "# its fingerprint is not SHA-256: smtp --check "
				"shows that\n");
	if (first && can_say(from) && !span_has(from, '%'))
		str_addf(out, "# it sent as %.*s: sender=%.*s on the line does "
				"so (MASQUERADE)\n", SPAN_ARG(from),
				SPAN_ARG(from));
	if (span_is(a->value[MSMTP_PROTOCOL], "lmtp"))
		str_adds(out, "# it speaks LMTP: route * lmtp:[HOST]:PORT\n");
}

/* from= of ours has addresses and @DOMAIN; msmtp has patterns, too. */
static bool put_from(struct str *out, struct span from)
{
	if (span_starts(from, "*@"))
		from = span_rest(from, 1);
	if (!can_say(from) || span_has(from, '*') || span_has(from, '?') ||
			span_has(from, ' ') || !span_has(from, '@'))
		return false;
	put_word(out, "from=", from);
	return true;
}

static bool sayable(const struct msmtp_account *a)
{
	static const enum msmtp_key words[] = {
		MSMTP_HOST, MSMTP_PORT, MSMTP_USER
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (is_set(a, words[i]) && !can_say(a->value[words[i]]))
			return false;
	return is_set(a, MSMTP_HOST) && (!is_set(a, MSMTP_PORT) ||
			port_of(a).n);
}

static void print_account(struct str *out, const struct msmtp_account *a,
		bool first, bool all, const char *path)
{
	struct str line;

	str_adds(out, "\n# account ");
	put_name(out, a->name);
	str_addc(out, '\n');
	if (!sayable(a)) {
		str_adds(out, is_set(a, MSMTP_HOST) ?
				"# cannot be said in our configuration\n" :
				"# it has no host\n");
		return;
	}
	note_login(out, a, first, path);
	note_rest(out, a, first);
	str_init(&line, 4096);
	put_host(&line, a);
	put_login(&line, a, first, path);
	put_trust(&line, a);
	if (!first && !all && !put_from(&line, a->value[MSMTP_FROM]))
		str_adds(out, "# it is not the default one and has no from "
				"that tells its mail: not in use\n# ");
	str_add(out, str_span(&line));
	str_addc(out, '\n');
	str_free(&line);
}

/* -- what holds for all -- */

static void print_common(struct str *out, const struct msmtp_account *a)
{
	struct span trust = a->value[MSMTP_TRUST];

	if (can_say(trust) && trust.p[0] == '/') {
		str_adds(out, "tls-ca");
		put_word(out, "", trust);
		str_addc(out, '\n');
	} else if (trust.n && !span_is(trust, "system")) {
		str_adds(out, "# tls_trust_file: tls-ca wants a path from / "
				"on\n");
	}
	if (can_say(a->value[MSMTP_ALIASES])) {
		str_adds(out, "# aliases");
		put_word(out, "", a->value[MSMTP_ALIASES]);
		str_adds(out, "\n#   (sendmail -t expanded them at once, our "
				"queue does later)\n");
	}
	if (can_say(a->value[MSMTP_DOMAIN]))
		str_addf(out, "# EHLO said %.*s: hostname does, for all\n",
				SPAN_ARG(a->value[MSMTP_DOMAIN]));
	if (is_set(a, MSMTP_TIMEOUT) && span_isalnum(a->value[MSMTP_TIMEOUT],
				"") && !span_is(a->value[MSMTP_TIMEOUT], "off"))
		str_addf(out, "connect-timeout %.*s\n",
				SPAN_ARG(a->value[MSMTP_TIMEOUT]));
	if (is_set(a, MSMTP_LOGFILE))
		str_adds(out, "# logfile: the daemons log to syslog, or maild "
				"-f to stderr\n");
}

void msmtp_print(const struct msmtp *m, const char *path, struct str *out)
{
	const struct msmtp_account *first = msmtp_default(m);

	str_add(out, str_span(&m->notes));
	print_common(out, first ? first : &m->account[0]);
	for (unsigned i = 1; i < m->n; i++) {
		const struct msmtp_account *a = &m->account[i];
		bool same = first && a != first;

		/* "account default : x" is x once more */
		for (int k = 0; same && k < MSMTP_KEYS; k++)
			same = span_eq(a->value[k], first->value[k]);
		if (!same)
			print_account(out, a, a == first, m->all, path);
	}
}
