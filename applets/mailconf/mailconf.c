/* mailconf - reads and checks the configuration
 *
 * applet mailconf admin
 * file import.c MAILCONF_IMPORT
 * file foreign.c MAILCONF_IMPORT
 * file msmtp.c MAILCONF_IMPORT
 * file msmtp_print.c MAILCONF_IMPORT
 * file self.c MAILCONF_SELF
 * file serverinfo.c MAILCONF_SELF
 * file console.c MAILCONF_SELF
 * file doctor.c MAILCONF_DOCTOR
 * file doctor_machine.c MAILCONF_DOCTOR
 * file doctor_mail.c MAILCONF_DOCTOR
 * file doctor_names.c MAILCONF_DOCTOR
 * file doctor_policy.c MAILCONF_DOCTOR
 * file doctor_ways.c MAILCONF_DOCTOR
 * file spf.c MAILCONF_DOCTOR
 * file setup.c MAILCONF_SETUP
 * file setup_answers.c MAILCONF_SETUP
 * file setup_ask.c MAILCONF_SETUP
 * file setup_check.c MAILCONF_SETUP
 * file setup_edit.c MAILCONF_SETUP
 * file setup_preset.c MAILCONF_SETUP
 * file setup_probe.c MAILCONF_SETUP
 * file setup_send.c MAILCONF_SETUP
 * file setup_write.c MAILCONF_SETUP
 * file setup_uci.c MAILCONF_UCI
 *
 * config MAILCONF
 *	bool "mailconf (1 kB)"
 *	default y
 *	help
 *	  usage: mailconf [-C FILE] [--check | --get NAME | --defaults | --reference]
 *
 *	  Checks the configuration (/etc/pillarbox.conf).
 *
 *	  --check      exit with 78 when it is wrong (default)
 *	  --get NAME   print one value
 *	  --defaults   print all directives
 *	  --reference  the same, explained (where built in)
 *
 *	  With MAILCONF_IMPORT:
 *
 *	  --import-msmtp [FILE]  say in our words what ~/.msmtprc, or
 *	                         /etc/msmtprc, says
 *	  --import PROGRAM [FILE]  the same of ssmtp, nullmailer, dma or postfix
 *	  --password-file PATH   and write its password there
 *
 *	  With MAILCONF_SETUP:
 *
 *	  --setup         ask what is needed, try it, write it
 *	  --answers FILE  take the answers from there, and ask nothing
 *	  --no-check      try nothing, send no test message
 *
 *	  With MAILCONF_DOCTOR:
 *
 *	  --doctor        look for what keeps mail from arriving, and say what
 *	                  helps; exit with 1 when there is something
 *	  -j, --json      as JSON
 *	  --mx DOMAIN     whose servers are tried for port 25 (gmail.com)
 *
 * config MAILCONF_IMPORT
 *	bool "mailconf --import, --import-msmtp (12 kB)"
 *	default n
 *	help
 *	  Reads the configuration of msmtp, ssmtp, nullmailer, dma or Postfix
 *	  and prints smarthost lines.
 *
 * config MAILCONF_SETUP
 *	bool "mailconf --setup: asks, tries and writes (48 kB)"
 *	select SMTP
 *	select SMTP_CHECK
 *	select MAILCONF_SELF
 *	help
 *	  At most six questions on a console; mail --setup is the same.
 *
 * config MAILCONF_UCI
 *	bool "mailconf --setup on OpenWrt: /etc/config/pillarbox (2 kB)"
 *	depends on MAILCONF_SETUP
 *	help
 *	  OpenWrt's package makes pillarbox.conf of it: setup changes it there.
 *
 * config MAILCONF_DOCTOR
 *	bool "mailconf --doctor: what keeps mail from arriving (49 kB)"
 *	select SMTP
 *	select SMTP_CHECK
 *	select MAILCONF_SELF
 *	help
 *	  Clock, disk, files, daemons, DNS, certificates, SPF, DMARC, the
 *	  smarthost: one line each, with what helps.
 *
 * config MAILCONF_SELF
 *	bool
 *
 * config MAILCONF_REFERENCE
 *	bool "mailconf --reference (11 kB)"
 *	help
 *	  The sentences of docs/configuration.md in the binary.
 */
#include "applet.h"
#include "config.h"

#include <stdio.h>
#include <sysexits.h>

#include "mailconf/mailconf.h"
#include "os/conf.h"
#include "os/opt.h"

struct mailconf {
	const char *path, *get, *password_file, *program;
	const char *answers, *mx;
	bool doctor, json, check, defaults, reference, import, setup, no_check;
};

static const struct opt_row rows[] = {
	{ 'C', "config", OPT_TEXT, OPT_AT(struct mailconf, path) },
	{ 0, "check", OPT_FLAG, OPT_AT(struct mailconf, check) },
	{ 0, "get", OPT_TEXT, OPT_AT(struct mailconf, get) },
	{ 0, "defaults", OPT_FLAG, OPT_AT(struct mailconf, defaults) },
	USE_MAILCONF_REFERENCE({ 0, "reference", OPT_FLAG,
		OPT_AT(struct mailconf, reference) },)
	USE_MAILCONF_SETUP({ 0, "setup", OPT_FLAG,
		OPT_AT(struct mailconf, setup) },
	{ 0, "answers", OPT_TEXT, OPT_AT(struct mailconf, answers) },
	{ 0, "no-check", OPT_FLAG, OPT_AT(struct mailconf, no_check) },)
	USE_MAILCONF_DOCTOR({ 0, "doctor", OPT_FLAG,
		OPT_AT(struct mailconf, doctor) },
	{ 'j', "json", OPT_FLAG, OPT_AT(struct mailconf, json) },
	{ 0, "mx", OPT_TEXT, OPT_AT(struct mailconf, mx) },)
	USE_MAILCONF_IMPORT({ 0, "import-msmtp", OPT_FLAG,
		OPT_AT(struct mailconf, import) },
	{ 0, "import", OPT_TEXT, OPT_AT(struct mailconf, program) },
	{ 0, "password-file", OPT_TEXT,
		OPT_AT(struct mailconf, password_file) },)
	{ 0 }
};

static int print(struct str *text)
{
	int status = text->bad ? EX_IOERR : EX_OK;

	fputs(str_c(text), stdout);
	str_free(text);
	return applet_end("mailconf", status);
}

static int get(const struct mailconf *m)
{
	struct conf *conf = conf_read_or_exit(m->path);
	struct str text;

	str_init(&text, 65536);
	if (conf_get(conf, m->get, &text) < 0) {
		fprintf(stderr, "mailconf: %s: no such directive\n", m->get);
		return EX_USAGE;
	}
	str_addc(&text, '\n');
	conf_free(conf);
	return print(&text);
}

int mailconf_main(int argc, char **argv)
{
	struct mailconf m = { 0 };
	struct str text;
	int operand = usage_parse(argc, argv, rows, &m);

	if (operand + (m.import || m.program) < argc ||
			(m.password_file && !m.import && !m.program))
		usage_fail(argv[0]);
	if (((m.answers || m.no_check) && !m.setup) ||
			((m.json || m.mx) && !m.doctor))
		usage_fail(argv[0]);
	if (CFG_MAILCONF_DOCTOR && m.doctor)
		return mailconf_doctor(m.path, m.mx, m.json);
	if (CFG_MAILCONF_SETUP && m.setup)
		return mailconf_setup(m.path, m.answers, m.no_check);
	if (CFG_MAILCONF_IMPORT && (m.import || m.program))
		return mailconf_import(m.program, argv[operand],
				m.password_file);
	if (m.get)
		return get(&m);
	str_init(&text, 65536);
	if (m.defaults)
		conf_print_defaults(&text);
	else if (m.reference)
		conf_print_reference(&text);
	else
		conf_free(conf_read_or_exit(m.path));
	return print(&text);
}
