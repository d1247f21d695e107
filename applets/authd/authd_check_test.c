/* Needs the real file system (a folder below /tmp) and this machine's root. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authd/authd.h"
#include "base/base64.h"
#include "base/str.h"
#include "config.h"
#include "store/user.h"

struct place {
	char dir[40], path[64];
	struct conf_word domains[2];
	struct conf conf;
	struct authd_check *check;
	struct authd_secret secret;
	struct authd_shared shared;
	char answer[AUTHD_ANSWER_SIZE];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/authd_test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/" USER_FILE, p->dir);
	p->domains[0] = (struct conf_word){ &p->domains[1], "a.com" };
	p->domains[1] = (struct conf_word){ NULL, "b.com" };
	p->conf.hostname = "mail.a.com";
	p->conf.domains = p->domains;
	p->conf.state_dir = p->dir;
	p->conf.user_store = "no such account";
	p->conf.postmaster = "root";
	p->conf.scram_rounds = 4096;
	p->check = authd_check_new(&p->conf, &p->secret,
			&p->shared);
	assert_non_null(p->check);
	*state = p;
	return 0;
}

static void remove_db(struct place *p)
{
	char path[80];

	unlink(p->path);
	snprintf(path, sizeof(path), "%s-journal", p->path);
	unlink(path);
}

static int tear_down(void **state)
{
	struct place *p = *state;

	authd_check_free(p->check);
	remove_db(p);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static void add(struct place *p, const char *address, const char *password)
{
	static const unsigned char salt[SCRAM_SALT_SIZE] = "0123456789abcde";
	struct user_db *db = user_open(p->path, true, NULL);
	struct scram_keys keys;

	assert_non_null(db);
	scram_derive(&keys, span_of(password), salt, 4096);
	assert_int_equal(user_add(db, span_of(address), &keys, NULL), 0);
	user_close(db);
}

static void put(struct str *line, const char *text)
{
	str_addc(line, ' ');
	if (*text)
		base64_put(line, span_of(text));
	else
		str_addc(line, '=');
}

static const char *answer(struct place *p, struct str *line)
{
	authd_check_answer(p->check, str_span(line), p->answer);
	str_free(line);
	return p->answer;
}

static const char *lookup(struct place *p, const char *address)
{
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "LOOKUP");
	put(&line, address);
	return answer(p, &line);
}

static const char *plain(struct place *p, const char *user,
		const char *password)
{
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "PLAIN");
	put(&line, user);
	put(&line, password);
	str_adds(&line, " pop3 [192.0.2.1]");
	return answer(p, &line);
}

static const char *ok(struct place *p, const char *name, const char *mailbox)
{
	static char text[AUTHD_ANSWER_SIZE];
	struct str s;

	(void)p;
	str_init(&s, sizeof(text) - 1);
	str_adds(&s, "OK VIRTUAL");
	put(&s, name);
	put(&s, mailbox);
	str_addf(&s, " %lu %lu 0 0 =", (unsigned long)geteuid(),
			(unsigned long)getegid());
	str_copy(text, sizeof(text), str_span(&s));
	str_free(&s);
	return text;
}

static void finds_who_gets_the_mail(void **state)
{
	struct place *p = *state;
	const char *alice = "alice@a.com";

	add(p, alice, "x");
	add(p, "alice+lists@a.com", "x");
	add(p, "bob@b.com", "x");
	assert_string_equal(lookup(p, "ALICE@A.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "\"alice\"@a.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "alice+x@a.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "alice+Lists@a.com"), ok(p,
			"alice+lists@a.com", "a.com/alice+lists"));
	assert_string_equal(lookup(p, "bob@b.com"), ok(p, "bob@b.com",
			"b.com/bob"));
	assert_string_equal(lookup(p, "bob@a.com"), "NO");
	assert_string_equal(lookup(p, "alice@c.com"), "NO");
	assert_string_equal(lookup(p, "alice"), "NO");
	assert_string_equal(lookup(p, "+alice@a.com"), "NO");
	assert_string_equal(lookup(p, "@a.com"), "NO");
	assert_string_equal(lookup(p, ""), "NO");
	/* system-users is off */
	assert_string_equal(lookup(p, "root@a.com"), "NO");
}

static void every_domain_has_a_postmaster(void **state)
{
	struct place *p = *state;

	add(p, "alice@a.com", "x");
	assert_string_equal(lookup(p, "postmaster@a.com"), "NO");
	p->conf.postmaster = "alice";
	assert_string_equal(lookup(p, "PostMaster@a.com"), ok(p,
			"alice@a.com", "a.com/alice"));
	assert_string_equal(lookup(p, "postmaster@mail.a.com"), ok(p,
			"alice@a.com", "a.com/alice"));
	assert_string_equal(lookup(p, "postmaster"), ok(p, "alice@a.com",
			"a.com/alice"));
	assert_string_equal(lookup(p, "postmaster@c.com"), "NO");
	add(p, "bob@b.com", "x");
	p->conf.postmaster = "bob@b.com";
	assert_string_equal(lookup(p, "postmaster"), ok(p, "bob@b.com",
			"b.com/bob"));
	add(p, "postmaster@b.com", "x");
	assert_string_equal(lookup(p, "postmaster@b.com"), ok(p,
			"postmaster@b.com", "b.com/postmaster"));
}

static void lines_say_whose_it_is(void **state)
{
	static struct conf_map lines[] = {
		{ &lines[1], "info@b.com", "alice@a.com" },
		{ &lines[2], "sales@b.com", "INFO@b.com" },
		{ &lines[3], "boss@b.com", "bob" },
		{ &lines[4], "@b.com", "bob@a.com" },
		{ &lines[5], "@b.com", "@a.com" },
		{ &lines[6], "@mail.a.com", "@b.com" },
		{ &lines[7], "loop@a.com", "pool@a.com" },
		{ &lines[8], "pool@a.com", "loop@a.com" },
		{ NULL, "gone@a.com", "who@a.com" },
	};
	struct place *p = *state;
	const char *alice = "alice@a.com", *bob = "bob@a.com";

	if (!CFG_AUTHD_VIRTUAL)
		return;
	add(p, alice, "x");
	add(p, bob, "x");
	p->conf.virtuals = lines;
	assert_string_equal(lookup(p, "Info@b.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "info+x@b.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "sales@b.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "boss@b.com"), ok(p, bob, "a.com/bob"));
	/* users of the other domain go before who gets the rest */
	assert_string_equal(lookup(p, "alice@b.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "who@b.com"), ok(p, bob, "a.com/bob"));
	assert_string_equal(lookup(p, "who@mail.a.com"), ok(p, bob,
			"a.com/bob"));
	assert_string_equal(lookup(p, "info@mail.a.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "who@a.com"), "NO");
	assert_string_equal(lookup(p, "info@a.com"), "NO");
	assert_string_equal(lookup(p, "loop@a.com"), "NO");
	assert_string_equal(lookup(p, "gone@a.com"), "NO");
	/* a postmaster is another's business first */
	assert_string_equal(lookup(p, "postmaster@b.com"), ok(p, bob,
			"a.com/bob"));
	p->conf.postmaster = "alice";
	assert_string_equal(lookup(p, "postmaster@b.com"), ok(p, alice,
			"a.com/alice"));
	assert_string_equal(lookup(p, "postmaster@mail.a.com"), ok(p, alice,
			"a.com/alice"));
	/* a user of the domain's own, and of the address's */
	add(p, "who@b.com", "x");
	assert_string_equal(lookup(p, "who@b.com"), ok(p, "who@b.com",
			"b.com/who"));
	add(p, "info@b.com", "x");
	assert_string_equal(lookup(p, "info@b.com"), ok(p, alice,
			"a.com/alice"));
}

static void domains_in_a_circle(void **state)
{
	static struct conf_map lines[] = {
		{ &lines[1], "@a.com", "@b.com" },
		{ &lines[2], "@b.com", "@a.com" },
		{ &lines[3], "@a.com", "@a.com" },
		{ NULL, "@b.com", "@b.com" },
	};
	struct place *p = *state;

	add(p, "bob@b.com", "x");
	p->conf.virtuals = lines;
	assert_string_equal(lookup(p, "who@a.com"), "NO");
	assert_string_equal(lookup(p, "bob@a.com"), CFG_AUTHD_VIRTUAL ?
			ok(p, "bob@b.com", "b.com/bob") : "NO");
}

static void other_delimiters(void **state)
{
	struct place *p = *state;

	add(p, "alice@a.com", "x");
	p->conf.delimiter = "-";
	assert_memory_equal(lookup(p, "alice-x-y@a.com"), "OK ", 3);
	assert_string_equal(lookup(p, "alice+x@a.com"), "NO");
	assert_string_equal(lookup(p, "-x@a.com"), "NO");
	p->conf.delimiter = "";
	assert_string_equal(lookup(p, "alice-x@a.com"), "NO");
	assert_memory_equal(lookup(p, "alice@a.com"), "OK ", 3);
}

static void write_aliases(struct place *p, char path[80])
{
	FILE *f;

	snprintf(path, 80, "%s/aliases", p->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("sales: alice\nall: alice, bob@b.com\nb: bob@b.com\n"
			"alice: x@y.example\nfar: x@y.example\n"
			"gone: nobody\ncarol: \\carol\n", f);
	fclose(f);
	p->conf.aliases = path;
}

/* "OK ALIAS owner name" */
static const char *alias(struct place *p, const char *owner, const char *name)
{
	static char out[400];
	struct str text;

	(void)p;
	str_init(&text, sizeof(out) - 1);
	str_adds(&text, "OK ALIAS");
	put(&text, owner);
	put(&text, name);
	str_adds(&text, " 0 0 0 0 =");
	str_copy(out, sizeof(out), str_span(&text));
	str_free(&text);
	return out;
}

/* A user stays one; an alias is his who gets all of its mail. */
static void knows_aliases(void **state)
{
	struct place *p = *state;
	char path[80];

	if (!CFG_ALIASES)
		return;
	write_aliases(p, path);
	add(p, "alice@a.com", "x");
	add(p, "bob@b.com", "x");
	add(p, "bob@a.com", "x");
	add(p, "carol@a.com", "x");
	assert_string_equal(lookup(p, "alice@a.com"), ok(p, "alice@a.com",
				"a.com/alice"));
	assert_string_equal(lookup(p, "carol@a.com"), ok(p, "carol@a.com",
				"a.com/carol"));
	assert_string_equal(lookup(p, "b@b.com"), alias(p, "bob@b.com", "b"));
	assert_string_equal(lookup(p, "B+x@a.com"), alias(p, "bob@b.com",
				"B+x"));
	/* alice's own mail goes elsewhere, and so does that of sales */
	assert_string_equal(lookup(p, "sales@a.com"), alias(p, "", "sales"));
	assert_string_equal(lookup(p, "all@a.com"), alias(p, "", "all"));
	assert_string_equal(lookup(p, "far@a.com"), alias(p, "", "far"));
	assert_string_equal(lookup(p, "gone@a.com"), alias(p, "", "gone"));
	assert_string_equal(lookup(p, "sales@c.com"), "NO");
	assert_string_equal(lookup(p, "|sales#1@a.com"), "NO");
	assert_string_equal(lookup(p, "abuse@a.com"), "NO");
	p->conf.postmaster = "carol";
	assert_string_equal(lookup(p, "abuse@a.com"), alias(p, "carol@a.com",
				"carol"));
	assert_string_equal(plain(p, "b@b.com", "x"), "NO");
	unlink(path);
}

static void checks_passwords(void **state)
{
	struct place *p = *state;
	char longest[AUTHD_PASSWORD_MOST + 2];

	memset(longest, 'x', sizeof(longest));
	longest[AUTHD_PASSWORD_MOST] = '\0';
	add(p, "alice@a.com", "secret");
	add(p, "bob@b.com", longest);
	assert_string_equal(plain(p, "alice@a.com", "secret"), ok(p,
			"alice@a.com", "a.com/alice"));
	assert_string_equal(plain(p, "ALICE@A.COM", "secret"), ok(p,
			"alice@a.com", "a.com/alice"));
	assert_string_equal(plain(p, "alice", "secret"), ok(p,
			"alice@a.com", "a.com/alice"));
	assert_string_equal(plain(p, "alice@a.com", "Secret"), "NO");
	assert_string_equal(plain(p, "alice@a.com", "secret "), "NO");
	assert_string_equal(plain(p, "alice@a.com", ""), "NO");
	assert_string_equal(plain(p, "alice+x@a.com", "secret"), "NO");
	assert_string_equal(plain(p, "alice@b.com", "secret"), "NO");
	assert_string_equal(plain(p, "bob", longest), "NO");
	assert_string_equal(plain(p, "bob@b.com", longest), ok(p,
			"bob@b.com", "b.com/bob"));
	longest[AUTHD_PASSWORD_MOST] = 'x';
	longest[AUTHD_PASSWORD_MOST + 1] = '\0';
	assert_string_equal(plain(p, "bob@b.com", longest), "NO");
	assert_string_equal(plain(p, "", "secret"), "NO");
	assert_string_equal(plain(p, "@", "secret"), "NO");
	assert_string_equal(plain(p, "alice@a.com\xff", "secret"), "NO");
	/* system-users is off */
	assert_string_equal(plain(p, "root", "x"), "NO");
}

/* -- SCRAM -- */

static const char *salt(struct place *p, const char *user)
{
	static char kept[2][AUTHD_ANSWER_SIZE];
	static int i;
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "SALT");
	put(&line, user);
	i = !i;
	strcpy(kept[i], answer(p, &line));
	assert_memory_equal(kept[i], "SALT s=", 7);
	return kept[i];
}

static const char *prove(struct place *p, const char *user,
		const char *message, const unsigned char *proof, size_t n)
{
	struct str line;

	str_init(&line, AUTH_LINE_MAX);
	str_adds(&line, "PROOF");
	put(&line, user);
	put(&line, message);
	str_addc(&line, ' ');
	if (n)
		base64_put(&line, span_make((const char *)proof, n));
	else
		str_addc(&line, '=');
	str_adds(&line, " smtp [192.0.2.1]");
	return answer(p, &line);
}

static struct span bytes(const unsigned char *p)
{
	return span_make((const char *)p, SHA256_SIZE);
}

/* The client's side, with the salt that it was given. */
static void make_proof(unsigned char proof[SHA256_SIZE], const char *given,
		const char *password, const char *message)
{
	unsigned char octets[SCRAM_SALT_SIZE], salted[SHA256_SIZE];
	unsigned char key[SHA256_SIZE], stored[SHA256_SIZE];
	struct span rest = span_rest(span_of(given), 7);

	assert_int_equal(base64_get(octets, sizeof(octets), span_cut(&rest,
			',')), sizeof(octets));
	if (!span_eq(rest, SPAN("i=4096")))
		fail_msg("%s %.*s", given, SPAN_ARG(rest));
	sha256_pbkdf2(salted, span_of(password), span_make((char *)octets,
			sizeof(octets)), 4096);
	sha256_hmac(key, bytes(salted), SPAN("Client Key"));
	sha256(stored, bytes(key));
	sha256_hmac(proof, bytes(stored), span_of(message));
	for (int i = 0; i < SHA256_SIZE; i++)
		proof[i] ^= key[i];
}

static void proofs(void **state)
{
	struct place *p = *state;
	const char *given, *alice = "alice@a.com";
	unsigned char proof[SHA256_SIZE + 1] = { 0 };
	char want[AUTHD_ANSWER_SIZE];

	if (!CFG_SASL_SCRAM)
		skip();
	add(p, alice, "secret");
	given = salt(p, "Alice");
	make_proof(proof, given, "secret", "a message");
	snprintf(want, sizeof(want), "%s ", ok(p, alice, "a.com/alice"));
	given = prove(p, "ALICE@a.com", "a message", proof, SHA256_SIZE);
	assert_memory_equal(given, want, strlen(want));
	assert_int_equal(strlen(given), strlen(want) + 44);
	assert_string_equal(prove(p, alice, "Another", proof, SHA256_SIZE),
			"NO");
	assert_string_equal(prove(p, "bob", "a message", proof, SHA256_SIZE),
			"NO");
	for (size_t n = 0; n < SHA256_SIZE; n++)
		assert_string_equal(prove(p, alice, "a message", proof, n),
				"NO");
	proof[0] ^= 1;
	assert_string_equal(prove(p, alice, "a message", proof, SHA256_SIZE),
			"NO");
	make_proof(proof, salt(p, alice), "Secret", "a message");
	assert_string_equal(prove(p, alice, "a message", proof, SHA256_SIZE),
			"NO");
	assert_string_equal(prove(p, alice, "", proof, SHA256_SIZE), "NO");
	/* of nobody no password is right */
	make_proof(proof, salt(p, "nobody@a.com"), "", "a message");
	assert_string_equal(prove(p, "nobody@a.com", "a message", proof,
			SHA256_SIZE), "NO");
}

/* Nobody's salt is like somebody's: always the same, and his own. */
static void salts_tell_nothing(void **state)
{
	struct place *p = *state;
	static const char *const same[] = {
		"nobody", "NOBODY", "nobody@a.com", "Nobody@A.com"
	};
	const char *first;

	if (!CFG_SASL_SCRAM)
		skip();
	add(p, "alice@a.com", "secret");
	first = salt(p, "nobody@a.com");
	assert_int_equal(strlen(first), strlen(salt(p, "alice@a.com")));
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		first = salt(p, "nobody@a.com");
		assert_string_equal(salt(p, same[i]), first);
	}
	first = salt(p, "nobody@a.com");
	assert_string_not_equal(salt(p, "nobody@b.com"), first);
	first = salt(p, "nobody@a.com");
	assert_string_not_equal(salt(p, "alice@a.com"), first);
	salt(p, "");
	salt(p, "a\xff");
	salt(p, "@");
	/* accounts of this machine have no keys: as nobody */
	p->conf.system_users = true;
	first = salt(p, "root@a.com");
	assert_string_equal(salt(p, "root"), first);
	/* kept over a restart, but another one elsewhere */
	first = salt(p, "nobody@a.com");
	p->secret.bytes[0]++;
	assert_string_not_equal(salt(p, "nobody@a.com"), first);
}

static void the_secret_is_kept(void **state)
{
	struct place *p = *state;
	struct authd_secret one, two;
	char path[80];

	if (!CFG_SASL_SCRAM)
		skip();
	authd_secret_get(&one, &p->conf);
	authd_secret_get(&two, &p->conf);
	assert_memory_equal(&one, &two, sizeof(one));
	snprintf(path, sizeof(path), "%s/authd.secret", p->dir);
	assert_int_equal(truncate(path, 31), 0);
	authd_secret_get(&two, &p->conf);
	assert_memory_not_equal(&one, &two, sizeof(one));
	assert_int_equal(unlink(path), 0);
}

static void follows_the_file(void **state)
{
	struct place *p = *state;

	assert_string_equal(lookup(p, "alice@a.com"), "NO");
	add(p, "alice@a.com", "one");
	assert_memory_equal(lookup(p, "alice@a.com"), "OK ", 3);
	assert_memory_equal(plain(p, "alice", "one"), "OK ", 3);
	/* another file in its place */
	remove_db(p);
	add(p, "alice@a.com", "two");
	assert_string_equal(plain(p, "alice", "one"), "NO");
	assert_memory_equal(plain(p, "alice", "two"), "OK ", 3);
	remove_db(p);
	assert_string_equal(lookup(p, "alice@a.com"), "NO");
	add(p, "bob@a.com", "x");
	assert_memory_equal(lookup(p, "bob@a.com"), "OK ", 3);
}

static void a_broken_file_is_no_answer(void **state)
{
	struct place *p = *state;
	FILE *f = fopen(p->path, "w");

	assert_non_null(f);
	for (int i = 0; i < 100; i++)
		fputs("not a database at all, but long enough\n", f);
	fclose(f);
	assert_memory_equal(lookup(p, "alice@a.com"), "TEMP ", 5);
	assert_memory_equal(plain(p, "alice@a.com", "x"), "TEMP ", 5);
}

static void this_machines_users(void **state)
{
	struct place *p = *state;

	if (!CFG_AUTHD_SYSTEM)
		skip();
	p->conf.system_users = true;
	/* "root" in base64, twice */
	assert_string_equal(lookup(p, "root@a.com"),
			"OK SYSTEM cm9vdA== cm9vdA== 0 0 0 0 =");
	assert_string_equal(lookup(p, "ROOT+x@b.com"),
			"OK SYSTEM cm9vdA== cm9vdA== 0 0 0 0 =");
	assert_string_equal(lookup(p, "postmaster"),
			"OK SYSTEM cm9vdA== cm9vdA== 0 0 0 0 =");
	assert_string_equal(lookup(p, "no-such-user@a.com"), "NO");
	assert_string_equal(lookup(p, "\"../root\"@a.com"), "NO");
	assert_string_equal(plain(p, "root", "wrong"), "NO");
	assert_string_equal(plain(p, "no-such-user", "wrong"), "NO");
	add(p, "root@a.com", "x");
	assert_string_equal(lookup(p, "root@a.com"), ok(p, "root@a.com",
			"a.com/root"));
	assert_string_equal(plain(p, "root@a.com", "x"), ok(p, "root@a.com",
			"a.com/root"));
}

static void refuses_what_is_no_request(void **state)
{
	static const char *const bad[] = {
		"", " ", "HELLO", "LOOKUP", "LOOKUP %%%", "LOOKUP YQ== YQ==",
		"PLAIN YQ==", "PLAIN YQ== *", "LOOKUPYQ==",
		"PLAIN YQ== YQ== pop3 peer more", "OK", "SALT", "SALT %",
		"SALT YQ== YQ==", "PROOF YQ== YQ==", "PROOF YQ== YQ== *",
		"PROOF YQ== * YQ==", "PROOF YQ== YQ== YQ== pop3 peer more"
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct authd_ask ask;

		assert_false(authd_ask_parse(&ask, span_of(bad[i])));
		authd_check_answer(p->check, span_of(bad[i]), p->answer);
		assert_memory_equal(p->answer, "TEMP ", 5);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_who_gets_the_mail),
		TEST(every_domain_has_a_postmaster),
		TEST(lines_say_whose_it_is),
		TEST(domains_in_a_circle),
		TEST(other_delimiters),
		TEST(knows_aliases),
		TEST(checks_passwords),
		TEST(proofs),
		TEST(salts_tell_nothing),
		TEST(the_secret_is_kept),
		TEST(follows_the_file),
		TEST(a_broken_file_is_no_answer),
		TEST(this_machines_users),
		TEST(refuses_what_is_no_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
