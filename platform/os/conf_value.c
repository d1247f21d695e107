/* The kinds that are one word, and the table of all kinds. */
#include "os/conf_row.h"

#include "config.h"

/* Where row's value is in c. */
static void *at(struct conf *c, const struct conf_row *row)
{
	return (char *)c + row->offset;
}

static const void *in(const struct conf *c, const struct conf_row *row)
{
	return (const char *)c + row->offset;
}

#define RATE_TIME_MOST (7 * 86400)

struct unit {
	char letter;
	unsigned factor;
};

static const struct unit no_units[] = { { 0, 1 } };
static const struct unit times[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }, { 0, 1 }
};
static const struct unit sizes[] = {
	{ 'G', 1 << 30 }, { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0, 1 }
};

static const struct unit *units_of(const struct conf_row *row)
{
	switch (row->kind) {
	case CONF_KIND_NUMBER:
	case CONF_KIND_RATE:
		return no_units;
	case CONF_KIND_SECONDS:
		return times;
	case CONF_KIND_MEMORY:
	case CONF_KIND_SIZE:
		return sizes;
	default:
		return NULL;
	}
}

/* The row's min or max in its unit. */
static uint64_t bound(const struct conf_row *row, unsigned n)
{
	return units_of(row) == sizes ? n * UINT64_C(1024) : n;
}

/* With the largest unit that leaves no rest. */
static void print_amount(const struct unit *u, uint64_t value,
		struct str *out)
{
	while (u->letter && (!value || value % u->factor))
		u++;
	str_addf(out, "%llu", (unsigned long long)(value / u->factor));
	if (u->letter)
		str_addc(out, u->letter);
}

/* The unit that word ends with, taken off; the last one when there is none. */
static const struct unit *cut_unit(const struct unit *u, struct span *word)
{
	while (u->letter) {
		if (word->n && ascii_lower(word->p[word->n - 1]) ==
				ascii_lower(u->letter)) {
			word->n--;
			break;
		}
		u++;
	}
	return u;
}

static int bad_amount(struct conf_load *l, const struct conf_row *row,
		struct span word)
{
	struct str range;
	int rc;

	str_init(&range, 100);
	conf_print_range(row, &range);
	rc = conf_error(l, "\"%.*s\" is no %s %s", SPAN_ARG(word),
			conf_type(row->kind)->syntax, str_c(&range));
	str_free(&range);
	return rc;
}

static int amount(struct conf_load *l, const struct conf_row *row,
		struct span word, uint64_t *out)
{
	struct span digits = word;
	const struct unit *u = cut_unit(units_of(row), &digits);
	unsigned long long value;

	if (!span_number64(digits, bound(row, row->max) / u->factor, &value) ||
			value * u->factor < bound(row, row->min))
		return bad_amount(l, row, word);
	*out = value * u->factor;
	return 0;
}

void conf_print_range(const struct conf_row *row, struct str *out)
{
	const struct unit *u = units_of(row);

	if (!u)
		return;
	str_adds(out, "from ");
	print_amount(u, bound(row, row->min), out);
	str_adds(out, " to ");
	print_amount(u, bound(row, row->max), out);
}

static int parse_number(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	uint64_t value = 0;

	if (amount(l, row, words->v[0], &value) < 0)
		return -1;
	if (row->kind == CONF_KIND_SIZE)
		*(uint64_t *)at(l->c, row) = value;
	else
		*(unsigned *)at(l->c, row) = (unsigned)value;
	return 0;
}

static void print_number(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const void *field = in(c, row);

	print_amount(units_of(row), row->kind == CONF_KIND_SIZE ?
			*(const uint64_t *)field : *(const unsigned *)field,
			out);
}

/* One of three words, in an unsigned char. */
static bool is_choice(const struct conf_row *row)
{
	return row->kind == CONF_KIND_CHECK || row->kind == CONF_KIND_WHOSE
		|| row->kind == CONF_KIND_FOLDERS;
}

/* The words of a bool, for false and for true, and of a choice. */
static const char *const *bool_words(const struct conf_row *row)
{
	static const char *const whose[] = { "no", "system", "all", NULL };
	static const char *const folders[] = { "no", "existing", "make", NULL };
	static const char *const yesno[] = { "no", "yes", NULL };
	static const char *const sync[] = { "filesystem", "files", NULL };
	static const char *const check[] = { "no", "note", "refuse", NULL };
	static const char *const versions[] = { "1.2", "1.3", NULL };

	if (row->kind == CONF_KIND_TLS_MIN)
		return versions;
	if (CFG_DELIVER_RECIPIENT && row->kind == CONF_KIND_WHOSE)
		return whose;
	if (CFG_DELIVER_FOLDERS && row->kind == CONF_KIND_FOLDERS)
		return folders;
	return row->kind == CONF_KIND_SYNC ? sync :
		row->kind == CONF_KIND_CHECK ? check : yesno;
}

static int parse_bool(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const char *const *names = bool_words(row);
	struct span word = words->v[0];
	unsigned char i = 0;

	while (names[i] && !span_is(word, names[i]))
		i++;
	if (is_choice(row) && !names[i])
		return conf_error(l, "\"%.*s\" is neither %s, %s nor %s",
				SPAN_ARG(word), names[0], names[1], names[2]);
	if (!names[i])
		return conf_error(l, "\"%.*s\" is neither %s nor %s",
				SPAN_ARG(word), names[true], names[false]);
	if (is_choice(row))
		*(unsigned char *)at(l->c, row) = i;
	else
		*(bool *)at(l->c, row) = i;
	return 0;
}

static void print_bool(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	str_adds(out, bool_words(row)[is_choice(row) ?
			*(const unsigned char *)in(c, row) :
			*(const bool *)in(c, row)]);
}

bool conf_read_rate(struct span word, unsigned most, struct conf_rate *r)
{
	struct span time = word, n = span_cut(&time, '/');
	const struct unit *u = cut_unit(times, &time);
	unsigned long count, value;

	*r = (struct conf_rate){ 0, 0 };
	if (span_is(word, "none"))
		return true;
	if (!span_number(n, most, &count) || !count || !span_number(time,
				RATE_TIME_MOST / u->factor, &value) || !value)
		return false;
	r->n = (unsigned)count;
	r->seconds = (unsigned)value * u->factor;
	return true;
}

void conf_print_rate(struct str *out, const struct conf_rate *r)
{
	if (!r->n) {
		str_adds(out, "none");
		return;
	}
	str_addf(out, "%u/", r->n);
	print_amount(times, r->seconds, out);
}

static int parse_rate(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	if (!conf_read_rate(words->v[0], row->max, at(l->c, row)))
		return conf_bad(l, words->v[0], "is no N/TIME, as 100/1h; "
				"TIME is at most 7d");
	return 0;
}

static void print_rate(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	conf_print_rate(out, in(c, row));
}

bool conf_seconds(struct span word, unsigned max, unsigned *out)
{
	const struct unit *u = cut_unit(times, &word);
	unsigned long n;

	if (!span_number(word, max / u->factor, &n) || !n)
		return false;
	*out = (unsigned)n * u->factor;
	return true;
}

void conf_put_seconds(struct str *out, unsigned seconds)
{
	print_amount(times, seconds, out);
}

static int parse_left_out(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	(void)row, (void)words;
	return conf_error(l, "this pillarbox was built without it");
}

static void print_nothing(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	(void)c, (void)row, (void)out;
}

/* A user name as useradd takes it (POSIX 3.437, and a dot or a final $). */
static bool is_account(struct span s)
{
	if (!s.n || s.n > 32 || s.p[0] == '-' || s.p[0] == '.')
		return false;
	if (s.n > 1 && s.p[s.n - 1] == '$')
		s.n--;
	return span_isalnum(s, "_-.");
}

static int parse_account(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const char **field = at(l->c, row);

	if (!is_account(words->v[0]))
		return conf_bad(l, words->v[0], "is no account's name");
	*field = conf_keep(l, words->v[0]);
	return *field ? 0 : -1;
}

static int parse_path(struct conf_load *l, const struct conf_row *row,
		const struct conf_words *words)
{
	const char **field = at(l->c, row);
	struct span path = words->v[0];

	/* a file that may be switched off keeps that word */
	if ((!path.n || path.p[0] != '/') && (row->min ||
				!span_eq(path, SPAN("none"))))
		return conf_bad(l, path, "does not begin with /");
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > row->max)
		return conf_error(l, "longer than %u bytes",
				(unsigned)row->max);
	*field = conf_keep(l, path);
	return *field ? 0 : -1;
}

void conf_print_text(const struct conf *c, const struct conf_row *row,
		struct str *out)
{
	const char *text = *(const char *const *)in(c, row);

	str_adds(out, text ? text : "");
}

const struct conf_type *conf_type(enum conf_kind kind)
{
#define KIND(name) conf_parse_##name, conf_print_##name
	static const struct conf_type types[CONF_KIND_COUNT] = {
		[CONF_KIND_HOST] = { "NAME", 1, 1, false, false,
			conf_parse_host, conf_print_text },
		[CONF_KIND_DOMAINS] = { "NAME...", 1, CONF_WORDS_MOST, true,
			false, conf_parse_domains, conf_print_words },
		[CONF_KIND_NETS] = { "ADDRESS[/BITS]...", 1, CONF_WORDS_MOST,
			true, false, KIND(nets) },
		[CONF_KIND_SMARTHOST] = { "HOST[:PORT] "
			"[tls|starttls|may|none] [user=U] [password-file=F] "
			"[password-command=C] [token-file=F] [token-command=C] "
			"[auth=MECHANISM] "
			"[noverify] [fingerprint=SHA256,...] "
			"[from=ADDRESS|@DOMAIN,...]"
			USE_MASQUERADE(" [sender=ADDRESS]"), 1,
			CONF_WORDS_MOST, true, false, KIND(smarthost) },
		[CONF_KIND_LISTEN] = { "SERVICE ADDRESS:PORT|*:PORT|"
			"[IPV6]:PORT|none [OPTION...]", 2, 8, true, true,
			KIND(listen) },
		USE_SMTPD_DEVICE([CONF_KIND_DEVICE] = { "ADDRESS:PORT "
			"from=ADDRESS[/BITS],... to=ADDRESS|@DOMAIN,... "
			"[sender=ADDRESS] [rate=N/TIME]", 3, 5, true, false,
			KIND(device) },)
		[CONF_KIND_ROUTE] = { "DOMAIN|.DOMAIN|* smtp:HOST|"
			"smtp:[HOST]:PORT|lmtp:[HOST]:PORT|lmtp:unix:PATH"
			USE_ROUTE_ERROR("|\"error:TEXT\""), 2, 2, true, false, KIND(route) },
		[CONF_KIND_FALLBACK] = { "smtp:HOST|smtp:[HOST]:PORT|"
			"lmtp:[HOST]:PORT [after=TIME]", 1, 2, false, false,
			KIND(fallback) },
		[CONF_KIND_USERS] = { "USER...|*", 1, CONF_WORDS_MOST, true,
			false, conf_parse_users, conf_print_words },
		[CONF_KIND_NAMESERVERS] = { "ADDRESS[:PORT]...", 1,
			CONF_WORDS_MOST, true, false,
			conf_parse_nameservers, conf_print_words },
		[CONF_KIND_ACCOUNT] = { "ACCOUNT", 1, 1, false, false,
			parse_account, conf_print_text },
		[CONF_KIND_PATH] = { "PATH", 1, 1, false, false,
			parse_path, conf_print_text },
		[CONF_KIND_YESNO] = { "yes|no", 1, 1, false, false,
			parse_bool, print_bool },
		[CONF_KIND_SYNC] = { "files|filesystem", 1, 1, false, false,
			parse_bool, print_bool },
		[CONF_KIND_NUMBER] = { "NUMBER", 1, 1, false, false,
			parse_number, print_number },
		[CONF_KIND_SECONDS] = { "TIME", 1, 1, false, false,
			parse_number, print_number },
		[CONF_KIND_MEMORY] = { "SIZE", 1, 1, false, false,
			parse_number, print_number },
		[CONF_KIND_SIZE] = { "SIZE", 1, 1, false, false,
			parse_number, print_number },
		USE_SMTPD_DNSBL([CONF_KIND_DNSBL] = { "NAME [weight=N] "
			"[codes=ADDRESS[-ADDRESS],...]", 1, 3, true, false,
			KIND(dnsbl) },)
		USE_SMTPD_MILTER([CONF_KIND_MILTER] = { "unix:PATH|"
			"inet:ADDRESS:PORT [timeout=TIME] "
			"[default=tempfail|accept|reject] [on=SERVICE,...]",
			1, 4, true, false, KIND(milter) },)
		[CONF_KIND_CHECK] = { "no|note|refuse", 1, 1, false, false,
			parse_bool, print_bool },
		USE_DELIVER_RECIPIENT([CONF_KIND_WHOSE] = { "no|system|all",
			1, 1, false, false, parse_bool, print_bool },)
		USE_DELIVER_FOLDERS([CONF_KIND_FOLDERS] = {
			"no|existing|make", 1, 1, false, false, parse_bool,
			print_bool },)
		[CONF_KIND_RATE] = { "none|N/TIME", 1, 1, false, false,
			parse_rate, print_rate },
		USE_TLS_SNI([CONF_KIND_TLS_HOST] = { "NAME|*.DOMAIN|* CERT "
			"KEY", 3, 3, true, false, KIND(tls_host) },)
		USE_TLS_CHOICE([CONF_KIND_TLS_MIN] = { "1.2|1.3", 1, 1, false,
			false, parse_bool, print_bool },)
		USE_TLS_CHOICE([CONF_KIND_CIPHERS] = { "NAME...", 1,
			CONF_WORDS_MOST, true, false, conf_parse_ciphers,
			conf_print_words },)
		USE_TLS_CLIENT_CERTS([CONF_KIND_TLS_CLIENT] = {
			"no|request|require [SERVICE...]", 1, 4, true, false,
			KIND(tls_client) },)
		USE_TLS_CLIENT_CERTS([CONF_KIND_TLS_USER] = { "SHA256 USER", 2,
			2, true, false, KIND(tls_user) },)
		USE_TLS_CLIENT_CERTS([CONF_KIND_CERTS] = { "SHA256...", 1,
			CONF_WORDS_MOST, true, false, KIND(certs) },)
		USE_QUEUE_ALERTS([CONF_KIND_ALERTS] = { "ADDRESS|@DOMAIN...", 1,
			CONF_WORDS_MOST, true, false, conf_parse_alerts,
			conf_print_words },)
		USE_QUEUE_ALERTS([CONF_KIND_HOURS] = { "none|HH:MM-HH:MM", 1, 1,
			false, false, KIND(hours) },)
		USE_MASQUERADE([CONF_KIND_MASQUERADE] = { "ADDRESS|@DOMAIN|USER "
			"ADDRESS|@DOMAIN", 2, 2, true, false, KIND(map) },)
		USE_AUTHD_VIRTUAL([CONF_KIND_VIRTUAL] = { "ADDRESS|@DOMAIN "
			"ADDRESS|@DOMAIN|USER", 2, 2, true, false,
			KIND(map) },)
		USE_AUTHD_VIRTUAL([CONF_KIND_DELIMITER] = { "CHARACTER|none",
			1, 1, false, false, conf_parse_delimiter,
			conf_print_delimiter },)
		USE_TLS_POLICY([CONF_KIND_TLS_POLICY] = { "DOMAIN|.DOMAIN|* "
			"none|may|require|verify|dane|fingerprint=SHA256,... "
			"[name=HOST]", 2, 3, true, false, KIND(tls_policy) },)
		USE_AUTHD_DIRECTORY([CONF_KIND_SERVERS] = { "SERVER...", 1,
			CONF_WORDS_MOST, true, false, conf_parse_servers,
			conf_print_words },)
		USE_AUTHD_DIRECTORY([CONF_KIND_TEXT] = { "TEXT", 1, 1, false,
			false, conf_parse_text, conf_print_quoted },)
		USE_AUTHD_LDAP([CONF_KIND_ATTRIBUTES] = { "[name=ATTRIBUTE] "
			"[mailbox=ATTRIBUTE] [quota=ATTRIBUTE]", 1, 3, true,
			false, conf_parse_attributes, conf_print_words },)
		[CONF_KIND_LEFT_OUT] = { "", 0, CONF_WORDS_MOST, true, false,
			parse_left_out, print_nothing },
	};
#undef KIND
	return &types[kind];
}
