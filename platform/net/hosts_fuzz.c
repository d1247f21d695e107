/* Any file: the name that is looked for is its first line. */
#include <stdlib.h>
#include <sys/socket.h>

#include "net/hosts.h"

static void check(void *arg, int family, const void *ip)
{
	(void)arg;
	if (!ip || (family != AF_INET && family != AF_INET6))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	struct span text = span_make((const char *)p, n);
	struct span name = span_cut(&text, '\n');

	hosts_each(text, name, check, NULL);
	return 0;
}
