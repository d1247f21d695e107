/* mask - addresses as others are to see them: masquerade of the configuration */
#ifndef STORE_MASK_H
#define STORE_MASK_H

#include <stdbool.h>
#include "base/str.h"
#include "mime/addr.h"
#include "os/conf.h"

#define MASK_MOST (4 * ADDR_MAX)	/* octets of one address */

/* For mime/rewrite.h: conf is a struct conf. */
bool mask_addr(void *conf, const struct addr *a, struct str *out);
/* The same of an address as text: appended; false: it stays, out is as it was. */
bool mask_text(const struct conf *conf, const char *address, struct str *out);
/*
 * Is mail for it for deliver to take? Then it stays what it is. In a build
 * without deliver none is.
 */
bool mask_stays_here(const struct conf *conf, const char *address);

#endif
