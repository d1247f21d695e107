/* The machine itself: clock, disk, accounts, files. */
#include "mailconf/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/date.h"
#include "config.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/priv.h"
#include "os/text.h"
#include "store/user.h"

#define YEAR (INT64_C(365) * 86400)
#define DAY 86400

/* -- time -- */

/* Did somebody write the configuration when it was later than now? */
static bool is_behind(const struct doctor *d)
{
	struct stat st;

	return stat(d->path, &st) == 0 && st.st_mtime > clock_now() + DAY;
}

void doctor_clock(struct doctor *d)
{
	const char *remedy = T("set it: date -s, or an NTP client, as ntpd of "
			"BusyBox, chrony or systemd-timesyncd");
	struct timex t = { .modes = 0 };
	char now[DATE_SIZE];

	date_iso(now, clock_now());
	if (!clock_plausible())
		doctor_say(d, DOCTOR_FAIL, remedy, T("It says %s: it was never "
					"set. Certificates cannot be checked, "
					"and mail waits."), now);
	else if (clock_now() > CLOCK_EPOCH + 30 * YEAR)
		doctor_say(d, DOCTOR_FAIL, remedy, T("It says %s, which is far "
					"in the future."), now);
	else if (is_behind(d))
		doctor_say(d, DOCTOR_FAIL, remedy, T("It says %s, and %s was "
					"written after that."), now, d->path);
	else if (adjtimex(&t) == TIME_ERROR || t.status & STA_UNSYNC)
		doctor_say(d, DOCTOR_WARN, T("an NTP client keeps it right, as "
					"ntpd of BusyBox, chrony or "
					"systemd-timesyncd"), T("It says %s, "
					"and nothing keeps it right."), now);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("It says %s and is "
					"synchronised."), now);
}

void doctor_zone(struct doctor *d)
{
	int offset = date_offset(clock_now()) / 60;
	const char *tz = getenv("TZ");

	if (offset || (tz && *tz) || access("/etc/localtime", F_OK) == 0 ||
			access("/etc/TZ", F_OK) == 0)
		doctor_say(d, DOCTOR_OK, NULL, T("Local time is %c%02d:%02d."),
				offset < 0 ? '-' : '+', abs(offset) / 60,
				abs(offset) % 60);
	else
		doctor_say(d, DOCTOR_WARN, T("set /etc/localtime, or TZ"),
				"%s", d->conf->quiet_hours.minutes ?
				T("None is set: quiet-hours and dates in mail "
					"are UTC.") :
				T("None is set: dates in mail are UTC."));
}

/* -- room -- */

static void look_at_disk(struct doctor *d, const char *directive,
		const char *path)
{
	unsigned long long least = d->conf->min_free_space;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statvfs v;
	int64_t room;

	if (fd < 0) {
		/* daemons make what is missing at their start */
		doctor_say(d, errno == ENOENT || errno == EACCES ? DOCTOR_SKIP :
				DOCTOR_FAIL, NULL, "%s %s: %s", directive,
				path, strerror(errno));
		return;
	}
	room = file_free_space(fd);
	if (fstatvfs(fd, &v) < 0)
		memset(&v, 0, sizeof(v));
	if (v.f_flag & ST_RDONLY)
		doctor_say(d, DOCTOR_FAIL, T("dmesg may say why; mount -o "
					"remount,rw"), T("%s %s: it can only "
					"be read."),
				directive, path);
	else if (room >= 0 && (unsigned long long)room < least)
		doctor_say(d, DOCTOR_FAIL, T("make room, or lower "
					"min-free-space"), T("%s %s: %lld MB "
					"are left, less than min-free-space: "
					"no mail is taken."), directive, path,
				(long long)room >> 20);
	else if (v.f_files && v.f_favail < v.f_files / 100)
		doctor_say(d, DOCTOR_FAIL, T("remove files there"), T("%s %s: "
					"no more than %llu files can be made."),
				directive, path,
				(unsigned long long)v.f_favail);
	else if (room >= 0 && (unsigned long long)room < 2 * least)
		doctor_say(d, DOCTOR_WARN, T("make room"), T("%s %s: %lld MB "
					"are left."), directive, path,
				(long long)room >> 20);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s %s: %lld MB are left."),
				directive, path, (long long)room >> 20);
	close(fd);
}

void doctor_disk(struct doctor *d)
{
	const struct conf *c = d->conf;

	look_at_disk(d, "spool-dir", c->spool_dir);
	if (CFG_AUTHD)
		look_at_disk(d, "state-dir", c->state_dir);
	if (CFG_DELIVER && CFG_MAILUSER)
		look_at_disk(d, "mail-dir", c->mail_dir);
	if (CFG_DELIVER && c->system_users)
		look_at_disk(d, "mbox-dir", c->mbox_dir);
}

/* -- accounts and files -- */

static bool look_for(struct doctor *d, const char *directive,
		const char *name)
{
	char text[DOCTOR_TEXT];
	struct priv_user user;
	struct err err;

	if (priv_find(name, &user, &err) == 0)
		return true;
	doctor_say(d, DOCTOR_FAIL, doctor_text(text, T("adduser -S -D -H %s "
					"(BusyBox), or useradd -r %s"), name,
				name), T("There is no account %s, as which %s "
					"has it: its daemons cannot start."),
			name, directive);
	return false;
}

void doctor_accounts(struct doctor *d)
{
	const struct conf *c = d->conf;
	bool all = look_for(d, "user-queue", c->user_queue);

	if (CFG_DELIVER || CFG_POP3D)
		all &= look_for(d, "user-store", c->user_store);
	if (CFG_AUTHD)
		all &= look_for(d, "user-auth", c->user_auth);
	if (all)
		doctor_say(d, DOCTOR_OK, NULL, T("The accounts of the daemons "
					"are there."));
}

/* What others may do with a file that they must not. */
static bool look_at_file(struct doctor *d, const char *what, const char *path,
		mode_t bad)
{
	char text[DOCTOR_TEXT];
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return true;
	if (!(st.st_mode & bad))
		return true;
	doctor_say(d, DOCTOR_FAIL, doctor_text(text, bad & S_IROTH ?
				"chmod o= %s" : "chmod o-w %s", path),
			bad & S_IROTH ? T("%s %s: everybody on this machine "
				"can read it.") : T("%s %s: everybody on this "
				"machine can change it."), what, path);
	return false;
}

/* Can the daemons of this account write there? */
static bool look_at_owner(struct doctor *d, const char *what, const char *path,
		const char *name)
{
	char text[DOCTOR_TEXT];
	struct priv_user user;
	struct stat st;
	struct err err;

	if (stat(path, &st) < 0 || priv_find(name, &user, &err) < 0 ||
			!user.uid || (st.st_uid == user.uid ?
			st.st_mode & S_IWUSR : st.st_gid == user.gid ?
			st.st_mode & S_IWGRP : st.st_mode & S_IWOTH))
		return true;
	doctor_say(d, DOCTOR_FAIL, doctor_text(text, "chown -R %s %s", name,
				path), T("%s %s: %s cannot write to it."), what,
			path, name);
	return false;
}

static bool look_at_secret(struct doctor *d, const char *path)
{
	char text[DOCTOR_TEXT];

	if (!path)
		return true;
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		doctor_say(d, DOCTOR_FAIL, doctor_text(text, T("write the "
						"password into it, mode 0600: "
						"%s"), path),
				T("password-file %s is not there."), path);
		return false;
	}
	return look_at_file(d, "password-file", path, S_IRWXO);
}

void doctor_files(struct doctor *d)
{
	const struct conf *c = d->conf;
	bool all = look_at_file(d, T("configuration"), d->path, S_IWOTH);
	char path[DOCTOR_TEXT];

	for (const struct conf_smarthost *h = c->smarthosts; h; h = h->next) {
		all &= look_at_secret(d, h->password_file);
		all &= look_at_file(d, "token-file", h->token_file, S_IRWXO);
	}
	if (CFG_TLS_SERVER)
		all &= look_at_file(d, "tls-key", c->tls_key, S_IRWXO);
	all &= look_at_file(d, "spool-dir", c->spool_dir, S_IRWXO);
	all &= look_at_file(d, "state-dir", c->state_dir, S_IWOTH);
	all &= look_at_file(d, "mail-dir", c->mail_dir, S_IWOTH);
	all &= look_at_owner(d, "spool-dir", c->spool_dir, c->user_queue);
	if (CFG_AUTHD)
		all &= look_at_owner(d, "state-dir", c->state_dir,
				c->user_auth);
	if (CFG_DELIVER && CFG_MAILUSER)
		all &= look_at_owner(d, "mail-dir", c->mail_dir,
				c->user_store);
	if (CFG_ALIASES)
		all &= look_at_file(d, "aliases", c->aliases, S_IWOTH);
	if (CFG_AUTHD)
		all &= look_at_file(d, "users", doctor_text(path, "%s/%s",
					c->state_dir, USER_FILE), S_IRWXO);
	if (all)
		doctor_say(d, DOCTOR_OK, NULL, geteuid() == 0 ?
				T("Nobody can read or change what is not for "
					"him.") : T("Nothing wrong is to be "
					"seen; root sees more."));
}
