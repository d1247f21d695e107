/* alerts and quiet-hours: whose mail is an alert, and when none goes out. */
#include "os/conf_row.h"

#include <string.h>

#define DAY_MINUTES (24 * 60)

int conf_parse_alerts(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	char text[CONF_USER_SIZE];

	(void)row;
	for (size_t i = 0; i < words->n; i++) {
		struct span sender = conf_mailbox(text, words->v[i]);

		if (!sender.n)
			return conf_bad(l, words->v[i],
					"is neither ADDRESS nor @DOMAIN");
		if (conf_add_word(l, &l->c->alerts, sender) < 0)
			return -1;
	}
	return 0;
}

bool conf_is_alert(const struct conf *c, const char *sender)
{
	struct span s = span_of(sender), domain = span_rest(s,
			span_rfind(s, '@'));
	const struct conf_word *w;

	for (w = c->alerts; w && s.n; w = w->next)
		if (span_is(*w->text == '@' ? domain : s, w->text))
			return true;
	return false;
}

/* HH:MM; false: it is no time of day. */
static bool parse_time(struct span word, unsigned *minutes)
{
	struct span rest = word, hours = span_cut(&rest, ':');
	unsigned long h, m;

	if (hours.n != 2 || rest.n != 2 || !span_number(hours, 23, &h)
			|| !span_number(rest, 59, &m))
		return false;
	*minutes = (unsigned)(h * 60 + m);
	return true;
}

int conf_parse_hours(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	struct conf_hours *h = &l->c->quiet_hours;
	struct span rest = words->v[0], from = span_cut(&rest, '-');
	unsigned until;

	(void)row;
	*h = (struct conf_hours){ .minutes = 0 };
	if (span_is(words->v[0], "none"))
		return 0;
	if (!parse_time(from, &h->from) || !parse_time(rest, &until)
			|| h->from == until)
		return conf_bad(l, words->v[0], "is no HH:MM-HH:MM");
	h->minutes = (until + DAY_MINUTES - h->from) % DAY_MINUTES;
	return 0;
}

void conf_print_hours(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const struct conf_hours *h = &c->quiet_hours;
	unsigned until = (h->from + h->minutes) % DAY_MINUTES;

	(void)row;
	if (h->minutes)
		str_addf(out, "%02u:%02u-%02u:%02u", h->from / 60,
				h->from % 60, until / 60, until % 60);
	else
		str_adds(out, "none");
}
