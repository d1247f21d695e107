/* foreign - passwords as other mail servers have kept them
 *
 * "{SCHEME}text", as Dovecot's passwd-file has it; without {SCHEME} it is what
 * crypt(3) makes. {SHA}, {SSHA}, {SHA256}, {SSHA256}, {SHA512}, {SSHA512} in
 * base64 or, as {SSHA256.HEX}, in hex; {CRYPT}, {DES-CRYPT}, {MD5-CRYPT},
 * {BLF-CRYPT}, {SHA256-CRYPT}, {SHA512-CRYPT} where this C library's crypt
 * knows the method.
 */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include <stdbool.h>
#include "base/err.h"
#include "base/span.h"

#define FOREIGN_SIZE 300	/* of the text, with its NUL */
#define FOREIGN_METHODS 16	/* of crypt, tried once each */

enum foreign_kind {
	FOREIGN_HASH,		/* foreign_verify knows what to do with it */
	FOREIGN_PLAIN,		/* {PLAIN}: the rest is the password */
	FOREIGN_SCRAM		/* {SCRAM-SHA-256}: base/scram.h */
};

/* What crypt has been tried with; zeroed at first. */
struct foreign_seen {
	struct {
		char method[40];
		/* octets of the hash behind the last "$" */
		size_t n;
	} row[FOREIGN_METHODS];
	unsigned n;
};

/*
 * Can it be verified here? Its kind and *text, the text as foreign_verify wants
 * it (of PLAIN: the password), or -1 with err: ERR_PERM, it never can, and why.
 */
int foreign_check(struct foreign_seen *seen, struct span in,
		char text[FOREIGN_SIZE], struct err *err);
/* text: of a FOREIGN_HASH. The same time for all passwords. */
bool foreign_verify(const char *text, const char *password);

#endif
