#include "pop3d/pop3d.h"

#include <stdlib.h>

#include "base/utf8.h"

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

static void put(void *arg, struct span piece)
{
	pop3d_put_message(arg, piece);
}

int pop3d_ascii_begin(struct session *s, struct err *err)
{
	if (s->utf8)
		return 0;
	s->ascii = malloc(sizeof(*s->ascii));
	if (!s->ascii)
		return err_nomem(err);
	surrogate_init(s->ascii);
	return 0;
}

void pop3d_ascii_write(struct session *s, struct span piece)
{
	surrogate_write(s->ascii, piece, put, s);
}

void pop3d_ascii_end(struct session *s)
{
	surrogate_end(s->ascii, put, s);
	pop3d_ascii_forget(s);
}

void pop3d_ascii_forget(struct session *s)
{
	if (!s->ascii)
		return;
	surrogate_free(s->ascii);
	free(s->ascii);
	s->ascii = NULL;
}
