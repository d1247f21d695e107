/* mailuser_import - many users and aliases at once: all of them, or none */
#include "applet.h"
#include "mailuser/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/str.h"
#include "os/file.h"

#define FILE_MOST (512 * 1024 * 1024)

static const char *const names[FIELDS] = { "type", "address", "password",
	"name", "enabled", "quota", "messages", "forward", "hook" };

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
		import_tell(i, "control characters");
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
	import_tell(i, "a field is too long");
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
			import_tell(i, "too many fields, one that is too long, or a "
					"quote too few");
		else
			import_record(i);
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
		import_user(i);
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
			import_alias(i, span_of(i->text[ADDRESS]),
					span_of(i->text[NAME]));
		}
	}
}

/* Behind an alias: they may stand in the lines that follow it. */
static void has_targets(struct import *i, bool alias)
{
	if (alias && !i->targets)
		import_tell(i, "an alias without an address before this");
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
				import_tell(i, "goes on with nothing");
			continue;
		}
		has_targets(i, goes_on);
		clear(i);
		alias = span_word(&line);
		goes_on = first = false;
		if (!span_has(alias, '@') && span_has(alias, '.')) {
			import_domain(i, alias);
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
