/* LMTP as a session sees it: users are looked up, a message is staged. */
#include <string.h>

#include "config.h"
#include "deliver/deliver.h"
#include "mime/alias.h"
#include "os/file.h"
#include "os/log.h"

/* -- who gets it -- */

void deliver_mail(struct smtp_session *s)
{
	struct deliver_session *x = s->owner;

	if (x->deliver->daemon.stopping)
		smtp_server_refuse(s, 421, "4.3.2", "Service shutting down");
	else
		smtp_server_ok(s, NULL);
}

/* NULL: no memory. With SIZE= the sender need not send what does not fit. */
static void take(struct deliver_session *x, struct delivery *d)
{
	static const struct deliver_reply too_many = {
		452, "4.5.3", "Too many recipients"
	};
	const struct deliver_reply *no = d ? NULL : &too_many;
	struct smtp_session *s = x->smtp;

	if (CFG_DELIVER_QUOTA && d && !s->spool_again && !delivery_is_asked(d))
		no = quota_check(d, s->declared_size);
	if (no) {
		smtp_server_refuse(s, no->code, no->enhanced, no->text);
		return;
	}
	d->rcpt->data = d;
	smtp_server_ok(s, NULL);
}

static void lookup_failed(struct smtp_session *s)
{
	smtp_server_refuse(s, 451, "4.3.0", "Users cannot be looked up");
}

static void on_lookup(void *arg, enum auth_status status,
		const struct auth_user *user)
{
	struct deliver_session *x = arg;
	struct smtp_session *s = x->smtp;

	x->request = NULL;
	if (status == AUTH_TEMP) {
		lookup_failed(s);
	} else if (status == AUTH_NO
			|| (user->kind == AUTH_SYSTEM
				&& !s->conf->system_users)) {
		smtp_server_refuse(s, 550, "5.1.1", "No such user");
	} else if (user->kind == AUTH_ALIAS) {
		/* queue looks it up anew (RFC 5321 3.4) */
		smtp_server_refuse(s, 551, "5.1.6",
				"An alias, which has no mailbox");
	} else {
		take(x, delivery_new(x, x->asked, user));
	}
}

/* A command or file of an alias, whose name alone the helper looks up. */
static void take_alias(struct deliver_session *x, struct smtp_rcpt *r)
{
	struct auth_user user = { .kind = AUTH_ALIAS };
	struct smtp_session *s = x->smtp;

	if (!x->deliver->system || str_copys(user.name, sizeof(user.name),
				r->address) < 0) {
		smtp_server_refuse(s, 550, "5.1.1", "No such alias");
		return;
	}
	memcpy(user.mailbox, user.name, sizeof(user.name));
	take(x, delivery_new(x, r, &user));
}

void deliver_rcpt(struct smtp_session *s, struct smtp_rcpt *r)
{
	struct deliver_session *x = s->owner;

	/* queue alone says whose commands are to run */
	if (CFG_DELIVER_ALIASES && s->policy->spool_param
			&& alias_is_target(span_of(r->address))) {
		take_alias(x, r);
		return;
	}
	x->asked = r;
	x->request = auth_lookup(x->deliver->auth, span_of(r->address),
			on_lookup, x);
	if (!x->request)
		lookup_failed(s);
}

/* -- the message comes in -- */

/* Who will soon ask for a flush is waited for, a moment. */
static void expect(struct deliver_session *x, bool coming)
{
	if (x->coming != coming)
		sync_expect(x->deliver->sync, coming ? 1 : -1);
	x->coming = coming;
}

/* The head goes before the body where the file will be just one user's. */
static int begin(struct deliver_session *x, struct err *err)
{
	struct smtp_session *s = x->smtp;
	const struct delivery *d = s->rcpts->data;
	char head[DELIVER_HEAD_SIZE];
	struct span text;

	if (file_free_space(x->deliver->mail_dir) <
			(int64_t)(s->conf->min_free_space + s->declared_size))
		return err_set(err, ERR_NOMEM, "not enough room in mail-dir");
	if (stage_open(&x->stage, x->deliver->staging, err) < 0)
		return -1;
	expect(x, true);
	if (s->nrcpt > 1 || d->kind != AUTH_VIRTUAL || delivery_decides(d))
		return 0;
	text = delivery_head(head, d);
	x->stage.head = text.n;
	return stage_write(&x->stage, text, err);
}

static void refuse(struct deliver_session *x, const struct err *err)
{
	log_error("%s", err->text);
	smtp_server_refuse(x->smtp, err_smtp(err->kind),
			err_enhanced(err->kind), "The message cannot be stored");
}

void deliver_data(struct smtp_session *s)
{
	struct err err;

	if (begin(s->owner, &err) < 0)
		refuse(s->owner, &err);
	else
		smtp_server_ok(s, NULL);
}

int deliver_piece(struct smtp_session *s, struct span piece, struct err *err)
{
	struct deliver_session *x = s->owner;

	return stage_write(&x->stage, piece, err);
}

/* -- the message goes out: one answer for each recipient -- */

/*
 * All deliveries are begun before any is awaited: they share the flush. The
 * last answer ends the transaction and frees them, so `next` is read before.
 */
void deliver_message(struct smtp_session *s)
{
	struct deliver_session *x = s->owner;
	struct smtp_rcpt *r, *next;
	struct err err;

	expect(x, false);
	if (stage_flush(&x->stage, &err) < 0) {
		refuse(x, &err);
		return;
	}
	for (r = s->rcpts; r; r = r->next) {
		struct delivery *d = r->data;

		list_add_tail(&x->pending, &d->link);
	}
	for (r = s->rcpts; r; r = next) {
		next = r->next;
		delivery_begin(r->data);
	}
}

/* -- the end -- */

/* What is in a mailbox already stays: the sender will find it there. */
void deliver_let_go(struct deliver_session *x)
{
	if (x->request)
		auth_cancel(x->request);
	x->request = NULL;
	loop_timer_stop(x->deliver->daemon.loop, &x->leave);
	while (!list_empty(&x->pending)) {
		struct delivery *d = container_of(x->pending.next,
				struct delivery, link);

		list_del(&d->link);
		if (d->job)
			system_cancel(d->job);
		else if (d->request.name)
			sync_cancel(&d->request);
	}
	expect(x, false);
	stage_drop(&x->stage, x->deliver->staging);
}

static void on_leaving(struct loop_timer *t)
{
	struct deliver_session *x = container_of(t, struct deliver_session,
			leave);

	smtp_server_end(x->smtp, "Service shutting down");
}

void deliver_reset(struct smtp_session *s)
{
	struct deliver_session *x = s->owner;

	deliver_let_go(x);
	if (!x->deliver->daemon.stopping)
		return;
	x->leave.fire = on_leaving;
	loop_timer_set(x->deliver->daemon.loop, &x->leave, 0);
}
