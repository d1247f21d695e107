/* param - parameters of structured fields: RFC 2045 5.1, and 2231 both ways */
#ifndef MIME_PARAM_H
#define MIME_PARAM_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

/*
 * Appends the parameter of that name ("filename") of a field's value as UTF-8, in
 * one line: continuations put together and charsets undone (RFC 2231 3, 4),
 * encoded words decoded where senders wrongly use them, quoted pairs undone.
 * false: there is none.
 */
bool param_text(struct str *out, struct span value, const char *name);
/* The file name of a part with this header: of its Content-Disposition, else its Content-Type. */
bool param_file_name(struct str *out, struct span header);
/*
 * Appends ";\n name=..." in the plainest form that carries the UTF-8 text: a token, a
 * quoted string, or in pieces of RFC 2231 4.1; no line over 76 octets. Controls become blanks.
 */
void param_put(struct str *out, const char *name, struct span text);

/* The next parameter, raw: quotes around the text are left out. false: no more. */
struct param {
	struct span name, text;
	bool quoted;
};
bool param_next(struct span *value, struct param *p);
/* The first word of a structured value: "text/plain", "base64". */
struct span param_token(struct span value);

#endif
