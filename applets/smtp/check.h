/* check - what smtp --check finds out of a server, port by port */
#ifndef SMTP_CHECK_H
#define SMTP_CHECK_H

#include "base/str.h"
#include "net/proof.h"
#include "smtp.h"

#define CHECK_PORTS 3
#define CHECK_LINES 32			/* of an EHLO reply */
#define CHECK_LINE 160
#define CHECK_ADDRESSES 8
#define CHECK_ADDRESS 64

/* An EHLO reply: what is offered. */
struct check_offers {
	unsigned n;
	char line[CHECK_LINES][CHECK_LINE];
};

/* How far it went. */
enum check_stage {
	CHECK_CONNECT, CHECK_GREETING, CHECK_EHLO, CHECK_STARTTLS, CHECK_TLS,
	CHECK_EHLO_TLS, CHECK_LOGIN, CHECK_DONE
};

struct check_port {
	unsigned port;
	enum conf_tls tls;		/* TLS: from the start; else STARTTLS if offered */
	enum check_stage stage;
	char address[CHECK_ADDRESS];	/* that answered, or was tried last */
	int64_t connect_ms, greeting_ms, tls_ms;	/* -1: not so far */
	char greeting[CHECK_LINE];
	struct check_offers plain, secure;
	bool starttls;			/* is offered */
	char tls_text[128];		/* "TLSv1.3 with CIPHER"; "" none */
	bool has_cert;
	struct tls_shown cert;
	struct smtp_result why;		/* kind ERR_NONE: nothing went wrong */
	bool login_tried, login;
	bool dane_asked, dane_fits;
	enum dane_status dane;
	struct tls_pins *pins;		/* of DANE_PINS; or NULL */
};

struct check {
	struct smtp_job *job;
	const struct smtp_options *o;
	const char *host;
	struct loop *loop;
	struct tls_ctx *tls;
	bool no_bundle;
	bool starttls;			/* was asked for by name */
	char address[CHECK_ADDRESSES][CHECK_ADDRESS];
	struct mx_target targets[MX_TARGETS];
	unsigned ntargets;
	struct smtp_result why;		/* there is no address */
	/* as a domain: who takes its mail, and what its policy says of them */
	unsigned nmx;
	char mx[MX_HOSTS][256];
	struct sts_env sts_env;
	struct sts_cache *sts;
	struct sts_kept *policy;	/* NULL: none */
	char no_policy[160];		/* why it counts for nothing */
	unsigned waiting;		/* look-ups */
	struct check_port port[CHECK_PORTS];
	unsigned nports;
};

/* ---- check_probe.c: until the server has told all, or it breaks. */
void check_probe(struct check *c, struct check_port *p);
/* With the relay's user and password, as `queue` would log in. */
void check_login(struct check *c, struct check_port *p);

/* ---- check_proof.c (SMTP_CHECK_PROOF) */
/* Its MX and MTA-STS policy. */
void check_domain(struct check *c, struct dns *dns);
/* Its policy is not for this host of its MX. */
bool check_unnamed(const struct check *c, unsigned mx);
/* TLSA records of a port; before check_probe, which compares. */
void check_dane(struct check *c, struct check_port *p, struct dns *dns);
void check_forget(struct check *c);
void check_print_domain(const struct check *c);
void check_print_dane(const struct check_port *p);

/* ---- check.c */
/* The value of an EHLO keyword; false: it is not offered. */
bool check_offer(const struct check_offers *o, const char *name,
		struct span *value);
/* What counts: behind TLS, if there was any. */
const struct check_offers *check_best(const struct check_port *p);
/* It can be used as a smarthost. */
bool check_good(const struct check_port *p);
/* The one for the smarthost line; NULL: none. */
const struct check_port *check_choice(const struct check *c);
/* The likely cause in plain words; NULL: nothing to add. */
const char *check_cause(const struct check *c, const struct check_port *p);
/* "smarthost HOST:PORT tls user=... password-file=..." */
void check_line(const struct check *c, struct str *out);

/* ---- check_print.c, check_json.c: onto stdout */
void check_print(const struct check *c);
void check_json(const struct check *c);

#endif
