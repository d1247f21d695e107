/* Where setup's defaults come from. */
#include "mailconf/setup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "mailconf/setup_edit.h"
#include "mailconf/setup_uci.h"
#include "os/file.h"

/* -- the provider's server (RFC 6186 3.1, RFC 8314 5.1) -- */

/* Providers without SRV records. "domain server", a blank between. */
static const char *const providers[] = {
	"gmail.com smtp.gmail.com:465", "googlemail.com smtp.gmail.com:465",
	"outlook.com smtp-mail.outlook.com:587",
	"hotmail.com smtp-mail.outlook.com:587",
	"yahoo.com smtp.mail.yahoo.com:465",
	"icloud.com smtp.mail.me.com:587", "gmx.net mail.gmx.net:465",
	"gmx.de mail.gmx.net:465", "web.de smtp.web.de:465",
	"t-online.de securesmtp.t-online.de:465",
	"mailbox.org smtp.mailbox.org:465", "posteo.de posteo.de:465",
	"fastmail.com smtp.fastmail.com:465", "qq.com smtp.qq.com:465",
	"163.com smtp.163.com:465", "126.com smtp.126.com:465"
};

static bool find_listed(struct span domain, char out[SETUP_VALUE])
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		struct span rest = span_of(providers[i]);

		if (span_caseeq(span_word(&rest), domain))
			return str_copy(out, SETUP_VALUE, span_trim(rest)) == 0;
	}
	return false;
}

static bool find_srv(struct setup *s, struct span domain,
		char out[SETUP_VALUE])
{
	static const char *const services[] = {
		"_submissions._tcp", "_submission._tcp"
	};
	char name[SETUP_VALUE];

	for (size_t i = 0; i < 2; i++) {
		const struct dns_record *best = NULL;
		const struct dns_answer *a;

		snprintf(name, sizeof(name), "%s.%.*s", services[i],
				SPAN_ARG(domain));
		a = self_ask(&s->net, name, DNS_SRV);
		for (int k = 0; k < a->count; k++)
			if (!best || a->records[k].preference <
					best->preference)
				best = &a->records[k];
		/* "" says that there is no such service */
		if (best && *best->text) {
			snprintf(out, SETUP_VALUE, "%s:%u", best->text,
					best->port);
			return true;
		}
	}
	return false;
}

void setup_find_server(struct setup *s, const char *account,
		char out[SETUP_VALUE])
{
	struct span domain = span_of(account);

	out[0] = '\0';
	domain = span_rest(domain, span_rfind(domain, '@') + 1);
	if (!domain.n || find_listed(domain, out))
		return;
	if (s->no_check || !find_srv(s, domain, out))
		snprintf(out, SETUP_VALUE, "smtp.%.*s", SPAN_ARG(domain));
}

/* -- the present configuration -- */

const struct conf_smarthost *setup_smarthost(const struct setup *s)
{
	const struct conf_smarthost *h = s->conf->smarthosts;

	while (h && h->from)
		h = h->next;
	return h;
}

/* The same, of a line. */
bool setup_is_plain_smarthost(struct span rest)
{
	struct span word;

	while ((word = span_word(&rest)).n)
		if (span_starts(word, "from="))
			return false;
	return true;
}

static void preset(struct setup *s, enum setup_field f, const char *value)
{
	if (value && !s->given[f])
		str_copys(s->value[f], SETUP_VALUE, value);
}

static bool is_served(const struct setup *s)
{
	const struct conf_listen *l = s->conf->listen;

	while (l && l->service != CONF_SMTP)
		l = l->next;
	return l;
}

static const char *kind_now(const struct setup *s)
{
	bool host = setup_smarthost(s);

	if (s->fresh || (host && !is_served(s)))
		return "1";
	return host ? "3" : "2";
}

static void preset_server(struct setup *s, const struct conf_smarthost *h)
{
	char text[SETUP_VALUE];

	if (!h)
		return;
	snprintf(text, sizeof(text), strchr(h->host, ':') ? "[%s]:%u" :
			"%s:%u", h->host, h->port);
	preset(s, SETUP_SERVER, text);
	preset(s, SETUP_ACCOUNT, h->user ? h->user : "-");
	if (h->password_file)
		str_copys(s->secret, SETUP_VALUE, h->password_file);
}

enum setup_root setup_root(const struct setup *s)
{
	if (CFG_ALIASES && strcmp(s->conf->aliases, "none") != 0)
		return SETUP_ROOT_ALIAS;
	return CFG_MASQUERADE ? SETUP_ROOT_MASQUERADE : SETUP_ROOT_NOT;
}

static void preset_alerts(struct setup *s)
{
	struct str text, value;

	if (setup_root(s) != SETUP_ROOT_ALIAS) {
		for (const struct conf_map *m = s->conf->masquerades; m;
				m = m->next)
			if (strcmp(m->from, "root") == 0)
				preset(s, SETUP_ALERTS, m->to);
		return;
	}
	str_init(&text, SETUP_FILE_MOST);
	str_init(&value, SETUP_VALUE - 1);
	if (file_read(AT_FDCWD, s->conf->aliases, &text, NULL) == 0)
		setup_alias_value(&value, str_span(&text), "root");
	if (value.n && !value.bad)
		preset(s, SETUP_ALERTS, str_c(&value));
	str_free(&text);
	str_free(&value);
}

/* Whoever `mailuser list` knows, with a blank between. */
static void preset_users(struct setup *s)
{
	const char *const argv[] = { "mailuser", "-C", s->path, "list", NULL };
	struct span rest, word;
	struct str out, users;

	if (!CFG_MAILUSER || s->fresh)
		return;
	str_init(&out, SETUP_FILE_MOST);
	str_init(&users, SETUP_VALUE - 1);
	if (self_run(argv, -1, -1, &out, NULL) == 0)
		for (rest = str_span(&out); rest.n;) {
			struct span line = span_cut(&rest, '\n');

			word = span_word(&line);
			if (span_has(word, '@'))
				str_addf(&users, users.n ? " %.*s" : "%.*s",
						SPAN_ARG(word));
		}
	if (!users.bad)
		str_copys(s->users, SETUP_VALUE, str_c(&users));
	preset(s, SETUP_USERS, s->users);
	str_free(&out);
	str_free(&users);
}

/* Beside the configuration. */
static void preset_secret(struct setup *s)
{
	struct span path = span_of(s->path);
	size_t slash = span_rfind(path, '/');
	char here[256] = "";

	if (s->uci) {
		str_copys(s->secret, SETUP_VALUE, SETUP_UCI_SECRET);
		return;
	}
	if (path.n && path.p[0] != '/' && !getcwd(here, sizeof(here)))
		here[0] = '\0';
	snprintf(s->secret, SETUP_VALUE, "%s%s%.*s/pillarbox.secret", here,
			*here && slash < path.n ? "/" : "",
			(int)(slash < path.n ? slash : 0), s->path);
}

void setup_presets(struct setup *s)
{
	preset(s, SETUP_KIND, kind_now(s));
	preset(s, SETUP_HOST, s->conf->hostname);
	preset_secret(s);
	preset_server(s, setup_smarthost(s));
	if (*s->password_file)
		str_copys(s->secret, SETUP_VALUE, s->password_file);
	preset_users(s);
	preset_alerts(s);
}
