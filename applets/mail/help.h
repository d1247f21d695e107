/* help - how far apart two words are */
#ifndef MAIL_HELP_H
#define MAIL_HELP_H

#include "base/span.h"

/*
 * Letters wrong, missing, too many, or swapped with their neighbours between
 * the two; at least 3 where one is long.
 */
unsigned mail_help_distance(struct span a, struct span b);

#endif
