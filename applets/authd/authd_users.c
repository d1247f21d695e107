/* authd_users - users.db as a source */
#include "authd/authd_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/user.h"

struct users {
	const struct authd_check *check;
	struct user_db *db;		/* NULL: there is none yet */
	dev_t device;			/* of the file behind db */
	ino_t inode;
	char path[1024];
};

static bool wanted(const struct conf *conf)
{
	(void)conf;
	return true;
}

static void *start(const struct authd_check *c)
{
	struct users *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->check = c;
	snprintf(u->path, sizeof(u->path), "%s/" USER_FILE,
			c->conf->state_dir);
	return u;
}

static void end(void *own)
{
	struct users *u = own;

	user_close(u->db);
	free(u);
}

/* The file may have come, gone or been replaced since the last request. */
static int refresh(struct users *u, struct err *err)
{
	struct stat st;
	int found = stat(u->path, &st);

	if (found < 0 && errno != ENOENT)
		return err_errno(err, "%s", u->path);
	if (u->db && (found < 0 || st.st_dev != u->device ||
			st.st_ino != u->inode)) {
		user_close(u->db);
		u->db = NULL;
	}
	if (found < 0)
		return AUTHD_NOBODY;
	if (!u->db) {
		u->device = st.st_dev;
		u->inode = st.st_ino;
		u->db = user_open(u->path, false, err);
	}
	return u->db ? AUTHD_FOUND : -1;
}

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	char address[AUTHD_NAME_MOST + 1];
	struct users *u = own;
	struct user user;
	int result = refresh(u, err);

	if (result != AUTHD_FOUND)
		return result;
	/* too long for the room is too long for a user, so cutting is fine */
	snprintf(address, sizeof(address), "%.*s@%.*s",
			SPAN_ARG(name->local), SPAN_ARG(name->domain));
	result = user_find(u->db, span_of(address), &user, &out->keys, err);
	if (result)
		return result < 0 ? -1 : AUTHD_NOBODY;
	if (!user.enabled)
		return AUTHD_OFF;
	out->user = (struct auth_user){ .kind = AUTH_VIRTUAL,
		.uid = u->check->uid, .gid = u->check->gid };
	str_copys(out->user.name, sizeof(out->user.name), user.address);
	str_copys(out->user.mailbox, sizeof(out->user.mailbox), user.mailbox);
	return AUTHD_FOUND;
}

static void waste_time(const struct conf *conf, const char *password)
{
	static const unsigned char salt[SCRAM_SALT_SIZE];
	struct scram_keys keys;

	scram_derive(&keys, span_of(password), salt, conf->scram_rounds);
	explicit_bzero(&keys, sizeof(keys));
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct users *u = own;

	(void)err;
	if (who && who->keys.rounds)
		return scram_verify(&who->keys, span_of(password)) ?
			AUTHD_FOUND : AUTHD_NOBODY;
	waste_time(u->check->conf, password);
	return AUTHD_NOBODY;
}

const struct authd_source *authd_users(void)
{
	static const struct authd_source source = {
		.keys = true, .wanted = wanted, .start = start, .end = end,
		.find = find, .verify = verify
	};

	return &source;
}
