/* The ~ escapes (POSIX mailx, "Command Escapes"), and some of s-nail's. */
#include "mail/escape.h"

#include "config.h"
#include "mail/escape_private.h"
#include "mail/quote.h"
#include "mail/show.h"
#include "mail/var.h"
#include "os/text.h"

#define EOF_MOST 25		/* with ignoreeof: then the terminal is gone */

/* ---- the table */

static int do_help(struct mail_escape *w);

static const struct escape {
	char letter;
	unsigned char how;
	/* no gap before it */
	int (*run)(struct mail_escape *w) __attribute__((packed, aligned(2)));
} escapes[] = {
	{ 't', MAIL_TO, mail_escape_do_address },
	{ 'c', MAIL_CC, mail_escape_do_address },
	{ 'b', MAIL_BCC, mail_escape_do_address },
	{ 's', 0, mail_escape_do_subject },
	{ 'h', 0, mail_escape_do_header },
	{ 'p', 0, mail_escape_do_print },
	{ 'r', 0, mail_escape_do_read },
	{ '<', 0, mail_escape_do_read },
	{ 'd', 0, mail_escape_do_dead },
	{ 'm', MAIL_QUOTE_INDENT, mail_escape_do_quote },
	{ 'M', MAIL_QUOTE_INDENT | MAIL_SHOW_ALL, mail_escape_do_quote },
	{ 'f', 0, mail_escape_do_quote },
	{ 'F', MAIL_SHOW_ALL, mail_escape_do_quote },
	USE_MAIL_NAIL({ 'u', MAIL_SHOW_BODY, mail_escape_do_quote },)
	USE_MAIL_NAIL({ 'U', MAIL_SHOW_BODY | MAIL_QUOTE_INDENT,
		mail_escape_do_quote },)
	{ 'i', 0, mail_escape_do_variable },
	{ 'a', 's', mail_escape_do_variable },
	{ 'A', 'S', mail_escape_do_variable },
	{ 'w', 0, mail_escape_do_write },
	{ 'e', 'e', mail_escape_do_edit },
	{ 'v', 'v', mail_escape_do_edit },
	{ '|', 0, mail_escape_do_filter },
	{ '!', 0, mail_escape_do_shell },
	{ ':', 0, mail_escape_do_command },
	{ '_', 0, mail_escape_do_command },
	{ '@', 0, CFG_MAIL_ATTACH ? mail_escape_do_attach : NULL },
	{ '?', 0, do_help }
};

static const char help[] = N_(
	"~. send   ~q give up   ~x give up and keep no dead.letter   "
	"~p show it\n"
	"~t ~c ~b ADDRESS  more recipients: to, cc, bcc   ~s SUBJECT   "
	"~h change them\n"
	"~r FILE  ~r !COMMAND  ~d  insert a file, an output, dead.letter\n"
	"~m LIST  ~f LIST  insert messages, indented or not (~M ~F: all "
	"fields)\n"
	"~a ~A ~i VARIABLE  insert the variable sign, Sign or another\n"
	"~e ~v  edit it with EDITOR or VISUAL   ~| COMMAND  filter it   "
	"~w FILE  write it\n"
	"~! COMMAND  run it   ~: COMMAND  a command of mail   "
	"~~  a line that begins with ~\n");

static int do_help(struct mail_escape *w)
{
	mail_term_printf(&w->m->term, "%s", T(help));
	if (CFG_MAIL_ATTACH)
		mail_term_printf(&w->m->term, "%s\n", T("~@ FILE  attach it, "
				"~@  list what is, ~@ -1  take the first away"));
	return 0;
}

static enum mail_written run(struct mail *m, struct mail_draft *d,
		struct span text)
{
	struct mail_escape w = { .m = m, .d = d };
	char c = text.n ? text.p[0] : '?';
	size_t end = span_find(SPAN(".qx"), c);	/* in the enum's order */

	if (end < 3)
		return (enum mail_written)(MAIL_SEND + end);
	w.arg = span_trim(span_rest(text, 1));
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		if (escapes[i].letter != c || !escapes[i].run)
			continue;
		w.how = escapes[i].how;
		if (escapes[i].run(&w) < 0)
			mail_failed(m);
		return MAIL_GO_ON;
	}
	mail_term_error(&m->term, T("Unknown escape: ~%c (~? lists them)"), c);
	return MAIL_GO_ON;
}

/* ---- reading it in */

static enum mail_written add(struct mail *m, struct mail_draft *d,
		struct span text)
{
	if (mail_draft_add(d, text) == 0)
		return MAIL_GO_ON;
	mail_failed(m);
	return MAIL_GIVE_UP;
}

/* A line of text, a dot, an escape. */
static enum mail_written take_line(struct mail *m, struct mail_draft *d,
		struct str *line)
{
	const char *escape = mail_var(m, "escape");
	struct span text = str_span(line);
	char c = escape ? *escape : '~';	/* NUL: there are none */

	if (m->term.pasted)	/* text, whatever it looks like */
		c = '\0';
	else if (span_is(text, ".") && (mail_var(m, "dot") ||
			mail_var(m, "ignoreeof")))
		return MAIL_SEND;
	if (c && text.n && text.p[0] == c) {
		text = span_rest(text, 1);
		if (!text.n || text.p[0] != c)
			return run(m, d, text);
		str_cut(line, 1);
	}
	if (!m->term.partial)
		str_addc(line, '\n');
	return add(m, d, str_span(line));
}

/* ^C once warns, twice gives up; with `ignore` it drops the line. */
static enum mail_written interrupt(struct mail *m, unsigned *count)
{
	if (!m->term.tty_in)
		return MAIL_GIVE_UP;
	if (mail_var(m, "ignore")) {
		mail_term_printf(&m->term, "@\n");
		return MAIL_GO_ON;
	}
	if (++*count > 1)
		return MAIL_GIVE_UP;
	mail_term_printf(&m->term, "\n%s\n",
			T("(Interrupt -- one more to kill letter)"));
	return MAIL_GO_ON;
}

static enum mail_written at_end(struct mail *m, unsigned *count)
{
	if (!m->term.tty_in || !mail_var(m, "ignoreeof") ||
	    ++*count > EOF_MOST)
		return MAIL_SEND;
	mail_term_printf(&m->term, "%s\n",
			T("Use \".\" to end the message"));
	return MAIL_GO_ON;
}

enum mail_written mail_escape_read(struct mail *m, struct mail_draft *d)
{
	enum mail_written next = MAIL_GO_ON;
	unsigned interrupts = 0, ends = 0;
	struct str line;

	str_init(&line, MAIL_LINE_MOST + 1);
	while (next == MAIL_GO_ON) {
		enum mail_input in;

		mail_draft_keep(d);
		in = mail_term_line(&m->term, "", &line);
		if (in == MAIL_INTERRUPT) {
			next = interrupt(m, &interrupts);
			continue;
		}
		interrupts = 0;
		if (in == MAIL_LINE)
			next = take_line(m, d, &line);
		else
			next = in == MAIL_EOF ? at_end(m, &ends) :
					MAIL_GIVE_UP;
	}
	str_free(&line);
	return next;
}
