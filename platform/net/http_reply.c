#include "net/http_reply.h"

#include <string.h>

enum {
	STATUS_LINE, FIELD, BY_LENGTH, BY_CLOSE, CHUNK_SIZE, CHUNK,
	CHUNK_END, TRAILER, WHOLE
};

void http_reply_start(struct http_reply_in *in, size_t most)
{
	memset(in, 0, sizeof(*in));
	in->head_left = HTTP_HEAD_MOST;
	str_init_secret(&in->body, most);
}

void http_reply_free(struct http_reply_in *in)
{
	str_wipe(&in->body);
	explicit_bzero(in, sizeof(*in));
}

static int no_http(struct err *err, const char *what)
{
	return err_set(err, ERR_PROTO, "not a reply of HTTP: %s", what);
}

/* -- the head -- */

/* "HTTP/1.1 200 OK", of which the words may be missing (RFC 9112 4) */
static int take_status(struct http_reply_in *in, struct span line,
		struct err *err)
{
	struct span version = span_cut(&line, ' ');
	struct span code = span_cut(&line, ' ');
	unsigned long status;

	if (version.n != 8 || memcmp(version.p, "HTTP/1.", 7) != 0
			|| !ascii_isdigit(version.p[7]) || code.n != 3
			|| !span_number(code, 599, &status) || status < 100)
		return no_http(err, "no status line");
	if (status == 101)
		return no_http(err, "101 that nobody asked for");
	in->old = version.p[7] == '0';
	in->status = (unsigned)status;
	in->state = FIELD;
	return 0;
}

/* RFC 9110 8.6: the same number twice is one */
static int take_length(struct http_reply_in *in, struct span value,
		struct err *err)
{
	unsigned long long n;

	do {
		if (!span_number64(span_trim(span_cut(&value, ',')),
					INT64_MAX, &n)
				|| (in->sized && n != in->left))
			return no_http(err, "Content-Length");
		in->sized = true;
		in->left = n;
	} while (value.n);
	return 0;
}

static int take_coding(struct http_reply_in *in, struct span value,
		struct err *err)
{
	/* RFC 9112 6.1: of 1.0 it is faulty framing; twice is no framing */
	if (in->old || in->chunked || !span_is(value, "chunked"))
		return no_http(err, "Transfer-Encoding");
	in->chunked = true;
	return 0;
}

static int take_content_coding(struct http_reply_in *in, struct span value,
		struct err *err)
{
	(void)in;
	return span_is(value, "identity") ? 0 :
		no_http(err, "a Content-Encoding that nobody asked for");
}

static int take_type(struct http_reply_in *in, struct span value,
		struct err *err)
{
	(void)err;
	if (!span_has_control(value))
		str_copy(in->type, sizeof(in->type), value);
	return 0;
}

static const struct field {
	const char *name;
	int (*take)(struct http_reply_in *in, struct span value,
			struct err *err);
} fields[] = {
	{ "Content-Length", take_length },
	{ "Transfer-Encoding", take_coding },
	{ "Content-Encoding", take_content_coding },
	{ "Content-Type", take_type }
};

static int take_field(struct http_reply_in *in, struct span line,
		struct err *err)
{
	size_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon);
	struct span value = span_trim(span_rest(line, colon + 1));

	/* RFC 9112 5.2: a line that goes on is obsolete, but may come */
	if (*line.p == ' ' || *line.p == '\t')
		return in->folds ? no_http(err, "a folded field") : 0;
	in->folds = false;
	/* 5.1: no space before the colon */
	if (!colon || colon == line.n
			|| !span_isalnum(name, "!#$%&'*+-.^_`|~"))
		return no_http(err, "a broken field");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!span_is(name, fields[i].name))
			continue;
		in->folds = true;
		if (in->cut)
			return no_http(err, "a field is too long");
		return fields[i].take(in, value, err);
	}
	return 0;
}

/* RFC 9112 6.3: how long is the body? */
static void end_of_head(struct http_reply_in *in)
{
	in->folds = false;
	if (in->status < 200) {
		/* RFC 9110 15.2: the one that counts comes after it */
		in->state = STATUS_LINE;
		in->status = 0;
		in->chunked = in->sized = false;
		*in->type = '\0';
	} else if (in->status == 204 || in->status == 304) {
		in->state = WHOLE;
	} else if (in->chunked) {
		in->state = CHUNK_SIZE;
	} else if (in->sized) {
		in->state = in->left ? BY_LENGTH : WHOLE;
	} else {
		in->state = BY_CLOSE;
	}
}

/* -- chunks (RFC 9112 7.1) -- */

static int take_size(struct http_reply_in *in, struct span line,
		struct err *err)
{
	struct span size = span_trim(span_cut(&line, ';'));

	in->left = 0;
	if (!size.n || size.n > 8)
		return no_http(err, "a chunk's size");
	for (size_t i = 0; i < size.n; i++) {
		char c = ascii_lower(size.p[i]);

		if (!ascii_isdigit(c) && (c < 'a' || c > 'f'))
			return no_http(err, "a chunk's size");
		in->left = in->left << 4 | (unsigned char)(ascii_isdigit(c) ?
				c - '0' : c - 'a' + 10);
	}
	in->state = in->left ? CHUNK : TRAILER;
	return 0;
}

/* -- lines and octets -- */

static int take_line(struct http_reply_in *in, struct span line,
		struct err *err)
{
	/* RFC 9112 2.2: LF alone may end it, a CR within it is no good */
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (span_has(line, '\r') || span_has(line, '\0'))
		return no_http(err, "a control character");
	switch (in->state) {
	case STATUS_LINE:
		return take_status(in, line, err);
	case FIELD:
		if (line.n)
			return take_field(in, line, err);
		end_of_head(in);
		return 0;
	case CHUNK_SIZE:
		return in->cut ? no_http(err, "a chunk's size") :
			take_size(in, line, err);
	case CHUNK_END:
		if (line.n || in->cut)
			return no_http(err, "a chunk does not end");
		in->state = CHUNK_SIZE;
		return 0;
	case TRAILER:
		if (!line.n)
			in->state = WHOLE;
		return 0;
	}
	return 0;
}

/* Up to a line's end, or all. */
static int take_head(struct http_reply_in *in, struct span *octets,
		struct err *err)
{
	size_t n = span_find(*octets, '\n'), room = sizeof(in->line) - in->n;
	bool ends = n < octets->n;
	size_t all = n + ends;
	int rc;

	if (all > in->head_left)
		return err_set(err, ERR_NOMEM, "the reply's head is too long");
	in->head_left -= all;
	if (n > room)
		in->cut = true;
	memcpy(in->line + in->n, octets->p, n < room ? n : room);
	in->n += n < room ? n : room;
	*octets = span_rest(*octets, all);
	if (!ends)
		return 0;
	rc = take_line(in, span_make(in->line, in->n), err);
	in->n = 0;
	in->cut = false;
	return rc;
}

static int take_body(struct http_reply_in *in, struct span *octets,
		struct err *err)
{
	struct span piece = *octets;

	if (in->state != BY_CLOSE && piece.n > in->left)
		piece.n = (size_t)in->left;
	str_add(&in->body, piece);
	if (in->body.bad)
		return err_set(err, ERR_NOMEM, "the reply is too long");
	*octets = span_rest(*octets, piece.n);
	if (in->state == BY_CLOSE)
		return 0;
	in->left -= piece.n;
	if (!in->left)
		in->state = in->state == CHUNK ? CHUNK_END : WHOLE;
	return 0;
}

int http_reply_take(struct http_reply_in *in, struct span octets,
		struct err *err)
{
	while (octets.n && in->state != WHOLE) {
		bool body = in->state == BY_LENGTH || in->state == BY_CLOSE
			|| in->state == CHUNK;

		if ((body ? take_body : take_head)(in, &octets, err) < 0)
			return -1;
	}
	return in->state == WHOLE;
}

int http_reply_end(struct http_reply_in *in, struct err *err)
{
	if (in->state == BY_CLOSE)
		in->state = WHOLE;
	return in->state == WHOLE ? 1 : err_set(err, ERR_TEMP,
			"the server hung up in the middle");
}
