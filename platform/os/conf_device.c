/* The kind device: a socket for printers and their like, and its fence. */
#include "os/conf_row.h"

#define RATE_N 60		/* without rate= */
#define RATE_SECONDS 3600
#define RATE_MOST 1000000

static int parse_from(struct conf_load *l, struct conf_device *d,
		struct span list)
{
	struct conf_net **end = &d->from;
	struct conf_net *net;

	do {
		net = conf_alloc(l, sizeof(*net));
		if (!net || conf_parse_net(l, span_cut(&list, ','), net) < 0)
			return -1;
		*end = net;
		end = &net->next;
	} while (list.n);
	return 0;
}

static int parse_to(struct conf_load *l, struct conf_device *d,
		struct span list)
{
	char text[CONF_USER_SIZE];

	do {
		struct span word = span_cut(&list, ',');
		struct span rcpt = conf_mailbox(text, word);

		if (!rcpt.n)
			return conf_bad(l, word, "is neither ADDRESS nor "
					"@DOMAIN");
		if (conf_add_word(l, &d->to, rcpt) < 0)
			return -1;
	} while (list.n);
	return 0;
}

static int parse_sender(struct conf_load *l, struct conf_device *d,
		struct span word)
{
	char text[CONF_USER_SIZE];
	struct span sender = conf_mailbox(text, word);

	if (!sender.n || sender.p[0] == '@')
		return conf_bad(l, word, "is no address");
	d->sender = conf_keep(l, sender);
	return d->sender ? 0 : -1;
}

static int parse_option(struct conf_load *l, struct conf_device *d,
		struct span word)
{
	struct span value = word, key = span_cut(&value, '=');

	if (span_is(key, "from") && !d->from)
		return parse_from(l, d, value);
	if (span_is(key, "to") && !d->to)
		return parse_to(l, d, value);
	if (span_is(key, "sender") && !d->sender)
		return parse_sender(l, d, value);
	if (!span_is(key, "rate"))
		return conf_bad(l, word, "is not understood");
	if (!conf_read_rate(value, RATE_MOST, &d->rate))
		return conf_bad(l, value, "is no N/TIME, as 100/1h; TIME is "
				"at most 7d");
	return 0;
}

int conf_parse_device(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_listen *at = conf_add_listen(l, CONF_SMTP, words->v[0]);
	struct conf_device *d = conf_alloc(l, sizeof(*d));

	(void)row;
	if (!at || !d)
		return -1;
	d->rate = (struct conf_rate){ RATE_N, RATE_SECONDS };
	for (size_t i = 1; i < words->n; i++)
		if (parse_option(l, d, words->v[i]) < 0)
			return -1;
	if (!d->from || !d->to)
		return conf_error(l, "from= and to= are needed");
	at->device = d;
	return 0;
}

static void print_one(struct str *out, const struct conf_listen *at)
{
	const struct conf_device *d = at->device;
	const char *before = " from=";

	conf_print_socket(out, at);
	for (const struct conf_net *n = d->from; n; n = n->next) {
		str_adds(out, before);
		conf_print_net(out, n);
		before = ",";
	}
	before = " to=";
	for (const struct conf_word *w = d->to; w; w = w->next) {
		str_addf(out, "%s%s", before, w->text);
		before = ",";
	}
	if (d->sender)
		str_addf(out, " sender=%s", d->sender);
	str_adds(out, " rate=");
	conf_print_rate(out, &d->rate);
}

void conf_print_device(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	bool some = false;

	(void)row;
	for (const struct conf_listen *n = c->listen; n; n = n->next) {
		if (!n->device)
			continue;
		if (some)
			str_addc(out, '\n');
		some = true;
		print_one(out, n);
	}
}
