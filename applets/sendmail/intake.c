#include "mime/header.h"
#include "os/file.h"
#include "sendmail/sendmail.h"
#include "store/out.h"

struct intake {
	struct sendmail_message *m;
	struct str head;		/* the header section, while in it */
	size_t line;			/* in head: its last line */
	bool in_header;
	bool line_start;		/* the next octet begins a line */
	bool cr;			/* a CR was seen and not yet written */
	bool dot;			/* likewise a dot that begins a line */
	bool dot_ends, done;
	struct out out;
	struct err *err;
	bool failed;
};

/* The header section is complete: what belongs to the body is in `rest`. */
static void begin_body(struct intake *t, size_t header, struct span rest)
{
	struct str made;

	t->in_header = false;
	str_init(&made, 4 * OUTGOING_HEADER_MOST);
	outgoing_header(&t->m->out, span_make(t->head.p, header), &made);
	if (made.bad) {
		t->failed = true;
		err_set(t->err, ERR_NOMEM, "no memory for the header section");
	}
	out_add(&t->out, str_span(&made));
	out_add(&t->out, SPAN("\n"));
	out_add(&t->out, rest);
	str_free(&made);
}

static bool is_field(struct span line)
{
	struct header_field f;

	return header_next(&line, &f);
}

/* What stands between the messages of an mbox, once quoted or not. */
static bool is_separator(struct span line)
{
	while (line.n && line.p[0] == '>')
		line = span_rest(line, 1);
	return span_starts(line, "From ");
}

/* A line of the header section has come: is it still one? */
static void header_line(struct intake *t)
{
	struct span line = span_sub(str_span(&t->head), t->line, t->head.n);
	bool folded = t->line && (line.p[0] == ' ' || line.p[0] == '\t');

	if (folded || is_field(line)) {
		t->line = t->head.n;
	} else if (!t->line && is_separator(line)) {
		str_clear(&t->head);
	} else {
		bool blank = span_eq(line, SPAN("\n"));

		begin_body(t, t->line, blank ? span_sub(line, 1, 0) : line);
	}
}

static void put(struct intake *t, char c)
{
	if (!t->in_header) {
		out_add(&t->out, span_make(&c, 1));
		return;
	}
	str_addc(&t->head, c);
	if (t->head.bad && !t->failed) {
		t->failed = t->m->bad = true;
		err_set(t->err, ERR_PERM, "header section over %d bytes",
				OUTGOING_HEADER_MOST);
	}
	if (c == '\n' && !t->head.bad)
		header_line(t);
}

/* c with LF line ends; a line of one dot may end it all. */
static void put_dotted(struct intake *t, char c)
{
	if (t->dot) {
		t->dot = false;
		if (c == '\n') {
			t->done = t->line_start = true;
			return;
		}
		put(t, '.');
	} else if (t->line_start && c == '.' && t->dot_ends) {
		t->dot = true;
		t->line_start = false;
		return;
	}
	t->line_start = c == '\n';
	put(t, c);
}

/*
 * CRLF and LF end a line. So does a CR alone, which programs write that draw
 * progress bars: no mail may hold it (RFC 5321 2.3.8).
 */
static void take(struct intake *t, char c)
{
	bool cr = t->cr;

	t->cr = c == '\r';
	if (cr && c != '\n')
		put_dotted(t, '\n');
	if (c != '\r' && !t->done)
		put_dotted(t, c);
}

static void finish(struct intake *t)
{
	if (t->cr && !t->done)
		put_dotted(t, '\n');
	/* a last line of one dot without its end */
	if (t->dot)
		t->line_start = true;
	if (!t->line_start)
		put(t, '\n');
	if (t->in_header && !t->failed)
		begin_body(t, t->head.n, SPAN(""));
}

static int read_all(struct intake *t, int in)
{
	char piece[4096];
	ssize_t n;

	while (!t->done && !t->failed &&
			(n = file_get(in, piece, sizeof(piece))) != 0) {
		if (n < 0)
			return err_errno(t->err, "reading the message");
		for (ssize_t i = 0; i < n; i++)
			take(t, piece[i]);
	}
	finish(t);
	return t->failed ? -1 : 0;
}

int sendmail_intake(struct sendmail_message *m, int in, bool dot_ends,
		struct err *err)
{
	struct intake t = {
		.m = m, .in_header = true, .line_start = true,
		.dot_ends = dot_ends, .err = err
	};
	int rc;

	m->fd = file_temporary(err);
	if (m->fd < 0 || out_open(&t.out, m->fd, OUT_SIZE, err) < 0)
		return -1;
	str_init(&t.head, OUTGOING_HEADER_MOST);
	rc = read_all(&t, in);
	if (out_close(&t.out) < 0 && rc == 0)
		rc = err_errno(err, "writing to the temporary file");
	m->size = t.out.written;
	str_free(&t.head);
	return rc;
}
