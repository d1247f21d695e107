/* Packets of any bytes, as of a smtpd that somebody has taken over. */
#include <stdlib.h>
#include <string.h>

#include "net/ban.h"

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	char text[BAN_TEXT_SIZE];
	struct ban b;

	if (!ban_read(&b, span_make((const char *)p, n)))
		return 0;
	ban_text(&b, text);
	if (n != BAN_PACKET || !b.seconds || b.seconds > BAN_SECONDS_MOST ||
			!strcmp(text, "127.0.0.1/32") ||
			!strncmp(text, "fe80:", 5) || !strncmp(text, "::/", 3) ||
			strspn(text, "0123456789abcdef.:/") != strlen(text) ||
			(!strstr(text, "/32") && !strstr(text, "::/64")
			 && !strstr(text, "/64")))
		abort();
	return 0;
}
