/* idna - domain names as people write them and as DNS has them (RFC 5890)
 *
 * "bücher.example" (U-labels) and "xn--bcher-kva.example" (A-labels) are the
 * same name. We compare, keep and look up the second form. Upper case becomes
 * lower case in Latin, Greek, Cyrillic and Armenian. What needs tables of all
 * of Unicode, more than all the rest of us, is not done: normalisation to NFC
 * (keyboards make it), the whole list of RFC 5892, and the rules for right to
 * left (RFC 5893). What is no text (controls, blanks, other dots) is refused.
 *
 * Without SMTPUTF8 in this build only ASCII names are names.
 */
#ifndef BASE_IDNA_H
#define BASE_IDNA_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

#define IDNA_SIZE 254		/* 253 octets (RFC 1035 2.3.4) and NUL */

/*
 * The name in A-labels and lower case. ASCII labels are not looked at. False,
 * and out is "": too long, not UTF-8, or no name.
 */
bool idna_ascii(char out[IDNA_SIZE], struct span name);
/* Are these the same name? */
bool idna_same(struct span a, struct span b);
/* Appends the name for people to read: U-labels where it has any. */
void idna_text(struct str *out, struct span name);

#endif
