/* authd_mysql - users of a MySQL or MariaDB database, by one prepared query */
#include "authd/authd_directory.h"

#include <mysql.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "os/log.h"
#include "store/foreign.h"

#define COLUMNS_MOST 16
#define VALUE_SIZE 512

/* What we call of libmariadb; X gets the name without mysql_. */
#define CALLS(X) X(close) X(errno) X(error) X(fetch_fields) X(free_result) \
	X(init) X(num_fields) X(optionsv) X(real_connect) X(stmt_bind_param) \
	X(stmt_bind_result) X(stmt_close) X(stmt_errno) X(stmt_error) \
	X(stmt_execute) X(stmt_fetch) X(stmt_free_result) X(stmt_init) \
	X(stmt_param_count) X(stmt_prepare) X(stmt_result_metadata) \
	X(stmt_store_result)

#define AS_POINTER(name) __typeof__(mysql_##name) *name;
#define AS_ROW(name) { "mysql_" #name, offsetof(struct calls, name) },

struct calls {
	CALLS(AS_POINTER)
};

struct source {
	const struct authd_check *check;
	struct calls mysql;
	bool loaded;
	MYSQL *conn;			/* to server `at`, or NULL */
	MYSQL_STMT *query;		/* prepared there */
	unsigned at;
	char places[AUTHD_PLACES_MOST + 1];
	struct foreign_seen seen;
	struct authd_person like;	/* the last hash: what one costs here */
};

/* -- starting and ending -- */

static bool wanted(const struct conf *conf)
{
	return conf->mysql_servers;
}

static void *start(const struct authd_check *c)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s)
		s->check = c;
	return s;
}

static void hang_up(struct source *s)
{
	if (s->query)
		s->mysql.stmt_close(s->query);
	if (s->conn)
		s->mysql.close(s->conn);
	s->query = NULL;
	s->conn = NULL;
}

static void end(void *own)
{
	struct source *s = own;

	hang_up(s);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

static int load(struct source *s, struct err *err)
{
	static const char *const names[] = { "libmariadb.so.3", NULL };
	static const struct authd_call rows[] = {
		CALLS(AS_ROW)
		{ NULL, 0 }
	};

	if (!s->loaded && authd_library(names, rows, &s->mysql, err) < 0)
		return -1;
	s->loaded = true;
	return 0;
}

/* -- connecting -- */

struct server {
	const char *name;
	char host[256];
	const char *socket;		/* NULL: host and port */
	unsigned port;
	bool tls;
};

static void read_server(struct server *to, const char *name,
		const struct conf *conf)
{
	struct span host = span_of(name);
	bool brackets;

	*to = (struct server){ .name = name };
	if (*name == '/') {
		to->socket = name;
		return;
	}
	conf_split_port(host, &host, &to->port, &brackets);
	str_copy(to->host, sizeof(to->host), host);
	to->tls = conf->directory_tls && !authd_is_near(host);
	/* "localhost" means the usual socket to libmariadb */
	if (span_is(host, "localhost"))
		str_copys(to->host, sizeof(to->host), "127.0.0.1");
}

static void set_options(const struct source *s, const struct server *to)
{
	const struct conf *conf = s->check->conf;
	unsigned time = conf->directory_timeout, none = 0;
	my_bool tls = to->tls;
	const struct {
		enum mysql_option option;
		const void *value;
	} options[] = {
		{ MYSQL_OPT_CONNECT_TIMEOUT, &time },
		{ MYSQL_OPT_READ_TIMEOUT, &time },
		{ MYSQL_OPT_WRITE_TIMEOUT, &time },
		{ MYSQL_SET_CHARSET_NAME, "utf8mb4" },
		/* it could ask us for any file */
		{ MYSQL_OPT_LOCAL_INFILE, &none },
		{ MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &tls },
		{ MYSQL_OPT_SSL_ENFORCE, &tls },
		{ MYSQL_OPT_SSL_CA, !tls ? NULL : conf->directory_ca ?
			conf->directory_ca : conf->tls_ca },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].value)
			s->mysql.optionsv(s->conn, options[i].option,
					options[i].value);
}

static int fail(const struct source *s, const struct server *to,
		struct err *err)
{
	bool of_query = s->query && s->mysql.stmt_errno(s->query);

	return err_set(err, ERR_TEMP, "%s: %s", to->name, of_query ?
			s->mysql.stmt_error(s->query) :
			s->mysql.error(s->conn));
}

static int log_in(struct source *s, const struct server *to, struct err *err)
{
	const struct conf *conf = s->check->conf;
	char password[AUTHD_PASSWORD_MOST + 1] = "";
	bool up;

	if (conf->mysql_password_file && authd_password(
				conf->mysql_password_file, password, err) < 0)
		return -1;
	up = s->mysql.real_connect(s->conn, to->socket ? NULL : to->host,
			conf->mysql_user ? conf->mysql_user : conf->user_auth,
			password, conf->mysql_database, to->port, to->socket,
			0) != NULL;
	explicit_bzero(password, sizeof(password));
	return up ? 0 : fail(s, to, err);
}

static int prepare(struct source *s, const struct server *to, struct err *err)
{
	const char *query = s->check->conf->mysql_query;
	struct str text;
	int n, rc = -1;

	s->query = s->mysql.stmt_init(s->conn);
	if (!s->query)
		return fail(s, to, err);
	str_init(&text, 2 * strlen(query) + 1);
	n = authd_places(&text, query, s->places);
	if (n < 0 || text.bad)
		err_set(err, ERR_TEMP, "mysql-query has too many places");
	else if (s->mysql.stmt_prepare(s->query, text.p, text.n) != 0)
		fail(s, to, err);
	else if (s->mysql.stmt_param_count(s->query) != (unsigned long)n)
		err_set(err, ERR_TEMP, "mysql-query has a ?, or %%u in quotes");
	else
		rc = 0;
	str_free(&text);
	return rc;
}

static int connect_to(struct source *s, const struct server *to,
		struct err *err)
{
	s->conn = s->mysql.init(NULL);
	if (!s->conn)
		return err_nomem(err);
	set_options(s, to);
	if (log_in(s, to, err) == 0 && prepare(s, to, err) == 0)
		return 0;
	hang_up(s);
	return -1;
}

/* -- asking -- */

/* The row's values by our names for them; empty where there is none. */
struct row {
	char password[VALUE_SIZE], name[VALUE_SIZE], mailbox[VALUE_SIZE];
	char quota[VALUE_SIZE];
};

static void bind_places(const struct source *s, const struct authd_asked *a,
		MYSQL_BIND params[AUTHD_PLACES_MOST])
{
	memset(params, 0, AUTHD_PLACES_MOST * sizeof(*params));
	for (int i = 0; s->places[i]; i++) {
		struct span v = s->places[i] == 'u' ? a->address :
			s->places[i] == 'n' ? a->local : a->domain;

		params[i].buffer_type = MYSQL_TYPE_STRING;
		params[i].buffer = (char *)v.p;
		params[i].buffer_length = v.n;
	}
}

static char *room_for(struct row *row, const char *column)
{
	return strcasecmp(column, "password") == 0 ? row->password :
		strcasecmp(column, "name") == 0 ? row->name :
		strcasecmp(column, "mailbox") == 0 ? row->mailbox :
		strcasecmp(column, "quota") == 0 ? row->quota : NULL;
}

struct columns {
	MYSQL_BIND bind[COLUMNS_MOST];
	unsigned long length[COLUMNS_MOST];
	my_bool null[COLUMNS_MOST];
	unsigned n;
};

static bool bind_columns(const struct source *s, struct columns *c,
		struct row *row)
{
	MYSQL_RES *meta = s->mysql.stmt_result_metadata(s->query);
	MYSQL_FIELD *fields = meta ? s->mysql.fetch_fields(meta) : NULL;

	memset(c, 0, sizeof(*c));
	c->n = meta ? s->mysql.num_fields(meta) : 0;
	for (unsigned i = 0; i < c->n && i < COLUMNS_MOST; i++) {
		c->bind[i].buffer_type = MYSQL_TYPE_STRING;
		c->bind[i].length = &c->length[i];
		c->bind[i].is_null = &c->null[i];
		c->bind[i].buffer = room_for(row, fields[i].name);
		if (c->bind[i].buffer)
			c->bind[i].buffer_length = VALUE_SIZE - 1;
	}
	if (meta)
		s->mysql.free_result(meta);
	return c->n && c->n <= COLUMNS_MOST &&
		s->mysql.stmt_bind_result(s->query, c->bind) == 0;
}

/* False: a value is longer than anything that means something. */
static bool end_values(struct columns *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (!c->bind[i].buffer)
			continue;
		if (c->null[i])
			c->length[i] = 0;
		if (c->length[i] >= VALUE_SIZE)
			return false;
		((char *)c->bind[i].buffer)[c->length[i]] = '\0';
	}
	return true;
}

/* FOUND, NOBODY, -1 err: of the query, as of the server when it has a code. */
static int fetch(const struct source *s, const struct server *to,
		struct columns *c, const struct authd_asked *a, struct err *err)
{
	int rc = s->mysql.stmt_fetch(s->query);
	bool fits;

	if (rc == MYSQL_NO_DATA)
		return AUTHD_NOBODY;
	if (rc != 0 && rc != MYSQL_DATA_TRUNCATED)
		return fail(s, to, err);
	fits = end_values(c);
	if (s->mysql.stmt_fetch(s->query) != MYSQL_NO_DATA)
		return err_set(err, ERR_TEMP, "mysql-query finds several rows "
				"for %.*s", SPAN_ARG(a->address));
	return fits ? AUTHD_FOUND : err_set(err, ERR_TEMP, "%.*s: a column of "
			"more than %d octets", SPAN_ARG(a->address),
			VALUE_SIZE - 1);
}

static int run(const struct source *s, const struct server *to,
		const struct authd_asked *a, struct row *row, struct err *err)
{
	MYSQL_BIND params[AUTHD_PLACES_MOST];
	struct columns c;
	int result;

	memset(row, 0, sizeof(*row));
	bind_places(s, a, params);
	if (s->mysql.stmt_bind_param(s->query, params) != 0 ||
			s->mysql.stmt_execute(s->query) != 0)
		return fail(s, to, err);
	if (!bind_columns(s, &c, row) ||
			s->mysql.stmt_store_result(s->query) != 0)
		result = s->mysql.stmt_errno(s->query) ? fail(s, to, err) :
			err_set(err, ERR_TEMP, "mysql-query gives no rows, or "
					"more than %d columns", COLUMNS_MOST);
	else
		result = fetch(s, to, &c, a, err);
	s->mysql.stmt_free_result(s->query);
	return result;
}

struct question {
	struct source *source;
	const struct authd_asked *asked;
	struct row row;
};

/*
 * Errors of the client's side (2000 to 2999), and of a server that ends, has no
 * room, or gave up for the time it took: the others are the query's.
 */
static bool server_is_down(unsigned code)
{
	static const unsigned short codes[] = { 1040, 1053, 1077, 1152, 1203,
		1226, 1317, 1836, 1927, 1969, 3024, 4031 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return code >= 2000 && code < 3000;
}

static unsigned last_code(const struct source *s)
{
	unsigned code = s->mysql.stmt_errno(s->query);

	return code ? code : s->mysql.errno(s->conn);
}

/*
 * A connection that has been idle may have been cut: then there is a new one.
 */
static int ask(void *arg, unsigned n, const char *name, bool *down,
		struct err *err)
{
	struct question *q = arg;
	struct source *s = q->source;
	struct server to;
	bool fresh;
	int result;

	read_server(&to, name, s->check->conf);
	if (s->at != n)
		hang_up(s);
	s->at = n;
	do {
		fresh = !s->conn;
		if (fresh && connect_to(s, &to, err) < 0) {
			*down = true;
			return -1;
		}
		result = run(s, &to, q->asked, &q->row, err);
		*down = result < 0 && server_is_down(last_code(s));
		if (*down)
			hang_up(s);
	} while (*down && !fresh);
	return result;
}

/* -- what the others see -- */

/* "=" before it, as no hash begins so. */
static void mark_plain(char text[FOREIGN_SIZE])
{
	memmove(text + 1, text, strnlen(text, FOREIGN_SIZE - 2) + 1);
	text[0] = '=';
	text[FOREIGN_SIZE - 1] = '\0';
}

/* A hash that nobody can verify is for the log: its user still gets mail. */
static void take_password(struct source *s, const struct authd_asked *a,
		const char *password, struct authd_person *out)
{
	struct err err;
	int kind;

	memset(out->own, 0, sizeof(out->own));
	out->keys.rounds = 0;
	if (!*password)
		return;
	kind = foreign_check(&s->seen, span_of(password), out->own, &err);
	if (kind == FOREIGN_PLAIN)
		mark_plain(out->own);
	else if (kind == FOREIGN_SCRAM)
		scram_parse(&out->keys, span_of(out->own));
	if (kind < 0 || kind == FOREIGN_SCRAM)
		explicit_bzero(out->own, sizeof(out->own));
	if (kind < 0)
		log_warn("%.*s cannot log in: %s", SPAN_ARG(a->address),
				err.text);
	else
		s->like = *out;
}

static int find(void *own, const struct authd_name *name,
		struct authd_person *out, struct err *err)
{
	struct source *s = own;
	struct authd_asked asked;
	struct question q = { .source = s, .asked = &asked };
	struct authd_entry e;
	int result;

	if (!authd_asked(&asked, name))
		return AUTHD_NOBODY;
	if (load(s, err) < 0)
		return -1;
	result = authd_servers(&s->check->shared->mysql, s->check->conf,
			s->check->conf->mysql_servers, ask, &q, err);
	if (result == AUTHD_FOUND) {
		e = (struct authd_entry){ span_of(q.row.name),
			span_of(q.row.mailbox), span_of(q.row.quota) };
		take_password(s, &asked, q.row.password, out);
		result = authd_entry_user(s->check, &asked, &e, &out->user,
				err) < 0 ? -1 : AUTHD_FOUND;
	}
	explicit_bzero(&q, sizeof(q));
	return result;
}

static bool same_text(const char *a, const char *b)
{
	unsigned char one[SHA256_SIZE], other[SHA256_SIZE];

	sha256(one, span_of(a));
	sha256(other, span_of(b));
	return scram_same(one, other, sizeof(one));
}

static bool verify_person(const struct authd_person *who, const char *password)
{
	if (who->keys.rounds)
		return scram_verify(&who->keys, span_of(password));
	if (who->own[0] == '=')
		return same_text(who->own + 1, password);
	return who->own[0] && foreign_verify(who->own, password);
}

static int verify(void *own, const struct authd_person *who,
		const char *password, struct err *err)
{
	struct source *s = own;
	bool known = who && (who->keys.rounds || who->own[0]);

	(void)err;
	return verify_person(known ? who : &s->like, password) && known ?
		AUTHD_FOUND : AUTHD_NOBODY;
}

const struct authd_source *authd_mysql(void)
{
	static const struct authd_source source = {
		.slow = true, .keys = true, .wanted = wanted, .start = start,
		.end = end, .find = find, .verify = verify
	};

	return &source;
}
