#include "store/aliases.h"

#define NONE span_of("")

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "os/clock.h"

static char dir[64], path[80], list[80];
static struct conf conf;
static struct conf_word domain = { NULL, "a.test" };
static unsigned told;
static char said[512];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/aliasesXXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/aliases", dir);
	snprintf(list, sizeof(list), "%s/list", dir);
	conf = (struct conf){ .hostname = "mail.a.test", .domains = &domain,
		.aliases = path, .postmaster = "root", .state_dir = dir,
		.max_alias_recipients = 100 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	unlink(list);
	return rmdir(dir);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	const struct timeval old[2] = { { clock_now() - 9, 0 },
		{ clock_now() - 9, 0 } };
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(name, mode), 0);
	assert_int_equal(utimes(name, old), 0);
}

/* "a b c", what an address becomes; "": no alias; "!": an error. */
static const char *expand(const char *rcpt, unsigned most, unsigned also)
{
	static char out[2000];
	struct aliases *a = aliases_new(&conf, false);
	struct alias_set s;
	struct err err;
	int rc = aliases_expand(a, span_of(rcpt), also, most, &s, &err);

	out[0] = '\0';
	if (rc < 0)
		snprintf(out, sizeof(out), "!%d %s", err.kind, err.text);
	for (unsigned i = 0; rc > 0 && i < s.n; i++)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s",
				i ? " " : "", s.address[i]);
	if (rc > 0 && s.owner)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), " (%s)",
				s.owner);
	if (rc > 0 && s.looped)
		snprintf(out + strlen(out), sizeof(out) - strlen(out), " loop");
	alias_set_free(&s);
	aliases_free(a);
	return out;
}

static const char text[] =
	"root: me@provider.example\n"
	"sales: ann, Bob, bob@A.test, ann@a.test, x@y.example, X@y.example\n"
	"both: sales, root\n"
	"alice: \\alice, copy@y.example\n"
	"carol: carol, copy@y.example\n"
	"gone: \\nobody\n"
	"prog: \"|/bin/cat -n\", /var/x, \"|second\"\n"
	"a: b\nb: c\nc: a\n"
	"d: e, kept\ne: d\n"
	"self: self\n"
	"lists: dev, root\n"
	"dev: ann, bob\n"
	"owner-dev: root\n"
	"alias-of-dev: dev\n"
	"owner-alone: x\nalone: ann\n"
	"rel: :include:/nowhere/at/all\n"
	"\"quo ted\": ann\n"
	"here: ann@mail.a.test\n";

static const struct {
	const char *rcpt, *want;
} expansions[] = {
	{ "root@a.test", "me@provider.example" },
	{ "ROOT@mail.a.test", "me@provider.example" },
	{ "\"root\"@a.test", "me@provider.example" },
	{ "root+x@a.test", "me@provider.example" },
	{ "nobody@a.test", "" },
	{ "sales@a.test", "ann@a.test Bob@a.test x@y.example X@y.example" },
	{ "both@a.test", "ann@a.test Bob@a.test x@y.example X@y.example "
		"me@provider.example" },
	{ "alice@mail.a.test", "alice@mail.a.test copy@y.example" },
	{ "carol@a.test", "carol@a.test copy@y.example" },
	{ "gone@a.test", "nobody@a.test" },
	{ "prog@a.test", "|prog#1@a.test |prog#2@a.test |prog#3@a.test" },
	{ "a@a.test", "!2 the alias a leads back to itself" },
	{ "d@a.test", "kept@a.test loop" },
	{ "self@a.test", "self@a.test" },
	{ "dev@a.test", "ann@a.test bob@a.test (owner-dev@a.test)" },
	{ "alias-of-dev@a.test", "ann@a.test bob@a.test (owner-dev@a.test)" },
	{ "lists@a.test", "ann@a.test bob@a.test me@provider.example" },
	{ "alone@a.test", "ann@a.test (owner-alone@a.test)" },
	{ "owner-dev@a.test", "me@provider.example" },
	{ "rel@a.test", "!1 /nowhere/at/all: No such file or directory" },
	{ "\"Quo Ted\"@a.test", "ann@a.test" },
	{ "here@a.test", "ann@mail.a.test" },
	{ "postmaster@a.test", "" },
};

static void test_expansions(void **state)
{
	(void)state;
	write_file(path, text, 0644);
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]); i++)
		assert_string_equal(expand(expansions[i].rcpt, 1000, false),
				expansions[i].want);
	assert_string_equal(expand("both@a.test", 2, false),
			"ann@a.test Bob@a.test");
	assert_string_equal(expand("postmaster@a.test", 9, true),
			"me@provider.example");
	assert_string_equal(expand("MAILER-DAEMON@a.test", 9, true),
			"me@provider.example");
	assert_string_equal(expand("alice@a.test", 9, true),
			"alice@a.test copy@y.example");
}

static void test_include(void **state)
{
	char aliases[200], members[200];

	(void)state;
	snprintf(aliases, sizeof(aliases), "all: :include:%s, last\n"
			"none: :include:%s\n", list, list);
	write_file(path, aliases, 0644);
	snprintf(members, sizeof(members), "# who\nann\nb@y.example, c@y."
			"example\n|/bin/sh\n/etc/passwd\nbad one\n:include:%s"
			"\n", list);
	write_file(list, members, 0644);
	assert_string_equal(expand("all@a.test", 99, false), "ann@a.test "
			"b@y.example c@y.example last@a.test");
	write_file(list, "# nobody\n", 0644);
	assert_string_equal(expand("none@a.test", 99, false),
			"!2 the alias none leads to nobody");
	write_file(list, "ann\n", 0666);
	assert_non_null(strstr(expand("all@a.test", 99, false),
			"anybody may write to it"));
	unlink(list);
	assert_int_equal(mkfifo(list, 0600), 0);
	assert_non_null(strstr(expand("all@a.test", 99, false), "is no file"));
	unlink(list);
}

static void test_no_file(void **state)
{
	(void)state;
	unlink(path);
	assert_string_equal(expand("root@a.test", 9, true), "");
	conf.aliases = "none";
	assert_string_equal(expand("root@a.test", 9, true), "");
	conf.aliases = path;
	write_file(path, text, 0646);
	assert_non_null(strstr(expand("nobody@a.test", 9, true), "!1 "));
}

static void test_too_many(void **state)
{
	char many[4000] = "many:";

	(void)state;
	for (int i = 0; i < 101; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
				"%s u%d", i ? "," : "", i);
	write_file(path, many, 0644);
	assert_string_equal(expand("many@a.test", 1000, false), "!2 the alias "
			"leads to more than 100 recipients");
	conf.max_alias_recipients = 101;
	assert_non_null(strstr(expand("many@a.test", 1000, false), "u100@"));
	conf.max_alias_recipients = 100;
	many[0] = '\0';
	for (int i = 0; i < 40; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many),
				"n%d: n%d\n", i, i + 1);
	write_file(path, many, 0644);
	assert_string_equal(expand("n0@a.test", 9, false), "!2 aliases are "
			"nested more than 32 deep, down to n32");
	assert_string_equal(expand("n9@a.test", 9, false), "n40@a.test");
}

static void test_owner(void **state)
{
	static const struct {
		const char *name, *owner;
	} want[] = {
		{ "sales", "" }, { "root", "" }, { "gone", "nobody" },
		{ "carol", "" }, { "self", "self" }, { "a", "" },
		{ "here", "ann@mail.a.test" }, { "prog", "" }, { "rel", "" },
		{ "alone", "ann" }, { "who", "" }, { "owner-alone", "x" },
	};
	struct aliases *a = aliases_new(&conf, false);
	char name[ALIAS_VALUE_SIZE];
	struct alias_value v;
	struct err err;

	(void)state;
	write_file(path, text, 0644);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(aliases_owner(a, span_of(want[i].name), NONE, name,
					&err), 0);
		assert_string_equal(name, want[i].owner);
	}
	assert_int_equal(aliases_target(a, "prog", 1, &v, &err), 1);
	assert_int_equal(v.kind, ALIAS_COMMAND);
	assert_string_equal(v.text, "/bin/cat -n");
	assert_int_equal(aliases_target(a, "prog", 2, &v, &err), 1);
	assert_int_equal(v.kind, ALIAS_FILE);
	assert_int_equal(aliases_target(a, "prog", 4, &v, &err), 0);
	assert_int_equal(aliases_target(a, "who", 1, &v, &err), 0);
	aliases_free(a);
}

/* It is looked at again a second later. */
static void test_change(void **state)
{
	struct aliases *a = aliases_new(&conf, false);
	struct err err;

	(void)state;
	write_file(path, "one: x\n", 0644);
	assert_int_equal(aliases_has(a, SPAN("one"), NONE, &err), 1);
	write_file(path, "two: x\n", 0644);
	assert_int_equal(aliases_has(a, SPAN("two"), NONE, &err), 0);
	usleep(1050000);
	assert_int_equal(aliases_has(a, SPAN("two+x"), NONE, &err), 1);
	assert_int_equal(aliases_has(a, SPAN("one"), NONE, &err), 0);
	unlink(path);
	usleep(1050000);
	assert_int_equal(aliases_has(a, SPAN("two"), NONE, &err), 0);
	aliases_free(a);
}

static void tell(void *arg, const char *line)
{
	(void)arg;
	told++;
	strncat(said, strrchr(line, '/'), sizeof(said) - strlen(said) - 1);
	strncat(said, "\n", sizeof(said) - strlen(said) - 1);
}

static void test_check(void **state)
{
	struct err err;
	unsigned n;

	(void)state;
	write_file(path, text, 0644);
	assert_int_equal(aliases_check(&conf, tell, NULL, &n, &err), 0);
	assert_int_equal(n, 22);
	assert_string_equal(said,
			"/aliases:8: the alias a leads back to itself\n"
			"/aliases:9: the alias b leads back to itself\n"
			"/aliases:10: the alias c leads back to itself\n"
			"/aliases:11: an alias that it leads to leads back"
			" here\n"
			"/aliases:12: an alias that it leads to leads back"
			" here\n"
			"/all: No such file or directory\n");
	told = 0;
	said[0] = '\0';
	write_file(path, "ok: x\nbad\nok: y\nempty: ,\nq: a b, c\n\"x y\": "
			"|cat\n", 0644);
	assert_int_equal(aliases_check(&conf, tell, NULL, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(said,
			"/aliases:2: no : behind the name\n"
			"/aliases:4: nobody is named: the line is ignored\n"
			"/aliases:5: is no address\n"
			"/aliases:6: a name in quotes cannot have commands and "
			"files\n"
			"/aliases:6: nobody is named: the line is ignored\n"
			"/aliases:3: the name stands there a second time, the "
			"first line counts\n");
	unlink(path);
	assert_int_equal(aliases_check(&conf, tell, NULL, &n, &err), 0);
	assert_int_equal(n, 0);
}

/* -- those of users.db -- */

/* In the order of octets, as mailuser writes them. */
static const char mapped[] =
	"@a.test rest@a.test\n"
	"boss@a.test ann@a.test\n"
	"carol@a.test bob@a.test,carol@a.test\n"
	"far@a.test x@y.example\n"
	"l1@a.test l2@a.test\n"
	"l2@a.test l1@a.test\n"
	"many@a.test ann@a.test,boss@a.test,x@y.example,sales@a.test\n"
	"name@a.test root@a.test\n"
	"self@a.test self@a.test\n";

static void write_mapped(char name[64])
{
	snprintf(name, 64, "%.40s/users.aliases", dir);
	write_file(name, mapped, 0644);
	write_file(path, "root: me@provider.example\nboss: wrong\n"
			"to: boss@a.test\n", 0644);
}

static void test_of_users_db(void **state)
{
	static const struct {
		const char *rcpt, *want;
		unsigned also;
	} rows[] = {
		{ "boss@a.test", "ann@a.test", 0 },
		{ "BOSS+x@A.test", "ann@a.test", 0 },
		{ "boss@mail.a.test", "wrong@a.test", 0 },	/* a name's */
		{ "to@a.test", "ann@a.test", 0 },
		{ "carol@a.test", "bob@a.test carol@a.test", 0 },
		{ "far@a.test", "x@y.example", 0 },
		{ "many@a.test", "ann@a.test x@y.example sales@a.test", 0 },
		{ "name@a.test", "me@provider.example", 0 },
		{ "self@a.test", "self@a.test", 0 },
		{ "l1@a.test", "!2 the alias l1 leads back to itself", 0 },
		{ "new@a.test", "", 0 },
		{ "new@a.test", "", ALIASES_ROLES },
		{ "new@a.test", "rest@a.test", ALIASES_REST },
		{ "postmaster@a.test", "me@provider.example",
			ALIASES_ROLES | ALIASES_REST },
		{ "new@mail.a.test", "", ALIASES_REST }
	};
	char name[64];

	(void)state;
	if (!CFG_USERS_FULL)
		skip();
	write_mapped(name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(expand(rows[i].rcpt, 100,
				rows[i].also), rows[i].want);
	unlink(name);
	assert_string_equal(expand("boss@a.test", 9, 0), "wrong@a.test");
	assert_int_equal(mkdir(name, 0700), 0);	/* it cannot be told */
	assert_int_equal(expand("new@a.test", 9, 0)[0], '!');
	rmdir(name);
}

static void test_whose_they_are(void **state)
{
	static const struct {
		const char *local, *want;
	} rows[] = {
		{ "boss", "ann@a.test" }, { "boss+x", "ann@a.test" },
		{ "carol", "" }, { "far", "" }, { "l1", "" }, { "many", "" },
		{ "name", "" }, { "new", "" },
		{ "", "rest@a.test" }
	};
	char name[64], owner[ALIAS_VALUE_SIZE];
	struct aliases *a;
	struct err err;

	(void)state;
	if (!CFG_USERS_FULL)
		skip();
	write_mapped(name);
	a = aliases_new(&conf, false);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(aliases_owner(a, span_of(rows[i].local),
				SPAN("A.test"), owner, &err), 0);
		if (strcmp(owner, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].local, owner);
	}
	assert_int_equal(aliases_has(a, SPAN("boss"), SPAN("a.test"), &err), 1);
	assert_int_equal(aliases_has(a, SPAN(""), SPAN("a.test"), &err), 1);
	assert_int_equal(aliases_has(a, SPAN(""), SPAN("b.test"), &err), 0);
	assert_int_equal(aliases_has(a, SPAN("new"), SPAN("a.test"), &err), 0);
	aliases_free(a);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expansions),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_of_users_db),
		cmocka_unit_test(test_whose_they_are),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
