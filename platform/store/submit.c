#include "store/submit_private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/utf8.h"
#include "config.h"
#include "net/dial.h"
#include "net/mx.h"
#include "net/secret.h"
#include "net/smtp_client.h"
#include "net/tls.h"
#include "net/tls_pins.h"
#include "os/file.h"
#include "os/priv.h"
#include "os/socket.h"
#include "store/disk.h"
#include "store/spool.h"
#include "store/submit_alias.h"
#include "store/submit_mask.h"

#define PIECE SUBMIT_PIECE

struct submit {
	const struct conf *conf;
	struct loop *loop;
	struct smtp_client *client;
	struct smtp_message message;
	bool sent, interrupted;
	unsigned refused;
	unsigned first;			/* the first recipient that was refused */
	struct smtp_result why;		/* ... and its reply */
	struct smtp_result end;		/* of the connection, or of looking for it */
	struct mx_target targets[MX_TARGETS];
	unsigned ntargets;
	uint32_t tried;			/* of these, a bit each */
	struct dial *dial;
	struct smtp_target *target;	/* of what it leads to, */
	struct tls_ctx *tls;
};

/* ---- over SMTP: the local socket or the smarthost */

static void on_ready(void *arg)
{
	struct submit *s = arg;

	if (s->sent) {
		smtp_client_quit(s->client);
		return;
	}
	s->sent = true;
	smtp_client_send(s->client, &s->message);
}

static void on_result(void *arg, unsigned rcpt, const struct smtp_result *r)
{
	struct submit *s = arg;

	if (r->kind == ERR_NONE)
		return;
	if (!s->refused++) {
		s->first = rcpt;
		s->why = *r;
	}
}

static void on_gone(void *arg, const struct smtp_result *r)
{
	struct submit *s = arg;

	s->end = *r;
	s->client = NULL;
	loop_stop(s->loop, 0);
}

static const struct smtp_client_events events = {
	on_ready, on_result, on_gone, NULL
};

/* ^C ends the wait: what was not acknowledged counts as not sent. */
static void on_interrupt(void *arg, int signo)
{
	struct submit *s = arg;

	(void)signo;
	s->interrupted = true;
	loop_stop(s->loop, 0);
}

static enum submit_way verdict(struct submit *s, const char *where, struct err *err)
{
	const struct smtp_message *m = &s->message;
	char text[300];

	if (s->interrupted || !s->sent) {
		smtp_result_text(&s->end, text, sizeof(text));
		err_set(err, s->end.kind == ERR_NONE ? ERR_TEMP : s->end.kind,
				"%s: %s", where,
				s->interrupted ? "interrupted" : text);
		return s->interrupted || s->end.code ? WAY_REFUSED : WAY_ABSENT;
	}
	if (!s->refused)
		return WAY_TAKEN;
	smtp_result_text(&s->why, text, sizeof(text));
	if (m->nrcpt == 1)
		err_set(err, s->why.kind, "%s: %s", m->rcpt[0], text);
	else
		err_set(err, s->why.kind, "%s: %.150s (%u of %u)",
				m->rcpt[s->first], text, s->refused, m->nrcpt);
	return WAY_REFUSED;
}

static void begin(struct submit *s)
{
	s->sent = s->interrupted = false;
	s->refused = 0;
	s->end = (struct smtp_result){ .kind = ERR_NONE };
}

static void run(struct submit *s)
{
	loop_run(s->loop);
	if (s->client)
		smtp_client_abort(s->client);
	s->client = NULL;
}

static enum submit_way by_socket(struct submit *s, struct err *err)
{
	char path[108];			/* sizeof(sockaddr_un.sun_path) */
	struct smtp_target target = {
		.unix_path = path, .name = "local submission",
		.tls = CONF_TLS_NONE, .hello = s->conf->hostname,
		.connect_timeout = s->conf->connect_timeout
	};
	int n = snprintf(path, sizeof(path), "%s/" SUBMIT_SOCKET,
			s->conf->run_dir);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		err_set(err, ERR_PERM, "run-dir: path too long");
		return WAY_ABSENT;
	}
	/* a daemon that has died leaves its socket file: connecting tells */
	begin(s);
	s->client = smtp_client_new(s->loop, &target, NULL, &events, s);
	if (!s->client) {
		err_nomem(err);
		return WAY_REFUSED;
	}
	run(s);
	return verdict(s, target.name, err);
}

int submit_connect(const struct conf *conf, struct err *err)
{
	return socket_connect(conf->run_dir, SUBMIT_SOCKET, 0, err);
}

static void on_found(void *arg, const struct mx_target *targets, unsigned n,
		const struct smtp_result *why)
{
	struct submit *s = arg;

	s->ntargets = n;
	if (n)
		memcpy(s->targets, targets, n * sizeof(*targets));
	else
		s->end = *why;
	loop_stop(s->loop, 0);
}

/* The smarthost's addresses, by the same name servers as `queue` asks. */
static int find_addresses(struct submit *s, const struct conf_smarthost *host,
		struct err *err)
{
	struct mx_question question = { .name = host->host, .port = host->port };
	struct dns *dns = dns_new(s->loop, s->conf);
	struct mx *mx = dns ? mx_find(s->loop, dns, &question, on_found, s) : NULL;

	s->ntargets = 0;
	s->interrupted = false;
	if (mx)
		loop_run(s->loop);
	if (s->interrupted) {
		mx_cancel(mx);
		err_set(err, ERR_TEMP, "%s: interrupted", host->host);
	} else if (!mx) {
		err_nomem(err);
	} else if (!s->ntargets) {
		err_set(err, s->end.kind, "%s: %s", host->host, s->end.text);
	}
	dns_free(dns);
	return s->ntargets ? 0 : -1;
}

/*
 * From here on the connection is the client's: a greeting may be there already.
 */
static void met(struct submit *s, const struct mx_target *t, struct conn *conn)
{
	s->target->addr = t->addr;
	s->target->addr_len = t->addr_len;
	s->target->conn = conn;
	s->client = smtp_client_new(s->loop, s->target, s->tls, &events, s);
	if (s->client)
		return;
	conn_abort(conn);
	s->end.kind = ERR_NOMEM;
	str_copys(s->end.text, sizeof(s->end.text), "out of memory");
	loop_stop(s->loop, 0);
}

static void dialled(void *arg, const struct mx_target *t, struct conn *conn,
		const struct err *why)
{
	struct submit *s = arg;

	if (t)
		s->tried |= (uint32_t)1 << (t - s->targets);
	if (!t || conn)
		s->dial = NULL;
	if (conn) {
		met(s, t, conn);
	} else if (t) {
		s->end.kind = ERR_TEMP;
		str_copys(s->end.text, sizeof(s->end.text), why->text);
	} else {
		loop_stop(s->loop, 0);
	}
}

/* What is left of the addresses, both families side by side. */
static enum submit_way try_rest(struct submit *s, struct err *err)
{
	begin(s);
	s->dial = dial_start(s->loop, s->targets, s->ntargets, s->tried,
			s->conf->connect_timeout, dialled, s);
	if (!s->dial) {
		err_nomem(err);
		return WAY_REFUSED;
	}
	run(s);
	dial_cancel(s->dial);
	s->dial = NULL;
	return verdict(s, s->target->name, err);
}

static enum submit_way try_addresses(struct submit *s,
		const struct conf_smarthost *host, struct smtp_target *target,
		struct tls_ctx *tls, struct err *err)
{
	enum submit_way way = WAY_ABSENT;

	if (find_addresses(s, host, err) < 0)
		return s->interrupted ? WAY_REFUSED : WAY_ABSENT;
	s->target = target;
	s->tls = tls;
	s->tried = 0;
	while (way == WAY_ABSENT && s->tried != ((uint64_t)1 << s->ntargets)
			- 1)
		way = try_rest(s, err);
	return way;
}

/* Its password or token; *secret is NULL when it wants none. */
static int log_in(struct submit *s, const struct conf_smarthost *host,
		struct smtp_target *target, struct tls_ctx *tls,
		struct secret **secret, struct err *err)
{
	struct secret_env env = { s->loop, dns_new(s->loop, s->conf), tls };
	int rc = env.dns ? secret_fetch(secret, &env, host, err) :
		err_nomem(err);

	if (rc == 0 && *secret) {
		target->user = host->user;
		target->password = secret_text(*secret);
		target->bearer = secret_is_token(host);
		target->mechanism = host->mechanism;
	}
	dns_free(env.dns);
	return rc;
}

static enum submit_way try_smarthost(struct submit *s,
		const struct conf_smarthost *host, struct err *err)
{
	bool verify = (host->verify && !host->pins) || host->token_file;
	struct tls_ctx *tls = NULL;
	struct tls_pins *pins = NULL;
	struct secret *secret = NULL;
	enum submit_way way = WAY_ABSENT;
	struct smtp_target target = {
		.name = host->host, .tls = host->tls, .verify = host->verify,
		.hello = s->conf->hostname,
		.connect_timeout = s->conf->connect_timeout
	};

	if (CFG_TLS_POLICY && host->pins) {
		pins = tls_pins_of(host->pins);
		if (!pins)
			goto out;
		target.expect = &pins->expect;
	}
	if (host->tls != CONF_TLS_NONE && tls_built()) {
		tls = tls_client(verify ? s->conf->tls_ca : NULL, err);
		if (!tls)
			goto out;
	}
	if (log_in(s, host, &target, tls, &secret, err) == 0)
		way = try_addresses(s, host, &target, tls, err);
	secret_free(secret);
out:
	tls_ctx_free(tls);
	if (CFG_TLS_POLICY)
		tls_pins_drop(pins);
	return way;
}

static enum submit_way try_masked(struct submit *s,
		const struct conf_smarthost *host, struct err *err)
{
	enum submit_way way = WAY_REFUSED;
	struct submit_mask mask;

	if (!CFG_MASQUERADE)
		return try_smarthost(s, host, err);
	if (submit_mask_begin(&mask, s->conf, host, &s->message, err) == 0)
		way = try_smarthost(s, host, err);
	submit_mask_end(&mask, &s->message);
	return way;
}

/* In their order, until one lets us in. */
static enum submit_way try_smarthosts(struct submit *s, struct err *err)
{
	const struct conf_smarthost *host = NULL;
	enum submit_way way = WAY_ABSENT;

	while (way != WAY_TAKEN && !s->sent && !s->interrupted
			&& (host = conf_smarthost(s->conf, host,
				s->message.sender)))
		way = try_masked(s, host, err);
	return way;
}

/* No queue will look up aliases. */
static enum submit_way by_smarthost(struct submit *s, struct err *err)
{
	struct submit_alias aliases;
	enum submit_way way = WAY_REFUSED;

	if (!conf_smarthost(s->conf, NULL, s->message.sender))
		return WAY_ABSENT;
	if (!CFG_ALIASES)
		return try_smarthosts(s, err);
	if (submit_alias_begin(&aliases, s->conf, &s->message, err) == 0)
		way = try_smarthosts(s, err);
	submit_alias_end(&aliases, &s->message);
	return way;
}

/* ---- into the spool, with no daemon */

struct spooled {
	bool bad;
	struct err *err;
};

static void on_spooled(void *arg, const char *id, const struct err *err)
{
	struct spooled *done = arg;

	(void)id;
	done->bad = err != NULL;
	if (err)
		*done->err = *err;
}

ssize_t submit_read(const struct smtp_message *m, uint64_t at, char buf[PIECE])
{
	uint64_t left = m->size - at;

	return file_pread(m->fd, buf, left < PIECE ? (size_t)left : PIECE,
			m->start + (int64_t)at);
}

/* LF lines as the CRLF lines that the spool holds. */
static int write_all(struct spool_draft *d, const struct smtp_message *m,
		struct err *err)
{
	struct spool_lines lines = { .last = '\n' };
	char piece[PIECE];
	ssize_t n;

	for (uint64_t at = 0; at < m->size; at += (uint64_t)n) {
		n = submit_read(m, at, piece);
		if (n <= 0)
			return err_set(err, ERR_TEMP, "message cut");
		if (spool_write_lines(d, &lines, span_make(piece, (size_t)n),
					err) < 0)
			return -1;
	}
	return lines.last == '\n' ? 0 : spool_write(d, SPAN("\r\n"), err);
}

static int spool_message(struct spool *spool, struct submit *s,
		struct spool_envelope *e, struct err *err)
{
	struct spooled done = { true, err };
	struct spool_draft *d;

	if (spool_room(spool, s->message.size, err) < 0)
		return -1;
	d = spool_begin(spool, e, err);
	if (!d)
		return -1;
	if (write_all(d, &s->message, err) == 0)
		spool_commit(d, on_spooled, &done);
	else
		spool_abort(d);
	return done.bad ? -1 : 0;
}

/* queue asks whether the next host can take it. */
bool submit_is_utf8(const struct smtp_message *m)
{
	bool need = m->utf8_header || !utf8_ascii(span_of(m->sender));

	for (unsigned i = 0; i < m->nrcpt; i++)
		need |= !utf8_ascii(span_of(m->rcpt[i]));
	return CFG_SMTPUTF8 && need;
}

/* One that starts just now may have looked at the spool already. */
static void tell_queue(struct spool *spool, const struct conf *conf)
{
	char path[108];
	int n = snprintf(path, sizeof(path), "%s/" SPOOL_SOCKET, conf->run_dir);

	if (n > 0 && (size_t)n < sizeof(path))
		spool_notify(spool, path);
}

static int spool_open_and_add(struct submit *s, const struct conf *conf,
		struct err *err)
{
	const struct smtp_message *m = &s->message;
	char origin[32];
	struct spool_envelope e = {
		.sender = m->sender, .origin = origin,
		.eight_bit = m->eight_bit, .utf8 = submit_is_utf8(m), .dsn = m->dsn,
		.nrcpt = m->nrcpt
	};
	struct spool *spool;
	int rc;

	snprintf(origin, sizeof(origin), "uid %lu", (unsigned long)getuid());
	e.rcpt = calloc(m->nrcpt, sizeof(*e.rcpt));
	if (!e.rcpt)
		return err_nomem(err);
	for (unsigned i = 0; i < m->nrcpt; i++) {
		e.rcpt[i].address = m->rcpt[i];
		e.rcpt[i].state = SPOOL_WAITING;
		e.rcpt[i].dsn = m->rcpt_dsn[i];
	}
	spool = spool_open(conf, NULL, err);
	if (spool)
		tell_queue(spool, conf);
	rc = spool ? spool_message(spool, s, &e, err) : -1;
	if (spool)
		spool_close(spool);
	free(e.rcpt);
	return rc;
}

/* The real ids stay root's, so that there is a way back. */
static int act_as(uid_t uid, gid_t gid)
{
	if (setresgid((gid_t)-1, gid, (gid_t)-1) < 0)
		return -1;
	return setresuid((uid_t)-1, uid, (uid_t)-1);
}

/* As root the files must become the queue's own, or it could not read them. */
static int become_owner(const struct conf *conf, struct err *err)
{
	struct priv_user owner;

	if (priv_find(conf->user_queue, &owner, err) < 0)
		return -1;
	if (file_mkdir_last(conf->spool_dir, 0700, err) < 0)
		return -1;
	if (fchownat(AT_FDCWD, conf->spool_dir, owner.uid, owner.gid, 0) < 0 ||
	    act_as(owner.uid, owner.gid) < 0)
		return disk_err(err, conf->spool_dir);
	return 0;
}

static enum submit_way by_spool(struct submit *s, struct err *err)
{
	bool root = geteuid() == 0;
	struct conf conf = *s->conf;
	gid_t gid = getegid();
	int rc;

	/* nobody would move it there */
	if (CFG_QUEUE_SPILL && conf.spill_dir) {
		conf.spool_dir = conf.spill_dir;
		conf.spill_dir = NULL;
	}
	if (!root && access(conf.spool_dir, W_OK | X_OK) < 0)
		return WAY_ABSENT;
	if (root && become_owner(&conf, err) < 0)
		return WAY_REFUSED;
	rc = spool_open_and_add(s, &conf, err);
	if (root && act_as(0, gid) < 0)
		return WAY_REFUSED;
	return rc < 0 ? WAY_REFUSED : WAY_TAKEN;
}

/* ---- the ways in their order */

static bool has_eight_bit(const struct smtp_message *m)
{
	char buf[PIECE];
	ssize_t n;

	for (uint64_t at = 0; at < m->size; at += (uint64_t)n) {
		n = submit_read(m, at, buf);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			if ((unsigned char)buf[i] > 127)
				return true;
	}
	return false;
}

/*
 * The smarthost itself comes last, and first when that is wanted: whoever calls
 * us waits for the network then. Without queue it is the only way.
 */
static int submit(struct submit *s, struct err *err)
{
	enum submit_way way = WAY_ABSENT;

	err_set(err, ERR_TEMP, "nobody is there to take it");
	if (CFG_SMTPD)
		way = by_socket(s, err);
	if (CFG_QUEUE_SUBMIT && way == WAY_ABSENT)
		way = submit_by_queue(s->conf, &s->message, err);
	if (way == WAY_ABSENT && (!CFG_QUEUE || (CFG_SENDMAIL_DIRECT
					&& s->conf->sendmail_direct)))
		way = by_smarthost(s, err);
	if (CFG_QUEUE && way == WAY_ABSENT)
		way = by_spool(s, err);
	return way == WAY_TAKEN ? 0 : -1;
}

int submit_message(const struct conf *conf, const char *sender,
		const char *const *rcpt, unsigned n, int fd, int64_t start,
		uint64_t size, const struct submit_options *o, struct err *err)
{
	struct submit s = {
		.conf = conf,
		.message = {
			.sender = sender, .nrcpt = n, .rcpt = rcpt, .fd = fd,
			.start = start, .size = size, .lf_lines = true
		}
	};
	const char **rcpt_dsn;
	struct err own;
	sigset_t mask;
	int rc = -1;

	if (!n)
		return err_set(err, ERR_PERM, "no recipients");
	err = err ? err : &own;
	rcpt_dsn = calloc(n, sizeof(*rcpt_dsn));
	if (!rcpt_dsn)
		return err_nomem(err);
	for (unsigned i = 0; o && i < n; i++)
		rcpt_dsn[i] = o->rcpt;
	s.message.dsn = o ? o->message : NULL;
	s.message.utf8_header = o && o->utf8_header;
	s.message.rcpt_dsn = rcpt_dsn;
	s.message.eight_bit = has_eight_bit(&s.message);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	s.loop = loop_new(err);
	if (!s.loop)
		goto out;
	if (loop_signal(s.loop, SIGINT, on_interrupt, &s) == 0)
		rc = submit(&s, err);
	else
		disk_err(err, "signals");
	loop_free(s.loop);
	sigprocmask(SIG_SETMASK, &mask, NULL);
out:
	free(rcpt_dsn);
	return rc;
}
