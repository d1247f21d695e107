/* sasl_client_private - what sasl_client*.c share: a function a mechanism */
#ifndef NET_SASL_CLIENT_PRIVATE_H
#define NET_SASL_CLIENT_PRIVATE_H

#include "net/sasl_client.h"

#define SASL_NAME_MOST 255	/* octets of a user name, of a password */

/*
 * Our next message in answer to challenge, neither in base64. 0; 1: not yet,
 * to be called again with an empty challenge; -1 with err.
 */
typedef int sasl_say_fn(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err);
sasl_say_fn sasl_say_scram, sasl_say_xoauth2, sasl_say_oauthbearer;

int sasl_asks_too_much(struct err *err);	/* -1 */
/* RFC 5802 5.1: a name between commas */
void sasl_put_name(struct str *out, const char *name);

/* -- sasl_client_scram.c -- */
void sasl_scram_free(struct sasl_client *s);

#endif
