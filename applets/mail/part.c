/* What a part is called. */
#include "mail/part.h"

#include <inttypes.h>
#include "mime/param.h"
#include "mime/part.h"
#include "os/text.h"

/* What is more readable than its type, and says what we cannot do. */
static const struct {
	const char *type, *subtype, *text;
} names[] = {
	{ "application", "pgp-signature", "PGP signature" },
	{ "application", "pgp-encrypted", "PGP encrypted message" },
	{ "application", "pgp-keys", "PGP key" },
	{ "application", "pkcs7-signature", "S/MIME signature" },
	{ "application", "x-pkcs7-signature", "S/MIME signature" },
	{ "application", "pkcs7-mime", "S/MIME signed or encrypted message" },
	{ "application", "x-pkcs7-mime", "S/MIME signed or encrypted message" },
	{ "application", "ms-tnef", "Outlook's winmail.dat (TNEF)" },
	{ "application", "vnd.ms-tnef", "Outlook's winmail.dat (TNEF)" },
	{ "message", "rfc822", "message" },
	{ "message", "global", "message" },
	{ "message", "news", "message" },
	{ "message", "external-body", "kept elsewhere" },
	{ "message", "partial", "piece of a message" }
};

void mail_part_kind(struct str *out, const struct stream_part *p)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(p->type, names[i].type) &&
		    span_is(p->subtype, names[i].subtype)) {
			str_adds(out, T(names[i].text));
			return;
		}
	str_add(out, span_sub(p->type, 0, 60));
	str_addc(out, '/');
	str_add(out, span_sub(p->subtype, 0, 100));
}

void mail_part_name(struct str *out, const struct stream_part *p)
{
	if (!param_text(out, p->place_value, "filename"))
		param_text(out, p->type_value, "name");
}

void mail_part_size(struct str *out, uint64_t octets)
{
	if (octets < 1000)
		str_addf(out, T("%u bytes"), (unsigned)octets);
	else if (octets < 10 * 1000 * 1000)
		str_addf(out, T("%u kB"), (unsigned)((octets + 500) / 1000));
	else
		str_addf(out, T("%" PRIu64 " MB"), (octets + 500000) / 1000000);
}

bool mail_part_is_text(const struct stream_part *p)
{
	static const char reports[][24] = {
		"delivery-status", "disposition-notification",
		"feedback-report", "global-"
	};

	/* one without parts is what stands in it */
	if (span_is(p->type, "text") || span_is(p->type, "multipart"))
		return true;
	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++)
		if (span_is(p->type, "message") &&
		    span_starts(p->subtype, reports[i]))
			return true;
	return false;
}
