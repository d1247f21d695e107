/* Needs the real file system: a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/clock.h"
#include "store/db.h"
#include "store/user.h"

static const char *const no_steps[] = { NULL };

struct place {
	char dir[32], path[48];
	struct user_db *db;
	struct scram_keys keys;
};

static int set_up(void **state)
{
	static const unsigned char salt[SCRAM_SALT_SIZE] = "0123456789abcde";
	struct place *p = calloc(1, sizeof(*p));
	struct err err;

	strcpy(p->dir, "/tmp/user_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/" USER_FILE, p->dir);
	p->db = user_open(p->path, true, &err);
	assert_non_null(p->db);
	scram_derive(&p->keys, SPAN("secret"), salt, 4);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	char path[64];

	user_close(p->db);
	unlink(p->path);
	snprintf(path, sizeof(path), "%s-journal", p->path);
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static int add(struct place *p, const char *address)
{
	struct err err = { 0 };
	int result = user_add(p->db, span_of(address), &p->keys, &err);

	if (result < 0)
		assert_int_equal(err.kind, ERR_PERM);
	return result;
}

static int find(struct place *p, const char *address, struct user *user)
{
	return user_find(p->db, span_of(address), user, NULL, NULL);
}

/* As somebody else's program would. */
static void meddle(struct place *p, const char *sql)
{
	char text[512];
	struct db *db;

	/* a reader of any version, made a writer */
	db = db_open(p->path, false, no_steps, NULL);
	assert_non_null(db);
	assert_int_equal(db_run(db, "PRAGMA query_only=OFF;"
			"PRAGMA foreign_keys=OFF", NULL), 0);
	snprintf(text, sizeof(text), "%s", sql);
	assert_int_equal(db_run(db, text, NULL), 0);
	db_close(db);
}

static void finds_without_case(void **state)
{
	struct place *p = *state;
	struct scram_keys keys;
	struct user user;

	assert_int_equal(add(p, "Alice@A.com"), 0);
	assert_int_equal(find(p, "alice@a.COM", &user), 0);
	assert_string_equal(user.address, "Alice@a.com");
	assert_string_equal(user.mailbox, "a.com/alice");
	assert_true(user.enabled);
	assert_in_range(user.created, clock_now() - 60, clock_now());
	assert_int_equal(user_find(p->db, SPAN("ALICE@a.com"), &user, &keys,
			NULL), 0);
	assert_memory_equal(&keys, &p->keys, sizeof(keys));
	assert_true(scram_verify(&keys, SPAN("secret")));
	assert_int_equal(find(p, "alice@b.com", &user), 1);
	assert_int_equal(find(p, "alic@a.com", &user), 1);
	assert_int_equal(find(p, "alice", &user), 1);
	assert_int_equal(find(p, "", &user), 1);
}

static void an_address_is_one_user(void **state)
{
	struct place *p = *state;
	struct user user;

	assert_int_equal(add(p, "alice@a.com"), 0);
	assert_int_equal(add(p, "ALICE@A.COM"), -1);
	assert_int_equal(add(p, "alice@b.com"), 0);
	assert_int_equal(add(p, "alice+x@a.com"), 0);
	assert_int_equal(find(p, "alice@b.com", &user), 0);
	assert_string_equal(user.mailbox, "b.com/alice");
}

#define TEN "0123456789"

static void takes_only_names_of_folders(void **state)
{
	static const char *const good[] = {
		"a@a.com", "a.b@a.com", "a_b-c+d=e~f&g'h@a.com", "0@1.2",
		(TEN TEN TEN TEN TEN TEN "0123@a.com")
	};
	static const char *const bad[] = {
		"", "@", "a", "a@", "@a.com", ".@a.com", "..@a.com", ".a@a.com",
		"a.@a.com", "a..b@a.com", "a/b@a.com", "/@a.com", "-a@a.com",
		"\"../x\"@a.com", "\"a\"@a.com", "a@..", "a@a..com", "a@-",
		"a@[192.0.2.1]", "a@b@a.com", "a b@a.com", "a@a.com\n",
		"a@a.com/../..", "\xc3@a.com", "a@\xe9.com", "\xc2\x85@a.com",
		"\xc0\xaf@a.com", "\xc0\xae\xc0\xae@a.com", "a@\xe3\x80\x82.com",
		"a%@b.c", "a:b@a.com",
		(TEN TEN TEN TEN TEN TEN "01234@a.com")
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(user_address_valid(span_of(good[i])));
		assert_int_equal(add(p, good[i]), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct user user;

		if (user_address_valid(span_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(add(p, bad[i]), -1);
		assert_int_equal(find(p, bad[i], &user), 1);
	}
}

/* One domain in two forms; case is that of ASCII letters (RFC 5321 2.4). */
static void takes_all_scripts(void **state)
{
	struct place *p = *state;
	struct user user;

	assert_int_equal(add(p, "J\xc3\xb6rg@B\xc3\xbc" "cher.example"), 0);
	assert_int_equal(add(p, "j\xc3\xb6rg@xn--bcher-kva.example"), -1);
	assert_int_equal(find(p, "j\xc3\xb6RG@XN--bcher-kva.example", &user),
			0);
	assert_string_equal(user.address, "J\xc3\xb6rg@xn--bcher-kva.example");
	assert_string_equal(user.mailbox, "xn--bcher-kva.example/j\xc3\xb6rg");
	assert_int_equal(find(p, "j\xc3\x96rg@b\xc3\xbc" "cher.example",
				&user), 1);
	assert_int_equal(user_delete(p->db, SPAN("j\xc3\xb6rg@b\xc3\xbc"
				"cher.example"), NULL), 0);
}

static void the_longest_address_fits(void **state)
{
	struct place *p = *state;
	char address[300];
	struct user user;

	/* 64 + 1 + 189: RFC 5321 4.5.3.1.3's path without its brackets */
	memset(address, 'x', 64);
	address[64] = '@';
	for (int i = 65; i < 254; i++)
		address[i] = i % 50 ? 'd' : '.';
	address[254] = '\0';
	assert_int_equal(add(p, address), 0);
	assert_int_equal(find(p, address, &user), 0);
	assert_string_equal(user.address, address);
	assert_int_equal(strlen(user.mailbox), 254);
	address[254] = 'd';
	address[255] = '\0';
	assert_int_equal(add(p, address), -1);
}

static void changes_keys(void **state)
{
	struct place *p = *state;
	struct scram_keys other = p->keys, got;
	struct user user;

	add(p, "alice@a.com");
	other.stored[0] ^= 1;
	assert_int_equal(user_set_keys(p->db, SPAN("ALICE@a.com"), &other,
			NULL), 0);
	assert_int_equal(user_find(p->db, SPAN("alice@a.com"), &user, &got,
			NULL), 0);
	assert_memory_equal(&got, &other, sizeof(got));
	assert_int_equal(user_set_keys(p->db, SPAN("bob@a.com"), &other,
			NULL), 1);
	assert_int_equal(user_set_keys(p->db, SPAN("no address"), &other,
			NULL), 1);
}

static void deletes(void **state)
{
	struct place *p = *state;
	struct user user;
	struct db *db;
	struct db_query *q;

	add(p, "alice@a.com");
	add(p, "bob@a.com");
	assert_int_equal(user_delete(p->db, SPAN("Alice@A.com"), NULL), 0);
	assert_int_equal(user_delete(p->db, SPAN("alice@a.com"), NULL), 1);
	assert_int_equal(user_delete(p->db, SPAN("?"), NULL), 1);
	assert_int_equal(find(p, "alice@a.com", &user), 1);
	assert_int_equal(find(p, "bob@a.com", &user), 0);
	assert_int_equal(user_delete(p->db, SPAN("bob@a.com"), NULL), 0);
	assert_int_equal(add(p, "alice@a.com"), 0);
	db = db_open(p->path, false, no_steps, NULL);
	q = db_query(db, "SELECT (SELECT count(*) FROM credential),"
			" (SELECT count(*) FROM domain)", NULL);
	assert_int_equal(db_step(q, NULL), 1);
	assert_int_equal(db_number(q, 0), 1);
	assert_int_equal(db_number(q, 1), 1);
	db_close(db);
}

struct seen {
	char text[256];
	int most;
};

static bool see(void *arg, const struct user *user)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s ", user->address);
	return --s->most != 0;
}

static void lists_in_order(void **state)
{
	struct place *p = *state;
	struct seen s = { .most = 0 };

	assert_int_equal(user_each(p->db, see, &s, NULL), 0);
	assert_string_equal(s.text, "");
	add(p, "b@b.com");
	add(p, "C@a.com");
	add(p, "a@b.com");
	add(p, "b@a.com");
	assert_int_equal(user_each(p->db, see, &s, NULL), 0);
	assert_string_equal(s.text, "b@a.com C@a.com a@b.com b@b.com ");
	s = (struct seen){ .most = 2 };
	assert_int_equal(user_each(p->db, see, &s, NULL), 0);
	assert_string_equal(s.text, "b@a.com C@a.com ");
}

static void a_reader_sees_what_was_written(void **state)
{
	struct place *p = *state;
	struct user_db *reader = user_open(p->path, false, NULL);
	struct user user;
	struct err err;

	assert_non_null(reader);
	assert_int_equal(user_find(reader, SPAN("alice@a.com"), &user, NULL,
			NULL), 1);
	add(p, "alice@a.com");
	assert_int_equal(user_find(reader, SPAN("alice@a.com"), &user, NULL,
			NULL), 0);
	assert_int_equal(user_add(reader, SPAN("bob@a.com"), &p->keys, &err),
			-1);
	user_close(reader);
	assert_null(user_open("/nowhere/users.db", false, &err));
	assert_int_equal(err.kind, ERR_PERM);
}

static void mistrusts_what_others_wrote(void **state)
{
	struct place *p = *state;
	struct scram_keys keys;
	struct user user;
	struct err err;

	add(p, "alice@a.com");
	add(p, "bob@a.com");
	add(p, "eve@a.com");
	meddle(p, "UPDATE credential SET secret = '{SCRAM-SHA-256}1,x'"
		" WHERE user = 1");
	meddle(p, "DELETE FROM credential WHERE user = 2");
	meddle(p, "UPDATE user SET enabled = 0 WHERE id = 2");
	assert_int_equal(user_find(p->db, SPAN("alice@a.com"), &user, &keys,
			&err), -1);
	assert_int_equal(err.kind, ERR_TEMP);
	assert_int_equal(user_find(p->db, SPAN("bob@a.com"), &user, &keys,
			&err), 0);
	assert_int_equal(keys.rounds, 0);
	assert_false(user.enabled);
	meddle(p, "UPDATE user SET local = '../../etc' WHERE id = 3");
	assert_int_equal(user_each(p->db, see, &(struct seen){ .most = 9 },
			&err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_without_case),
		TEST(an_address_is_one_user),
		TEST(takes_only_names_of_folders),
		TEST(takes_all_scripts),
		TEST(the_longest_address_fits),
		TEST(changes_keys),
		TEST(deletes),
		TEST(lists_in_order),
		TEST(a_reader_sees_what_was_written),
		TEST(mistrusts_what_others_wrote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
