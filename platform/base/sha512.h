/* sha512 - SHA-512 (FIPS 180-4), for passwords that others have kept so */
#ifndef BASE_SHA512_H
#define BASE_SHA512_H

#include "base/span.h"

#define SHA512_SIZE 64

void sha512(unsigned char out[SHA512_SIZE], struct span in);

#endif
