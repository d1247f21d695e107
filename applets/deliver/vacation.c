/*
 * vacation (RFC 3834): an answer for who writes while the user is away. The
 * file's first lines may be fields, an empty line behind them:
 *
 *	Subject: I am away ($SUBJECT)
 *	Address: robert@a.com, bob@old.example	others of his
 *	Days: 3					one answer in so many
 *
 * All else is the text.
 */
#include "deliver/vacation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/utf8.h"
#include "deliver/recipient.h"
#include "mime/addr.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "mime/qp.h"
#include "mime/word.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "store/submit.h"

#define TEXT_MOST 32768		/* octets of his file */
#define SUBJECT_MOST 900
#define LOCK_MS 5000
#define DAYS_MOST 365
#define DAY 86400

struct vacation {
	const struct recipient *r;
	char own[ADDR_MAX + 1];		/* his address, without detail */
	struct span more;		/* of his addresses, of a command */
	struct str text;		/* the file */
	struct span body;		/* in text */
	struct span subject, addresses;	/* likewise; empty: not given */
	unsigned long days;
};

/* -- the file -- */

static bool take_field(struct vacation *v, const struct header_field *f)
{
	if (span_is(f->name, "Subject"))
		v->subject = f->value;
	else if (span_is(f->name, "Address"))
		v->addresses = f->value;
	else if (span_is(f->name, "Days"))
		return span_number(f->value, DAYS_MOST, &v->days) && v->days;
	else
		/* what vacation(1) knows and we make ourselves */
		return span_is(f->name, "From") || span_is(f->name,
				"Precedence") || span_starts(f->name, "X-")
			|| span_is(f->name, "Content-Type");
	return true;
}

/* A text that begins with "Hello: ..." has no fields. */
static void take_fields(struct vacation *v)
{
	struct span all = str_span(&v->text), rest = all, before = all;
	struct header_field f;

	v->body = all;
	while (header_next(&rest, &f)) {
		if (!take_field(v, &f)) {
			v->body = before;
			return;
		}
		before = rest;
	}
	if (before.n != all.n)
		v->body = rest;
}

/* -- his addresses -- */

/* In whatever letters: who writes to him does not know better. */
static bool same(struct span a, struct span b)
{
	return span_caseeq(a, b) || addr_same(a, b);
}

static bool in_list(struct span list, struct span address)
{
	while (list.n) {
		struct span one = span_trim(span_cut(&list, ','));
		struct span word;

		while ((word = span_word(&one)).n)
			if (same(word, address))
				return true;
	}
	return false;
}

static bool is_own(void *arg, struct span address)
{
	const struct vacation *v = arg;
	const struct recipient *r = v->r;
	struct addr a = addr_split(address);

	if (same(address, span_of(v->own)) ||
			same(address, span_of(r->m->address)) ||
			in_list(v->addresses, address) ||
			in_list(v->more, address))
		return true;
	/* an account is one in all of our domains */
	return !r->m->box && span_caseeq(a.local, span_of(r->m->user)) &&
		conf_is_local(r->conf, a.domain);
}

static void find_own(struct vacation *v)
{
	const struct system_mail *m = v->r->m;
	struct addr a = addr_split(span_of(m->address));

	if (m->box)
		str_copys(v->own, sizeof(v->own), m->user);
	else
		snprintf(v->own, sizeof(v->own), "%s@%.*s", m->user,
				SPAN_ARG(a.domain.n ? a.domain : span_of(
					v->r->conf->domains ?
					v->r->conf->domains->text :
					v->r->conf->hostname)));
}

/* -- the answer -- */

/* $SUBJECT is theirs; RFC 3834 3.1.5 has "Auto: " before it. */
static void put_subject(const struct vacation *v, struct str *out)
{
	struct span mine = v->subject.n ? v->subject : SPAN("Auto: $SUBJECT");
	struct str theirs, raw, all, encoded;
	struct header_field f;
	const char *at;

	str_init(&theirs, SUBJECT_MOST);
	str_init(&raw, SUBJECT_MOST);
	str_init(&all, 2 * SUBJECT_MOST);
	str_init(&encoded, 8 * SUBJECT_MOST);
	if (header_find(str_span(&v->r->head), "Subject", &f)) {
		header_unfold(&raw, f.value);
		word_decode(&theirs, str_span(&raw));
	}
	/* what cannot be repeated as it is, is not */
	if (theirs.bad || !utf8_clean(str_span(&theirs)))
		str_clear(&theirs);
	str_clear(&raw);
	header_unfold(&raw, mine);
	at = strstr(str_c(&raw), "$SUBJECT");
	if (at) {
		str_add(&all, span_sub(str_span(&raw), 0,
					(size_t)(at - raw.p)));
		str_add(&all, str_span(&theirs));
		str_adds(&all, at + sizeof("$SUBJECT") - 1);
	} else {
		str_add(&all, str_span(&raw));
	}
	if (!utf8_clean(str_span(&all)))
		str_clear(&all);
	word_encode(&encoded, str_span(&all));
	header_put(out, "Subject", str_span(&encoded));
	str_free(&theirs);
	str_free(&raw);
	str_free(&all);
	str_free(&encoded);
}

/* RFC 3834 3.1.6 */
static void put_references(const struct vacation *v, struct str *out)
{
	struct span header = str_span(&v->r->head);
	struct header_field f;
	struct str text;

	str_init(&text, 8192);
	if (header_find(header, "Message-ID", &f)) {
		header_unfold(&text, f.value);
		if (!text.bad && utf8_ascii(str_span(&text)))
			header_put(out, "In-Reply-To", str_span(&text));
	}
	str_clear(&text);
	compose_references(&text, header);
	if (!text.bad && text.n && utf8_ascii(str_span(&text)))
		header_put(out, "References", str_span(&text));
	str_free(&text);
}

static void put_header(const struct vacation *v, struct str *out)
{
	int64_t now = clock_now();
	char date[DATE_SIZE];
	struct str text;

	str_init(&text, 2048);
	compose_author(&text, v->r->m->box ? SPAN("") :
			span_of(v->r->user.full_name), v->own);
	header_put(out, "From", str_span(&text));
	header_put(out, "To", span_of(v->r->m->sender));
	put_subject(v, out);
	date_mail(date, now, date_offset(now));
	header_put(out, "Date", span_of(date));
	str_clear(&text);
	compose_message_id(&text, v->r->conf->hostname);
	header_put(out, "Message-ID", str_span(&text));
	str_free(&text);
	put_references(v, out);
	str_adds(out, "Auto-Submitted: auto-replied\n");
}

static void put_body(const struct vacation *v, struct str *out)
{
	unsigned look = compose_look(v->body);
	/* no relay on the way has to know 8BITMIME */
	enum compose_encoding encoding = compose_text(out, look ?
			look | COMPOSE_HARD : 0);

	str_addc(out, '\n');
	if (encoding == COMPOSE_QP)
		qp_encode(out, v->body);
	else
		str_add(out, v->body);
	if (out->n && out->p[out->n - 1] != '\n')
		str_adds(out, encoding == COMPOSE_QP ? "=\n" : "\n");
}

/* RFC 3834 4: to the envelope's sender, from nobody. */
static int send_it(const struct vacation *v, struct err *err)
{
	const char *rcpt = v->r->m->sender;
	struct str out;
	int fd = -1, rc;

	str_init(&out, 4 * TEXT_MOST + 65536);
	put_header(v, &out);
	put_body(v, &out);
	rc = out.bad ? err_nomem(err) : (fd = file_temporary(err)) < 0 ? -1 : 0;
	if (rc == 0 && file_write(fd, out.p, out.n) < 0)
		rc = err_errno(err, "temporary file");
	if (rc == 0)
		rc = submit_message(v->r->conf, "", &rcpt, 1, fd, 0, out.n,
				NULL, err);
	if (fd >= 0)
		close(fd);
	str_free(&out);
	return rc;
}

/* -- who was answered -- */

static int open_seen(const struct recipient *r, struct err *err)
{
	char path[600];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->folder, r->m->box ?
			"vacation.seen" : ".vacation.seen");
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);
	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
			st.st_uid == geteuid() && file_lock(fd, LOCK_MS) == 0)
		return fd;
	close(fd);
	return err_set(err, ERR_TEMP, "%s: not his own file, or locked", path);
}

static int answer_once(const struct vacation *v, struct err *err)
{
	const char *sender = v->r->m->sender;
	int64_t now = clock_now(), at;
	int fd = open_seen(v->r, err), rc = 0;

	if (fd < 0)
		return -1;
	at = vacation_seen(fd, sender, now - (int64_t)v->days * DAY, now, err);
	if (at < 0 && err->kind != ERR_NONE)
		rc = -1;
	if (at >= 0)
		rc = send_it(v, err);
	if (at >= 0 && rc == 0) {
		log_info("%s: <%s> was told that he is away", v->r->m->user,
				sender);
		rc = vacation_note(fd, at, sender, now, err);
	}
	close(fd);
	return rc;
}

static void answer(struct vacation *v)
{
	const struct recipient *r = v->r;
	const char *why;
	struct err err;

	take_fields(v);
	find_own(v);
	why = !clock_plausible() ? "nobody knows what time it is" :
		vacation_why_not(str_span(&r->head), r->m->sender, is_own, v);
	if (why)
		log_info("%s: no answer to <%s>: %s", r->m->user, r->m->sender,
				why);
	else if (answer_once(v, &err) < 0)
		log_warn("%s: no answer to <%s>: %s", r->m->user, r->m->sender,
				err.text);
}

void vacation_answer(const struct recipient *r, const char *file,
		struct span more)
{
	struct vacation v = { .r = r, .more = more, .days = VACATION_DAYS };
	struct err err;
	int rc;

	str_init(&v.text, TEXT_MOST);
	rc = recipient_file(r, file, &v.text, &err);
	if (rc < 0)
		log_warn("%s: %s", r->m->user, err.text);
	if (rc > 0)
		answer(&v);
	str_free(&v.text);
}
