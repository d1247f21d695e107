#include "mailconf/foreign.h"

#include <string.h>

/* What a key of theirs is to us; beyond MSMTP_KEYS: */
enum {
	KEY_SERVER = MSMTP_KEYS,	/* host and port in one */
	KEY_PASSWORDS,			/* a file that has them */
	KEY_LEVEL,			/* Postfix's smtp_tls_security_level */
	/* no counterpart; text says more, or "" */
	KEY_NOTE
};

struct key {
	const char *name;
	int key;
	const char *text;		/* the value, where theirs has none */
};

static bool is_yes(struct span s)
{
	return span_is(s, "yes") || span_is(s, "true") || span_is(s, "on")
		|| span_is(s, "1");
}

static void set(struct msmtp_account *a, enum msmtp_key key, struct span value)
{
	a->value[key] = value.n ? value : SPAN("");
}

/* HOST, HOST:PORT, [HOST]:PORT; an IPv6 address has brackets. */
static void set_server(struct msmtp_account *a, struct span text)
{
	size_t colon = span_rfind(text, ':'), end = span_find(text, ']');

	if (text.n && text.p[0] == '[' && end < text.n) {
		set(a, MSMTP_HOST, span_sub(text, 1, end - 1));
		text = span_rest(text, end + 1);
		colon = 0;
	} else {
		set(a, MSMTP_HOST, span_sub(text, 0, colon));
		text = span_rest(text, colon);
	}
	if (text.n > 1)
		set(a, MSMTP_PORT, span_rest(text, 1));
}

/* Postfix: may and encrypt take any certificate. */
static void set_level(struct msmtp_account *a, struct span level)
{
	bool sure = span_is(level, "verify") || span_is(level, "secure");

	if (!level.n)
		return;
	set(a, MSMTP_TLS, span_is(level, "none") ? SPAN("off") : SPAN("on"));
	set(a, MSMTP_CERTCHECK, sure ? SPAN("on") : SPAN("off"));
}

static void take(struct msmtp *m, struct msmtp_account *a,
		const struct key *keys, struct span name, struct span value,
		struct span *passwords)
{
	while (keys->name && !span_is(name, keys->name))
		keys++;
	if (!keys->name)
		msmtp_note(m, name, "has no counterpart");
	else if (keys->key == KEY_SERVER)
		set_server(a, value);
	else if (keys->key == KEY_LEVEL)
		set_level(a, value);
	else if (keys->key == KEY_PASSWORDS)
		*passwords = value;
	else if (keys->key == KEY_NOTE && *keys->text)
		msmtp_note(m, name, keys->text);
	else if (keys->key != KEY_NOTE)
		set(a, (enum msmtp_key)keys->key, keys->text ?
				span_of(keys->text) : value);
}

/* yes and no, TRUE and 1 are all said alike then. */
static void settle(struct msmtp_account *a)
{
	static const enum msmtp_key flags[] = { MSMTP_TLS, MSMTP_STARTTLS,
		MSMTP_CERTCHECK };

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (a->value[flags[i]].p)
			set(a, flags[i], is_yes(a->value[flags[i]]) ?
					SPAN("on") : SPAN("off"));
	if (a->value[MSMTP_USER].n && !a->value[MSMTP_AUTH].p)
		set(a, MSMTP_AUTH, SPAN("on"));
}

static struct msmtp_account *add(struct msmtp *m, struct span name)
{
	struct msmtp_account *a;

	if (m->n > MSMTP_ACCOUNTS)
		return NULL;
	a = &m->account[m->n++];
	*a = (struct msmtp_account){ .name = name };
	return a;
}

/* ---- lines: "key=value", "key value", and Postfix's that go on */

static const struct key ssmtp[] = {
	{ "mailhub", KEY_SERVER, NULL }, { "authuser", MSMTP_USER, NULL },
	{ "authpass", MSMTP_PASSWORD, NULL },
	{ "authmethod", MSMTP_AUTH, NULL },
	{ "usetls", MSMTP_TLS, NULL }, { "usestarttls", MSMTP_STARTTLS, NULL },
	{ "tls_ca_file", MSMTP_TRUST, NULL },
	{ "hostname", MSMTP_DOMAIN, NULL },
	{ "fromlineoverride", KEY_NOTE, "" }, { "debug", KEY_NOTE, "" },
	{ "root", KEY_NOTE, "/etc/aliases says who root is" },
	{ "rewritedomain", KEY_NOTE, "masquerade does so (MASQUERADE)" },
	{ 0 }
}, dma[] = {
	{ "smarthost", KEY_SERVER, NULL }, { "port", MSMTP_PORT, NULL },
	{ "securetransfer", MSMTP_TLS, "on" },
	{ "starttls", MSMTP_STARTTLS, "on" },
	{ "fingerprint", MSMTP_FINGERPRINT, NULL },
	{ "authpath", KEY_PASSWORDS, NULL }, { "aliases", MSMTP_ALIASES, NULL },
	{ "mailname", MSMTP_DOMAIN, NULL }, { "spooldir", KEY_NOTE, "" },
	{ "fullbounce", KEY_NOTE, "" },
	{ "masquerade", KEY_NOTE, "masquerade does so (MASQUERADE)" },
	{ "opportunistic_tls", KEY_NOTE, "with a login TLS is no mere wish" },
	{ "certfile", KEY_NOTE, "no client certificates on the way out" },
	{ 0 }
}, postfix[] = {
	{ "relayhost", KEY_SERVER, NULL },
	{ "smtp_sasl_password_maps", KEY_PASSWORDS, NULL },
	{ "smtp_sasl_auth_enable", KEY_NOTE, "" },
	{ "smtp_sasl_security_options", KEY_NOTE, "" },
	{ "smtp_sasl_tls_security_options", KEY_NOTE, "" },
	{ "smtp_tls_security_level", KEY_LEVEL, NULL },
	{ "smtp_use_tls", MSMTP_TLS, NULL },
	{ "smtp_tls_wrappermode", MSMTP_STARTTLS, NULL },
	{ "smtp_tls_cafile", MSMTP_TRUST, NULL },
	{ "smtp_tls_session_cache_database", KEY_NOTE, "" },
	{ "compatibility_level", KEY_NOTE, "" },
	{ "myhostname", KEY_NOTE, "hostname says it" },
	{ "mydestination", KEY_NOTE, "domain lines say it" },
	{ "mynetworks", KEY_NOTE, "relay-from says it" },
	{ "message_size_limit", KEY_NOTE, "max-message-size says it" },
	{ "alias_maps", KEY_NOTE, "aliases says it" },
	{ "smtp_generic_maps", KEY_NOTE, "masquerade does so (MASQUERADE)" },
	{ "sender_dependent_relayhost_maps", KEY_NOTE,
		"from= of smarthost lines does so" },
	{ "transport_maps", KEY_NOTE, "route lines do so" },
	{ 0 }
}, nullmailer[] = {
	{ "port", MSMTP_PORT, NULL }, { "user", MSMTP_USER, NULL },
	{ "pass", MSMTP_PASSWORD, NULL }, { "auth-login", MSMTP_AUTH, "login" },
	{ "starttls", MSMTP_STARTTLS, "on" }, { "ssl", MSMTP_STARTTLS, "off" },
	{ "tls", MSMTP_STARTTLS, "off" },
	{ "insecure", MSMTP_CERTCHECK, "off" },
	{ "x509cafile", MSMTP_TRUST, NULL }, { 0 }
};

/* A line with those that go on from it: behind blanks. */
static struct span logical_line(struct span *text)
{
	struct span line = span_cut(text, '\n');

	while (text->n && (text->p[0] == ' ' || text->p[0] == '\t')) {
		struct span more = span_cut(text, '\n');

		line.n = (size_t)(more.p + more.n - line.p);
	}
	return span_trim(line);
}

static int parse_lines(struct msmtp *m, const struct key *keys, char sep,
		struct span text, struct span *passwords)
{
	struct msmtp_account *a = add(m, SPAN("default"));

	while (a && text.n) {
		struct span rest = keys == postfix ? logical_line(&text) :
			span_trim(span_cut(&text, '\n')), name;

		if (!rest.n || rest.p[0] == '#')
			continue;
		name = sep == ' ' ? span_word(&rest) :
			span_trim(span_cut(&rest, sep));
		take(m, a, keys, name, span_trim(rest), passwords);
	}
	return a ? 0 : -1;
}

/* with_flag: it says STARTTLS, as ours; else TLS from the start. */
static void turn_wrapper(struct msmtp_account *a, bool with_flag)
{
	struct span v = a->value[MSMTP_STARTTLS];

	set(a, MSMTP_STARTTLS, is_yes(v) == with_flag ? SPAN("on") :
			SPAN("off"));
	if (with_flag && is_yes(v))
		set(a, MSMTP_TLS, SPAN("on"));
}

/* HOST [PROTOCOL [OPTION...]] */
static int parse_remote(struct msmtp *m, struct span line)
{
	struct span host = span_word(&line), protocol = span_word(&line), none;
	struct msmtp_account *a;

	if (protocol.n && !span_is(protocol, "smtp")) {
		msmtp_note(m, host, "has no SMTP");
		return 0;
	}
	a = add(m, host);
	if (!a)
		return -1;
	set(a, MSMTP_HOST, host);
	while (line.n) {
		struct span value = span_word(&line), name;

		while (value.n && value.p[0] == '-')
			value = span_rest(value, 1);
		name = span_cut(&value, '=');
		if (name.n)
			take(m, a, nullmailer, name, value, &none);
	}
	if (a->value[MSMTP_STARTTLS].p)
		set(a, MSMTP_TLS, SPAN("on"));
	settle(a);
	return 0;
}

static int parse_remotes(struct msmtp *m, struct span text)
{
	int rc = 0;

	m->all = true;
	while (text.n && rc == 0) {
		struct span line = span_trim(span_cut(&text, '\n'));

		if (line.n && line.p[0] != '#')
			rc = parse_remote(m, line);
	}
	return rc;
}

/* ---- programs */

static const struct {
	const char *name, *place;
	const struct key *keys;
	char sep;			/* behind a key */
	bool flag;			/* see turn_wrapper */
} programs[] = {
	{ "ssmtp", "/etc/ssmtp/ssmtp.conf", ssmtp, '=', true },
	{ "nullmailer", "/etc/nullmailer/remotes", NULL, 0, false },
	{ "dma", "/etc/dma/dma.conf", dma, ' ', true },
	{ "postfix", "/etc/postfix/main.cf", postfix, '=', false }
};
#define PROGRAMS (sizeof(programs) / sizeof(*programs))

const char *foreign_place(const char *program)
{
	for (size_t i = 0; i < PROGRAMS; i++)
		if (strcmp(program, programs[i].name) == 0)
			return programs[i].place;
	return NULL;
}

int foreign_parse(struct msmtp *m, const char *program, struct span text,
		struct span *passwords)
{
	struct msmtp_account *a = &m->account[1];
	size_t i = 0;
	int rc;

	msmtp_init(m);
	*passwords = SPAN("");
	while (i + 1 < PROGRAMS && strcmp(program, programs[i].name) != 0)
		i++;
	if (!programs[i].keys)
		return parse_remotes(m, text);
	rc = parse_lines(m, programs[i].keys, programs[i].sep, text,
			passwords);
	if (rc == 0) {
		turn_wrapper(a, programs[i].flag);
		settle(a);
		/*
		 * no relayhost: it delivers by MX, as we do without smarthost
		 */
		if (!a->value[MSMTP_HOST].n)
			m->n = 1;
	}
	return rc;
}

/* dma: "USER|HOST:PASSWORD"; Postfix: "[HOST]:PORT USER:PASSWORD" */
void foreign_passwords(struct msmtp *m, const char *program, struct span text)
{
	struct msmtp_account *a = &m->account[1];
	bool is_dma = strcmp(program, "dma") == 0;

	while (m->n > 1 && text.n) {
		struct span line = span_trim(span_cut(&text, '\n')), user;
		struct msmtp_account of = { 0 };

		if (!line.n || line.p[0] == '#')
			continue;
		if (is_dma) {
			user = span_cut(&line, '|');
			set_server(&of, span_cut(&line, ':'));
		} else {
			set_server(&of, span_word(&line));
			user = span_trim(span_cut(&line, ':'));
		}
		if (!span_caseeq(of.value[MSMTP_HOST], a->value[MSMTP_HOST]) ||
				(!is_dma && !span_eq(of.value[MSMTP_PORT],
					a->value[MSMTP_PORT])))
			continue;
		set(a, MSMTP_USER, user);
		set(a, MSMTP_PASSWORD, line);
		set(a, MSMTP_AUTH, SPAN("on"));
		return;
	}
}
