/* charset - to UTF-8: built in UTF-8, US-ASCII, ISO-8859-1, windows-1252; iconv where libc has it */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "base/span.h"
#include "base/str.h"

/* 0; -1: charset unknown, then non-ASCII bytes become U+FFFD. */
int charset_to_utf8(struct str *out, struct span text, struct span charset);

#endif
