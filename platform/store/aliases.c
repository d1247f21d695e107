#include "store/aliases_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/idna.h"
#include "config.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "store/alias_map.h"
#include "store/user.h"

#define LOOK_MS 1000		/* between two looks at the file */
#define MEMORY_MOST (16 * 1024 * 1024)	/* of names and their index */
#define NAME_FOR_TARGET (ALIAS_NAME_SIZE - 1 - 6)	/* "|NAME#999" */

const char *aliases_path(const struct conf *conf)
{
	return conf->aliases && conf->aliases[0] == '/' ? conf->aliases : NULL;
}

static void to_log(void *arg, const char *text)
{
	(void)arg;
	log_warn("%s", text);
}

void aliases_tell(const struct aliases *a, const char *path, unsigned line,
		const char *why)
{
	char text[512];

	if (!a->tell)
		return;
	snprintf(text, sizeof(text), "%s:%u: %s", path, line, why);
	a->tell(a->arg, text);
}

struct aliases *aliases_new(const struct conf *conf, bool log)
{
	struct aliases *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->conf = conf;
	a->tell = log ? to_log : NULL;
	str_init(&a->text, ALIASES_FILE_MOST);
	return a;
}

static void forget(struct aliases *a)
{
	str_free(&a->text);
	arena_free(a->arena);
	free(a->entry);
	a->arena = NULL;
	a->entry = NULL;
	a->n = 0;
	a->have = false;
}

void aliases_free(struct aliases *a)
{
	if (!a)
		return;
	forget(a);
	free(a);
}

/* -- reading -- */

/* Nobody but its owner and group may say where mail goes. */
static int check_file(const char *path, const struct stat *st, struct err *err)
{
	if (!S_ISREG(st->st_mode))
		return err_set(err, ERR_TEMP, "%s: is no file", path);
	if (st->st_mode & S_IWOTH)
		return err_set(err, ERR_TEMP, "%s: anybody may write to it",
				path);
	if (st->st_size > ALIASES_FILE_MOST)
		return err_set(err, ERR_TEMP, "%s: longer than %d octets",
				path, ALIASES_FILE_MOST);
	return 0;
}

static int read_all(int fd, const char *path, struct str *text, struct err *err)
{
	char piece[4096];
	ssize_t n;

	while ((n = file_get(fd, piece, sizeof(piece))) > 0)
		str_add(text, span_make(piece, (size_t)n));
	if (n < 0)
		return err_errno(err, "%s", path);
	if (text->bad)
		return err_set(err, ERR_NOMEM, "%s: no memory for it, or too"
				" much of it", path);
	return 0;
}

int aliases_read(const char *path, struct str *text, struct stat *st,
		struct err *err)
{
	/* whoever made it a FIFO does not hold us up */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0 || fstat(fd, st) < 0) {
		err_errno(err, "%s", path);
		err->kind = err->kind == ERR_NOMEM ? ERR_NOMEM : ERR_TEMP;
		if (fd >= 0)
			close(fd);
		return -1;
	}
	rc = check_file(path, st, err);
	if (rc == 0)
		rc = read_all(fd, path, text, err);
	close(fd);
	return rc;
}

/* -- the index -- */

/* A command's name becomes part of an address that deliver gets. */
static const char *check_target(const char *name)
{
	if (name[0] == '"')
		return "a name in quotes cannot have commands and files";
	if (strlen(name) > NAME_FOR_TARGET)
		return "the name is too long for commands and files";
	return NULL;
}

/* Tells of all bad values; is there a good one? */
static bool check_values(const struct aliases *a, const struct alias_entry *e)
{
	const char *path = aliases_path(a->conf), *why;
	struct alias_list l = e->values;
	struct alias_value v;
	unsigned targets = 0;
	bool good = false;
	int rc;

	while ((rc = alias_value_next(&l, &v, &why)) != 0) {
		if (rc > 0 && (v.kind == ALIAS_COMMAND || v.kind == ALIAS_FILE))
			why = ++targets > ALIAS_TARGETS_MOST ?
				"too many commands and files" :
				check_target(e->name);
		else if (rc > 0)
			why = NULL;
		good |= !why;
		if (why)
			aliases_tell(a, path, l.at, why);
	}
	if (!good)
		aliases_tell(a, path, e->line, "nobody is named: the line is"
				" ignored");
	return good;
}

static int grow(struct aliases *a, struct err *err)
{
	struct aliases_entry *more;

	/* at 64, 128, ... */
	if (a->n < 64 ? a->n != 0 : a->n & (a->n - 1))
		return 0;
	if (a->n >= ALIASES_ENTRIES_MOST)
		return err_set(err, ERR_TEMP, "%s: more than %d names",
				aliases_path(a->conf), ALIASES_ENTRIES_MOST);
	more = realloc(a->entry, (a->n < 64 ? 64 : 2 * (size_t)a->n) *
			sizeof(*more));
	if (!more)
		return err_nomem(err);
	a->entry = more;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct aliases_entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	/* the same name again: the first line first */
	return order ? order : x->values.line < y->values.line ? -1 : 1;
}

static void sort(struct aliases *a)
{
	unsigned kept = 0;

	if (a->n)
		qsort(a->entry, a->n, sizeof(*a->entry), by_name);
	for (unsigned i = 0; i < a->n; i++) {
		if (kept && !strcmp(a->entry[kept - 1].name, a->entry[i].name))
			aliases_tell(a, aliases_path(a->conf),
					a->entry[i].values.line,
					"the name stands there a second time,"
					" the first line counts");
		else
			a->entry[kept++] = a->entry[i];
	}
	a->n = kept;
}

static int add_entry(struct aliases *a, const struct alias_entry *e,
		struct err *err)
{
	const char *name;

	if (!check_values(a, e))
		return 0;
	name = arena_dup(a->arena, span_of(e->name));
	if (!name)
		return err_nomem(err);
	if (grow(a, err) < 0)
		return -1;
	a->entry[a->n++] = (struct aliases_entry){ name, e->values };
	return 0;
}

static int parse(struct aliases *a, struct err *err)
{
	struct span rest = str_span(&a->text);
	struct alias_entry e;
	unsigned line = 1;
	const char *why;
	int rc;

	a->arena = arena_new(MEMORY_MOST);
	if (!a->arena)
		return err_nomem(err);
	while ((rc = alias_entry_next(&rest, &line, &e, &why)) != 0) {
		if (rc < 0)
			aliases_tell(a, aliases_path(a->conf), e.line, why);
		else if (add_entry(a, &e, err) < 0)
			return -1;
	}
	sort(a);
	return 0;
}

static int load(struct aliases *a, struct err *err)
{
	forget(a);
	memset(&a->st, 0, sizeof(a->st));
	if (aliases_read(aliases_path(a->conf), &a->text, &a->st, err) < 0 ||
			parse(a, err) < 0) {
		forget(a);
		return -1;
	}
	a->have = true;
	return 0;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		a->st_size == b->st_size && a->st_mode == b->st_mode &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* It was written to a moment ago: perhaps only half of it is there yet. */
static bool is_wet(const struct stat *st)
{
	int64_t age = clock_now() - st->st_mtim.tv_sec;

	return age >= 0 && age < 1;
}

int aliases_refresh(struct aliases *a, struct err *err)
{
	const char *path = aliases_path(a->conf);
	int64_t now = clock_ms();
	struct stat st;

	if (!path || (a->have && now - a->looked < LOOK_MS))
		return 0;
	a->looked = now;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, "%s", path);
		forget(a);
		memset(&a->st, 0, sizeof(a->st));
		a->have = true;
		return 0;
	}
	if (a->have && (same(&st, &a->st) || (a->n && is_wet(&st))))
		return 0;
	return load(a, err);
}

/* -- looking up -- */

const struct aliases_entry *aliases_find_name(const struct aliases *a,
		const char *name)
{
	unsigned low = 0, high = a->n;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(name, a->entry[middle].name);

		if (order == 0)
			return &a->entry[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct aliases_entry *aliases_find(const struct aliases *a,
		struct span local)
{
	const struct aliases_entry *e;
	const char *delimiter = a->conf->delimiter ? a->conf->delimiter : "+";
	char name[ALIAS_NAME_SIZE];
	char *detail;

	if (!a->n || !alias_name(name, local))
		return NULL;
	e = aliases_find_name(a, name);
	detail = *delimiter ? strchr(name, *delimiter) : NULL;
	if (e || !detail || detail == name || name[0] == '"')
		return e;
	*detail = '\0';
	return aliases_find_name(a, name);
}

static int find_mapped(const char *path, char *key, const char *domain,
		struct str *values, struct err *err)
{
	size_t n = strlen(key);

	snprintf(key + n, ALIASES_KEY_SIZE - n, "@%s", domain);
	return alias_map_find(path, span_of(key), values, err);
}

int aliases_mapped(const struct aliases *a, struct span local,
		struct span domain, char key[ALIASES_KEY_SIZE],
		struct str *values, struct err *err)
{
	const char *delimiter = a->conf->delimiter ? a->conf->delimiter : "+";
	char path[PATH_MAX], name[ALIAS_NAME_SIZE] = "", ascii[IDNA_SIZE];
	char *detail;
	int rc;

	if ((local.n && (!alias_name(name, local) || name[0] == '"')) ||
			!idna_ascii(ascii, domain))
		return 0;
	snprintf(path, sizeof(path), "%s/" USER_ALIASES, a->conf->state_dir);
	str_copys(key, ALIASES_KEY_SIZE, name);
	rc = find_mapped(path, key, ascii, values, err);
	detail = *delimiter ? strchr(name, *delimiter) : NULL;
	if (rc || !detail || detail == name)
		return rc;
	*detail = '\0';
	str_copys(key, ALIASES_KEY_SIZE, name);
	return find_mapped(path, key, ascii, values, err);
}

int aliases_has(struct aliases *a, struct span local, struct span domain,
		struct err *err)
{
	char key[ALIASES_KEY_SIZE];
	struct str values;
	int rc = 0;

	if (CFG_USERS_FULL && domain.n) {
		str_init(&values, ALIAS_MAP_LINE_MOST);
		rc = aliases_mapped(a, local, domain, key, &values, err);
		str_free(&values);
	}
	if (rc || !local.n)
		return rc;
	if (aliases_refresh(a, err) < 0)
		return -1;
	return aliases_find(a, local) != NULL;
}

int aliases_target(struct aliases *a, const char *name, unsigned n,
		struct alias_value *v, struct err *err)
{
	const struct aliases_entry *e;
	struct alias_list l;
	const char *why;
	int rc;

	if (aliases_refresh(a, err) < 0)
		return -1;
	e = aliases_find_name(a, name);
	if (!e)
		return 0;
	l = e->values;
	while ((rc = alias_value_next(&l, v, &why)) != 0)
		if (rc > 0 && (v->kind == ALIAS_COMMAND || v->kind ==
					ALIAS_FILE) && --n == 0)
			return 1;
	return 0;
}
