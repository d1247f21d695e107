#include "net/tls.h"

#include <stddef.h>

static int none(struct err *err)
{
	return err_set(err, ERR_PERM, "this build has no TLS");
}

bool tls_built(void)
{
	return false;
}

struct tls_ctx *tls_server(const char *cert_file, const char *key_file,
		struct err *err)
{
	(void)cert_file;
	(void)key_file;
	none(err);
	return NULL;
}

int tls_server_add(struct tls_ctx *c, const char *name, const char *cert_file,
		const char *key_file, struct err *err)
{
	(void)c, (void)name;
	(void)cert_file;
	(void)key_file;
	return none(err);
}

int tls_server_only_13(struct tls_ctx *c, struct err *err)
{
	(void)c;
	return none(err);
}

int tls_server_ciphers(struct tls_ctx *c, const struct conf_word *names,
		struct err *err)
{
	(void)c, (void)names;
	return none(err);
}

int tls_server_clients(struct tls_ctx *c, const char *ca_file,
		bool (*known)(const void *arg, const unsigned char hash[32]),
		const void *arg, struct err *err)
{
	(void)c, (void)ca_file, (void)known, (void)arg;
	return none(err);
}

void tls_server_tickets(struct tls_ctx *c, int fd, struct span to)
{
	(void)c, (void)fd, (void)to;
}

struct tls_ctx *tls_client(const char *ca_file, struct err *err)
{
	(void)ca_file;
	none(err);
	return NULL;
}

int tls_add_bundle(struct tls_ctx *c, const char *ca_file, struct err *err)
{
	(void)c, (void)ca_file;
	return none(err);
}

void tls_ctx_free(struct tls_ctx *c)
{
	(void)c;
}

int tls_make_cert(const char *cert_file, const char *key_file,
		const char *name, struct err *err)
{
	(void)cert_file;
	(void)key_file;
	(void)name;
	return none(err);
}

struct tls *tls_new(struct tls_ctx *c, int fd, const char *name,
		unsigned verify, struct err *err)
{
	(void)c;
	(void)fd;
	(void)name;
	(void)verify;
	none(err);
	return NULL;
}

void tls_free(struct tls *t)
{
	(void)t;
}

int tls_handshake(struct tls *t, struct err *err)
{
	(void)t;
	return none(err);
}

void tls_expect(struct tls *t, const struct tls_expect *e)
{
	(void)t, (void)e;
}

enum tls_fault tls_fault(const struct tls *t)
{
	(void)t;
	return TLS_FAULT_NONE;
}

ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *err)
{
	(void)t;
	(void)p;
	(void)n;
	return none(err);
}

ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *err)
{
	(void)t;
	(void)p;
	(void)n;
	return none(err);
}

size_t tls_pending(const struct tls *t)
{
	(void)t;
	return 0;
}

void tls_bye(struct tls *t)
{
	(void)t;
}

size_t tls_binding(struct tls *t, const char *type,
		unsigned char out[TLS_BINDING_MOST])
{
	(void)t;
	(void)type;
	(void)out;
	return 0;
}

const struct tls_peer *tls_peer(const struct tls *t)
{
	(void)t;
	return NULL;
}

const char *tls_peer_fault(const struct tls_peer *p)
{
	(void)p;
	return "";
}

void tls_client_watch(struct tls_ctx *c, void (*fn)(void *arg,
		const struct tls_shown *s), void *arg)
{
	(void)c, (void)fn, (void)arg;
}

int tls_look(const char *cert_file, const char *key_file, const char *ca_file,
		struct tls_shown *s, struct err *err)
{
	(void)cert_file, (void)key_file, (void)ca_file, (void)s;
	return none(err);
}

const char *tls_version(const struct tls *t)
{
	(void)t;
	return "";
}

const char *tls_cipher(const struct tls *t)
{
	(void)t;
	return "";
}
