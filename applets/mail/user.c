/* Who the user is. */
#include "mail/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "os/priv.h"

void mail_user_address(struct mail *m)
{
	const char *domain = m->conf->domains ? m->conf->domains->text :
			m->conf->hostname;
	int n = snprintf(m->address, sizeof(m->address), "%s%s%s", m->login,
			strchr(m->login, '@') ? "" : "@",
			strchr(m->login, '@') ? "" : domain);

	if (n < 0 || (size_t)n >= sizeof(m->address))
		m->address[0] = '\0';
}

void mail_user_find(struct mail *m)
{
	const char *home = getenv("HOME");
	struct priv_user user;
	struct span name;

	if (priv_find_uid(getuid(), &user, NULL) < 0) {
		user = (struct priv_user){ .home = "/" };
		snprintf(user.name, sizeof(user.name), "uid%u", getuid());
	}
	str_copys(m->login, sizeof(m->login), user.name);
	name = span_of(user.full_name);
	/* the log-in name again says nothing */
	if (!span_has_control(name) && !span_eq(name, span_of(m->login)))
		str_copy(m->name, sizeof(m->name), span_trim(name));
	if (!home || !*home)
		home = user.home;
	str_copys(m->home, sizeof(m->home), home);
	mail_user_address(m);
}
