/* setup - the questions of mailconf --setup, and what becomes of the answers */
#ifndef MAILCONF_SETUP_H
#define MAILCONF_SETUP_H

#include "base/err.h"
#include "base/str.h"
#include "mailconf/console.h"
#include "mailconf/self.h"
#include "os/conf.h"

/* In the order they are asked; also the keys of a file of answers. */
enum setup_field {
	SETUP_KIND, SETUP_HOST, SETUP_USERS, SETUP_ACCOUNT, SETUP_SERVER,
	SETUP_PASSWORD, SETUP_ALERTS, SETUP_FIELDS
};
/* What the machine is for; bits, as fields belong to some of them. */
enum { SETUP_PROVIDER = 1, SETUP_DIRECT = 2, SETUP_BOTH = 4 };

#define SETUP_VALUE 512
#define SETUP_FILE_MOST (256 * 1024)

struct setup {
	struct console console;
	const char *path;		/* of the configuration */
	const char *answers;		/* a file of them; NULL: a person is asked */
	bool no_check;
	bool fresh;			/* there is no configuration yet */
	bool uci;			/* OpenWrt: it is made from UCI's */
	struct conf *conf;		/* as it is */
	struct self_net net;
	unsigned kind;			/* SETUP_ */
	char value[SETUP_FIELDS][SETUP_VALUE];
	bool given[SETUP_FIELDS];	/* in the file */
	char password_file[SETUP_VALUE];	/* key password-file of it */
	char secret[SETUP_VALUE];	/* where the password is to be */
	char users[SETUP_VALUE];	/* those there are */
	char line[1024];		/* of the smarthost: HOST:PORT MODE ... */
};

/* ---- setup_ask.c: all that belongs to this kind of set-up, asked or read. */
/* 0; -1: no more answers, or a wrong one of the file, which it says. */
int setup_ask(struct setup *s);

/* ---- setup_answers.c */
/* 0; -1 with err "FILE:LINE: ...". */
int setup_read_answers(struct setup *s, const char *path, struct err *err);
/* The whole of that but the reading; text is overwritten by nobody. */
int setup_parse_answers(struct setup *s, const char *path, struct span text,
		struct err *err);
const char *setup_key(enum setup_field f);

/* ---- setup_preset.c: what is there already, what is likely */
void setup_presets(struct setup *s);
/* HOST:PORT of who takes mail of that address's domain; "" nobody knows. */
void setup_find_server(struct setup *s, const char *account,
		char out[SETUP_VALUE]);
/* The smarthost that a new one takes the place of; or NULL. */
const struct conf_smarthost *setup_smarthost(const struct setup *s);
/* Is it for all senders: no from= in what follows `smarthost`? */
bool setup_is_plain_smarthost(struct span rest);

/* How root's mail is sent on here: an alias, a line of masquerade. */
enum setup_root { SETUP_ROOT_NOT, SETUP_ROOT_ALIAS, SETUP_ROOT_MASQUERADE };
enum setup_root setup_root(const struct setup *s);

/* ---- setup_check.c: an answer by itself. NULL: it is right; else what is not. */
const char *setup_check(struct setup *s, enum setup_field f);

/* ---- setup_probe.c: is the provider there, does it let us in? */
enum setup_probe { PROBE_GOOD, PROBE_SERVER, PROBE_LOGIN, PROBE_STOPPED };
/* Tells what it finds; secret: a file with the password, or -1: no login. */
enum setup_probe setup_probe(struct setup *s, int secret);

/* ---- setup_write.c */
/* All files or none; tells which. 0 or -1 with err. */
int setup_write(struct setup *s, struct err *err);
/* Is the user among those of a list of words? */
bool setup_has_user(const char *users, struct span user);

/* ---- setup_send.c: a message on its way, and where it is. The exit status. */
int setup_send(struct setup *s);

#endif
