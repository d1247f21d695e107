/*
 * All that somebody may log in with: app passwords, hashes of other programs.
 */
#include "store/user_private.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "os/clock.h"

enum { PASSWORD = 1, APP, FOREIGN };	/* KIND_..., as numbers */

static const char *const secrets_sql[] = {
	"SELECT id, kind, secret, 0 FROM credential WHERE user = ?1"
	" ORDER BY kind, id",
	"SELECT id, kind, secret, used FROM credential WHERE user = ?1"
	" ORDER BY kind, id"
};

static bool same_salt(const struct scram_keys *a, const struct scram_keys *b)
{
	return a->rounds == b->rounds && memcmp(a->salt, b->salt,
			sizeof(a->salt)) == 0;
}

/* One with another salt than the first is not ours and counts for nothing. */
static int take_keys(struct user_secrets *out, struct db_query *q, bool app)
{
	struct user_key *key = &out->key[out->n];
	struct scram_keys keys;

	if (!scram_parse(&keys, db_text(q, 2)))
		return -1;
	if (!out->n) {
		out->shared.rounds = keys.rounds;
		memcpy(out->shared.salt, keys.salt, sizeof(keys.salt));
	}
	if (out->n <= USER_APPS_MOST && same_salt(&out->shared, &keys)) {
		*key = (struct user_key){ .id = db_number(q, 0),
			.used = db_number(q, 3), .app = app };
		memcpy(key->stored, keys.stored, sizeof(key->stored));
		memcpy(key->server, keys.server, sizeof(key->server));
		out->n++;
	}
	explicit_bzero(&keys, sizeof(keys));
	return 0;
}

static int take_secret(struct user_secrets *out, struct db_query *q)
{
	int64_t kind = db_number(q, 1);

	if (kind == PASSWORD || kind == APP)
		return take_keys(out, q, kind == APP);
	if (kind != FOREIGN)
		return 0;
	out->foreign_id = db_number(q, 0);
	return str_copy(out->foreign, sizeof(out->foreign), db_text(q, 2));
}

int user_secrets(struct user_db *db, int64_t user, struct user_secrets *out,
		struct err *err)
{
	struct db_query *q = db_query(db->db, secrets_sql[db->full], err);
	int rc = -1;

	memset(out, 0, sizeof(*out));
	if (!q)
		return -1;
	db_bind_number(q, 1, user);
	while ((rc = db_step(q, err)) > 0)
		if (take_secret(out, q) < 0) {
			db_done(q);
			return err_set(err, ERR_TEMP, "users.db: a key of "
					"user %lld is damaged",
					(long long)user);
		}
	return rc;
}

int user_some_foreign(struct user_db *db, char out[300], struct err *err)
{
	struct db_query *q;
	int rc;

	if (!db->full)
		return 1;
	q = db_query(db->db, "SELECT secret FROM credential"
			" WHERE kind = " KIND_FOREIGN " LIMIT 1", err);
	rc = q ? db_step(q, err) : -1;
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	rc = str_copy(out, 300, db_text(q, 0)) < 0;
	db_done(q);
	return rc;
}

/* "NUMBER" of a number, for user_execute. */
static struct span number(char out[24], int64_t n)
{
	snprintf(out, 24, "%lld", (long long)n);
	return span_of(out);
}

int user_rekey(struct user_db *db, int64_t credential,
		const struct scram_keys *keys, struct err *err)
{
	char secret[SCRAM_TEXT_SIZE];
	struct span text;
	int rc;

	scram_print(secret, keys);
	if (!secret[0])
		return err_nomem(err);
	text = span_of(secret);
	rc = user_execute(db, "UPDATE credential SET kind = " KIND_PASSWORD
			", secret = ?2 WHERE id = ?1 AND kind = " KIND_FOREIGN,
			credential, &text, 1, err);
	explicit_bzero(secret, sizeof(secret));
	return rc < 0 ? -1 : 0;
}

int user_used(struct user_db *db, int64_t credential, int64_t day,
		struct err *err)
{
	char text[24];
	struct span used = number(text, day);

	return user_execute(db, "UPDATE credential SET used = CAST(?2 AS"
			" INTEGER) WHERE id = ?1 AND used < CAST(?2 AS"
			" INTEGER)", credential, &used, 1, err) < 0 ? -1 : 0;
}

int user_put_foreign(struct user_db *db, int64_t id, const char *text,
		struct err *err)
{
	char now[24];
	struct span texts[2] = { span_of(text), number(now, clock_now()) };

	if (user_execute(db, "DELETE FROM credential WHERE user = ?1 AND"
			" kind IN (" KIND_PASSWORD ", " KIND_FOREIGN ")", id,
			NULL, 0, err) < 0)
		return -1;
	return user_execute(db, "INSERT INTO credential (user, kind, secret,"
			" created) VALUES (?1, " KIND_FOREIGN ", ?2, ?3)", id,
			texts, 2, err) < 0 ? -1 : 0;
}

/* -- app passwords -- */

static bool label_valid(struct span label)
{
	return label.n && label.n < USER_LABEL_SIZE && utf8_clean(label) &&
		span_trim(label).n == label.n;
}

int user_check_salt(struct user_db *db, int64_t user, bool apps,
		const struct scram_keys *keys, struct err *err)
{
	struct user_secrets all;
	int rc = user_secrets(db, user, &all, err);
	bool any = all.n && (!apps || all.key[all.n - 1].app);

	if (rc == 0 && any && !same_salt(&all.shared, keys))
		rc = err_set(err, ERR_TEMP, "somebody else has just changed "
				"this user's passwords; try again");
	if (rc == 0 && !apps && all.n && all.n - !all.key[0].app >=
			USER_APPS_MOST)
		rc = err_set(err, ERR_PERM, "%d app passwords are enough",
				USER_APPS_MOST);
	explicit_bzero(&all, sizeof(all));
	return rc;
}

static int put_app(struct user_db *db, int64_t id, const char *label,
		const struct scram_keys *keys, struct err *err)
{
	char secret[SCRAM_TEXT_SIZE], now[24];
	struct span text[3] = { span_of(label), { NULL, 0 },
		number(now, clock_now()) };
	int rc;

	scram_print(secret, keys);
	if (!secret[0])
		return err_nomem(err);
	text[1] = span_of(secret);
	rc = user_check_salt(db, id, false, keys, err);
	if (rc == 0)
		rc = user_execute(db, "INSERT OR IGNORE INTO credential (user,"
				" kind, label, secret, created) VALUES (?1, "
				KIND_APP ", ?2, ?3, ?4)", id, text, 3, err);
	else
		rc = -1;
	explicit_bzero(secret, sizeof(secret));
	if (rc == 0)
		return err_set(err, ERR_PERM, "%s: exists already", label);
	return rc < 0 ? -1 : 0;
}

int user_app_add(struct user_db *db, struct span address, const char *label,
		const struct scram_keys *keys, struct err *err)
{
	struct user user;
	int rc;

	if (!label_valid(span_of(label)))
		return err_set(err, ERR_PERM, "the name of an app password is "
				"a text of 1 to %d octets",
				USER_LABEL_SIZE - 1);
	rc = user_find(db, address, &user, NULL, err);
	if (rc)
		return rc;
	if (user_begin(db, err) < 0)
		return -1;
	return user_finish(db, put_app(db, user.id, label, keys, err), err);
}

int user_app_del(struct user_db *db, struct span address, const char *label,
		struct err *err)
{
	struct span text = span_of(label);
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc)
		return rc;
	rc = user_execute(db, "DELETE FROM credential WHERE user = ?1 AND "
			"kind = " KIND_APP " AND label = ?2", user.id, &text, 1,
			err);
	return rc < 0 ? -1 : !rc;
}

int user_app_each(struct user_db *db, struct span address,
		bool (*fn)(void *arg, const struct user_app *app), void *arg,
		struct err *err)
{
	struct user user;
	struct db_query *q;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc || !db->full)
		return rc;
	q = db_query(db->db, "SELECT label, created, used FROM credential"
			" WHERE user = ?1 AND kind = " KIND_APP
			" ORDER BY label", err);
	if (!q)
		return -1;
	db_bind_number(q, 1, user.id);
	while ((rc = db_step(q, err)) > 0) {
		struct user_app app = { .created = db_number(q, 1),
			.used = db_number(q, 2) };

		if (str_copy(app.label, sizeof(app.label), db_text(q, 0)) < 0
				|| fn(arg, &app))
			continue;
		db_done(q);
		return 0;
	}
	return rc;
}

int user_secret_each(struct user_db *db, int64_t user,
		bool (*fn)(void *arg, const char *label, struct span secret),
		void *arg, struct err *err)
{
	struct db_query *q = db_query(db->db, "SELECT label, secret FROM"
			" credential WHERE user = ?1 AND kind <= " KIND_FOREIGN
			" ORDER BY kind = " KIND_APP ", label", err);
	char label[USER_LABEL_SIZE];
	int rc;

	if (!q)
		return -1;
	db_bind_number(q, 1, user);
	while ((rc = db_step(q, err)) > 0) {
		if (str_copy(label, sizeof(label), db_text(q, 0)) < 0 ||
				fn(arg, label, db_text(q, 1)))
			continue;
		db_done(q);
		return 0;
	}
	return rc;
}
