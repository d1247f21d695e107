/*
 * authd_mux - our users for other programs on this machine: a socket that looks
 * like that of Cyrus saslauthd. A client says four counted strings (16 bits in
 * network order, then so many octets): name, password, service, realm; it gets
 * one back, and that is the end.
 */
#include "authd/authd.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/str.h"
#include "net/conn.h"
#include "net/daemon.h"
#include "net/listen.h"
#include "os/file.h"

#define STRING_MOST 1024	/* 256 in saslauthd before 2.1.28 */
#define PATIENCE_MS 10000	/* for a whole request */
/* of their own: ours are never kept out by them */
#define CLIENTS_MOST 64

struct authd_mux {
	struct daemon *daemon;
	const struct authd_desk *desk;
	struct listen *listen;
	struct list clients;
	unsigned n;			/* of them */
	int fd;				/* until it is given to listen */
};

struct client {
	struct list link;
	struct authd_mux *mux;
	struct conn *conn;
	struct authd_question question;
	bool asked;
	size_t n;
	char line[AUTH_LINE_MAX];
};

/* -- what it says -- */

int authd_mux_parse(struct span in, struct authd_mux_request *out)
{
	struct span *const parts[] = { &out->name, &out->password,
		&out->service, &out->realm };

	for (int i = 0; i < 4; i++) {
		size_t n;

		if (in.n < 2)
			return 0;
		n = (size_t)(unsigned char)in.p[0] << 8 |
			(unsigned char)in.p[1];
		if (n > STRING_MOST)
			return -1;
		if (in.n < 2 + n)
			return 0;
		*parts[i] = span_sub(in, 2, n);
		in = span_rest(in, 2 + n);
	}
	return in.n ? -1 : 1;
}

static void put_text(struct str *out, struct span text)
{
	str_addc(out, ' ');
	if (text.n)
		base64_put(out, text);
	else
		str_addc(out, '=');
}

static bool is_only_host(const struct conf *conf, struct span realm)
{
	for (const struct conf_word *d = conf->domains; d; d = d->next)
		if (span_is(realm, d->text))
			return false;
	return span_is(realm, conf->hostname);
}

/*
 * libsasl takes a name apart at its "@"; a realm that is only our own name is
 * what it says when there was none.
 */
static void put_name(struct str *out, const struct authd_mux_request *r,
		const struct conf *conf)
{
	struct str name;

	str_init(&name, 2 * STRING_MOST + 1);
	str_add(&name, r->name);
	if (!span_has(r->name, '@') && r->realm.n &&
			!is_only_host(conf, r->realm)) {
		str_addc(&name, '@');
		str_add(&name, r->realm);
	}
	put_text(out, str_span(&name));
	str_free(&name);
}

bool authd_mux_line(struct str *out, const struct authd_mux_request *r,
		const struct conf *conf)
{
	bool known = r->service.n && r->service.n < 16 &&
		span_isalnum(r->service, "-_");

	str_adds(out, "PLAIN");
	put_name(out, r, conf);
	put_text(out, r->password);
	str_addc(out, ' ');
	str_add(out, known ? r->service : SPAN("saslauthd"));
	str_adds(out, " saslauthd");
	return !out->bad;
}

/* -- clients -- */

static void client_free(struct client *c)
{
	if (c->asked)
		authd_question_drop(&c->question);
	conn_close(c->conn);
	list_del(&c->link);
	c->mux->n--;
	explicit_bzero(c->line, sizeof(c->line));
	free(c);
}

/*
 * This protocol has no word for "not now": hanging up without an answer is what
 * libsasl takes for a failure that is not the password's.
 */
static void on_answer(struct authd_question *q, struct span answer)
{
	struct client *c = container_of(q, struct client, question);
	struct span word = span_word(&answer);

	c->asked = false;
	if (span_is(word, "OK") || span_is(word, "NO")) {
		conn_write(c->conn, "\0\2", 2);
		conn_write(c->conn, word.p, word.n);
	}
	client_free(c);
}

static void ask(struct client *c, const struct authd_mux_request *r)
{
	struct str line;
	bool fits;

	str_init_secret(&line, sizeof(c->line));
	fits = authd_mux_line(&line, r, c->mux->daemon->conf);
	if (fits) {
		c->n = line.n;
		memcpy(c->line, line.p, line.n);
	}
	str_wipe(&line);
	c->asked = fits;
	conn_timeout(c->conn, 0);
	/* the last of it: it may be answered, and c gone, within this */
	if (!fits || authd_question_ask(&c->question, span_make(c->line,
					c->n)) < 0)
		on_answer(&c->question, SPAN("NO"));
}

static void on_conn(struct conn *conn, enum conn_event event, void *arg)
{
	struct client *c = arg;
	struct authd_mux_request r;
	struct span in;
	int got;

	if (event == CONN_INPUT && !c->asked) {
		in = conn_peek(conn);
		got = authd_mux_parse(in, &r);
		if (got > 0)
			ask(c, &r);
		else if (got < 0 || in.n >= CONN_BUFFER)
			client_free(c);
	} else if (event != CONN_DRAINED) {
		client_free(c);		/* it says too much, or has gone */
	}
}

static void on_client(void *arg, int fd)
{
	struct authd_mux *m = arg;
	struct client *c = m->n < CLIENTS_MOST ? calloc(1, sizeof(*c)) : NULL;

	if (c)
		c->conn = conn_new(m->daemon->loop, fd, on_conn, c);
	else
		close(fd);
	if (!c || !c->conn) {
		free(c);
		return;
	}
	c->mux = m;
	c->question.desk = m->desk;
	c->question.done = on_answer;
	list_add_tail(&m->clients, &c->link);
	m->n++;
	conn_timeout(c->conn, PATIENCE_MS);
}

/* -- the socket -- */

static int give_to_group(const char *path, const char *name, struct err *err)
{
	const struct group *g = name ? getgrnam(name) : NULL;

	if (!name)
		return 0;
	if (!g)
		return err_set(err, ERR_PERM, "saslauthd-group: there is no "
				"group %s", name);
	return chown(path, (uid_t)-1, g->gr_gid) < 0 ?
		err_errno(err, "%s", path) : 0;
}

/* Its folder, where it is missing. */
static int make_folder(const char *path, struct err *err)
{
	char folder[108];
	char *slash;

	str_copys(folder, sizeof(folder), path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	return file_mkdirs(AT_FDCWD, folder, 0755, err);
}

struct authd_mux *authd_mux_open(struct daemon *d, struct err *err)
{
	const struct conf *conf = d->conf;
	struct authd_mux *m = calloc(1, sizeof(*m));

	if (!m) {
		err_nomem(err);
		return NULL;
	}
	m->daemon = d;
	list_init(&m->clients);
	m->fd = -1;
	if (make_folder(conf->saslauthd_socket, err) == 0)
		m->fd = listen_open_unix(conf->saslauthd_socket, SOCK_STREAM,
				conf->saslauthd_group ? 0660 : 0600, err);
	if (m->fd >= 0 && give_to_group(conf->saslauthd_socket,
				conf->saslauthd_group, err) == 0)
		return m;
	authd_mux_free(m);
	return NULL;
}

int authd_mux_start(struct authd_mux *m, const struct authd_desk *desk,
		struct err *err)
{
	m->desk = desk;
	m->listen = listen_start(m->daemon->loop, m->fd, on_client, m);
	if (!m->listen)
		return err_errno(err, "listening");
	m->fd = -1;
	return 0;
}

void authd_mux_free(struct authd_mux *m)
{
	if (!m)
		return;
	while (!list_empty(&m->clients))
		client_free(container_of(m->clients.next, struct client,
				link));
	if (m->listen)
		listen_stop(m->listen);
	if (m->fd >= 0)
		close(m->fd);
	free(m);
}
