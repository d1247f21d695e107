#include "store/mask.h"
#include "config.h"

bool mask_addr(void *conf, const struct addr *a, struct str *out)
{
	const struct conf *c = conf;
	const struct conf_map *m;
	struct str plain;

	str_init(&plain, MASK_MOST);
	addr_local_plain(&plain, a->local);
	m = conf_map_find(c, c->masquerades, str_span(&plain), a->domain,
			CONF_MAP_ANY);
	str_free(&plain);
	if (m)
		conf_map_put(m, a->local, out);
	return m;
}

bool mask_text(const struct conf *conf, const char *address, struct str *out)
{
	struct addr a = addr_split(span_of(address));

	return *address && mask_addr((void *)conf, &a, out);
}

bool mask_stays_here(const struct conf *conf, const char *address)
{
	struct span domain = addr_split(span_of(address)).domain;

	return CFG_DELIVER && (!domain.n || conf_is_local(conf, domain));
}
