/* tnef - names of the files in Outlook's winmail.dat (MS-OXTNEF) */
#ifndef MIME_TNEF_H
#define MIME_TNEF_H

#include <stdbool.h>
#include <stdint.h>
#include "base/span.h"

#define TNEF_NAME 256

struct tnef {
	/* private */
	bool (*put)(void *arg, struct span name);
	void *arg;
	unsigned char head[9];
	unsigned n;			/* octets of head */
	bool begun, over;
	uint32_t left, value;		/* octets of the attribute; of its value */
	bool title, is_codepage;
	char name[TNEF_NAME];
	unsigned name_n;
	uint32_t codepage;
};

/* put gets each name, UTF-8; false: enough. */
void tnef_init(struct tnef *t, bool (*put)(void *arg, struct span name),
		void *arg);
/* The part's octets, its transfer encoding undone; cut anywhere. */
void tnef_put(struct tnef *t, struct span octets);

#endif
