#include "store/user.h"

#include <stdlib.h>
#include <string.h>
#include "mime/addr.h"
#include "os/clock.h"
#include "store/db.h"

/*
 * Version 1. A credential's kind is KIND_PASSWORD, label "": the one main
 * password. Application passwords will be another kind, each with a label.
 */
static const char *const steps[] = {
	"CREATE TABLE domain ("
	"	id INTEGER PRIMARY KEY,"
	"	name TEXT NOT NULL UNIQUE);"		/* lower case */
	"CREATE TABLE user ("
	"	id INTEGER PRIMARY KEY,"
	"	domain INTEGER NOT NULL REFERENCES domain,"
	"	local TEXT NOT NULL COLLATE NOCASE,"
	"	enabled INTEGER NOT NULL DEFAULT 1,"
	"	created INTEGER NOT NULL,"
	"	UNIQUE (domain, local));"
	"CREATE TABLE credential ("
	"	id INTEGER PRIMARY KEY,"
	"	user INTEGER NOT NULL REFERENCES user,"
	"	kind INTEGER NOT NULL,"
	"	label TEXT NOT NULL DEFAULT '',"
	"	secret TEXT NOT NULL,"			/* base/scram.h */
	"	created INTEGER NOT NULL,"
	"	UNIQUE (user, kind, label))",
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
		if (!ascii_isalnum(local.p[i]) &&
				!memchr(others, local.p[i], sizeof(others) - 1))
			return false;
	return true;
}

/* Splits, with the domain in lower case in out->domain's bytes. */
static bool split(struct span address, struct addr *out,
		char domain[USER_ADDRESS_SIZE])
{
	if (address.n >= USER_ADDRESS_SIZE || !addr_parse(address, out, false))
		return false;
	if (!local_valid(out->local) || !addr_domain(out->domain))
		return false;
	for (size_t i = 0; i < out->domain.n; i++)
		domain[i] = ascii_lower(out->domain.p[i]);
	out->domain.p = domain;
	return true;
}

bool user_address_valid(struct span address)
{
	char domain[USER_ADDRESS_SIZE];
	struct addr a;

	return split(address, &a, domain);
}

/* -- reading -- */

#define COLUMNS "u.id, u.local, d.name, u.enabled, u.created"

static const char find_sql[] =
	"SELECT " COLUMNS ", c.secret FROM domain d"
	" JOIN user u ON u.domain = d.id"
	" LEFT JOIN credential c ON c.user = u.id"
	"	AND c.kind = " KIND_PASSWORD " AND c.label = ''"
	" WHERE d.name = ?1 AND u.local = ?2";

static const char each_sql[] =
	"SELECT " COLUMNS " FROM domain d JOIN user u ON u.domain = d.id"
	" ORDER BY d.name, u.local";

/* The row's COLUMNS. -1: somebody else has written things we never would. */
static int take_row(struct db_query *q, struct user *out, struct err *err)
{
	struct span local = db_text(q, 1), domain = db_text(q, 2);
	size_t at = 0;

	if (!local_valid(local) || !addr_domain(domain) || local.n + 1 +
			domain.n >= sizeof(out->address))
		return err_set(err, ERR_TEMP, "users.db: user %lld: "
				"not an address", (long long)db_number(q, 0));
	out->id = db_number(q, 0);
	memcpy(out->address, local.p, local.n);
	out->address[local.n] = '@';
	str_copy(out->address + local.n + 1,
			sizeof(out->address) - local.n - 1, domain);
	memcpy(out->mailbox, domain.p, domain.n);
	out->mailbox[domain.n] = '/';
	for (; at < local.n; at++)
		out->mailbox[domain.n + 1 + at] = ascii_lower(local.p[at]);
	out->mailbox[domain.n + 1 + at] = '\0';
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
	char domain[USER_ADDRESS_SIZE];
	struct db_query *q;
	struct addr a;
	int result;

	if (!split(address, &a, domain))
		return 1;
	q = db_query(db->db, find_sql, err);
	if (!q)
		return -1;
	db_bind_text(q, 1, a.domain);
	db_bind_text(q, 2, a.local);
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

/* 1 when a row was found and changed, 0 when not. */
static int changed(struct db *db, struct db_query *q, struct err *err)
{
	if (db_step(q, err) < 0)
		return -1;
	return db_changes(db) != 0;
}

static int add_domain(struct db *db, struct span name, struct err *err)
{
	struct db_query *q = db_query(db,
		"INSERT OR IGNORE INTO domain (name) VALUES (?1)", err);

	if (!q)
		return -1;
	db_bind_text(q, 1, name);
	return db_step(q, err);
}

/* 1: added; 0: it is there already. */
static int add_user(struct db *db, const struct addr *a, struct err *err)
{
	struct db_query *q = db_query(db,
		"INSERT OR IGNORE INTO user (domain, local, created)"
		" SELECT id, ?2, ?3 FROM domain WHERE name = ?1", err);

	if (!q)
		return -1;
	db_bind_text(q, 1, a->domain);
	db_bind_text(q, 2, a->local);
	db_bind_number(q, 3, clock_now());
	return changed(db, q, err);
}

/* 1: set; 0: there is no such user. */
static int set_keys(struct db *db, const struct addr *a,
		const struct scram_keys *keys, struct err *err)
{
	struct db_query *q = db_query(db,
		"INSERT OR REPLACE INTO credential"
		" (user, kind, secret, created)"
		" SELECT u.id, " KIND_PASSWORD ", ?3, ?4"
		" FROM domain d JOIN user u ON u.domain = d.id"
		" WHERE d.name = ?1 AND u.local = ?2", err);
	char text[SCRAM_TEXT_SIZE];
	int result;

	if (!q)
		return -1;
	scram_print(text, keys);
	db_bind_text(q, 1, a->domain);
	db_bind_text(q, 2, a->local);
	db_bind_text(q, 3, span_of(text));
	db_bind_number(q, 4, clock_now());
	result = text[0] ? changed(db, q, err)
			: err_set(err, ERR_NOMEM, "out of memory");
	explicit_bzero(text, sizeof(text));
	return result;
}

static int bad_address(struct span address, struct err *err)
{
	return err_set(err, ERR_PERM, "%.*s: not an address that a user can "
			"have", SPAN_ARG(address));
}

int user_add(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	char domain[USER_ADDRESS_SIZE];
	struct addr a;
	int added;

	if (!split(address, &a, domain))
		return bad_address(address, err);
	if (db_begin(db->db, err) < 0)
		return -1;
	if (add_domain(db->db, a.domain, err) < 0)
		goto out;
	added = add_user(db->db, &a, err);
	if (added == 0)
		err_set(err, ERR_PERM, "%.*s: exists already",
				SPAN_ARG(address));
	if (added <= 0 || set_keys(db->db, &a, keys, err) < 0)
		goto out;
	if (db_commit(db->db, err) == 0)
		return 0;
out:
	db_rollback(db->db);
	return -1;
}

int user_set_keys(struct user_db *db, struct span address,
		const struct scram_keys *keys, struct err *err)
{
	char domain[USER_ADDRESS_SIZE];
	struct addr a;
	int set;

	if (!split(address, &a, domain))
		return 1;
	set = set_keys(db->db, &a, keys, err);
	return set < 0 ? -1 : !set;
}

static int delete_by(struct db *db, const char *sql, const struct addr *a,
		struct err *err)
{
	struct db_query *q = db_query(db, sql, err);

	if (!q)
		return -1;
	db_bind_text(q, 1, a->domain);
	db_bind_text(q, 2, a->local);
	return changed(db, q, err);
}

/* Row by row: small builds of SQLite leave foreign keys, and cascades, out. */
static int delete_all(struct db *db, const struct addr *a, struct err *err)
{
	int gone = delete_by(db, "DELETE FROM credential WHERE user IN"
		" (SELECT u.id FROM domain d JOIN user u ON u.domain = d.id"
		" WHERE d.name = ?1 AND u.local = ?2)", a, err);

	if (gone >= 0)
		gone = delete_by(db, "DELETE FROM user WHERE local = ?2 AND"
			" domain = (SELECT id FROM domain WHERE name = ?1)",
			a, err);
	if (gone > 0 && delete_by(db, "DELETE FROM domain WHERE name = ?1 AND"
			" ?2 = ?2 AND NOT EXISTS (SELECT 1 FROM user"
			" WHERE user.domain = domain.id)", a, err) < 0)
		return -1;
	return gone;
}

int user_delete(struct user_db *db, struct span address, struct err *err)
{
	char domain[USER_ADDRESS_SIZE];
	struct addr a;
	int gone;

	if (!split(address, &a, domain))
		return 1;
	if (db_begin(db->db, err) < 0)
		return -1;
	gone = delete_all(db->db, &a, err);
	if (gone > 0 && db_commit(db->db, err) == 0)
		return 0;
	db_rollback(db->db);
	return gone == 0 ? 1 : -1;
}

/* -- opening -- */

struct user_db *user_open(const char *path, bool write, struct err *err)
{
	struct user_db *db = malloc(sizeof(*db));

	if (!db) {
		err_errno(err, "%s", path);
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
