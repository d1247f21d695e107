/* qp - quoted-printable (RFC 2045 6.7) */
#ifndef MIME_QP_H
#define MIME_QP_H

#include "base/span.h"
#include "base/str.h"

void qp_decode(struct str *out, struct span in);	/* lenient: bad escapes stay as they are */
bool qp_digit(char c);	/* hexadecimal, of any case */
int qp_escape(struct span in);	/* the byte that "=XX" at its start stands for; -1: none is there */
void qp_encode(struct str *out, struct span text);	/* text with LF lines; LF out, lines of 76 at most */

#endif
