/* The mailboxes of the system: those of its users, and those of virtual ones. */
#include "mail/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/idna.h"
#include "config.h"
#include "mail/var.h"
#include "os/priv.h"
#include "os/text.h"

/* A mailbox of the system's: one name, no path, in dir. */
static int box_path(struct mail *m, const char *dir, struct span name,
		char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%.*s", dir, SPAN_ARG(name));

	return name.n && name.p[0] != '.' && !span_has(name, '/') &&
			n > 0 && n < PATH_MAX ? 0 :
			mail_wrong(m, T("no such user"));
}

/* local@domain of ours, when there is a Maildir: that of a virtual user. */
static bool is_virtual(struct mail *m, struct span local, const char *domain,
		char path[PATH_MAX])
{
	char dir[PATH_MAX];
	struct stat st;
	int n = snprintf(dir, sizeof(dir), "%s/%s", m->conf->mail_dir, domain);

	if (n >= PATH_MAX || box_path(m, dir, local, path) < 0 ||
	    stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	snprintf(m->login, sizeof(m->login), "%.*s@%s", SPAN_ARG(local),
			domain);
	m->name[0] = '\0';
	return true;
}

/* As authd looks users up: virtual ones first, then those of the system. */
int mail_path_user(struct mail *m, const char *user, char path[PATH_MAX])
{
	struct span domain = span_of(user), local = span_cut(&domain, '@');
	struct conf_word *w = m->conf->domains;
	struct priv_user found;

	while (w && !((!domain.n || idna_same(domain, span_of(w->text))) &&
			is_virtual(m, local, w->text, path)))
		w = w->next;
	if (!w && ((domain.n && !conf_is_local(m->conf, domain)) ||
	    box_path(m, m->conf->mbox_dir, local, path) < 0 ||
	    str_copy(m->login, sizeof(m->login), local) < 0 ||
	    priv_find(m->login, &found, NULL) < 0))
		return err_set(&m->err, ERR_PERM, T("%s: no such user"), user);
	mail_user_address(m);
	return 0;
}

int mail_path_own(struct mail *m, char path[PATH_MAX])
{
	const char *env = getenv("MAIL");
	const char *inbox = CFG_MAIL_NAIL ? mail_var(m, "inbox") : NULL;
	char name[sizeof(m->login)];

	/* of servers the mail is fetched; % is ourselves */
	if (inbox && *inbox && *inbox != '%' && !strstr(inbox, "://") &&
	    !m->other)
		return mail_path_given(m, span_of(inbox), path);
	if (env && *env && !m->other)
		return mail_path_given(m, span_of(env), path);
	if (strchr(m->login, '@'))
		return mail_path_user(m, memcpy(name, m->login, sizeof(name)),
				path);
	return box_path(m, m->conf->mbox_dir, span_of(m->login), path);
}

int mail_path_system(struct mail *m, struct span user, char path[PATH_MAX])
{
	char name[sizeof(m->login)], login[sizeof(m->login)];
	char full_name[sizeof(m->name)];
	int rc;

	if (!user.n)
		return mail_path_own(m, path);
	if (str_copy(name, sizeof(name), user) < 0)
		return mail_wrong(m, T("no such user"));
	/* looking at another's mail does not make us write as they */
	memcpy(login, m->login, sizeof(login));
	memcpy(full_name, m->name, sizeof(full_name));
	rc = mail_path_user(m, name, path);
	memcpy(m->login, login, sizeof(login));
	memcpy(m->name, full_name, sizeof(full_name));
	mail_user_address(m);
	return rc;
}

bool mail_path_is_own(struct mail *m, const char *path)
{
	char own[PATH_MAX], here[PATH_MAX];

	mail_path_absolute(path, here);
	return mail_path_own(m, own) == 0 && !strcmp(own, here);
}
