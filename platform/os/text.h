/* text - what programs say to people, in their language
 *
 * T("words") is what the user reads: the catalogue's words (zh_CN.po) where
 * the build has it (TEXT_CHINESE) and the locale asks for it, else the English
 * ones. A text is looked up by its English words, formats with their %s and
 * all; what scripts, protocols and logs read is never translated.
 */
#ifndef OS_TEXT_H
#define OS_TEXT_H

#include <stdbool.h>
#include "config.h"

const char *text_of(const char *english) __attribute__((format_arg(1)));

static inline __attribute__((format_arg(1))) const char *T(const char *english)
{
	return CFG_TEXT_CHINESE ? text_of(english) : english;
}

/* Marks a text of a table, which T is given later: config/texts looks for it. */
#define N_(english) english

/*
 * Of a category (POSIX, 8.2: "LC_CTYPE", "LC_MESSAGES") the locale's name, ""
 * when none is set: LC_ALL, the category, LANG, the first that is not empty.
 */
const char *text_locale(const char *category);
/* Does the user's terminal show UTF-8, as LC_CTYPE says? */
bool text_utf8(void);

#endif
