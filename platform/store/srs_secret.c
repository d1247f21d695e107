#include "store/srs_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/daemon.h"
#include "os/file.h"
#include "os/priv.h"
#include "os/rand.h"

#define LOCK_MS 5000		/* another daemon is just making it */
#define FILE_MOST 1024
#define SECRET_LEAST 16
#define SECRET_MADE 32

static bool is_secret(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] <= ' ' || line.p[i] > '~')
			return false;
	return line.n >= SECRET_LEAST && line.n < SRS_SECRET_SIZE;
}

static int make(int fd, const struct conf *conf, struct err *err)
{
	char word[SECRET_MADE + 2];
	struct priv_user owner;
	int rc;

	if (geteuid() == 0 && (priv_find(conf->user_queue, &owner, err) < 0 ||
			fchown(fd, owner.uid, owner.gid) < 0))
		return err_errno(err, SRS_SECRET_FILE);
	rand_word(word, SECRET_MADE);
	word[SECRET_MADE] = '\n';
	rc = file_write(fd, word, SECRET_MADE + 1);
	explicit_bzero(word, sizeof(word));
	return rc < 0 || fsync(fd) < 0 ? err_errno(err, SRS_SECRET_FILE) : 0;
}

static int take(struct srs *s, int fd, struct err *err)
{
	char text[FILE_MOST];
	ssize_t n = file_pread(fd, text, sizeof(text), 0);
	struct span rest = span_make(text, n < 0 ? 0 : (size_t)n);

	if (n < 0)
		return err_errno(err, SRS_SECRET_FILE);
	while (rest.n && s->n < SRS_SECRETS_MOST) {
		struct span line = span_trim(span_cut(&rest, '\n'));

		if (is_secret(line))
			str_copy(s->secret[s->n++], SRS_SECRET_SIZE, line);
	}
	explicit_bzero(text, sizeof(text));
	return s->n ? 0 : err_set(err, ERR_PERM, SRS_SECRET_FILE ": no line of "
			"%d to %d characters", SECRET_LEAST,
			SRS_SECRET_SIZE - 1);
}

static int take_file(struct srs *s, int fd, const struct conf *conf,
		struct err *err)
{
	struct stat st;

	if (file_lock(fd, LOCK_MS) < 0 || fstat(fd, &st) < 0)
		return err_errno(err, SRS_SECRET_FILE);
	if (st.st_mode & 077)
		return err_set(err, ERR_PERM, SRS_SECRET_FILE ": others may "
				"read it (chmod 600)");
	if (!st.st_size && make(fd, conf, err) < 0)
		return -1;
	return take(s, fd, err);
}

int srs_secret_load(struct srs *s, const struct conf *conf, struct err *err)
{
	const char *domain = conf->srs_domain ? conf->srs_domain :
		conf->domains ? conf->domains->text : conf->hostname;
	char path[1024];
	int fd, rc;

	*s = (struct srs){ .n = 0 };
	if (str_copys(s->domain, sizeof(s->domain), domain) < 0)
		return err_set(err, ERR_PERM, "srs-domain is too long");
	if (daemon_dir(conf->state_dir, 0755, conf->user_auth, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/" SRS_SECRET_FILE, conf->state_dir);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "%s", path);
	rc = take_file(s, fd, conf, err);
	close(fd);
	return rc;
}
