#include "mail/save.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mime/addr.h"
#include "mime/header.h"
#include "mail/box.h"
#include "os/clock.h"
#include "os/file.h"

/* A message on its way into a file: its header is held until it is whole. */
struct copy {
	int fd;
	bool want_header;
	bool in_body;
	struct str head;
	struct mail_amount *amount;
	struct err *err;
	bool failed;
};

static bool put_out(struct copy *c, struct span piece)
{
	for (size_t i = 0; i < piece.n; i++)
		c->amount->lines += piece.p[i] == '\n';
	c->amount->octets += piece.n;
	if (file_write(c->fd, piece.p, piece.n) == 0)
		return true;
	err_errno(c->err, "writing");
	c->failed = true;
	return false;
}

/* Fields that belong to the mailbox it lay in, not to the message. */
static bool is_mailbox_field(struct span name)
{
	static const char *const names[] = {
		"Status", "X-Status", "X-Keywords", "X-UID", "Content-Length"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

/* The header is whole: writes what is wanted of it, and what is behind it. */
static bool end_header(struct copy *c)
{
	struct span rest = str_span(&c->head);
	struct header_field f;
	bool ok = true;

	c->in_body = true;
	while (ok && header_next(&rest, &f))
		if (c->want_header && !is_mailbox_field(f.name))
			ok = put_out(c, f.whole);
	if (ok && c->want_header)
		ok = put_out(c, SPAN("\n"));
	return ok && put_out(c, rest);
}

static bool on_piece(void *arg, struct span piece)
{
	struct copy *c = arg;
	size_t from = c->head.n > 2 ? c->head.n - 2 : 0;

	if (c->in_body)
		return put_out(c, piece);
	str_add(&c->head, piece);
	if (c->head.bad) {		/* no header is that long */
		c->head.bad = false;
		return end_header(c) && put_out(c, piece);
	}
	return !mail_box_header_end(str_span(&c->head), from) || end_header(c);
}

static int copy_to(struct mailbox *box, unsigned n, struct copy *c)
{
	int rc;

	str_init(&c->head, MAIL_HEADER_MOST);
	rc = mailbox_read(box, n, on_piece, c, c->err);
	if (rc == 0 && !c->failed && !c->in_body)
		end_header(c);
	str_free(&c->head);
	return rc < 0 || c->failed ? -1 : 0;
}

int mail_save_body(struct mailbox *box, unsigned n, int fd,
		struct mail_amount *amount, struct err *err)
{
	struct copy c = { .fd = fd, .amount = amount, .err = err };

	return copy_to(box, n, &c);
}

/* The flags as an mbox keeps them (Status:), and as deliver gives them on. */
static void status_field(struct str *out, unsigned flags)
{
	if (flags & (MAILBOX_SEEN | MAILBOX_OLD))
		str_addf(out, "Status: %sO\n", flags & MAILBOX_SEEN ? "R" : "");
	if (flags & (MAILBOX_ANSWERED | MAILBOX_FLAGGED))
		str_addf(out, "X-Status: %s%s\n",
				flags & MAILBOX_ANSWERED ? "A" : "",
				flags & MAILBOX_FLAGGED ? "F" : "");
}

static bool first_bytes(void *arg, struct span piece)
{
	struct str *out = arg;

	str_add(out, span_sub(piece, 0, out->cap - out->n));
	return out->n < out->cap;
}

/* Who sent it, for the From_ line of an mbox. */
static void sender_of(struct mailbox *box, unsigned n, struct str *out)
{
	struct str head;

	str_init(&head, 16384);
	if (mailbox_read(box, n, first_bytes, &head, NULL) == 0)
		mail_box_sender(str_span(&head), out);
	str_free(&head);
}

static bool is_folder(const char *path)
{
	struct stat st;
	size_t n = strlen(path);

	return (n && path[n - 1] == '/') ||
			(stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int append(struct mailbox *box, unsigned n, const char *path,
		bool flush, int fd, struct mail_amount *amount, struct err *err)
{
	const struct mailbox_message *msg = mailbox_message(box, n);
	struct mailbox_add add = { .fd = fd, .flush = flush };
	struct str from, head;
	bool found = false;
	int rc;

	if (!msg)
		return err_set(err, ERR_PERM, "%u: no such message", n);
	str_init(&from, ADDR_MAX);
	str_init(&head, 64);
	sender_of(box, n, &from);
	if (!is_folder(path))
		status_field(&head, msg->flags);
	add.from = from.bad ? "" : str_c(&from);
	add.when = msg->arrived ? msg->arrived : clock_now();
	add.head = str_span(&head);
	add.length = (int64_t)amount->octets;
	rc = mailbox_append(AT_FDCWD, path, is_folder(path), &add, &found, err);
	str_free(&from);
	str_free(&head);
	return rc;
}

int mail_save_copy(struct mailbox *box, unsigned n, const char *path,
		bool flush, struct mail_amount *amount, struct err *err)
{
	struct mail_amount one = { 0, 0 };
	struct copy c = { .want_header = true, .amount = &one, .err = err };
	int rc = -1;

	c.fd = mail_temp(err);
	if (c.fd < 0)
		return -1;
	if (copy_to(box, n, &c) == 0)
		rc = append(box, n, path, flush, c.fd, &one, err);
	close(c.fd);
	amount->lines += one.lines;
	amount->octets += one.octets;
	return rc;
}
