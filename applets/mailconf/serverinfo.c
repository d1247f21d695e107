/* smtp --serverinfo, and what of it counts here (docs/smtp.md). */
#include "mailconf/self.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "os/clock.h"

#define ANSWER_MOST (512 * 1024)
#define DAY 86400

/* How far a port went: of several that fail, the one that went farthest counts. */
enum far { FAR_NOT, FAR_CONNECTED, FAR_GREETED, FAR_CERT, FAR_LOGIN };

struct port {
	enum far far;
	bool login_failed;
	char error[480], cause[256], fault[128];
	char hash[SERVER_HASHES][SERVER_HASH];
	unsigned long long until, code;
};

static void take_port(struct port *p, unsigned depth, struct span key,
		enum json_event event, struct span value)
{
	static const struct {
		const char *key;
		enum far far;
	} steps[] = {
		{ "connect_ms", FAR_CONNECTED }, { "greeting", FAR_GREETED },
		{ "certificate", FAR_CERT }
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (span_is(key, steps[i].key) && event != JSON_NULL)
			p->far = steps[i].far;
	if (depth == 3 && span_is(key, "login") && event == JSON_FALSE) {
		p->login_failed = true;
		p->far = FAR_LOGIN;
	}
	if (event == JSON_NUMBER && span_is(key, "not_after"))
		json_number(value, INT64_MAX, &p->until);
	if (event == JSON_NUMBER && span_is(key, "error_code"))
		json_number(value, 999, &p->code);
	if (event != JSON_STRING)
		return;
	if (span_is(key, "error"))
		json_text(p->error, sizeof(p->error), value);
	else if (span_is(key, "cause"))
		json_text(p->cause, sizeof(p->cause), value);
	else if (span_is(key, "fault"))
		json_text(p->fault, sizeof(p->fault), value);
	else if (span_is(key, "sha256"))
		json_text(p->hash[0], SERVER_HASH, value);
	else if (span_is(key, "key_sha256"))
		json_text(p->hash[1], SERVER_HASH, value);
}

/* A line is what comes behind "smarthost ", without its user and password. */
static void take_line(struct server_view *v, struct span raw)
{
	char text[2048];
	struct span rest = span_of(text), word;
	struct str out;

	json_text(text, sizeof(text), raw);
	rest = span_of(text);
	span_word(&rest);
	str_init(&out, sizeof(v->line));
	while ((word = span_word(&rest)).n) {
		if (span_starts(word, "\"user=") ||
				span_starts(word, "user=") ||
				span_starts(word, "password-file="))
			continue;
		str_addf(&out, out.n ? " %.*s" : "%.*s", SPAN_ARG(word));
	}
	v->good = str_copy(v->line, sizeof(v->line), str_span(&out)) == 0 &&
		out.n;
	str_free(&out);
}

static void take_best(struct server_view *v, const struct port *p)
{
	v->cannot_login = p->login_failed;
	if (p->code)
		snprintf(v->error, sizeof(v->error), "%llu %s", p->code,
				p->error);
	else
		str_copys(v->error, sizeof(v->error), p->error);
	memcpy(v->cause, p->cause, sizeof(v->cause));
	memcpy(v->fault, p->fault, sizeof(v->fault));
	memcpy(v->hash, p->hash, sizeof(v->hash));
	if (p->until && (int64_t)p->until > clock_now())
		v->days = (unsigned)(((int64_t)p->until - clock_now()) / DAY);
	else if (p->until)
		v->days = 0;
}

/* Members: depth 1 of the whole, 3 of a port, 4 of a certificate. */
static int read_answer(struct span text, struct server_view *v)
{
	struct port port = { .far = FAR_NOT }, best = { .far = FAR_NOT };
	enum json_event event;
	struct span value, key = { 0 };
	bool any = false;
	struct json j;

	json_start(&j, text);
	while ((event = json_next(&j, &value)) != JSON_END) {
		if (event == JSON_BAD)
			return -1;
		if (event == JSON_KEY) {
			key = value;
		} else if (event == JSON_OBJECT_END && j.depth == 2) {
			if (!any || port.far > best.far)
				best = port;
			any = true;
			port = (struct port){ .far = FAR_NOT };
		} else if (j.depth >= 3 || (event == JSON_OBJECT &&
					j.depth == 4)) {
			take_port(&port, j.depth, key, event, value);
		} else if (j.depth == 1 && event == JSON_STRING) {
			if (span_is(key, "smarthost"))
				take_line(v, value);
			else
				take_port(&best, 1, key, event, value);
		}
	}
	take_best(v, &best);
	return 0;
}

int server_look(const struct server_question *q, struct server_view *v,
		struct err *err)
{
	const char *argv[16];
	struct str out;
	int n = 0, rc;

	*v = (struct server_view){ .days = UINT_MAX };
	argv[n++] = "smtp";
	argv[n++] = "--serverinfo";
	argv[n++] = "-C";
	argv[n++] = q->conf;
	argv[n++] = "--domain";
	argv[n++] = q->domain;
	if (q->mode) {
		argv[n++] = "--tls";
		argv[n++] = q->mode;
	}
	if (q->no_verify)
		argv[n++] = "--noverify";
	if (q->user) {
		argv[n++] = "-u";
		argv[n++] = q->user;
		argv[n++] = "-p";
		argv[n++] = SELF_FD_0;
	}
	argv[n++] = "--";
	argv[n++] = q->where;
	argv[n] = NULL;
	str_init(&out, ANSWER_MOST);
	if (q->user)
		lseek(q->secret, 0, SEEK_SET);
	rc = self_run(argv, q->user ? q->secret : -1, q->signals, &out, err);
	if (rc >= 0 && read_answer(str_span(&out), v) < 0)
		rc = err_set(err, ERR_TEMP, "%.*s", SPAN_ARG(span_trim(
						str_span(&out))));
	str_free(&out);
	return rc < 0 ? rc : 0;
}
