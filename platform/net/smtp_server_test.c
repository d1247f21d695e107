#include "net/smtp_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "config.h"
#include "net/smtp_server_private.h"

/* A server at one end of a socketpair, and what its policy saw. */
struct rig {
	struct loop *loop;
	struct conf conf;
	struct smtp_policy policy;
	struct smtp_session *s;		/* NULL: closed */
	int fd;				/* the client's end */
	struct str message;
	bool later;			/* the test answers */
	bool end_in_mail;		/* the policy throws the client out */
	int pieces_left;		/* -1: no limit; 0: the next one fails */
	unsigned resets, messages, asked;
};

static struct rig *rig_of(struct smtp_session *s)
{
	return s->owner;
}

static void answer(struct smtp_session *s)
{
	rig_of(s)->asked++;
	if (!rig_of(s)->later)
		smtp_server_ok(s, NULL);
}

static void on_auth(struct smtp_session *s, const struct sasl *sasl)
{
	struct auth_user alice = { .name = "alice@a.com", .scram = "AAAA" };

	rig_of(s)->asked++;
	if (rig_of(s)->later)
		return;
	if (sasl->question != SASL_ASK_PASSWORD && !sasl->wrong)
		smtp_server_auth_ok(s, &alice);
	else if (!strcmp(sasl->user, "alice") &&
	    !strcmp(sasl->password, "secret"))
		smtp_server_ok(s, NULL);
	else
		smtp_server_refuse(s, 535, "5.7.8", "No");
}

static void on_mail(struct smtp_session *s)
{
	if (rig_of(s)->end_in_mail)
		smtp_server_end(s, "Go away");
	else
		answer(s);
}

static void on_rcpt(struct smtp_session *s, struct smtp_rcpt *r)
{
	if (span_starts(span_of(r->address), "no"))
		smtp_server_refuse(s, 550, "5.1.1", "User unknown");
	else
		answer(s);
}

static int on_piece(struct smtp_session *s, struct span piece, struct err *err)
{
	struct rig *r = rig_of(s);

	if (r->pieces_left == 0)
		return err_set(err, ERR_NOMEM, "disk full");
	if (r->pieces_left > 0)
		r->pieces_left--;
	str_add(&r->message, piece);
	return 0;
}

static void on_message(struct smtp_session *s)
{
	rig_of(s)->messages++;
	answer(s);
}

static void on_reset(struct smtp_session *s)
{
	rig_of(s)->resets++;
}

static void on_closed(struct smtp_session *s)
{
	rig_of(s)->s = NULL;
}

static const struct smtp_policy policy = {
	.auth = true, .auth_plain_ok = true, .banner = "ESMTP Test",
	.auth_check = on_auth, .mail = on_mail, .rcpt = on_rcpt,
	.data = answer, .piece = on_piece, .message = on_message,
	.reset = on_reset, .closed = on_closed
};

static void start(struct rig *r)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	r->fd = fds[1];
	r->s = smtp_server_new(conn_new(r->loop, fds[0], NULL, NULL), &r->conf,
			NULL, false, &r->policy, r);
	assert_non_null(r->s);
}

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct err err;

	r->loop = loop_new(&err);
	r->policy = policy;
	r->pieces_left = -1;
	str_init(&r->message, 1 << 20);
	r->conf = (struct conf){
		.hostname = "mail.a.test", .max_message_size = 100000,
		.max_recipients = 10, .max_errors = 5, .command_timeout = 60,
		.data_timeout = 60, .session_memory = 16384
	};
	*state = r;
	return r->loop ? 0 : -1;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	if (r->fd > 0)
		close(r->fd);
	for (int i = 0; i < 5; i++)
		loop_turn(r->loop, 0);
	if (r->s)
		smtp_server_end(r->s, "over");
	for (int i = 0; i < 5; i++)
		loop_turn(r->loop, 0);
	loop_free(r->loop);
	str_free(&r->message);
	free(r);
	return 0;
}

static void turns(struct rig *r)
{
	for (int i = 0; i < 8; i++)
		loop_turn(r->loop, 0);
}

static void say(struct rig *r, const char *text)
{
	assert_int_equal(send(r->fd, text, strlen(text), MSG_NOSIGNAL),
			(int)strlen(text));
	turns(r);
}

/* The replies since the last time: "250 ... 550 ..." codes only. */
static const char *codes(struct rig *r)
{
	static char out[1000];
	char text[8192];
	ssize_t n;
	size_t at = 0;
	struct span rest;

	turns(r);
	n = recv(r->fd, text, sizeof(text), MSG_DONTWAIT);
	rest = span_make(text, n > 0 ? (size_t)n : 0);
	out[0] = '\0';
	while (rest.n) {
		struct span line = span_cut(&rest, '\n');

		if (line.n > 3 && line.p[3] == ' ')
			at += (size_t)snprintf(out + at, sizeof(out) - at,
					"%s%.3s", at ? " " : "", line.p);
	}
	return out;
}

static void test_message(void **state)
{
	struct rig *r = *state;

	start(r);
	assert_string_equal(codes(r), "220");
	say(r, "EHLO c\r\nMAIL FROM:<x@Y.Example>\r\nRCPT TO:<a@B.c>\r\n"
			"RCPT TO:<nobody@b.c>\r\nRCPT TO:<a@b.c>\r\n");
	assert_string_equal(codes(r), "250 250 250 550 250");
	assert_string_equal(r->s->sender, "x@y.example");
	assert_true(span_eq(r->s->sender_addr.domain, SPAN("y.example")));
	assert_int_equal(r->s->nrcpt, 1);
	assert_string_equal(r->s->rcpts->address, "a@b.c");
	say(r, "DATA\r\nSubject: x\r\n\r\n..a\r\n.\r\nQUIT\r\n");
	assert_string_equal(codes(r), "354 250 221");
	assert_string_equal(str_c(&r->message), "Subject: x\r\n\r\n.a\r\n");
	assert_int_equal(r->resets, 1);
	assert_null(r->s);
}

static void test_utf8(void **state)
{
	struct rig *r = *state;

	r->policy.utf8 = true;
	r->conf.max_errors = 100;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<b\xc3\xbc@b.c>\r\n"
			"MAIL FROM:<b\xc3\xbc@b.c> SMTPUTF8=1\r\n"
			"MAIL FROM:<b\xc3\xbc@b.c> SMTPUTF8=\r\n"
			"MAIL FROM:<b\xfc@b.c> SMTPUTF8\r\n"
			"MAIL FROM:<b\xc3\xbc@b\xc3\xbc.C> smtputf8\r\n");
	assert_string_equal(codes(r), "220 250 550 501 501 501 250");
	assert_true(r->s->utf8);
	assert_string_equal(r->s->sender, "b\xc3\xbc@b\xc3\xbc.c");
	say(r, "RCPT TO:<x@b\xc3\xbc.c>\r\nRCPT TO:<x@XN--B-eha.c>\r\n");
	assert_string_equal(codes(r), "250 250");
	assert_int_equal(r->s->nrcpt, 1);	/* twice the same */
	say(r, "RSET\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<b\xc3\xbc@b.c>\r\n");
	assert_string_equal(codes(r), "250 250 553");
	assert_false(r->s->utf8);
}

/* A build or a service without it: as ever. */
static void test_no_utf8(void **state)
{
	struct rig *r = *state;

	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<b\xc3\xbc@b.c>\r\n"
			"MAIL FROM:<b\xc3\xbc@b.c> SMTPUTF8\r\n"
			"MAIL FROM:<a@b.c> SMTPUTF8\r\n");
	assert_string_equal(codes(r), "220 250 501 501 555");
}

static void test_bytewise(void **state)
{
	static const char all[] = "EHLO c\r\nMAIL FROM:<>\r\n"
		"RCPT TO:<a@b.c>\r\nDATA\r\n..a\r\n.\r.\r\n.\r\nNOOP\r\n";
	struct rig *r = *state;

	start(r);
	codes(r);
	for (size_t i = 0; i < sizeof(all) - 1; i++) {
		assert_int_equal(send(r->fd, all + i, 1, 0), 1);
		loop_turn(r->loop, 0);
	}
	assert_string_equal(codes(r), "250 250 250 354 550 250");
	assert_true(span_starts(str_span(&r->message), ".a\r\n"));
	assert_int_equal(r->messages, 0);	/* the bare CR */
}

/* Whatever comes while the policy thinks waits, and is answered in order. */
static void test_later(void **state)
{
	struct rig *r = *state;

	r->later = true;
	start(r);
	codes(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n");
	assert_string_equal(codes(r), "250");
	assert_int_equal(r->asked, 1);
	smtp_server_ok(r->s, "sender");
	assert_string_equal(codes(r), "250");
	smtp_server_refuse(r->s, 451, "4.3.0", "later");
	assert_string_equal(codes(r), "451 503");
	say(r, "RCPT TO:<a@b.c>\r\n");
	smtp_server_ok(r->s, NULL);
	say(r, "DATA\r\n");
	smtp_server_ok(r->s, NULL);
	assert_string_equal(codes(r), "250 354");
	say(r, "x\r\n.\r\nNOOP\r\n");
	assert_string_equal(codes(r), "");
	smtp_server_ok(r->s, NULL);
	assert_string_equal(codes(r), "250 250");
	/* nothing is asked: nothing is answered */
	smtp_server_ok(r->s, NULL);
	smtp_server_refuse(r->s, 550, "5.0.0", "x");
	assert_string_equal(codes(r), "");
}

static void test_gone_while_held(void **state)
{
	struct rig *r = *state;

	r->later = true;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\n");
	assert_int_equal(r->asked, 1);
	close(r->fd);
	r->fd = -1;
	turns(r);
	if (r->s)
		smtp_server_ok(r->s, NULL);
	turns(r);
	assert_null(r->s);
	assert_int_equal(r->resets, 1);
}

static void test_ended_while_held(void **state)
{
	struct rig *r = *state;

	r->later = true;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\n");
	codes(r);
	smtp_server_end(r->s, "Service shutting down");
	assert_null(r->s);
	assert_int_equal(r->resets, 1);
	assert_string_equal(codes(r), "421");
}

static void test_ended_by_policy(void **state)
{
	struct rig *r = *state;

	r->end_in_mail = true;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\nNOOP\r\n");
	assert_string_equal(codes(r), "220 250 421");
	assert_null(r->s);
}

static void test_piece_fails(void **state)
{
	struct rig *r = *state;

	r->pieces_left = 1;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\nDATA\r\nx\r\n");
	say(r, "y\r\n");
	say(r, "z\r\n.\r\nMAIL FROM:<>\r\n");
	assert_string_equal(codes(r), "220 250 250 250 354 452 250");
	assert_int_equal(r->messages, 0);
	assert_int_equal(r->resets, 1);
}

static void test_session_memory(void **state)
{
	struct rig *r = *state;
	char line[300], name[200];

	r->conf.max_recipients = 10000;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<x@y.example>\r\n");
	codes(r);
	memset(name, 'd', sizeof(name));
	name[60] = name[120] = '.';
	name[180] = '\0';
	for (int i = 0; i < 200; i++) {
		snprintf(line, sizeof(line), "RCPT TO:<u%d@%s>\r\n", i, name);
		say(r, line);
		if (!strcmp(codes(r), "452"))
			break;
		assert_true(i < 199);
	}
	assert_in_range(r->s->nrcpt, 30, 100);
	/* what was taken is good */
	say(r, "DATA\r\nx\r\n.\r\n");
	assert_string_equal(codes(r), "354 250");
}

static void test_auth(void **state)
{
	struct rig *r = *state;

	r->policy.auth_required = true;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<>\r\nAUTH PLAIN AGFsaWNlAHdyb25n\r\n");
	assert_string_equal(codes(r), "220 250 530 535");
	assert_null(r->s->auth_user);
	say(r, "AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\nMAIL FROM:<>\r\n");
	assert_string_equal(codes(r), "334 334 235 250");
	assert_string_equal(r->s->auth_user, "alice");
}

/* The client's last message, with the nonce that the server has given. */
static void say_final(struct rig *r)
{
	char text[500], first[300];
	struct span rest = span_make(text, 0);
	struct str final, line;

	turns(r);
	rest.n = (size_t)recv(r->fd, text, sizeof(text), MSG_DONTWAIT);
	assert_memory_equal(text, "334 ", 4);
	rest = span_trim(span_rest(rest, 4));
	rest = span_make(first, (size_t)base64_get(first, sizeof(first),
			rest));
	str_init(&final, 300);
	str_init(&line, 500);
	str_adds(&final, "c=biws,");
	str_add(&final, span_cut(&rest, ','));
	str_adds(&final, ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
	base64_put(&line, str_span(&final));
	str_adds(&line, "\r\n");
	say(r, line.p);
	str_free(&final);
	str_free(&line);
}

static void test_scram(void **state)
{
	/* n,,n=alice,r=abc */
	static const char first[] = "AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPWFiYw=="
		"\r\n";
	struct rig *r = *state;

	if (!CFG_SASL_SCRAM)
		skip();
	start(r);
	say(r, "EHLO c\r\nAUTH SCRAM-SHA-256\r\nbiwsbj1hbGljZSxyPWFiYw==\r\n");
	say(r, "*\r\n");
	assert_string_equal(codes(r), "220 250 334 334 501");
	say(r, "AUTH SCRAM-SHA-256 bixuPWFsaWNlLHI9YWJj\r\n");
	say(r, "AUTH SCRAM-SHA-256-PLUS biwsbj1hbGljZSxyPWFiYw==\r\n");
	assert_string_equal(codes(r), "501 504");
	say(r, first);
	assert_string_equal(codes(r), "334");
	/* c=biws,r=abc,p=...: another nonce */
	say(r, "Yz1iaXdzLHI9YWJjLHA9QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"
			"QUFBQUFBQUFBQUFBQT0=\r\n");
	assert_string_equal(codes(r), "535");
	assert_null(r->s->auth_user);
	say(r, first);
	say_final(r);
	assert_string_equal(codes(r), "334");
	assert_null(r->s->auth_user);
	say(r, "*\r\nMAIL FROM:<a@b.c>\r\nRSET\r\n");
	assert_string_equal(codes(r), "501 250 250");
	assert_null(r->s->auth_user);
	say(r, first);
	say_final(r);
	say(r, "\r\n");
	assert_string_equal(codes(r), "334 235");
	assert_string_equal(r->s->auth_user, "alice@a.com");
}

static void test_gone_in_auth(void **state)
{
	struct rig *r = *state;

	r->later = true;
	start(r);
	say(r, "EHLO c\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n");
	assert_int_equal(r->asked, 1);
	smtp_server_end(r->s, "over");
	assert_null(r->s);
	assert_int_equal(r->resets, 0);	/* there was no transaction */
}

static void test_errors(void **state)
{
	struct rig *r = *state;

	start(r);
	say(r, "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\nNOOP\r\n");
	assert_string_equal(codes(r), "220 500 500 500 500 500 500 421");
	assert_null(r->s);
}

/* A refused recipient is no wrong command, and a message clears the count. */
static void test_errors_forgotten(void **state)
{
	struct rig *r = *state;

	start(r);
	say(r, "EHLO c\r\nA\r\nB\r\nC\r\nD\r\nMAIL FROM:<>\r\n"
			"RCPT TO:<no1@b.c>\r\nRCPT TO:<no2@b.c>\r\n"
			"RCPT TO:<a@b.c>\r\nDATA\r\n.\r\nE\r\nF\r\nG\r\nNOOP\r\n");
	assert_string_equal(codes(r), "220 250 500 500 500 500 250 550 550 "
			"250 354 250 500 500 500 250");
}

static bool on_wrong(struct smtp_session *s, unsigned errors, bool last)
{
	struct rig *r = rig_of(s);

	/* the last one is the end: holding means nothing any more */
	assert_int_equal(last, errors > s->conf->max_errors);
	r->asked = errors;
	return true;
}

/* The policy holds the dialogue after each error, also of a pipeline. */
static void test_errors_held(void **state)
{
	struct rig *r = *state;

	r->policy.wrong = on_wrong;
	start(r);
	say(r, "EHLO c\r\nA\r\nMAIL FROM:<>\r\nRCPT TO:<no1@b.c>\r\nNOOP\r\n"
			"QUIT\r\n");
	assert_string_equal(codes(r), "220 250 500");
	assert_int_equal(r->asked, 1);
	smtp_server_go(r->s);
	assert_string_equal(codes(r), "250 550");
	assert_int_equal(r->asked, 2);
	smtp_server_go(r->s);
	assert_string_equal(codes(r), "250 221");
	assert_null(r->s);
	close(r->fd);
	start(r);
	say(r, "A\r\nB\r\nC\r\nD\r\nE\r\nF\r\nG\r\n");
	for (unsigned i = 1; i < 6; i++) {
		assert_int_equal(r->asked, i);
		smtp_server_go(r->s);
		turns(r);
	}
	assert_int_equal(r->asked, 6);
	assert_null(r->s);
	assert_string_equal(codes(r), "220 500 500 500 500 500 500 421");
	/* the end while it is held */
	close(r->fd);
	start(r);
	say(r, "A\r\n");
	smtp_server_end(r->s, "over");
	assert_string_equal(codes(r), "220 500 421");
}

/* -- LMTP -- */

static void lmtp(struct rig *r)
{
	r->policy.lmtp = r->policy.spool_param = true;
	r->policy.auth = false;
	start(r);
}

static void test_lmtp(void **state)
{
	struct rig *r = *state;
	struct smtp_rcpt *a, *b, *c;

	lmtp(r);
	say(r, "EHLO c\r\nHELO c\r\nLHLO c\r\nMAIL FROM:<> XSPOOL=1ab,again\r\n"
			"DATA\r\nRCPT TO:<a@b.c>\r\nRCPT TO:<no@b.c>\r\n"
			"RCPT TO:<a@b.c>\r\nRCPT TO:<d@b.c>\r\nDATA\r\n");
	assert_string_equal(codes(r), "220 500 500 250 250 503 250 550 250 250 "
			"354");
	assert_string_equal(r->s->spool_id, "1ab");
	assert_true(r->s->spool_again);
	assert_int_equal(r->s->nrcpt, 3);
	a = r->s->rcpts;
	b = a->next;
	c = b->next;
	r->later = true;
	say(r, "x\r\n.\r\nNOOP\r\n");
	assert_string_equal(codes(r), "");
	smtp_server_answer_rcpt(r->s, c, 452, "4.2.2", "full");
	smtp_server_answer_rcpt(r->s, b, 550, "5.2.0", "no");
	assert_string_equal(codes(r), "");
	smtp_server_answer_rcpt(r->s, a, 250, "2.1.5", "done");
	assert_string_equal(codes(r), "250 550 452 250");
	assert_int_equal(r->resets, 1);
}

static void test_lmtp_none(void **state)
{
	struct rig *r = *state;

	lmtp(r);
	say(r, "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<no@b.c>\r\nDATA\r\n");
	assert_string_equal(codes(r), "220 250 250 550 503");
}

static void test_lmtp_refused(void **state)
{
	struct rig *r = *state;

	r->conf.max_message_size = 3;
	lmtp(r);
	say(r, "LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@b.c>\r\n"
			"RCPT TO:<b@b.c>\r\nDATA\r\nxx\r\n.\r\nNOOP\r\n");
	assert_string_equal(codes(r), "220 250 250 250 250 354 552 552 250");
	assert_int_equal(r->messages, 0);
}

static void test_spool_param(void **state)
{
	struct rig *r = *state;

	lmtp(r);
	say(r, "LHLO c\r\nMAIL FROM:<> XSPOOL=\r\nMAIL FROM:<> XSPOOL=a/b\r\n"
			"MAIL FROM:<> XSPOOL=a,b\r\n"
			"MAIL FROM:<> XSPOOL=aaaaaaaaaabbbbbbbbbbcccc\r\n"
			"MAIL FROM:<> XSPOOL=aaaaaaaaaabbbbbbbbbbccc\r\n");
	assert_string_equal(codes(r), "220 250 501 501 501 501 250");
	assert_false(r->s->spool_again);
}

/* -- RFC 3461 -- */

static void test_dsn(void **state)
{
	struct rig *r = *state;

	r->policy.dsn = true;
	r->conf.max_errors = 100;
	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<a@b.c> RET=ALL\r\n"
			"MAIL FROM:<a@b.c> RET\r\n"
			"MAIL FROM:<a@b.c> RET=FULL RET=FULL\r\n"
			"MAIL FROM:<a@b.c> ENVID=a=b\r\n"
			"MAIL FROM:<a@b.c> NOTIFY=NEVER\r\n"
			"MAIL FROM:<a@b.c> envid=x+2By BODY=7BIT ret=full\r\n");
	assert_string_equal(codes(r), "220 250 501 501 501 501 555 250");
	assert_string_equal(r->s->dsn, "ENVID=x+2By RET=full");
	say(r, "RCPT TO:<a@b.c> NOTIFY=NEVER,DELAY\r\n"
			"RCPT TO:<a@b.c> ORCPT=rfc822\r\n"
			"RCPT TO:<a@b.c> RET=FULL\r\n"
			"RCPT TO:<a@b.c> ORCPT=rfc822;X@y NOTIFY=SUCCESS\r\n"
			"RCPT TO:<b@b.c>\r\n");
	assert_string_equal(codes(r), "501 501 555 250 250");
	assert_string_equal(r->s->rcpts->dsn,
			"ORCPT=rfc822;X@y NOTIFY=SUCCESS");
	assert_null(r->s->rcpts->next->dsn);
	say(r, "RSET\r\nMAIL FROM:<a@b.c>\r\n");
	assert_string_equal(codes(r), "250 250");
	assert_null(r->s->dsn);
}

static void test_dsn_unknown(void **state)
{
	struct rig *r = *state;

	start(r);
	say(r, "EHLO c\r\nMAIL FROM:<a@b.c> RET=FULL\r\nMAIL FROM:<a@b.c>\r\n"
			"RCPT TO:<a@b.c> NOTIFY=NEVER\r\n");
	assert_string_equal(codes(r), "220 250 555 250 555");
}

/* -- parts -- */

static unsigned hops(const char *text)
{
	struct smtp_hops h = { .line_empty = true };

	for (; *text; text++)
		smtp_hops_feed(&h, span_make(text, 1));
	return h.count;
}

static void test_hops(void **state)
{
	(void)state;
	assert_int_equal(hops("Received: a\r\n\tReceived: b\r\n"
				"RECEIVED:c\r\nX-Received: d\r\nReceived\r\n"
				"Received-SPF: e\r\n\r\nReceived: body\r\n"), 2);
	assert_int_equal(hops("\r\nReceived: a\r\n"), 0);
	assert_int_equal(hops(""), 0);
}

/* RFC 2034: every reply has a status but greeting, hello, 354 and 334. */
static void test_replies(void **state)
{
	(void)state;
	for (int i = 0; i < SMTP_REPLY_COUNT; i++) {
		struct smtp_reply_row row = smtp_reply_row(i);

		assert_in_range(row.code, 214, 555);
		assert_in_range(strlen(row.text), 2, 60);
		if (row.code == 354 || row.code == 334)
			assert_string_equal(row.enhanced, "");
		else
			assert_int_equal(row.enhanced[0] - '0',
					row.code / 100);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message),
		TEST(test_bytewise),
		TEST(test_utf8),
		TEST(test_no_utf8),
		TEST(test_later),
		TEST(test_gone_while_held),
		TEST(test_ended_while_held),
		TEST(test_ended_by_policy),
		TEST(test_piece_fails),
		TEST(test_session_memory),
		TEST(test_auth),
		TEST(test_scram),
		TEST(test_gone_in_auth),
		TEST(test_errors),
		TEST(test_errors_forgotten),
		TEST(test_errors_held),
		TEST(test_lmtp),
		TEST(test_lmtp_none),
		TEST(test_lmtp_refused),
		TEST(test_spool_param),
		TEST(test_dsn),
		TEST(test_dsn_unknown),
		cmocka_unit_test(test_hops),
		cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
