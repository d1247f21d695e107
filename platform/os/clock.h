/* clock - wall time that may be wrong, and intervals that are right */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

int64_t clock_now(void);	/* seconds since 1970, as the system believes */
int64_t clock_now_us(void);
int64_t clock_ms(void);		/* CLOCK_MONOTONIC, milliseconds: for intervals */
/*
 * False on a router that has just booted without a clock: the time is before
 * this program's source was made (CLOCK_EPOCH in clock.c).
 */
bool clock_plausible(void);

#endif
