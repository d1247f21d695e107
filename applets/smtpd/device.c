/* `device`: printers, scanners and cameras of the LAN, behind a fence. */
#include "os/log.h"
#include "smtpd/smtpd.h"

#define ASCII_MOST 600		/* of an address; quotes may double it */

bool smtpd_device_in(const struct smtpd_service *v, struct conn *c)
{
	if (conf_net_has(v->device->from, conn_peer_addr(c)))
		return true;
	door_tell(&v->smtpd->limit, conn_peer(c), "not in from= of device");
	/* RFC 5321 3.1 */
	conn_puts(c, "554 5.7.1 Not for your address\r\n");
	listen_count_out(v->smtpd->daemon.count, conn_peer_addr(c));
	conn_close(c);
	smtpd_check_over(v->smtpd);
	return false;
}

void smtpd_device_sender(struct smtpd_session *x)
{
	struct smtp_session *s = x->smtp;
	const char *sender = x->service->device->sender;
	size_t at;

	if (sender) {
		at = span_rfind(span_of(sender), '@');
		s->sender = sender;
		s->sender_addr = (struct addr){
			span_make(sender, at), span_of(sender + at + 1)
		};
	}
	smtpd_ok(x, MILTER_MAIL);
}

bool smtpd_device_takes(const struct smtpd_session *x, const char *rcpt)
{
	struct addr to = addr_split(span_of(rcpt));
	struct str ascii;
	bool takes = false;

	str_init(&ascii, ASCII_MOST);
	addr_put_ascii(&ascii, &to);
	for (const struct conf_word *w = x->service->device->to;
			w && !ascii.bad; w = w->next)
		takes |= w->text[0] == '@' ?
			span_ends(str_span(&ascii), w->text) :
			span_is(str_span(&ascii), w->text);
	str_free(&ascii);
	return takes;
}
