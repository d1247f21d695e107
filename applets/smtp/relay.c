#include "smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/idna.h"
#include "base/utf8.h"
#include "config.h"
#include "net/tls_pins.h"
#include "os/terminal.h"

static const struct {
	char word[9];
	unsigned char tls;		/* enum conf_tls */
	unsigned short port;		/* where none is said */
} modes[] = {
	{ "none", CONF_TLS_NONE, 25 },
	{ "may", CONF_TLS_MAY, 25 },
	{ "starttls", CONF_TLS_STARTTLS, 587 },
	{ "tls", CONF_TLS_TLS, 465 }
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

/*
 * HOST, HOST:PORT, [HOST]:PORT; an IPv6 address needs its brackets. *port
 * stays when there is none.
 */
bool smtp_split_host(struct span text, char host[SMTP_HOST_MOST + 1],
		unsigned *port)
{
	size_t colon = span_rfind(text, ':');
	struct span rest = span_rest(text, colon);
	unsigned long n = *port;

	/* in brackets it belongs to the address */
	if (span_has(rest, ']'))
		rest.n = 0;
	text.n -= rest.n;
	if (text.n && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = span_sub(text, 1, text.n - 2);
	if (rest.n && !span_number(span_rest(rest, 1), 65535, &n))
		return false;
	*port = (unsigned)n;
	if (!utf8_ascii(text))
		return n && idna_ascii(host, text);
	return n && text.n && str_copy(host, SMTP_HOST_MOST + 1, text) == 0;
}

/* A password is never sent where TLS is a mere wish, so then it is more. */
static enum conf_tls default_tls(unsigned port, bool user)
{
	if (port == 465)
		return CONF_TLS_TLS;
	return port == 587 || user ? CONF_TLS_STARTTLS : CONF_TLS_MAY;
}

bool smtp_mode(const char *word, enum conf_tls *tls, unsigned *port)
{
	for (size_t i = 0; i < MODES; i++) {
		if (strcmp(word, modes[i].word) != 0)
			continue;
		*tls = modes[i].tls;
		*port = modes[i].port;
		return true;
	}
	return false;
}

const char *smtp_mode_word(enum conf_tls tls)
{
	size_t i = 0;

	while (i < MODES - 1 && modes[i].tls != tls)
		i++;
	return modes[i].word;
}

/* -- a certificate that is known beforehand -- */

static int hex_of(char c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 64 hex digits, with or without colons between each two. */
static bool read_hash(unsigned char out[32], const char *text)
{
	size_t n = 0;

	for (; *text && n < 64; text++) {
		int digit = hex_of(*text);

		if (*text == ':' && n && n % 2 == 0)
			continue;
		if (digit < 0)
			return false;
		out[n / 2] = (unsigned char)(n % 2 ? out[n / 2] << 4 | digit :
				digit);
		n++;
	}
	return n == 64 && !*text;
}

/* Of the certificate or of its public key: --check prints both. */
static void set_pins(struct smtp_relay *relay, const char *fingerprint,
		struct smtp_room *room)
{
	if (!read_hash(room->hash, fingerprint))
		smtp_stop(EX_USAGE, "--fingerprint: not 64 hex digits");
	for (unsigned i = 0; i < 2; i++)
		room->pins[i] = (struct tls_pin){ .usage = TLS_PIN_OWN,
			.selector = (unsigned char)i, .matching = 1,
			.data = span_make((char *)room->hash, 32) };
	room->expect = (struct tls_expect){ .pins = room->pins, .npins = 2 };
	relay->expect = &room->expect;
	if (relay->tls < CONF_TLS_STARTTLS)
		relay->tls = CONF_TLS_STARTTLS;
}

/* For as long as the program runs. */
static const struct tls_expect *conf_pins(const struct conf_smarthost *s)
{
	struct tls_pins *pins = tls_pins_of(s->pins);

	if (!pins)
		smtp_stop(EX_OSERR, "out of memory");
	return &pins->expect;
}

/* -- a password -- */

void smtp_get_password(const char *file, const char *user, const char *host,
		struct smtp_room *room)
{
	char question[SMTP_HOST_MOST + 400];
	struct err err;

	if (file) {
		if (smtp_password(file, room->password,
					sizeof(room->password), &err) < 0)
			smtp_stop(err.kind == ERR_PERM ? EX_CONFIG : EX_NOINPUT,
					err.text);
		return;
	}
	snprintf(question, sizeof(question), "Password of %.320s at %s: ",
			user, host);
	if (terminal_ask(question, room->password, sizeof(room->password),
				&err) < 0) {
		if (err.kind == ERR_TEMP)
			smtp_stop(EX_USAGE, "-u without -p: there is no "
					"terminal to ask for the password");
		smtp_stop(EX_NOINPUT, err.text);
	}
}

/* -- the relay -- */

static void set_host(struct smtp_relay *relay, const struct smtp_options *o,
		struct smtp_room *room)
{
	relay->port = 25;
	if (o->tls && !smtp_mode(o->tls, &relay->tls, &relay->port))
		smtp_stop(EX_USAGE, "--tls: none, may, starttls or tls");
	if (!smtp_split_host(span_of(o->host), room->host, &relay->port))
		smtp_stop(EX_USAGE, "-s: not a host");
	relay->host = room->host;
	if (!o->tls)
		relay->tls = default_tls(relay->port, o->user);
	relay->verify = !o->no_verify;
	relay->user = o->user;
	if (CFG_TLS_POLICY && o->fingerprint)
		set_pins(relay, o->fingerprint, room);
}

/* -s as it was told, else the smarthost, else nothing: MX. */
void smtp_choose_relay(struct smtp_job *job, const struct smtp_options *o,
		struct smtp_room *room)
{
	struct smtp_relay *relay = &job->relay;
	const struct conf_smarthost *s = conf_smarthost(job->conf, NULL,
			job->message.sender);
	const char *file = o->password_file;

	if (!o->host && (o->tls || o->user || file || o->no_verify ||
				o->fingerprint))
		smtp_stop(EX_USAGE, "--tls, --noverify, --fingerprint, -u "
				"and -p go with -s");
	if (file && !o->user)
		smtp_stop(EX_USAGE, "-p goes with -u");
	if (o->host) {
		set_host(relay, o, room);
	} else if (s) {
		*relay = (struct smtp_relay){ .host = s->host, .port = s->port,
			.tls = s->tls, .verify = s->verify, .user = s->user,
			.smarthost = s->user ? s : NULL };
		if (CFG_TLS_POLICY && s->pins)
			relay->expect = conf_pins(s);
		file = s->password_file;
	}
	/* send.c gets what is not in a file */
	if (!relay->user || (relay->smarthost && !file))
		return;
	smtp_get_password(file, relay->user, relay->host, room);
	relay->password = room->password;
}
