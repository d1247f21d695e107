/* The files of TLS: have they changed, and are they any good? */
#include "maild/maild.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/tls_conf.h"
#include "os/log.h"

struct maild_file {
	time_t mtime;
	ino_t ino;
	off_t size;
	bool there;
};

static bool changed(const char *path, struct maild_file *last)
{
	struct maild_file now = { 0 };
	struct stat st;
	bool differs;

	if (stat(path, &st) < 0)
		return false;
	now.mtime = st.st_mtime;
	now.ino = st.st_ino;
	now.size = st.st_size;
	now.there = true;
	/* what was not there has been made by the daemons themselves */
	differs = last->there && (now.mtime != last->mtime ||
			now.ino != last->ino || now.size != last->size);
	*last = now;
	return differs;
}

bool maild_look_at_domains(struct maild_look *l, const struct conf *conf)
{
	char path[1024];
	struct stat st = { 0 };
	bool differs;

	snprintf(path, sizeof(path), "%s/users.domains", conf->state_dir);
	if (stat(path, &st) < 0)
		memset(&st, 0, sizeof(st));
	differs = l->looked && (st.st_ino != l->domains_ino ||
			st.st_mtim.tv_sec != l->domains_time.tv_sec ||
			st.st_mtim.tv_nsec != l->domains_time.tv_nsec);
	l->domains_ino = st.st_ino;
	l->domains_time = st.st_mtim;
	l->looked = true;
	return differs;
}

void maild_look_again(struct maild_look *l)
{
	free(l->files);
	l->files = NULL;
}

bool maild_look(struct maild_look *l, const struct conf *conf)
{
	const char *path;
	bool any = false;

	if (!l->files) {
		for (l->n = 0; tls_conf_file(conf, l->n); l->n++)
			;
		l->files = calloc(l->n, sizeof(*l->files));
	}
	for (size_t i = 0; l->files && i < l->n; i++) {
		path = tls_conf_file(conf, i);
		if (!changed(path, &l->files[i]))
			continue;
		log_info("%s is new", path);
		any = true;
	}
	return any;
}

/* In a process of its own: keys are nothing that maild should hold. */
int maild_try_tls(const struct conf *conf)
{
	struct tls_ctx *ctx;
	struct err err;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (tls_conf_server(conf, &ctx, &err) == 0)
			_exit(0);
		log_error("%s", err.text);
		_exit(1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 0;
	return status ? -1 : 0;
}
