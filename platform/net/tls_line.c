#include "net/tls_line.h"

void tls_demand(struct smtp_target *t, const struct tls_pins *pins)
{
	t->tls = CONF_TLS_STARTTLS;
	t->verify = true;
	t->expect = &pins->expect;
	if (pins->name)
		t->name = pins->name;
}

int tls_line(const struct conf_tls_policy *p, struct smtp_target *t,
		struct tls_pins **pins)
{
	t->tls = p->mode == CONF_POLICY_NONE ? CONF_TLS_NONE :
		p->mode == CONF_POLICY_MAY ? CONF_TLS_MAY : CONF_TLS_STARTTLS;
	t->verify = p->mode == CONF_POLICY_VERIFY;
	if (p->name)
		t->name = p->name;
	if (p->mode != CONF_POLICY_PINNED)
		return 0;
	*pins = tls_pins_of(p->hashes);
	if (!*pins)
		return -1;
	tls_demand(t, *pins);
	return 0;
}
