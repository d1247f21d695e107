/* clock - wall time that may be wrong, and intervals that are right */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* 2026-11-01 00:00:00 UTC. A constant, so that builds are reproducible. */
#define CLOCK_EPOCH INT64_C(1793491200)

int64_t clock_now(void);	/* seconds since 1970, as the system believes */
int64_t clock_now_us(void);
int64_t clock_ms(void);	/* CLOCK_MONOTONIC, milliseconds: for intervals */
/*
 * False on a router that has just booted without a clock: the time is before
 * this program's source was made (CLOCK_EPOCH).
 */
bool clock_plausible(void);
/*
 * Another number after each boot, so that what clock_ms() gave before one is not
 * taken for a time of this one. 0: no /proc to tell it. Before a chroot.
 */
uint32_t clock_boot(void);

#endif
