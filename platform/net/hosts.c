#include "net/hosts.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "os/file.h"

#define FILE_MOST (64 * 1024)

/* An alias counts as much as the first name. */
static bool has_name(struct span line, struct span name)
{
	struct span word;

	while ((word = span_word(&line)).n)
		if (span_caseeq(word, name))
			return true;
	return false;
}

static void take(struct span address, hosts_fn *fn, void *arg)
{
	char plain[INET6_ADDRSTRLEN];
	struct in6_addr ip;

	if (str_copy(plain, sizeof(plain), address))
		return;
	if (inet_pton(AF_INET, plain, &ip) == 1)
		fn(arg, AF_INET, &ip);
	else if (inet_pton(AF_INET6, plain, &ip) == 1)
		fn(arg, AF_INET6, &ip);
}

void hosts_each(struct span text, struct span name, hosts_fn *fn, void *arg)
{
	while (text.n) {
		struct span line = span_cut(&text, '\n');
		struct span rest = span_trim(span_cut(&line, '#'));
		struct span address = span_word(&rest);

		if (has_name(rest, name))
			take(address, fn, arg);
	}
}

void hosts_look(const char *path, struct span name, hosts_fn *fn, void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = fd < 0 ? NULL : malloc(FILE_MOST);
	ssize_t n = text ? file_pread(fd, text, FILE_MOST, 0) : 0;

	if (n > 0)
		hosts_each(span_make(text, (size_t)n), name, fn, arg);
	free(text);
	if (fd >= 0)
		close(fd);
}
