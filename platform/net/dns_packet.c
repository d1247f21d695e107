#include "net/dns_packet.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

#include "config.h"
#include "os/rand.h"

#define LABEL_MOST 63		/* RFC 1035 2.3.4 */
#define NAME_MOST 253		/* as text; 255 octets on the wire */
#define HEADER_SIZE 12
#define FLAG_QR 0x8000		/* an answer */
#define FLAG_OPCODE 0x7800
#define FLAG_AA 0x0400
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_AD 0x0020		/* RFC 6840 5.7: tell us whether it is authentic */
#define FLAG_RCODE 0x000f
#define OPT_SIZE 11
#define OPT_DO 0x8000		/* the third and fourth octet of the TTL */

/* -- asking -- */

static void put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static unsigned get16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/*
 * Printable, and nothing that libc writes with a backslash: the question that
 * comes back is compared as text.
 */
static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 ||
				strchr("\"\\;()@$", s.p[i]))
			return false;
	return true;
}

/* Labels with their lengths; NULL: not a name. */
static unsigned char *put_name(unsigned char *to, struct span name)
{
	while (name.n) {
		size_t n = span_find(name, '.');

		if (!n || n > LABEL_MOST || n + 1 == name.n)
			return NULL;
		*to++ = (unsigned char)n;
		memcpy(to, name.p, n);
		to += n;
		name = span_rest(name, n + 1);
	}
	*to++ = 0;
	return to;
}

/*
 * RFC 6891 6.1.2, RFC 3225 3: the root's name, type, our size, DO, no options
 */
static unsigned char *put_opt(unsigned char *to)
{
	memset(to, 0, OPT_SIZE);
	put16(to + 1, ns_t_opt);
	put16(to + 3, DNS_EDNS_SIZE);
	put16(to + 7, OPT_DO);
	return to + OPT_SIZE;
}

size_t dns_packet_query(unsigned char out[DNS_QUERY_SIZE], unsigned id,
		struct span name, enum dns_type type, bool proof)
{
	unsigned char *end;

	if (!name.n || name.n > NAME_MOST || !is_plain(name))
		return 0;
	memset(out, 0, HEADER_SIZE);
	put16(out, id);
	put16(out + 2, FLAG_RD | FLAG_AD);
	put16(out + 4, 1);
	end = put_name(out + HEADER_SIZE, name);
	if (!end)
		return 0;
	put16(end, type);
	put16(end + 2, ns_c_in);
	end += 4;
	if (CFG_DANE && proof) {
		out[11] = 1;	/* ARCOUNT */
		end = put_opt(end);
	}
	return (size_t)(end - out);
}

/* -- reading -- */

struct reader {
	ns_msg msg;
	ns_rr rr;			/* the record at hand */
	struct span name;		/* asked */
	enum dns_type type;
	struct arena *arena;
	struct dns_record *records;
	int count;
	bool bad;			/* a record was broken */
};

static bool same_name(const char *got, struct span want)
{
	struct span s = span_of(got);

	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	return span_caseeq(s, want);
}

/* RFC 5452 9.1: beside the id the whole question must be ours. */
static bool is_ours(struct reader *r)
{
	return ns_msg_count(r->msg, ns_s_qd) == 1 &&
		!ns_parserr(&r->msg, ns_s_qd, 0, &r->rr) &&
		ns_rr_type(r->rr) == (ns_type)r->type &&
		ns_rr_class(r->rr) == ns_c_in &&
		same_name(ns_rr_name(r->rr), r->name);
}

/* A name inside rdata, lower case; "" is the root. False: broken. */
static bool get_name(const struct reader *r, size_t skip,
		char out[DNS_NAME_SIZE])
{
	const unsigned char *p = ns_rr_rdata(r->rr) + skip;
	const unsigned char *end = ns_rr_rdata(r->rr) + ns_rr_rdlen(r->rr);
	char text[NS_MAXDNAME];
	struct span s;
	int used;

	if (ns_rr_rdlen(r->rr) <= skip)
		return false;
	used = dn_expand(ns_msg_base(r->msg), ns_msg_end(r->msg), p, text,
			sizeof(text));
	if (used < 0 || p + used != end)
		return false;
	s = span_of(text);
	if (s.n && s.p[s.n - 1] == '.')
		s.n--;
	if (s.n > NAME_MOST || !is_plain(s) || str_copy(out, DNS_NAME_SIZE, s))
		return false;
	for (char *c = out; *c; c++)
		*c = ascii_lower(*c);
	return true;
}

static bool keep_text(struct reader *r, struct dns_record *to, struct span s)
{
	to->text = arena_dup(r->arena, s);
	to->text_len = s.n;
	return to->text;
}

static bool take_a(struct reader *r, struct dns_record *to)
{
	if (ns_rr_rdlen(r->rr) != sizeof(to->ip.a))
		return false;
	memcpy(&to->ip.a, ns_rr_rdata(r->rr), sizeof(to->ip.a));
	return true;
}

static bool take_aaaa(struct reader *r, struct dns_record *to)
{
	if (ns_rr_rdlen(r->rr) != sizeof(to->ip.aaaa))
		return false;
	memcpy(&to->ip.aaaa, ns_rr_rdata(r->rr), sizeof(to->ip.aaaa));
	return true;
}

static bool take_ptr(struct reader *r, struct dns_record *to)
{
	char name[DNS_NAME_SIZE];

	return get_name(r, 0, name) && *name &&
		keep_text(r, to, span_of(name));
}

static bool take_mx(struct reader *r, struct dns_record *to)
{
	char name[DNS_NAME_SIZE];

	if (!get_name(r, 2, name))
		return false;
	to->preference = get16(ns_rr_rdata(r->rr)) & 0xffff;
	return keep_text(r, to, span_of(name));
}

/* RFC 2782: priority, weight, port, target. Weights do not count here. */
static bool take_srv(struct reader *r, struct dns_record *to)
{
	char name[DNS_NAME_SIZE];

	if (!get_name(r, 6, name))
		return false;
	to->preference = get16(ns_rr_rdata(r->rr)) & 0xffff;
	to->port = get16(ns_rr_rdata(r->rr) + 4) & 0xffff;
	return keep_text(r, to, span_of(name));
}

/* RFC 7208 3.3, RFC 6376 3.6.2.2: the strings are joined without a blank. */
static bool take_txt(struct reader *r, struct dns_record *to)
{
	const unsigned char *p = ns_rr_rdata(r->rr);
	const unsigned char *end = p + ns_rr_rdlen(r->rr);
	char *out = arena_alloc(r->arena, ns_rr_rdlen(r->rr) + (size_t)1);

	if (!out || p == end)
		return false;
	to->text = out;
	for (; p < end; p += *p + 1) {
		if (end - p <= *p)
			return false;
		memcpy(out + to->text_len, p + 1, *p);
		to->text_len += *p;
	}
	return true;
}

static bool take_octets(struct reader *r, struct dns_record *to)
{
	return keep_text(r, to, span_make((const char *)ns_rr_rdata(r->rr),
				ns_rr_rdlen(r->rr)));
}

static const struct {
	enum dns_type type;
	bool (*take)(struct reader *r, struct dns_record *to);
} takers[] = {
	{ DNS_A, take_a }, { DNS_AAAA, take_aaaa }, { DNS_MX, take_mx },
	{ DNS_TXT, take_txt }, { DNS_PTR, take_ptr },
	{ DNS_CNAME, take_ptr }, { DNS_TLSA, take_octets },
	/* the linker drops it where nobody asks */
	{ CFG_MAILCONF_SETUP ? DNS_SRV : DNS_TLSA,
		CFG_MAILCONF_SETUP ? take_srv : take_octets }
};

/* Of more MX than there is room for the best are kept. NULL: it is none of them. */
static struct dns_record *room_for(struct reader *r)
{
	struct dns_record *worst = r->records;

	if (r->count < DNS_MOST)
		return &r->records[r->count];
	if (r->type != DNS_MX || ns_rr_rdlen(r->rr) < 2)
		return NULL;
	for (int i = 1; i < r->count; i++)
		if (r->records[i].preference > worst->preference)
			worst = &r->records[i];
	return get16(ns_rr_rdata(r->rr)) < worst->preference ? worst : NULL;
}

static void take(struct reader *r)
{
	struct dns_record *to = room_for(r), made = { .type = r->type };

	if (!to)
		return;
	made.ttl = ns_rr_ttl(r->rr);
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		if (takers[i].type != r->type)
			continue;
		if (!takers[i].take(r, &made)) {
			r->bad = true;
			return;
		}
		*to = made;
		r->count += r->count < DNS_MOST;
		return;
	}
}

/* Takes all records of this name; true with its CNAME in next. */
static bool look_at(struct reader *r, const char *name,
		char next[DNS_NAME_SIZE])
{
	bool alias = false;

	for (int i = 0; i < ns_msg_count(r->msg, ns_s_an); i++) {
		if (ns_parserr(&r->msg, ns_s_an, i, &r->rr)) {
			r->bad = true;
			return false;
		}
		if (ns_rr_class(r->rr) != ns_c_in ||
				!same_name(ns_rr_name(r->rr), span_of(name)))
			continue;
		if (ns_rr_type(r->rr) == (ns_type)r->type)
			take(r);
		else if (ns_rr_type(r->rr) == ns_t_cname && !alias)
			alias = get_name(r, 0, next) && *next;
	}
	return alias;
}

/* RFC 2308 2.2: an SOA beside an empty answer means NODATA, NS alone a referral. */
static bool authority_has(struct reader *r, ns_type type)
{
	for (int i = 0; i < ns_msg_count(r->msg, ns_s_ns); i++)
		if (!ns_parserr(&r->msg, ns_s_ns, i, &r->rr) &&
				ns_rr_type(r->rr) == type)
			return true;
	return false;
}

/* RFC 5321 5.1: random among equals; a shuffle, then a stable sort. */
static void sort_mx(struct dns_record *v, int n)
{
	struct dns_record t;
	int i, j;

	for (i = n - 1; i > 0; i--) {
		j = (int)rand_below((uint32_t)i + 1);
		t = v[i];
		v[i] = v[j];
		v[j] = t;
	}
	for (i = 1; i < n; i++) {
		t = v[i];
		for (j = i; j && v[j - 1].preference > t.preference; j--)
			v[j] = v[j - 1];
		v[j] = t;
	}
}

static enum dns_verdict found(struct reader *r, struct dns_reading *out)
{
	if (r->type == DNS_MX)
		sort_mx(r->records, r->count);
	out->answer.status = DNS_OK;
	out->answer.count = r->count;
	out->answer.records = r->records;
	return DNS_ANSWERED;
}

/* No record of the type at the end of the chain. */
static enum dns_verdict nothing(struct reader *r, struct dns_reading *out,
		unsigned flags, bool followed)
{
	if (r->bad)
		return DNS_REFUSED;
	if ((flags & FLAG_RCODE) == ns_r_nxdomain)
		out->answer.status = DNS_NXDOMAIN;
	else if (authority_has(r, ns_t_soa))
		out->answer.status = DNS_NODATA;
	else if (followed)
		return DNS_FOLLOW;
	else if (authority_has(r, ns_t_ns) && !(flags & FLAG_AA))
		return DNS_REFUSED;
	else
		out->answer.status = DNS_NODATA;
	return DNS_ANSWERED;
}

static enum dns_verdict walk(struct reader *r, struct dns_reading *out,
		unsigned flags)
{
	char next[DNS_NAME_SIZE];
	bool followed = false;

	str_copy(out->next, sizeof(out->next), r->name);
	while (look_at(r, out->next, next) && !r->count && !r->bad) {
		if (++out->chain > DNS_CHAIN_MOST)
			return DNS_LOOP;
		memcpy(out->next, next, sizeof(next));
		followed = true;
	}
	return r->count ? found(r, out) : nothing(r, out, flags, followed);
}

enum dns_verdict dns_packet_read(struct span packet, unsigned id,
		struct span name, enum dns_type type, struct arena *a,
		struct dns_reading *out)
{
	const unsigned char *p = (const unsigned char *)packet.p;
	struct reader r = { .name = name, .type = type, .arena = a };
	unsigned flags;

	if (packet.n < HEADER_SIZE || packet.n > NS_MAXMSG || get16(p) != id)
		return DNS_STRAY;
	flags = get16(p + 2);
	if (!(flags & FLAG_QR) || flags & FLAG_OPCODE)
		return DNS_STRAY;
	/* before parsing: what was cut need not be whole */
	if (flags & FLAG_TC)
		return DNS_TRUNCATED;
	/* some servers leave out the question when they refuse */
	if (packet.n == HEADER_SIZE && flags & FLAG_RCODE && !get16(p + 4))
		return DNS_REFUSED;
	if (ns_initparse(p, (int)packet.n, &r.msg) || !is_ours(&r))
		return DNS_STRAY;
	if ((flags & FLAG_RCODE) != ns_r_noerror &&
			(flags & FLAG_RCODE) != ns_r_nxdomain)
		return DNS_REFUSED;
	r.records = arena_alloc(a, DNS_MOST * sizeof(*r.records));
	if (!r.records)
		return DNS_REFUSED;
	memset(&out->answer, 0, sizeof(out->answer));
	out->answer.authentic = flags & FLAG_AD;
	out->answer.name = out->next;
	return walk(&r, out, flags);
}
