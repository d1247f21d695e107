/* What stands for a character where there is only ASCII. */
#include "base/utf8.h"

#include <stddef.h>
#include <string.h>

/* Letters without their marks, one for each from first on; '?': see others. */
static const struct {
	uint16_t first;
	const char *letters;
} ranges[] = {
	{ 0xa0, " !c?*Y|?\"?a?!-?-o?23'u?.,1o?\?\?\?\?AAAAAA?CEEEEIIIIDNOOOOOxO"
		"UUUUY?\?aaaaaa?ceeeeiiiidnooooo/ouuuuy?yAaAaAaCcCcCcCcDdDd"
		"EeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi?\?JjKkkLlLlLlLlLlNnNnNn?"
		"NnOoOoOo?\?RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs" },
	{ 0x1cd, "AaIiOoUuUuUuUuUu" },
	{ 0x218, "SsTt" },
	{ 0x1ea0, "AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEeIiIiOoOoOoOoOoOoOoOo"
		"OoOoOoOoUuUuUuUuUuUuUuYyYyYyYy" },
};

static const struct other {
	uint16_t c;
	char text[4];
} others[] = {
	{ 0xa3, "GBP" }, { 0xa7, "S." }, { 0xa9, "(c)" }, { 0xab, "<<" },
	{ 0xae, "(R)" }, { 0xb1, "+-" }, { 0xb6, "P." }, { 0xbb, ">>" },
	{ 0xbc, "1/4" }, { 0xbd, "1/2" }, { 0xbe, "3/4" }, { 0xc6, "AE" },
	{ 0xde, "Th" }, { 0xdf, "ss" }, { 0xe6, "ae" }, { 0xfe, "th" },
	{ 0x132, "IJ" }, { 0x133, "ij" }, { 0x149, "'n" }, { 0x152, "OE" },
	{ 0x153, "oe" }, { 0x192, "f" }, { 0x1e9e, "SS" }, { 0x2010, "-" },
	{ 0x2011, "-" }, { 0x2012, "-" }, { 0x2013, "-" }, { 0x2014, "--" },
	{ 0x2015, "--" }, { 0x2018, "'" }, { 0x2019, "'" }, { 0x201a, "," },
	{ 0x201b, "'" }, { 0x201c, "\"" }, { 0x201d, "\"" }, { 0x201e, "\"" },
	{ 0x201f, "\"" }, { 0x2020, "+" }, { 0x2022, "*" }, { 0x2023, ">" },
	{ 0x2026, "..." }, { 0x202f, " " }, { 0x2032, "'" }, { 0x2033, "\"" },
	{ 0x2039, "<" }, { 0x203a, ">" }, { 0x2043, "-" }, { 0x2044, "/" },
	{ 0x20ac, "EUR" }, { 0x2116, "No." }, { 0x2122, "TM" },
	{ 0x2190, "<-" }, { 0x2192, "->" }, { 0x21d0, "<=" }, { 0x21d2, "=>" },
	{ 0x2212, "-" }, { 0x2215, "/" }, { 0x2217, "*" }, { 0x2260, "!=" },
	{ 0x2264, "<=" }, { 0x2265, ">=" }, { 0x2500, "-" }, { 0x2502, "|" },
	{ 0x25cf, "*" }, { 0x25e6, "o" }, { 0x3000, " " }, { 0x3001, "," },
	{ 0x3002, "." }, { 0xfb01, "fi" }, { 0xfb02, "fl" },
};

static const char *other(uint32_t c)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].c == c)
			return others[i].text;
	return "?";
}

struct span utf8_plain(uint32_t c, char room[1])
{
	room[0] = '?';
	if (c < 0x80)
		room[0] = (char)c;
	else if (c >= 0x2000 && c <= 0x200a)
		room[0] = ' ';
	else if (c > 0xff00 && c < 0xff5f)	/* as wide as an ideograph */
		room[0] = (char)(c - 0xff00 + 0x20);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (c >= ranges[i].first &&
		    c - ranges[i].first < strlen(ranges[i].letters))
			room[0] = ranges[i].letters[c - ranges[i].first];
	return room[0] == '?' && c != '?' ? span_of(other(c)) :
			span_make(room, 1);
}
