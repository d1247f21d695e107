/* Names of characters in HTML: those of HTML 4, which mail has. */
#include "mime/html_private.h"

#include <string.h>

#define NAME_MOST 7	/* octets of the longest */

/* From U+00A0 on, one after the other, each between blanks. */
static const char latin1[] = " nbsp iexcl cent pound curren yen brvbar sect uml "
	"copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro "
	"para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest "
	"Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute "
	"Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc "
	"Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN "
	"szlig agrave aacute acirc atilde auml aring aelig ccedil egrave "
	"eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute "
	"ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute "
	"thorn yuml ";
/* From U+0391 and U+03B1 on; "-": none. */
static const char capitals[] = " Alpha Beta Gamma Delta Epsilon Zeta Eta Theta "
	"Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon Phi "
	"Chi Psi Omega ";
static const char smalls[] = " alpha beta gamma delta epsilon zeta eta theta "
	"iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon "
	"phi chi psi omega ";

static const struct {
	uint16_t code;
	char name[8];
} others[] = {
	{ '"', "quot" }, { '&', "amp" }, { '<', "lt" }, { '>', "gt" },
	{ '\'', "apos" }, { '"', "QUOT" }, { '&', "AMP" }, { '<', "LT" },
	{ '>', "GT" }, { 0xA9, "COPY" }, { 0xAE, "REG" }, { '\n', "NewLine" },
	{ '\t', "Tab" }, { '!', "excl" }, { '#', "num" }, { '%', "percnt" },
	{ '(', "lpar" }, { ')', "rpar" }, { '*', "ast" }, { '+', "plus" },
	{ ',', "comma" }, { '.', "period" }, { '/', "sol" }, { ':', "colon" },
	{ ';', "semi" }, { '=', "equals" }, { '?', "quest" },
	{ '@', "commat" }, { '[', "lsqb" }, { ']', "rsqb" },
	{ '_', "lowbar" }, { '|', "verbar" }, { '$', "dollar" },
	{ 0x152, "OElig" }, { 0x153, "oelig" }, { 0x160, "Scaron" },
	{ 0x161, "scaron" }, { 0x178, "Yuml" }, { 0x192, "fnof" },
	{ 0x2C6, "circ" }, { 0x2DC, "tilde" }, { 0x2002, "ensp" },
	{ 0x2003, "emsp" }, { 0x2009, "thinsp" }, { 0x200C, "zwnj" },
	{ 0x200D, "zwj" }, { 0x200E, "lrm" }, { 0x200F, "rlm" },
	{ 0x2010, "hyphen" }, { 0x2013, "ndash" }, { 0x2014, "mdash" },
	{ 0x2018, "lsquo" }, { 0x2019, "rsquo" }, { 0x201A, "sbquo" },
	{ 0x201C, "ldquo" }, { 0x201D, "rdquo" }, { 0x201E, "bdquo" },
	{ 0x2020, "dagger" }, { 0x2021, "Dagger" }, { 0x2022, "bull" },
	{ 0x2026, "hellip" }, { 0x2030, "permil" }, { 0x2032, "prime" },
	{ 0x2033, "Prime" }, { 0x2039, "lsaquo" }, { 0x203A, "rsaquo" },
	{ 0x2044, "frasl" }, { 0x20AC, "euro" }, { 0x2122, "trade" },
	{ 0x2190, "larr" }, { 0x2191, "uarr" }, { 0x2192, "rarr" },
	{ 0x2193, "darr" }, { 0x2194, "harr" }, { 0x21D2, "rArr" },
	{ 0x21D4, "hArr" }, { 0x2200, "forall" }, { 0x2202, "part" },
	{ 0x2203, "exist" }, { 0x2205, "empty" }, { 0x2208, "isin" },
	{ 0x2211, "sum" }, { 0x2212, "minus" }, { 0x221A, "radic" },
	{ 0x221E, "infin" }, { 0x2227, "and" }, { 0x2228, "or" },
	{ 0x222B, "int" }, { 0x2248, "asymp" }, { 0x2260, "ne" },
	{ 0x2261, "equiv" }, { 0x2264, "le" }, { 0x2265, "ge" },
	{ 0x2282, "sub" }, { 0x2283, "sup" }, { 0x22C5, "sdot" },
	{ 0x25A0, "squf" }, { 0x25CA, "loz" }, { 0x2605, "starf" },
	{ 0x2660, "spades" }, { 0x2663, "clubs" }, { 0x2665, "hearts" },
	{ 0x2666, "diams" }, { 0x2713, "check" }
};

static uint32_t place_in(struct span list, struct span name, uint32_t first)
{
	char word[NAME_MOST + 2] = " ";
	const char *at;

	memcpy(word + 1, name.p, name.n);
	word[name.n + 1] = ' ';
	at = memmem(list.p, list.n, word, name.n + 2);
	for (const char *p = list.p; at && p < at; p++)
		first += *p == ' ';
	return at ? first : 0;
}

static int digit(char c)
{
	c = ascii_lower(c);
	return ascii_isdigit(c) ? c - '0' : c >= 'a' && c <= 'f' ?
			c - 'a' + 10 : 16;
}

static uint32_t numeric(struct span digits, int base)
{
	uint32_t n = 0;

	for (size_t i = 0; i < digits.n; i++) {
		int d = digit(digits.p[i]);

		if (d >= base)
			return 0;
		if (n < 0x110000)
			n = n * (uint32_t)base + (uint32_t)d;
	}
	return !n || n > 0x10FFFF || (n >= 0xD800 && n < 0xE000) ?
			0xFFFD : charset_cp1252(n);
}

uint32_t html_entity(struct span name)
{
	uint32_t c;

	if (span_starts(name, "#x"))
		return name.n > 2 ? numeric(span_rest(name, 2), 16) : 0;
	if (span_starts(name, "#"))
		return name.n > 1 ? numeric(span_rest(name, 1), 10) : 0;
	/* mail of nothing but "&" is none of it */
	if (name.n < 2 || name.n > NAME_MOST)
		return 0;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i].name[0] == name.p[0] &&
		    span_eq(name, span_of(others[i].name)))
			return others[i].code;
	c = place_in(span_of(latin1), name, 0xA0);
	c = c ? c : place_in(span_of(capitals), name, 0x391);
	return c ? c : place_in(span_of(smalls), name, 0x3B1);
}
