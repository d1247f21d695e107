/* The mail system as it runs: daemons, queue, who gets the admin's mail. */
#include "mailconf/doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "config.h"
#include "net/auth.h"
#include "os/clock.h"
#include "os/priv.h"
#include "os/socket.h"
#include "os/text.h"
#include "store/aliases.h"
#include "store/submit.h"

#define SECONDS 3
#define QUEUE_MOST (4 * 1024 * 1024)
#define OLD (4 * 3600)		/* seconds, for mail that should have gone */
#define REASON_SIZE 512

/* -- daemons -- */

void doctor_daemons(struct doctor *d)
{
	static const struct {
		bool built;
		const char *socket, *name;
	} sockets[] = {
		{ CFG_AUTHD, AUTH_SOCKET, "authd" },
		{ CFG_DELIVER, "deliver", "deliver" },
		{ CFG_QUEUE, "queue.ctl", "queue" },
		{ CFG_SMTPD, SUBMIT_SOCKET, "smtpd" }
	};
	unsigned up = 0, all = 0;
	struct str missing;

	str_init(&missing, 256);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
		int fd;

		if (!sockets[i].built)
			continue;
		all++;
		fd = socket_connect(d->conf->run_dir, sockets[i].socket,
				SECONDS, NULL);
		if (fd >= 0) {
			close(fd);
			up++;
		} else {
			str_addf(&missing, missing.n ? " %s" : "%s",
					sockets[i].name);
		}
	}
	d->down = !up;
	if (up == all)
		doctor_say(d, DOCTOR_OK, NULL, T("All of them answer."));
	else
		doctor_say(d, DOCTOR_FAIL, CFG_MAILD ? T("start maild at "
					"boot; the log says why one has "
					"ended") : T("start it at boot; the "
					"log says why it has ended"),
				T("These do not answer: %s."),
				str_c(&missing));
	str_free(&missing);
}

/* -- who gets the admin's mail -- */

static void join(const struct alias_set *s, struct str *out)
{
	for (unsigned i = 0; i < s->n && !out->bad; i++)
		str_addf(out, i ? ", %s" : "%s", s->address[i]);
}

/* No alias: whose mailbox it is, if such an account gets mail. */
static void tell_mailbox(struct doctor *d, const char *name,
		const char *whose)
{
	const char *remedy = T("a line in the file of aliases, as \"root: "
			"you@example.org\", or mailconf --setup");
	bool account = CFG_DELIVER && d->conf->system_users &&
		priv_find(whose, &(struct priv_user){ .uid = 0 }, NULL) == 0;

	if (strchr(whose, '@'))
		doctor_say(d, DOCTOR_OK, NULL, T("Mail for %s goes to %s."),
				name, whose);
	else if (account)
		doctor_say(d, DOCTOR_WARN, remedy, T("Mail for %s stays on "
					"this machine, in %s/%s."), name,
				d->conf->mbox_dir, whose);
	else
		doctor_say(d, DOCTOR_FAIL, remedy, T("Mail for %s reaches "
					"nobody."), name);
}

static void look_at_name(struct doctor *d, struct aliases *a,
		const char *name, unsigned also)
{
	char rcpt[DOCTOR_TEXT];
	struct alias_set set = { .n = 0 };
	struct str to;
	struct err err;
	int rc;

	doctor_text(rcpt, "%s@%s", name, d->conf->domains ?
			d->conf->domains->text : d->conf->hostname);
	str_init(&to, 512);
	rc = aliases_expand(a, span_of(rcpt), also, 100, &set, &err);
	if (rc > 0)
		join(&set, &to);
	/* that it leads to itself is what having no alias is */
	if (rc < 0)
		doctor_say(d, DOCTOR_FAIL, T("newaliases says what is wrong "
					"in the file"), T("Mail for %s: %s"),
				name, err.text);
	else if (rc == 0 || strcmp(str_c(&to), rcpt) == 0)
		tell_mailbox(d, name, also ? d->conf->postmaster : name);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("Mail for %s goes to %s."),
				name, str_c(&to));
	alias_set_free(&set);
	str_free(&to);
}

static void on_fault(void *arg, const char *text)
{
	struct doctor *d = arg;

	doctor_say(d, DOCTOR_WARN, T("mend the line; newaliases checks it"),
			"%s", text);
}

/* Without aliases a line of masquerade sends root's mail on. */
static void look_at_masquerade(struct doctor *d)
{
	const struct conf_map *m = d->conf->masquerades;

	while (m && strcmp(m->from, "root") != 0)
		m = m->next;
	if (m)
		doctor_say(d, DOCTOR_OK, NULL, T("Mail for %s goes to %s."),
				"root", m->to);
	else if (CFG_DELIVER)
		tell_mailbox(d, "root", "root");
	else
		doctor_say(d, DOCTOR_WARN, CFG_MASQUERADE ? T("a line "
					"\"masquerade root you@example.org\" "
					"in the configuration") : NULL,
				T("Mail for %s reaches nobody."), "root");
}

void doctor_aliases(struct doctor *d)
{
	struct aliases *a;
	struct err err;
	unsigned n;

	if (!CFG_ALIASES || strcmp(d->conf->aliases, "none") == 0) {
		look_at_masquerade(d);
		return;
	}
	if (access(d->conf->aliases, F_OK) == 0 && aliases_check(d->conf,
				on_fault, d, &n, &err) < 0)
		doctor_say(d, DOCTOR_FAIL, NULL, "%s", err.text);
	a = aliases_new(d->conf, false);
	if (!a)
		return;
	look_at_name(d, a, "root", 0);
	look_at_name(d, a, "postmaster", ALIASES_ROLES);
	aliases_free(a);
}

/* -- what waits -- */

struct waiting {
	unsigned n, held, old;
	unsigned long long oldest;	/* seconds since 1970 */
	char reason[REASON_SIZE];	/* of the oldest */
};

static void take_reason(struct waiting *w, struct span line)
{
	enum json_event event;
	struct span value;
	bool key = false;
	struct json j;

	json_start(&j, line);
	while ((event = json_next(&j, &value)) > JSON_END) {
		if (key && event == JSON_STRING)
			json_text(w->reason, sizeof(w->reason), value);
		key = event == JSON_KEY && span_is(value, "reason");
	}
}

static void take_message(struct waiting *w, struct span line)
{
	unsigned long long created = 0;
	struct span value;

	if (json_find(line, "created", &value) != JSON_NUMBER ||
			!json_number(value, INT64_MAX, &created))
		return;
	w->n++;
	w->old += (int64_t)created < clock_now() - OLD;
	if (json_find(line, "state", &value) == JSON_STRING &&
			span_is(value, "held"))
		w->held++;
	if (w->n == 1 || created < w->oldest) {
		w->oldest = created;
		w->reason[0] = '\0';
		take_reason(w, line);
	}
}

static void tell_waiting(struct doctor *d, const struct waiting *w)
{
	const char *remedy = T("mailq shows all of it, mailq -q tries it at "
			"once");
	long long hours = (clock_now() - (int64_t)w->oldest) / 3600;

	if (!w->n)
		doctor_say(d, DOCTOR_OK, NULL, T("Nothing waits."));
	else if (w->old)
		doctor_say(d, DOCTOR_WARN, remedy, T("Messages that wait: %u, "
					"for hours: %u, the oldest for %lld "
					"hours: %s"), w->n, w->old, hours,
				*w->reason ? w->reason :
				T("not tried yet"));
	else
		doctor_say(d, DOCTOR_OK, NULL, T("Messages that wait: %u, "
					"none of them for long."), w->n);
	if (w->held)
		doctor_say(d, DOCTOR_WARN, T("mailq -H lets them go"),
				T("Messages that are held: %u"), w->held);
}

void doctor_queue(struct doctor *d)
{
	const char *const argv[] = { "mailq", "-C", d->path, "-j", NULL };
	struct waiting w = { .n = 0 };
	struct span rest;
	struct str out;
	struct err err;

	if (!CFG_QUEUE || !CFG_MAILQ) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("This build has no "
					"queue."));
		return;
	}
	str_init(&out, QUEUE_MOST);
	if (self_run(argv, -1, -1, &out, &err) != 0) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: the queue "
					"does not answer."));
	} else {
		for (rest = str_span(&out); rest.n;)
			take_message(&w, span_cut(&rest, '\n'));
		tell_waiting(d, &w);
	}
	str_free(&out);
}
