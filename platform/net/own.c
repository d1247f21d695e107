#include "net/own.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* RFC 1122 3.2.1.3: net 127, and net 0, which Linux takes for this host, too. */
static bool is_here(unsigned first_octet)
{
	return first_octet == 127 || first_octet == 0;
}

bool own_loopback(const struct sockaddr *addr)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	const unsigned char *ip = six.sin6_addr.s6_addr;

	if (addr->sa_family == AF_INET) {
		memcpy(&four, addr, sizeof(four));
		return is_here(ntohl(four.sin_addr.s_addr) >> 24);
	}
	if (addr->sa_family != AF_INET6)
		return false;
	memcpy(&six, addr, sizeof(six));
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return is_here(ip[12]);
	return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) ||
		IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
}

/* Only to an address of this machine can a socket be bound. */
bool own_interface(const struct sockaddr *addr)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	bool v6 = addr->sa_family == AF_INET6;
	socklen_t len = v6 ? sizeof(at.v6) : sizeof(at.v4);
	int fd = socket(addr->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	if (fd < 0)
		return false;
	memcpy(&at, addr, len);
	if (v6)
		at.v6.sin6_port = 0;
	else
		at.v4.sin_port = 0;
	own = bind(fd, &at.any, len) == 0;
	close(fd);
	return own;
}
