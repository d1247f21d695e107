/* A server that says any bytes, in pieces: the first byte chooses the options. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/smtp_client.h"

#define RCPTS 3

struct fuzz {
	struct smtp_client *client;
	struct smtp_message message;
	unsigned char options;
	int sent;
	int results[RCPTS];
	bool gone;
};

static void on_ready(void *arg)
{
	struct fuzz *f = arg;

	if (f->sent++ == 2) {
		smtp_client_quit(f->client);
		return;
	}
	memset(f->results, 0, sizeof(f->results));
	smtp_client_send(f->client, &f->message);
}

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct fuzz *f = arg;

	if (rcpt >= RCPTS || ++f->results[rcpt] > 1 || f->gone ||
			strlen(r->text) >= sizeof(r->text))
		abort();
	if (r->maybe && r->kind == ERR_NONE)
		abort();
	if (f->options & 8) {
		smtp_client_abort(f->client);
		f->client = NULL;
	}
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct fuzz *f = arg;

	(void)r;
	if (f->gone)
		abort();
	for (int i = 0; f->sent && i < RCPTS; i++)
		if (f->sent < 3 && !f->results[i])
			abort();
	f->gone = true;
	f->client = NULL;
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone, NULL
};

static int listening(struct sockaddr_un *un)
{
	socklen_t len = sizeof(*un);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* an abstract name that the kernel chooses */
	un->sun_family = AF_UNIX;
	if (bind(fd, (void *)un, sizeof(un->sun_family)) || listen(fd, 1) ||
			getsockname(fd, (void *)un, &len))
		abort();
	return fd;
}

static void serve(struct loop *l, struct fuzz *f, int fd,
		const unsigned char *p, size_t n)
{
	size_t step = 1 + (f->options >> 5) * 40u;
	char waste[4096];

	while (n && f->client) {
		if (step > n)
			step = n;
		if (send(fd, p, step, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		p += step;
		n -= step;
		loop_turn(l, 0);
		while (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) > 0)
			;
	}
	for (int i = 0; i < 3; i++)
		loop_turn(l, 0);
	close(fd);
	for (int i = 0; i < 20 && f->client; i++)
		loop_turn(l, 0);
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	static const char *const rcpts[RCPTS] = {
		"a@b", "c d@b", "j\xc3\xbc@\xc3\xbc"
	};
	struct sockaddr_un un = { 0 };
	struct smtp_target t = { .name = "x", .hello = "y", .tls = CONF_TLS_NONE };
	struct fuzz f = { .options = n ? p[0] : 0 };
	struct loop *l = loop_new(NULL);
	int at = listening(&un), body = memfd_create("body", MFD_CLOEXEC), fd;

	bool lf = (f.options & 6) != 6;

	if (write(body, lf ? "a\n.\n\xe9" : ".\r\n\xe9\r\n", 5 + !lf) != 5 + !lf)
		abort();
	f.message = (struct smtp_message){ .sender = "s@x", .nrcpt = RCPTS,
		.rcpt = rcpts, .fd = body, .size = 5 + !lf + (f.options & 16) / 16,
		.lf_lines = lf, .eight_bit = true, .spool_id = "id" };
	memcpy(&t.addr, &un, sizeof(un));
	t.addr_len = sizeof(un.sun_family) + 6;
	t.lmtp = f.options & 1;
	if (f.options & 2)
		t.user = t.password = "u";
	t.bearer = !lf;
	if (f.options & 4)
		t.tls = CONF_TLS_MAY;
	f.client = smtp_client_new(l, &t, NULL, &events, &f);
	fd = accept(at, NULL, NULL);
	serve(l, &f, fd, n ? p + 1 : p, n ? n - 1 : 0);
	if (f.client)
		smtp_client_abort(f.client);
	for (int i = 0; i < 3; i++)
		loop_turn(l, 0);
	loop_free(l);
	close(at);
	close(body);
	return 0;
}
