#include "pop3d/pop3d.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/utf8.h"
#include "mime/surrogate.h"

/* RFC 6856 2.1 */
void pop3d_utf8(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d, (void)args;
	s->utf8 = true;
	pop3d_reply(s, "+OK UTF-8 from here on");
}

/*
 * RFC 6856 3: one language there is, and the range that stands for what the
 * administrator likes best. A range is looked up (RFC 4647 3.4): en-GB finds en.
 */
void pop3d_lang(struct dialog *d, void *session, struct span args)
{
	struct session *s = session;

	(void)d;
	if (!args.n)
		pop3d_reply(s, "+OK languages follow\r\nen English\r\n.");
	else if (span_is(args, "*") || span_caseeq(args, SPAN("en")) ||
			span_caseeq(span_sub(args, 0, 3), SPAN("en-")))
		pop3d_reply(s, "+OK en this is English");
	else
		pop3d_error(s, "en is the only language here");
}

/* A field of a piece and the one before it, four times as long, at most. */
#define HELD_MOST (12 * SURROGATE_FIELD_MOST)
#define PART_SIZE 8192		/* of it that goes at once */

struct pop3d_ascii {
	struct surrogate surrogate;
	struct str held;		/* what goes to the client; */
	size_t at;			/* up to here it went */
	bool over;			/* all was written */
};

static void hold(void *arg, struct span piece)
{
	struct pop3d_ascii *a = arg;

	str_add(&a->held, piece);
}

int pop3d_ascii_begin(struct session *s, struct err *err)
{
	if (s->utf8)
		return 0;
	s->ascii = calloc(1, sizeof(*s->ascii));
	if (!s->ascii)
		return err_nomem(err);
	surrogate_init(&s->ascii->surrogate);
	str_init(&s->ascii->held, HELD_MOST);
	return 0;
}

void pop3d_ascii_write(struct session *s, struct span piece)
{
	surrogate_write(&s->ascii->surrogate, piece, hold, s->ascii);
	pop3d_ascii_rest(s);
}

bool pop3d_ascii_rest(struct session *s)
{
	struct pop3d_ascii *a = s->ascii;
	struct span part = span_sub(span_rest(str_span(&a->held), a->at), 0,
			PART_SIZE);

	if (a->held.bad)
		conn_break(s->conn, NULL);
	pop3d_put_message(s, part);
	a->at += part.n;
	if (part.n)
		return true;
	str_clear(&a->held);
	a->at = 0;
	return false;
}

bool pop3d_ascii_over(struct session *s)
{
	struct pop3d_ascii *a = s->ascii;

	if (!a->over)
		surrogate_end(&a->surrogate, hold, a);
	a->over = true;
	return !pop3d_ascii_rest(s);
}

void pop3d_ascii_forget(struct session *s)
{
	if (!s->ascii)
		return;
	surrogate_free(&s->ascii->surrogate);
	str_free(&s->ascii->held);
	free(s->ascii);
	s->ascii = NULL;
}
