/* part - what a part of a message is called, for those who read */
#ifndef MAIL_PART_H
#define MAIL_PART_H

#include <stdint.h>
#include "mail/mail.h"
#include "mime/stream.h"

/* "application/pdf", "PGP signature" */
void mail_part_kind(struct str *out, const struct stream_part *p);
/* The file name that the sender gave, UTF-8, as it came: "" when there is none. */
void mail_part_name(struct str *out, const struct stream_part *p);
/* "23 kB" */
void mail_part_size(struct str *out, uint64_t octets);
/* Is it to be read as text, whatever else is said of it? */
bool mail_part_is_text(const struct stream_part *p);

#endif
