#include "net/tls_conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/daemon.h"
#include "os/file.h"
#include "os/log.h"

#define LOCK_WAIT_MS 60000	/* making a key takes seconds on a slow router */

static bool is_ours(const char *path, const char *folder, const char *name)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/' &&
		strcmp(path + n + 1, name) == 0;
}

/* The certificate is written last: a key alone is what a crash has left. */
static bool is_missing(const struct conf *conf)
{
	return access(conf->tls_cert, F_OK) < 0;
}

/* Under the lock another daemon's certificate may have appeared. */
static int make_locked(const struct conf *conf, int lock, struct err *err)
{
	if (file_lock(lock, LOCK_WAIT_MS) < 0)
		return err_errno(err, "%s/cert.lock", conf->state_dir);
	if (!is_missing(conf))
		return 0;
	log_info("making a certificate for %s in %s", conf->hostname,
			conf->state_dir);
	return tls_make_cert(conf->tls_cert, conf->tls_key, conf->hostname,
			err);
}

static int make(const struct conf *conf, struct err *err)
{
	char path[1024];
	int n, lock, rc;

	if (daemon_dir(conf->state_dir, 0755, conf->user_auth, err) < 0)
		return -1;
	n = snprintf(path, sizeof(path), "%s/cert.lock", conf->state_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ERR_PERM, "state-dir: path too long");
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return err_errno(err, "%s", path);
	rc = make_locked(conf, lock, err);
	close(lock);
	return rc;
}

int tls_conf_server(const struct conf *conf, struct tls_ctx **ctx,
		struct err *err)
{
	*ctx = NULL;
	if (!tls_built())
		return 0;
	if (is_ours(conf->tls_cert, conf->state_dir, "cert.pem") &&
			is_ours(conf->tls_key, conf->state_dir, "key.pem") &&
			is_missing(conf) && make(conf, err) < 0)
		return -1;
	*ctx = tls_server(conf->tls_cert, conf->tls_key, err);
	return *ctx ? 0 : -1;
}
