#include "mime/flow.h"

#include "base/utf8.h"

static void put(struct flow *f, struct span text)
{
	if (!f->over && text.n && !f->put(f->arg, text))
		f->over = true;
}

static void put_some(struct flow *f, const char *text, unsigned n)
{
	while (n--)
		put(f, span_of(text));
}

/* The marks of a quotation, and the blank that parts them from the text. */
static void put_marks(struct flow *f)
{
	put_some(f, ">", f->depth);
	put(f, f->depth ? SPAN(" ") : SPAN(""));
	f->column = f->depth ? f->depth + 1 : 0;
}

static void break_line(struct flow *f)
{
	put(f, SPAN("\n"));
	f->joins = f->begun = false;
	f->before = 0;
}

static void put_word(struct flow *f)
{
	struct span word = span_make(f->word, f->word_n);
	unsigned width = utf8_columns(word);

	if (f->width && f->begun && f->before &&
	    f->column + f->before + width > f->width) {
		put(f, SPAN("\n"));
		put_marks(f);
	} else {
		put_some(f, " ", f->before);
		f->column += f->before;
	}
	put(f, word);
	f->column += width;
	f->begun = true;
	f->first = false;
	f->before = f->after;
	f->after = f->word_n = 0;
}

/* Behind the quote marks: does it go on with the line before? */
static void begin_text(struct flow *f)
{
	f->in_text = f->first = true;
	f->tail = false;
	if (f->joins && f->marks == f->depth)
		return;
	if (f->joins)
		break_line(f);
	f->depth = f->marks;
	put_marks(f);
}

/* "-- " is a line for itself (RFC 3676 4.3). */
static bool is_signature(const struct flow *f)
{
	return f->first && !(f->before && !f->joins) && f->after == 1 &&
			span_is(span_make(f->word, f->word_n), "--");
}

static void end_line(struct flow *f)
{
	bool signature = is_signature(f);

	if (signature && f->joins) {
		break_line(f);
		put_marks(f);
	}
	if (f->word_n)
		put_word(f);
	f->joins = f->width && f->tail && !signature;
	if (f->joins) {
		f->before -= f->delsp && f->before;
	} else {
		put_some(f, " ", f->before);
		break_line(f);
	}
	f->in_text = false;
	f->marks = 0;
}

static void put_char(struct flow *f, char c)
{
	if (!f->in_text) {
		if (c == '>') {
			f->marks++;
			return;
		}
		/* an empty line is meant to be seen */
		if (c == '\n' && f->joins)
			break_line(f);
		begin_text(f);
		if (c == ' ')		/* stuffing (4.4) */
			return;
	}
	if (c == '\n') {
		end_line(f);
	} else if (c == ' ') {
		f->tail = true;
		if (f->word_n)
			f->after++;
		else
			f->before++;
	} else if (c != '\r') {
		/* a long one is cut between characters */
		if (f->word_n && (f->after || f->word_n == FLOW_WORD ||
				(f->word_n > FLOW_WORD - 4 &&
				 (c & 0xC0) != 0x80)))
			put_word(f);
		f->word[f->word_n++] = c;
		f->tail = false;
	}
}

void flow_init(struct flow *f, unsigned width, bool delsp,
		bool (*fn)(void *arg, struct span text), void *arg)
{
	*f = (struct flow){
		.put = fn, .arg = arg, .width = width, .delsp = delsp
	};
}

void flow_put(struct flow *f, struct span text)
{
	for (size_t i = 0; i < text.n && !f->over; i++)
		put_char(f, text.p[i]);
}

void flow_end(struct flow *f)
{
	if (f->in_text)
		end_line(f);
	if (f->joins)
		put(f, SPAN("\n"));
}
