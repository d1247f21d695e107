/* self - what setup and doctor ask others for: applets of this binary, the DNS */
#ifndef MAILCONF_SELF_H
#define MAILCONF_SELF_H

#include <stdbool.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/dns.h"
#include "net/mx.h"
#include "os/conf.h"

/* A nameless file of mode 0600 that has this text, read from its start; or -1. */
int self_file(struct span text, struct err *err);

#define SELF_INTERRUPTED (-2)
/*
 * Runs an applet of this binary, argv[0] its name, and waits. in: its standard
 * input, -1 for none; what it says on 1 and 2 is appended to out. Its exit
 * status; -1 with err; SELF_INTERRUPTED: signals, a signalfd (-1: none), had
 * one, and it was ended.
 */
int self_run(const char *const argv[], int in, int signals, struct str *out,
		struct err *err);
/* The same with another program. */
int self_command(const char *path, const char *const argv[], int in,
		int signals, struct str *out, struct err *err);
#define SELF_FD_0 "/proc/self/fd/0"	/* for who wants a file's name */

/* ---- one question after the other; blocks, dns-timeout each */
struct self_net {
	struct loop *loop;
	struct dns *dns;
	struct arena *arena;		/* of the answer, until the next question */
	struct dns_answer answer;
	struct mx_target targets[MX_TARGETS];
	unsigned ntargets;
	struct smtp_result why;
};

int self_net_open(struct self_net *n, const struct conf *conf,
		struct err *err);
void self_net_close(struct self_net *n);
/* n->answer, which is also given back. Its records stay until the next one. */
const struct dns_answer *self_ask(struct self_net *n, const char *name,
		enum dns_type type);
const struct dns_answer *self_ask_ptr(struct self_net *n,
		const struct sockaddr *addr);
/* Into targets, ntargets; with none why says it. */
void self_find(struct self_net *n, const char *name, unsigned port,
		bool exchangers);

/* ---- serverinfo.c: smtp --serverinfo */
#define SERVER_HASHES 2			/* of the certificate, of its key */
#define SERVER_HASH 65			/* in hex, with NUL */
struct server_view {
	bool good;
	bool cannot_login;		/* all but that */
	char line[1024];		/* "HOST:PORT MODE [fingerprint=...]" */
	char error[512], cause[256];	/* why not; "" not known */
	char fault[128];		/* of its certificate; "" none, or no certificate */
	char hash[SERVER_HASHES][SERVER_HASH];	/* "": none */
	unsigned days;			/* that is still good, UINT_MAX: not known */
};
/*
 * Asks a server what it can. where: HOST[:PORT]; mode: "tls" ..., NULL: by the
 * port; user NULL: without a login; secret: a file with the password, read
 * from its start. 0; -1 with err; SELF_INTERRUPTED.
 */
struct server_question {
	const char *conf, *domain, *where, *mode, *user;
	bool no_verify;
	int secret;
	int signals;			/* as self_run */
};
int server_look(const struct server_question *q, struct server_view *v,
		struct err *err);

#endif
