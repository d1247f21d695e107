/* fields - which header fields of a message are shown */
#ifndef MAIL_FIELDS_H
#define MAIL_FIELDS_H

#include "mail/mail.h"

/* Is it one of these names, with blanks between them? */
bool mail_field_among(struct span name, const char *names);
/* As ignore and retain have it; when neither was said: Date From To Cc Reply-To Subject. */
bool mail_field_shown(const struct mail *m, struct span name);
/* The same for what is forwarded: fwdignore and fwdretain; else as it is shown. */
bool mail_field_forwarded(const struct mail *m, struct span name);

#endif
