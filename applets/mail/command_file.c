#include "mail/command.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mail/box.h"
#include "mail/save.h"
#include "mail/select.h"
#include "mail/show.h"

/* "[LIST] FILE": the last word is the file. */
static struct span cut_file(struct span *text)
{
	struct span rest = *text, last = { NULL, 0 };
	size_t before = 0;

	for (;;) {
		size_t at = text->n - rest.n;
		struct span word = mail_select_word(&rest);

		if (!word.n)
			break;
		before = at;
		last = word;
	}
	*text = span_sub(*text, 0, before);
	return last;
}

/* Where to: the file, and in m->set which messages. */
static int aim(struct mail *m, struct span text, const char *otherwise,
		char path[PATH_MAX])
{
	struct span file = cut_file(&text);
	struct err err;

	if (!file.n)
		file = span_of(otherwise);
	if (!file.n)
		err_set(&err, ERR_PERM, "No file given");
	if (file.n && mail_list(m, text, false, &err) >= 0 &&
	    mail_path(m, file, path, &err) == 0)
		return 0;
	mail_term_error(&m->term, "%s", err.text);
	return -1;
}

static unsigned last_in_list(const struct mail *m)
{
	unsigned n = m->count;

	while (n && !m->set[n])
		n--;
	return n;
}

static void tell(struct mail *m, const char *path, bool fresh,
		const struct mail_amount *amount)
{
	mail_term_printf(&m->term, "\"%s\" [%s] %" PRIu64 "/%" PRIu64 "\n", path,
			fresh ? "New file" : "Appended", amount->lines,
			amount->octets);
}

static bool is_missing(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0;
}

static int save(struct mail *m, struct span text, unsigned note)
{
	struct mail_amount amount = { 0, 0 };
	char path[PATH_MAX];
	unsigned last;
	struct err err;
	bool fresh;

	if (aim(m, text, "&", path) < 0)
		return -1;
	fresh = is_missing(path);
	last = last_in_list(m);
	for (unsigned i = 1; i <= last; i++) {
		if (!m->set[i])
			continue;
		mailbox_flag(m->box, i, MAILBOX_SEEN, 0);
		if (mail_save_copy(m->box, i, path, i == last, &amount,
				&err) < 0) {
			mail_term_error(&m->term, "mail: %s: %s", path,
					err.text);
			return -1;
		}
	}
	/* only now is all of it on stable storage */
	for (unsigned i = 1; i <= last; i++) {
		if (!m->set[i])
			continue;
		mail_box_touch(m, i);
		m->note[i] |= (unsigned char)note;
		m->dot = i;
	}
	tell(m, path, fresh, &amount);
	return 0;
}

int mail_do_save(struct mail *m, struct span text)
{
	return save(m, text, MAIL_SAVED);
}

int mail_do_copy(struct mail *m, struct span text)
{
	return save(m, text, 0);
}

static int write_list(struct mail *m, int fd, struct mail_amount *amount,
		struct err *err)
{
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i] && mail_save_body(m->box, i, fd, amount, err) < 0)
			return -1;
	if (fsync(fd) < 0 && fd >= 0) {
		struct stat st;

		/* a terminal or pipe has nothing to flush */
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return err_errno(err, "writing");
	}
	return 0;
}

int mail_do_write(struct mail *m, struct span text)
{
	struct mail_amount amount = { 0, 0 };
	char path[PATH_MAX];
	struct err err;
	bool fresh;
	int fd, rc = -1;

	if (aim(m, text, "", path) < 0)
		return -1;
	fresh = is_missing(path);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(&err, "%s", path);
	} else {
		rc = write_list(m, fd, &amount, &err);
		if (close(fd) < 0 && rc == 0)
			rc = err_errno(&err, "%s", path);
	}
	if (rc < 0) {
		mail_term_error(&m->term, "mail: %s", err.text);
		return -1;
	}
	for (unsigned i = 1; i <= m->count; i++)
		if (m->set[i]) {
			mail_box_touch(m, i);
			m->note[i] |= MAIL_SAVED;
			m->dot = i;
		}
	tell(m, path, fresh, &amount);
	return 0;
}

static int open_box(struct mail *m, const char *path)
{
	char old[PATH_MAX];
	struct err err;

	if (is_missing(path) && strcmp(path, m->inbox)) {
		mail_term_error(&m->term, "%s: no such mailbox", path);
		return -1;
	}
	memcpy(old, m->path, sizeof(old));
	if (mail_box_quit(m) < 0)
		return -1;
	if (mail_box_open(m, path, !strcmp(path, m->inbox), &err) < 0) {
		mail_term_error(&m->term, "mail: %s: %s", path, err.text);
		return -1;
	}
	memcpy(m->previous, old, sizeof(old));
	return 0;
}

int mail_do_file(struct mail *m, struct span text)
{
	struct span word = mail_select_word(&text);
	char path[PATH_MAX];
	struct err err;

	if (word.n && mail_path(m, word, path, &err) < 0) {
		mail_term_error(&m->term, "%s", err.text);
		return -1;
	}
	if (word.n && open_box(m, path) < 0)
		return -1;
	if (!m->box) {
		mail_term_error(&m->term, "No mailbox is open");
		return -1;
	}
	mail_box_tell(m);
	if (word.n && mail_var_on(&m->vars, MAIL_VAR_HEADER) && m->count)
		mail_show_screen(m, m->dot);
	return 0;
}

int mail_do_quit(struct mail *m, struct span text)
{
	(void)text;
	if (mail_box_quit(m) < 0)
		return -1;
	m->done = true;
	return 0;
}

int mail_do_exit(struct mail *m, struct span text)
{
	(void)text;
	mail_box_close(m);
	m->done = true;
	return 0;
}
