/* dsn - what a sender may ask of delivery reports: the parameters of RFC 3461
 *
 * They are kept and passed on as they came, "RET=FULL ENVID=x" for a message
 * and "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b" for a recipient, and are read
 * where something hangs on them. NULL or "": none was given. Without DSN in
 * this build it is always so.
 */
#ifndef MIME_DSN_H
#define MIME_DSN_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define DSN_ENVID_MOST 100	/* RFC 3461 4.4: octets as xtext */
#define DSN_ORCPT_MOST 500	/* RFC 3461 4.2: likewise, with its type */

enum { DSN_NEVER = 1, DSN_SUCCESS = 2, DSN_FAILURE = 4, DSN_DELAY = 8 };

/* Is this a value for that parameter? */
bool dsn_is_ret(struct span value);
bool dsn_is_envid(struct span value);
bool dsn_is_notify(struct span value);
/* Other than ASCII only with the type utf-8 (RFC 6533 3). */
bool dsn_is_orcpt(struct span value);

/* The value of one of the parameters; empty: it was not given. */
struct span dsn_param(const char *params, const char *name);
/* Is the sender to be told of this (DSN_...) for a recipient with these? */
bool dsn_wants(const char *params, unsigned what);
/*
 * Appends what xtext (RFC 3461 4) stands for; out NULL: just looks. False: it
 * is none, or has what a report cannot show; nothing but printable ASCII was
 * appended all the same.
 */
bool dsn_decode(struct str *out, struct span xtext);
/*
 * Appends an address of type utf-8: what is written as "\x{F6}" as UTF-8, or (ascii) what
 * is not ASCII in that form, which fits anywhere.
 */
void dsn_put_utf8(struct str *out, struct span address, bool ascii);
/*
 * Appends "ORCPT=rfc822;...", behind a blank if there is something before it:
 * whom a recipient was that is another now. An address that is not ASCII is left
 * out; one too long makes out bad.
 */
void dsn_make_orcpt(struct str *out, const char *address);
/* Appends ORCPT's value as a report has it, "rfc822; a@b"; ascii as above. */
void dsn_put_orcpt(struct str *out, struct span value, bool ascii);

#endif
