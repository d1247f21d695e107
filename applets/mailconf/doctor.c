#include "mailconf/doctor.h"
#include "mailconf/mailconf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json_put.h"
#include "config.h"
#include "net/own.h"
#include "os/file.h"
#include "os/log.h"
#include "os/text.h"

#define PROBE "gmail.com"	/* whose servers everybody can reach */
#define REACH_MS 10000
#define NAME_COLUMN 19
#define NARROW 60		/* columns: too few to stand below each other */

static const struct {
	const char *name;
	doctor_fn *fn;
} rows[] = {
	{ "clock", doctor_clock },
	{ "time-zone", doctor_zone },
	{ "disk", doctor_disk },
	{ "accounts", doctor_accounts },
	{ "files", doctor_files },
	{ "daemons", doctor_daemons },
	{ "ports", doctor_listen },
	{ "queue", doctor_queue },
	{ "aliases", doctor_aliases },
	{ "certificate", doctor_certificate },
	{ "dns", doctor_dns },
	{ "hostname", doctor_hostname },
	{ "address", doctor_own_address },
	{ "reverse", doctor_reverse },
	{ "mx", doctor_mx },
	{ "port-25", doctor_port25 },
	{ "smarthost", doctor_smarthost },
	{ "spf", doctor_spf },
	{ "dkim", doctor_dkim },
	{ "dmarc", doctor_dmarc },
	{ "dnsbl", doctor_dnsbl },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* -- telling -- */

static void put_json(struct doctor *d, enum doctor_level level,
		const char *text, const char *remedy)
{
	static const char *const levels[] = { "ok", "skip", "warn", "fail" };
	struct str out;

	str_init(&out, 65536);
	str_addf(&out, d->told ? ",\n{\"check\":\"%s\",\"level\":\"%s\","
			"\"text\":" : "{\"check\":\"%s\",\"level\":\"%s\","
			"\"text\":", d->check, levels[level]);
	json_string(&out, span_of(text));
	str_adds(&out, ",\"remedy\":");
	if (remedy)
		json_string(&out, span_of(remedy));
	else
		str_adds(&out, "null");
	str_addc(&out, '}');
	fputs(str_c(&out), stdout);
	str_free(&out);
}

/* The rest of a line that has so many columns already. */
static void tell(struct doctor *d, unsigned used, const char *text)
{
	d->console.used = used;
	console_say(&d->console, d->console.columns < NARROW ? 6 : used, "%s",
			text);
	d->console.used = 0;
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *remedy,
		const char *fmt, ...)
{
	static const char *const levels[] = { "ok", "-", "warn", "FAIL" };
	char text[DOCTOR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	if (d->json) {
		put_json(d, level, text, remedy);
	} else {
		printf("%-5s %-12s ", levels[level], d->check);
		tell(d, NAME_COLUMN, text);
		if (remedy) {
			unsigned indent = d->console.columns < NARROW ? 6 :
				NAME_COLUMN;

			printf("%*s-> ", (int)indent, "");
			tell(d, indent + 3, remedy);
		}
	}
	d->told++;
	d->failed |= level == DOCTOR_FAIL;
}

const char *doctor_text(char out[DOCTOR_TEXT], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(out, DOCTOR_TEXT, fmt, ap) < 0)
		out[0] = '\0';
	va_end(ap);
	return out;
}

/* -- addresses -- */

void doctor_address(char out[INET6_ADDRSTRLEN],
		const struct sockaddr_storage *addr)
{
	const void *raw = addr->ss_family == AF_INET6 ?
		(const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr :
		&((const struct sockaddr_in *)addr)->sin_addr;

	if (!inet_ntop(addr->ss_family, raw, out, INET6_ADDRSTRLEN))
		out[0] = '\0';
}

socklen_t doctor_address_size(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
		sizeof(struct sockaddr_in);
}

bool doctor_same_address(const struct sockaddr_storage *a,
		const struct sockaddr_storage *b)
{
	char one[INET6_ADDRSTRLEN], two[INET6_ADDRSTRLEN];

	doctor_address(one, a);
	doctor_address(two, b);
	return a->ss_family == b->ss_family && strcmp(one, two) == 0;
}

static void take_address(struct sockaddr_storage *to,
		const struct dns_record *r)
{
	memset(to, 0, sizeof(*to));
	if (r->type == DNS_A) {
		struct sockaddr_in *in = (struct sockaddr_in *)to;

		in->sin_family = AF_INET;
		in->sin_addr = r->ip.a;
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

		in6->sin6_family = AF_INET6;
		in6->sin6_addr = r->ip.aaaa;
	}
}

int doctor_addresses(struct doctor *d, const char *name,
		struct sockaddr_storage v[DOCTOR_ADDRESSES])
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	int n = 0, failed = 0;

	for (int t = 0; t < 2; t++) {
		const struct dns_answer *a = self_ask(&d->net, name, types[t]);

		failed += a->status == DNS_FAIL;
		for (int i = 0; i < a->count && n < DOCTOR_ADDRESSES; i++)
			take_address(&v[n++], &a->records[i]);
	}
	return !n && failed ? -1 : n;
}

/* Until it is ready, or the time is up. */
static int wait_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, REACH_MS) == 1 ? 0 : ETIMEDOUT;
}

static int read_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	ssize_t got = 0;

	while (n < size - 1 && !memchr(line, '\n', n)) {
		int code = wait_ready(fd, POLLIN);

		if (code)
			return code;
		got = file_get(fd, line + n, size - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	return n ? 0 : EPIPE;
}

int doctor_reach(const struct sockaddr_storage *addr, unsigned port,
		char *line, size_t size)
{
	struct sockaddr_storage to = *addr;
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
			SOCK_NONBLOCK, 0), code;
	socklen_t len = sizeof(code);

	if (fd < 0)
		return errno;
	/* the port is at the same place in both */
	((struct sockaddr_in *)&to)->sin_port = htons((uint16_t)port);
	code = connect(fd, (const void *)&to, doctor_address_size(&to)) == 0 ?
		0 : errno;
	if (code == EINPROGRESS)
		code = wait_ready(fd, POLLOUT);
	if (!code && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		code = errno;
	if (!code && line)
		code = read_line(fd, line, size);
	close(fd);
	return code;
}

/* -- all of it -- */

static bool is_loopback(const struct conf_listen *l)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&l->addr;

	/* own_loopback knows "any" as one, too, which is the opposite here */
	if (l->addr.ss_family == AF_INET6 &&
			IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		return false;
	if (l->addr.ss_family == AF_INET && ((const struct sockaddr_in *)
				&l->addr)->sin_addr.s_addr == INADDR_ANY)
		return false;
	return own_loopback((const struct sockaddr *)&l->addr);
}

static void find_out(struct doctor *d)
{
	const struct conf_smarthost *h = d->conf->smarthosts;
	const struct conf_route *r = d->conf->routes;

	for (const struct conf_listen *l = d->conf->listen; l; l = l->next)
		d->receives |= CFG_SMTPD && l->service == CONF_SMTP &&
			!l->device && !is_loopback(l);
	while (h && h->from)
		h = h->next;
	while (r && strcmp(r->domain, "*") != 0)
		r = r->next;
	d->direct = !h && !r;
}

static void run(struct doctor *d)
{
	if (d->json)
		fputs("{\"checks\":[\n", stdout);
	for (size_t i = 0; i < ROWS; i++) {
		d->check = rows[i].name;
		rows[i].fn(d);
		fflush(stdout);
	}
	if (d->json)
		printf("\n],\"ok\":%s}\n", d->failed ? "false" : "true");
}

static int tell_unread(struct doctor *d, const char *why)
{
	if (!d->json) {
		fprintf(stderr, "%s\n", why);
		return EX_CONFIG;
	}
	fputs("{\"checks\":[\n", stdout);
	d->check = "configuration";
	doctor_say(d, DOCTOR_FAIL, NULL, "%s", why);
	printf("\n],\"ok\":false}\n");
	return EX_CONFIG;
}

int mailconf_doctor(const char *path, const char *probe, bool json)
{
	struct doctor d = { .path = conf_path(path), .json = json,
		.probe = probe ? probe : PROBE };
	struct err err;
	struct conf *conf = conf_read(d.path, !path, &err);

	if (!conf)
		return tell_unread(&d, err.text);
	/* modules of the daemons tell their log what we tell ourselves */
	log_open("mailconf", true);
	log_level(LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	d.conf = conf;
	console_open(&d.console, false);
	if (self_net_open(&d.net, conf, &err) < 0) {
		fprintf(stderr, "mailconf: %s\n", err.text);
		conf_free(conf);
		return EX_OSERR;
	}
	find_out(&d);
	run(&d);
	self_net_close(&d.net);
	conf_free(conf);
	return d.failed ? 1 : 0;
}
