/*
 * deliver -d in the place of another delivery agent: what Postfix says by the
 * environment, sendmail, getmail and fetchmail by procmail's options, Dovecot
 * by those of dovecot-lda, and all of them by lines before the message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/deliver.h"
#include "deliver/mda.h"
#include "mime/addr.h"
#include "mime/header.h"
#include "os/file.h"
#include "store/maildir_folder.h"

#define LOOK_MOST 4096		/* octets in which those lines are */

/* -- who sent it -- */

/* "<a@b>", "a@b", "<>", "MAILER-DAEMON". */
static void take_sender(struct mda *a, struct span text)
{
	text = span_trim(text);
	if (text.n > 1 && text.p[0] == '<' && text.p[text.n - 1] == '>')
		text = span_sub(text, 1, text.n - 2);
	if (span_is(text, "MAILER-DAEMON"))
		text = SPAN("");
	if (a->sender_known || text.n >= sizeof(a->sender))
		return;
	str_copy(a->sender, sizeof(a->sender), text);
	a->sender_known = command_is_plain(a->sender);
	if (!a->sender_known)
		a->sender[0] = '\0';
}

/* "From SENDER DATE": sendmail's, and Postfix's for mailbox_command. */
static void take_from_line(struct mda *a, struct span *rest)
{
	struct span line;

	if (rest->n < 5 || memcmp(rest->p, "From ", 5) != 0
			|| span_find(*rest, '\n') == rest->n)
		return;
	line = span_rest(span_cut(rest, '\n'), 5);
	take_sender(a, span_word(&line));
}

int64_t mda_envelope(struct mda *a, int fd)
{
	char text[LOOK_MOST];
	ssize_t n = file_pread(fd, text, sizeof(text), 0);
	struct span rest = span_make(text, n > 0 ? (size_t)n : 0), next;
	struct header_field f;
	const char *said = getenv("SENDER");

	take_from_line(a, &rest);
	/* RFC 5321 4.4: there is one Return-Path, and it is ours */
	for (next = rest; header_next(&next, &f)
			&& span_is(f.name, "Return-Path"); rest = next)
		take_sender(a, f.value);
	if (said)
		take_sender(a, span_of(said));
	return rest.p ? rest.p - text : 0;
}

/* -- to whom it went -- */

/* user, or its local part, with "+detail" behind it. */
static void put_detail(struct mda *a, const struct conf *conf,
		const char *user, const char *detail)
{
	const char *mark = conf->delimiter ? conf->delimiter : "+";
	size_t at = span_rfind(span_of(user), '@');

	snprintf(a->address, sizeof(a->address), "%.*s%.1s%s%s", (int)at, user,
			mark, detail, user + at);
}

void mda_recipient(struct mda *a, const struct conf *conf, const char *user)
{
	const char *detail = getenv("EXTENSION");
	const char *original = getenv("ORIGINAL_RECIPIENT");

	/* dovecot-lda -a ADDRESS, procmail -a ARGUMENT */
	if (a->argument && strchr(a->argument, '@'))
		original = a->argument;
	else if (a->argument)
		detail = a->argument;
	str_copys(a->address, sizeof(a->address), user);
	if (detail && *detail && command_is_plain(detail)
			&& strlen(detail) + strlen(user) + 2
			< sizeof(a->address))
		put_detail(a, conf, user, detail);
	str_copys(a->original, sizeof(a->original), original && *original
			&& command_is_plain(original) ? original : a->address);
}

struct span mda_head(int fd, int64_t start, const char *to, struct span head)
{
	char text[LOOK_MOST];
	ssize_t n = file_pread(fd, text, sizeof(text), start);
	struct span rest = span_make(text, n > 0 ? (size_t)n : 0);
	struct header_field f;

	while (header_next(&rest, &f)) {
		if (span_is(f.name, "Received"))
			break;
		/* who called us has said so already */
		if (span_is(f.name, "Delivered-To") && span_is(f.value, to))
			return span_sub(head, 0, span_find(head, '\n') + 1);
	}
	return head;
}

/* -- where it goes -- */

int mda_to_folder(const struct mda *a, int dir, const char *maildir,
		const struct system_mail *m, bool *before, struct err *err)
{
	char path[MDA_PATH_SIZE];

	if (maildir_folder_path(path, sizeof(path), maildir,
				span_of(a->folder), err) < 0
			|| maildir_folder_make(dir, maildir, path, err) < 0)
		return -1;
	return system_mail_append(dir, path, true, m, before, err);
}
