/* header - the header section of a message (RFC 5322 2.2) */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include <stdbool.h>
#include "base/span.h"
#include "base/str.h"

struct header_field {
	struct span name;	/* "Subject" */
	struct span value;	/* after the colon, still folded, blanks around trimmed */
	struct span whole;	/* the field's octets with its line ends */
};

/*
 * Takes the next field off *in (LF or CRLF lines). False at the blank line (taken), at the
 * end or at a line that is no field: *in is then the body.
 */
bool header_next(struct span *in, struct header_field *f);
/* The first field of that name in a whole message; false: none. */
bool header_find(struct span message, const char *name, struct header_field *f);
/* Unfolded: line breaks taken out. */
void header_unfold(struct str *out, struct span value);
/* Is this a name that a field may have (RFC 5322 2.2: 33..126 without colon)? */
bool header_name_valid(struct span name);
/* Folds value after 76 columns at blanks; "Name: value\n" into out. */
void header_put(struct str *out, const char *name, struct span value);
/* Length of the header section at the start of in, its blank line included; in.n when there is none. */
size_t header_size(struct span in);

#endif
