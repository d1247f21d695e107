#include "net/oauth.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "os/file.h"

#define FILE_MOST 16384
#define SECONDS_MOST (10u * 366 * 86400)
#define EXPIRES_UNTOLD 600	/* RFC 6749 5.1 lets it be left out */

/* ---- the file */

static const struct key {
	const char *name;
	unsigned short offset, size;
	bool needed;
} keys[] = {
#define KEY(name, field, needed) { name, \
	offsetof(struct oauth_credential, field), \
	sizeof(((struct oauth_credential *)0)->field), needed }
	KEY("provider", provider, false),
	KEY("token-url", token_url, true),
	KEY("client-id", client_id, true),
	KEY("client-secret", client_secret, false),
	KEY("scope", scope, false),
	KEY("refresh-token", refresh_token, true),
#undef KEY
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))
#define DIES "refresh-token-dies"

/* Lines that we do not know are of a later version: no harm. */
static void take_line(struct oauth_credential *c, struct span line)
{
	struct span name = span_cut(&line, '=');
	unsigned long long dies;

	for (size_t i = 0; i < KEYS; i++)
		if (span_is(name, keys[i].name))
			str_copy((char *)c + keys[i].offset, keys[i].size,
					line);
	if (span_is(name, DIES) && span_number64(line, INT64_MAX, &dies))
		c->dies = (int64_t)dies;
}

static int parse(const char *path, struct span text,
		struct oauth_credential *c, struct err *err)
{
	while (text.n)
		take_line(c, span_cut(&text, '\n'));
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].needed && !*((char *)c + keys[i].offset))
			return err_set(err, ERR_PERM, "%s: no %s in it", path,
					keys[i].name);
	return 0;
}

int oauth_load(const char *path, struct oauth_credential *c, struct err *err)
{
	int fd = file_open_secret(path, err), rc;
	char text[FILE_MOST];
	ssize_t n;

	memset(c, 0, sizeof(*c));
	if (fd < 0)
		return -1;
	n = file_pread(fd, text, sizeof(text), 0);
	rc = n < 0 ? err_errno(err, "%s", path)
		: parse(path, span_make(text, (size_t)n), c, err);
	close(fd);
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* It stays with the one who has to read it, whoever renewed it. */
static int give_back(const char *path, const struct stat *was,
		struct err *err)
{
	if (was->st_uid == geteuid() && was->st_gid == getegid())
		return 0;
	if (geteuid() == 0 && chown(path, was->st_uid, was->st_gid) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

int oauth_save(const char *path, const struct oauth_credential *c,
		struct err *err)
{
	bool is_new;
	struct stat was;
	struct str text;
	int rc = -1;

	is_new = stat(path, &was) < 0;
	str_init_secret(&text, FILE_MOST);
	for (size_t i = 0; i < KEYS; i++) {
		const char *value = (const char *)c + keys[i].offset;

		if (span_has_control(span_of(value)))
			text.bad = true;
		if (*value)
			str_addf(&text, "%s=%s\n", keys[i].name, value);
	}
	if (c->dies)
		str_addf(&text, DIES "=%lld\n", (long long)c->dies);
	if (text.bad)
		err_set(err, ERR_PERM, "%s: not to be stored", path);
	else
		rc = file_replace(AT_FDCWD, path, 0600, str_span(&text), err);
	str_wipe(&text);
	return rc || is_new ? rc : give_back(path, &was, err);
}

/* ---- forms (the URL standard's way of writing them; RFC 6749 appendix B) */

void oauth_form(struct str *form, const char *name, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	if (form->n)
		str_addc(form, '&');
	str_adds(form, name);
	str_addc(form, '=');
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (ascii_isalnum(*value) || strchr("-._~", *value)) {
			str_addc(form, *value);
			continue;
		}
		str_addc(form, '%');
		str_addc(form, hex[c >> 4]);
		str_addc(form, hex[c & 15]);
	}
}

void oauth_refresh_form(struct str *form, const struct oauth_credential *c)
{
	str_init_secret(form, OAUTH_FORM_MOST);
	oauth_form(form, "grant_type", "refresh_token");
	oauth_form(form, "refresh_token", c->refresh_token);
	oauth_form(form, "client_id", c->client_id);
	if (*c->client_secret)
		oauth_form(form, "client_secret", c->client_secret);
	if (*c->scope)
		oauth_form(form, "scope", c->scope);
}

/* ---- answers */

bool oauth_member(struct span json, const char *name, char *out, size_t size)
{
	struct span value;

	*out = '\0';
	if (json_find(json, name, &value) != JSON_STRING
			|| json_text(out, size, value) < 0)
		return false;
	for (const char *c = out; *c; c++)
		if (*c < ' ' || *c > '~') {
			*out = '\0';
			return false;
		}
	return *out;
}

unsigned oauth_seconds(struct span json, const char *name, unsigned otherwise)
{
	struct span value;
	unsigned long long n;
	enum json_event kind = json_find(json, name, &value);

	if ((kind != JSON_NUMBER && kind != JSON_STRING)
			|| !json_number(value, ~0ULL, &n))
		return otherwise;
	return n > SECONDS_MOST ? SECONDS_MOST : (unsigned)n;
}

/* Microsoft's goes on with numbers for its support: that is for nobody here. */
static void cut_trace(char *text)
{
	char *end = strstr(text, "Trace ID:");

	if (!end)
		return;
	while (end > text && ascii_isspace(end[-1]))
		end--;
	*end = '\0';
}

/* As much of it as is printable; the rest is blanks. */
static void describe(struct oauth_answer *a, struct span json)
{
	char text[4096];
	size_t n = strlen(a->error), i;
	struct span value;

	memcpy(a->why, a->error, n + 1);
	if (json_find(json, "error_description", &value) != JSON_STRING
			|| json_text(text, sizeof(text), value) < 0
			|| !*text)
		return;
	cut_trace(text);
	memcpy(a->why + n, ": ", 3);
	for (n += 2, i = 0; text[i] && n + 1 < sizeof(a->why); i++, n++)
		a->why[n] = text[i];
	a->why[n] = '\0';
	for (i = 0; i < n; i++)
		if (a->why[i] < ' ' || a->why[i] > '~')
			a->why[i] = ' ';
}

/* Words of RFC 6749 and 8628, and of Google, that ask for patience. */
static bool is_patience(const char *error)
{
	static const char *const words[] = {
		"temporarily_unavailable", "server_error",
		"authorization_pending", "slow_down", "rate_limit_exceeded"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(error, words[i]) == 0)
			return true;
	return false;
}

enum oauth_verdict oauth_read(struct oauth_answer *a,
		const struct http_reply *r)
{
	memset(a, 0, sizeof(*a));
	if (r->status == 200 && oauth_member(r->body, "access_token",
				a->access, sizeof(a->access))) {
		oauth_member(r->body, "refresh_token", a->refresh,
				sizeof(a->refresh));
		a->expires_in = oauth_seconds(r->body, "expires_in",
				EXPIRES_UNTOLD);
		a->refresh_expires_in = oauth_seconds(r->body,
				"refresh_token_expires_in", 0);
		return OAUTH_TOKEN;
	}
	if (r->status < 500 && r->status != 429
			&& oauth_member(r->body, "error", a->error,
				sizeof(a->error))) {
		describe(a, r->body);
		return is_patience(a->error) ? OAUTH_LATER : OAUTH_REFUSED;
	}
	*a->error = '\0';
	str_copys(a->why, sizeof(a->why), r->status == 200 ?
			"an answer without a token" :
			r->status == 429 ? "too many requests" :
			"an answer that says nothing of use");
	return OAUTH_LATER;
}
