/* json_put - text as JSON has it */
#ifndef BASE_JSON_PUT_H
#define BASE_JSON_PUT_H

#include "base/span.h"
#include "base/str.h"

/*
 * RFC 8259 section 7: any bytes become a string; what is not UTF-8 becomes
 * U+FFFD.
 */
void json_string(struct str *out, struct span s);

#endif
