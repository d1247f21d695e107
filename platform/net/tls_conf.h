/* tls_conf - our side of TLS as the configuration has it: smtpd and pop3d share it */
#ifndef NET_TLS_CONF_H
#define NET_TLS_CONF_H

#include "net/tls.h"
#include "os/conf.h"

/*
 * tls-cert and tls-key. Where the configuration names neither and there is
 * none yet, a self-signed certificate for hostname is made in state-dir;
 * several daemons may start at once. Before daemon_drop: the key is root's.
 * *ctx is NULL in builds without TLS. 0, or -1 with err.
 */
int tls_conf_server(const struct conf *conf, struct tls_ctx **ctx,
		struct err *err);
/* All that it reads: 0, 1, ...; NULL: no more. */
const char *tls_conf_file(const struct conf *conf, size_t i);

/*
 * What keeps tickets good over a reload: a file in memory with the secrets of
 * tls_server_tickets, which maild hands down by this name. fd, or -1: there
 * are none then. tls_conf_secrets puts a new one in, the last but one goes.
 */
#define TLS_CONF_SECRETS "tickets"
int tls_conf_secrets_open(void);
void tls_conf_secrets(int fd);

#endif
