/* alias - short names for addresses, and which addresses are the user's own */
#ifndef MAIL_ALIAS_H
#define MAIL_ALIAS_H

#include "mail/mail.h"
#include "mime/addr.h"

/*
 * Appends the list of addresses (RFC 5322, with commas) to out, the aliases in
 * it replaced by what they stand for, and theirs: an entry without name and
 * domain may be one. Of several the user's own address is left out, but with
 * `metoo`. For what the user typed, not for what a reply is about (POSIX
 * mailx, alias). 0, or -1 with m->err: aliases that loop; out is then not to
 * be used. Where nothing is an alias, the list is appended as it is.
 */
int mail_alias_expand(struct mail *m, struct span list, struct str *out);

/*
 * The user's address, one of `alternates`, that of `from`; with `allnet` the
 * local part decides alone.
 */
bool mail_is_own(const struct mail *m, const struct addr *a);

/* Is a one of the list's addresses? */
bool mail_alias_has(struct span list, const struct addr *a);
/* Appends an entry of a list, the name as it came. */
void mail_alias_put(struct str *list, const struct addr_entry *e);

#endif
