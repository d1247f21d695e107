/* Domains and aliases, and the files that others read them from. */
#include "store/user_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config.h"
#include "mime/addr.h"
#include "os/conf.h"
#include "os/file.h"
#include "store/alias_map.h"

#define FILE_MOST (256 * 1024 * 1024)

/* -- domains -- */

int user_put_domain(struct user_db *db, struct span domain, struct err *err)
{
	return user_execute(db, "INSERT OR IGNORE INTO domain (name) VALUES"
			" (?2)", 0, &domain, 1, err) < 0 ? -1 : 0;
}

/* Its A-labels; ERR_PERM. */
static int take_domain(char ascii[IDNA_SIZE], struct span domain,
		struct err *err)
{
	if (idna_ascii(ascii, domain) && addr_domain(span_of(ascii)))
		return 0;
	return err_set(err, ERR_PERM, "%.*s: not a domain",
			domain.n < 200 ? (int)domain.n : 200, domain.p);
}

static int add_domain(struct user_db *db, struct span domain, struct err *err)
{
	int rc = user_put_domain(db, domain, err);

	if (rc == 0)
		rc = user_execute(db, "UPDATE domain SET kept = 1 WHERE"
				" name = ?2 AND NOT kept", 0, &domain, 1, err);
	if (rc == 0)
		return err_set(err, ERR_PERM, "%.*s: exists already",
				SPAN_ARG(domain));
	return rc < 0 ? -1 : 0;
}

int user_domain_add(struct user_db *db, struct span domain, struct err *err)
{
	char ascii[IDNA_SIZE];

	if (take_domain(ascii, domain, err) < 0 || user_begin(db, err) < 0)
		return -1;
	return user_finish(db, add_domain(db, span_of(ascii), err), err);
}

/* 1: there is nobody in it. */
static int is_empty(struct user_db *db, struct span domain, struct err *err)
{
	struct db_query *q = db_query(db->db, "SELECT 1 FROM domain d WHERE"
			" name = ?1 AND (EXISTS (SELECT 1 FROM user WHERE"
			" domain = d.id) OR EXISTS (SELECT 1 FROM alias WHERE"
			" domain = d.id))", err);
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, domain);
	rc = db_step(q, err);
	if (rc > 0)
		db_done(q);
	return rc < 0 ? -1 : !rc;
}

static int del_domain(struct user_db *db, struct span domain, struct err *err)
{
	int rc = is_empty(db, domain, err);

	if (rc == 0)
		return err_set(err, ERR_PERM, "%.*s: there are users or "
				"aliases in it", SPAN_ARG(domain));
	if (rc > 0)
		rc = user_execute(db, "DELETE FROM domain WHERE name = ?2", 0,
				&domain, 1, err);
	return rc < 0 ? -1 : !rc;
}

int user_domain_del(struct user_db *db, struct span domain, struct err *err)
{
	char ascii[IDNA_SIZE];
	int rc;

	if (take_domain(ascii, domain, err) < 0 || user_begin(db, err) < 0)
		return -1;
	rc = del_domain(db, span_of(ascii), err);
	return rc > 0 ? user_finish(db, -1, err), 1 : user_finish(db, rc, err);
}

int user_domain_has(struct user_db *db, struct span domain, struct err *err)
{
	struct db_query *q = db_query(db->db, "SELECT 1 FROM domain WHERE"
			" name = ?1 AND kept", err);
	char ascii[IDNA_SIZE];
	int rc;

	if (!q)
		return -1;
	if (!idna_ascii(ascii, domain))
		return 0;
	db_bind_text(q, 1, span_of(ascii));
	rc = db_step(q, err);
	if (rc > 0)
		db_done(q);
	return rc;
}

int user_domain_each(struct user_db *db,
		bool (*fn)(void *arg, const char *domain), void *arg,
		struct err *err)
{
	struct db_query *q;
	char name[IDNA_SIZE];
	int rc;

	if (!db->full)
		return 0;
	q = db_query(db->db, "SELECT name FROM domain WHERE kept ORDER BY name",
			err);
	if (!q)
		return -1;
	while ((rc = db_step(q, err)) > 0) {
		if (str_copy(name, sizeof(name), db_text(q, 0)) < 0 ||
				!addr_domain(span_of(name)))
			rc = err_set(err, ERR_TEMP, "users.db: not a domain");
		else if (fn(arg, name))
			continue;
		db_done(q);
		return rc < 0 ? -1 : 0;
	}
	return rc;
}

/* -- aliases -- */

/* Local part "" of a catch-all. */
static bool split(struct user_parts *out, struct span alias)
{
	if (!alias.n || alias.p[0] != '@')
		return user_split(out, alias);
	out->local = span_of("");
	if (!idna_ascii(out->text, span_rest(alias, 1)))
		return false;
	out->domain = span_of(out->text);
	return addr_domain(out->domain);
}

bool user_alias_valid(struct span alias)
{
	struct user_parts parts;

	return split(&parts, alias);
}

static int no_alias(struct span alias, struct err *err)
{
	return err_set(err, ERR_PERM, "%.*s: not an address that an alias can "
			"have", alias.n < 150 ? (int)alias.n : 150, alias.p);
}

static bool target_valid(struct span target)
{
	struct addr a;

	return target.n < ADDR_MAX && addr_parse(target, &a, CFG_SMTPUTF8) &&
		a.domain.n && !span_has(target, ',') && !span_has(target, ' ')
		&& !span_has(target, '"');
}

/* 1, 0 or -1 */
static int has_target(struct user_db *db, const struct user_parts *parts,
		struct span target, struct err *err)
{
	struct db_query *q = db_query(db->db, "SELECT 1 FROM alias a JOIN"
			" domain d ON domain = d.id WHERE name = ?1 AND"
			" local = ?2 AND target = ?3", err);
	int rc;

	if (!q)
		return -1;
	db_bind_text(q, 1, parts->domain);
	db_bind_text(q, 2, parts->local);
	db_bind_text(q, 3, target);
	rc = db_step(q, err);
	if (rc > 0)
		db_done(q);
	return rc;
}

/* As user_alias_add. */
static int put_alias(struct user_db *db, const struct user_parts *parts,
		struct span target, struct err *err)
{
	const struct span text[] = { parts->domain, parts->local, target };
	int rc = has_target(db, parts, target, err);

	if (rc == 0)
		rc = user_put_domain(db, parts->domain, err);
	if (rc)
		return rc;
	rc = user_execute(db, "INSERT INTO alias (domain, local, target)"
			" SELECT id, ?3, ?4 FROM domain WHERE name = ?2 AND"
			" (SELECT count(*) FROM alias a WHERE"
			" a.domain = domain.id AND a.local = ?3) < ?1",
			ALIAS_MAP_TARGETS_MOST, text, 3, err);
	if (rc == 0)
		return err_set(err, ERR_PERM, "an alias has at most %d "
				"targets", ALIAS_MAP_TARGETS_MOST);
	return rc < 0 ? -1 : 0;
}

int user_alias_add(struct user_db *db, struct span alias, struct span target,
		struct err *err)
{
	struct user_parts parts;
	int rc;

	if (!split(&parts, alias))
		return no_alias(alias, err);
	/* "|NAME#1" is how queue writes the commands of an alias */
	if (!target_valid(target) || span_starts(target, "|"))
		return err_set(err, ERR_PERM, "%.*s: not an address",
				target.n < 150 ? (int)target.n : 150, target.p);
	if (user_begin(db, err) < 0)
		return -1;
	rc = put_alias(db, &parts, target, err);
	return user_finish(db, rc < 0 ? -1 : 0, err) < 0 ? -1 : rc;
}

static int drop_alias(struct user_db *db, const struct user_parts *parts,
		struct span target, struct err *err)
{
	const struct span text[] = { parts->domain, parts->local, target };
	int rc = user_execute(db, "DELETE FROM alias WHERE domain = (SELECT id"
			" FROM domain WHERE name = ?2) AND local = ?3 AND"
			" (?1 OR target = ?4 COLLATE NOCASE)", !target.n, text,
			3, err);

	if (rc > 0 && user_execute(db, "DELETE FROM domain WHERE name = ?2 AND"
			" NOT kept AND id NOT IN (SELECT domain FROM user) AND"
			" id NOT IN (SELECT domain FROM alias)", 0, text, 1,
			err) < 0)
		rc = -1;
	return rc < 0 ? -1 : !rc;
}

int user_alias_del(struct user_db *db, struct span alias, struct span target,
		struct err *err)
{
	struct user_parts parts;
	int rc;

	if (!split(&parts, alias))
		return no_alias(alias, err);
	if (user_begin(db, err) < 0)
		return -1;
	rc = drop_alias(db, &parts, target, err);
	return user_finish(db, rc < 0 ? -1 : 0, err) < 0 ? -1 : rc;
}

int user_alias_each(struct user_db *db,
		bool (*fn)(void *arg, const char *alias, const char *target),
		void *arg, struct err *err)
{
	char alias[USER_ADDRESS_SIZE + 1], target[ADDR_MAX];
	struct user_parts parts;
	struct db_query *q;
	int rc;

	if (!db->full)
		return 0;
	q = db_query(db->db, "SELECT local || '@' || name, target FROM alias a"
			" JOIN domain d ON domain = d.id ORDER BY lower(local)"
			" || '@' || name, target", err);
	if (!q)
		return -1;
	while ((rc = db_step(q, err)) > 0) {
		if (str_copy(alias, sizeof(alias), db_text(q, 0)) < 0 ||
				str_copy(target, sizeof(target), db_text(q, 1))
				< 0 || !split(&parts, span_of(alias)) ||
				!target_valid(span_of(target)))
			rc = err_set(err, ERR_TEMP, "users.db: not an alias");
		else if (fn(arg, alias, target))
			continue;
		db_done(q);
		return rc < 0 ? -1 : 0;
	}
	return rc;
}

/* -- the files -- */

static bool put_domain_line(void *arg, const char *domain)
{
	str_adds(arg, domain);
	str_addc(arg, '\n');
	return true;
}

struct writing {
	struct str text;
	char last[USER_ADDRESS_SIZE + 1];	/* the line's alias */
};

static bool put_alias_line(void *arg, const char *alias, const char *target)
{
	struct writing *w = arg;
	char key[sizeof(w->last)];

	str_copys(key, sizeof(key), alias);
	ascii_lower_all(key);
	if (strcmp(key, w->last) == 0) {
		str_addf(&w->text, ",%s", target);
	} else {
		str_addf(&w->text, "%s%s %s", w->text.n ? "\n" : "", key,
				target);
		memcpy(w->last, key, sizeof(key));
	}
	return !w->text.bad;
}

/* One that says nothing is not there. */
static int put_file(const char *dir, const char *name, const struct str *text,
		struct err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (text->bad)
		return err_set(err, ERR_NOMEM, "%s: too long, or no memory",
				path);
	if (text->n)
		return file_replace(AT_FDCWD, path, 0644, str_span(text), err);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, "%s", path);
	return 0;
}

static int publish(struct user_db *db, const char *dir, struct err *err)
{
	struct writing w = { .last = "" };
	struct str domains;
	int rc;

	/* one that is too long would be no configuration */
	str_init(&domains, CONF_DOMAINS_MOST);
	str_init(&w.text, FILE_MOST);
	rc = user_domain_each(db, put_domain_line, &domains, err);
	if (rc == 0)
		rc = user_alias_each(db, put_alias_line, &w, err);
	if (rc == 0 && w.text.n)
		str_addc(&w.text, '\n');
	if (rc == 0)
		rc = put_file(dir, USER_DOMAINS, &domains, err);
	if (rc == 0)
		rc = put_file(dir, USER_ALIASES, &w.text, err);
	str_free(&domains);
	str_free(&w.text);
	return rc;
}

/* With the lock: who is the last to publish has seen all that was changed. */
int user_publish(struct user_db *db, const char *state_dir, struct err *err)
{
	int rc;

	if (db_begin(db->db, err) < 0)
		return -1;
	rc = publish(db, state_dir, err);
	db_rollback(db->db);
	return rc;
}
