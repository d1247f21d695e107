/* text - what programs say to people, in their language
 *
 * T("words") is what the user reads: the catalogue's words where the build has
 * one for the user's language, else the English ones. A text is looked up by
 * its English words, formats with their %s and all; what scripts, protocols
 * and logs read is never translated.
 */
#ifndef OS_TEXT_H
#define OS_TEXT_H

static inline __attribute__((format_arg(1))) const char *T(const char *english)
{
	return english;
}

#endif
