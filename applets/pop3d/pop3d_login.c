#include "pop3d/pop3d.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"

#define FAILURES_MOST 3
#define REFUSAL_MS 1000		/* at least, and at most twice that */
#define LOCKED_MS 10000		/* for a mailbox that another program keeps locked */
#define LOCKED_STEP 100

bool pop3d_login_allowed(const struct session *s)
{
	return conn_is_tls(s->conn) || s->service->plain_login;
}

bool pop3d_may_login(struct session *s)
{
	bool may = pop3d_login_allowed(s);

	if (!may)
		pop3d_error(s, s->pop3d->tls ?
				"STLS first: no passwords in plain text" :
				"no passwords in plain text here");
	return may;
}

void pop3d_no_memory(struct session *s)
{
	pop3d_reply(s, "-ERR [SYS/TEMP] out of memory");
}

void pop3d_greet(struct session *s)
{
	pop3d_reply(s, "+OK %s Pillarbox POP3 ready",
			s->pop3d->daemon.conf->hostname);
}

static void forget_user(struct session *s)
{
	free(s->user);
	s->user = NULL;
}

static bool stls_possible(const struct session *s)
{
	/* RFC 6856 2.1: behind UTF8 the client has no right to it any more */
	return s->pop3d->tls && !conn_is_tls(s->conn) && !s->mailbox
		&& !s->utf8;
}

void pop3d_capa(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d, (void)args;
	pop3d_reply(s, "+OK capabilities follow");
	conn_puts(s->conn, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
			"PIPELINING\r\nEXPIRE NEVER\r\nLOGIN-DELAY 0\r\n");
	if (pop3d_login_allowed(s))
		conn_puts(s->conn, "USER\r\n");
	if (CFG_POP3D_SASL && pop3d_login_allowed(s))
		conn_printf(s->conn, "SASL %s\r\n",
				pop3d_mechanisms(s));
	/* RFC 2449 5: in both states, though it can be said in one only */
	if (s->pop3d->tls && !conn_is_tls(s->conn))
		conn_puts(s->conn, "STLS\r\n");
	if (CFG_POP3D_UTF8)
		conn_puts(s->conn, "UTF8 USER\r\nLANG\r\n");
	conn_puts(s->conn, "IMPLEMENTATION Pillarbox\r\n.\r\n");
}

void pop3d_stls(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;
	struct err err;

	(void)d, (void)args;
	if (!stls_possible(s)) {
		pop3d_error(s, conn_is_tls(s->conn) ? "TLS is on already"
				: "no TLS here and now");
		return;
	}
	/* RFC 2595 4: what was said before is not known any more */
	forget_user(s);
	pop3d_reply(s, "+OK begin TLS");
	if (conn_starttls(s->conn, s->pop3d->tls, NULL, false, &err) == 0)
		return;
	log_error("%s: %s", conn_peer(s->conn), err.text);
	pop3d_end(s);
}

/* -- USER and PASS -- */

void pop3d_user(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d;
	if (!pop3d_may_login(s))
		return;
	forget_user(s);
	if (args.n > SASL_TEXT) {
		pop3d_error(s, "name too long");
		return;
	}
	if (CFG_POP3D_UTF8 && !utf8_valid(args)) {
		pop3d_error(s, "names are UTF-8");	/* RFC 6856 2.2 */
		return;
	}
	s->user = strndup(args.p, args.n);
	if (s->user)
		pop3d_reply(s, "+OK now PASS");
	else
		pop3d_no_memory(s);
}

/* RFC 1939 7: all blanks but the one behind PASS belong to the password. */
void pop3d_pass(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d;
	if (!pop3d_may_login(s))
		return;
	if (!s->user)
		pop3d_error(s, "USER first");
	else if (CFG_POP3D_UTF8 && !utf8_valid(args))
		pop3d_error(s, "passwords are UTF-8");
	else
		pop3d_login(s, s->user, args);
}

/* -- the answer -- */

static void try_again(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, later);

	pop3d_reply(s, "-ERR [AUTH] wrong name or password");
	if (s->failures < FAILURES_MOST) {
		dialog_go(&s->dialog);
		return;
	}
	log_info("%s: too many failures", conn_peer(s->conn));
	pop3d_end(s);
}

/* The wait is for who guesses; who cannot wait loses the connection. */
static void refuse(struct session *s)
{
	s->failures++;
	forget_user(s);
	s->later.fire = try_again;
	loop_timer_set(s->pop3d->daemon.loop, &s->later,
			REFUSAL_MS + rand_below(REFUSAL_MS));
}

static void refuse_now(struct session *s, const char *text)
{
	pop3d_reply(s, "-ERR %s", text);
	dialog_go(&s->dialog);
}

static struct mailbox *open_mailbox(struct session *s,
		const struct auth_user *user, struct err *err)
{
	const struct pop3d *p = s->pop3d;

	if (user->kind == AUTH_VIRTUAL)
		return mailbox_open(p->mail_dir, user->mailbox, true, true,
				err);
	if (p->mbox_dir >= 0)
		return mailbox_open_of(p->mbox_dir, user->mailbox, user->uid,
				true, err);
	err_set(err, ERR_PERM, "mbox-dir is not open");
	return NULL;
}

bool pop3d_again(struct session *s, void (*fire)(struct loop_timer *))
{
	int64_t now = clock_ms();

	if (!s->patience)
		s->patience = now + LOCKED_MS;
	if (now >= s->patience)
		return false;
	s->later.fire = fire;
	loop_timer_set(s->pop3d->daemon.loop, &s->later, LOCKED_STEP);
	return true;
}

static void forget_owner(struct session *s)
{
	free(s->owner);
	s->owner = NULL;
}

static void entered(struct session *s)
{
	log_info("login user=<%s> service=%s peer=%s messages=%u %s",
			s->name, s->service->name, conn_peer(s->conn),
			mailbox_count(s->mailbox), conn_tls_text(s->conn));
	s->patience = 0;
	s->locks = s->owner->kind == AUTH_SYSTEM;
	forget_owner(s);
	forget_user(s);
	loop_timer_stop(s->pop3d->daemon.loop, &s->deadline);
	conn_timeout(s->conn, POP3D_AUTOLOGOUT);
	s->dialog.state = POP3D_TRANSACTION;
	pop3d_opened(s);
	dialog_go(&s->dialog);
}

static void enter(struct loop_timer *t)
{
	struct session *s = container_of(t, struct session, later);
	struct err err;

	s->mailbox = open_mailbox(s, s->owner, &err);
	if (s->mailbox) {
		entered(s);
		return;
	}
	if (err.kind == ERR_TEMP && pop3d_again(s, enter))
		return;
	/* what is wrong is our affair, and in the log */
	log_error("mailbox of %s: %s", s->name, err.text);
	forget_owner(s);
	pop3d_unlock(s);
	s->patience = 0;
	refuse_now(s, err.kind == ERR_PERM
			? "[SYS/PERM] the mailbox cannot be opened"
			: "[SYS/TEMP] no mailbox now");
}

static void begin(struct session *s, const struct auth_user *user)
{
	free(s->name);
	s->name = strdup(user->name);
	s->owner = malloc(sizeof(*s->owner));
	if (!s->name || !s->owner) {
		forget_owner(s);
		pop3d_unlock(s);
		refuse_now(s, "[SYS/TEMP] out of memory");
		return;
	}
	*s->owner = *user;
	enter(&s->later);
}

void pop3d_answer(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct session *s = arg;

	s->asking = NULL;
	if (status == AUTH_NO)
		refuse(s);
	else if (status == AUTH_TEMP)
		refuse_now(s, "[SYS/TEMP] passwords cannot be checked now");
	else if (!pop3d_lock(s, user))
		refuse_now(s, "[IN-USE] another session has this mailbox");
	else
		begin(s, user);
}

void pop3d_login(struct session *s, const char *user, struct span password)
{
	s->asking = auth_password(s->pop3d->auth, span_of(user), password,
			s->service->name, conn_peer(s->conn), pop3d_answer, s);
	if (s->asking)
		dialog_hold(&s->dialog);
	else
		pop3d_no_memory(s);
}

void pop3d_login_forget(struct session *s)
{
	if (s->asking)
		auth_cancel(s->asking);
	loop_timer_stop(s->pop3d->daemon.loop, &s->deadline);
	loop_timer_stop(s->pop3d->daemon.loop, &s->later);
	pop3d_sasl_forget(s);
	pop3d_unlock(s);
	forget_owner(s);
	forget_user(s);
}

void pop3d_sasl_forget(struct session *s)
{
	if (!s->sasl)
		return;
	s->dialog.line = NULL;
	sasl_wipe(s->sasl);
	free(s->sasl);
	s->sasl = NULL;
}
