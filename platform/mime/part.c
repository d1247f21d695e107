#include "mime/part.h"

#include "mime/param.h"
#include "mime/transfer.h"

struct span part_param(struct span value, const char *name)
{
	struct param p;

	while (param_next(&value, &p))
		if (span_is(p.name, name))
			return p.text;
	return span_make(NULL, 0);
}

struct span part_token(struct span value)
{
	return param_token(value);
}

void part_base64(struct str *out, struct span in)
{
	struct transfer t;

	transfer_begin(&t, SPAN("base64"));
	transfer_put(&t, out, in);
	transfer_end(&t, out);
}
