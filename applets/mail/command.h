/* command - the commands of mail as one table, and the loop that runs them */
#ifndef MAIL_COMMAND_H
#define MAIL_COMMAND_H

#include "mail/mail.h"
#include "os/text.h"

/* Until quit, exit or the end of input. */
void mail_command_loop(struct mail *m);
/* Runs one line. 0, or -1 when it failed and said so. */
int mail_command_run(struct mail *m, struct span line);
/* Does the line end in a backslash? Takes it away: the next line follows. */
bool mail_line_goes_on(struct str *line);
/* The nth row of the table, "NAME  ARGUMENTS  help"; NULL after the last. */
const char *mail_command_text(unsigned n);
/* Does the screen of ? go without it? */
bool mail_command_is_rare(unsigned n);
struct span mail_command_name(const char *text);
/*
 * The row of a name or of its abbreviation, or NULL; *help: the row that says
 * what it does (another where it has two names), NULL when none does.
 */
const char *mail_command_find(struct span name, const char **help);

/* Tells text as an error; gives -1. */
int mail_tell(struct mail *m, const char *text);
/* Makes n the current message. */
void mail_set_dot(struct mail *m, unsigned n);

/*
 * Commands that are files of their own. What they are about is in m->set or
 * m->arg. 0, or -1 when it failed and said so.
 */
int mail_do_comment(struct mail *m);
/* help.c */
int mail_do_help(struct mail *m);
int mail_do_list(struct mail *m);
int mail_do_version(struct mail *m);
/* There is no command of this name: which one is nearest? -1. */
int mail_help_unknown(struct mail *m, struct span name);
/* navigate.c */
int mail_do_print(struct mail *m);
int mail_do_print_all(struct mail *m);
int mail_do_page(struct mail *m);
int mail_do_page_all(struct mail *m);
int mail_do_next(struct mail *m);
int mail_do_previous(struct mail *m);
int mail_do_headers(struct mail *m);
int mail_do_z(struct mail *m);
int mail_do_from(struct mail *m);
int mail_do_search(struct mail *m);
int mail_do_size(struct mail *m);
int mail_do_number(struct mail *m);
int mail_do_delete(struct mail *m);
int mail_do_delete_print(struct mail *m);
int mail_do_undelete(struct mail *m);
int mail_do_quit(struct mail *m);
int mail_do_exit(struct mail *m);
/* set.c */
/* "name", "name=value", "noname", quotes and all. 0 or -1 with m->err. */
int mail_set(struct mail *m, struct span arg);
int mail_do_set(struct mail *m);
int mail_do_unset(struct mail *m);
/* rc.c */
int mail_do_source(struct mail *m);
int mail_do_if(struct mail *m);
int mail_do_elif(struct mail *m);
int mail_do_else(struct mail *m);
int mail_do_endif(struct mail *m);
/* shortcut.c */
int mail_do_shortcut(struct mail *m);
int mail_do_unshortcut(struct mail *m);
/* alias.c */
int mail_do_alias(struct mail *m);
int mail_do_unalias(struct mail *m);
int mail_do_alternates(struct mail *m);
/* fields.c */
int mail_do_ignore(struct mail *m);
int mail_do_retain(struct mail *m);
int mail_do_unignore(struct mail *m);
int mail_do_unretain(struct mail *m);
int mail_do_fwdignore(struct mail *m);
int mail_do_fwdretain(struct mail *m);
/* author.c */
int mail_do_save_author(struct mail *m);
int mail_do_copy_author(struct mail *m);
/* account.c */
int mail_do_account(struct mail *m);
/* shell.c */
int mail_do_cd(struct mail *m);
int mail_do_echo(struct mail *m);
int mail_do_folders(struct mail *m);
int mail_do_shell(struct mail *m);
int mail_do_command(struct mail *m);
/*
 * A command as `!` and `~!` take it: with `bang` each ! in it that has no
 * backslash stands for the command before. Into out, and remembered.
 */
void mail_bang(struct mail *m, struct span command, struct str *out);
/* pipe.c */
int mail_do_top(struct mail *m);
int mail_do_show(struct mail *m);
int mail_do_pipe(struct mail *m);
int mail_do_pipe_raw(struct mail *m);
int mail_do_edit(struct mail *m);
int mail_do_visual(struct mail *m);
int mail_do_write(struct mail *m);
/* parts.c */
int mail_do_parts(struct mail *m);
int mail_do_view(struct mail *m);
/* detach.c */
int mail_do_detach(struct mail *m);
/* save.c */
/* m->set to the mailbox at path, and tells it; saved: as `save` does. */
int mail_save_to(struct mail *m, const char *path, bool saved);
/* "[LIST] FILE", or `otherwise`: m->set and the path. 0 or -1 with m->err. */
int mail_save_aim(struct mail *m, struct span otherwise, char path[PATH_MAX]);
int mail_do_save(struct mail *m);
int mail_do_copy(struct mail *m);
/* folder.c */
int mail_do_folder(struct mail *m);
int mail_do_newmail(struct mail *m);
/* remove.c */
int mail_do_remove(struct mail *m);
int mail_do_rename(struct mail *m);
/* mark.c: flags that the mailbox keeps */
int mail_do_flag(struct mail *m);
int mail_do_unflag(struct mail *m);
int mail_do_answered(struct mail *m);
int mail_do_unanswered(struct mail *m);
int mail_do_unread(struct mail *m);
/* sort.c */
int mail_do_sort(struct mail *m);
int mail_do_thread(struct mail *m);
int mail_do_unsort(struct mail *m);
/* reply.c */
int mail_do_mail(struct mail *m);
int mail_do_reply(struct mail *m);
int mail_do_reply_sender(struct mail *m);
int mail_do_reply_all(struct mail *m);
int mail_do_reply_author(struct mail *m);
int mail_do_reply_list(struct mail *m);
int mail_do_followup(struct mail *m);
int mail_do_followup_each(struct mail *m);
/* forward.c */
int mail_do_forward(struct mail *m);
int mail_do_forward_record(struct mail *m);
int mail_do_resend(struct mail *m);
int mail_do_resend_silent(struct mail *m);

#endif
