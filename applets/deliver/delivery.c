/* One recipient of a message: what is asked of him, where it goes, his answer. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "deliver/deliver.h"
#include "deliver/recipient.h"
#include "mime/addr.h"
#include "os/clock.h"
#include "os/log.h"
#include "store/maildir.h"

/* octets that are copied at once, for one of several recipients */
#define COPY_MOST (1024 * 1024)

/* What counts of what he has to say: the directives, and his own settings. */
static bool take_settings(struct delivery *d, const struct auth_user *user)
{
	struct smtp_session *s = d->session->smtp;
	char text[AUTH_SETTINGS_SIZE];
	const char *hook = CFG_DELIVER_COMMAND ? recipient_hook(s->conf, user,
			text) : NULL;
	struct span value;

	d->forward = s->conf->forward == CONF_WHOSE_ALL ||
		(s->conf->forward == CONF_WHOSE_SYSTEM &&
		 d->kind == AUTH_SYSTEM);
	if (auth_setting(user, "forward", &value))
		d->forward = span_is(value, "yes");
	d->hook = hook == text ? arena_dup(s->arena, span_of(hook)) : hook;
	return !hook || d->hook;
}

struct delivery *delivery_new(struct deliver_session *x,
		struct smtp_rcpt *r, const struct auth_user *user)
{
	struct arena *a = x->smtp->arena;
	struct delivery *d = arena_alloc(a, sizeof(*d));

	if (!d)
		return NULL;
	list_init(&d->link);
	d->session = x;
	d->rcpt = r;
	d->kind = user->kind;
	d->name = arena_dup(a, span_of(user->name));
	d->mailbox = arena_dup(a, span_of(user->mailbox));
	if (CFG_DELIVER_QUOTA)
		d->quota = quota_of(x->smtp->conf, user);
	if (CFG_DELIVER_RECIPIENT && !take_settings(d, user))
		return NULL;
	return d->name && d->mailbox ? d : NULL;
}

static bool has_file(const struct delivery *d, const char *name)
{
	char path[FOLDER_SIZE];

	return snprintf(path, sizeof(path), "%s/%s", d->mailbox, name) <
		(int)sizeof(path) && faccessat(d->session->deliver->mail_dir,
				path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool delivery_decides(const struct delivery *d)
{
	if (!CFG_DELIVER_RECIPIENT)
		return false;
	return d->hook || (d->forward && has_file(d, "forward")) ||
		(d->session->smtp->conf->vacation == CONF_WHOSE_ALL &&
		 has_file(d, "vacation"));
}

bool delivery_is_asked(const struct delivery *d)
{
	if (!CFG_DELIVER_RECIPIENT || d->kind != AUTH_SYSTEM)
		return d->kind == AUTH_VIRTUAL && delivery_decides(d);
	return d->hook || d->forward;
}

/* -- the head that he gets -- */

/* NAME@domain of "|NAME#N@domain". */
static void put_alias(char text[ADDR_MAX], const char *address)
{
	struct span a = span_of(address);
	size_t at = span_rfind(a, '@');
	size_t name = span_rfind(span_sub(a, 0, at), '#');

	snprintf(text, ADDR_MAX, "%.*s%.*s",
			SPAN_ARG(span_sub(a, 1, name - 1)),
			SPAN_ARG(span_rest(a, at)));
}

/* What Delivered-To says; text: room for it. */
static const char *delivered_to(const struct delivery *d, char text[ADDR_MAX])
{
	if (CFG_DELIVER_ALIASES && d->kind == AUTH_ALIAS) {
		put_alias(text, d->rcpt->address);
		return text;
	}
	return d->kind == AUTH_VIRTUAL ? d->name : d->rcpt->address;
}

struct span delivery_head(char out[DELIVER_HEAD_SIZE],
		const struct delivery *d)
{
	char text[ADDR_MAX];
	const char *to = delivered_to(d, text);

	return deliver_head(out, d->session->smtp->sender, to,
			to == text ? text : d->rcpt->address);
}

/* -- his answer -- */

/*
 * What a command says is final may be so: the text begins with an enhanced
 * status. It goes to the sender, in ASCII.
 */
static void answer_alias(struct delivery *d, const struct err *err)
{
	bool final = err->kind == ERR_PERM;
	struct span rest = span_of(err->text);
	struct span status = final ? span_word(&rest) : SPAN("4.3.0");
	char enhanced[16], text[sizeof(err->text)];
	int code = final ? 550 : 451;

	str_copy(enhanced, sizeof(enhanced), status);
	str_copy(text, sizeof(text), span_trim(rest));
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	smtp_server_answer_rcpt(d->session->smtp, d->rcpt, code, enhanced,
			text);
}

static void answer(struct delivery *d, const struct err *err)
{
	struct smtp_session *s = d->session->smtp;
	const char *id = s->spool_id ? s->spool_id : "-";

	list_del(&d->link);
	if (!err) {
		log_info("%s: to=<%s> from=<%s> size=%" PRIu64 " mailbox=%s%s",
				id, d->rcpt->address, s->sender, s->size,
				d->mailbox, d->before ? " (before)" : "");
		smtp_server_answer_rcpt(s, d->rcpt, 250, "2.1.5",
			d->before ? "Delivered before" : "Delivered");
		return;
	}
	log_error("%s: to=<%s> mailbox=%s: %s", id, d->rcpt->address,
			d->mailbox, err->text);
	if (CFG_DELIVER_ALIASES && (d->kind == AUTH_ALIAS || d->decided)) {
		answer_alias(d, err);
		return;
	}
	/* whatever is wrong with a mailbox can be put right: nothing is final */
	if (err->kind == ERR_NOMEM)
		smtp_server_answer_rcpt(s, d->rcpt, 452, "4.3.1",
				"Insufficient system storage");
	else
		smtp_server_answer_rcpt(s, d->rcpt, 451, "4.2.0",
				"The mailbox cannot be written now");
}

static void on_flushed(struct sync_request *r, int error)
{
	struct delivery *d = container_of(r, struct delivery, request);
	struct err err;

	if (error)
		err_set(&err, ERR_TEMP, "flush: %s", strerror(error));
	answer(d, error ? &err : NULL);
}

/* -- where it goes -- */

static const char *folder_of(const struct delivery *d)
{
	return d->folder ? d->folder : d->mailbox;
}

/* Whoever is alice+lists has a folder for it, or gets one (detail-folder). */
static int find_folder(struct delivery *d, struct err *err)
{
	const struct smtp_session *s = d->session->smtp;
	unsigned char how = s->conf->detail_folder;
	char folder[FOLDER_SIZE];

	if (how == CONF_FOLDERS_NO)
		return 0;
	if (folder_find(d->session->deliver->mail_dir, d->mailbox,
				folder_detail(s->conf, d->name,
					d->rcpt->address),
				how == CONF_FOLDERS_MAKE, folder, err) < 0)
		return -1;
	if (folder[0])
		d->folder = arena_dup(s->arena, span_of(folder));
	return 0;
}

static int place(struct delivery *d, char name[MAILDIR_NAME_SIZE],
		struct err *err)
{
	struct deliver_session *x = d->session;
	struct smtp_session *s = x->smtp;
	struct stage *g = &x->stage;
	struct maildir_staged staged = {
		.name = g->name, .dirfd = x->deliver->staging,
		.size = g->out.written, .lines = g->out.lines
	};
	char head[DELIVER_HEAD_SIZE], key[DELIVER_KEY_SIZE];
	struct mailbox_add add = {
		.from = s->sender, .when = clock_now(), .fd = g->out.fd,
		.length = (int64_t)g->out.written, .again = s->spool_again,
		.key = deliver_key(key, s->spool_id, d->rcpt->address)
	};

	if (!g->head)
		add.head = delivery_head(head, d);
	if (CFG_DELIVER_FOLDERS && find_folder(d, err) < 0)
		return -1;
	if (maildir_place(x->deliver->mail_dir, folder_of(d), &add,
				g->head ? &staged : NULL, name, &d->before,
				err) < 0)
		return -1;
	if (g->head && !d->before)
		g->name[0] = '\0';	/* it has moved */
	if (CFG_DELIVER_QUOTA && !d->before)
		quota_count(d, g->out.written + add.head.n);
	return 0;
}

static void to_maildir(struct delivery *d)
{
	struct deliver_session *x = d->session;
	char name[MAILDIR_NAME_SIZE];
	struct err err;

	if (place(d, name, &err) < 0) {
		answer(d, &err);
		return;
	}
	d->request.name = arena_printf(x->smtp->arena, "%s/%s",
			folder_of(d), name);
	d->request.done = on_flushed;
	if (d->request.name && strlen(d->request.name) <= SYNC_NAME_MAX) {
		sync_ask(x->deliver->sync, &d->request);
		return;
	}
	/* it is there, but without a name it cannot be made safe */
	err_set(&err, ERR_NOMEM, "session-memory is used up");
	answer(d, &err);
}

/* RFC 5321 3.4: to whom it goes, for queue, which alone is told so. */
static void answer_forward(struct delivery *d, const char *to)
{
	struct smtp_session *s = d->session->smtp;
	const char *text = arena_printf(s->arena, "%sForwarded", to);
	struct err err;

	if (!text) {
		err_set(&err, ERR_NOMEM, "session-memory is used up");
		answer(d, &err);
		return;
	}
	list_del(&d->link);
	log_info("%s: to=<%s> from=<%s> is forwarded", s->spool_id,
			d->rcpt->address, s->sender);
	smtp_server_answer_rcpt(s, d->rcpt, 551, "5.1.6", text);
}

static void answer_no(struct delivery *d, const struct deliver_reply *no)
{
	struct smtp_session *s = d->session->smtp;

	list_del(&d->link);
	log_warn("%s: to=<%s> from=<%s>: %s", s->spool_id ? s->spool_id
			: "-", d->rcpt->address, s->sender, no->text);
	smtp_server_answer_rcpt(s, d->rcpt, no->code, no->enhanced, no->text);
}

/* Its octets, without a head that was put before them. */
static int64_t body_of(const struct delivery *d)
{
	const struct stage *g = &d->session->stage;

	return (int64_t)(g->out.written - g->head);
}

static void on_appended(void *arg, const struct system_end *end)
{
	char head[DELIVER_HEAD_SIZE];
	struct delivery *d = arg;

	d->job = NULL;
	d->before = end->before;
	d->decided = end->err && end->err->kind == ERR_PERM;
	if (CFG_DELIVER_QUOTA && end->kept && d->kind != AUTH_ALIAS)
		quota_count(d, (uint64_t)body_of(d) + delivery_head(head, d).n);
	if (CFG_DELIVER_RECIPIENT && end->full)
		answer_no(d, d->full);
	else if (CFG_DELIVER_RECIPIENT && *end->forward)
		answer_forward(d, end->forward);
	else
		answer(d, end->err);
}

static bool is_pressed(const struct delivery *d)
{
	uint64_t from = d->session->smtp->conf->mailbox_gzip;

	return CFG_MAILBOX_GZIP && d->kind == AUTH_VIRTUAL && from &&
		d->session->stage.out.written >= from;
}

/* What takes its time is the helper's, as other sessions go on meanwhile. */
static bool is_slow(const struct delivery *d)
{
	const struct stage *g = &d->session->stage;

	return CFG_DELIVER_RECIPIENT && (is_pressed(d) ||
			(!g->head && g->out.written >= COPY_MOST));
}

static void to_system(struct delivery *d)
{
	struct deliver_session *x = d->session;
	char head[DELIVER_HEAD_SIZE], key[DELIVER_KEY_SIZE];
	struct system_mail m = {
		.user = d->name, .address = d->rcpt->address,
		.box = d->kind == AUTH_VIRTUAL ? d->mailbox : NULL,
		.sender = x->smtp->sender,
		.key = deliver_key(key, x->smtp->spool_id, d->rcpt->address),
		.again = x->smtp->spool_again, .full = d->full,
		.hook = d->hook, .forward = d->forward,
		.gzip = is_pressed(d), .when = clock_now(), .head = delivery_head(head, d),
		.fd = x->stage.out.fd, .start = (int64_t)x->stage.head,
		.length = body_of(d)
	};
	struct err err;

	d->job = system_append(x->deliver->system, &m, on_appended, d);
	if (d->job)
		return;
	err_set(&err, ERR_TEMP, "the helper for system users is away");
	answer(d, &err);
}

/* Why not this recipient? What an earlier try has left counts already. */
static const struct deliver_reply *objection(struct delivery *d)
{
	static const struct deliver_reply loop = {
		554, "5.4.6", "Mail loop: it was delivered to this address before"
	};
	const struct stage *g = &d->session->stage;
	char text[ADDR_MAX];

	if (deliver_loops(g->out.fd, (int64_t)g->head, delivered_to(d, text),
				d->rcpt->address))
		return &loop;
	if (CFG_DELIVER_QUOTA && !d->session->smtp->spool_again)
		d->full = quota_check(d, g->out.written);
	return delivery_is_asked(d) ? NULL : d->full;
}

void delivery_begin(struct delivery *d)
{
	const struct deliver_reply *no = objection(d);

	if (no) {
		answer_no(d, no);
	} else if (d->kind == AUTH_VIRTUAL && !delivery_decides(d) &&
			!is_slow(d)) {
		to_maildir(d);
	} else {
		to_system(d);
	}
}
