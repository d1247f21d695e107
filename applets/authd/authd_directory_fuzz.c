/*
 * What a client and a directory give: a name never leaves its place in a
 * filter, and an entry never a mailbox outside mail-dir. Lines: local part,
 * name, mailbox, quota.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authd/authd_directory.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span line_of(struct span *rest)
{
	return span_cut(rest, '\n');
}

static void look_at_filter(const struct authd_asked *a)
{
	struct str out;
	size_t specials = 0;

	str_init(&out, 1 << 16);
	authd_template(&out, "(|(a=%u)(b=%n)(c=%d))", a, authd_put_filter);
	for (size_t i = 0; i < out.n; i++)
		specials += out.p[i] == '(' || out.p[i] == ')' ||
			out.p[i] == '*' || !out.p[i];
	if (!out.bad && specials != 8)
		abort();
	str_free(&out);
}

static void look_at_user(const struct auth_user *u)
{
	struct span box = span_of(u->mailbox);

	if (!box.n || !strchr(u->name, '@') || strpbrk(u->name, "/\n "))
		abort();
	while (box.n) {
		struct span part = span_cut(&box, '/');

		if (!part.n || part.p[0] == '.' || span_has(part, '\n'))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf_word domain = { NULL, "a.com" };
	static const struct conf conf = { .hostname = "mail.a.com",
		.domains = &domain };
	static const struct authd_check check = { .conf = &conf };
	struct span rest = span_make((const char *)data, size);
	struct authd_name name = { line_of(&rest), SPAN("a.com") };
	struct authd_entry e;
	struct authd_asked a, raw = { .address = name.local,
		.local = name.local, .domain = name.local };
	struct auth_user user;

	if (size < 4096)
		look_at_filter(&raw);
	if (!authd_asked(&a, &name))
		return 0;
	e.name = line_of(&rest);
	e.mailbox = line_of(&rest);
	e.quota = line_of(&rest);
	if (authd_entry_user(&check, &a, &e, &user, NULL) == 0)
		look_at_user(&user);
	return 0;
}
