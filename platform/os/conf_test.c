#include "os/conf_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "config.h"
#include "os/file.h"

static void defaults(void **state)
{
	struct conf *c = parse("");
	const struct conf_listen *l = c->listen;

	(void)state;
	assert_string_equal(c->domains->text, c->hostname);
	assert_null(c->domains->next);
	assert_null(c->relay_from);
	assert_null(c->smarthosts);
	assert_null(c->routes);
	assert_null(c->nameservers);
	assert_string_equal(c->postmaster, "root");
	assert_string_equal(c->spool_dir, "/var/spool/pillarbox");
	assert_string_equal(c->tls_cert, "/var/lib/pillarbox/cert.pem");
	assert_string_equal(c->tls_key, "/var/lib/pillarbox/key.pem");
	assert_string_equal(c->user_queue, "pillarbox");
	assert_string_equal(c->user_store, "mail");
	assert_string_equal(c->user_auth, "root");
	assert_true(c->system_users);
	assert_false(c->auth_without_tls);
	assert_int_equal(c->max_message_size, 25 << 20);
	assert_int_equal(c->min_free_space, 2 << 20);
	assert_int_equal(c->max_recipients, 100);
	assert_int_equal(c->session_memory, 65536);
	assert_int_equal(c->command_timeout, 300);
	assert_int_equal(c->connect_timeout, 30);
	assert_int_equal(c->bounce_after, 5 * 86400);
	assert_int_equal(c->warn_after, 4 * 3600);
	assert_int_equal(c->scram_rounds, 4096);
	for (int i = 0; i <= CONF_POP3S; i++, l = l->next) {
		static const int ports[] = { 25, 587, 465, 110, 995 };
		const struct sockaddr_in6 *a = (const void *)&l->addr;

		assert_int_equal(l->service, i);
		assert_int_equal(a->sin6_family, AF_INET6);
		assert_int_equal(ntohs(a->sin6_port), ports[i]);
		assert_true(IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr));
		assert_int_equal(l->addr_len, sizeof(*a));
	}
	assert_null(l);
	conf_free(c);
	conf_free(NULL);
}

/* The printed defaults are a configuration that changes nothing. */
static void defaults_are_a_configuration(void **state)
{
	struct conf *bare = parse(""), *full;
	struct str text, one, two;

	(void)state;
	str_init(&text, 1 << 16);
	str_init(&one, 1 << 16);
	str_init(&two, 1 << 16);
	conf_print_defaults(&text);
	assert_false(text.bad);
	full = parse(str_c(&text));
	for (const struct conf_row *row = conf_rows(); row->name; row++) {
		if (row->kind == CONF_KIND_GROUP)
			continue;
		str_clear(&one);
		str_clear(&two);
		assert_int_equal(conf_get(bare, row->name, &one), 0);
		assert_int_equal(conf_get(full, row->name, &two), 0);
		assert_string_equal(str_c(&one), str_c(&two));
	}
	conf_free(bare);
	conf_free(full);
	str_free(&text);
	str_free(&one);
	str_free(&two);
}

/* The table is in order, and docs/configuration.md is made of it. */
static void table_and_page(void **state)
{
	struct str made, page;
	const char *about;

	(void)state;
	for (const struct conf_row *row = conf_rows(); row->name; row++) {
		if (row->kind == CONF_KIND_GROUP)
			continue;
		assert_ptr_equal(conf_row_find(span_of(row->name)), row);
		assert_non_null(conf_type(row->kind)->parse);
		/* of these two min says of what kind they are */
		if (row->kind != CONF_KIND_SERVERS && row->kind !=
				CONF_KIND_TEXT)
			assert_true(row->min <= row->max);
		if (!CFG_MAILCONF_REFERENCE)
			continue;
		about = conf_row_about(row);
		assert_true(strlen(about) > 10);
		assert_int_equal(about[strlen(about) - 1], '.');
	}
	assert_null(conf_row_find(SPAN("Limits")));
	if (!CFG_MAILCONF_REFERENCE)
		return;
	str_init(&made, 1 << 16);
	str_init(&page, 1 << 16);
	conf_print_reference(&made);
	assert_false(made.bad);
	if (file_read(AT_FDCWD, "docs/configuration.md", &page, &err) < 0)
		fail_msg("%s (run this from the top folder)", err.text);
	/* not equal: mailconf --reference > docs/configuration.md */
	assert_string_equal(str_c(&page), str_c(&made));
	str_free(&made);
	str_free(&page);
}

static void sample(void **state)
{
	struct conf *c = conf_read("config/etc/pillarbox.conf", false, &err);

	(void)state;
	if (!c)
		fail_msg("%s", err.text);
	assert_get(c, "domain", "example.org");
	conf_free(c);
}

static void words(void **state)
{
	struct conf *c = parse("# comment\n"
			"\n"
			"  \t# another \xc3\xa4 \"\r\n"
			"\tdomain\t a.com   b.com. \tA.com #d.com\r\n"
			"domain \"c.com\"\n"
			"smarthost h \"user=a # b\" password-file=\"/a b\"\n"
			"user-auth \"ro\"ot");

	(void)state;
	assert_get(c, "domain", "a.com\nb.com\nc.com");
	assert_string_equal(c->smarthosts->user, "a # b");
	assert_get(c, "smarthost", "h:587 starttls \"user=a # b\" "
			"\"password-file=/a b\"");
	assert_get(c, "user-auth", "root");
	conf_free(c);
	assert_value("route", "\"*\" \"lmtp:unix:/a\tb\"",
			"* \"lmtp:unix:/a\tb\"");
	assert_value("mail-dir", "/a\" \"b", "/a b");
}

static void lines_are_wrong(void **state)
{
	char many[400] = "domain", longer[CONF_LINE_MOST + 100];

	(void)state;
	assert_wrong("\n# x\nfoo bar\n", ":3: unknown directive \"foo\"");
	assert_wrong("Hostname a.b", ":1: unknown directive \"Hostname\"");
	assert_wrong("Limits 1", ":1: unknown directive \"Limits\"");
	assert_wrong("\"\" x", ":1: unknown directive \"\"");
	assert_wrong("hostname", ":1: hostname: needs a value: NAME");
	assert_wrong("hostname a b", ":1: hostname: too many words; "
			"it is NAME");
	assert_wrong("hostname a\nhostname a", ":2: hostname: given twice");
	assert_wrong("hostname \"a", ":1: a \" is open at the end");
	assert_wrong("hostname a\v", ":1: control character");
	assert_wrong("hostname a\rb", ":1: control character");
	assert_null(conf_parse("x", SPAN("hostname a\0b"), &err));
	assert_string_equal(err.text, "x:1: control character");
	for (int i = 0; i < 63; i++)
		memcpy(many + 6 + 2 * i, " x", 3);
	conf_free(parse(many));
	memcpy(many + 6 + 2 * 63, " x", 3);
	assert_wrong(many, ":1: more than 64 words");
	memset(longer, ' ', sizeof(longer));
	memcpy(longer, "hostname a #", 12);
	longer[CONF_LINE_MOST - 1] = 'x';
	longer[CONF_LINE_MOST] = '\0';
	conf_free(parse(longer));
	longer[CONF_LINE_MOST] = 'x';
	longer[CONF_LINE_MOST + 1] = '\0';
	assert_wrong(longer, ":1: line too long");
}

static void certificates(void **state)
{
	struct conf *c = parse("state-dir /s/\n");

	(void)state;
	assert_string_equal(c->tls_cert, "/s/cert.pem");
	assert_string_equal(c->tls_key, "/s/key.pem");
	conf_free(c);
	c = parse("tls-key /k\ntls-cert /c\nstate-dir /s");
	assert_string_equal(c->tls_cert, "/c");
	assert_string_equal(c->tls_key, "/k");
	conf_free(c);
	assert_wrong("tls-key /k", ": tls-cert and tls-key go together");
}

static void retries(void **state)
{
	(void)state;
	conf_free(parse("retry-first 1h\nretry-most 1h"));
	assert_wrong("retry-first 3601", ": retry-first is more than "
			"retry-most");
}

static void locals(void **state)
{
	struct conf *c = parse("hostname mail.a.com\ndomain a.com b.com"
			" b\xc3\xbc" "cher.example xn--fa-hia.example");

	(void)state;
	assert_true(conf_is_local(c, SPAN("a.com")));
	assert_true(conf_is_local(c, SPAN("B.COM.")));
	assert_true(conf_is_local(c, SPAN("Mail.a.com")));
	assert_true(conf_is_local(c, SPAN("B\xc3\x9c" "CHER.example")));
	assert_true(conf_is_local(c, SPAN("XN--bcher-kva.example.")));
	assert_true(conf_is_local(c, SPAN("fa\xc3\x9f.example.")));
	assert_true(conf_is_local(c, SPAN("xn--fa-hia.example")));
	assert_false(conf_is_local(c, SPAN("b\xfc" "cher.example")));
	assert_false(conf_is_local(c, SPAN("a.com..")));
	assert_false(conf_is_local(c, SPAN("x.a.com")));
	assert_false(conf_is_local(c, SPAN("a.co")));
	assert_false(conf_is_local(c, SPAN("")));
	assert_false(conf_is_local(c, SPAN(".")));
	assert_false(conf_is_local(c, span_make(NULL, 0)));
	conf_free(c);
}

static void gets(void **state)
{
	struct conf *c = parse("");
	struct str s;

	(void)state;
	str_init(&s, 100);
	assert_int_equal(conf_get(c, "no-such", &s), -1);
	assert_int_equal(conf_get(c, "", &s), -1);
	assert_int_equal(conf_get(c, "Limits", &s), -1);
	assert_int_equal(conf_get(c, "smarthost", &s), 0);
	assert_int_equal(s.n, 0);
	str_free(&s);
	conf_free(c);
}

static void reads_files(void **state)
{
	char path[] = "/tmp/conf_test.XXXXXX";
	int fd = mkstemp(path);
	char *big = calloc(1, 300000);
	struct conf *c;

	(void)state;
	assert_true(fd >= 0 && big);
	assert_int_equal(file_write(fd, "hostname x.y\n", 13), 0);
	c = conf_read(path, false, &err);
	assert_non_null(c);
	assert_string_equal(c->hostname, "x.y");
	conf_free(c);
	memset(big, '#', 300000);
	assert_int_equal(file_write(fd, big, 300000), 0);
	assert_null(conf_read(path, false, &err));
	assert_int_equal(err.kind, ERR_NOMEM);
	close(fd);
	unlink(path);
	free(big);
	/* only the default's absence may be forgiven */
	assert_null(conf_read(path, true, &err));
	assert_non_null(strstr(err.text, "No such file"));
	if (access(CONF_FILE, F_OK) == 0)
		return;
	assert_null(conf_read(CONF_FILE, false, &err));
	c = conf_read(CONF_FILE, true, &err);
	assert_non_null(c);
	conf_free(c);
}

static void path(void **state)
{
	(void)state;
	unsetenv("PILLARBOX_CONF");
	assert_string_equal(conf_path(NULL), "/etc/pillarbox.conf");
	setenv("PILLARBOX_CONF", "", 1);
	assert_string_equal(conf_path(NULL), "/etc/pillarbox.conf");
	setenv("PILLARBOX_CONF", "/tmp/x", 1);
	assert_string_equal(conf_path(NULL), "/tmp/x");
	assert_string_equal(conf_path("y"), "y");
	unsetenv("PILLARBOX_CONF");
}

static void exits(void **state)
{
	int ends[2], status;
	char said[200];
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		conf_read_or_exit("/nowhere/x.conf");
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 78);
	n = read(ends[0], said, sizeof(said) - 1);
	assert_true(n > 0);
	said[n] = '\0';
	assert_string_equal(said,
			"/nowhere/x.conf: No such file or directory\n");
	close(ends[0]);
}

/* No beginning of a good file makes trouble; each is good or an error. */
static void every_beginning(void **state)
{
	static const char text[] = "hostname a.b\nrelay-from 10.0.0.0/8 ::1\n"
		"smarthost \"h\":465 tls user=x password-file=\"/y\" # z\n"
		"route * smtp:[h]:25\nlisten smtp [::1]:25\nmax-queue 10\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		conf_free(conf_parse("x", span_make(copy, n), &err));
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(defaults_are_a_configuration),
		cmocka_unit_test(table_and_page),
		cmocka_unit_test(sample),
		cmocka_unit_test(words),
		cmocka_unit_test(lines_are_wrong),
		cmocka_unit_test(certificates),
		cmocka_unit_test(retries),
		cmocka_unit_test(locals),
		cmocka_unit_test(gets),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(path),
		cmocka_unit_test(exits),
		cmocka_unit_test(every_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
