/* What the DNS says of this machine and its domains. */
#include "mailconf/doctor.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"
#include "config.h"
#include "net/own.h"
#include "os/text.h"

#define NAME_SIZE 256

static bool needs_dns(struct doctor *d)
{
	if (!d->dns)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: the name "
					"servers do not answer."));
	return d->dns;
}

/* Others have to find it, or know it by its name. */
static bool needs_name(struct doctor *d)
{
	if (d->direct || d->receives)
		return needs_dns(d);
	doctor_say(d, DOCTOR_SKIP, NULL, T("Not needed: this machine only "
				"sends, through a smarthost."));
	return false;
}

static bool is_localhost(const char *name)
{
	return span_is(span_of(name), "localhost") ||
		span_starts(span_of(name), "localhost.");
}

static void put_servers(const struct doctor *d, char out[DOCTOR_TEXT])
{
	struct str list;

	str_init(&list, DOCTOR_TEXT - 1);
	for (const struct conf_word *w = d->conf->nameservers; w; w = w->next)
		str_addf(&list, list.n ? " %s" : "%s", w->text);
	str_copys(out, DOCTOR_TEXT, list.n ? str_c(&list) :
			access("/etc/resolv.conf", F_OK) < 0 ?
			T("no /etc/resolv.conf") : "/etc/resolv.conf");
	str_free(&list);
}

/* By the servers themselves: localhost is nothing they are asked for. */
static bool is_answered(struct doctor *d, const char *name)
{
	enum dns_status status = self_ask(&d->net, name, DNS_MX)->status;

	return status != DNS_FAIL && status != DNS_BAD_NAME &&
		!is_localhost(name);
}

/* Is there anybody who answers? What, does not matter. */
void doctor_dns(struct doctor *d)
{
	char servers[DOCTOR_TEXT];

	put_servers(d, servers);
	d->dns = is_answered(d, d->conf->hostname) ||
		is_answered(d, "example.com");
	if (d->dns)
		doctor_say(d, DOCTOR_OK, NULL, T("The name servers answer "
					"(%s)."), servers);
	else
		doctor_say(d, DOCTOR_FAIL, T("is the link up? Is the right "
					"address in /etc/resolv.conf, or in a "
					"line nameserver?"), T("No name server "
					"answers (%s): no mail finds its "
					"way."), servers);
}

void doctor_hostname(struct doctor *d)
{
	static const char *const private[] = {
		".local", ".lan", ".localdomain", ".home", ".internal",
		".home.arpa"
	};
	struct span name = span_of(d->conf->hostname);
	enum doctor_level level = d->direct || d->receives ? DOCTOR_FAIL :
		DOCTOR_WARN;
	const char *remedy = T("the line hostname in the configuration, as "
			"mail.example.org");

	if (is_localhost(d->conf->hostname)) {
		doctor_say(d, level, remedy, T("It is %s, which is every "
					"machine's: others refuse it in "
					"EHLO."), d->conf->hostname);
		return;
	}
	if (!span_has(name, '.')) {
		doctor_say(d, level, remedy, T("%s has no dot in it: others "
					"refuse it in EHLO."),
				d->conf->hostname);
		return;
	}
	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		if (span_ends(name, private[i])) {
			doctor_say(d, level, remedy, T("%s is a name of this "
						"network alone: others do not "
						"know it."), d->conf->hostname);
			return;
		}
	doctor_say(d, DOCTOR_OK, NULL, T("%s is good as a name."),
			d->conf->hostname);
}

static bool any_is_here(const struct doctor *d)
{
	for (unsigned i = 0; i < d->naddress; i++)
		if (own_interface((const struct sockaddr *)&d->address[i]))
			return true;
	return false;
}

void doctor_own_address(struct doctor *d)
{
	char text[DOCTOR_TEXT], address[INET6_ADDRSTRLEN];
	int n;

	if (!needs_name(d))
		return;
	n = doctor_addresses(d, d->conf->hostname, d->address);
	d->naddress = n > 0 ? (unsigned)n : 0;
	if (n < 0) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no answer for "
					"%s."), d->conf->hostname);
		return;
	}
	if (!n) {
		doctor_say(d, DOCTOR_FAIL, doctor_text(text, T("publish: %s. A "
						"ADDRESS"), d->conf->hostname),
				T("%s has no address in the DNS."),
				d->conf->hostname);
		return;
	}
	doctor_address(address, &d->address[0]);
	if (any_is_here(d))
		doctor_say(d, DOCTOR_OK, NULL, T("%s is %s, which is here."),
				d->conf->hostname, address);
	else
		doctor_say(d, DOCTOR_WARN, T("fine behind a router that hands "
					"port 25 on to here; else publish the "
					"right address"), T("%s is %s, which "
					"is no address of this machine."),
				d->conf->hostname, address);
}

/* Does the name of this address lead back to it, and is it ours? */
static void look_back(struct doctor *d, const struct sockaddr_storage *addr)
{
	struct sockaddr_storage v[DOCTOR_ADDRESSES];
	char address[INET6_ADDRSTRLEN], name[NAME_SIZE] = "";
	char text[DOCTOR_TEXT];
	const struct dns_answer *a = self_ask_ptr(&d->net,
			(const struct sockaddr *)addr);
	bool back = false;
	int n;

	doctor_address(address, addr);
	for (int i = 0; i < a->count; i++)
		if (!*name || span_is(span_of(a->records[i].text),
					d->conf->hostname))
			str_copys(name, sizeof(name), a->records[i].text);
	doctor_text(text, T("whoever has given you %s enters the name %s for "
				"it (reverse DNS)"), address,
			d->conf->hostname);
	if (a->status == DNS_FAIL) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no answer for "
					"%s."), address);
		return;
	}
	if (!*name) {
		doctor_say(d, DOCTOR_FAIL, text, T("%s has no name: many "
					"servers refuse mail from such an "
					"address."), address);
		return;
	}
	n = doctor_addresses(d, name, v);
	for (int i = 0; i < n; i++)
		back |= doctor_same_address(&v[i], addr);
	if (!back)
		doctor_say(d, DOCTOR_FAIL, text, T("%s is called %s, and that "
					"name does not lead back to it."),
				address, name);
	else if (!span_is(span_of(name), d->conf->hostname))
		doctor_say(d, DOCTOR_WARN, text, T("%s is called %s, and we "
					"say %s in EHLO."), address, name,
				d->conf->hostname);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s is called %s."), address,
				name);
}

void doctor_reverse(struct doctor *d)
{
	if (!d->direct) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not needed: the smarthost "
					"is what others see."));
		return;
	}
	if (!needs_dns(d))
		return;
	if (!d->naddress)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: %s has no "
					"address."), d->conf->hostname);
	for (unsigned i = 0; i < d->naddress; i++)
		look_back(d, &d->address[i]);
}

/* -- MX -- */

/* By name, or by an address of the name, or of this machine. */
static bool is_us(struct doctor *d, const char *host)
{
	struct sockaddr_storage v[DOCTOR_ADDRESSES];
	int n;

	if (span_is(span_of(host), d->conf->hostname))
		return true;
	n = doctor_addresses(d, host, v);
	for (int i = 0; i < n; i++) {
		if (own_interface((const struct sockaddr *)&v[i]))
			return true;
		for (unsigned k = 0; k < d->naddress; k++)
			if (doctor_same_address(&v[i], &d->address[k]))
				return true;
	}
	return false;
}

#define HOSTS_MOST 8

static void look_at_domain(struct doctor *d, const char *domain)
{
	char host[HOSTS_MOST][NAME_SIZE], text[DOCTOR_TEXT];
	const struct dns_answer *a = self_ask(&d->net, domain, DNS_MX);
	enum dns_status status = a->status;
	int n = 0;

	for (int i = 0; i < a->count && n < HOSTS_MOST; i++)
		str_copys(host[n++], NAME_SIZE, a->records[i].text);
	doctor_text(text, T("publish: %s. MX 10 %s."), domain,
			d->conf->hostname);
	if (status == DNS_FAIL) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no answer for "
					"%s."), domain);
		return;
	}
	/* RFC 7505 */
	if (n && !host[0][0]) {
		doctor_say(d, DOCTOR_FAIL, text, T("%s says that it takes no "
					"mail at all (null MX)."), domain);
		return;
	}
	for (int i = 0; i < n; i++)
		if (is_us(d, host[i])) {
			doctor_say(d, DOCTOR_OK, NULL, T("Mail for %s comes to "
						"%s, which is us."), domain,
					host[i]);
			return;
		}
	if (n)
		doctor_say(d, DOCTOR_FAIL, text, T("Mail for %s goes to %s, "
					"which is not us."), domain, host[0]);
	else if (is_us(d, domain))
		doctor_say(d, DOCTOR_OK, NULL, T("%s has no MX; its address "
					"is ours, which will do."), domain);
	else
		doctor_say(d, DOCTOR_FAIL, text, T("%s has no MX: nobody "
					"knows where its mail goes."), domain);
}

void doctor_mx(struct doctor *d)
{
	if (!d->receives) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not needed: no other "
					"server brings mail here."));
		return;
	}
	if (!needs_dns(d))
		return;
	for (const struct conf_word *w = d->conf->domains; w; w = w->next)
		look_at_domain(d, w->text);
}

/* -- block lists: those that the configuration itself asks -- */

static void look_at_list(struct doctor *d, const char *zone,
		const struct sockaddr_storage *addr)
{
	char reverse[DNS_REVERSE_SIZE], address[INET6_ADDRSTRLEN];
	char name[DNS_REVERSE_SIZE + NAME_SIZE], text[DOCTOR_TEXT];
	const struct dns_answer *a;

	dns_reverse(reverse, (const struct sockaddr *)addr, "", "");
	snprintf(name, sizeof(name), "%s%.255s", reverse, zone);
	doctor_address(address, addr);
	a = self_ask(&d->net, name, DNS_A);
	if (a->status == DNS_FAIL)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: %s does not "
					"answer."), zone);
	else if (a->count)
		doctor_say(d, DOCTOR_FAIL, doctor_text(text, T("the web page "
						"of %s says why, and how to "
						"get off it"), zone),
				T("%s is on the block list %s."), address,
				zone);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s is not on %s."), address,
				zone);
}

void doctor_dnsbl(struct doctor *d)
{
	if (!CFG_SMTPD_DNSBL || !d->conf->dnsbl) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no dnsbl is "
					"configured."));
		return;
	}
	if (!needs_dns(d))
		return;
	if (!d->naddress)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: %s has no "
					"address."), d->conf->hostname);
	for (const struct conf_dnsbl *b = d->conf->dnsbl; b; b = b->next)
		for (unsigned i = 0; b->weight > 0 && i < d->naddress; i++)
			look_at_list(d, b->name, &d->address[i]);
}
