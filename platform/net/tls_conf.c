#include "net/tls_conf.h"

#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "net/daemon.h"
#include "os/file.h"
#include "os/log.h"
#include "os/rand.h"

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

static bool is_known(const void *conf, const unsigned char hash[32])
{
	return conf_cert_user(conf, hash) || conf_cert_relays(conf, hash);
}

static int add_hosts(struct tls_ctx *ctx, const struct conf *conf,
		struct err *err)
{
	for (const struct conf_tls_host *h = conf->tls_hosts; h; h = h->next)
		if (tls_server_add(ctx, h->name, h->cert, h->key, err) < 0)
			return -1;
	return 0;
}

/* A ticket of before must not get round what is asked now. */
static void bind_tickets(struct tls_ctx *ctx, const struct conf *conf)
{
	const struct conf_word *w;
	struct str to;

	str_init(&to, 16384);
	str_addf(&to, "%d", conf->tls_13);
	for (int i = 0; i < CONF_CLIENT_SERVICES; i++)
		str_addf(&to, " %d", conf->tls_client[i]);
	for (w = conf->tls_ciphers; w; w = w->next)
		str_addf(&to, " %s", w->text);
	tls_server_tickets(ctx, daemon_inherited(TLS_CONF_SECRETS),
			str_span(&to));
	str_free(&to);
}

static int set_up(struct tls_ctx *ctx, const struct conf *conf,
		struct err *err)
{
	if (CFG_TLS_SNI && add_hosts(ctx, conf, err) < 0)
		return -1;
	if (CFG_TLS_CHOICE && conf->tls_13 &&
			tls_server_only_13(ctx, err) < 0)
		return -1;
	if (CFG_TLS_CHOICE && conf->tls_ciphers &&
			tls_server_ciphers(ctx, conf->tls_ciphers, err) < 0)
		return -1;
	if (CFG_TLS_CLIENT_CERTS && tls_server_clients(ctx,
				conf->tls_client_ca, is_known, conf, err) < 0)
		return -1;
	bind_tickets(ctx, conf);
	return 0;
}

const char *tls_conf_file(const struct conf *conf, size_t i)
{
	const struct conf_tls_host *h = conf->tls_hosts;

	if (i < 2)
		return i ? conf->tls_key : conf->tls_cert;
	for (i -= 2; h && i > 1; i -= 2)
		h = h->next;
	if (h)
		return i ? h->key : h->cert;
	return i ? NULL : conf->tls_client_ca;
}

int tls_conf_secrets_open(void)
{
	int fd = memfd_create(TLS_CONF_SECRETS, MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	tls_conf_secrets(fd);
	tls_conf_secrets(fd);
	return fd;
}

void tls_conf_secrets(int fd)
{
	unsigned char both[2][TLS_SECRET_SIZE];

	rand_bytes(both, sizeof(both));
	(void)!pread(fd, both[1], TLS_SECRET_SIZE, 0);
	/* a half of it opens nothing, which costs clients a full handshake */
	(void)!pwrite(fd, both, sizeof(both), 0);
	explicit_bzero(both, sizeof(both));
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
	if (*ctx && set_up(*ctx, conf, err) == 0)
		return 0;
	tls_ctx_free(*ctx);
	*ctx = NULL;
	return -1;
}
