#include "net/ban.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "os/proc.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool is_v4(const struct ban *b)
{
	return memcmp(b->key, mapped, sizeof(mapped)) == 0;
}

int ban_socket(void)
{
	const char *name;
	int fd;

	for (int i = 0; (fd = proc_listen_fd(i, &name)) >= 0; i++)
		if (strcmp(name, BAN_SOCKET) == 0)
			return fd;
	return -1;
}

int ban_send(int fd, const struct ban *ban)
{
	unsigned char packet[BAN_PACKET];

	memcpy(packet, ban->key, 16);
	for (int i = 0; i < 4; i++)
		packet[16 + i] = (unsigned char)(ban->seconds >> (24 - 8 * i));
	return proc_send(fd, packet, sizeof(packet), -1) < 0 ? -1 : 0;
}

static bool may_be_banned(const struct ban *b)
{
	static const unsigned char none[16], self[4] = { 127, 0, 0, 1 };
	const unsigned char *a = b->key;

	if (is_v4(b))
		return a[12] && a[12] < 224 && memcmp(a + 12, self, 4) != 0;
	return memcmp(a, none, 8) != 0 && memcmp(a + 8, none, 8) == 0 &&
		a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

bool ban_read(struct ban *ban, struct span packet)
{
	const unsigned char *p = (const void *)packet.p;

	if (packet.n != BAN_PACKET)
		return false;
	memcpy(ban->key, p, 16);
	ban->seconds = (uint32_t)p[16] << 24 | (uint32_t)p[17] << 16 |
		(uint32_t)p[18] << 8 | p[19];
	return ban->seconds && ban->seconds <= BAN_SECONDS_MOST &&
		may_be_banned(ban);
}

void ban_text(const struct ban *ban, char out[BAN_TEXT_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "";
	bool v4 = is_v4(ban);

	inet_ntop(v4 ? AF_INET : AF_INET6, ban->key + (v4 ? 12 : 0), text,
			sizeof(text));
	snprintf(out, BAN_TEXT_SIZE, "%s/%d", text, v4 ? 32 : 64);
}
