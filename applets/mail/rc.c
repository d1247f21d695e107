#include "mail/rc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config.h"
#include "mail/args.h"
#include "mail/command.h"
#include "mail/input.h"
#include "mail/var.h"

#define DEPTH_MOST 16		/* commands that run commands */
#define IF_MOST 32		/* bits of m->if_skips */
#define RC_MOST 1000000		/* octets of one file */

struct mail_rc {
	const char *path;
	int fd;			/* -1: it ended */
	unsigned at, n;		/* in data */
	unsigned done;		/* octets before it */
	char data[512];
};

/* ---- conditions */

bool mail_rc_skips(const struct mail *m)
{
	return m->if_skips;
}

/* s: sending, r: reading (POSIX); t: on a terminal. -1: none of them. */
static int ask(struct mail *m)
{
	size_t which = m->arg.n ? span_find(SPAN("srt"),
			ascii_lower(m->arg.p[0])) : 3;
	signed char is[4] = { m->sending, !m->sending, m->term.tty_in, -1 };

	return CFG_MAIL_NAIL ? mail_condition(m, m->arg) : is[which];
}

/* The condition of this level, whose bit is not yet set in if_skips. */
static int decide(struct mail *m, uint32_t bit)
{
	/* inside of what is left out nobody asks */
	int is = m->if_skips ? 0 : ask(m);

	if (is < 0)
		m->if_bad |= bit;
	if (is != 1)
		m->if_skips |= bit;
	return is < 0 ? mail_tell(m, T("if knows s, r and t")) : 0;
}

int mail_do_if(struct mail *m)
{
	if (m->if_depth == IF_MOST)
		return mail_tell(m, T("Too many ifs in each other"));
	return decide(m, UINT32_C(1) << m->if_depth++);
}

/* After an arm that ran, or that made no sense, no other one does. */
int mail_do_elif(struct mail *m)
{
	uint32_t bit;

	if (!m->if_depth)
		return mail_tell(m, T("There is no if"));
	bit = UINT32_C(1) << (m->if_depth - 1);
	if (!(m->if_skips & bit))
		m->if_bad |= bit;
	m->if_skips |= bit;
	if (m->if_bad & bit)
		return 0;
	m->if_skips &= ~bit;
	return decide(m, bit);
}

int mail_do_else(struct mail *m)
{
	if (!m->if_depth)
		return mail_tell(m, T("There is no if"));
	/* a condition that makes no sense is neither true nor false */
	m->if_skips ^= UINT32_C(1) << (m->if_depth - 1) & ~m->if_bad;
	return 0;
}

int mail_do_endif(struct mail *m)
{
	if (!m->if_depth)
		return mail_tell(m, T("There is no if"));
	m->if_depth--;
	m->if_skips &= ~(UINT32_C(1) << m->if_depth);
	m->if_bad &= ~(UINT32_C(1) << m->if_depth);
	return 0;
}

/* ---- commands inside commands */

bool mail_rc_enter(struct mail *m)
{
	m->too_deep = m->depth == DEPTH_MOST;
	m->depth += !m->too_deep;
	return !m->too_deep;
}

void mail_rc_leave(struct mail *m)
{
	if (--m->depth == 0)
		m->too_deep = false;
}

/* ---- files */

/* What is wrong is told here, and ends the file. */
static bool fill(struct mail *m, struct mail_rc *f)
{
	ssize_t n = f->fd < 0 ? 0 :
			mail_input_read(m, f->fd, f->data, sizeof(f->data));

	f->done += f->n;
	f->at = 0;
	f->n = n > 0 && f->done < RC_MOST ? (unsigned)n : 0;
	if (n && !f->n)
		mail_term_error(&m->term, "mail: %s: %s", f->path,
				strerror(n < 0 ? errno : EFBIG));
	if (!f->n && f->fd >= 0) {
		close(f->fd);
		f->fd = -1;
	}
	return f->n;
}

/* One line without its line feed; false: there is none. What is too long is cut. */
static bool get_line(struct mail *m, struct str *line)
{
	struct mail_rc *f = m->input;
	unsigned had = f->done + f->at;

	str_clear(line);
	while (f->at < f->n || fill(m, f)) {
		char c = f->data[f->at++];

		if (c == '\n')
			return true;
		if (line->n < line->cap)
			str_addc(line, c);
	}
	return f->done + f->at > had;
}

bool mail_rc_line(struct mail *m, struct str *line)
{
	struct str more;
	bool got = get_line(m, line);

	m->line++;
	str_init(&more, MAIL_LINE_MOST);
	while (got && mail_line_goes_on(line) && get_line(m, &more)) {
		m->line++;
		str_add(line, str_span(&more));
	}
	str_free(&more);
	return got;
}

int mail_rc_unknown(struct mail *m, struct span name, struct span rest)
{
	struct str line;

	if (!m->input)
		return mail_help_unknown(m, name);
	str_init(&line, MAIL_LINE_MOST);
	while (span_ends(rest, "{") && mail_rc_line(m, &line) &&
			!span_is(span_trim(str_span(&line)), "}"))
		;
	str_free(&line);
	if (mail_var_listed(m, MAIL_VAR_TOLD, name))
		return 0;
	mail_var_list(m, MAIL_VAR_TOLD, name, SPAN(""));
	return mail_help_unknown(m, name);
}

static int run_lines(struct mail *m, const char *path)
{
	unsigned depth = m->if_depth;
	struct str line;
	int rc = 0;

	str_init(&line, MAIL_LINE_MOST);
	while (!m->done && !m->too_deep && mail_rc_line(m, &line)) {
		struct span text = span_trim(str_span(&line));
		unsigned n = m->line;

		if (!text.n || mail_command_run(m, text) == 0)
			continue;
		mail_term_error(&m->term, T("mail: this is in %s, line %u"),
				path, n);
		rc = -1;
	}
	while (m->if_depth > depth)
		rc = mail_do_endif(m);
	str_free(&line);
	return rc;
}

/* must: it is an error when there is none. */
static int run_file(struct mail *m, const char *path, bool must)
{
	struct mail_rc f = { .path = path, .fd = -1 }, *before = m->input;
	unsigned line = m->line;
	int rc;

	if (mail_rc_enter(m)) {
		f.fd = mail_input_open(path);
		if (f.fd < 0)
			mail_rc_leave(m);
	} else {
		errno = ELOOP;
	}
	if (f.fd < 0 && !must && errno == ENOENT)
		return 0;
	if (f.fd < 0) {
		mail_errno(m, path);
		return mail_failed(m);
	}
	m->input = &f;
	m->line = 0;
	rc = run_lines(m, path);
	m->line = line;
	m->input = before;
	mail_rc_leave(m);
	if (f.fd >= 0)
		close(f.fd);
	return rc;
}

int mail_do_source(struct mail *m)
{
	char path[PATH_MAX];
	struct span rest = m->arg, name = mail_arg(&rest);

	if (!name.n || rest.n)
		return mail_tell(m, T("source needs the name of a file"));
	if (mail_path(m, name, path) < 0)
		return mail_failed(m);
	return run_file(m, path, true);
}

/* ---- the start */

static void import(struct mail *m)
{
	static const char names[][8] = {
		"DEAD", "EDITOR", "MBOX", "LISTER", "PAGER", "SHELL", "VISUAL"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		mail_var_set(m, span_of(names[i]), span_of(getenv(names[i])));
}

void mail_rc_defaults(struct mail *m, bool bare)
{
	mail_var_defaults(m);
	/* what a system's file might say, where there is none */
	if (!bare) {
		mail_var_set(m, SPAN("folder"), SPAN("mail"));
		mail_var_set(m, SPAN("dot"), SPAN(""));
		mail_var_set(m, SPAN("indentprefix"), SPAN("> "));
	}
	import(m);
}

void mail_rc_start(struct mail *m, bool bare)
{
	const char *own = getenv("MAILRC");
	char path[PATH_MAX];

	m->starting = true;
	if (!bare)
		run_file(m, m->conf->mail_rc, false);
	if (mail_path_given(m, own && *own ? span_of(own) : SPAN("~/.mailrc"),
			path) == 0)
		run_file(m, path, false);
	m->starting = false;
}
