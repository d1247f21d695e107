/* Another address for a user; needs a folder below /tmp. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config.h"
#include "store/user.h"

#define ALICE SPAN("Alice@a.com")
#define BOB SPAN("bob@a.com")

struct place {
	char dir[40];
	struct user_db *db;
	struct err err;
	/* of the mailbox: what was asked for, and what comes of it */
	char moved[400];
	int result;
	bool disk_full;			/* when it has been moved */
	struct rlimit before;
};

static const unsigned char salt[SCRAM_SALT_SIZE] = "0123456789abcde";

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	struct scram_keys keys;
	char path[64];

	strcpy(p->dir, "/tmp/user_rename_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(path, sizeof(path), "%s/" USER_FILE, p->dir);
	p->db = user_open(path, true, &p->err);
	assert_non_null(p->db);
	scram_derive(&keys, SPAN("secret"), salt, 4);
	assert_int_equal(user_add(p->db, ALICE, &keys, NULL), 0);
	assert_int_equal(user_add(p->db, BOB, &keys, NULL), 0);
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

static int move(void *arg, const char *from, const char *to, struct err *err)
{
	struct place *p = arg;
	size_t n = strlen(p->moved);

	snprintf(p->moved + n, sizeof(p->moved) - n, "%s>%s ", from, to);
	if (p->disk_full && !n) {
		struct rlimit none = { 0, p->before.rlim_max };

		setrlimit(RLIMIT_FSIZE, &none);
	}
	return p->result < 0 ? err_set(err, ERR_TEMP, "not moved") : 0;
}

static int rename_to(struct place *p, struct span from, const char *to)
{
	p->err = (struct err){ 0 };
	return user_rename(p->db, from, span_of(to), move, p, &p->err);
}

static bool is_there(struct place *p, const char *address)
{
	struct user user;

	return user_find(p->db, span_of(address), &user, NULL, NULL) == 0 &&
		strcmp(user.address, address) == 0;
}

struct text {
	char text[400];
};

static bool see_alias(void *arg, const char *alias, const char *target)
{
	struct text *t = arg;
	size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "%s:%s ", alias, target);
	return true;
}

static void aliases_are(struct place *p, const char *want)
{
	struct text got = { "" };

	assert_int_equal(user_alias_each(p->db, see_alias, &got, NULL), 0);
	assert_string_equal(got.text, want);
}

static bool see_app(void *arg, const struct user_app *app)
{
	return strcmp(app->label, "phone") == 0 && ++*(int *)arg;
}

static void all_goes_along(void **state)
{
	struct place *p = *state;
	struct scram_keys app, keys;
	struct user old, user;
	int apps = 0;

	scram_derive(&app, SPAN("app"), salt, 4);
	assert_int_equal(user_app_add(p->db, ALICE, "phone", &app, NULL), 0);
	assert_int_equal(user_set_quota(p->db, ALICE, 5000, 7, NULL), 0);
	assert_int_equal(user_set_setting(p->db, ALICE, "forward", "yes",
				NULL), 0);
	assert_int_equal(user_set_enabled(p->db, ALICE, false, NULL), 0);
	assert_int_equal(user_find(p->db, ALICE, &old, NULL, NULL), 0);
	/* the domain is a new one; the name keeps its case, its folder not */
	assert_int_equal(rename_to(p, SPAN("ALICE@A.COM"), "Ann@B.com"), 0);
	assert_string_equal(p->moved, "a.com/alice>b.com/ann ");
	assert_int_equal(user_find(p->db, ALICE, &user, NULL, NULL), 1);
	assert_int_equal(user_find(p->db, SPAN("ann@b.com"), &user, &keys,
				NULL), 0);
	assert_string_equal(user.address, "Ann@b.com");
	assert_string_equal(user.mailbox, "b.com/ann");
	assert_true(user.id == old.id && user.created == old.created);
	assert_false(user.enabled);
	assert_int_equal(user.quota, 5000);
	assert_int_equal(user.quota_messages, 7);
	assert_string_equal(user.settings, "forward=yes\n");
	assert_true(scram_verify(&keys, SPAN("secret")));
	assert_int_equal(user_app_each(p->db, SPAN("ann@b.com"), see_app,
				&apps, NULL), 0);
	assert_int_equal(apps, 1);
	/* the old address is free, and bob is as before */
	assert_true(is_there(p, "bob@a.com"));
	assert_int_equal(user_add(p->db, ALICE, NULL, NULL), 0);
}

static void aliases_lead_to_the_new_one(void **state)
{
	struct place *p = *state;

	user_alias_add(p->db, SPAN("team@a.com"), SPAN("alice@A.com"), NULL);
	user_alias_add(p->db, SPAN("team@a.com"), SPAN("ann@b.com"), NULL);
	user_alias_add(p->db, SPAN("team@a.com"), BOB, NULL);
	user_alias_add(p->db, SPAN("@a.com"), SPAN("alice@a.com"), NULL);
	user_alias_add(p->db, SPAN("x@a.com"), SPAN("malice@a.com"), NULL);
	assert_int_equal(rename_to(p, ALICE, "ann@b.com"), 0);
	/* who was there twice is there once */
	aliases_are(p, "@a.com:ann@b.com team@a.com:ann@b.com "
			"team@a.com:bob@a.com x@a.com:malice@a.com ");
}

static void another_case_is_the_same_mailbox(void **state)
{
	struct place *p = *state;

	assert_int_equal(rename_to(p, ALICE, "ALICE@a.com"), 0);
	assert_string_equal(p->moved, "");
	assert_true(is_there(p, "ALICE@a.com"));
	assert_int_equal(rename_to(p, ALICE, "ALICE@a.com"), 0);
	assert_true(is_there(p, "ALICE@a.com"));
}

static void refused(void **state)
{
	static const char *const bad[] = { "bob@a.com", "BOB@A.com", "", "ann",
		"@a.com", "a/b@a.com", "..@a.com", "ann@", "a b@a.com",
		"\"ann\"@a.com" };
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rename_to(p, ALICE, bad[i]), -1);
		assert_int_equal(p->err.kind, ERR_PERM);
	}
	assert_int_equal(rename_to(p, SPAN("x@a.com"), "ann@a.com"), 1);
	assert_string_equal(p->moved, "");
	assert_true(is_there(p, "Alice@a.com") && is_there(p, "bob@a.com"));
}

static bool see_domain(void *arg, const char *domain)
{
	return see_alias(arg, domain, "");
}

static void empty_domains_go(void **state)
{
	struct place *p = *state;
	struct text got = { "" };

	/* one that was added stays, whoever is in it */
	assert_int_equal(user_domain_add(p->db, SPAN("b.com"), NULL), 0);
	assert_int_equal(rename_to(p, ALICE, "alice@b.com"), 0);
	assert_int_equal(rename_to(p, SPAN("alice@b.com"), "alice@c.com"), 0);
	assert_int_equal(rename_to(p, SPAN("alice@c.com"), "alice@d.com"), 0);
	assert_int_equal(user_domain_each(p->db, see_domain, &got, NULL), 0);
	assert_string_equal(got.text, "b.com: ");
	assert_int_equal(user_domain_del(p->db, SPAN("c.com"), &p->err), 1);
}

static void a_mailbox_that_stays_keeps_its_user(void **state)
{
	struct place *p = *state;

	user_alias_add(p->db, SPAN("team@a.com"), ALICE, NULL);
	p->result = -1;
	assert_int_equal(rename_to(p, ALICE, "ann@b.com"), -1);
	assert_string_equal(p->err.text, "not moved");
	assert_string_equal(p->moved, "a.com/alice>b.com/ann ");
	assert_true(is_there(p, "Alice@a.com"));
	assert_false(is_there(p, "ann@b.com"));
	aliases_are(p, "team@a.com:Alice@a.com ");
	/* and it was no half-open transaction */
	p->result = 0;
	assert_int_equal(rename_to(p, ALICE, "ann@b.com"), 0);
	assert_true(is_there(p, "ann@b.com"));
}

static void a_mailbox_comes_back(void **state)
{
	struct place *p = *state;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &p->before), 0);
	p->disk_full = true;
	assert_int_equal(rename_to(p, ALICE, "ann@b.com"), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &p->before), 0);
	assert_string_equal(p->moved,
			"a.com/alice>b.com/ann b.com/ann>a.com/alice ");
	assert_true(is_there(p, "Alice@a.com"));
	assert_false(is_there(p, "ann@b.com"));
	assert_int_equal(rename_to(p, ALICE, "ann@b.com"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_goes_along), TEST(aliases_lead_to_the_new_one),
		TEST(another_case_is_the_same_mailbox), TEST(refused),
		TEST(empty_domains_go),
		TEST(a_mailbox_that_stays_keeps_its_user),
		TEST(a_mailbox_comes_back)
	};

	if (!CFG_USERS_FULL)
		return 0;
	return cmocka_run_group_tests_name("store/user_rename", tests, NULL,
			NULL);
}
