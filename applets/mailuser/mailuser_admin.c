/* mailuser_admin - what changes something beside users and their passwords */
#include "applet.h"
#include "mailuser/mailuser.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "base/idna.h"
#include "base/json_put.h"
#include "base/str.h"

static int finish(struct mailuser *m, struct user_db *db, int result,
		const struct err *err)
{
	int status = mailuser_status(m, result, err);

	user_close(db);
	return status;
}

static int enable(struct mailuser *m, bool on)
{
	struct err err;
	struct user_db *db = mailuser_open(m, &err);

	return finish(m, db, db ? user_set_enabled(db, m->address, on, &err) :
			-1, &err);
}

int mailuser_enable(struct mailuser *m)
{
	return enable(m, true);
}

int mailuser_disable(struct mailuser *m)
{
	return enable(m, false);
}

bool mailuser_size(const char *text, uint64_t *octets)
{
	static const char units[] = "KMGT";
	struct span s = span_of(text);
	unsigned long long n;
	const char *unit = NULL;
	unsigned shift = 0;

	if (span_is(s, "unlimited")) {
		*octets = AUTH_QUOTA_UNLIMITED;
		return true;
	}
	if (s.n && (s.p[s.n - 1] == 'B' || s.p[s.n - 1] == 'b'))
		s.n--;
	if (s.n)
		unit = strchr(units, ascii_lower(s.p[s.n - 1]) - 'a' + 'A');
	if (unit && *unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		s.n--;
	}
	if (!span_number64(s, INT64_MAX >> shift, &n))
		return false;
	*octets = (uint64_t)n << shift;
	return true;
}

static int bad(const char *word, const char *why)
{
	fprintf(stderr, "mailuser: %s: %s\n", word, why);
	return EX_DATAERR;
}

int mailuser_quota(struct mailuser *m)
{
	const char *size = m->operand[2], *messages = m->operand[3];
	unsigned long n = 0;
	uint64_t octets = 0;
	struct user_db *db;
	struct err err;

	if (strcmp(size, "none") != 0 && !mailuser_size(size, &octets))
		return bad(size, "not a size, as 500M, none or unlimited");
	if (messages && strcmp(messages, "none") != 0 && !span_number(
			span_of(messages), UINT32_MAX, &n))
		return bad(messages, "not a number of messages, or none");
	db = mailuser_open(m, &err);
	return finish(m, db, db ? user_set_quota(db, m->address, octets,
			(uint32_t)n, &err) : -1, &err);
}

int mailuser_set(struct mailuser *m)
{
	const char *name = m->operand[2], *value = m->operand[3];
	struct user_db *db;
	struct err err;

	if (strcmp(name, "forward") != 0 && strcmp(name, "hook") != 0)
		return bad(name, "there is forward (yes or no) and hook (a "
				"command)");
	if (strcmp(value, "none") == 0)
		value = NULL;
	if (value && name[0] == 'f' && strcmp(value, "yes") != 0 &&
			strcmp(value, "no") != 0)
		return bad(value, "yes, no or none");
	if (value && name[0] == 'h' && value[0] != '/')
		return bad(value, "a command begins with its path");
	db = mailuser_open(m, &err);
	return finish(m, db, db ? user_set_setting(db, m->address, name, value,
			&err) : -1, &err);
}

/* -- app passwords -- */

int mailuser_shared_salt(struct mailuser *m, struct user_db *db, int64_t user,
		bool apps, struct scram_keys *keys)
{
	struct user_secrets all;
	struct err err;
	int status = mailuser_status(m, user_secrets(db, user, &all, &err),
			&err);

	if (status == EX_OK && all.n && (!apps || all.key[all.n - 1].app))
		*keys = all.shared;
	explicit_bzero(&all, sizeof(all));
	return status;
}

static int app_add(struct mailuser *m, struct user_db *db)
{
	char password[PASSWORD_SIZE];
	struct scram_keys keys = { 0 };
	struct user user;
	struct err err;
	int status = mailuser_status(m, user_find(db, m->address, &user, NULL,
			&err), &err);

	if (status == EX_OK)
		status = mailuser_shared_salt(m, db, user.id, false, &keys);
	if (status == EX_OK) {
		mailuser_make_password(password);
		mailuser_derive(m, &keys, password);
		status = mailuser_status(m, user_app_add(db, m->address,
				m->operand[3], &keys, &err), &err);
	}
	if (status == EX_OK)
		puts(password);
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&keys, sizeof(keys));
	return applet_end("mailuser", status);
}

static int app_del(struct mailuser *m, struct user_db *db)
{
	struct user user;
	struct err err;
	int result = user_find(db, m->address, &user, NULL, &err);

	if (result == 0 && (result = user_app_del(db, m->address,
			m->operand[3], &err)) == 1) {
		bad(m->operand[3], "no such app password");
		return EX_NOUSER;
	}
	return mailuser_status(m, result, &err);
}

static void put_day(char out[16], int64_t day)
{
	time_t t = (time_t)(day * 86400);
	struct tm tm;

	str_copys(out, 16, "never");
	if (day > 0 && gmtime_r(&t, &tm))
		strftime(out, 16, "%Y-%m-%d", &tm);
}

static bool print_app(void *arg, const struct user_app *app)
{
	const struct mailuser *m = arg;
	char used[16], created[16];
	struct str text;
	bool goes_on;

	put_day(created, app->created / 86400);
	put_day(used, app->used);
	if (!m->json)
		return printf("%s\tmade %s\tused %s\n", app->label, created,
				used) >= 0;
	str_init(&text, 1024);
	str_adds(&text, "{\"name\":");
	json_string(&text, span_of(app->label));
	str_addf(&text, ",\"created\":%lld,\"last_used\":",
			(long long)app->created);
	if (app->used)
		str_addf(&text, "\"%s\"}", used);
	else
		str_adds(&text, "null}");
	goes_on = puts(str_c(&text)) >= 0;
	str_free(&text);
	return goes_on;
}

static int app_list(struct mailuser *m, struct user_db *db)
{
	struct err err;

	return applet_end("mailuser", mailuser_status(m, user_app_each(db,
			m->address, print_app, m, &err), &err));
}

/* -- a second verb -- */

struct second {
	const char *name;
	int (*run)(struct mailuser *m, struct user_db *db);
	int least, most;		/* operands behind it */
};

static int run_second(struct mailuser *m, const struct second *s)
{
	int n = m->operands - 2, status;
	struct user_db *db;
	struct err err;

	while (s->name && strcmp(s->name, m->operand[1]) != 0)
		s++;
	if (!s->name || n < s->least || n > s->most)
		usage_fail("mailuser");
	db = mailuser_open(m, &err);
	if (!db)
		return applet_fail("mailuser", &err);
	status = s->run(m, db);
	user_close(db);
	return status;
}

int mailuser_app(struct mailuser *m)
{
	static const struct second seconds[] = {
		{ "add", app_add, 2, 2 }, { "del", app_del, 2, 2 },
		{ "list", app_list, 1, 1 }, { 0 }
	};

	m->address = span_of(m->operands > 2 ? m->operand[2] : "");
	return run_second(m, seconds);
}

/* -- domains -- */

/* Also when it was so already: a call before may have been cut here. */
static int publish(struct mailuser *m, struct user_db *db, int status)
{
	struct err err;

	if (user_publish(db, m->conf->state_dir, &err) < 0)
		return applet_fail("mailuser", &err);
	return status;
}

static int domain_done(struct mailuser *m, struct user_db *db, int status)
{
	status = publish(m, db, status);
	if (status == EX_OK)
		fprintf(stderr, "mailuser: maild takes it within 15 seconds, "
				"with a SIGHUP at once\n");
	return status;
}

static int domain_add(struct mailuser *m, struct user_db *db)
{
	struct err err;
	int status = EX_OK;

	if (user_domain_add(db, span_of(m->operand[2]), &err) < 0)
		status = applet_fail("mailuser", &err);
	return domain_done(m, db, status);
}

static int domain_del(struct mailuser *m, struct user_db *db)
{
	struct err err;
	int result = user_domain_del(db, span_of(m->operand[2]), &err);

	if (result < 0)
		return applet_fail("mailuser", &err);
	return domain_done(m, db, result ? bad(m->operand[2],
				"users.db has no such domain") : EX_OK);
}

static bool print_domain(void *arg, const char *domain)
{
	const struct mailuser *m = arg;
	struct str text;
	bool goes_on;

	str_init(&text, 4096);
	if (m->json) {
		str_adds(&text, "{\"domain\":");
		json_string(&text, span_of(domain));
		str_addc(&text, '}');
	} else {
		idna_text(&text, span_of(domain));
	}
	goes_on = puts(str_c(&text)) >= 0;
	str_free(&text);
	return goes_on;
}

static int domain_list(struct mailuser *m, struct user_db *db)
{
	struct err err;

	if (user_domain_each(db, print_domain, m, &err) < 0)
		return applet_fail("mailuser", &err);
	return applet_end("mailuser", EX_OK);
}

int mailuser_domain(struct mailuser *m)
{
	static const struct second seconds[] = {
		{ "add", domain_add, 1, 1 }, { "del", domain_del, 1, 1 },
		{ "list", domain_list, 0, 0 }, { 0 }
	};

	return run_second(m, seconds);
}

/* -- aliases -- */

static int alias_add(struct mailuser *m, struct user_db *db)
{
	struct span alias = span_of(m->operand[2]);
	struct err err;
	int rc;

	if (!user_alias_valid(alias))
		return bad(m->operand[2], "not an address for an alias");
	if (!mailuser_is_ours(m, alias))
		return EX_CONFIG;
	if (user_batch_begin(db, &err) < 0)
		return applet_fail("mailuser", &err);
	rc = 0;
	for (int i = 3; i < m->operands && rc >= 0; i++)
		rc = user_alias_add(db, alias, span_of(m->operand[i]), &err);
	if (user_batch_end(db, rc < 0 ? -1 : 0, &err) < 0)
		return applet_fail("mailuser", &err);
	return publish(m, db, EX_OK);
}

static int alias_del(struct mailuser *m, struct user_db *db)
{
	const char *target = m->operands > 3 ? m->operand[3] : "";
	struct err err;
	int rc = user_alias_del(db, span_of(m->operand[2]), span_of(target),
			&err);

	if (rc < 0)
		return applet_fail("mailuser", &err);
	if (rc)
		bad(m->operand[2], "no such alias");
	return publish(m, db, rc ? EX_NOUSER : EX_OK);
}

static bool print_alias(void *arg, const char *alias, const char *target)
{
	const struct mailuser *m = arg;
	struct str text;
	bool goes_on;

	if (!m->json)
		return printf("%s\t%s\n", alias, target) >= 0;
	str_init(&text, 4096);
	str_adds(&text, "{\"alias\":");
	json_string(&text, span_of(alias));
	str_adds(&text, ",\"target\":");
	json_string(&text, span_of(target));
	str_addc(&text, '}');
	goes_on = puts(str_c(&text)) >= 0;
	str_free(&text);
	return goes_on;
}

static int alias_list(struct mailuser *m, struct user_db *db)
{
	struct err err;

	if (user_alias_each(db, print_alias, m, &err) < 0)
		return applet_fail("mailuser", &err);
	return applet_end("mailuser", EX_OK);
}

int mailuser_alias(struct mailuser *m)
{
	static const struct second seconds[] = {
		{ "add", alias_add, 2, OPERANDS_MOST - 2 },
		{ "del", alias_del, 1, 2 }, { "list", alias_list, 0, 0 },
		{ 0 }
	};

	return run_second(m, seconds);
}
