#include "net/http_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MOST 64

/* 1 whole, 0 not yet, -1; all at once, in two halves, and octet by octet. */
static int take(struct http_reply_in *in, struct span text, size_t step,
		struct err *err)
{
	int rc = 0;

	http_reply_start(in, MOST);
	while (text.n && !rc) {
		size_t n = step < text.n ? step : text.n;

		rc = http_reply_take(in, span_sub(text, 0, n), err);
		text = span_rest(text, n);
	}
	return rc;
}

static void good(void **state)
{
	static const struct {
		const char *text;
		int rc;			/* 0: it ends with the connection */
		unsigned status;
		const char *type, *body;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: "
			"text/plain; charset=utf-8\r\n\r\nhello", 1, 200,
			"text/plain; charset=utf-8", "hello" },
		{ "HTTP/1.1 400\r\ncontent-length:2,2\r\n\r\nno more", 1, 400,
			"", "no" },
		{ "HTTP/1.0 200 OK\n\nall", 0, 200, "", "all" },
		{ "HTTP/1.1 100 Continue\r\nA: b\r\nContent-Length: 7\r\n\r\n"
			"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 204 None\r\n\r\n", 1,
			204, "", "" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
			"3;a=b\r\nabc\r\n0a \r\n0123456789\r\n000\r\nT: x\r\n"
			"\r\n", 1, 200, "", "abc0123456789" },
		/* RFC 9112 6.3: chunks go before a length */
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding:"
			" chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 1, 200, "", "x" },
		{ "HTTP/1.1 503 \r\nX: a\r\n folded: b\r\nContent-Length: 0"
			"\r\n\r\n", 1, 503, "", "" },
		{ "HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n", 1, 304, "", "" },
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\n"
			"Content-Length: 0\r\n\r\n", 1, 200, "", "" },
	};
	struct http_reply_in in;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 300; step += 7) {
			assert_int_equal(take(&in, span_of(rows[i].text), step,
						&err), rows[i].rc);
			if (!rows[i].rc)
				assert_int_equal(http_reply_end(&in, &err), 1);
			assert_int_equal(in.status, rows[i].status);
			assert_string_equal(in.type, rows[i].type);
			assert_string_equal(str_c(&in.body), rows[i].body);
			http_reply_free(&in);
		}
}

static void bad(void **state)
{
#define OK "HTTP/1.1 200 OK\r\n"
	static const struct {
		const char *text;
		enum err_kind kind;
	} rows[] = {
		{ "220 mail ESMTP\r\n", ERR_PROTO }, { "\r\n", ERR_PROTO },
		{ "HTTP/2 200 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 20 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 099 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 600 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 2000 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 101 x\r\n", ERR_PROTO },
		{ "http/1.1 200 OK\r\n", ERR_PROTO },
		{ "HTTP/1.1 200 O\rK\r\n", ERR_PROTO },
		{ OK "a b\r\n", ERR_PROTO }, { OK ": x\r\n", ERR_PROTO },
		{ OK "A : x\r\n", ERR_PROTO },
		{ OK "Content-Length: -1\r\n", ERR_PROTO },
		{ OK "Content-Length: \r\n", ERR_PROTO },
		{ OK "Content-Length: 1x\r\n", ERR_PROTO },
		{ OK "Content-Length: 1\r\nContent-Length: 2\r\n", ERR_PROTO },
		{ OK "Content-Length: 1, 2\r\n", ERR_PROTO },
		{ OK "Content-Length: 99999999999999999999\r\n", ERR_PROTO },
		{ OK "Content-Length: 1\r\n 2\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: gzip, chunked\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
			"\r\n", ERR_PROTO },
		{ "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
			ERR_PROTO },
		{ OK "Content-Encoding: gzip\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n0x1\r\n", ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n123456789\r\n",
			ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
			ERR_PROTO },
		{ OK "Transfer-Encoding: chunked\r\n\r\n41\r\n0123456789012345"
			"678901234567890123456789012345678901234567890123456789"
			, ERR_NOMEM },
		{ OK "\r\n0123456789012345678901234567890123456789012345678901"
			"2345678901234567890", ERR_NOMEM },
	};
	struct http_reply_in in;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 200; step += 50) {
			err.kind = ERR_NONE;
			assert_int_equal(take(&in, span_of(rows[i].text), step,
						&err), -1);
			assert_int_equal(err.kind, rows[i].kind);
			http_reply_free(&in);
		}
}

/* Cut anywhere, it is not whole. */
static void cut(void **state)
{
	struct span text = SPAN(OK "Content-Length: 3\r\n\r\nabc");
	struct http_reply_in in;
	struct err err;

	(void)state;
	for (size_t n = 0; n < text.n; n++) {
		assert_int_equal(take(&in, span_sub(text, 0, n), 1000, &err),
				0);
		assert_int_equal(http_reply_end(&in, &err), -1);
		assert_int_equal(err.kind, ERR_TEMP);
		http_reply_free(&in);
	}
}

/* Long lines are no harm, unless we would need them; endless heads are. */
static void long_heads(void **state)
{
	char line[3000];
	struct http_reply_in in;
	struct err err;
	int rc = 0, i;

	(void)state;
	memset(line, 'x', sizeof(line));
	http_reply_start(&in, MOST);
	assert_int_equal(http_reply_take(&in, SPAN(OK "Set-Cookie: "), &err), 0);
	assert_int_equal(http_reply_take(&in, span_make(line, sizeof(line)),
				&err), 0);
	assert_int_equal(http_reply_take(&in, SPAN("\r\nContent-Length: 1\r\n"
					"\r\ny"), &err), 1);
	http_reply_free(&in);
	http_reply_start(&in, MOST);
	assert_int_equal(http_reply_take(&in, SPAN(OK "Content-Type: "), &err),
			0);
	assert_int_equal(http_reply_take(&in, span_make(line, sizeof(line)),
				&err), 0);
	assert_int_equal(http_reply_take(&in, SPAN("\r\n"), &err), -1);
	http_reply_free(&in);
	http_reply_start(&in, MOST);
	for (i = 0; i < 100000 && !rc; i++)
		rc = http_reply_take(&in, SPAN("HTTP/1.1 100 x\r\n\r\n"), &err);
	assert_int_equal(rc, -1);
	assert_int_equal(err.kind, ERR_NOMEM);
	assert_in_range(i, 1000, HTTP_HEAD_MOST);
	http_reply_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(bad),
		cmocka_unit_test(cut), cmocka_unit_test(long_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
