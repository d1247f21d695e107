#include "mail/args.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Octets of the quoted text that s begins with; 0: it begins with none. */
static size_t quoted(struct span s)
{
	if (!s.n || (s.p[0] != '"' && s.p[0] != '\''))
		return 0;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] == s.p[0] && (i + 1 == s.n || is_blank(s.p[i + 1])))
			return i + 1;
	return 0;
}

bool mail_arg_quoted(struct span arg, struct span *inside)
{
	if (!arg.n || quoted(arg) != arg.n)
		return false;
	*inside = span_sub(arg, 1, arg.n - 2);
	return true;
}

struct span mail_arg(struct span *rest)
{
	struct span all = *rest;
	size_t n;

	while (all.n && is_blank(all.p[0]))
		all = span_rest(all, 1);
	n = quoted(all);
	if (!n)
		while (n < all.n && !is_blank(all.p[n])) {
			n += all.p[n] == '\\' && n + 1 < all.n ? 2 : 1;
			if (all.p[n - 1] == '=')
				n += quoted(span_rest(all, n));
		}
	*rest = span_rest(all, n);
	return span_sub(all, 0, n);
}

struct span mail_arg_last(struct span *rest)
{
	struct span at = *rest, last = mail_arg(&at), next = last;

	while (next.n) {
		last = next;
		next = mail_arg(&at);
	}
	if (last.n)
		rest->n = (size_t)(last.p - rest->p);
	*rest = span_trim(*rest);
	return last;
}

void mail_unquote(struct str *out, struct span arg)
{
	struct span inside;

	if (mail_arg_quoted(arg, &inside)) {
		str_add(out, inside);
		return;
	}
	for (size_t i = 0; i < arg.n; i++) {
		if (arg.p[i] == '\\' && ++i == arg.n)
			return;
		str_addc(out, arg.p[i]);
	}
}
