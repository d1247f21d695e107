/* http_reply - a reply of HTTP/1.x as its octets come in (RFC 9110, 9112)
 *
 * For http.c and its tests. Pure: no I/O.
 */
#ifndef NET_HTTP_REPLY_H
#define NET_HTTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"

#define HTTP_LINE_MOST 1024	/* octets of a line that are looked at */
#define HTTP_HEAD_MOST 65536	/* of all heads, chunk lines and trailers */
#define HTTP_TYPE_MOST 128

struct http_reply_in {
	unsigned status;		/* 0: not known yet */
	struct str body;
	char type[HTTP_TYPE_MOST];	/* Content-Type, "": none */
	/* private from here */
	unsigned char state;
	bool old;			/* HTTP/1.0 */
	bool chunked, sized, coded;
	bool cut;			/* the line at hand is longer than kept */
	bool folds;			/* the last field was one of ours */
	uint64_t left;			/* of the body, or of the chunk */
	size_t head_left;
	size_t n;			/* of line */
	char line[HTTP_LINE_MOST];
};

/* most: octets of the body. Free it in any case. */
void http_reply_start(struct http_reply_in *in, size_t most);
/*
 * Takes octets. 1: the reply is whole, whatever follows; 0: more must come; -1
 * with err: ERR_PROTO it is no reply that we know, ERR_NOMEM it is too long.
 */
int http_reply_take(struct http_reply_in *in, struct span octets,
		struct err *err);
/* The server has closed. 1: whole; -1 with err: something was still to come. */
int http_reply_end(struct http_reply_in *in, struct err *err);
/* Overwrites all of it: it may hold a token. */
void http_reply_free(struct http_reply_in *in);

#endif
