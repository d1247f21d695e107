/* What a user has beside a name and passwords; many changes as one; a copy. */
#include "store/user_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"
#include "store/disk.h"

int user_batch_begin(struct user_db *db, struct err *err)
{
	/* what does not fit would be written and flushed on the way */
	if (db_run(db->db, "PRAGMA cache_size=-65536", err) < 0 ||
			db_begin(db->db, err) < 0)
		return -1;
	db->batch = true;
	return 0;
}

int user_batch_end(struct user_db *db, int rc, struct err *err)
{
	db->batch = false;
	return user_finish(db, rc, err);
}

/* 0 done, 1 no such user, -1. */
static int update(struct user_db *db, struct span address, const char *sql,
		const struct span *text, int n, struct err *err)
{
	struct user user;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc == 0)
		rc = user_execute(db, sql, user.id, text, n, err) < 0 ? -1 : 0;
	return rc;
}

int user_set_enabled(struct user_db *db, struct span address, bool enabled,
		struct err *err)
{
	return update(db, address, enabled ?
			"UPDATE user SET enabled = 1 WHERE id = ?1" :
			"UPDATE user SET enabled = 0 WHERE id = ?1", NULL, 0,
			err);
}

int user_set_quota(struct user_db *db, struct span address, uint64_t octets,
		uint32_t messages, struct err *err)
{
	char first[24], second[24];
	struct span text[2];

	snprintf(first, sizeof(first), "%llu", (unsigned long long)octets);
	snprintf(second, sizeof(second), "%lu", (unsigned long)messages);
	text[0] = span_of(first);
	text[1] = span_of(second);
	return update(db, address, "UPDATE user SET quota = ?2, messages = ?3"
			" WHERE id = ?1", text, 2, err);
}

/* Rows of a user who moves: ?2 local part, ?3 domain, ?4 and ?5 old and new. */
static int rename_rows(struct user_db *db, const struct user *old,
		const struct user_parts *to, struct err *err)
{
	static const char *const sql[] = {
		"UPDATE user SET local = ?2, domain = (SELECT id FROM domain"
		" WHERE name = ?3) WHERE id = ?1 AND ?4 <> ?5",
		"UPDATE OR REPLACE alias SET target = ?5 WHERE ?1 AND ?2 <> ''"
		" AND ?3 <> '' AND target = ?4 COLLATE NOCASE",
		"DELETE FROM domain WHERE ?1 AND ?2 <> '' AND ?3 <> '' AND"
		" ?4 <> ?5 AND NOT kept AND id NOT IN (SELECT domain FROM"
		" user) AND id NOT IN (SELECT domain FROM alias)"
	};
	char address[USER_ADDRESS_SIZE];
	struct span text[4] = { to->local, to->domain, span_of(old->address) };
	int rc = user_put_domain(db, to->domain, err);

	snprintf(address, sizeof(address), "%.*s@%.*s", SPAN_ARG(to->local),
			SPAN_ARG(to->domain));
	text[3] = span_of(address);
	for (int i = 0; rc >= 0 && i < 3; i++)
		rc = user_execute(db, sql[i], old->id, text, 4, err);
	return rc < 0 ? -1 : 0;
}

int user_rename(struct user_db *db, struct span from, struct span to,
		int (*move)(void *arg, const char *from, const char *to,
			struct err *err), void *arg, struct err *err)
{
	struct user_parts parts;
	struct user old, new;
	int rc = user_find(db, from, &old, NULL, err), moved;

	if (rc)
		return rc;
	if (!user_split(&parts, to))
		return err_set(err, ERR_PERM, "not an address that a user can "
				"have");
	rc = user_find(db, to, &new, NULL, err);
	if (rc == 0 && new.id != old.id)
		return err_set(err, ERR_PERM, "%s: exists already",
				new.address);
	if (rc < 0 || user_begin(db, err) < 0)
		return -1;
	rc = rename_rows(db, &old, &parts, err);
	if (rc == 0)
		rc = user_find(db, to, &new, NULL, err) ? -1 : 0;
	moved = rc == 0 && strcmp(old.mailbox, new.mailbox) != 0;
	if (moved)
		rc = move(arg, old.mailbox, new.mailbox, err);
	moved = moved && rc == 0;
	rc = user_finish(db, rc, err);
	if (rc < 0 && moved)
		move(arg, new.mailbox, old.mailbox, NULL);
	return rc;
}

static void put_setting(struct str *out, struct span old, const char *name,
		const char *value)
{
	while (old.n) {
		struct span line = span_cut(&old, '\n'), rest = line;

		if (!span_is(span_cut(&rest, '='), name))
			str_addf(out, "%.*s\n", SPAN_ARG(line));
	}
	if (value)
		str_addf(out, "%s=%s\n", name, value);
}

int user_set_setting(struct user_db *db, struct span address, const char *name,
		const char *value, struct err *err)
{
	struct user user;
	struct str text;
	struct span all;
	int rc = user_find(db, address, &user, NULL, err);

	if (rc)
		return rc;
	str_init(&text, USER_SETTINGS_SIZE - 1);
	put_setting(&text, span_of(user.settings), name, value);
	all = span_of(str_c(&text));
	if (text.bad || (value && !utf8_clean(span_of(value))))
		rc = err_set(err, ERR_PERM, "%s: too long, or not a text",
				name);
	else
		rc = update(db, address, "UPDATE user SET settings = ?2 WHERE"
				" id = ?1", &all, 1, err);
	str_free(&text);
	return rc;
}

static int copy(struct user_db *db, const char *to, struct err *err)
{
	struct db_query *q;

	/* a reader may not even write to another file */
	if (db_run(db->db, "PRAGMA query_only=OFF", err) < 0)
		return -1;
	q = db_query(db->db, "VACUUM INTO ?1", err);
	if (!q)
		return -1;
	db_bind_text(q, 1, span_of(to));
	return db_step(q, err) < 0 ? -1 : 0;
}

int user_backup(struct user_db *db, const char *to, struct err *err)
{
	/* SQLite takes an empty file; nobody else shall read it meanwhile */
	int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0) {
		err_errno(err, "%s", to);
		if (err)
			err->kind = ERR_PERM;
		return -1;
	}
	rc = copy(db, to, err);
	if (rc == 0 && fsync(fd) < 0)
		rc = err_errno(err, "%s", to);
	close(fd);
	if (rc < 0)
		unlink(to);
	else if ((errno = disk_flush_folder(AT_FDCWD, to)))
		rc = err_errno(err, "%s", to);
	return rc;
}
