/*
 * mailuser_export - what mailuser_import reads; with passwords as they are kept
 */
#include "applet.h"
#include "mailuser/mailuser.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"

struct export {
	struct user_db *db;
	const struct user *user;	/* whose secrets come */
	char secret[300];		/* the main one */
	struct err *err;
	int rc;
};

static void put_field(struct span s, char end)
{
	bool quoted = span_has(s, ',') || span_has(s, '"') ||
		span_trim(s).n != s.n;

	if (quoted)
		putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			putchar('"');
		putchar(s.p[i]);
	}
	if (quoted)
		putchar('"');
	putchar(end);
}

static void put_row(const char *type, const char *address, struct span secret,
		const char *name)
{
	put_field(span_of(type), ',');
	put_field(span_of(address), ',');
	put_field(secret, ',');
	put_field(span_of(name), ',');
	puts(",,,,");
}

static bool take_main(void *arg, const char *label, struct span secret)
{
	struct export *e = arg;

	if (!*label)
		str_copy(e->secret, sizeof(e->secret), secret);
	return !*label;
}

static bool put_app(void *arg, const char *label, struct span secret)
{
	struct export *e = arg;

	if (*label)
		put_row("app", e->user->address, secret, label);
	return true;
}

static struct span setting(const struct user *u, const char *name)
{
	struct span rest = span_of(u->settings);

	while (rest.n) {
		struct span value = span_cut(&rest, '\n');

		if (span_is(span_cut(&value, '='), name))
			return value;
	}
	return span_of("");
}

static bool put_csv(void *arg, const struct user *u)
{
	struct export *e = arg;

	e->user = u;
	e->secret[0] = '\0';
	e->rc = user_secret_each(e->db, u->id, take_main, e, e->err);
	if (e->rc < 0)
		return false;
	put_field(SPAN("user"), ',');
	put_field(span_of(u->address), ',');
	put_field(span_of(e->secret), ',');
	printf(",%s,%llu,%lu,", u->enabled ? "yes" : "no",
			(unsigned long long)u->quota,
			(unsigned long)u->quota_messages);
	put_field(setting(u, "forward"), ',');
	put_field(setting(u, "hook"), '\n');
	e->rc = user_secret_each(e->db, u->id, put_app, e, e->err);
	return e->rc == 0 && !ferror(stdout);
}

static bool put_domain(void *arg, const char *domain)
{
	(void)arg;
	put_row("domain", domain, span_of(""), "");
	return !ferror(stdout);
}

static bool put_alias(void *arg, const char *alias, const char *target)
{
	(void)arg;
	put_row("alias", alias, span_of(""), target);
	return !ferror(stdout);
}

static int export_csv(struct export *e)
{
	puts("type,address,password,name,enabled,quota,messages,forward,hook");
	if (user_domain_each(e->db, put_domain, e, e->err) < 0 ||
			user_each(e->db, put_csv, e, e->err) < 0 || e->rc < 0)
		return -1;
	return user_alias_each(e->db, put_alias, e, e->err);
}

/* user:password:uid:gid:gecos:home:shell:extra */
static bool put_dovecot(void *arg, const struct user *u)
{
	struct export *e = arg;

	e->secret[0] = '\0';
	e->rc = user_secret_each(e->db, u->id, take_main, e, e->err);
	if (e->rc < 0)
		return false;
	printf("%s:%s::::::", u->address, *e->secret ? e->secret : "*");
	if (u->quota || u->quota_messages)
		printf("userdb_quota_rule=*");
	if (u->quota)
		printf(":bytes=%llu", u->quota == AUTH_QUOTA_UNLIMITED ?
				0 : (unsigned long long)u->quota);
	if (u->quota_messages)
		printf(":messages=%lu", (unsigned long)u->quota_messages);
	puts(u->enabled ? "" : u->quota || u->quota_messages ? " nologin" :
			"nologin");
	return !ferror(stdout);
}

static int export_dovecot(struct export *e)
{
	return user_each(e->db, put_dovecot, e, e->err) < 0 || e->rc < 0 ?
		-1 : 0;
}

static bool put_virtual(void *arg, const char *alias, const char *target)
{
	struct export *e = arg;
	bool same = span_is(span_of(alias), e->secret);

	/* one line for each alias, whose others follow */
	if (same)
		printf(", %s", target);
	else
		printf("%s%s\t%s", *e->secret ? "\n" : "", alias, target);
	str_copys(e->secret, sizeof(e->secret), alias);
	return !ferror(stdout);
}

static int export_postfix(struct export *e)
{
	int rc = user_alias_each(e->db, put_virtual, e, e->err);

	if (*e->secret)
		putchar('\n');
	return rc;
}

static const struct format {
	const char *name;
	int (*run)(struct export *e);
} formats[] = {
	{ "csv", export_csv }, { "dovecot", export_dovecot },
	{ "postfix", export_postfix }, { NULL, NULL }
};

int mailuser_export(struct mailuser *m)
{
	const struct format *f = formats;
	struct err err;
	struct export e = { .err = &err };
	int status = EX_OK;

	while (f->name && strcmp(f->name, m->format ? m->format : "csv") != 0)
		f++;
	if (!f->name)
		usage_fail("mailuser");
	e.db = user_open(m->file, false, &err);
	if (!e.db || f->run(&e) < 0)
		status = applet_fail("mailuser", &err);
	user_close(e.db);
	explicit_bzero(e.secret, sizeof(e.secret));
	return applet_end("mailuser", status);
}
