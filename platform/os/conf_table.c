/* The one table of all directives, and what is printed from it. */
#include "os/conf_row.h"

#include <string.h>
#include "config.h"

#define AT(field) offsetof(struct conf, field)
/* see struct conf_row's name */
#define ROW(name, preset, about) \
	name "\0" preset "\0" USE_MAILCONF_REFERENCE(about)
#define GROUP(name) { CONF_KIND_GROUP, 0, 0, 0, ROW(name, "", "") }
/* A row of a feature that may be left out. */
#define KIND_IF(symbol, kind) \
	CFG_##symbol ? CONF_KIND_##kind : CONF_KIND_LEFT_OUT
/* ... whose name alone is known then */
#define ROW_IF(symbol, name, preset, about) \
	ROW(name, USE_##symbol(preset) "", about)
#define K 1024
#define MINUTE 60
#define HOUR 3600
#define DAY 86400

static const struct conf_row rows[] = {
	GROUP("Who we are"),
	{ CONF_KIND_HOST, AT(hostname), 0, 0,
		ROW("hostname", "(the machine's name)",
		"The name that this server gives itself in greetings, HELO "
		"and Received lines. It should be fully qualified and lead "
		"back to the address that others see.") },
	{ CONF_KIND_DOMAINS, AT(domains), 0, 0,
		ROW("domain", "(the hostname)",
		"Mail for these domains is delivered here. hostname is always "
		"one of them. A name in another script and its form in ASCII "
		"(xn--...) are the same, here and wherever a name is "
		"given.") },
	{ CONF_KIND_ACCOUNT, AT(postmaster), 0, 0,
		ROW("postmaster", "root",
		"The local name that gets the mail for postmaster, which "
		"every domain must accept (RFC 5321 4.5.1).") },

	GROUP("Who may connect and send"),
	{ CONF_KIND_LISTEN, AT(listen), 0, 0,
		ROW("listen", "smtp *:25\nsubmission *:587\nsmtps *:465\n"
		"pop3 *:110\npop3s *:995",
		"A socket of a service. The first line for a service replaces "
		"its default, more lines add sockets, none switches the "
		"service off. * is every address, IPv6 and IPv4. Options are "
		"for this socket alone: noauth (AUTH is not offered), "
		"plainauth (passwords without TLS, as auth-without-tls), "
		"needtls (nothing before STARTTLS), norelay (relay-from does "
		"not count), nochecks (no DNS is asked about clients, no "
		"greeting delay), repair (a LF without CR becomes CR LF, a CR "
		"without LF a space, where messages with these are refused).")
		},
	{ KIND_IF(SMTPD_DEVICE, DEVICE), AT(listen), 0, 0,
		ROW_IF(SMTPD_DEVICE, "device", "(none)",
		"A socket of its own for printers, scanners and cameras, which "
		"know neither TLS nor passwords nor what a HELO should say. "
		"Only these addresses get in, only these recipients (an "
		"address, or all of a domain) are taken, the envelope's sender "
		"becomes sender=, and one device may send rate= messages "
		"(default 60/1h). Lone CRs and LFs are made good. What goes "
		"on, goes by route and smarthost as all mail does.") },
	{ CONF_KIND_NETS, AT(relay_from), 0, 0,
		ROW("relay-from", "(none)",
		"Clients with these addresses may send to anybody without a "
		"password. Not even this machine's own address is implied. "
		"All others must authenticate; there is no way to open the "
		"relay to everybody.") },
	{ KIND_IF(FRONT_ENDS, NETS), AT(proxy_from), 0, 0,
		ROW_IF(FRONT_ENDS, "proxy-from", "(none)",
		"Front ends as haproxy that begin each connection to smtpd "
		"and pop3d with the PROXY protocol, version 1 or 2. Who their "
		"client is they say, and it counts in all that goes by "
		"addresses. A connection from there without a header is "
		"closed.") },
	{ KIND_IF(FRONT_ENDS, NETS), AT(xclient_from), 0, 0,
		ROW_IF(FRONT_ENDS, "xclient-from", "(none)",
		"Front ends as nginx that may say with XCLIENT who their "
		"client is, and who has logged in. They are believed.") },
	{ KIND_IF(DELIVER_TCP, NETS), AT(lmtp_from), 0, 0,
		ROW_IF(DELIVER_TCP, "lmtp-from", "(none)",
		"Mail servers that may hand us mail for our users by LMTP, at "
		"the sockets of listen lmtp. Nobody else may, not even this "
		"machine: they say what they like of senders, and there is no "
		"TLS.") },
	{ KIND_IF(DELIVER_TCP, ACCOUNT), AT(lmtp_user), 0, 0,
		ROW_IF(DELIVER_TCP, "lmtp-user", "root",
		"The account of a mail server on this machine, as postfix, "
		"that may do the same at the socket `deliver` in run-dir. Root "
		"and user-queue always may.") },
	{ KIND_IF(TLS_CLIENT_CERTS, CERTS), AT(client_certs), 0, 0,
		ROW_IF(TLS_CLIENT_CERTS, "relay-cert", "(none)",
		"Clients whose TLS certificate has this SHA-256 fingerprint "
		"may send to anybody likewise, wherever they are. No "
		"authority has to have signed it. As `openssl x509 "
		"-fingerprint -sha256` prints it, or without the colons.") },
	{ CONF_KIND_USERS, AT(sender_any), 0, 0,
		ROW("sender-any", "(none)",
		"Users who may send under any address. All others who log in "
		"may do so under addresses whose mail they get, and no "
		"others. * is everybody.") },
	{ CONF_KIND_YESNO, AT(received_user), 0, 0,
		ROW("received-user", "no",
		"Name who has logged in in the message's Received field, for "
		"all who get it.") },
	{ CONF_KIND_YESNO, AT(auth_without_tls), 0, 0,
		ROW("auth-without-tls", "no",
		"Offer AUTH, and USER and PASS, on connections without TLS, "
		"where passwords can be overheard.") },
	{ KIND_IF(SASL_SCRAM, YESNO), AT(auth_binding), 0, 0,
		ROW_IF(SASL_SCRAM, "auth-binding", "no",
		"Offer SCRAM-SHA-256-PLUS on connections with TLS, by which a "
		"client notices whoever sits in between. Programs that choose "
		"it and then have nothing to bind with, as mutt 2.2 does, "
		"cannot log in.") },

	GROUP("Where mail goes"),
	{ CONF_KIND_SMARTHOST, AT(smarthosts), 0, 0,
		ROW("smarthost", "(none)",
		"The server that takes all mail that is not for us. Port 587 "
		"and starttls when nothing is said; port 465, or tls alone, "
		"means TLS from the first byte on port 465; port 25 means "
		"may, TLS when it is offered. tls and starttls check the "
		"certificate, unless noverify says not to, or fingerprint= "
		"which it is (SHA-256 of it or of its key). The password is "
		"the first line of its file, or of what the command prints, "
		"which queue's user runs in /bin/sh; so is a token that a "
		"command prints. token-file= is what smtp --authorize made, "
		"to be read and written by queue's user. auth= is plain, "
		"login, scram-sha-256" USE_SASL_PLUS_CLIENT(", "
		"scram-sha-256-plus") ", or of tokens xoauth2 or oauthbearer; "
		"without it the best of what the server offers. from= keeps a "
		"line for mail from "
		"these envelope senders, <> being that of reports; a line "
		"that has the address goes before one that has its domain, "
		"and lines without from= are for all that no line names. Of "
		"several lines for the same mail the next is tried when the "
		"one before cannot be reached or does not let us in.") },
	{ CONF_KIND_ROUTE, AT(routes), 0, 0,
		ROW("route", "(none)",
		"Where mail for one domain goes, before smarthost and MX are "
		"asked; the first match counts, .DOMAIN matches all below it, "
		"* matches all, so that no smarthost is asked. smtp:HOST asks "
		"for the MX of HOST, [HOST] does not; PORT is 25 (smtp) or 24 "
		"(lmtp) when left out. \"error:5.1.6 They have moved\" refuses "
		"its mail with that code (5.0.0 when left out) and text; with "
		"a 4 in front it is for later.") },
	{ KIND_IF(MASQUERADE, MASQUERADE), AT(masquerades), 0, 0,
		ROW_IF(MASQUERADE, "masquerade", "(none)",
		"An address of this house, all of a domain (@DOMAIN) or a user "
		"in any of ours, and the address that others are to see in its "
		"place; @DOMAIN keeps the local part. The first line that fits "
		"counts. In mail that goes to another host by SMTP, and in no "
		"other, the envelope's sender and the addresses in From, To "
		"and their like are replaced; a recipient that is not ours is, "
		"wherever its mail would have gone. See docs/addresses.md.") },
	{ KIND_IF(AUTHD_VIRTUAL, VIRTUAL), AT(virtuals), 0, 0,
		ROW_IF(AUTHD_VIRTUAL, "virtual", "(none)",
		"Whose an address of one of our domains is: of a user, by name "
		"or address. @DOMAIN USER gets what nobody else there gets (a "
		"catch-all); @DOMAIN @OTHER makes the users of OTHER users of "
		"DOMAIN. A single address may also be sent on: to an alias, "
		"or to an address of another host.") },
	{ KIND_IF(AUTHD_VIRTUAL, DELIMITER), AT(delimiter), 0, 0,
		ROW_IF(AUTHD_VIRTUAL, "recipient-delimiter", "+",
		"What comes behind it in a local part is a detail for the "
		"user's own use: mail for alice+lists is alice's, unless "
		"there is an alice+lists.") },
	{ KIND_IF(SRS, YESNO), AT(srs), 0, 0,
		ROW_IF(SRS, "srs", "no",
		"Mail of others that is sent on (aliases, .forward) gets a "
		"sender of ours, SRS0=...@DOMAIN, so that the next host does "
		"not take it for forged (SPF); reports that come back to it "
		"go on to the sender for 21 days.") },
	{ KIND_IF(SRS, HOST), AT(srs_domain), 0, 0,
		ROW_IF(SRS, "srs-domain", "(the first domain)",
		"The domain of such senders, one of ours.") },
	{ KIND_IF(TLS_POLICY, TLS_POLICY), AT(tls_policies), 0, 0,
		ROW_IF(TLS_POLICY, "tls-policy", "(none)",
		"How sure we have to be of the hosts that take mail for the "
		"recipient's domain; .DOMAIN is what is below it, the first "
		"match counts. may takes TLS when it is offered, whatever the "
		"certificate; require wants TLS, verify a certificate that is "
		"good by tls-ca for the host's name (or name=), fingerprint "
		"one of these certificates or public keys, dane one that DNS "
		"names (RFC 7672). What these do not find is tried again, "
		"never sent without. For smarthosts, what their own line says "
		"counts. Without a line it is may, and more where the domain "
		"asks for it by DANE or MTA-STS. See docs/tls.md.") },
	{ KIND_IF(DANE, YESNO), AT(dns_trust), 0, 0,
		ROW_IF(DANE, "dns-trust", "no",
		"The name servers verify DNSSEC, and nobody can change what "
		"they tell us: they run on this machine, or the network to "
		"them is ours. Then DANE is used wherever a domain has it.") },
	{ KIND_IF(MTA_STS, YESNO), AT(mta_sts), 0, 0,
		ROW_IF(MTA_STS, "mta-sts", "yes",
		"Where a domain publishes by MTA-STS (RFC 8461) that its mail "
		"hosts have good certificates, and which hosts these are, "
		"mail goes there so or not at all.") },
	{ CONF_KIND_FALLBACK, AT(fallback), 0, 0,
		ROW("fallback-route", "(none)",
		"Where mail for others goes when none of its hosts can be "
		"reached, or lets us in; with after= only what has waited that "
		"long already. What a host refuses is not taken there.") },
	{ CONF_KIND_NAMESERVERS, AT(nameservers), 0, 0,
		ROW("nameserver", "(those of /etc/resolv.conf)",
		"The DNS servers to ask, in this order. An IPv6 address with "
		"a port is written [ADDRESS]:PORT.") },

	{ KIND_IF(ALIASES, PATH), AT(aliases), 0, 1000,
		ROW_IF(ALIASES, "aliases", "/etc/aliases",
		"Names that lead to others, in all of our domains, as "
		"aliases(5) of sendmail and Postfix has them: other users, "
		"addresses anywhere, :include:/FILE, |COMMAND, /FILE. It may "
		"be missing, and is read anew when it changes; newaliases "
		"checks it. none switches it off. See docs/aliases.md.") },
	{ KIND_IF(ALIASES, ACCOUNT), AT(alias_user), 0, 0,
		ROW_IF(ALIASES, "alias-user", "nobody",
		"The account that aliases' commands run as and their files "
		"are written as; never root.") },
	{ KIND_IF(ALIASES, SECONDS), AT(alias_timeout), 1, 4 * MINUTE,
		ROW_IF(ALIASES, "alias-timeout", "2m",
		"How long such a command may take; then it is ended and "
		"tried again later.") },
	{ KIND_IF(ALIASES, NUMBER), AT(max_alias_recipients), 1, 100000,
		ROW_IF(ALIASES, "max-alias-recipients", "10000",
		"Recipients that one alias may lead to, through all others "
		"and included files. Mail for one with more comes back.") },
	{ KIND_IF(DELIVER_FORWARD, WHOSE), AT(forward), 0, 0,
		ROW_IF(DELIVER_FORWARD, "forward", "system",
		"Whose file of forwarding counts: ~/.forward of this machine's "
		"accounts (system), and of all others the file forward in "
		"their Maildir, too (all). See docs/forward.md.") },
	{ KIND_IF(DELIVER_VACATION, WHOSE), AT(vacation), 0, 0,
		ROW_IF(DELIVER_VACATION, "vacation", "system",
		"Whose file answers mail while he is away: ~/.vacation of this "
		"machine's accounts (system), and of all others the file "
		"vacation in their Maildir, too (all).") },
	{ KIND_IF(DELIVER_COMMAND, PATH), AT(deliver_command), 1, 1000,
		ROW_IF(DELIVER_COMMAND, "deliver-command", "(none)",
		"A program, with arguments in quotes, that gets each message "
		"before it is put into a mailbox, as the account that it is "
		"for, or as user-store, and says on its standard output what "
		"becomes of it: keep, fileinto FOLDER, redirect ADDRESS, "
		"discard or reject TEXT. alias-timeout is its time, too.") },
	{ KIND_IF(DELIVER_FOLDERS, FOLDERS), AT(detail_folder), 0, 0,
		ROW_IF(DELIVER_FOLDERS, "detail-folder", "no",
		"Mail for user+lists goes to the folder lists of the user's "
		"Maildir: when it is there (existing), or always (make).") },
	{ CONF_KIND_YESNO, AT(mx_loopback), 0, 0,
		ROW("mx-loopback", "no",
		"Mail goes by MX to an address of loopback, as 127.0.0.1, too. "
		"Else a domain that names such a one gets no mail from us.") },

	GROUP("Folders and files"),
	{ CONF_KIND_PATH, AT(spool_dir), 1, 1000,
		ROW("spool-dir", "/var/spool/pillarbox",
		"The mail that waits.") },
	/* tls-cert and tls-key are in it by default */
	{ CONF_KIND_PATH, AT(state_dir), 1, 990,
		ROW("state-dir", "/var/lib/pillarbox",
		"Users and keys; must survive a reboot.") },
	{ CONF_KIND_PATH, AT(mail_dir), 1, 1000,
		ROW("mail-dir", "/var/lib/pillarbox/mail",
		"The Maildirs of virtual users.") },
	{ CONF_KIND_PATH, AT(mbox_dir), 1, 1000,
		ROW("mbox-dir", "/var/mail",
		"The mboxes of this machine's users.") },
	{ KIND_IF(MAIL_RC, PATH), AT(mail_rc), 1, 1000,
		ROW_IF(MAIL_RC, "mail-rc", "/etc/mail.rc",
		"Commands that the mail program runs at each start for "
		"everybody, before those of ~/.mailrc; it may be missing.") },
	{ CONF_KIND_PATH, AT(run_dir), 1, 80,
		ROW("run-dir", "/run/pillarbox",
		"Sockets of the daemons among themselves; may be lost at a "
		"reboot.") },
	{ CONF_KIND_PATH, AT(tls_cert), 1, 1000,
		ROW("tls-cert", "(STATE-DIR/cert.pem)",
		"Our certificate and its chain, PEM. Without this line a "
		"self-signed one is made at the first start.") },
	{ CONF_KIND_PATH, AT(tls_key), 1, 1000,
		ROW("tls-key", "(STATE-DIR/key.pem)",
		"The key of tls-cert, PEM.") },
	{ CONF_KIND_PATH, AT(tls_ca), 1, 1000,
		ROW("tls-ca", "/etc/ssl/certs/ca-certificates.crt",
		"The authorities that other servers' certificates are checked "
		"with, PEM.") },

	GROUP("TLS, our side of it"),
	{ KIND_IF(TLS_SNI, TLS_HOST), AT(tls_hosts), 0, 0,
		ROW_IF(TLS_SNI, "tls-host", "(none)",
		"Another certificate and key, PEM, for clients that ask for "
		"this name (SNI). *.DOMAIN stands for one label; the name "
		"itself goes before it. Whoever asks for no such name gets "
		"tls-cert. Two lines for a name may give an ECDSA and an RSA "
		"certificate: the client's ciphers decide. * adds one to "
		"tls-cert in this way.") },
	{ KIND_IF(TLS_CHOICE, TLS_MIN), AT(tls_13), 0, 0,
		ROW_IF(TLS_CHOICE, "tls-min", "1.2",
		"The oldest TLS that our servers speak. 1.3 needs mbedTLS 3.6; "
		"with 2.28, as Debian has it, it is an error, and whoever "
		"speaks 1.2 only is refused: on port 25 he may send in the "
		"clear then.") },
	{ KIND_IF(TLS_CHOICE, CIPHERS), AT(tls_ciphers), 0, 0,
		ROW_IF(TLS_CHOICE, "tls-ciphers", "(those of mbedTLS)",
		"The ciphers that our servers take, the best first, by their "
		"IANA names, as TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256. Where "
		"none is one of TLS 1.3, its ciphers stay as they are.") },
	{ KIND_IF(TLS_CLIENT_CERTS, PATH), AT(tls_client_ca), 1, 1000,
		ROW_IF(TLS_CLIENT_CERTS, "tls-client-ca", "(none)",
		"The authorities for clients' certificates, PEM. A client "
		"whose certificate is good and holds a user's address "
		"(rfc822Name) may log in with it (AUTH EXTERNAL).") },
	{ KIND_IF(TLS_CLIENT_CERTS, TLS_CLIENT), AT(tls_client), 0, 0,
		ROW_IF(TLS_CLIENT_CERTS, "tls-client",
		"(request with tls-client-ca, tls-client-user or relay-cert, "
		"else no)",
		"Does smtpd ask clients for a certificate? Of all its "
		"services, or of those named: smtp, submission, smtps. "
		"require ends the TLS session of who has none that "
		"tls-client-ca, tls-client-user or relay-cert knows: not for "
		"a port 25 that strangers use. pop3d never asks.") },
	{ KIND_IF(TLS_CLIENT_CERTS, TLS_USER), AT(client_certs), 0, 0,
		ROW_IF(TLS_CLIENT_CERTS, "tls-client-user", "(none)",
		"Who shows the certificate with this SHA-256 fingerprint may "
		"log in as USER with it (AUTH EXTERNAL), whoever signed it.") },

	GROUP("Users and rights"),
	{ CONF_KIND_ACCOUNT, AT(user_queue), 0, 0,
		ROW("user-queue", "pillarbox",
		"smtpd and queue run as this account, which owns the spool.") },
	{ CONF_KIND_ACCOUNT, AT(user_store), 0, 0,
		ROW("user-store", "mail",
		"pop3d runs as this account, which owns the Maildirs.") },
	{ CONF_KIND_ACCOUNT, AT(user_auth), 0, 0,
		ROW("user-auth", "root",
		"authd runs as this account. Only root can check the "
		"passwords in /etc/shadow.") },
	{ CONF_KIND_YESNO, AT(system_users), 0, 0,
		ROW("system-users", "yes",
		"The accounts of this machine get mail and may log in, too.") },
	{ KIND_IF(AUTHD_SASLAUTHD, PATH), AT(saslauthd), 1, 107,
		ROW_IF(AUTHD_SASLAUTHD, "saslauthd", "(none)",
		"The socket of Cyrus saslauthd, as /run/saslauthd/mux, which is "
		"asked about the passwords of users that users.db does not "
		"have: by PAM, LDAP or another server. Its service is smtp or "
		"pop. Does not work with SCRAM.") },
	USE_AUTHD_SASLAUTHD_SOCKET({ CONF_KIND_PATH, AT(saslauthd_socket), 1,
		107, ROW("saslauthd-socket", "(none)",
		"A socket like that of Cyrus saslauthd, as "
		"/run/pillarbox-sasl/mux, by which other programs of this "
		"machine check the passwords of our users. Only root may "
		"connect, and saslauthd-group.") },)
	USE_AUTHD_SASLAUTHD_SOCKET({ CONF_KIND_ACCOUNT, AT(saslauthd_group), 0,
		0, ROW("saslauthd-group", "(none)",
		"The group whose members may connect to saslauthd-socket, as "
		"sasl.") },)
	USE_AUTHD_CACHE({ CONF_KIND_SECONDS, AT(auth_cache), 0, 5 * MINUTE,
		ROW("auth-cache", "1m",
		"For so long a password that was right is remembered, in "
		"memory and as a hash; 0: not at all. A change of users.db or "
		"of this machine's accounts counts at once; one of a directory "
		"or database only when this time is over.") },)
	{ CONF_KIND_NUMBER, AT(auth_workers), 1, 16,
		ROW("auth-workers", "2",
		"Processes that check passwords, so that one slow hash does "
		"not hold up the next log-in.") },
	{ CONF_KIND_NUMBER, AT(scram_rounds), 4096, 10000000,
		ROW("scram-rounds", "4096",
		"Iterations for new passwords; RFC 7677 wants no fewer than "
		"4096.") },

	/* no row at all without it: small builds have no room for names */
	USE_AUTHD_DIRECTORY(GROUP("Users of a directory or a database"),)
	USE_AUTHD_LDAP({ CONF_KIND_SERVERS, AT(ldap_servers), CONF_SERVER_LDAP,
		0, ROW("ldap-server", "(none)",
		"LDAP servers that know users, as ldaps://ldap.example.com; "
		"the first that answers is asked about addresses that neither "
		"users.db nor this machine has. ldap:// means STARTTLS "
		"(directory-tls), ldapi://%2frun%2fslapd%2fldapi a socket.") },)
	USE_AUTHD_LDAP({ CONF_KIND_TEXT, AT(ldap_base), CONF_TEXT_ANY, 0,
		ROW("ldap-base", "(none)",
		"Below this entry are the users, as "
		"\"ou=people,dc=example,dc=com\".") },)
	USE_AUTHD_LDAP({ CONF_KIND_TEXT, AT(ldap_filter), CONF_TEXT_TEMPLATE, 0,
		ROW("ldap-filter", "\"(mail=%u)\"",
		"What finds one user's entry (RFC 4515). %u is the address, %n "
		"what stands before its @, %d its domain. Also the place to "
		"say who is disabled, as "
		"\"(&(mail=%u)(!(accountStatus=off)))\".") },)
	USE_AUTHD_LDAP({ CONF_KIND_TEXT, AT(ldap_user), CONF_TEXT_ANY, 0,
		ROW("ldap-user", "(none)",
		"The entry that authd binds as for searching; without it it "
		"searches as nobody.") },)
	USE_AUTHD_LDAP({ CONF_KIND_PATH, AT(ldap_password_file), 1, 1000,
		ROW("ldap-password-file", "(none)",
		"ldap-user's password, in a file that others cannot read "
		"(mode 0600), owned by user-auth.") },)
	USE_AUTHD_LDAP({ CONF_KIND_ATTRIBUTES, AT(ldap_attributes), 0, 0,
		ROW("ldap-attributes", "name=mail",
		"Attributes of a user's entry: name, the one address that it "
		"has whichever it was found by (its first value in a domain of "
		"ours); mailbox, the Maildir below mail-dir (default "
		"DOMAIN/USER); quota, as 500M.") },)
	USE_AUTHD_MYSQL({ CONF_KIND_SERVERS, AT(mysql_servers),
		CONF_SERVER_MYSQL, 0, ROW("mysql-server", "(none)",
		"MySQL or MariaDB servers that know users: HOST[:PORT], or the "
		"path of a socket; otherwise as ldap-server.") },)
	USE_AUTHD_MYSQL({ CONF_KIND_TEXT, AT(mysql_database), CONF_TEXT_ANY, 0,
		ROW("mysql-database", "(none)",
		"The database that mysql-query is about.") },)
	USE_AUTHD_MYSQL({ CONF_KIND_TEXT, AT(mysql_query), CONF_TEXT_TEMPLATE,
		0, ROW("mysql-query", "(none)",
		"The SELECT that finds one user's row; it is prepared, and %u "
		"(the address), %n and %d (its parts) are its parameters. Its "
		"columns are known by name: password, a hash with {SCHEME} "
		"before it; name, mailbox, quota, as in ldap-attributes.") },)
	USE_AUTHD_MYSQL({ CONF_KIND_TEXT, AT(mysql_user), CONF_TEXT_ANY, 0,
		ROW("mysql-user", "(user-auth)",
		"Whom authd logs in as at mysql-server; it needs no right but "
		"SELECT.") },)
	USE_AUTHD_MYSQL({ CONF_KIND_PATH, AT(mysql_password_file), 1, 1000,
		ROW("mysql-password-file", "(none)",
		"mysql-user's password, as ldap-password-file.") },)
	USE_AUTHD_DIRECTORY({ CONF_KIND_YESNO, AT(directory_tls), 0, 0,
		ROW("directory-tls", "yes",
		"No password goes to ldap-server and mysql-server without TLS, "
		"and its certificate has to be good. Sockets, and servers on "
		"127.0.0.1, ::1 and localhost, need none.") },)
	USE_AUTHD_DIRECTORY({ CONF_KIND_PATH, AT(directory_ca), 1, 1000,
		ROW("directory-ca", "(tls-ca)",
		"The authorities that these servers' certificates are checked "
		"with, PEM.") },)
	USE_AUTHD_DIRECTORY({ CONF_KIND_SECONDS, AT(directory_timeout), 1, 5,
		ROW("directory-timeout", "3s",
		"A server that takes longer for an answer is not asked for ten "
		"times this time, but the next one is. While none answers, "
		"mail and log-ins are put off, not refused.") },)

	GROUP("Strangers: who has not logged in and is not in relay-from"),
	{ KIND_IF(SMTPD_DNSBL, DNSBL), AT(dnsbl), 0, 0,
		ROW_IF(SMTPD_DNSBL, "dnsbl", "(none)",
		"A DNS list of addresses (RFC 5782) that smtpd asks about "
		"strangers on port 25, all lists at a time, once for a "
		"connection. Lists that name the client add their weight "
		"(default 1); an allow list has one below 0. codes= says "
		"which answers count. 127.255.255.x is an error and never "
		"counts. A list that answers so or fails its self-test "
		"(127.0.0.1 is listed, 127.0.0.2 is not) is not asked until "
		"it passes one.") },
	{ KIND_IF(SMTPD_DNSBL, NUMBER), AT(dnsbl_refuse), 1, 1000,
		ROW_IF(SMTPD_DNSBL, "dnsbl-refuse", "1",
		"The sum of weights from which mail is refused (550), but "
		"for postmaster.") },
	{ KIND_IF(SMTPD_ASK, SECONDS), AT(dnsbl_timeout), 1, MINUTE,
		ROW_IF(SMTPD_ASK, "dnsbl-timeout", "5",
		"How long the first recipient of a connection may wait for "
		"the DNS lists, check-hello and check-reverse, all "
		"together. What has not come then counts as not listed, or "
		"as a temporary failure.") },
	{ KIND_IF(SMTPD_DNSBL, NUMBER), AT(dnsbl_cache), 0, 10000,
		ROW_IF(SMTPD_DNSBL, "dnsbl-cache", "500",
		"Addresses whose sums are kept in memory, 24 bytes each, for "
		"as long as the lists say, between 1 minute and 1 hour.") },
	{ KIND_IF(SMTPD_CHECKS, CHECK), AT(check_hello), 0, 0,
		ROW_IF(SMTPD_CHECKS, "check-hello", "no",
		"Looks at the name in HELO: ours or our address, in a "
		"stranger's mouth, and names without an address are refused "
		"(550, 450 while DNS does not answer) or noted in the log "
		"only.") },
	{ KIND_IF(SMTPD_CHECKS, CHECK), AT(check_reverse), 0, 0,
		ROW_IF(SMTPD_CHECKS, "check-reverse", "no",
		"The same for addresses without a name (PTR), or whose names "
		"do not lead back to them (550 5.7.25). Some honest servers "
		"have none: try note first.") },
	{ KIND_IF(SMTPD_GREETING, SECONDS), AT(greeting_delay), 0, MINUTE,
		ROW_IF(SMTPD_GREETING, "greeting-delay", "0",
		"How long port 25 waits with its greeting. A client that "
		"talks first (RFC 5321 4.3.1) is no mail server and refused "
		"(554).") },
	{ KIND_IF(SMTPD_MILTER, MILTER), AT(milters), 0, 0,
		ROW_IF(SMTPD_MILTER, "milter", "(none)",
		"A mail filter (milter) that smtpd asks about sessions and "
		"messages: opendkim, rspamd, spamass-milter, clamav-milter. "
		"At most 8, asked in this order; each sees what the ones "
		"before it changed. default says what becomes of mail when "
		"the filter is away, silent for timeout (default 30, at most "
		"2m) or not understood: tempfail (451), accept, reject "
		"(550). on names the ways in that it is asked about, of "
		"smtp, submission, smtps and local, the socket of sendmail "
		"and mail; default all. See docs/abuse.md.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(rate_connections), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "rate-connections", "none",
		"Connections from one IPv4 address or IPv6 /64; more get "
		"421. 60/1h: sixty at once, then one more each minute.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(rate_messages), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "rate-messages", "none",
		"Messages from one address likewise; more get 451.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(rate_recipients), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "rate-recipients", "none",
		"Recipients from one address likewise; more get 452.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(rate_user_messages), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "rate-user-messages", "none",
		"Messages of one user who has logged in, wherever he is; "
		"more get 451.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(rate_user_recipients), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "rate-user-recipients", "1000/1h",
		"Recipients of one such user; more get 452. A stolen "
		"password sends no more than this.") },
	{ KIND_IF(SMTPD_LIMITS, RATE), AT(ban_after), 1, 1000000,
		ROW_IF(SMTPD_LIMITS, "ban-after", "20/1h",
		"Failures of one address before it is banned: a wrong "
		"password, a session ended for max-errors, talking before "
		"the greeting.") },
	{ KIND_IF(SMTPD_LIMITS, SECONDS), AT(ban_time), 1, 30 * DAY,
		ROW_IF(SMTPD_LIMITS, "ban-time", "1h",
		"How long connections of a banned address are refused.") },
	{ KIND_IF(MAILD_BAN_COMMAND, PATH), AT(ban_command), 1, 1000,
		ROW_IF(MAILD_BAN_COMMAND, "ban-command", "(none)",
		"A program that maild runs as root at each ban, with the words "
		"add ADDRESS/BITS SECONDS, and when it is over with del: to "
		"tell the firewall. One at a time, without a shell; after 5 "
		"seconds it is killed.") },
	{ KIND_IF(SMTPD_LIMITS, SECONDS), AT(tarpit), 0, MINUTE,
		ROW_IF(SMTPD_LIMITS, "tarpit", "0",
		"The wait after a wrong command or refused recipient, times "
		"how many the session had; at most a minute.") },
	{ KIND_IF(SMTPD_LIMITS, NUMBER), AT(max_tracked), 16, 10000,
		ROW_IF(SMTPD_LIMITS, "max-tracked", "500",
		"Addresses and users whose rates are kept in memory, 64 bytes "
		"each; the one that was quiet longest makes room.") },
	{ KIND_IF(SMTPD_GREYLIST, SECONDS), AT(greylist_delay), 0, DAY,
		ROW_IF(SMTPD_GREYLIST, "greylist-delay", "0",
		"How long a stranger on port 25 has to wait (451) before mail "
		"from his network (IPv4 /24, IPv6 /64) of this sender to this "
		"recipient is taken (RFC 6647). 5m is usual; 0 is off. Mail "
		"for postmaster does not wait, nor clients to whom dnsbl "
		"gives a sum below 0.") },
	{ KIND_IF(SMTPD_GREYLIST, SECONDS), AT(greylist_retry), 1, 30 * DAY,
		ROW_IF(SMTPD_GREYLIST, "greylist-retry", "2d",
		"How long after greylist-delay he may come again; later it "
		"is as if he came for the first time.") },
	{ KIND_IF(SMTPD_GREYLIST, SECONDS), AT(greylist_keep), 1, 366 * DAY,
		ROW_IF(SMTPD_GREYLIST, "greylist-keep", "35d",
		"How long who has come again is known without mail from "
		"him.") },
	{ KIND_IF(SMTPD_GREYLIST, NUMBER), AT(greylist_successes), 0, 1000,
		ROW_IF(SMTPD_GREYLIST, "greylist-successes", "5",
		"Messages after whose waiting a whole network waits no more, "
		"whoever it sends from and to; 0 is never.") },
	{ KIND_IF(SMTPD_GREYLIST, NUMBER), AT(greylist_most), 16, 100000,
		ROW_IF(SMTPD_GREYLIST, "greylist-most", "10000",
		"Rows kept, about 30 bytes each in run-dir; the oldest ones "
		"make room.") },
	{ KIND_IF(SMTPD_GREYLIST, NETS), AT(greylist_exempt), 0, 0,
		ROW_IF(SMTPD_GREYLIST, "greylist-exempt", "(none)",
		"Clients that never wait: those that send and do not come "
		"again.") },

	GROUP("Limits"),
	{ CONF_KIND_SIZE, AT(max_message_size), 64, 2048 * K,
		ROW("max-message-size", "25M",
		"The largest message, in octets as it is sent (RFC 1870).") },
	{ CONF_KIND_SIZE, AT(min_free_space), 0, K * K * K,
		ROW("min-free-space", "2M",
		"With less than this left on the spool's disk no mail is "
		"taken (452).") },
	{ KIND_IF(MAILBOX_GZIP, SIZE), AT(mailbox_gzip), 0, K * K,
		ROW_IF(MAILBOX_GZIP, "mailbox-gzip", "0",
		"Messages from this size on are kept compressed in Maildirs, "
		"as Dovecot's zlib plugin reads them; 0 is none. What is there "
		"already is read in any case.") },
	{ KIND_IF(DELIVER_QUOTA, SIZE), AT(mailbox_quota), 0, K * K * K,
		ROW_IF(DELIVER_QUOTA, "mailbox-quota", "0",
		"What a user's mailbox may hold who has no quota of his own; "
		"0 is no limit. A Maildir is counted with all its folders, by "
		"its maildirsize, as Dovecot and Courier do it.") },
	{ KIND_IF(DELIVER_QUOTA, YESNO), AT(quota_defer), 0, 0,
		ROW_IF(DELIVER_QUOTA, "quota-defer", "yes",
		"Mail for a full mailbox waits in the queue (452), so that "
		"the user can make room; no sends it back at once (552).") },
	{ KIND_IF(DELIVER_QUOTA, NUMBER), AT(quota_warning), 0, 99,
		ROW_IF(DELIVER_QUOTA, "quota-warning", "90",
		"The user gets a warning when the mailbox becomes so many "
		"percent full; 0 is never.") },
	{ CONF_KIND_NUMBER, AT(max_recipients), 1, 10000,
		ROW("max-recipients", "100",
		"Recipients of one message in one session; RFC 5321 4.5.3.1.8 "
		"wants no fewer than 100. Hundreds may need more "
		"session-memory.") },
	{ CONF_KIND_NUMBER, AT(max_sessions), 1, 100000,
		ROW("max-sessions", "100",
		"Sessions of one daemon at a time; the next one gets 421.") },
	{ CONF_KIND_NUMBER, AT(max_sessions_per_address), 1, 100000,
		ROW("max-sessions-per-address", "50",
		"The same from one IPv4 address or one IPv6 /64.") },
	{ CONF_KIND_NUMBER, AT(max_errors), 1, 1000,
		ROW("max-errors", "10",
		"Wrong commands before a session is ended.") },
	{ CONF_KIND_NUMBER, AT(max_queue), 1, 1000000,
		ROW("max-queue", "10000",
		"Messages in the spool; more are not taken (452).") },
	{ CONF_KIND_MEMORY, AT(session_memory), 16, 64 * K,
		ROW("session-memory", "64K",
		"Memory that one session may hold, without its buffers and "
		"TLS.") },

	GROUP("Times"),
	{ CONF_KIND_SECONDS, AT(command_timeout), 1, DAY,
		ROW("command-timeout", "5m",
		"How long a client may think between commands; RFC 5321 "
		"4.5.3.2.7 wants no less than 5 minutes.") },
	{ CONF_KIND_SECONDS, AT(data_timeout), 1, DAY,
		ROW("data-timeout", "3m",
		"How long a message may stall (RFC 5321 4.5.3.2.5).") },
	{ CONF_KIND_SECONDS, AT(connect_timeout), 1, 10 * MINUTE,
		ROW("connect-timeout", "30",
		"How long to wait for another server to take a connection.") },
	{ CONF_KIND_SECONDS, AT(dns_timeout), 1, 5 * MINUTE,
		ROW("dns-timeout", "10",
		"How long a look-up may take, all name servers and "
		"repetitions together.") },

	GROUP("The queue"),
	{ CONF_KIND_SECONDS, AT(retry_first), 1, DAY,
		ROW("retry-first", "5m",
		"The wait after the first failure; it doubles each time.") },
	{ CONF_KIND_SECONDS, AT(retry_most), 1, 7 * DAY,
		ROW("retry-most", "1h",
		"The longest wait between two tries.") },
	{ CONF_KIND_SECONDS, AT(bounce_after), MINUTE, 60 * DAY,
		ROW("bounce-after", "5d",
		"When to give up and tell the sender; RFC 5321 4.5.4.1 wants "
		"4 to 5 days.") },
	{ CONF_KIND_SECONDS, AT(warn_after), 0, 60 * DAY,
		ROW("warn-after", "4h",
		"When to tell the sender, once, that a message still waits. "
		"0 is never.") },
	{ CONF_KIND_NUMBER, AT(queue_sessions), 1, 1000,
		ROW("queue-sessions", "20",
		"Outgoing connections at a time, and as many to deliver.") },
	{ CONF_KIND_NUMBER, AT(queue_sessions_per_host), 1, 1000,
		ROW("queue-sessions-per-host", "5",
		"The same to one host.") },
	{ KIND_IF(QUEUE_ALERTS, ALERTS), AT(alerts), 0, 0,
		ROW_IF(QUEUE_ALERTS, "alerts", "(none)",
		"Whose mail is an alert, as that of cron, of a monitor or a "
		"UPS: alert-merge and quiet-hours are for it, on its way to "
		"other hosts.") },
	{ KIND_IF(QUEUE_ALERTS, SECONDS), AT(alert_merge), 0, DAY,
		ROW_IF(QUEUE_ALERTS, "alert-merge", "0",
		"The first alert of a kind (sender, recipients, and a subject "
		"that differs in numbers at most) goes at once. Those that "
		"come within this time go as one digest at its end, with all "
		"their texts. 0 is never.") },
	{ KIND_IF(QUEUE_ALERTS, HOURS), AT(quiet_hours), 0, 0,
		ROW_IF(QUEUE_ALERTS, "quiet-hours", "none",
		"When alerts wait, by the local time, unless their header says "
		"Priority: urgent, Importance: high or X-Priority: 1 or 2; "
		"with alert-merge, to go as digests when the hours end.") },
	{ KIND_IF(QUEUE_ALERTS, PATH), AT(alert_command), 1, 1000,
		ROW_IF(QUEUE_ALERTS, "alert-command", "(none)",
		"A program that is told of an alert that did not get out for "
		"alert-command-after: COMMAND REASON SENDER RECIPIENT..., with "
		"the message as its standard input. queue's user runs it, once "
		"a message when it ends with 0, a minute at most. The mail goes "
		"on trying.") },
	{ KIND_IF(QUEUE_ALERTS, SECONDS), AT(alert_command_after), 0, 7 * DAY,
		ROW_IF(QUEUE_ALERTS, "alert-command-after", "15m",
		"How long an alert is tried before alert-command.") },
	{ KIND_IF(QUEUE_CAPS, RATE), AT(cap_user), 1, 1000000,
		ROW_IF(QUEUE_CAPS, "outgoing-cap-user", "none",
		"How many recipients at other hosts one user, or a device by "
		"its address, may have in a time; what is more waits in the "
		"queue. 100/1h: a hundred at once, then one each 36 seconds.") },
	{ KIND_IF(QUEUE_CAPS, RATE), AT(cap_all), 1, 1000000,
		ROW_IF(QUEUE_CAPS, "outgoing-cap", "none",
		"The same for all together, to stay below what the provider "
		"allows.") },
	{ KIND_IF(QUEUE_SUBMIT, RATE), AT(rate_local), 1, 1000000,
		ROW_IF(QUEUE_SUBMIT, "rate-local", "none",
		"Messages that one user of this machine may hand to queue "
		"without smtpd; more are refused (451). 60/1h: sixty, and "
		"again sixty when the hour is over.") },
	{ KIND_IF(QUEUE_LINK, SIZE), AT(metered_size), 0, 2048 * K,
		ROW_IF(QUEUE_LINK, "metered-size", "50K",
		"The largest message that goes over a metered link (mailq "
		"--link) without being urgent: Priority: urgent, Importance: "
		"high or X-Priority: 1 or 2 in its header. The rest waits.") },
	{ KIND_IF(QUEUE_SPILL, PATH), AT(spill_dir), 1, 1000,
		ROW_IF(QUEUE_SPILL, "spill-dir", "(none)",
		"For a spool-dir in memory (tmpfs), which spares the flash: a "
		"folder on flash to which messages are moved that have waited "
		"for spill-after, and all of them when queue ends. A power "
		"cut before that loses them, though they were "
		"acknowledged.") },
	{ KIND_IF(QUEUE_SPILL, SECONDS), AT(spill_after), 1, DAY,
		ROW_IF(QUEUE_SPILL, "spill-after", "2m",
		"How long a message may be in memory only.") },
	{ KIND_IF(SENDMAIL_DIRECT, YESNO), AT(sendmail_direct), 0, 0,
		ROW_IF(SENDMAIL_DIRECT, "sendmail-direct", "no",
		"With neither smtpd nor queue running, sendmail and mail give "
		"a message to the smarthost themselves, and whoever calls "
		"them waits for it. Else root's goes into the spool for the "
		"next run, and others are told to try again.") },
	{ CONF_KIND_SYNC, AT(spool_sync_files), 0, 0,
		ROW("spool-sync", "filesystem",
		"How mail is made safe before it is acknowledged: one flush "
		"of the spool's file system for all messages of a moment, or "
		"one for each file. files is for a spool on a disk that "
		"others write to a lot.") },

	{ 0 }
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= CONF_ROWS_MOST, "rows");

const struct conf_row *conf_rows(void)
{
	return rows;
}

const struct conf_row *conf_row_find(struct span name)
{
	for (const struct conf_row *row = rows; row->name; row++)
		if (row->kind != CONF_KIND_GROUP &&
				span_eq(name, span_of(row->name)))
			return row;
	return NULL;
}

const char *conf_row_preset(const struct conf_row *row)
{
	return row->name + strlen(row->name) + 1;
}

const char *conf_row_about(const struct conf_row *row)
{
	const char *preset = conf_row_preset(row);

	return preset + strlen(preset) + 1;
}

bool conf_row_is_computed(const struct conf_row *row)
{
	const char *preset = conf_row_preset(row);

	return !*preset || *preset == '(';
}

/* Appends text in lines of at most 78 columns, each after prefix. */
static void wrap(struct str *out, const char *prefix, const char *text)
{
	size_t width = 78 - strlen(prefix), used = 0;
	struct span rest = span_of(text), word;

	while ((word = span_word(&rest)).n) {
		if (used && used + 1 + word.n > width) {
			str_addc(out, '\n');
			used = 0;
		}
		str_adds(out, used ? " " : prefix);
		str_add(out, word);
		used += word.n + (used ? 1 : 0);
	}
	str_addc(out, '\n');
}

static void put_default(struct str *out, const struct conf_row *row)
{
	struct span rest = span_of(conf_row_preset(row));

	if (conf_row_is_computed(row)) {
		str_addf(out, "#%s %s\n", row->name, conf_row_preset(row));
		return;
	}
	while (rest.n) {
		struct span value = span_cut(&rest, '\n');

		str_addf(out, "%s %.*s\n", row->name, SPAN_ARG(value));
	}
}

void conf_print_defaults(struct str *out)
{
	str_adds(out, "# Each directive with its default; none has to be "
			"given.\n");
	for (const struct conf_row *row = rows; row->name; row++) {
		if (row->kind == CONF_KIND_GROUP) {
			str_addf(out, "\n# ---- %s\n", row->name);
			continue;
		}
		if (row->kind == CONF_KIND_LEFT_OUT)
			continue;
		if (CFG_MAILCONF_REFERENCE) {
			str_addc(out, '\n');
			wrap(out, "# ", conf_row_about(row));
		}
		put_default(out, row);
	}
}

static const char reference_head[] =
	"# /etc/pillarbox.conf\n"
	"\n"
	"One directive a line, in any order. Words are split at blanks; "
	"`\"...\"` keeps\n"
	"them; `#` before a word starts a comment. An unknown word, a wrong "
	"value, or a\n"
	"second line for a directive that has one value is an error, told "
	"with file and\n"
	"line. Everything has a default that is right for a device with "
	"64 MB of RAM.\n"
	"\n"
	"SIZE is in bytes, or with `K`, `M`, `G` (1024). TIME is in seconds, "
	"or with\n"
	"`s`, `m`, `h`, `d`. PATH is absolute.\n"
	"\n"
	"This page is made from the program's own table "
	"(`mailconf --reference`).\n";

/* "Default: `25M`; from 64K to 2G." */
static void put_facts(struct str *out, const struct conf_row *row)
{
	struct span rest = span_of(conf_row_preset(row));
	const char *mark = conf_row_is_computed(row) ? "" : "`";
	const char *lead = "Default: ";

	if (conf_row_is_computed(row))
		rest = span_sub(rest, 1, rest.n - 2);
	while (rest.n) {
		struct span value = span_cut(&rest, '\n');

		str_addf(out, "%s%s%.*s%s", lead, mark, SPAN_ARG(value), mark);
		lead = ",\n";
	}
	if (row->max && row->kind != CONF_KIND_PATH) {
		str_adds(out, "; ");
		conf_print_range(row, out);
	}
	str_adds(out, ".\n");
}

void conf_print_reference(struct str *out)
{
	if (!CFG_MAILCONF_REFERENCE)
		return;
	str_adds(out, reference_head);
	for (const struct conf_row *row = rows; row->name; row++) {
		if (row->kind == CONF_KIND_GROUP) {
			str_addf(out, "\n## %s\n", row->name);
			continue;
		}
		if (row->kind == CONF_KIND_LEFT_OUT)
			continue;
		str_addf(out, "\n### %s\n\n`%s %s`\n\n", row->name, row->name,
				conf_type(row->kind)->syntax);
		wrap(out, "", conf_row_about(row));
		str_addc(out, '\n');
		put_facts(out, row);
		if (conf_type(row->kind)->many)
			str_adds(out, "May be repeated.\n");
	}
}
