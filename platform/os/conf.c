#include "os/conf_row.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <syslog.h>
#include "base/list.h"
#include "os/file.h"

#define FILE_MOST (256 * 1024)		/* bytes of a configuration file */
#define MEMORY_MOST (8 * 1024 * 1024)	/* whatever such a file may become */

/* What a struct conf is in truth: it and the memory of all its texts. */
struct conf_whole {
	struct conf c;
	struct arena *arena;
};

int conf_error(struct conf_load *l, const char *fmt, ...)
{
	char where[128], text[192];
	va_list ap;

	where[0] = '\0';
	if (l->line)
		snprintf(where, sizeof(where), ":%u", l->line);
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	return err_set(l->err, ERR_PERM, "%s%s: %s%s%s", l->file, where,
			l->name ? l->name : "", l->name ? ": " : "", text);
}

int conf_bad(struct conf_load *l, struct span word, const char *what)
{
	return conf_error(l, "\"%.*s\" %s", SPAN_ARG(word), what);
}

void *conf_alloc(struct conf_load *l, size_t n)
{
	void *p = arena_alloc(l->arena, n);

	if (!p)
		err_set(l->err, ERR_NOMEM, "%s: out of memory", l->file);
	return p;
}

const char *conf_keep(struct conf_load *l, struct span s)
{
	char *copy = conf_alloc(l, s.n + 1);

	if (copy)
		str_copy(copy, s.n + 1, s);
	return copy;
}

const char *conf_keep_lower(struct conf_load *l, struct span s)
{
	char *copy = conf_alloc(l, s.n + 1);

	for (size_t i = 0; copy && i < s.n; i++)
		copy[i] = ascii_lower(s.p[i]);
	return copy;
}

/*
 * The next word of *line into room at *used, quotes taken away. 1: a word,
 * 0: no more, -1: a quote is open.
 */
static int next_word(struct span *line, char *room, size_t *used,
		struct span *word)
{
	size_t i = 0, start = *used;
	bool quoted = false;

	while (i < line->n && ascii_isspace(line->p[i]))
		i++;
	if (i == line->n || line->p[i] == '#')
		return 0;
	for (; i < line->n; i++) {
		if (line->p[i] == '"')
			quoted = !quoted;
		else if (!quoted && ascii_isspace(line->p[i]))
			break;
		else
			room[(*used)++] = line->p[i];
	}
	*word = span_make(room + start, *used - start);
	*line = span_rest(*line, i);
	return quoted ? -1 : 1;
}

/* Splits line; the words lie in room, which has line.n bytes at least. */
static int split(struct conf_load *l, struct span line, char *room,
		struct conf_words *words)
{
	struct span word;
	size_t used = 0;
	int rc;

	words->n = 0;
	while ((rc = next_word(&line, room, &used, &word)) > 0) {
		if (words->n == CONF_WORDS_MOST)
			return conf_error(l, "more than %d words",
					CONF_WORDS_MOST);
		words->v[words->n++] = word;
	}
	return rc < 0 ? conf_error(l, "a \" is open at the end") : 0;
}

/* words: the row's values, without its name. */
static int apply(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const struct conf_type *type = conf_type(row->kind);

	if (words->n < type->min)
		return conf_error(l, "needs a value: %s", type->syntax);
	if (words->n > type->max)
		return conf_error(l, "too many words; it is %s", type->syntax);
	return type->parse(l, row, words);
}

static int parse_line(struct conf_load *l, struct span line, bool *seen)
{
	char room[CONF_LINE_MOST];
	struct conf_words words;
	const struct conf_row *row;
	struct span name;

	l->name = NULL;
	line = span_trim(line);
	if (line.n > sizeof(room))
		return conf_error(l, "line too long");
	/* it would end up in logs, replies or file names */
	if (span_has_control(line))
		return conf_error(l, "control character");
	if (split(l, line, room, &words) < 0)
		return -1;
	if (!words.n)
		return 0;
	name = words.v[0];
	row = conf_row_find(name);
	if (!row)
		return conf_error(l, "unknown directive \"%.*s\"",
				SPAN_ARG(name));
	l->name = row->name;
	if (seen[row - conf_rows()] && !conf_type(row->kind)->many)
		return conf_error(l, "given twice");
	seen[row - conf_rows()] = true;
	words.n--;
	memmove(words.v, words.v + 1, words.n * sizeof(words.v[0]));
	return apply(l, row, &words);
}

static int parse_preset(struct conf_load *l, const struct conf_row *row)
{
	struct span rest = span_of(conf_row_preset(row));
	char room[CONF_LINE_MOST];
	struct conf_words words;

	l->name = row->name;
	while (rest.n)
		if (split(l, span_cut(&rest, '\n'), room, &words) < 0 ||
				apply(l, row, &words) < 0)
			return -1;
	return 0;
}

/* The rows that no line of the file has set. */
static int parse_presets(struct conf_load *l, const bool *seen)
{
	const struct conf_row *rows = conf_rows();

	l->line = 0;
	l->presets = true;
	for (size_t i = 0; rows[i].name; i++) {
		if (conf_row_is_computed(&rows[i]) ||	/* groups, too */
				rows[i].kind == CONF_KIND_LEFT_OUT)
			continue;
		if (seen[i] && !conf_type(rows[i].kind)->fills)
			continue;
		if (parse_preset(l, &rows[i]) < 0)
			return -1;
	}
	l->name = NULL;
	return 0;
}

/* The machine's name as it is: asking DNS for more would block the start. */
static int own_hostname(struct conf_load *l)
{
	struct utsname name;
	struct span s = span_of(uname(&name) < 0 ? "" : name.nodename);

	l->c->hostname = conf_keep_lower(l, conf_is_host(s) ? s :
			SPAN("localhost"));
	return l->c->hostname ? 0 : -1;
}

static int in_state_dir(struct conf_load *l, const char **field,
		const char *name)
{
	if (!*field)
		*field = arena_printf(l->arena, "%s/%s", l->c->state_dir, name);
	return *field ? 0 : err_set(l->err, ERR_NOMEM, "%s: out of memory",
			l->file);
}

/* The defaults that hang on something else. */
static int compute(struct conf_load *l)
{
	struct conf *c = l->c;

	if (!c->hostname && own_hostname(l) < 0)
		return -1;
	if (!c->domains && conf_add_word(l, &c->domains,
			span_of(c->hostname)) < 0)
		return -1;
	if (!c->tls_cert != !c->tls_key)
		return conf_error(l, "tls-cert and tls-key go together");
	if (in_state_dir(l, &c->tls_cert, "cert.pem") < 0)
		return -1;
	if (CFG_TLS_POLICY && conf_check_tls_policy(l) < 0)
		return -1;
	if (CFG_TLS_CLIENT_CERTS && conf_check_tls_client(l) < 0)
		return -1;
	if (CFG_SRS && c->srs_domain &&
			!conf_is_local(c, span_of(c->srs_domain)))
		return conf_error(l, "srs-domain: no domain of ours");
	if (CFG_AUTHD_VIRTUAL && conf_check_virtual(l) < 0)
		return -1;
	if (CFG_AUTHD_DIRECTORY && conf_check_directory(l) < 0)
		return -1;
	return in_state_dir(l, &c->tls_key, "key.pem");
}

static int check(struct conf_load *l)
{
	const struct conf *c = l->c;

	if (c->retry_first > c->retry_most)
		return conf_error(l, "retry-first is more than retry-most");
	return 0;
}

static int parse_all(struct conf_load *l, struct span text)
{
	bool seen[CONF_ROWS_MOST] = { false };

	while (text.n) {
		l->line++;
		if (parse_line(l, span_cut(&text, '\n'), seen) < 0)
			return -1;
	}
	if (parse_presets(l, seen) < 0 || compute(l) < 0)
		return -1;
	return check(l);
}

struct conf *conf_parse(const char *name, struct span text, struct err *err)
{
	struct conf_load l = { .file = name, .err = err };
	struct conf_whole *whole = calloc(1, sizeof(*whole));

	if (whole)
		whole->arena = arena_new(MEMORY_MOST);
	if (!whole || !whole->arena) {
		free(whole);
		err_set(err, ERR_NOMEM, "%s: out of memory", name);
		return NULL;
	}
	l.c = &whole->c;
	l.arena = whole->arena;
	if (parse_all(&l, text) < 0) {
		conf_free(l.c);
		return NULL;
	}
	return l.c;
}

void conf_free(struct conf *c)
{
	struct conf_whole *whole;

	if (!c)
		return;
	whole = container_of(c, struct conf_whole, c);
	arena_free(whole->arena);
	free(whole);
}

/* -1 or 1 */
static int add_domain(struct conf_load *l, struct conf_word ***at,
		struct span domain)
{
	struct conf_word *w = conf_alloc(l, sizeof(*w));

	if (!w || !(w->text = conf_keep(l, domain)))
		return -1;
	w->next = NULL;
	**at = w;
	*at = &w->next;
	return 1;
}

/* Of the n domains that the file of directives names? */
static bool has_domain(const struct conf *c, struct span domain, unsigned n)
{
	const struct conf_word *d = c->domains;

	while (n-- && !span_is(domain, d->text))
		d = d->next;
	return n + 1;
}

/* What `mailuser domain` has added, each once, beside those. */
static int add_domains(struct conf_load *l, struct span text)
{
	struct conf_word **at = &l->c->domains;
	unsigned n = 0;
	int rc = 0;

	for (; *at; n++)
		at = &(*at)->next;
	while (text.n && rc >= 0) {
		struct span word = span_trim(span_cut(&text, '\n'));

		if (word.n && !has_domain(l->c, word, n))
			rc = add_domain(l, &at, word);
	}
	return rc;
}

static int read_domains(struct conf *c, struct err *err)
{
	struct conf_whole *whole = container_of(c, struct conf_whole, c);
	char path[1024];
	struct conf_load l = { .err = err, .file = path, .c = c,
		.arena = whole->arena };
	struct str text;
	int rc = 0;

	snprintf(path, sizeof(path), "%s/users.domains", c->state_dir);
	str_init(&text, CONF_DOMAINS_MOST);
	errno = 0;
	if (file_read(AT_FDCWD, path, &text, err) == 0)
		rc = add_domains(&l, str_span(&text));
	else if (errno != ENOENT && errno != ENOTDIR)
		rc = -1;
	str_free(&text);
	return rc < 0 ? -1 : 0;
}

struct conf *conf_read(const char *path, bool optional, struct err *err)
{
	struct conf *c = NULL;
	struct str text;

	str_init(&text, FILE_MOST);
	errno = 0;
	if (file_read(AT_FDCWD, path, &text, err) == 0)
		c = conf_parse(path, str_span(&text), err);
	else if (optional && errno == ENOENT && !strcmp(path, CONF_FILE))
		c = conf_parse(path, SPAN(""), err);
	str_free(&text);
	if (CFG_USERS_FULL && c && read_domains(c, err) < 0) {
		conf_free(c);
		return NULL;
	}
	return c;
}

const char *conf_path(const char *path)
{
	const char *env = getenv("PILLARBOX_CONF");

	if (path)
		return path;
	return env && *env ? env : CONF_FILE;
}

struct conf *conf_read_or_exit(const char *path)
{
	struct err err;
	struct conf *c = conf_read(conf_path(path), !path, &err);

	if (c)
		return c;
	/* both, whatever log_open says: init shows one, logread the other */
	fprintf(stderr, "%s\n", err.text);
	syslog(LOG_MAIL | LOG_ERR, "%s", err.text);
	exit(EX_CONFIG);
}

int conf_get(const struct conf *c, const char *name, struct str *out)
{
	const struct conf_row *row = conf_row_find(span_of(name));

	if (!row || row->kind == CONF_KIND_LEFT_OUT)
		return -1;
	conf_type(row->kind)->print(c, row, out);
	return 0;
}

bool conf_is_local(const struct conf *c, struct span domain)
{
	char ascii[IDNA_SIZE];

	if (domain.n && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (!domain.n || !idna_ascii(ascii, domain))
		return false;
	domain = span_of(ascii);
	for (const struct conf_word *d = c->domains; d; d = d->next)
		if (span_is(domain, d->text))
			return true;
	return span_is(domain, c->hostname);
}
