/* srs_secret - what our SRS addresses are signed with; in state-dir */
#ifndef STORE_SRS_SECRET_H
#define STORE_SRS_SECRET_H

#include "base/err.h"
#include "mime/srs.h"
#include "os/conf.h"

#define SRS_SECRET_FILE "srs.secret"	/* below state-dir, mode 0600 */

/*
 * A secret a line, 16 to 64 printable characters; the first one signs, four at
 * most are good, so that a new one can be put before an old one. Made where it is
 * missing, for user-queue; before the rights are dropped. 0 or -1.
 */
int srs_secret_load(struct srs *s, const struct conf *conf, struct err *err);

#endif
