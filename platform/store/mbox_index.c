#include "store/mbox_private.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "store/disk.h"
#include "store/mailbox_private.h"

#define PIECES 256		/* lines, or of what has none; a look at the signals */

struct scan {
	struct mbox_index *ix;
	const struct mbox_look *look;
	struct mbox_entry *e;	/* the message in work; NULL: before the first */
	struct mailbox_hide hide;
	uint64_t size;		/* of it, as readers see it */
	size_t blank;		/* octets of the empty line just seen, else 0 */
	bool ended;		/* the last line was */
	bool has_length;	/* the key line gave one: */
	uint64_t length;	/* 0: never finished */
	size_t sampled;
	char sample[MBOX_SAMPLE + sizeof(uint64_t)];
};

int64_t mbox_end(const struct mbox_entry *e)
{
	return (int64_t)(e->from + e->length);
}

int64_t mbox_text(const struct mbox_entry *e)
{
	return (int64_t)(e->from + e->skip);
}

static bool is_time(struct span s)
{
	return s.n >= 5 && ascii_isdigit(s.p[0]) && ascii_isdigit(s.p[1])
		&& s.p[2] == ':' && ascii_isdigit(s.p[3])
		&& ascii_isdigit(s.p[4]);
}

size_t mbox_time(struct span line)
{
	size_t i = 5;

	while (i < line.n && !is_time(span_sub(line, i, 5)))
		i++;
	return i;
}

/*
 * "From ADDRESS ... HH:MM ...": text that happens to begin with the word has
 * hardly ever a time in it, and what is written by us is quoted anyway.
 */
static bool is_from(struct span line)
{
	return line.n >= 5 && memcmp(line.p, "From ", 5) == 0
		&& mbox_time(line) < line.n;
}

/* -- one message -- */

/*
 * NH of UMAC (Black et al. 1999; RFC 4418): who does not see the key writes two
 * messages that look the same in one of 2^32 tries. For one process, so in its
 * own order of octets; those behind the last are zero.
 */
static uint64_t keyed_hash(const uint32_t *key, struct span s)
{
	uint64_t h = s.n, pair;

	for (size_t i = 0; i < s.n; i += sizeof(pair), key += 2) {
		memcpy(&pair, s.p + i, sizeof(pair));
		h += (uint64_t)((uint32_t)pair + key[0])
			* ((uint32_t)(pair >> 32) + key[1]);
	}
	return h;
}

static void put_hash(struct scan *s, struct mbox_entry *e)
{
	struct span sampled = span_make(s->sample, s->sampled);
	unsigned char hash[SHA256_SIZE];

	if (s->look->nh) {
		memset(s->sample + s->sampled, 0, sizeof(uint64_t));
		e->hash = keyed_hash(s->look->nh, sampled);
		return;
	}
	sha256(hash, sampled);
	for (int i = 0; i < 8; i++)
		e->hash = e->hash << 8 | hash[i];
	e->hash_end = (unsigned)hash[8] << 8 | hash[9];
}

/* end: of what was read. The empty line before it is no part of the message. */
static void finish(struct scan *s, int64_t end)
{
	struct mbox_entry *e = s->e;

	if (!e)
		return;
	e->length = (uint64_t)(end - (int64_t)s->blank) - e->from;
	e->size = s->size - (s->blank ? 2 : 0) + (s->ended ? 0 : 2);
	put_hash(s, e);
	e->partial = s->has_length && (s->length == 0
			|| s->length > e->length - e->skip);
	s->e = NULL;
}

static void start(struct scan *s, struct mbox_entry *e, int64_t from,
		size_t skip)
{
	s->e = e;
	*e = (struct mbox_entry){ .from = (uint64_t)from,
		.skip = (uint16_t)skip };
	s->size = 0;
	s->hide = (struct mailbox_hide){ .header = true };
	s->has_length = false;
	s->blank = 0;
	s->sampled = 0;
}

static int begin(struct scan *s, int64_t from, size_t skip, struct err *err)
{
	struct mbox_index *ix = s->ix;
	struct mbox_entry *e;

	if (ix->n >= MBOX_MESSAGES_MOST)
		return err_set(err, ERR_NOMEM, "more than %u messages",
				MBOX_MESSAGES_MOST);
	e = mailbox_room(ix->e, ix->n, &ix->room, sizeof(*e), err);
	if (!e)
		return -1;
	ix->e = e;
	e += ix->n++;
	start(s, e, from, skip);
	return 0;
}

static void sample(struct scan *s, struct span text)
{
	size_t n = MBOX_SAMPLE - s->sampled;

	if (n > text.n)
		n = text.n;
	if (n)
		memcpy(s->sample + s->sampled, text.p, n);
	s->sampled += n;
}

static const struct {
	char letter;
	unsigned char flag;
} letters[] = {
	{ 'R', MAILBOX_SEEN }, { 'O', MAILBOX_OLD },
	{ 'A', MAILBOX_ANSWERED }, { 'F', MAILBOX_FLAGGED }
};
#define LETTERS (sizeof(letters) / sizeof(*letters))

static void read_flags(struct mbox_entry *e, struct span value)
{
	unsigned flags = e->flags;

	for (size_t i = 0; i < LETTERS; i++)
		if (span_has(value, letters[i].letter))
			flags |= letters[i].flag;
	e->flags = flags & 31;
}

size_t mbox_put_letters(char out[2], unsigned flags)
{
	size_t n = 0;

	for (size_t i = 0; i < LETTERS; i++)
		if (flags & letters[i].flag)
			out[n++] = letters[i].letter;
	return n;
}

static void read_key(struct scan *s, struct span value)
{
	struct span key = span_word(&value), number = span_word(&value);
	unsigned long long v;

	sample(s, key);
	if (s->look->key && span_eq(key, span_of(s->look->key)))
		s->e->has_key = true;
	if (span_number64(number, INT64_MAX, &v)) {
		s->has_length = true;
		s->length = v;
	}
}

/* " RO": what of `left` such a line keeps goes there. */
static void put_flags(const struct lines *l, unsigned mask, size_t room,
		unsigned *left)
{
	char text[2] = { ' ', ' ' };

	mbox_put_letters(text, *left & mask);
	*left &= ~mask;
	if (room != 3 || disk_write_at(l->fd, text, 2, lines_offset(l)
				+ (int64_t)l->text.n - 2) < 0)
		*left |= MAILBOX_DELETED;
}

/* One of the lines that readers do not see. */
static void hidden_line(struct scan *s, const struct lines *l)
{
	struct span value = l->text;
	struct span name = span_cut(&value, ':');

	if (span_is(name, "X-Pillarbox-Id"))
		read_key(s, value);
	else if (s->look->left)
		put_flags(l, name.n == 6 ? MBOX_STATUS : MBOX_MORE, value.n,
				s->look->left);
	else
		read_flags(s->e, value);
}

static void line(struct scan *s, const struct lines *l)
{
	struct span text = l->text;
	bool header = s->hide.header;

	s->ended = l->ended;
	s->blank = 0;
	if (mailbox_hides(&s->hide, text, l->first)) {
		if (l->first && !ascii_isspace(text.p[0]))
			hidden_line(s, l);
		return;
	}
	if (header && s->hide.header)
		sample(s, text);
	if (l->first && l->ended && text.n == 0)
		s->blank = l->piece.n;
	s->size += text.n + (l->ended ? 2 : 0);
	if (l->first && mailbox_quoted(text, 1))
		s->size--;
}

/* -- the file -- */

static int piece_read(struct scan *s, const struct lines *l, struct err *err)
{
	if (l->first && (!s->e || s->blank) && is_from(l->text)) {
		finish(s, lines_offset(l));
		return begin(s, lines_offset(l), l->piece.n, err);
	}
	if (s->e && lines_offset(l) - (int64_t)s->e->from
			< MBOX_MESSAGE_MOST) {
		line(s, l);
		return 0;
	}
	if (s->e)
		return err_set(err, ERR_NOMEM, "a message too big");
	if (l->text.n == 0)	/* empty lines at the start of the file */
		return 0;
	return err_set(err, ERR_PERM, "this is no mbox");
}

int mbox_by_hash(const void *a, const void *b)
{
	const struct mbox_entry *x = *(const struct mbox_entry *const *)a;
	const struct mbox_entry *y = *(const struct mbox_entry *const *)b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->hash_end != y->hash_end)
		return x->hash_end < y->hash_end ? -1 : 1;
	return (x->twin > y->twin) - (x->twin < y->twin);
}

struct mbox_entry **mbox_sorted(const struct mbox_index *ix,
		int (*order)(const void *, const void *), struct err *err)
{
	struct mbox_entry **p = calloc(ix->n + 1, sizeof(*p));

	if (!p) {
		disk_err(err, "mbox");
		return NULL;
	}
	for (unsigned i = 0; i < ix->n; i++)
		p[i] = &ix->e[i];
	qsort(p, ix->n, sizeof(*p), order);
	return p;
}

static int count_twins(struct mbox_index *ix, struct err *err)
{
	struct mbox_entry **p;

	for (unsigned i = 0; i < ix->n; i++)
		ix->e[i].twin = i;	/* in their order */
	p = mbox_sorted(ix, mbox_by_hash, err);
	if (!p)
		return -1;
	for (unsigned i = 0; i < ix->n; i++)
		p[i]->twin = i && p[i]->hash == p[i - 1]->hash
			&& p[i]->hash_end == p[i - 1]->hash_end
			? p[i - 1]->twin + 1 : 0;
	free(p);
	return 0;
}

/* They are most of the file, so no more is done for them than to count them. */
static void skip_plain(struct scan *s, struct lines *l)
{
	while (lines_plain(l, s->hide.header)) {
		if (s->hide.header)
			sample(s, l->text);
		s->size += l->text.n + 2;
		s->blank = 0;
	}
}

/* A user's program blocks what would end it; a large file takes minutes. */
static bool is_interrupted(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGINT) > 0 ||
			sigismember(&set, SIGHUP) > 0 ||
			sigismember(&set, SIGTERM) > 0);
}

static int scan(struct scan *s, struct lines *l, struct err *err)
{
	unsigned pieces = 0;
	int rc;

	while ((rc = lines_next(l, err)) > 0) {
		if (s->look->nh && ++pieces % PIECES == 0 && is_interrupted())
			return err_set(err, ERR_TEMP, "interrupted");
		/* the last one that is wanted ends with the file, or here */
		if (s->look->most && s->ix->n == s->look->most && s->blank
		    && is_from(l->text)) {
			finish(s, lines_offset(l));
			return 0;
		}
		if (piece_read(s, l, err) < 0)
			return -1;
		if (s->e && !s->hide.hiding)
			skip_plain(s, l);
	}
	finish(s, l->at);
	return rc;
}

int mbox_index_read(struct mbox_index *ix, int fd, int64_t from,
		const struct mbox_look *look, struct err *err)
{
	struct scan s;
	struct lines l;
	int rc;

	memset(ix, 0, sizeof(*ix));
	memset(&s, 0, offsetof(struct scan, sample));
	s.ix = ix;
	s.look = look;
	s.ended = true;
	rc = lines_open(&l, fd, from, LINES_ALL, LINES_WIDE, err);
	if (rc == 0)
		rc = scan(&s, &l, err);
	if (rc == 0)
		rc = count_twins(ix, err);
	lines_close(&l);
	if (rc < 0)
		mbox_index_free(ix);
	return rc;
}

/* Is e where it was? Its flags are taken. */
static int check_one(struct scan *s, struct lines *l, struct mbox_entry *e,
		struct err *err)
{
	struct mbox_entry now;
	int rc;

	lines_seek(l, (int64_t)e->from, mbox_end(e));
	rc = lines_next(l, err);
	if (rc <= 0 || !is_from(l->text) || l->piece.n != e->skip)
		return rc < 0 ? -1 : 0;
	start(s, &now, (int64_t)e->from, l->piece.n);
	while (s->hide.header && (rc = lines_next(l, err)) > 0)
		line(s, l);
	put_hash(s, &now);
	if (rc < 0 || now.hash != e->hash || now.hash_end != e->hash_end)
		return rc < 0 ? -1 : 0;
	e->flags = now.flags;
	return 1;
}

int mbox_index_check(struct mbox_entry *e, unsigned n, int fd,
		const struct mbox_look *look, struct err *err)
{
	struct scan s;
	struct lines l;
	int rc;

	memset(&s, 0, offsetof(struct scan, sample));
	s.look = look;
	rc = lines_open(&l, fd, 0, 0, MBOX_SAMPLE, err) < 0 ? -1 : 1;
	for (; rc > 0 && n--; e++)
		if (!e->gone)
			rc = check_one(&s, &l, e, err);
	lines_close(&l);
	return rc;
}

void mbox_index_free(struct mbox_index *ix)
{
	free(ix->e);
	memset(ix, 0, sizeof(*ix));
}
