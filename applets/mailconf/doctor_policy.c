/* What our domains say of who may send for them: SPF, DKIM, DMARC. */
#include "mailconf/doctor.h"

#include <string.h>

#include "base/span.h"
#include "config.h"
#include "mailconf/spf.h"
#include "os/text.h"

#define TAG_SIZE 256

/*
 * The domains that mail from here has. A smarthost with sender= makes it
 * another one's, whose owner sees to all this.
 */
static bool has_domains(struct doctor *d)
{
	const struct conf_smarthost *h = d->conf->smarthosts;

	while (h && h->sender)
		h = h->next;
	if (!d->direct && !h && d->conf->smarthosts) {
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not needed: all mail goes "
					"out as %s."),
				d->conf->smarthosts->sender);
		return false;
	}
	if (!d->dns)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: the name "
					"servers do not answer."));
	return d->dns;
}

static const char *smarthost_name(const struct doctor *d)
{
	return d->conf->smarthosts ? d->conf->smarthosts->host : NULL;
}

/* -- SPF -- */

static const struct dns_answer *ask(void *arg, const char *name,
		enum dns_type type)
{
	return self_ask(arg, name, type);
}

static void set_ip(struct spf *s, const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET6) {
		memcpy(s->ip, &((const struct sockaddr_in6 *)addr)->sin6_addr,
				16);
		return;
	}
	memset(s->ip, 0, 10);
	memset(s->ip + 10, 0xff, 2);
	memcpy(s->ip + 12, &((const struct sockaddr_in *)addr)->sin_addr, 4);
}

static void put_wanted(const struct doctor *d, const char *domain,
		char out[DOCTOR_TEXT])
{
	if (d->direct)
		doctor_text(out, T("publish: %s. TXT \"v=spf1 a:%s mx -all\""),
				domain, d->conf->hostname);
	else
		doctor_text(out, T("publish what your provider says, which is "
					"mostly: %s. TXT \"v=spf1 "
					"include:NAME-OF-PROVIDER ~all\""), domain);
}

/* What all have in common. True: it was told. */
static bool tell_broken(struct doctor *d, const struct spf *s,
		enum spf_result r, const char *domain, const char *remedy)
{
	if (r == SPF_TEMP)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no answer for "
					"%s."), domain);
	else if (r == SPF_NONE)
		doctor_say(d, DOCTOR_FAIL, remedy, T("%s does not say who may "
					"send for it: many servers refuse its "
					"mail."), domain);
	else if (r == SPF_BAD)
		doctor_say(d, DOCTOR_FAIL, remedy, s->lookups > 10 ?
				T("The record of %s asks for more than 10 "
				"look-ups, which makes it void.") :
				T("The record of %s is broken, or there are "
				"two of them, which makes it void."), domain);
	else
		return false;
	return true;
}

static void tell_direct(struct doctor *d, const struct spf *s,
		enum spf_result r, const char *domain, const char *address,
		const char *remedy)
{
	if (r == SPF_PASS)
		doctor_say(d, DOCTOR_OK, NULL, T("%s may send for %s."),
				address, domain);
	else if (s->unsure)
		doctor_say(d, DOCTOR_WARN, remedy, T("Whether %s may send for "
					"%s cannot be told: the record has "
					"macros."), address, domain);
	else
		doctor_say(d, r == SPF_FAIL ? DOCTOR_FAIL : DOCTOR_WARN, remedy,
				T("%s is not among those who may send for "
					"%s."), address, domain);
}

static void tell_smarthost(struct doctor *d, const struct spf *s,
		const char *domain, const char *remedy)
{
	if (s->names_provider)
		doctor_say(d, DOCTOR_OK, NULL, T("%s lets %s send for it."),
				domain, s->provider);
	else
		doctor_say(d, DOCTOR_WARN, remedy, T("The record of %s does "
					"not name the domain of %s, which "
					"sends for it."), domain, s->provider);
}

static void look_at_spf(struct doctor *d, const char *domain)
{
	struct spf s = { .ask = ask, .arg = &d->net,
		.provider = d->direct ? NULL : smarthost_name(d) };
	char remedy[DOCTOR_TEXT], address[INET6_ADDRSTRLEN];
	unsigned n = d->direct ? d->naddress : 1;
	enum spf_result r;

	put_wanted(d, domain, remedy);
	for (unsigned i = 0; i < n; i++) {
		if (d->direct) {
			set_ip(&s, &d->address[i]);
			doctor_address(address, &d->address[i]);
		}
		r = spf_check(&s, domain);
		if (tell_broken(d, &s, r, domain, remedy))
			return;
		if (d->direct)
			tell_direct(d, &s, r, domain, address, remedy);
		else if (s.provider)
			tell_smarthost(d, &s, domain, remedy);
	}
	if (!n)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: %s has no "
					"address."), d->conf->hostname);
}

void doctor_spf(struct doctor *d)
{
	if (!has_domains(d))
		return;
	for (const struct conf_word *w = d->conf->domains; w; w = w->next)
		look_at_spf(d, w->text);
}

/* -- DKIM: none of ours signs -- */

void doctor_dkim(struct doctor *d)
{
	if (!has_domains(d))
		return;
	if (CFG_SMTPD_MILTER && d->conf->milters)
		doctor_say(d, DOCTOR_OK, NULL, T("A milter may sign; Pillarbox "
					"itself does not, and cannot see "
					"it."));
	else if (!d->direct)
		doctor_say(d, DOCTOR_OK, NULL, T("The smarthost may sign; "
					"Pillarbox itself does not. Its "
					"provider says what to publish."));
	else
		doctor_say(d, DOCTOR_WARN, T("opendkim or rspamd as a milter, "
					"or a smarthost that signs"),
				T("Nobody signs: large providers trust such "
					"mail less."));
}

/* -- DMARC (RFC 7489) -- */

/* The value of a tag of "v=DMARC1; p=none; ..." */
static bool tag(struct span record, const char *name, char out[TAG_SIZE])
{
	while (record.n) {
		struct span value = span_cut(&record, ';');
		struct span key = span_trim(span_cut(&value, '='));

		if (span_is(key, name))
			return str_copy(out, TAG_SIZE, span_trim(value)) == 0;
	}
	return false;
}

/* How many there are, -1: no answer; the policy of the last one. */
static int find_policy(struct doctor *d, const char *domain,
		char policy[TAG_SIZE])
{
	char name[DOCTOR_TEXT];
	const struct dns_answer *a;
	int n = 0;

	policy[0] = '\0';
	a = self_ask(&d->net, doctor_text(name, "_dmarc.%s", domain), DNS_TXT);
	for (int i = 0; i < a->count; i++) {
		struct span text = span_make(a->records[i].text,
				a->records[i].text_len);

		if (!span_starts(text, "v=DMARC1"))
			continue;
		n++;
		if (!tag(text, "p", policy))
			policy[0] = '\0';
	}
	return a->status == DNS_FAIL ? -1 : n;
}

static bool is_policy(const char *p)
{
	struct span s = span_of(p);

	return span_is(s, "none") || span_is(s, "quarantine") ||
		span_is(s, "reject");
}

static void look_at_dmarc(struct doctor *d, const char *domain)
{
	char policy[TAG_SIZE], remedy[DOCTOR_TEXT];
	const char *at = domain;
	int n = find_policy(d, at, policy);

	/* RFC 7489 6.6.3: that of the organisation holds for what is below it */
	while (n == 0 && strchr(at, '.') && strchr(strchr(at, '.') + 1, '.')) {
		at = strchr(at, '.') + 1;
		n = find_policy(d, at, policy);
	}
	doctor_text(remedy, T("publish: _dmarc.%s. TXT \"v=DMARC1; p=none; "
				"rua=mailto:postmaster@%s\""), domain, domain);
	if (n < 0)
		doctor_say(d, DOCTOR_SKIP, NULL, T("Not checked: no answer for "
					"%s."), at);
	else if (!n)
		doctor_say(d, DOCTOR_WARN, remedy, T("%s does not say what is "
					"to be done with forged mail: large "
					"providers want it."), domain);
	else if (n > 1)
		doctor_say(d, DOCTOR_FAIL, remedy, T("%s has more than one "
					"record, so none counts."), at);
	else if (!is_policy(policy))
		doctor_say(d, DOCTOR_FAIL, remedy, T("The record of %s has no "
					"p= with none, quarantine or "
					"reject."), at);
	else
		doctor_say(d, DOCTOR_OK, NULL, T("%s has the policy %s."), at,
				policy);
}

void doctor_dmarc(struct doctor *d)
{
	if (!has_domains(d))
		return;
	for (const struct conf_word *w = d->conf->domains; w; w = w->next)
		look_at_dmarc(d, w->text);
}
