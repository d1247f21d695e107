/* authorize - what authorize*.c share: one sign-in from a console */
#ifndef APPLETS_SMTP_AUTHORIZE_H
#define APPLETS_SMTP_AUTHORIZE_H

#include "base/err.h"
#include "base/str.h"
#include "net/dns.h"
#include "net/http.h"
#include "net/loop.h"
#include "net/oauth.h"
#include "net/tls.h"

struct authorize_device {
	char code[2048];
	char user_code[64], url[256];
	unsigned seconds, interval;
};

struct authorize {
	const struct conf *conf;
	struct loop *loop;
	struct dns *dns;
	struct tls_ctx *tls;
	const char *device_url, *auth_url;	/* NULL: not by this way */
	struct oauth_credential c;	/* all but the token is known */
	struct oauth_answer answer;	/* of the last question for a token */
	const char *advice;		/* when that refuses; or NULL */
	enum oauth_verdict verdict;
	struct authorize_device device;	/* while that way is gone */
};

/* Each fills in c.refresh_token and c.dies; 0 or -1 with err. */
/* RFC 8628: a code that is typed elsewhere. */
int authorize_by_device(struct authorize *a, struct err *err);
/* RFC 6749 4.1, 7636, 8252: what the browser ends up with is pasted. */
int authorize_by_paste(struct authorize *a, struct err *err);

/* ---- authorize_console.c */
#define AUTHORIZE_LINE 8192
/* A line that nobody is to see. 0 or -1. */
int authorize_read_line(char out[AUTHORIZE_LINE], struct err *err);

#endif
