#include "mail/fields.h"

bool mail_field_shown(const struct mail *m, struct span name)
{
	static const char names[][9] = {
		"Date", "From", "To", "Cc", "Reply-To", "Subject"
	};

	(void)m;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}
