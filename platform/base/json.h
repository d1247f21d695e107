/* json - reads JSON (RFC 8259) piece by piece, without memory of its own */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"

#define JSON_DEPTH 32		/* objects and arrays in one another, at most */

enum json_event {
	JSON_BAD,		/* it is no JSON; stays so */
	JSON_END,		/* the text has ended after its one value */
	JSON_OBJECT, JSON_OBJECT_END, JSON_ARRAY, JSON_ARRAY_END,
	JSON_KEY,		/* a member's name; its value is next */
	JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL,
	JSON_NONE		/* json_find: there is no such member */
};

struct json {
	struct span rest;
	uint32_t objects;	/* bit n: what is open at depth n is an object */
	unsigned char depth, state;	/* private */
};

/* The text stays the caller's, and has to stay. */
void json_start(struct json *j, struct span text);
/*
 * What comes next. *text is a number as it is written, or a string or key
 * between its quotes, checked, but with its escapes: see json_text.
 */
enum json_event json_next(struct json *j, struct span *text);

/*
 * The first member of this name (ASCII, under 64 octets) of the object that the
 * text is. The text is checked to its end: JSON_BAD when it is no JSON object.
 */
enum json_event json_find(struct span object, const char *name,
		struct span *value);

/*
 * A string in UTF-8, with a NUL. -1: it does not fit, has a NUL in it, or half
 * of a surrogate pair; out is then empty.
 */
int json_text(char *out, size_t size, struct span raw);
/* Its whole part. False: below 0, over max, or with an exponent. */
bool json_number(struct span raw, unsigned long long max,
		unsigned long long *out);

#endif
