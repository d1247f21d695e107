/* ask - what DNS is asked about a stranger, and what became of it */
#ifndef SMTPD_ASK_H
#define SMTPD_ASK_H

#include "net/dns.h"
#include "smtpd/smtpd.h"

/* 16 lists and a text; a HELO name twice; a PTR and the names it gives */
#define SMTPD_QUESTIONS 24

struct smtpd_ask;

struct smtpd_question {
	struct smtpd_ask *ask;
	struct dns_query *query;	/* NULL: answered */
	void (*answered)(struct smtpd_question *q,
			const struct dns_answer *answer);
	void *about;			/* the asker's own */
};

/* What is known of something that DNS has to confirm. */
struct smtpd_finding {
	bool asked, good, failed;	/* failed: a part was not answered */
};

/* Lives from the first MAIL of a connection until all is known. */
struct smtpd_ask {
	struct smtpd_session *x;
	struct loop_timer deadline;
	unsigned n, open;		/* questions asked, not answered */
	struct smtpd_finding hello, reverse;
	const char *own;		/* HELO is ours: what it is */
	/* dnsbl.c's */
	bool cached, doubtful, text_asked;
	int sum;
	const struct conf_dnsbl *worst;
	uint32_t ttl;
	char *text;			/* of the list; NULL: none */
	struct smtpd_question questions[SMTPD_QUESTIONS];
};

/*
 * answered comes once, from the loop; at once, with DNS_FAIL, when there is no
 * memory or too much is being asked.
 */
void smtpd_question(struct smtpd_ask *a, struct span name, enum dns_type type,
		void (*answered)(struct smtpd_question *q,
			const struct dns_answer *answer), void *about);
/*
 * The answer to all RCPTs of this connection but postmaster's; the first one
 * counts. note_only: it is only logged.
 */
void smtpd_ask_refuse(struct smtpd_ask *a, bool note_only, int code,
		const char *enhanced, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* dnsbl.c */
void smtpd_dnsbl_ask(struct smtpd_ask *a);
/* True: now it asks for the list's text. */
bool smtpd_dnsbl_more(struct smtpd_ask *a);
void smtpd_dnsbl_judge(struct smtpd_ask *a);
int smtpd_dnsbl_start(struct smtpd *m);	/* self-tests; -1: no memory */
void smtpd_dnsbl_stop(struct smtpd *m);

/* check.c */
void smtpd_check_ask(struct smtpd_ask *a);
void smtpd_check_judge(struct smtpd_ask *a);

#endif
