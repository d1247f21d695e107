/* mailuser - what its files share */
#ifndef MAILUSER_MAILUSER_H
#define MAILUSER_MAILUSER_H

#include <stdbool.h>
#include "base/err.h"

#define PASSWORD_SIZE 256	/* with NUL: what PLAIN carries (net/sasl.h) */
#define PASSWORD_MADE 16	/* letters and digits: 95 bits */

/*
 * From a terminal: asks twice, without echo. Else one line of standard input.
 * 0, or -1 with err: ERR_PERM, what is wrong with it.
 */
int mailuser_ask_password(char out[PASSWORD_SIZE], const char *who,
		struct err *err);
void mailuser_make_password(char out[PASSWORD_SIZE]);

#endif
