/*
 * What a user's mailbox may hold. A Maildir is counted by its maildirsize, as
 * Dovecot and Courier do it, an mbox is as large as its file.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/date.h"
#include "base/str.h"
#include "deliver/deliver.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"
#include "store/maildir.h"

#define WARNING_MOST 2000

struct maildir_quota quota_of(const struct conf *conf,
		const struct auth_user *user)
{
	uint64_t most = user->quota ? user->quota : conf->mailbox_quota;

	return (struct maildir_quota){
		.size_limit = most == AUTH_QUOTA_UNLIMITED ? 0 : most,
		.count_limit = user->quota_messages
	};
}

/* -- is there room? -- */

static int ask_mbox(int dir, const char *name, struct maildir_quota *q,
		uint64_t more)
{
	struct stat st;

	q->size = 0;
	if (q->size_limit && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		q->size = (uint64_t)st.st_size;
	return q->size_limit && (q->size >= q->size_limit
			|| more > q->size_limit - q->size) ? 1 : 0;
}

bool quota_has_room(int dir, bool maildir, const char *name,
		struct maildir_quota *q, uint64_t more)
{
	struct err err;
	int rc;

	/* a limit that was taken away may stand in maildirsize for ever */
	if (!q->size_limit && !q->count_limit)
		return true;
	rc = maildir ? maildir_quota_ask(dir, name, q, more, &err) :
		ask_mbox(dir, name, q, more);
	if (rc < 0)
		log_warn("%s: %s", name, err.text);
	return rc <= 0;
}

static bool has_room(struct delivery *d, uint64_t more)
{
	const struct deliver *m = d->session->deliver;
	bool maildir = d->kind == AUTH_VIRTUAL;

	return d->kind == AUTH_ALIAS || quota_has_room(maildir ? m->mail_dir :
			m->mbox_dir, maildir, d->mailbox, &d->quota, more);
}

const struct deliver_reply *quota_check(struct delivery *d, uint64_t more)
{
	static const struct deliver_reply
		later = { 452, "4.2.2", "Mailbox full" },
		full = { 552, "5.2.2", "Mailbox full" },
		never = { 552, "5.2.3",
			"The message is larger than the mailbox may be" };
	const struct maildir_quota *q = &d->quota;

	if (has_room(d, more))
		return NULL;
	log_warn("to=<%s> mailbox=%s: full: %" PRIu64 " of %" PRIu64
			" octets, %" PRIu64 " of %" PRIu64 " messages",
			d->rcpt->address, d->mailbox, q->size, q->size_limit,
			q->count, q->count_limit);
	if (q->size_limit && more > q->size_limit)
		return &never;
	return d->session->smtp->conf->quota_defer ? &later : &full;
}

/* -- the warning -- */

/* Of one limit; 0: there is none. */
static unsigned percent(uint64_t used, uint64_t limit)
{
	if (!limit || used >= limit)
		return limit ? 100 : 0;
	return (unsigned)(limit < UINT64_MAX / 100 ? used * 100 / limit :
			used / (limit / 100));
}

static unsigned fill_of(const struct maildir_quota *q, uint64_t size,
		uint64_t count)
{
	unsigned by_size = percent(q->size + size, q->size_limit);
	unsigned by_count = percent(q->count + count, q->count_limit);

	return by_size > by_count ? by_size : by_count;
}

static void compose(struct str *out, const struct delivery *d, unsigned full)
{
	const char *host = d->session->smtp->conf->hostname;
	const char *to = d->rcpt->address;
	int64_t now = clock_now();
	char date[DATE_SIZE], word[17];

	date_mail(date, now, date_offset(now));
	rand_word(word, sizeof(word) - 1);
	str_addf(out, "Return-Path: <>\n"
		"Delivered-To: %s\n"
		"Date: %s\n"
		"From: Mail system <postmaster@%s>\n"
		"To: <%s>\n"
		"Subject: Your mailbox is %u%% full\n"
		"Message-ID: <%s@%s>\n"
		"Auto-Submitted: auto-generated\n"
		"MIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: 8bit\n"
		"\n"
		"The mailbox of %s is %u%% full.\n"
		"\n"
		"When nothing more goes in, new mail %s who sent it.\n"
		"Please fetch and delete what is no longer needed.\n",
		to, date, host, to, full, word, host, to, full,
		d->session->smtp->conf->quota_defer ?
			"has to wait, and after some days\ngoes back to" :
			"goes back at once to");
}

static void system_told(void *arg, const struct system_end *end)
{
	(void)arg;
	if (end->err)
		log_warn("quota warning: %s", end->err->text);
}

static void warn_system(const struct delivery *d, struct span text)
{
	const struct deliver *m = d->session->deliver;
	/* no octets follow the head: any descriptor that stays will do */
	const struct system_mail mail = {
		.user = d->name, .address = d->rcpt->address, .sender = "",
		.when = clock_now(),
		.head = text, .fd = m->staging
	};

	if (!system_append(m->system, &mail, system_told, NULL))
		log_warn("quota warning: no memory");
}

/* A later flush is soon enough for it. */
static void warn_virtual(const struct delivery *d, struct span text)
{
	const struct deliver *m = d->session->deliver;
	const struct mailbox_add add = {
		.from = "", .when = clock_now(), .head = text, .fd = m->staging
	};
	char name[MAILDIR_NAME_SIZE];
	struct err err;
	bool before;

	if (maildir_place(m->mail_dir, d->mailbox, &add, NULL, name, &before,
				&err) < 0)
		log_warn("quota warning: %s", err.text);
	else
		maildir_quota_add(m->mail_dir, d->mailbox, (int64_t)text.n, 1);
}

static void send_warning(const struct delivery *d, unsigned full)
{
	struct str text;

	str_init(&text, WARNING_MOST);
	compose(&text, d, full);
	if (text.bad)
		log_warn("quota warning: no memory");
	else if (d->kind == AUTH_VIRTUAL)
		warn_virtual(d, str_span(&text));
	else
		warn_system(d, str_span(&text));
	str_free(&text);
}

void quota_count(const struct delivery *d, uint64_t size)
{
	const struct deliver *m = d->session->deliver;
	unsigned warn = d->session->smtp->conf->quota_warning;
	unsigned before = fill_of(&d->quota, 0, 0);
	unsigned now = fill_of(&d->quota, size, 1);

	if (d->kind == AUTH_VIRTUAL)
		maildir_quota_add(m->mail_dir, d->mailbox, (int64_t)size, 1);
	/* the message that crosses the line is the only one that does */
	if (warn && before < warn && now >= warn) {
		log_info("mailbox=%s: %u%% full", d->mailbox, now);
		send_warning(d, now);
	}
}
