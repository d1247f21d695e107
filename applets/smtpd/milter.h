/* milter - what the files of the mail filters' glue share */
#ifndef SMTPD_MILTER_H
#define SMTPD_MILTER_H

#include "net/milter.h"
#include "smtpd/milter_header.h"
#include "smtpd/smtpd.h"

struct smtpd_milters;

/* A refusal that stays. */
struct smtpd_milter_refusal {
	int code;
	char enhanced[12], text[512];
};

/* One filter as one session knows it. */
struct smtpd_filter {
	struct smtpd_milters *all;
	const struct conf_milter *conf;
	int dir;			/* of unix:; see smtpd_milter_paths */
	struct milter *m;		/* NULL: not connected */
	bool open;			/* ... and negotiated */
	bool connected, greeted;	/* was told CONNECT, HELO */
	bool told;			/* the command of this stage */
	bool in_message;		/* from MAIL to the end's answer */
	bool passed;			/* this message: no more of it */
	bool over;			/* this session: likewise */
	struct smtpd_milter_refusal *refusal;	/* of all messages; or NULL */
	bool refused_hello;		/* ... up to the next HELO */
};

/* A message between its end and its commit. */
struct smtpd_milter_message {
	struct milter_header header;
	enum milter_stage phase;	/* what the filter at hand is told next */
	unsigned field;			/* MILTER_HEADER: this one */
	uint64_t at;			/* MILTER_BODY: in the body */
	size_t chunk;			/* octets of the packet still to go */
	bool skip;			/* the filter has seen enough */
	struct spool_draft *body;	/* in place of the draft's; NULL */
	struct spool_draft *new_body;	/* ... while it comes */
	bool changed;
	char *held;			/* quarantine's reason; NULL */
	struct err err;			/* a change that failed */
	struct spool_draft *copy;	/* the message anew */
	struct loop_task task;		/* ... in pieces */
};

struct smtpd_milters {
	struct smtpd_session *x;
	struct smtpd_filter filters[CONF_MILTERS_MOST];
	unsigned n, at;			/* at: the one that is asked */
	enum milter_stage stage;
	bool running;			/* a stage is open: we owe an answer */
	bool late;			/* its time is over */
	struct loop_timer deadline;
	char *hello;			/* what the filters know */
	bool tls;
	bool discard;			/* the message is taken and dropped */
	struct smtpd_milter_message message;
};

/* -- milter.c -- */
/* Tells every filter in turn; then the stage is over. */
void smtpd_milter_run(struct smtpd_milters *a);
/* Legal answers at any stage but "continue"; false: a may be gone. */
bool smtpd_milter_judge(struct smtpd_filter *f, const struct milter_reply *r);
void smtpd_milter_refuse(struct smtpd_filter *f, int code,
		const char *enhanced, const char *text);
/* The stage is no longer open. */
void smtpd_milter_stop(struct smtpd_milters *a);
/* It is of no use any more: its default answers for it. */
void smtpd_milter_failed(struct smtpd_filter *f, const char *why);

/* -- milter_macro.c -- */
/* milter_macros' value; arg: a struct smtpd_session. */
void smtpd_milter_macro(void *arg, struct span name, struct str *out);
/* An address as a path, in <>. */
void smtpd_milter_path(struct str *out, const char *address);
/* The peer's address alone; "" for unix sockets. */
void smtpd_milter_address(const struct smtpd_session *x, char out[64],
		unsigned *port, char *family);

/* -- milter_message.c -- */
/* MILTER_END: the message to the filters, from a->at on. */
void smtpd_milter_feed(struct smtpd_milters *a);
void smtpd_milter_fed(struct smtpd_filter *f, const struct milter_reply *r);
/* All have seen it, or it is discarded: commits, drops or refuses. */
void smtpd_milter_finish(struct smtpd_milters *a);
/* The filter is not asked on: nothing half done stays. */
void smtpd_milter_next(struct smtpd_milters *a);
void smtpd_milter_message_free(struct smtpd_milters *a);

/* -- milter_change.c -- */
void smtpd_milter_change(struct smtpd_filter *f, const struct milter_reply *r);

#endif
