/* The first message of a new set-up, and where it is. */
#include "mailconf/setup.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/date.h"
#include "base/json.h"
#include "config.h"
#include "os/clock.h"
#include "os/rand.h"
#include "os/text.h"

#define TURNS 50		/* looks at the queue */
#define TURN_US 100000

struct test {
	const struct setup *s;
	char sender[SETUP_VALUE], rcpt[SETUP_VALUE], id[17];
	int64_t begun;
};

static const char *first_user(const struct setup *s, char out[SETUP_VALUE])
{
	struct span rest = span_of(s->value[SETUP_USERS]);

	str_copy(out, SETUP_VALUE, span_word(&rest));
	return out;
}

/*
 * What the provider is to see: who has the account writes to who gets the
 * alerts, or else to himself. A server by itself: to a user of its own.
 */
static bool choose(struct test *t)
{
	const struct setup *s = t->s;
	const char *account = s->value[SETUP_ACCOUNT];
	const char *alerts = s->value[SETUP_ALERTS];
	bool out = s->kind != SETUP_DIRECT;

	if (out && strchr(account, '@'))
		str_copys(t->sender, SETUP_VALUE, account);
	else
		snprintf(t->sender, SETUP_VALUE, "root@%.400s",
				s->value[SETUP_HOST]);
	/* an alias that was there before may lead to several, or to a command */
	if (strchr(alerts, '@') && !strpbrk(alerts, " ,|:/\"") &&
			s->kind != SETUP_BOTH)
		str_copys(t->rcpt, SETUP_VALUE, alerts);
	else if (out && strchr(account, '@'))
		str_copys(t->rcpt, SETUP_VALUE, account);
	else
		first_user(s, t->rcpt);
	return *t->rcpt;
}

/* A file with the message, or -1. */
static int compose(struct test *t, struct err *err)
{
	char date[DATE_SIZE];
	struct str text;
	int fd;

	rand_word(t->id, sizeof(t->id) - 1);
	t->id[sizeof(t->id) - 1] = '\0';
	date_mail(date, clock_now(), date_offset(clock_now()));
	str_init(&text, 8192);
	str_addf(&text, "From: <%s>\nTo: <%s>\nSubject: Test from %s\n",
			t->sender, t->rcpt, t->s->value[SETUP_HOST]);
	if (clock_plausible())
		str_addf(&text, "Date: %s\n", date);
	str_addf(&text, "Message-ID: <%s.setup@%s>\nMIME-Version: 1.0\n"
			"Content-Type: text/plain; charset=utf-8\n"
			"Auto-Submitted: auto-generated\n\n"
			"This is the test message of mailconf --setup on %s.\n"
			"When you read it, mail from there arrives.\n",
			t->id, t->s->value[SETUP_HOST],
			t->s->value[SETUP_HOST]);
	fd = self_file(str_span(&text), err);
	str_free(&text);
	return fd;
}

/* The last line of what a program says, less its name and the address. */
static struct span last_words(const struct test *t, struct span text,
		const char *program)
{
	text = span_trim(text);
	text = span_rest(text, span_rfind(text, '\n') == text.n ? 0 :
			span_rfind(text, '\n') + 1);
	if (span_starts(text, program))
		text = span_rest(text, strlen(program) + 2);
	if (span_starts(text, t->rcpt))
		text = span_rest(text, strlen(t->rcpt) + 2);
	return text;
}

/* Runs argv with the message; what it says is put into said. */
static int hand(struct test *t, const char *const argv[], struct str *said)
{
	struct err err;
	int fd = compose(t, &err), rc;
	struct str out;
	struct span text;

	str_init(&out, 16384);
	rc = fd < 0 ? -1 : self_run(argv, fd, t->s->console.signals, &out,
			&err);
	if (fd >= 0)
		close(fd);
	text = rc == -1 ? span_of(err.text) : str_span(&out);
	str_add(said, last_words(t, text, argv[0]));
	str_free(&out);
	return rc;
}

/* -- by the queue -- */

/* Is a message of ours in this line of mailq -j? Its reason, if there is one. */
static bool find_reason(const struct test *t, struct span line,
		struct str *reason)
{
	unsigned long long created = 0;
	char sender[SETUP_VALUE], text[512];
	struct span value;

	if (json_find(line, "created", &value) != JSON_NUMBER ||
			!json_number(value, INT64_MAX, &created) ||
			(int64_t)created + 1 < t->begun ||
			json_find(line, "sender", &value) != JSON_STRING ||
			json_text(sender, sizeof(sender), value) < 0 ||
			strcmp(sender, t->sender) != 0)
		return false;
	for (struct json j = { .state = 0 }; value.p; value.p = NULL) {
		bool key = false;
		enum json_event event;

		json_start(&j, line);
		while ((event = json_next(&j, &value)) > JSON_END) {
			if (key && event == JSON_STRING && json_text(text,
						sizeof(text), value) == 0)
				str_adds(reason, text);
			key = event == JSON_KEY && span_is(value, "reason");
		}
	}
	return true;
}

/* 1: it is in the queue; 0: it is not; -1: no queue answers. */
static int look(const struct test *t, struct str *reason)
{
	const char *const argv[] = { "mailq", "-C", t->s->path, "-j", NULL };
	struct str out;
	struct span rest;
	int found = 0;

	str_init(&out, SETUP_FILE_MOST);
	str_clear(reason);
	if (self_run(argv, -1, t->s->console.signals, &out, NULL) != 0)
		found = -1;
	rest = str_span(&out);
	while (found == 0 && rest.n)
		found = find_reason(t, span_cut(&rest, '\n'), reason);
	str_free(&out);
	return found;
}

static int tell_where(struct test *t)
{
	const struct console *c = &t->s->console;
	struct str reason;
	int found;

	str_init(&reason, 4096);
	found = look(t, &reason);
	for (int i = 0; found > 0 && !reason.n && i < TURNS; i++) {
		usleep(TURN_US);
		found = look(t, &reason);
	}
	if (found < 0)
		console_say(c, 2, T("The test message for %s waits in the "
					"spool: the daemons do not run yet."),
				t->rcpt);
	else if (found == 0)
		console_say(c, 2, T("The test message for %s has left the "
					"queue: it was delivered, unless a "
					"report comes back."), t->rcpt);
	else
		console_say(c, 2, reason.n ? T("The test message for %s is "
					"queued: %s") : T("The test message "
					"for %s is queued; mailq shows it."),
				t->rcpt, str_c(&reason));
	str_free(&reason);
	return EX_OK;
}

static int send_by_queue(struct test *t)
{
	const char *const argv[] = { "sendmail", "-C", t->s->path, "-f",
		t->sender, "--", t->rcpt, NULL };
	struct str said;
	int rc;

	t->begun = clock_now();
	str_init(&said, 16384);
	rc = hand(t, argv, &said);
	if (rc == EX_OK)
		rc = tell_where(t);
	else if (rc > 0)
		console_say(&t->s->console, 2, T("The test message for %s was "
					"not taken: %s"), t->rcpt,
				str_c(&said));
	str_free(&said);
	return rc < 0 ? EX_OSERR : rc;
}

/* -- to the provider: its own words are worth more than a place in a queue -- */

static int send_to_provider(struct test *t)
{
	const char *const argv[] = { "smtp", "-v", "-C", t->s->path, "-f",
		t->sender, "--", t->rcpt, NULL };
	const struct console *c = &t->s->console;
	struct str said;
	int rc;

	str_init(&said, 16384);
	rc = hand(t, argv, &said);
	if (rc == EX_OK)
		console_say(c, 2, T("The test message is delivered to the "
					"provider: %s"), str_c(&said));
	else if (rc == EX_TEMPFAIL)
		console_say(c, 2, T("The provider does not take the test "
					"message now: %s"), str_c(&said));
	else if (rc >= 0 || rc == -1)
		console_say(c, 2, T("The test message is refused: %s"),
				str_c(&said));
	str_free(&said);
	if (rc == EX_TEMPFAIL && CFG_QUEUE)
		return send_by_queue(t);
	return rc < 0 ? EX_OSERR : rc;
}

int setup_send(struct setup *s)
{
	struct test t = { .s = s };

	if (!choose(&t))
		return EX_OK;
	return s->kind == SETUP_DIRECT ? send_by_queue(&t) :
		send_to_provider(&t);
}
