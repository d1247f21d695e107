#include "authd/authd_directory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/log.h"
#include "store/user.h"

/* -- whom to ask about -- */

bool authd_asked(struct authd_asked *a, const struct authd_name *name)
{
	int n = snprintf(a->text, sizeof(a->text), "%.*s@%.*s",
			SPAN_ARG(name->local), SPAN_ARG(name->domain));

	if (n < 0 || (size_t)n >= sizeof(a->text))
		return false;
	ascii_lower_all(a->text);
	a->address = span_of(a->text);
	a->local = authd_split(a->address, &a->domain);
	return user_address_valid(a->address);
}

static struct span value_of(const struct authd_asked *a, char place)
{
	return place == 'u' ? a->address : place == 'n' ? a->local :
		a->domain;
}

void authd_template(struct str *out, const char *template,
		const struct authd_asked *a,
		void (*put)(struct str *out, struct span value))
{
	for (; *template; template++)
		if (*template != '%' || !template[1])
			str_addc(out, *template);
		else if (*++template == '%')
			str_addc(out, '%');
		else
			put(out, value_of(a, *template));
}

void authd_put_filter(struct str *out, struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (memchr("*()\\", value.p[i], 5))	/* and NUL */
			str_addf(out, "\\%02x", (unsigned char)value.p[i]);
		else
			str_addc(out, value.p[i]);
}

int authd_places(struct str *out, const char *template,
		char which[AUTHD_PLACES_MOST + 1])
{
	int n = 0;

	for (; *template; template++) {
		if (*template != '%' || !template[1]) {
			str_addc(out, *template);
		} else if (*++template == '%') {
			str_addc(out, '%');
		} else if (n == AUTHD_PLACES_MOST) {
			return -1;
		} else {
			str_addc(out, '?');
			which[n++] = *template;
		}
	}
	which[n] = '\0';
	return n;
}

/* -- what it says -- */

bool authd_is_ours(const struct conf *conf, struct span address)
{
	struct span domain;

	authd_split(address, &domain);
	return user_address_valid(address) && conf_is_local(conf, domain);
}

/* "a.com/alice": a folder below mail-dir, and no way out of there. */
static bool mailbox_valid(struct span mailbox)
{
	for (size_t i = 0; i < mailbox.n; i++)
		if ((unsigned char)mailbox.p[i] < ' ' || mailbox.p[i] == 127)
			return false;
	if (!mailbox.n)
		return false;
	while (mailbox.n) {
		struct span part = span_cut(&mailbox, '/');

		if (!part.n || part.p[0] == '.')
			return false;
	}
	return true;
}

/* 500M, 2G, 1048576, unlimited */
static bool quota_of(struct span text, uint64_t *out)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	unsigned shift = 0;
	const char *unit;

	if (span_is(text, "unlimited")) {
		*out = AUTH_QUOTA_UNLIMITED;
		return true;
	}
	if (text.n && !span_isalnum(span_rest(text, text.n - 1), ""))
		return false;
	if (text.n && (unit = memchr(units, ascii_lower(text.p[text.n - 1]) -
			32, sizeof(units) - 1)) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		text.n--;
	}
	if (!span_number64(text, UINT64_MAX >> (shift + 1), &n))
		return false;
	*out = (uint64_t)n << shift;
	return true;
}

static int bad_entry(const struct authd_asked *a, const char *what,
		struct span value, struct err *err)
{
	return err_set(err, ERR_TEMP, "%.*s: its %s is %.*s",
			SPAN_ARG(a->address), what, SPAN_ARG(value));
}

int authd_entry_user(const struct authd_check *c, const struct authd_asked *a,
		const struct authd_entry *e, struct auth_user *out,
		struct err *err)
{
	struct span domain, local, name = e->name.n ? e->name : a->address;

	*out = (struct auth_user){ .kind = AUTH_VIRTUAL, .uid = c->uid,
		.gid = c->gid };
	if (!authd_is_ours(c->conf, name) ||
			str_copy(out->name, sizeof(out->name), name) < 0)
		return bad_entry(a, "name", name, err);
	ascii_lower_all(out->name);
	local = authd_split(span_of(out->name), &domain);
	snprintf(out->mailbox, sizeof(out->mailbox), "%.*s/%.*s",
			SPAN_ARG(domain), SPAN_ARG(local));
	if (e->mailbox.n) {
		struct span box = e->mailbox;

		if (box.p[box.n - 1] == '/')
			box.n--;
		if (!mailbox_valid(box) || str_copy(out->mailbox,
				sizeof(out->mailbox), box) < 0)
			return bad_entry(a, "mailbox", e->mailbox, err);
	}
	if (e->quota.n && !quota_of(e->quota, &out->quota))
		return bad_entry(a, "quota", e->quota, err);
	return 0;
}

/* -- servers -- */

int authd_password(const char *path, char out[AUTHD_PASSWORD_MOST + 1],
		struct err *err)
{
	int fd = file_open_secret(path, err);
	ssize_t n = fd < 0 ? -1 : file_pread(fd, out, AUTHD_PASSWORD_MOST, 0);

	if (fd >= 0 && n < 0)
		err_errno(err, "%s", path);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	while (n && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		n--;
	out[n] = '\0';
	if (!n || strlen(out) != (size_t)n)
		return err_set(err, ERR_TEMP, "%s holds no password", path);
	return 0;
}

bool authd_is_near(struct span host)
{
	return !host.n || host.p[0] == '/' || span_is(host, "localhost") ||
		span_eq(host, SPAN("127.0.0.1")) || span_eq(host, SPAN("::1"));
}

static uint32_t seconds(void)
{
	return (uint32_t)(clock_ms() / 1000);
}

int authd_servers(struct authd_servers *s, const struct conf *conf,
		const struct conf_word *list,
		int (*ask)(void *arg, unsigned n, const char *server,
			bool *down, struct err *err),
		void *arg, struct err *err)
{
	uint32_t patience = conf->directory_timeout;
	int64_t until = clock_ms() + AUTHD_PATIENCE_MS - patience * 1000;
	bool down = true, any = false;
	int result = -1;

	for (unsigned n = 0; list && down; n++, list = list->next) {
		bool was_down = s->rest_until[n] != 0;

		if (was_down && s->rest_until[n] > seconds())
			continue;
		/* the next question begins with those not asked yet */
		if (any && clock_ms() >= until)
			break;
		any = true;
		down = false;
		if (was_down)
			s->rest_until[n] = seconds() + patience + 1;
		result = ask(arg, n, list->text, &down, err);
		if (down || was_down)
			s->rest_until[n] = down ? seconds() +
				AUTHD_REST * patience : 0;
		if (down && list->next && err)
			log_warn("%s: %s", list->text, err->text);
	}
	return any ? result : err_set(err, ERR_TEMP, "no server answered a "
			"moment ago");
}
