/* part - structured values of MIME header fields (RFC 2045 5.1) */
#ifndef MIME_PART_H
#define MIME_PART_H

#include "base/span.h"
#include "base/str.h"

/* Base64 as mail carries it: line ends and other characters in it are skipped. */
void part_base64(struct str *out, struct span in);
/* The first word of a structured value: "text/plain", "base64". */
struct span part_token(struct span value);
/* One parameter of a structured value ("text/plain; charset=x"), quotes kept out; empty: none. */
struct span part_param(struct span value, const char *name);

#endif
