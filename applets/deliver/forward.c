/*
 * ~/.forward, in the grammar of aliases (mime/alias.h): who gets a user's mail
 * in his place. It is only read here. Addresses go back to queue, which makes
 * one message to all of them, each once; so do commands and files, by number,
 * and come here again as recipients of their own. Nothing that goes wrong with
 * one of them keeps the mail from another.
 */
#include "config.h"
#include "deliver/recipient.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/run.h"
#include "mime/addr.h"
#include "mime/alias.h"
#include "os/file.h"
#include "os/log.h"
#include "store/spool.h"
#include "store/submit.h"

#define QUEUE_SOCKET "queue.ctl"	/* below run-dir, while queue runs */
#define ID_TIME 11		/* digits of a message's id that are microseconds */

struct forward {
	const struct recipient *r;
	struct span domain;		/* of the recipient's address */
	struct str *out;
	unsigned n;			/* recipients in out, */
	unsigned targets;		/* and of these commands and files */
	unsigned wanted;		/* of them, 0: none; into: */
	struct alias_value *found;
	bool shell;			/* he may run commands */
	bool included;			/* it is more than one file */
	unsigned depth;
	size_t left;			/* octets that files may still have */
	const char *path;		/* of the file at hand, for the log */
};

/* -- who may run commands: as sendmail has it, those with a login shell -- */

static bool has_shell(const struct recipient *r)
{
	const struct passwd *pw = getpwnam(r->user.name);
	char shell[256];
	const char *known;
	bool found;

	if (r->m->box || !pw || str_copys(shell, sizeof(shell),
				*pw->pw_shell ? pw->pw_shell : "/bin/sh") < 0)
		return false;
	setusershell();
	do {
		known = getusershell();
		found = known && strcmp(known, shell) == 0;
	} while (known && !found);
	endusershell();
	return found;
}

/* -- values -- */

static void tell(const struct forward *f, const struct alias_list *l,
		const char *why)
{
	log_warn("%s:%u: %s", f->path, l->at, why);
}

/* Each once. */
static bool is_there(const struct forward *f, struct span address)
{
	struct span rest = str_span(f->out);

	while (rest.n)
		if (span_caseeq(span_cut(&rest, '\n'), address))
			return true;
	return false;
}

static void add(struct forward *f, struct span address)
{
	if (is_there(f, address))
		return;
	f->n++;
	str_add(f->out, address);
	str_addc(f->out, '\n');
}

/* His own name, with a detail or in another of our domains: his mailbox. */
static bool is_self(const struct forward *f, struct span local,
		struct span domain)
{
	const struct recipient *r = f->r;
	struct span own = span_of(r->m->user);

	if (!domain.n)
		domain = f->domain;
	if (r->m->box)
		return local.p + local.n + 1 == domain.p && addr_same(own,
				span_make(local.p, local.n + 1 + domain.n));
	return conf_is_local(r->conf, domain) && span_caseeq(local, own);
}

static void take_address(struct forward *f, const struct alias_value *v)
{
	struct addr a = addr_split(span_of(v->text));
	char whole[ALIAS_VALUE_SIZE + ADDR_MAX];
	bool alone = span_rfind(span_of(v->text), '@') == strlen(v->text);

	if (alone)
		a = (struct addr){ .local = span_of(v->text) };
	snprintf(whole, sizeof(whole), "%.*s@%.*s", SPAN_ARG(a.local),
			SPAN_ARG(alone ? f->domain : a.domain));
	a = addr_split(span_of(whole));
	if (is_self(f, a.local, a.domain) ||
			span_caseeq(span_of(whole), span_of(f->r->m->address)))
		add(f, span_of(f->r->m->address));
	else
		add(f, span_of(whole));
}

/* A command or file: its number. */
static const char *take_target(struct forward *f, const struct alias_value *v)
{
	struct str text;

	if (f->depth)
		return "a list has no commands and files";
	if (!f->shell)
		return "whoever has no shell has no commands and files";
	f->targets++;
	if (f->targets == f->wanted)
		*f->found = *v;
	str_init(&text, ADDR_MAX + ALIAS_NAME_SIZE);
	alias_put_own(&text, f->r->m->user, f->targets);
	str_addf(&text, "@%.*s", SPAN_ARG(f->domain));
	if (!text.bad)
		add(f, str_span(&text));
	str_free(&text);
	return NULL;
}

static int take_lines(struct forward *f, struct span text, struct err *err);

/* With his rights; what he may read he may mail. */
static int take_include(struct forward *f, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	const char *before = f->path;
	char piece[4096];
	struct str text;
	struct stat st;
	ssize_t n = -1;
	int rc = -1;

	str_init(&text, f->left);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (fd >= 0)
		while ((n = file_get(fd, piece, sizeof(piece))) > 0)
			str_add(&text, span_make(piece, (size_t)n));
	if (n < 0 || text.bad) {
		/* without it the list is not whole */
		err_set(err, ERR_TEMP, "%s: %s", path, text.bad ?
				"no memory for it, or too much of it" :
				strerror(errno));
	} else {
		f->path = path;
		f->included = true;
		f->depth++;
		f->left -= text.n;
		rc = take_lines(f, str_span(&text), err);
		f->depth--;
		f->path = before;
	}
	if (fd >= 0)
		close(fd);
	str_free(&text);
	return rc;
}

static int take_lines(struct forward *f, struct span text, struct err *err)
{
	struct alias_list l = { text, true, true, 1, 1 };
	struct alias_value v;
	const char *why;
	int rc;

	while ((rc = alias_value_next(&l, &v, &why)) != 0) {
		if (rc > 0)
			why = NULL;
		if (rc > 0 && (v.kind == ALIAS_COMMAND || v.kind == ALIAS_FILE))
			why = take_target(f, &v);
		else if (rc > 0 && v.kind != ALIAS_INCLUDE)
			take_address(f, &v);
		else if (rc > 0 && f->depth >= FORWARD_DEPTH_MOST)
			why = "included too deep";
		else if (rc > 0 && take_include(f, v.text, err) < 0)
			return -1;
		if (why)
			tell(f, &l, why);
	}
	return 0;
}

/* 1, 0 and -1 as forward_read. */
static int read_all(struct forward *f, struct err *err)
{
	char path[600];
	struct str text;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", f->r->folder,
			f->r->m->box ? "forward" : ".forward");
	f->path = path;
	f->left = FORWARD_FILE_MOST;
	f->domain = addr_split(span_of(f->r->m->address)).domain;
	str_init(&text, FORWARD_FILE_MOST);
	rc = recipient_file(f->r, ".forward", &text, err);
	f->shell = rc > 0 && has_shell(f->r);
	if (rc > 0 && recipient_enter(f->r, err) < 0)
		rc = -1;
	if (rc > 0) {
		rc = take_lines(f, str_span(&text), err) < 0 ? -1 : 1;
		recipient_leave(f->r);
	}
	str_free(&text);
	if (rc > 0 && (f->n > FORWARD_MOST || f->out->bad)) {
		log_warn("%s is not used: it leads to more than %d recipients",
				path, FORWARD_MOST);
		rc = 0;
	}
	f->path = NULL;
	return rc > 0 ? f->n > 0 : rc;
}

int forward_read(const struct recipient *r, struct str *out, struct err *err)
{
	struct forward f = { .r = r, .out = out };
	int rc = read_all(&f, err);

	/* himself alone is no forwarding */
	if (rc > 0 && f.n == 1 && is_there(&f, span_of(r->m->address)))
		rc = 0;
	if (rc <= 0)
		str_clear(out);
	return rc;
}

/* -- mail that came back, or from elsewhere -- */

/* Not touched since the message came in, as its id says (spool_draft.c). */
static bool is_unchanged(const struct recipient *r)
{
	char path[600], at[ID_TIME + 1] = "";
	struct err err;
	struct stat st;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", r->folder, r->m->box ?
			"forward" : ".forward");
	if (recipient_enter(r, &err) < 0)
		return false;
	rc = lstat(path, &st);
	recipient_leave(r);
	if (rc < 0)
		return false;
	spool_id_put(at, ID_TIME, (uint64_t)st.st_ctime * 1000000 + 999999);
	return r->m->key && strncmp(at, r->m->key, ID_TIME) < 0;
}

bool forward_kept(const struct recipient *r)
{
	struct str out;
	struct forward f = { .r = r, .out = &out };
	struct err err;
	bool kept;

	str_init(&out, SYSTEM_FORWARD_MOST - 1);
	kept = read_all(&f, &err) > 0 && !f.included &&
		is_there(&f, span_of(r->m->address)) && is_unchanged(r);
	str_free(&out);
	return kept;
}

/*
 * Who hands an account's mail to us has followed its .forward before, if it
 * does that at all (Postfix's and sendmail's local delivery); of a virtual
 * user's nobody else knows.
 */
static bool is_ours_to_follow(const struct recipient *r)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/" QUEUE_SOCKET, r->conf->run_dir);
	if (r->m->box && access(path, F_OK) == 0)
		return true;
	log_info("%s: forward is not followed: the mail is not from queue%s",
			r->m->user, r->m->box ? ", which does not run" : "");
	return false;
}

int forward_elsewhere(const struct recipient *r, struct err *err)
{
	const struct system_mail *m = r->m;
	struct str out;
	int rc;

	str_init(&out, SYSTEM_FORWARD_MOST - 1);
	rc = forward_read(r, &out, err);
	str_free(&out);
	if (rc <= 0)
		return rc;
	if (!is_ours_to_follow(r))
		return 0;
	if (system_become_whole(&r->user, err) < 0 || submit_message(r->conf,
				m->sender, &m->address, 1, m->fd, m->start,
				(uint64_t)m->length, NULL, err) < 0) {
		err->kind = ERR_TEMP;
		return -1;
	}
	log_info("%s: queue has it, to follow forward", m->user);
	return 1;
}

/* -- commands and files, each a recipient -- */

/* "vacation [-a ALIAS] ... USER", as ever: ours, when it has no path. */
static bool is_vacation(const char *command, struct str *more)
{
	struct span rest = span_of(command), word = span_word(&rest);

	if (!CFG_DELIVER_VACATION || !span_eq(word, SPAN("vacation")))
		return false;
	while ((word = span_word(&rest)).n) {
		if (!span_starts(word, "-a"))
			continue;
		word = word.n > 2 ? span_rest(word, 2) : span_word(&rest);
		str_add(more, word);
		str_addc(more, ' ');
	}
	return true;
}

static int to_command(const struct recipient *r, const char *command,
		struct err *err)
{
	char whose[ALIAS_NAME_SIZE + 16];
	struct run_command c = {
		.command = command, .whose = whose, .user = r->user.name,
		.home = r->user.home, .folder = r->user.home,
		.local = span_of(r->m->user), .timeout = r->conf->alias_timeout,
		.domain = addr_split(span_of(r->m->address)).domain
	};
	struct str more;
	bool vacation;

	str_init(&more, 1024);
	vacation = is_vacation(command, &more);
	if (vacation && CFG_DELIVER_VACATION)
		vacation_answer(r, ".vacation.msg", str_span(&more));
	str_free(&more);
	if (vacation)
		return 0;
	snprintf(whose, sizeof(whose), ".forward of %s", r->user.name);
	return run_command(&c, r->m, err);
}

/* It was taken out of .forward meanwhile: then his mailbox has it. */
static int to_mailbox(const struct recipient *r, int mbox_dir,
		const struct system_mail *m, bool *before, struct err *err)
{
	log_info("%s has no such command or file in .forward any more",
			m->user);
	if (system_become(mbox_dir, &r->user, err) < 0)
		return -1;
	return system_mail_append(mbox_dir, m->user, false, m, before, err);
}

static int follow(struct recipient *r, unsigned n, int mbox_dir,
		struct recipient_end *end, struct err *err)
{
	struct alias_value v = { .kind = ALIAS_ADDRESS };
	struct str out;
	struct forward f = { .r = r, .out = &out, .wanted = n, .found = &v };
	int rc;

	str_init(&out, SYSTEM_FORWARD_MOST - 1);
	rc = read_all(&f, err);
	str_free(&out);
	if (rc >= 0 && (!rc || !*v.text))
		return to_mailbox(r, mbox_dir, r->m, &end->before, err);
	if (rc > 0)
		rc = recipient_become(r, err);
	if (rc == 0 && v.kind == ALIAS_COMMAND) {
		rc = to_command(r, v.text, err);
		end->final = true;
		return rc;
	}
	return rc < 0 ? -1 : alias_to_file(v.text, r->m, &end->before, err);
}

bool recipient_is_target(const struct system_mail *m)
{
	char user[ALIAS_NAME_SIZE];
	unsigned n;

	return alias_get_own(span_before(span_of(m->user), '@'), user, &n);
}

int recipient_target(const struct conf *conf, int mbox_dir,
		const struct system_mail *m, struct recipient_end *end,
		struct err *err)
{
	struct addr a = addr_split(span_of(m->user));
	char user[ALIAS_NAME_SIZE], address[ADDR_MAX + ALIAS_NAME_SIZE];
	struct system_mail own = *m;
	struct recipient r;
	unsigned n;
	int rc;

	if (!alias_get_own(a.local, user, &n))
		return err_set(err, ERR_TEMP, "no such target");
	snprintf(address, sizeof(address), "%s@%.*s", user, SPAN_ARG(a.domain));
	own.user = user;
	own.address = address;
	rc = recipient_init(&r, conf, &own, err);
	if (rc == 0)
		rc = follow(&r, n, mbox_dir, end, err);
	/*
	 * an account or a file can be put right; what a command says may be
	 * final
	 */
	if (rc < 0 && err->kind == ERR_PERM && !end->final)
		err->kind = ERR_TEMP;
	recipient_free(&r);
	return rc;
}
