/* utf8 - RFC 3629 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"
#include "base/str.h"

/* No overlong forms, surrogates, or numbers over 10FFFF. */
bool utf8_valid(struct span s);
bool utf8_ascii(struct span s);		/* bytes 1..127 only */
/* Valid, and no control character in it (C0, DEL, C1, U+2028, U+2029). */
bool utf8_clean(struct span s);
/*
 * Takes the next code point off *s; 0xFFFD for each byte that is not UTF-8.
 * *s must not be empty.
 */
uint32_t utf8_next(struct span *s);
void utf8_put(struct str *out, uint32_t c);	/* 0xFFFD for no character */
/*
 * Columns on a terminal: 0 combining, 1, 2 wide East Asian; -1 what would
 * control it (C0, C1, line and paragraph separator).
 */
int utf8_width(uint32_t c);
/* Of a text; what would control the terminal counts as the one mark shown for it. */
unsigned utf8_columns(struct span text);
/*
 * What stands for it in ASCII: e for an e with an accent, " for a typographic
 * quote; "?" for what has nothing. Of one character it is in room.
 */
struct span utf8_plain(uint32_t c, char room[1]);

#endif
