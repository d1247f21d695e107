/* What came with version 2; needs a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "os/clock.h"
#include "store/alias_map.h"
#include "store/db.h"
#include "store/user.h"

#define ALICE SPAN("alice@a.com")
#define HASH "$1$abcd$Oy8OD9LGKv7H9yIMreLNV1"

struct place {
	char dir[40], path[64];
	struct user_db *db;
	struct scram_keys keys;
	struct err err;
};

static const unsigned char salt[SCRAM_SALT_SIZE] = "0123456789abcde";

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/user_full_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/" USER_FILE, p->dir);
	p->db = user_open(p->path, true, &p->err);
	assert_non_null(p->db);
	scram_derive(&p->keys, SPAN("secret"), salt, 4);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char command[64];

	user_close(p->db);
	snprintf(command, sizeof(command), "rm -r %s", p->dir);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static void close_db(struct place *p)
{
	user_close(p->db);
	p->db = NULL;
}

static bool open_db(struct place *p, bool write)
{
	close_db(p);
	p->err = (struct err){ 0 };
	p->db = user_open(p->path, write, &p->err);
	return p->db != NULL;
}

/* As somebody else's program would. */
static void meddle(struct place *p, const char *sql)
{
	static const char *const none[] = { NULL };
	struct db *db = db_open(p->path, false, none, NULL);

	assert_non_null(db);
	assert_int_equal(db_run(db, "PRAGMA query_only=OFF;"
			"PRAGMA foreign_keys=OFF", NULL), 0);
	assert_int_equal(db_run(db, sql, &p->err), 0);
	db_close(db);
}

/* -- versions -- */

/* Octet by octet what the program before this one made of it. */
static const char version_1[] =
	"DROP TABLE credential; DROP TABLE user; DROP TABLE domain;"
	"DROP TABLE alias;"
	"CREATE TABLE domain (id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE);"
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
	" secret TEXT NOT NULL,"
	" created INTEGER NOT NULL,"
	" UNIQUE (user, kind, label));"
	"PRAGMA user_version=1;"
	"INSERT INTO domain VALUES (1, 'a.com');"
	"INSERT INTO user VALUES (1, 1, 'alice', 1, 1700000000);"
	"INSERT INTO user VALUES (2, 1, 'Bob', 0, 1700000001);";

static void make_version_1(struct place *p)
{
	char sql[400], secret[SCRAM_TEXT_SIZE];

	scram_print(secret, &p->keys);
	snprintf(sql, sizeof(sql), "INSERT INTO credential VALUES"
			" (1, 1, 1, '', '%s', 1700000000)", secret);
	close_db(p);
	meddle(p, version_1);
	meddle(p, sql);
}

/* A reader takes it as it is; the first writer brings it up to date. */
static void version_1_goes_on(void **state)
{
	struct place *p = *state;
	struct user_secrets all;
	struct scram_keys keys;
	struct user user;

	make_version_1(p);
	assert_true(open_db(p, false));
	assert_int_equal(user_find(p->db, ALICE, &user, &keys, &p->err), 0);
	assert_memory_equal(&keys, &p->keys, sizeof(keys));
	assert_int_equal(user.quota, 0);
	assert_string_equal(user.settings, "");
	assert_int_equal(user_secrets(p->db, user.id, &all, &p->err), 0);
	assert_int_equal(all.n, 1);
	assert_true(open_db(p, true));
	assert_int_equal(user_find(p->db, ALICE, &user, &keys, &p->err), 0);
	assert_memory_equal(&keys, &p->keys, sizeof(keys));
	assert_int_equal(user.created, 1700000000);
	assert_int_equal(user_find(p->db, SPAN("bob@a.com"), &user, &keys,
			&p->err), 0);
	assert_string_equal(user.address, "Bob@a.com");
	assert_false(user.enabled);
	assert_int_equal(keys.rounds, 0);
	assert_int_equal(user_set_quota(p->db, ALICE, 1ULL << 40, 7, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, &p->err), 0);
	assert_true(user.quota == 1ULL << 40);
	assert_int_equal(user.quota_messages, 7);
}

/* Readers go on with one of a newer program; no writer touches it. */
static void a_newer_file(void **state)
{
	struct place *p = *state;
	struct user user;

	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	close_db(p);
	meddle(p, "PRAGMA user_version=3; CREATE TABLE more (x)");
	assert_true(open_db(p, false));
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, &p->err), 0);
	assert_false(open_db(p, true));
	assert_int_equal(p->err.kind, ERR_PERM);
	assert_non_null(strstr(p->err.text, "newer"));
}

/* Half a migration: the power went between two steps' statements. */
static void a_migration_is_all_or_nothing(void **state)
{
	struct place *p = *state;
	struct user user;

	make_version_1(p);
	meddle(p, "CREATE TABLE alias (other)");	/* in its way */
	assert_false(open_db(p, true));
	assert_non_null(strstr(p->err.text, "alias"));
	assert_true(open_db(p, false));
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, &p->err), 0);
	close_db(p);
	meddle(p, "DROP TABLE alias");
	assert_true(open_db(p, true));
}

static void overwrite(struct place *p, long at, const char *data, size_t n)
{
	int fd = open(p->path, O_WRONLY);

	assert_int_equal(pwrite(fd, data, n, at), n);
	close(fd);
}

/* 0 there, -1 cannot be told; both are true of a damaged file. */
static void nobody_is_lost(struct place *p, const char *how, long page)
{
	char address[40];
	struct user user;

	if (!open_db(p, false)) {
		if (p->err.kind != ERR_TEMP || !strstr(p->err.text, "users.db"))
			fail_msg("%s %ld: %s", how, page, p->err.text);
		return;
	}
	for (int i = 0; i < 120; i++) {
		struct user_secrets all;
		int rc;

		snprintf(address, sizeof(address), "user%d@a.com", i);
		p->err = (struct err){ 0 };
		rc = user_find(p->db, span_of(address), &user, NULL, &p->err);
		if (rc == 0)
			rc = user_secrets(p->db, user.id, &all, &p->err);
		if (rc > 0 || (rc == 0 && !all.n))
			fail_msg("%s %ld: %s is lost", how, page, address);
		if (rc < 0 && (p->err.kind != ERR_TEMP || !*p->err.text))
			fail_msg("%s %ld: %s", how, page, p->err.text);
	}
	close_db(p);
}

static void damage_at_each_page(void **state)
{
	struct place *p = *state;
	char address[40], page[4096], was[4096];
	struct stat st;
	int fd;

	assert_int_equal(user_batch_begin(p->db, NULL), 0);
	for (int i = 0; i < 120; i++) {
		snprintf(address, sizeof(address), "user%d@a.com", i);
		assert_int_equal(user_add(p->db, span_of(address), &p->keys,
				NULL), 0);
	}
	assert_int_equal(user_batch_end(p->db, 0, NULL), 0);
	close_db(p);
	assert_int_equal(stat(p->path, &st), 0);
	assert_true(st.st_size >= 10 * 4096);
	for (long at = 0; at < st.st_size; at += 4096) {
		fd = open(p->path, O_RDONLY);
		assert_int_equal(pread(fd, was, sizeof(was), at), 4096);
		close(fd);
		for (int i = 0; i < 4096; i++)
			page[i] = (char)~was[i];
		overwrite(p, at, page, sizeof(page));
		nobody_is_lost(p, "flipped", at / 4096);
		memset(page, 0, sizeof(page));
		overwrite(p, at, page, sizeof(page));
		nobody_is_lost(p, "zeroed", at / 4096);
		overwrite(p, at, was, sizeof(was));
	}
	for (long size = st.st_size - 4096; size >= 0; size -= 4096) {
		assert_int_equal(truncate(p->path, size), 0);
		nobody_is_lost(p, "cut", size / 4096);
	}
}

/*
 * One octet anywhere: she is there, or it cannot be told, or a look at all of
 * the file says why she is not.
 */
static void damage_at_each_octet(void **state)
{
	struct place *p = *state;
	char *was = malloc(1 << 20), c;
	struct user user;
	struct stat st;
	int fd, lost = 0;

	close_db(p);
	unlink(p->path);
	p->db = user_open(p->path, true, NULL);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	close_db(p);
	assert_int_equal(stat(p->path, &st), 0);
	fd = open(p->path, O_RDONLY);
	assert_int_equal(pread(fd, was, 1 << 20, 0), st.st_size);
	close(fd);
	for (long at = 0; at < st.st_size; at++) {
		int rc;

		/* of what is not in use a sample will do */
		if (!was[at] && at % 61)
			continue;
		c = (char)(was[at] ^ (at % 2 ? 0xff : 0x01));
		overwrite(p, at, &c, 1);
		rc = open_db(p, false) ? user_find(p->db, ALICE, &user, NULL,
				&p->err) : -1;
		if (rc > 0) {
			lost++;
			rc = user_sound(p->db, &p->err);
		}
		if (rc < 0 && p->err.kind != ERR_TEMP)
			fail_msg("%ld: %s", at, p->err.text);
		if (rc >= 0 && lost && user_find(p->db, ALICE, &user, NULL,
				NULL) > 0)
			fail_msg("%ld: alice is lost", at);
		close_db(p);
		overwrite(p, at, was + at, 1);
	}
	assert_true(lost > 0);		/* else this is for nothing */
	free(was);
}

/* A writer that is at it for long: not now, never "no such user". */
static void a_locked_file(void **state)
{
	static const char *const none[] = { NULL };
	struct place *p = *state;
	struct user user;
	struct db *db;
	int64_t began;

	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	assert_true(open_db(p, false));
	db = db_open(p->path, false, none, NULL);
	assert_int_equal(db_run(db, "PRAGMA query_only=OFF; BEGIN EXCLUSIVE",
			&p->err), 0);
	began = clock_ms();
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, &p->err), -1);
	assert_int_equal(p->err.kind, ERR_TEMP);
	assert_in_range(clock_ms() - began, 4000, 7000);
	db_close(db);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, &p->err), 0);
}

/* -- secrets -- */

static bool key_fits(const struct user_secrets *all, const char *password)
{
	struct scram_keys keys;

	scram_derive(&keys, span_of(password), all->shared.salt,
			all->shared.rounds);
	for (unsigned i = 0; i < all->n; i++)
		if (!memcmp(keys.stored, all->key[i].stored, SHA256_SIZE))
			return true;
	return false;
}

struct apps {
	char text[400];
	int most;
};

static bool see_app(void *arg, const struct user_app *app)
{
	struct apps *a = arg;
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof(a->text) - n, "%s/%d ", app->label,
			(int)app->used);
	return --a->most != 0;
}

static void app_passwords(void **state)
{
	struct place *p = *state;
	struct scram_keys app, other;
	struct user_secrets all;
	struct apps seen = { .most = 0 };
	struct user user;

	scram_derive(&app, SPAN("app"), salt, 4);
	scram_derive(&other, SPAN("app"), (const unsigned char *)"another salt...",
			4);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	assert_int_equal(user_app_add(p->db, ALICE, "phone", &app, NULL), 0);
	assert_int_equal(user_app_add(p->db, ALICE, "phone", &app, &p->err), -1);
	assert_int_equal(p->err.kind, ERR_PERM);
	assert_int_equal(user_app_add(p->db, ALICE, "tv", &other, &p->err), -1);
	assert_int_equal(p->err.kind, ERR_TEMP);
	assert_int_equal(user_app_add(p->db, ALICE, "", &app, &p->err), -1);
	assert_int_equal(user_app_add(p->db, ALICE, "a\nb", &app, &p->err), -1);
	assert_int_equal(user_app_add(p->db, SPAN("x@a.com"), "a", &app, NULL),
			1);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 0);
	assert_int_equal(user_secrets(p->db, user.id, &all, NULL), 0);
	assert_int_equal(all.n, 2);
	assert_true(key_fits(&all, "secret") && key_fits(&all, "app"));
	assert_true(!all.key[0].app && all.key[1].app);
	assert_int_equal(user_used(p->db, all.key[1].id, 20000, NULL), 0);
	assert_int_equal(user_used(p->db, all.key[1].id, 19999, NULL), 0);
	assert_int_equal(user_app_each(p->db, ALICE, see_app, &seen, NULL), 0);
	assert_string_equal(seen.text, "phone/20000 ");
	/* the main password changes, and may not take another salt */
	assert_int_equal(user_set_keys(p->db, ALICE, &other, &p->err), -1);
	scram_derive(&app, SPAN("new"), salt, 4);
	assert_int_equal(user_set_keys(p->db, ALICE, &app, &p->err), 0);
	assert_int_equal(user_secrets(p->db, user.id, &all, NULL), 0);
	assert_true(key_fits(&all, "new") && key_fits(&all, "app") &&
			!key_fits(&all, "secret"));
	assert_int_equal(user_app_del(p->db, ALICE, "phone", NULL), 0);
	assert_int_equal(user_app_del(p->db, ALICE, "phone", NULL), 1);
	assert_int_equal(user_secrets(p->db, user.id, &all, NULL), 0);
	assert_false(key_fits(&all, "app"));
	assert_int_equal(user_set_keys(p->db, ALICE, &other, &p->err), 0);
}

static void as_many_apps_as_there_may_be(void **state)
{
	struct place *p = *state;
	char label[16];
	int i;

	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	for (i = 0; i < USER_APPS_MOST; i++) {
		snprintf(label, sizeof(label), "app%d", i);
		assert_int_equal(user_app_add(p->db, ALICE, label, &p->keys,
				&p->err), 0);
	}
	assert_int_equal(user_app_add(p->db, ALICE, "more", &p->keys, &p->err),
			-1);
	assert_int_equal(p->err.kind, ERR_PERM);
	/* who comes after a user has nothing of his */
	assert_int_equal(user_delete(p->db, ALICE, NULL), 0);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	assert_int_equal(user_app_add(p->db, ALICE, "app1", &p->keys, NULL), 0);
}

static void foreign_hashes(void **state)
{
	struct place *p = *state;
	struct user_secrets all;
	struct scram_keys keys;
	char some[300];
	struct user user;

	assert_int_equal(user_some_foreign(p->db, some, NULL), 1);
	assert_int_equal(user_add_as(p->db, ALICE, NULL, HASH, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, &keys, NULL), 0);
	assert_int_equal(keys.rounds, 0);
	assert_int_equal(user_secrets(p->db, user.id, &all, NULL), 0);
	assert_int_equal(all.n, 0);
	assert_string_equal(all.foreign, HASH);
	assert_int_equal(user_some_foreign(p->db, some, NULL), 0);
	assert_string_equal(some, HASH);
	assert_int_equal(user_rekey(p->db, all.foreign_id, &p->keys, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, &keys, NULL), 0);
	assert_memory_equal(&keys, &p->keys, sizeof(keys));
	assert_int_equal(user_some_foreign(p->db, some, NULL), 1);
	/* a moment too late: the password has been changed */
	keys.stored[0] ^= 1;
	assert_int_equal(user_rekey(p->db, all.foreign_id, &keys, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, &keys, NULL), 0);
	assert_memory_equal(&keys, &p->keys, sizeof(keys));
	/* a new password, and there is no hash any more */
	assert_int_equal(user_add_as(p->db, SPAN("bob@a.com"), NULL, HASH,
			NULL), 0);
	assert_int_equal(user_set_keys(p->db, SPAN("bob@a.com"), &p->keys,
			NULL), 0);
	assert_int_equal(user_some_foreign(p->db, some, NULL), 1);
}

/* -- all else -- */

static void settings_and_quota(void **state)
{
	struct place *p = *state;
	char longest[300];
	struct user user;

	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	assert_int_equal(user_set_setting(p->db, ALICE, "hook", "/bin/a b=c",
			NULL), 0);
	assert_int_equal(user_set_setting(p->db, ALICE, "forward", "yes",
			NULL), 0);
	assert_int_equal(user_set_setting(p->db, ALICE, "hook", "/bin/d",
			NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 0);
	assert_string_equal(user.settings, "forward=yes\nhook=/bin/d\n");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(user_set_setting(p->db, ALICE, "hook", longest,
			&p->err), -1);
	assert_int_equal(user_set_setting(p->db, ALICE, "hook", "a\nforward=no",
			&p->err), -1);
	assert_int_equal(user_set_setting(p->db, ALICE, "hook", NULL, NULL),
			0);
	assert_int_equal(user_set_setting(p->db, SPAN("x@a.com"), "hook", NULL,
			NULL), 1);
	assert_int_equal(user_set_quota(p->db, SPAN("x@a.com"), 1, 1, NULL),
			1);
	assert_int_equal(user_set_enabled(p->db, ALICE, false, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 0);
	assert_string_equal(user.settings, "forward=yes\n");
	assert_false(user.enabled);
}

static bool see_alias(void *arg, const char *alias, const char *target)
{
	char *text = arg;
	size_t n = strlen(text);

	snprintf(text + n, 400 - n, "%s>%s ", alias, target);
	return true;
}

static bool see_domain(void *arg, const char *domain)
{
	strcat(strcat(arg, domain), " ");
	return true;
}

static int alias(struct place *p, const char *from, const char *to)
{
	return user_alias_add(p->db, span_of(from), span_of(to), &p->err);
}

/* One more than users.aliases has room for is not left out in silence. */
static void many_targets(void **state)
{
	struct place *p = *state;
	char target[32];

	for (int i = 0; i < ALIAS_MAP_TARGETS_MOST; i++) {
		snprintf(target, sizeof(target), "u%d@b.com", i);
		assert_int_equal(alias(p, "all@a.com", target), 0);
	}
	assert_int_equal(alias(p, "all@a.com", "u7@b.com"), 1);
	assert_int_equal(alias(p, "All@a.com", "one@b.com"), -1);
	assert_int_equal(p->err.kind, ERR_PERM);
	assert_int_equal(alias(p, "others@a.com", "one@b.com"), 0);
}

static void aliases_and_domains(void **state)
{
	struct place *p = *state;
	char text[400] = "", path[80], line[100] = "";
	FILE *f;

	assert_int_equal(alias(p, "Sales@A.com", "x@b.com"), 0);
	assert_int_equal(alias(p, "sales@a.com", "x@b.com"), 1);
	assert_int_equal(alias(p, "sales@a.com", "alice@a.com"), 0);
	assert_int_equal(alias(p, "@b\xc3\xbc.com", "alice@a.com"), 0);
	assert_int_equal(alias(p, "../x@a.com", "alice@a.com"), -1);
	assert_int_equal(alias(p, "@", "alice@a.com"), -1);
	assert_int_equal(alias(p, "@a/b.com", "alice@a.com"), -1);
	assert_int_equal(alias(p, "y@a.com", "alice"), -1);
	assert_int_equal(alias(p, "y@a.com", "a@b.com,c@d.com"), -1);
	assert_int_equal(alias(p, "y@a.com", "\"a b\"@b.com"), -1);
	assert_int_equal(alias(p, "y@a.com", "|/bin/sh"), -1);
	assert_int_equal(user_alias_each(p->db, see_alias, text, NULL), 0);
	assert_string_equal(text, "@xn--b-eha.com>alice@a.com "
			"sales@a.com>alice@a.com Sales@a.com>x@b.com ");
	assert_int_equal(user_domain_add(p->db, SPAN("C.com"), NULL), 0);
	assert_int_equal(user_domain_add(p->db, SPAN("c.com"), &p->err), -1);
	assert_int_equal(user_domain_add(p->db, SPAN("../etc"), &p->err), -1);
	assert_int_equal(user_domain_add(p->db, SPAN("a b"), &p->err), -1);
	assert_int_equal(user_domain_add(p->db, SPAN("a.com"), NULL), 0);
	assert_int_equal(user_domain_del(p->db, SPAN("a.com"), &p->err), -1);
	assert_int_equal(user_publish(p->db, p->dir, &p->err), 0);
	snprintf(path, sizeof(path), "%s/" USER_ALIASES, p->dir);
	f = fopen(path, "r");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "@xn--b-eha.com alice@a.com\n");
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "sales@a.com alice@a.com,x@b.com\n");
	fclose(f);
	assert_int_equal(user_alias_del(p->db, SPAN("SALES@a.com"),
			SPAN("x@b.com"), NULL), 0);
	assert_int_equal(user_alias_del(p->db, SPAN("SALES@a.com"),
			SPAN("x@b.com"), NULL), 1);
	assert_int_equal(user_alias_del(p->db, SPAN("sales@a.com"),
			SPAN(""), NULL), 0);
	assert_int_equal(user_alias_del(p->db, SPAN("@b\xc3\xbc.com"),
			SPAN(""), NULL), 0);
	text[0] = '\0';
	assert_int_equal(user_domain_each(p->db, see_domain, text, NULL), 0);
	assert_string_equal(text, "a.com c.com ");
	assert_int_equal(user_domain_del(p->db, SPAN("a.com"), NULL), 0);
	assert_int_equal(user_domain_del(p->db, SPAN("c.com"), NULL), 0);
	assert_int_equal(user_domain_del(p->db, SPAN("c.com"), NULL), 1);
	assert_int_equal(user_publish(p->db, p->dir, &p->err), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_batch_is_one(void **state)
{
	struct place *p = *state;
	struct user user;

	assert_int_equal(user_batch_begin(p->db, NULL), 0);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, &p->err), -1);
	assert_int_equal(user_add(p->db, SPAN("bob@a.com"), &p->keys, NULL),
			0);
	assert_int_equal(user_batch_end(p->db, -1, NULL), -1);
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 1);
	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
}

static void a_copy(void **state)
{
	struct place *p = *state;
	char to[80];
	struct user user;
	struct stat st;

	assert_int_equal(user_add(p->db, ALICE, &p->keys, NULL), 0);
	snprintf(to, sizeof(to), "%s/copy", p->dir);
	assert_true(open_db(p, false));
	assert_int_equal(user_backup(p->db, to, &p->err), 0);
	assert_int_equal(user_backup(p->db, to, &p->err), -1);
	assert_int_equal(p->err.kind, ERR_PERM);
	assert_int_equal(stat(to, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(p->path, sizeof(p->path), "%.38s/copy", p->dir);
	assert_true(open_db(p, true));
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 0);
	assert_int_equal(user_backup(p->db, "/nowhere/x", &p->err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(version_1_goes_on), TEST(a_newer_file),
		TEST(a_migration_is_all_or_nothing), TEST(damage_at_each_page),
		TEST(damage_at_each_octet),
		TEST(a_locked_file), TEST(app_passwords),
		TEST(as_many_apps_as_there_may_be), TEST(foreign_hashes),
		TEST(settings_and_quota), TEST(aliases_and_domains),
		TEST(many_targets),
		TEST(a_batch_is_one), TEST(a_copy)
	};

	if (!CFG_USERS_FULL)
		return 0;
	return cmocka_run_group_tests_name("store/user, whole", tests, NULL,
			NULL);
}
