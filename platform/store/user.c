#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/idna.h"
#include "base/utf8.h"
#include "config.h"
#include "mime/addr.h"
#include "os/clock.h"
#include "store/db.h"
#include "store/disk.h"

/*
 * Version 1. A credential's kind is KIND_PASSWORD, label "": the one main
 * password. Application passwords will be another kind, each with a label.
 */
static const char *const steps[] = {
	"CREATE TABLE domain (id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE);"		/* lower case, A-labels */
	"CREATE TABLE user (id INTEGER PRIMARY KEY,"
	" domain INTEGER NOT NULL REFERENCES domain,"
	" local TEXT NOT NULL COLLATE NOCASE,"
	" enabled INTEGER NOT NULL DEFAULT 1,"
	" created INTEGER NOT NULL,"
	" UNIQUE (domain, local));"
	"CREATE TABLE credential (id INTEGER PRIMARY KEY,"
	" user INTEGER NOT NULL REFERENCES user,"
	" kind INTEGER NOT NULL,"
	" label TEXT NOT NULL DEFAULT '',"
	" secret TEXT NOT NULL,"			/* base/scram.h */
	" created INTEGER NOT NULL,"
	" UNIQUE (user, kind, label))",
	NULL
};

#define KIND_PASSWORD "1"

#define LOCAL_MOST 64		/* RFC 5321 4.5.3.1.1 */

struct user_db {
	struct db *db;
};

/* -- addresses -- */

static bool local_valid(struct span local)
{
	static const char others[] = "._+-=~&'";

	if (!local.n || local.n > LOCAL_MOST || local.p[0] == '-')
		return false;
	for (size_t i = 0; i < local.n; i++)
		if ((unsigned char)local.p[i] < 128 &&
				!ascii_isalnum(local.p[i]) &&
				!memchr(others, local.p[i], sizeof(others) - 1))
			return false;
	return CFG_SMTPUTF8 ? utf8_clean(local) : utf8_ascii(local);
}

/* An address as the statements have it. */
struct parts {
	struct span local, domain;
	char text[IDNA_SIZE];	/* of the domain */
};

static bool split(struct parts *out, struct span address)
{
	struct addr a;

	if (!addr_parse(address, &a, CFG_SMTPUTF8) || !local_valid(a.local)
			|| !idna_ascii(out->text, a.domain))
		return false;
	out->local = a.local;
	out->domain = span_of(out->text);
	return addr_domain(out->domain) && out->local.n + 1 + out->domain.n <
		USER_ADDRESS_SIZE;
}

bool user_address_valid(struct span address)
{
	struct parts parts;

	return split(&parts, address);
}

/* -- reading -- */

#define COLUMNS "SELECT u.id, local, name, enabled, u.created"
#define TABLES " FROM domain d JOIN user u ON domain = d.id"

static const char find_sql[] =
	COLUMNS ", secret" TABLES
	" LEFT JOIN credential ON user = u.id"
	" AND kind = " KIND_PASSWORD " AND label = ''"
	" WHERE name = ?1 AND local = ?2";

static const char each_sql[] = COLUMNS TABLES " ORDER BY name, local";

/* The row's COLUMNS. -1: somebody else has written things we never would. */
static int take_row(struct db_query *q, struct user *out, struct err *err)
{
	struct span local = db_text(q, 1), domain = db_text(q, 2);

	if (!local_valid(local) || !addr_domain(domain) || local.n + 1 +
			domain.n >= sizeof(out->address))
		return err_set(err, ERR_TEMP, "users.db: user %lld: "
				"not an address", (long long)db_number(q, 0));
	out->id = db_number(q, 0);
	snprintf(out->address, sizeof(out->address), "%.*s@%.*s",
			SPAN_ARG(local), SPAN_ARG(domain));
	snprintf(out->mailbox, sizeof(out->mailbox), "%.*s/%.*s",
			SPAN_ARG(domain), SPAN_ARG(local));
	for (char *p = out->mailbox; *p; p++)
		*p = ascii_lower(*p);
	out->enabled = db_number(q, 3) != 0;
	out->created = db_number(q, 4);
	return 0;
}

static int take_keys(struct db_query *q, struct scram_keys *keys,
		const char *address, struct err *err)
{
	struct span secret = db_text(q, 5);

	*keys = (struct scram_keys){ 0 };
	if (!secret.n || scram_parse(keys, secret))
		return 0;
	return err_set(err, ERR_TEMP, "users.db: %s: key is damaged", address);
}

int user_find(struct user_db *db, struct span address, struct user *out,
		struct scram_keys *keys, struct err *err)
{
	struct db_query *q;
	struct parts parts;
	int result;

	if (!split(&parts, address))
		return 1;
	q = db_query(db->db, find_sql, err);
	if (!q)
		return -1;
	db_bind_text(q, 1, parts.domain);
	db_bind_text(q, 2, parts.local);
	result = db_step(q, err);
	if (result <= 0)
		return result < 0 ? -1 : 1;
	result = take_row(q, out, err);
	if (result == 0 && keys)
		result = take_keys(q, keys, out->address, err);
	db_done(q);
	return result;
}

int user_each(struct user_db *db, bool (*fn)(void *arg, const struct user *u),
		void *arg, struct err *err)
{
	struct db_query *q = db_query(db->db, each_sql, err);
	struct user user;
	int result = -1;

	while (q && (result = db_step(q, err)) > 0) {
		result = take_row(q, &user, err);
		if (result < 0 || !fn(arg, &user))
			break;
	}
	if (q)
		db_done(q);
	return result;
}

/* -- changing -- */

/*
 * A statement with ?1 a number, ?2 and ?3 texts (where there are any). 1 when a
 * row was found and changed, 0 when not.
 */
static int execute(struct user_db *db, const char *sql, int64_t number,
		const struct span *text, int n, struct err *err)
{
	struct db_query *q = db_query(db->db, sql, err);

	if (!q)
		return -1;
	db_bind_number(q, 1, number);
	for (int i = 0; i < n; i++)
		db_bind_text(q, 2 + i, text[i]);
	return db_step(q, err) < 0 ? -1 : db_changes(db->db) != 0;
}

static int set_keys(struct user_db *db, int64_t id,
		const struct scram_keys *keys, struct err *err)
{
	char secret[SCRAM_TEXT_SIZE], now[24];
	struct span text[2];
	int rc;

	scram_print(secret, keys);
	if (!secret[0])
		return err_nomem(err);
	snprintf(now, sizeof(now), "%lld", (long long)clock_now());
	text[0] = span_of(secret);
	text[1] = span_of(now);
	rc = execute(db, "INSERT OR REPLACE INTO credential (user, kind,"
			" secret, created) VALUES (?1, " KIND_PASSWORD
			", ?2, ?3)", id, text, 2, err);
	explicit_bzero(secret, sizeof(secret));
	return rc < 0 ? -1 : 0;
}

static int add_rows(struct user_db *db, const struct parts *parts,
		const struct scram_keys *keys, struct err *err)
{
	const struct span text[] = { parts->local, parts->domain };
	int added = execute(db, "INSERT OR IGNORE INTO domain (name)"
			" VALUES (?3)", 0, text, 2, err);

	if (added >= 0)
		added = execute(db, "INSERT OR IGNORE INTO user (domain, local,"
				" created) SELECT id, ?2, ?1 FROM domain"
				" WHERE name = ?3", clock_now(), text, 2, err);
	if (added == 0)
		return err_set(err, ERR_PERM, "%.*s@%.*s: exists already",
				SPAN_ARG(text[0]), SPAN_ARG(text[1]));
	return added < 0 ? -1 : set_keys(db, db_last_id(db->db), keys, err);
}

/* The end of what db_begin began. */
static int finish(struct user_db *db, int rc, struct err *err)
{
	if (rc == 0)
		rc = db_commit(db->db, err);
	if (rc < 0)
		db_rollback(db->db);
	return rc;
}

int user_add(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	struct parts parts;

	if (!split(&parts, address))
		return err_set(err, ERR_PERM, "%.*s: not an address that a "
				"user can have", SPAN_ARG(address));
	if (db_begin(db->db, err) < 0)
		return -1;
	return finish(db, add_rows(db, &parts, keys, err), err);
}

int user_set_keys(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	return rc ? rc : set_keys(db, user.id, keys, err);
}

/* Row by row: small builds of SQLite leave foreign keys, and cascades, out. */
int user_delete(struct user_db *db, struct span address, struct err *err)
{
	static const char *const sql[] = {
		"DELETE FROM credential WHERE user = ?1",
		"DELETE FROM user WHERE id = ?1",
		("DELETE FROM domain WHERE ?1 AND id NOT IN"
		" (SELECT domain FROM user)")
	};
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc)
		return rc;
	if (db_begin(db->db, err) < 0)
		return -1;
	for (int i = 0; rc >= 0 && i < 3; i++)
		rc = execute(db, sql[i], user.id, NULL, 0, err);
	return finish(db, rc < 0 ? -1 : 0, err);
}

/* -- opening -- */

struct user_db *user_open(const char *path, bool write, struct err *err)
{
	struct user_db *db = malloc(sizeof(*db));

	if (!db) {
		disk_err(err, path);
		return NULL;
	}
	db->db = db_open(path, write, steps, err);
	if (db->db)
		return db;
	free(db);
	return NULL;
}

void user_close(struct user_db *db)
{
	if (!db)
		return;
	db_close(db->db);
	free(db);
}
