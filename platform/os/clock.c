#include "os/clock.h"

#include <fcntl.h>
#include <time.h>

#include "os/file.h"

static struct timespec get(clockid_t clock)
{
	struct timespec now;

	/* cannot fail: both clocks are in every kernel since 2.6 */
	clock_gettime(clock, &now);
	return now;
}

int64_t clock_now(void)
{
	return get(CLOCK_REALTIME).tv_sec;
}

int64_t clock_now_us(void)
{
	struct timespec now = get(CLOCK_REALTIME);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_ms(void)
{
	struct timespec now = get(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_plausible(void)
{
	return clock_now() >= CLOCK_EPOCH;
}

uint32_t clock_boot(void)
{
	uint32_t hash = 0;
	struct str id;

	str_init(&id, 64);
	if (file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &id,
				NULL) == 0)
		for (size_t i = 0; i < id.n; i++)
			hash = hash * 31 + (unsigned char)id.p[i];
	str_free(&id);
	return hash & INT32_MAX;
}
