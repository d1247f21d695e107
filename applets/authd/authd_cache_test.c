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

#include "authd/authd.h"
#include "os/clock.h"

struct place {
	char dir[40], path[64];
	struct conf conf;
	struct loop *loop;
	struct authd_cache *cache;
};

/* The file as it was so many seconds ago. */
static void write_db(struct place *p, const char *text, int age)
{
	struct timespec times[2] = { { clock_now() - age, 0 },
		{ clock_now() - age, 0 } };
	int fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->dir, "/tmp/authd_cache.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/users.db", p->dir);
	p->conf.state_dir = p->dir;
	p->conf.auth_cache = 1;
	p->loop = loop_new(NULL);
	p->cache = authd_cache_new(p->loop, &p->conf);
	assert_non_null(p->cache);
	write_db(p, "one", 10);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	authd_cache_free(p->cache);
	loop_free(p->loop);
	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
	free(p);
	return 0;
}

static struct authd_ask plain(const char *name, const char *password)
{
	struct authd_ask ask = { .verb = AUTHD_PLAIN, .service = "pop3" };

	strcpy(ask.name, name);
	strcpy(ask.password, password);
	return ask;
}

static const char *get(struct place *p, const char *name, const char *password,
		struct authd_cache_key *key)
{
	struct authd_ask ask = plain(name, password);

	return authd_cache_get(p->cache, &ask, key);
}

static void put(struct place *p, const char *name, const char *password,
		const char *answer)
{
	struct authd_cache_key key;

	get(p, name, password, &key);
	authd_cache_put(p->cache, &key, span_of(answer));
}

static void knows_what_was_right(void **state)
{
	struct place *p = *state;
	struct authd_cache_key key;
	struct authd_ask ask;

	assert_null(get(p, "alice", "x", &key));
	put(p, "alice", "x", "OK 1");
	put(p, "bob", "x", "OK 2");
	assert_string_equal(get(p, "alice", "x", &key), "OK 1");
	assert_string_equal(get(p, "bob", "x", &key), "OK 2");
	assert_null(get(p, "alice", "y", &key));
	assert_null(get(p, "alicex", "", &key));
	assert_null(get(p, "Alice", "x", &key));
	/* another service, another question */
	ask = plain("alice", "x");
	strcpy(ask.service, "smtp");
	assert_null(authd_cache_get(p->cache, &ask, &key));
	ask = plain("alice", "x");
	ask.verb = AUTHD_LOOKUP;
	assert_null(authd_cache_get(p->cache, &ask, &key));
	ask = plain("alice", "x");
	ask.nobody = true;
	assert_null(authd_cache_get(p->cache, &ask, &key));
	/* a new answer takes the old one's place */
	put(p, "alice", "x", "OK 3");
	assert_string_equal(get(p, "alice", "x", &key), "OK 3");
	p->conf.auth_cache = 0;
	assert_null(get(p, "alice", "x", &key));
}

static void a_change_counts_at_once(void **state)
{
	struct place *p = *state;
	struct authd_cache_key key;

	put(p, "alice", "x", "OK 1");
	write_db(p, "two", 9);		/* the same size */
	assert_null(get(p, "alice", "x", &key));
	put(p, "alice", "x", "OK 2");
	assert_non_null(get(p, "alice", "x", &key));
	unlink(p->path);
	assert_null(get(p, "alice", "x", &key));
	/* it changed while it was asked about: the answer is of before */
	write_db(p, "three", 9);
	get(p, "alice", "x", &key);
	write_db(p, "four", 8);
	authd_cache_put(p->cache, &key, SPAN("OK 4"));
	assert_null(get(p, "alice", "x", &key));
	/* another change within this second could not be seen */
	write_db(p, "five", 0);
	put(p, "alice", "x", "OK 5");
	assert_null(get(p, "alice", "x", &key));
	write_db(p, "six", -1000);
	put(p, "alice", "x", "OK 6");
	assert_null(get(p, "alice", "x", &key));
}

struct end {
	struct loop_timer timer;
	struct loop *loop;
};

static void stop(struct loop_timer *t)
{
	loop_stop(container_of(t, struct end, timer)->loop, 0);
}

static void nothing_is_kept_for_long(void **state)
{
	struct place *p = *state;
	struct end end = { { .fire = stop }, p->loop };
	struct authd_cache_key key;

	put(p, "alice", "x", "OK 1");
	assert_non_null(get(p, "alice", "x", &key));
	loop_timer_set(p->loop, &end.timer, 1050);
	loop_run(p->loop);
	assert_null(get(p, "alice", "x", &key));
}

static void many(void **state)
{
	struct place *p = *state;
	struct authd_cache_key key;
	char name[20];
	int kept = 0;

	p->conf.auth_cache = 60;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		put(p, name, "x", name);
		assert_string_equal(get(p, name, "x", &key), name);
	}
	for (int i = 0; i < 1000; i++) {
		const char *known;

		snprintf(name, sizeof(name), "u%d", i);
		known = get(p, name, "x", &key);
		kept += known != NULL;
		assert_true(!known || strcmp(known, name) == 0);
	}
	assert_true(kept > 0 && kept <= 128);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(knows_what_was_right),
		TEST(a_change_counts_at_once),
		TEST(nothing_is_kept_for_long),
		TEST(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
