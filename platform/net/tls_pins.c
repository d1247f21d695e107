#include "net/tls_pins.h"

#include <stdlib.h>
#include <string.h>

struct tls_pins *tls_pins_new(unsigned most)
{
	struct tls_pins *s = calloc(1, sizeof(*s) + most * sizeof(s->pin[0]));

	if (!s)
		return NULL;
	s->refs = 1;
	s->room = most;
	s->expect.pins = s->pin;
	return s;
}

int tls_pins_add(struct tls_pins *s, const struct tls_pin *p)
{
	char *copy;

	if (s->expect.npins == s->room)
		return -1;
	copy = malloc(p->data.n + 1);
	if (!copy)
		return -1;
	memcpy(copy, p->data.p, p->data.n);
	s->pin[s->expect.npins] = *p;
	s->pin[s->expect.npins++].data = span_make(copy, p->data.n);
	return 0;
}

void tls_pins_name(struct tls_pins *s, const char *name)
{
	int i = 0;

	while (i < TLS_NAMES_MOST && s->expect.names[i])
		i++;
	if (i < TLS_NAMES_MOST)
		s->expect.names[i] = strdup(name);
}

static int add_hash(struct tls_pins *s, const struct conf_hash *h,
		unsigned char selector)
{
	struct tls_pin p = {
		.usage = TLS_PIN_OWN, .selector = selector, .matching = 1,
		.data = span_make((const char *)h->hash, sizeof(h->hash))
	};

	return tls_pins_add(s, &p);
}

struct tls_pins *tls_pins_of(const struct conf_hash *hashes)
{
	const struct conf_hash *h;
	struct tls_pins *s;
	unsigned n = 0;

	for (h = hashes; h; h = h->next)
		n += 2;
	s = tls_pins_new(n);
	for (h = hashes; s && h; h = h->next)
		if (add_hash(s, h, 0) < 0 || add_hash(s, h, 1) < 0) {
			tls_pins_drop(s);
			return NULL;
		}
	return s;
}

struct tls_pins *tls_pins_hold(struct tls_pins *s)
{
	s->refs++;
	return s;
}

void tls_pins_drop(struct tls_pins *s)
{
	if (!s || --s->refs)
		return;
	for (unsigned i = 0; i < s->expect.npins; i++)
		free((char *)s->pin[i].data.p);
	for (int i = 0; i < TLS_NAMES_MOST; i++)
		free((char *)s->expect.names[i]);
	free(s->name);
	free(s);
}
