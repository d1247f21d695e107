/* date - times as mail writes them; no locale, no zone but the one given */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

#define DATE_SIZE 40

/*
 * RFC 5322 3.3: "Tue, 24 Nov 2026 11:11:46 +0100". offset: seconds east of
 * UTC. Years outside 0000 to 9999 become the nearest that fits.
 */
void date_mail(char out[DATE_SIZE], int64_t when, int offset);
/* The asctime form of mbox From_ lines: "Tue Nov 24 11:11:46 2026" (UTC). */
void date_mbox(char out[DATE_SIZE], int64_t when);
/* "2026-11-24T11:11:46Z" */
void date_iso(char out[DATE_SIZE], int64_t when);
/* Reads RFC 5322 dates, obsolete zones and two-digit years included. */
bool date_parse(struct span s, int64_t *when, int *offset);
/* The local zone's offset at that time, from libc. */
int date_offset(int64_t when);

#endif
