#include "mail/complete.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "mail/box.h"
#include "mail/command.h"
#include "mail/var.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "mime/word.h"

struct wanted {
	struct span word;	/* what has been typed of it */
	struct str *list;
};

/* Into its place in the list, if it is not there yet. */
static void offer(struct wanted *w, struct span text)
{
	struct str *list = w->list, tail;
	struct span rest = str_span(list);
	size_t at = 0;

	if (span_has_control(text) || list->n + text.n + 1 > list->cap)
		return;
	while (rest.n) {
		struct span one = span_cut(&rest, '\0');
		size_t n = one.n < text.n ? one.n : text.n;
		int by = memcmp(one.p, text.p, n);

		if (by == 0 && one.n == text.n)
			return;
		if (by > 0 || (by == 0 && one.n > text.n))
			break;
		at += one.n + 1;
	}
	str_init(&tail, list->cap);
	str_add(&tail, span_rest(str_span(list), at));
	list->n = at;
	str_add(list, text);
	str_addc(list, '\0');
	str_add(list, str_span(&tail));
	str_free(&tail);
}

static bool begins(struct span text, struct span with)
{
	return text.n >= with.n && span_caseeq(span_sub(text, 0, with.n),
			with);
}

/* ---- commands and variables */

static void offer_commands(struct wanted *w)
{
	const char *text;

	for (unsigned i = 0; (text = mail_command_text(i)); i++) {
		struct span rest = span_of(text), name = span_word(&rest);

		/* print is not Print */
		if (name.n > 1 && name.n >= w->word.n && !memcmp(name.p,
				w->word.p, w->word.n))
			offer(w, name);
	}
}

/* Those that do something, and what else the user has set. */
static void offer_variables(struct mail *m, struct wanted *w)
{
	const char *name;

	for (unsigned i = 0; (name = mail_var_known(i)); i++)
		if (begins(span_of(name), w->word))
			offer(w, span_of(name));
	for (const struct mail_var *v = m->vars; v; v = v->next)
		if (mail_var_is_name(span_of(v->name)) &&
		    begins(span_of(v->name), w->word))
			offer(w, span_of(v->name));
}

/* ---- files and folders */

/* Names in the folder that word is in; `shown` is how the user writes that. */
static void offer_names(struct wanted *w, const char *dir, struct span shown,
		struct span start)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];
	struct stat st;
	struct str text;

	str_init(&text, PATH_MAX);
	while (d && (entry = readdir(d))) {
		const char *name = entry->d_name;

		if ((name[0] == '.' && !span_starts(start, ".")) ||
		    !strcmp(name, ".") || !strcmp(name, "..") ||
		    !(span_of(name).n >= start.n &&
		      !memcmp(name, start.p, start.n)) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, name) >=
				(int)sizeof(path))
			continue;
		str_clear(&text);
		str_add(&text, shown);
		str_adds(&text, name);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			str_addc(&text, '/');
		offer(w, str_span(&text));
	}
	str_free(&text);
	if (d)
		closedir(d);
}

static void offer_files(struct mail *m, struct wanted *w)
{
	size_t slash = span_rfind(w->word, '/');
	bool folder = w->word.n && w->word.p[0] == '+';
	size_t n = slash < w->word.n ? slash + 1 : folder ? 1 : 0;
	struct span shown = span_sub(w->word, 0, n);
	char dir[PATH_MAX];

	if (mail_path(m, n ? shown : SPAN("./"), dir) == 0)
		offer_names(w, dir, shown, span_rest(w->word, n));
}

/* ---- addresses */

static bool on_address(void *arg, const struct addr_entry *e)
{
	struct wanted *w = arg;
	struct str text, name;

	str_init(&text, ADDR_MAX);
	str_init(&name, ADDR_MAX);
	addr_put(&text, &e->addr);
	word_decode(&name, e->name);
	/* by the address, or by a word of the name */
	if (e->addr.domain.n && (begins(str_span(&text), w->word) ||
	    (w->word.n && (begins(str_span(&name), w->word) ||
	     begins(span_behind(str_span(&name), ' '), w->word)))))
		offer(w, str_span(&text));
	str_free(&text);
	str_free(&name);
	return true;
}

static void offer_aliases(struct mail *m, struct wanted *w)
{
	const struct mail_var *v = NULL;

	while ((v = mail_var_next(m, MAIL_VAR_ALIAS, v)))
		if (begins(span_of(mail_var_name(v)), w->word))
			offer(w, span_of(mail_var_name(v)));
}

/* Of the newest messages; each costs a look at the disk. */
static void offer_addresses(struct mail *m, struct wanted *w)
{
	static const char names[][5] = { "From", "To", "Cc" };
	struct header_field f;
	struct str header;

	str_init(&header, MAIL_HEADER_MOST);
	for (unsigned i = m->count, n = 0; m->box && i &&
			n < MAIL_COMPLETE_LOOK; i--, n++) {
		str_clear(&header);
		if (mail_box_header(m->box, i, &header, NULL) < 0)
			break;
		for (size_t k = 0; k < 3; k++)
			if (header_find(str_span(&header), names[k], &f))
				addr_each(f.value, on_address, w);
	}
	str_free(&header);
}

/* ---- which of them */

/* What the arguments of a command are, by its first letters. */
static enum mail_ask argument(struct span name, bool *variable)
{
	static const struct {
		char name[10];
		unsigned char least;
		enum mail_ask ask;
	} rows[] = {
		{ "mail", 1, MAIL_ASK_ADDRESS },
		{ "alias", 1, MAIL_ASK_ADDRESS },
		{ "group", 1, MAIL_ASK_ADDRESS },
		{ "alternates", 3, MAIL_ASK_ADDRESS },
		{ "set", 2, MAIL_ASKS }, { "unset", 3, MAIL_ASKS },
		{ "help", 3, MAIL_ASK_COMMAND }, { "?", 1, MAIL_ASK_COMMAND },
		{ "save", 1, MAIL_ASK_FILE }, { "copy", 1, MAIL_ASK_FILE },
		{ "write", 1, MAIL_ASK_FILE }, { "file", 2, MAIL_ASK_FILE },
		{ "folder", 2, MAIL_ASK_FILE }, { "cd", 2, MAIL_ASK_FILE },
		{ "chdir", 2, MAIL_ASK_FILE }, { "source", 2, MAIL_ASK_FILE },
		{ "resend", 3, MAIL_ASK_ADDRESS },
		{ "forward", 3, MAIL_ASK_ADDRESS },
	};

	*variable = false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (name.n >= rows[i].least && begins(span_of(rows[i].name),
				name)) {
			*variable = rows[i].ask == MAIL_ASKS;
			return rows[i].ask;
		}
	return MAIL_ASK_TEXT;
}

size_t mail_complete(struct mail *m, enum mail_ask *ask, struct span line,
		struct str *list)
{
	struct wanted w = { .list = list };
	struct span rest = line, name = span_word(&rest);
	bool variable = false;
	size_t from = line.n;

	while (from && !ascii_isspace(line.p[from - 1]) &&
	    line.p[from - 1] != ',')
		from--;
	w.word = span_rest(line, from);
	if (*ask == MAIL_ASK_COMMAND && name.p + name.n < line.p + line.n)
		*ask = argument(name, &variable);
	if (variable) {
		offer_variables(m, &w);
	} else if (*ask == MAIL_ASK_COMMAND) {
		offer_commands(&w);
	} else if (*ask == MAIL_ASK_FILE) {
		offer_files(m, &w);
	} else if (*ask == MAIL_ASK_ADDRESS) {
		offer_aliases(m, &w);
		offer_addresses(m, &w);
	}
	return from;
}
