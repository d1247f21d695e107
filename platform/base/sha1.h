/* sha1 - SHA-1 (FIPS 180-4), for passwords that others have kept so */
#ifndef BASE_SHA1_H
#define BASE_SHA1_H

#include "base/span.h"

#define SHA1_SIZE 20

void sha1(unsigned char out[SHA1_SIZE], struct span in);

#endif
