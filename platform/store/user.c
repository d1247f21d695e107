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
#include "store/user_private.h"

/*
 * Version 1. A credential's kind is one of user_private.h; of a KIND_PASSWORD
 * the label is "": the one main password.
 */
#define STEP_1 \
	"CREATE TABLE domain (id INTEGER PRIMARY KEY," \
	" name TEXT NOT NULL UNIQUE);"		/* lower case, A-labels */ \
	"CREATE TABLE user (id INTEGER PRIMARY KEY," \
	" domain INTEGER NOT NULL REFERENCES domain," \
	" local TEXT NOT NULL COLLATE NOCASE," \
	" enabled INTEGER NOT NULL DEFAULT 1," \
	" created INTEGER NOT NULL," \
	" UNIQUE (domain, local));" \
	"CREATE TABLE credential (id INTEGER PRIMARY KEY," \
	" user INTEGER NOT NULL REFERENCES user," \
	" kind INTEGER NOT NULL," \
	" label TEXT NOT NULL DEFAULT ''," \
	" secret TEXT NOT NULL,"			/* base/scram.h */ \
	" created INTEGER NOT NULL," \
	" UNIQUE (user, kind, label))"

/*
 * Version 2: quota in octets and messages, 0 for none; settings as net/auth.h
 * has them; a domain that is kept has not come with its first user and does not
 * go with its last one; used is the day of a credential's last use, since 1970.
 * An alias with the local part "" has what nobody else gets.
 */
#define STEP_2 \
	"ALTER TABLE user ADD COLUMN quota INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE user ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE user ADD COLUMN settings TEXT NOT NULL DEFAULT '';" \
	"ALTER TABLE domain ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;" \
	"ALTER TABLE credential ADD COLUMN used INTEGER NOT NULL DEFAULT 0;" \
	"CREATE TABLE alias (id INTEGER PRIMARY KEY," \
	" domain INTEGER NOT NULL REFERENCES domain," \
	" local TEXT NOT NULL COLLATE NOCASE," \
	" target TEXT NOT NULL," \
	" UNIQUE (domain, local, target));" \
	"CREATE INDEX foreign_hash ON credential (kind) WHERE kind = 3"

static const char *const steps[] = { STEP_1, USE_USERS_FULL(STEP_2,) NULL };
/* What a reader has to find: it asks a file of before for nothing more. */
static const char *const oldest[] = { STEP_1, NULL };

#define LOCAL_MOST 64		/* RFC 5321 4.5.3.1.1 */

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

bool user_split(struct user_parts *out, struct span address)
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
	struct user_parts parts;

	return user_split(&parts, address);
}

/* -- reading -- */

#define COLUMNS "SELECT u.id, local, name, enabled, u.created, "
#define MORE ", quota, messages, settings"
#define TABLES " FROM domain d JOIN user u ON domain = d.id"
#define FIND TABLES \
	" LEFT JOIN credential ON user = u.id" \
	" AND kind = " KIND_PASSWORD " AND label = ''" \
	" WHERE name = ?1 AND local = ?2"
#define EACH TABLES " ORDER BY name, local"

/* Of version 1, and of 2 */
static const char *const find_sql[] = {
	COLUMNS "secret" FIND,
	USE_USERS_FULL(COLUMNS "secret" MORE FIND)
};
static const char *const each_sql[] = {
	COLUMNS "''" EACH,
	USE_USERS_FULL(COLUMNS "''" MORE EACH)
};

/* The row's COLUMNS. -1: somebody else has written things we never would. */
static int take_row(struct db_query *q, struct user *out, struct err *err)
{
	struct span local = db_text(q, 1), domain = db_text(q, 2);

	if (!local_valid(local) || !addr_domain(domain) || local.n + 1 +
			domain.n >= sizeof(out->address))
		return err_set(err, ERR_TEMP, "users.db: user %lld: "
				"not an address", (long long)db_number(q, 0));
	*out = (struct user){ .id = db_number(q, 0) };
	snprintf(out->address, sizeof(out->address), "%.*s@%.*s",
			SPAN_ARG(local), SPAN_ARG(domain));
	snprintf(out->mailbox, sizeof(out->mailbox), "%.*s/%.*s",
			SPAN_ARG(domain), SPAN_ARG(local));
	ascii_lower_all(out->mailbox);
	out->enabled = db_number(q, 3) != 0;
	out->created = db_number(q, 4);
	return 0;
}

static void take_more(struct db_query *q, struct user *out)
{
	int64_t octets = db_number(q, 6), messages = db_number(q, 7);

	out->quota = octets > 0 ? (uint64_t)octets : 0;
	out->quota_messages = messages <= 0 ? 0 : messages < UINT32_MAX ?
		(uint32_t)messages : UINT32_MAX;
	if (str_copy(out->settings, sizeof(out->settings), db_text(q, 8)) < 0)
		out->settings[0] = '\0';
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
	struct user_parts parts;
	int result;

	if (!user_split(&parts, address))
		return 1;
	q = db_query(db->db, find_sql[CFG_USERS_FULL && db->full], err);
	if (!q)
		return -1;
	db_bind_text(q, 1, parts.domain);
	db_bind_text(q, 2, parts.local);
	result = db_step(q, err);
	if (result <= 0)
		return result < 0 ? -1 : 1;
	result = take_row(q, out, err);
	if (CFG_USERS_FULL && db->full && result == 0)
		take_more(q, out);
	if (result == 0 && keys)
		result = take_keys(q, keys, out->address, err);
	db_done(q);
	return result;
}

#define CHECKED_MOST (4 * 1024 * 1024)

/* A number that a PRAGMA tells; -1 with err. */
static int64_t pragma(struct user_db *db, const char *sql, struct err *err)
{
	struct db_query *q = db_query(db->db, sql, err);
	int64_t n = -1;

	if (!q || db_step(q, err) <= 0)
		return -1;
	n = db_number(q, 0);
	db_done(q);
	return n;
}

int user_sound(struct user_db *db, struct err *err)
{
	int64_t pages = pragma(db, "PRAGMA page_count", err);
	int64_t size = pragma(db, "PRAGMA page_size", err);
	struct db_query *q;
	int rc;

	if (pages < 0 || size <= 0)
		return -1;
	if (pages > CHECKED_MOST / size)
		return 0;
	q = db_query(db->db, "PRAGMA integrity_check(1)", err);
	if (!q || db_step(q, err) <= 0)
		return -1;
	rc = span_is(db_text(q, 0), "ok") ? 0 : err_set(err, ERR_TEMP,
			"users.db is damaged: %.*s", SPAN_ARG(db_text(q, 0)));
	db_done(q);
	/*
	 * a table that says otherwise than it did what it has may be in order
	 */
	if (rc == 0 && pragma(db, "SELECT count(*) FROM user u LEFT JOIN"
			" domain d ON d.id = u.domain WHERE d.id IS NULL",
			err) != 0)
		rc = err_set(err, ERR_TEMP, "users.db is damaged: there are "
				"users without a domain");
	return rc;
}

int user_each(struct user_db *db, bool (*fn)(void *arg, const struct user *u),
		void *arg, struct err *err)
{
	struct db_query *q = db_query(db->db,
			each_sql[CFG_USERS_FULL && db->full], err);
	struct user user;
	int result = -1;

	while (q && (result = db_step(q, err)) > 0) {
		result = take_row(q, &user, err);
		if (CFG_USERS_FULL && db->full && result == 0)
			take_more(q, &user);
		if (result < 0 || !fn(arg, &user))
			break;
	}
	if (q)
		db_done(q);
	return result;
}

/* -- changing -- */

int user_execute(struct user_db *db, const char *sql, int64_t number,
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
	rc = user_execute(db, "INSERT OR REPLACE INTO credential (user, kind,"
			" secret, created) VALUES (?1, " KIND_PASSWORD
			", ?2, ?3)", id, text, 2, err);
	explicit_bzero(secret, sizeof(secret));
	if (CFG_USERS_FULL && rc >= 0)
		rc = user_execute(db, "DELETE FROM credential WHERE user = ?1"
				" AND kind = " KIND_FOREIGN, id, NULL, 0, err);
	return rc < 0 ? -1 : 0;
}

static int add_rows(struct user_db *db, const struct user_parts *parts,
		const struct scram_keys *keys, const char *foreign,
		struct err *err)
{
	const struct span text[] = { parts->local, parts->domain };
	int added = user_execute(db, "INSERT OR IGNORE INTO domain (name)"
			" VALUES (?3)", 0, text, 2, err);

	if (added >= 0)
		added = user_execute(db, "INSERT OR IGNORE INTO user (domain,"
				" local, created) SELECT id, ?2, ?1 FROM"
				" domain WHERE name = ?3", clock_now(), text,
				2, err);
	if (added == 0)
		return err_set(err, ERR_PERM, "%.*s@%.*s: exists already",
				SPAN_ARG(text[0]), SPAN_ARG(text[1]));
	if (added < 0)
		return -1;
	if (CFG_USERS_FULL && !keys)
		return foreign ? user_put_foreign(db, db_last_id(db->db),
				foreign, err) : 0;
	return set_keys(db, db_last_id(db->db), keys, err);
}

int user_begin(struct user_db *db, struct err *err)
{
	return CFG_USERS_FULL && db->batch ? 0 : db_begin(db->db, err);
}

int user_finish(struct user_db *db, int rc, struct err *err)
{
	if (CFG_USERS_FULL && db->batch)
		return rc;
	if (rc == 0)
		rc = db_commit(db->db, err);
	if (rc < 0)
		db_rollback(db->db);
	return rc;
}

int user_add_as(struct user_db *db, struct span address,
		const struct scram_keys *keys, const char *foreign,
		struct err *err)
{
	struct user_parts parts;

	if (!user_split(&parts, address))
		return err_set(err, ERR_PERM, "%.*s: not an address that a "
				"user can have", SPAN_ARG(address));
	if (user_begin(db, err) < 0)
		return -1;
	return user_finish(db, add_rows(db, &parts, keys, foreign, err), err);
}

int user_add(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	return user_add_as(db, address, keys, NULL, err);
}

int user_set_keys(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc)
		return rc;
	if (user_begin(db, err) < 0)
		return -1;
	if (CFG_USERS_FULL)
		rc = user_check_salt(db, user.id, true, keys, err);
	if (rc == 0)
		rc = set_keys(db, user.id, keys, err);
	return user_finish(db, rc, err);
}

/* Row by row: small builds of SQLite leave foreign keys, and cascades, out. */
int user_delete(struct user_db *db, struct span address, struct err *err)
{
	static const char *const sql[] = {
		"DELETE FROM credential WHERE user = ?1",
		"DELETE FROM user WHERE id = ?1",
		("DELETE FROM domain WHERE ?1 AND id NOT IN"
		" (SELECT domain FROM user)"
		USE_USERS_FULL(" AND NOT kept AND id NOT IN"
			" (SELECT domain FROM alias)"))
	};
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc)
		return rc;
	if (user_begin(db, err) < 0)
		return -1;
	for (int i = 0; rc >= 0 && i < 3; i++)
		rc = user_execute(db, sql[i], user.id, NULL, 0, err);
	return user_finish(db, rc < 0 ? -1 : 0, err);
}

/* -- opening -- */

/* Has whoever wrote it last known of what there is more? */
static int has_step_2(struct user_db *db, struct err *err)
{
	int64_t version = pragma(db, "PRAGMA user_version", err);

	db->full = version >= 2;
	return version < 0 ? -1 : 0;
}

struct user_db *user_open(const char *path, bool write, struct err *err)
{
	struct user_db *db = malloc(sizeof(*db));

	if (!db) {
		disk_err(err, path);
		return NULL;
	}
	*db = (struct user_db){ .db = db_open(path, write, write ? steps :
			oldest, err) };
	if (db->db && (!CFG_USERS_FULL || has_step_2(db, err) == 0))
		return db;
	user_close(db);
	return NULL;
}

void user_close(struct user_db *db)
{
	if (!db)
		return;
	db_close(db->db);
	free(db);
}
