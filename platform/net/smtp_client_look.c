/* smtp_client_look - what is in the message, before MAIL says so
 *
 * RFC 6152 (BODY=8BITMIME, and what to do without it), RFC 5321 4.5.3.1.6 (lines
 * over 998 octets). In slices, so that a big message stops nobody else.
 */
#include <string.h>

#include "net/smtp_client_private.h"
#include "os/file.h"

#define PIECE 8192
#define PIECES 16		/* a turn */

/*
 * Our own smtpd and deliver take lines of any length, and so does LMTP; who
 * hands them a message knows whether it is of 8 bits.
 */
static bool takes_all(const struct smtp_client *c)
{
	return c->offers & SMTP_8BITMIME && (c->target.lmtp ||
			c->target.addr.ss_family == AF_UNSPEC);
}

static void begin_look(struct smtp_client *c)
{
	narrow_scan_init(&c->scan);
	c->body_at = 0;
	if (c->m->head)
		narrow_scan(&c->scan, span_of(c->m->head));
}

static void begin_narrow(struct smtp_client *c, bool seven)
{
	c->narrow = narrow_new(seven);
	c->body_at = 0;
	if (!c->narrow)
		smtp_client_fail(c, ERR_NOMEM, "out of memory");
	else if (c->m->head)
		narrow_look(c->narrow, span_of(c->m->head));
}

/* 0: there may be more; 1: that was all; -1: it cannot be read. */
static int look(struct smtp_client *c)
{
	char piece[PIECE];
	ssize_t n = smtp_client_read(c, piece, sizeof(piece));

	if (n <= 0)
		return n < 0 ? -1 : 1;
	if (c->narrow)
		narrow_look(c->narrow, span_make(piece, (size_t)n));
	else
		narrow_scan(&c->scan, span_make(piece, (size_t)n));
	return 0;
}

static void refuse(struct smtp_client *c)
{
	struct smtp_result r;

	/* RFC 3463 3.7: conversion required but not supported */
	smtp_result_set(&r, ERR_PERM, "5.6.3", "8BITMIME is not offered, and "
			"the parts are nested too deep to be converted");
	r.code = 554;
	smtp_client_tell_all(c, &r);
	if (!c->dead)
		smtp_client_ready(c);
}

/* All of it has been seen. */
static void looked(struct smtp_client *c)
{
	bool seven = c->scan.eight_bit && !(c->offers & SMTP_8BITMIME);

	c->eight_bit |= c->scan.eight_bit;
	if (!c->narrow && (seven || c->scan.nul || c->scan.long_line)) {
		begin_narrow(c, seven);
		if (!c->dead)
			loop_task_add(c->loop, &c->task);
		return;
	}
	if (c->narrow)
		narrow_look_end(c->narrow);
	if (c->narrow && narrow_impossible(c->narrow)) {
		refuse(c);
		return;
	}
	if (c->narrow && !narrow_needed(c->narrow)) {
		narrow_free(c->narrow);
		c->narrow = NULL;
	}
	c->body_at = 0;
	smtp_client_say_all(c);
}

void smtp_client_look(struct smtp_client *c)
{
	int rc = 0;

	for (int i = 0; i < PIECES && !rc; i++)
		rc = look(c);
	if (rc < 0)
		smtp_client_fail(c, ERR_TEMP, "the message cannot be read");
	else if (rc)
		looked(c);
	else
		loop_task_next(c->loop, &c->task);
}

bool smtp_client_must_look(struct smtp_client *c)
{
	if (takes_all(c))
		return false;
	begin_look(c);
	return true;
}
