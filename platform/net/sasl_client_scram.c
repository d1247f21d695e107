/* sasl_client_scram - SCRAM-SHA-256 from the client's side (RFC 5802, 7677)
 *
 * With channel binding (-PLUS) where both can. Names and passwords are sent as
 * they are, not mapped by SASLprep: what is ASCII would come out the same.
 */
#include "net/sasl_client_private.h"

#include <stdlib.h>
#include <string.h>
#include "base/base64.h"
#include "base/scram.h"
#include "config.h"
#include "os/rand.h"

#define NONCE_SIZE 24		/* ours: 142 bits */
#define SALT_MOST 128
#define ROUNDS_MOST 1000000	/* minutes of a small router; RFC 7677: 4096 */
#define SLICE 2048		/* rounds a turn: 1 ms of a PC, 25 of a router */
#define MESSAGE_MOST 4096	/* three messages */
#define HEADER_MOST 64		/* octets of a gs2-header */

struct sasl_client_scram {
	struct str message;	/* AuthMessage (RFC 5802 3) as far as it goes */
	struct str last;	/* "c=biws,r=NONCE", while the hash is made */
	struct str bound;	/* gs2-header, and what it is bound to */
	struct sha256_slow *hash;
	unsigned char signature[SHA256_SIZE];	/* that the server has to show */
};

void sasl_scram_free(struct sasl_client *s)
{
	struct sasl_client_scram *m = s->scram;

	if (!m)
		return;
	sha256_slow_free(m->hash);
	str_free(&m->message);
	str_free(&m->last);
	str_free(&m->bound);
	free(m);
	s->scram = NULL;
}

/* RFC 5802 7: gs2-header */
static void begin_bound(struct sasl_client *s)
{
	struct str *bound = &s->scram->bound;

	str_init(bound, HEADER_MOST + TLS_BINDING_MOST);
	if (CFG_SASL_PLUS_CLIENT && s->flag == 'p')
		str_addf(bound, "p=%s,,", s->login->binding);
	else
		str_adds(bound, CFG_SASL_PLUS_CLIENT && s->flag == 'y' ?
				"y,," : "n,,");
}

/* client-first-message */
static int first(struct sasl_client *s, struct str *out, struct err *err)
{
	char nonce[NONCE_SIZE + 1];
	struct str *bare;

	s->scram = calloc(1, sizeof(*s->scram));
	if (!s->scram)
		return err_nomem(err);
	bare = &s->scram->message;
	str_init(bare, MESSAGE_MOST);
	str_init(&s->scram->last, MESSAGE_MOST);
	begin_bound(s);
	rand_word(nonce, NONCE_SIZE);
	str_adds(bare, "n=");
	sasl_put_name(bare, s->login->user);
	str_addf(bare, ",r=%s", nonce);
	str_add(out, str_span(&s->scram->bound));
	str_add(out, str_span(bare));
	if (CFG_SASL_PLUS_CLIENT && s->flag == 'p')
		str_add(&s->scram->bound, span_make((const char *)
					s->login->bound, s->login->nbound));
	return 0;
}

/* An attribute of server-first-message; anything else in its place is wrong. */
static bool take(struct span *rest, char name, struct span *value)
{
	struct span s = span_cut(rest, ',');

	if (s.n < 3 || s.p[0] != name || s.p[1] != '=')
		return false;
	*value = span_rest(s, 2);
	return true;
}

/* RFC 5802 5.1: a nonce that does not begin with ours is a replay. */
static bool is_ours(const struct sasl_client_scram *m, struct span nonce)
{
	struct span bare = str_span(&m->message);
	struct span ours = span_rest(bare, bare.n - NONCE_SIZE);

	return nonce.n > ours.n && span_eq(span_sub(nonce, 0, ours.n), ours) &&
		!span_has_control(nonce);
}

/* server-first-message: "r=", "s=", "i=", and what we do not know behind it. */
static int take_first(struct sasl_client *s, struct span text,
		struct err *err)
{
	struct sasl_client_scram *m = s->scram;
	struct span rest = text, nonce, salt64, count;
	unsigned char salt[SALT_MOST];
	unsigned long rounds;
	ssize_t n;

	if (!take(&rest, 'r', &nonce) || !take(&rest, 's', &salt64) ||
			!take(&rest, 'i', &count) || !is_ours(m, nonce))
		return err_set(err, ERR_PROTO, "what SCRAM asks is wrong");
	n = base64_get(salt, sizeof(salt), salt64);
	if (n <= 0 || !span_number(count, ROUNDS_MOST, &rounds) || !rounds)
		return err_set(err, ERR_PROTO, "SCRAM's salt or number of "
				"rounds (at most %d) is wrong", ROUNDS_MOST);
	str_adds(&m->last, "c=");
	base64_put(&m->last, str_span(&m->bound));
	str_adds(&m->last, ",r=");
	str_add(&m->last, nonce);
	str_addc(&m->message, ',');
	str_add(&m->message, text);
	str_addc(&m->message, ',');
	str_add(&m->message, str_span(&m->last));
	m->hash = sha256_slow_new(span_of(s->login->password),
			span_make((char *)salt, (size_t)n), (unsigned)rounds);
	return m->hash && !m->message.bad && !m->bound.bad ? 1 : err_nomem(err);
}

/* client-final-message, when the slow hash is done */
static int final(struct sasl_client_scram *m, struct str *out)
{
	unsigned char salted[SHA256_SIZE], proof[SHA256_SIZE];

	if (!sha256_slow_go(m->hash, SLICE, salted))
		return 1;
	scram_client(salted, str_span(&m->message), proof, m->signature);
	str_add(out, str_span(&m->last));
	str_adds(out, ",p=");
	base64_put(out, span_make((char *)proof, sizeof(proof)));
	explicit_bzero(salted, sizeof(salted));
	return 0;
}

/* server-final-message: who cannot sign does not know the password either. */
static int take_final(struct sasl_client_scram *m, struct span text,
		struct err *err)
{
	unsigned char shown[SHA256_SIZE];
	struct span value, word = text;

	if (take(&word, 'e', &value))
		return err_set(err, ERR_AUTH, "SCRAM was refused: %.*s",
				(int)(value.n < 80 ? value.n : 80), value.p);
	if (!take(&text, 'v', &value) || base64_get(shown, sizeof(shown),
			value) != sizeof(shown) || !scram_same(shown,
			m->signature, sizeof(shown)))
		return err_set(err, ERR_AUTH, "the server does not know our "
				"password: somebody else answers for it");
	return 0;
}

int sasl_say_scram(struct sasl_client *s, struct span challenge,
		struct str *out, struct err *err)
{
	if (s->step == 0)
		return first(s, out, err);
	if (s->step == 1 && !s->scram->hash)
		return take_first(s, challenge, err);
	if (s->step == 1)
		return final(s->scram, out);
	if (s->step == 2)
		return take_final(s->scram, challenge, err);
	return sasl_asks_too_much(err);
}
