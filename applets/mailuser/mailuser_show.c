/* mailuser_show - all that is known of a user, for people and programs */
#include "applet.h"
#include "mailuser/mailuser.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/json_put.h"
#include "base/str.h"

static void put_settings(struct str *out, const char *settings)
{
	struct span rest = span_of(settings);
	bool first = true;

	while (rest.n) {
		struct span value = span_cut(&rest, '\n');
		struct span name = span_cut(&value, '=');

		str_adds(out, first ? "" : ",");
		json_string(out, name);
		str_addc(out, ':');
		json_string(out, value);
		first = false;
	}
}

static const char *password_of(const struct user_secrets *all)
{
	if (all->foreign_id)
		return "of another program, until the next login";
	return all->n && !all->key[0].app ? "SCRAM-SHA-256" : "none";
}

static unsigned apps_of(const struct user_secrets *all)
{
	return all->n - (all->n && !all->key[0].app);
}

bool mailuser_print_json(const struct user *u, const struct user_secrets *all)
{
	struct str text;
	bool goes_on;

	str_init(&text, 8192);
	str_adds(&text, "{\"address\":");
	json_string(&text, span_of(u->address));
	str_addf(&text, ",\"enabled\":%s,\"created\":%lld,\"mailbox\":",
			u->enabled ? "true" : "false", (long long)u->created);
	json_string(&text, span_of(u->mailbox));
	str_addf(&text, ",\"quota\":%llu,\"quota_messages\":%lu,"
			"\"settings\":{", (unsigned long long)u->quota,
			(unsigned long)u->quota_messages);
	put_settings(&text, u->settings);
	str_addc(&text, '}');
	if (all)
		str_addf(&text, ",\"password\":\"%s\",\"apps\":%u",
				all->foreign_id ? "foreign" : password_of(all),
				apps_of(all));
	str_addc(&text, '}');
	goes_on = !text.bad && puts(str_c(&text)) >= 0;
	str_free(&text);
	return goes_on;
}

static void print(const struct mailuser *m, const struct user *u,
		const struct user_secrets *all)
{
	struct span rest = span_of(u->settings);

	printf("address   %s\nmailbox   %s/%s\nlogin     %s\npassword  %s\n"
			"apps      %u\n", u->address, m->conf->mail_dir,
			u->mailbox, u->enabled ? "yes" : "no (disabled)",
			password_of(all), apps_of(all));
	if (u->quota == AUTH_QUOTA_UNLIMITED)
		puts("quota     unlimited");
	else if (u->quota)
		printf("quota     %llu octets\n",
				(unsigned long long)u->quota);
	if (u->quota_messages)
		printf("quota     %lu messages\n",
				(unsigned long)u->quota_messages);
	while (rest.n) {
		struct span value = span_cut(&rest, '\n');
		struct span name = span_cut(&value, '=');

		printf("%-9.*s %.*s\n", SPAN_ARG(name), SPAN_ARG(value));
	}
}

int mailuser_show(struct mailuser *m)
{
	struct user_secrets all = { 0 };
	struct user user;
	struct err err;
	struct user_db *db = user_open(m->file, false, &err);
	int result = db ? user_find(db, m->address, &user, NULL, &err) : -1;
	int status;

	if (result == 0)
		result = user_secrets(db, user.id, &all, &err);
	status = mailuser_status(m, result, &err);
	if (status == EX_OK && m->json)
		mailuser_print_json(&user, &all);
	else if (status == EX_OK)
		print(m, &user, &all);
	user_close(db);
	explicit_bzero(&all, sizeof(all));
	return applet_end("mailuser", status);
}
