/* mailuser_import - many users and aliases at once: all of them, or none */
#include "applet.h"
#include "mailuser/mailuser.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "os/file.h"
#include "store/foreign.h"

#define FILE_MOST (512 * 1024 * 1024)
#define FIELD_MOST 1024			/* octets of one */
#define TOLD_MOST 100			/* bad lines that are named */

enum field { TYPE, ADDRESS, PASSWORD, NAME, ENABLED, QUOTA, MESSAGES, FORWARD,
	HOOK, FIELDS };

static const char *const names[FIELDS] = { "type", "address", "password",
	"name", "enabled", "quota", "messages", "forward", "hook" };

struct import {
	struct mailuser *m;
	struct user_db *db;
	const char *path;
	struct span rest;		/* of the file */
	unsigned line;
	unsigned bad, users, aliases;
	unsigned targets;		/* of the alias that is read now */
	bool broken;			/* nothing to do with the file */
	struct foreign_seen seen;
	signed char column[64];		/* of CSV: which field it is, or -1 */
	unsigned columns;
	char text[FIELDS][FIELD_MOST];
};

static void tell(struct import *i, const char *why)
{
	if (i->bad++ < TOLD_MOST)
		fprintf(stderr, "mailuser: %s:%u: %s\n", i->path, i->line, why);
}

/* rc of a change; ERR_PERM: the line is to blame. False: it went wrong. */
static bool well(struct import *i, int rc, const struct err *err)
{
	if (rc == 0)
		return true;
	if (rc < 0 && err->kind != ERR_PERM)
		i->broken = true;
	tell(i, rc < 0 ? err->text : "no such user");
	return false;
}

/* -- one record -- */

static bool is_no(const char *word)
{
	struct span s = span_of(word);

	return span_is(s, "no") || span_is(s, "0") || span_is(s, "false");
}

static bool is_ours(struct import *i, struct span address)
{
	struct span domain = address;
	struct err err;
	int rc;

	span_cut(&domain, '@');
	if (conf_is_local(i->m->conf, domain))
		return true;
	rc = user_domain_has(i->db, domain, &err);
	if (rc < 0)
		return well(i, rc, &err);
	if (!rc)
		tell(i, "the domain is not ours");
	return rc;
}

/* The password in whatever form. -1: it is told. */
static int take_password(struct import *i, struct scram_keys *keys,
		char foreign[FOREIGN_SIZE], bool *has_keys)
{
	const char *given = i->text[PASSWORD];
	struct err err;
	int kind;

	*has_keys = false;
	foreign[0] = '\0';
	if (!*given || strcmp(given, "*") == 0)
		return 0;
	kind = foreign_check(&i->seen, span_of(given), foreign, &err);
	if (kind < 0)
		return well(i, -1, &err) - 1;
	*has_keys = kind != FOREIGN_HASH;
	if (kind == FOREIGN_SCRAM)
		scram_parse(keys, span_of(foreign));
	if (kind == FOREIGN_PLAIN) {
		*keys = (struct scram_keys){ 0 };
		mailuser_derive(i->m, keys, foreign);
	}
	return 0;
}

static void take_rest(struct import *i, struct span address)
{
	const char *quota = i->text[QUOTA], *messages = i->text[MESSAGES];
	unsigned long n = 0;
	uint64_t octets = 0;
	struct err err;

	if ((*quota && !mailuser_size(quota, &octets)) || (*messages &&
			!span_number(span_of(messages), UINT32_MAX, &n))) {
		tell(i, "not a quota");
		return;
	}
	if ((octets || n) && !well(i, user_set_quota(i->db, address, octets,
			(uint32_t)n, &err), &err))
		return;
	if (*i->text[FORWARD] && !well(i, user_set_setting(i->db, address,
			"forward", is_no(i->text[FORWARD]) ? "no" : "yes",
			&err), &err))
		return;
	if (*i->text[HOOK] && !well(i, user_set_setting(i->db, address, "hook",
			i->text[HOOK], &err), &err))
		return;
	if (is_no(i->text[ENABLED]))
		well(i, user_set_enabled(i->db, address, false, &err), &err);
}

static void take_user(struct import *i)
{
	struct span address = span_of(i->text[ADDRESS]);
	char foreign[FOREIGN_SIZE];
	struct scram_keys keys;
	struct err err;
	bool has_keys;

	if (!user_address_valid(address)) {
		tell(i, "not an address for a user");
		return;
	}
	if (!is_ours(i, address) ||
			take_password(i, &keys, foreign, &has_keys) < 0)
		return;
	if (well(i, user_add_as(i->db, address, has_keys ? &keys : NULL,
			!has_keys && foreign[0] ? foreign : NULL, &err), &err)) {
		i->users++;
		take_rest(i, address);
	}
	explicit_bzero(&keys, sizeof(keys));
	explicit_bzero(foreign, sizeof(foreign));
}

static void take_app(struct import *i)
{
	struct scram_keys keys;
	struct err err;

	if (!scram_parse(&keys, span_of(i->text[PASSWORD])))
		tell(i, "an app password is {SCRAM-SHA-256}...");
	else
		well(i, user_app_add(i->db, span_of(i->text[ADDRESS]),
				i->text[NAME], &keys, &err), &err);
	explicit_bzero(&keys, sizeof(keys));
}

static void take_alias(struct import *i, struct span alias, struct span target)
{
	struct err err;
	int rc;

	if (!user_alias_valid(alias)) {
		tell(i, "not an address for an alias");
		return;
	}
	if (!is_ours(i, alias))
		return;
	rc = user_alias_add(i->db, alias, target, &err);
	if (rc <= 0)
		well(i, rc, &err);
	i->aliases += rc == 0;
}

static void take_domain(struct import *i, struct span domain)
{
	struct err err;
	int rc = user_domain_has(i->db, domain, &err);

	if (rc < 0 || (!rc && user_domain_add(i->db, domain, &err) < 0))
		well(i, -1, &err);
}

static void take_record(struct import *i)
{
	struct span type = span_of(i->text[TYPE]);

	if (!type.n || span_is(type, "user"))
		take_user(i);
	else if (span_is(type, "app"))
		take_app(i);
	else if (span_is(type, "alias"))
		take_alias(i, span_of(i->text[ADDRESS]),
				span_of(i->text[NAME]));
	else if (span_is(type, "domain"))
		take_domain(i, span_of(i->text[ADDRESS]));
	else
		tell(i, "type is user, app, alias or domain");
}

/* -- lines -- */

/* The next line that says something; false: that was all. */
static bool next_line(struct import *i, struct span *line)
{
	while (i->rest.n) {
		*line = span_cut(&i->rest, '\n');
		i->line++;
		if (line->n && line->p[line->n - 1] == '\r')
			line->n--;
		if (!span_trim(*line).n || line->p[0] == '#')
			continue;
		if (!span_has_control(*line))
			return true;
		tell(i, "control characters");
	}
	return false;
}

static void clear(struct import *i)
{
	for (int f = 0; f < FIELDS; f++)
		i->text[f][0] = '\0';
}

static bool put(struct import *i, int field, struct span s)
{
	if (field < 0 || str_copy(i->text[field], FIELD_MOST, s) == 0)
		return true;
	tell(i, "a field is too long");
	return false;
}

/* -- CSV (RFC 4180), a record a line -- */

/* 0 or -1: a quote is missing, or it is too long. */
static int csv_field(struct span *rest, char out[FIELD_MOST])
{
	bool quoted = rest->n && rest->p[0] == '"';
	struct str text;
	int rc = 0;

	if (!quoted)
		return str_copy(out, FIELD_MOST, span_trim(span_cut(rest,
				',')));
	str_init(&text, FIELD_MOST - 1);
	*rest = span_rest(*rest, 1);
	for (;;) {
		size_t at = span_find(*rest, '"');

		str_add(&text, span_sub(*rest, 0, at));
		if (at == rest->n)
			rc = -1;
		*rest = span_rest(*rest, at + 1);
		if (rc < 0 || !rest->n || rest->p[0] != '"')
			break;
		str_addc(&text, '"');
		*rest = span_rest(*rest, 1);
	}
	if (rest->n && rest->p[0] != ',')
		rc = -1;
	*rest = span_rest(*rest, 1);
	if (text.bad || str_copy(out, FIELD_MOST, span_of(str_c(&text))) < 0)
		rc = -1;
	str_wipe(&text);
	return rc;
}

static int field_named(struct span name)
{
	for (int f = 0; f < FIELDS; f++)
		if (span_is(name, names[f]))
			return f;
	return -1;
}

/* Without a line of names they are address, password, quota. */
static void csv_header(struct import *i)
{
	static const signed char plain[] = { ADDRESS, PASSWORD, QUOTA };
	struct span rest = i->rest, line, first;
	unsigned before = i->line;

	memcpy(i->column, plain, sizeof(plain));
	i->columns = sizeof(plain);
	if (!next_line(i, &line))
		return;
	first = line;
	if (field_named(span_trim(span_cut(&first, ','))) < 0) {
		i->rest = rest;
		i->line = before;
		return;
	}
	for (i->columns = 0; line.n && i->columns < sizeof(i->column);)
		i->column[i->columns++] = (signed char)field_named(span_trim(
				span_cut(&line, ',')));
}

static void import_csv(struct import *i)
{
	char field[FIELD_MOST];
	struct span line;

	csv_header(i);
	while (!i->broken && next_line(i, &line)) {
		bool good = true;
		unsigned n = 0;

		clear(i);
		while (good && line.n) {
			good = n < i->columns && csv_field(&line, field) == 0;
			if (good)
				put(i, i->column[n++], span_of(field));
		}
		if (!good)
			tell(i, "too many fields, one that is too long, or a "
					"quote too few");
		else
			take_record(i);
		explicit_bzero(field, sizeof(field));
	}
}

/* -- Dovecot's passwd-file -- */

/* A name alone; commands, files and lists are no addresses in any domain. */
static void default_domain(struct import *i, char *address)
{
	struct span first = span_of(i->m->conf->domains ?
			i->m->conf->domains->text : i->m->conf->hostname);
	size_t n = strlen(address);

	if (n && !strchr(address, '@') && !strchr("|/:\"", address[0]) &&
			n + 1 + first.n < FIELD_MOST)
		snprintf(address + n, FIELD_MOST - n, "@%.*s", SPAN_ARG(first));
}

/* "*:storage=1G:messages=9" */
static void take_rule(struct import *i, struct span rule)
{
	while (rule.n) {
		struct span value = span_cut(&rule, ':');
		struct span name = span_cut(&value, '=');

		if (span_is(name, "storage") || span_is(name, "bytes"))
			put(i, QUOTA, value);
		else if (span_is(name, "messages"))
			put(i, MESSAGES, value);
	}
}

static void take_extra(struct import *i, struct span extra)
{
	struct span word;

	while ((word = span_word(&extra)).n) {
		struct span value = word, name = span_cut(&value, '=');

		if (span_starts(name, "userdb_"))
			name = span_rest(name, 7);
		if (span_is(name, "quota_rule"))
			take_rule(i, value);
		else if (span_is(name, "quota_storage_size"))
			put(i, QUOTA, value);
		else if (span_is(name, "nologin"))
			put(i, ENABLED, SPAN("no"));
	}
}

static void import_dovecot(struct import *i)
{
	struct span line;

	while (!i->broken && next_line(i, &line)) {
		clear(i);
		if (!put(i, ADDRESS, span_cut(&line, ':')) ||
				!put(i, PASSWORD, span_cut(&line, ':')))
			continue;
		default_domain(i, i->text[ADDRESS]);
		/* uid, gid, gecos, home, shell */
		for (int f = 0; f < 5; f++)
			span_cut(&line, ':');
		take_extra(i, line);
		take_user(i);
	}
}

/* -- Postfix's virtual(5) -- */

/* Between them commas, blanks, or both. */
static void take_targets(struct import *i, struct span list)
{
	while (list.n) {
		struct span part = span_cut(&list, ','), target;

		while ((target = span_word(&part)).n) {
			i->targets++;
			if (!put(i, NAME, target))
				continue;
			default_domain(i, i->text[NAME]);
			take_alias(i, span_of(i->text[ADDRESS]),
					span_of(i->text[NAME]));
		}
	}
}

/* Behind an alias: they may stand in the lines that follow it. */
static void has_targets(struct import *i, bool alias)
{
	if (alias && !i->targets)
		tell(i, "an alias without an address before this");
	i->targets = 0;
}

/* A name with dots and no "@" is a domain; what stands behind means nothing. */
static void import_postfix(struct import *i)
{
	bool goes_on = false, first = true;
	struct span line;

	while (!i->broken && next_line(i, &line)) {
		struct span alias;

		if (line.p[0] == ' ' || line.p[0] == '\t') {
			if (goes_on)
				take_targets(i, line);
			else if (first)
				tell(i, "goes on with nothing");
			continue;
		}
		has_targets(i, goes_on);
		clear(i);
		alias = span_word(&line);
		goes_on = first = false;
		if (!span_has(alias, '@') && span_has(alias, '.')) {
			take_domain(i, alias);
			continue;
		}
		if (!put(i, ADDRESS, alias))
			continue;
		goes_on = true;
		default_domain(i, i->text[ADDRESS]);
		take_targets(i, line);
	}
	has_targets(i, goes_on);
}

/* -- the verb -- */

static const struct format {
	const char *name;
	void (*run)(struct import *i);
} formats[] = {
	{ "csv", import_csv }, { "dovecot", import_dovecot },
	{ "postfix", import_postfix }, { NULL, NULL }
};

static int end(struct import *i)
{
	struct err err;

	err_set(&err, ERR_PERM, "%u bad lines: nothing was changed", i->bad);
	if (user_batch_end(i->db, i->bad ? -1 : 0, &err) < 0) {
		applet_fail("mailuser", &err);
		return i->bad && !i->broken ? EX_DATAERR : EX_TEMPFAIL;
	}
	if (user_publish(i->db, i->m->conf->state_dir, &err) < 0)
		return applet_fail("mailuser", &err);
	fprintf(stderr, "mailuser: %u users, %u aliases\n", i->users,
			i->aliases);
	return EX_OK;
}

static int run(struct mailuser *m, const struct format *f, struct span text)
{
	struct import i = { .m = m, .path = m->operand[1], .rest = text };
	struct err err;
	int status;

	/* as spreadsheets write it */
	if (span_starts(i.rest, "\xef\xbb\xbf"))
		i.rest = span_rest(i.rest, 3);
	i.db = mailuser_open(m, &err);
	if (!i.db || user_batch_begin(i.db, &err) < 0) {
		status = applet_fail("mailuser", &err);
	} else {
		f->run(&i);
		status = end(&i);
	}
	user_close(i.db);
	explicit_bzero(i.text, sizeof(i.text));
	return status;
}

int mailuser_import(struct mailuser *m)
{
	const char *path = m->operand[1];
	const struct format *f = formats;
	struct str text;
	struct err err;
	int status;

	while (f->name && strcmp(f->name, m->format ? m->format : "csv") != 0)
		f++;
	if (!f->name)
		usage_fail("mailuser");
	str_init(&text, FILE_MOST);
	if (file_read(AT_FDCWD, strcmp(path, "-") ? path : "/dev/stdin", &text,
			&err) < 0)
		status = applet_fail("mailuser", &err);
	else
		status = run(m, f, str_span(&text));
	str_wipe(&text);
	return status;
}
