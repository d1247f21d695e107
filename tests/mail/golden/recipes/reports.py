"""What mail systems write: delivery reports, receipts, statistics."""
from .letters import letter, multi, part, put, text

ORIGINAL = "From: me@a.com\nTo: bob@b.com\nSubject: Plan\nDate: x\n\nThe plan.\n"


def report(name, explanation, status, original=ORIGINAL, kind="delivery-status",
           original_type="message/rfc822", sender="Mail Delivery System "
           "<MAILER-DAEMON@a.com>", subject="Undelivered Mail Returned to Sender",
           charset="us-ascii"):
    letter(name, multi(
        "report", part(explanation, f"text/plain; charset={charset}", None, None,
                       "Content-Description: Notification\n"),
        part(status, f"message/{kind}", None, None,
             "Content-Description: Delivery report\n"),
        part(original, original_type), params=f"; report-type={kind}"),
        sender=sender, subject=subject, extra="Auto-Submitted: auto-replied\n")


STATUS = ("Reporting-MTA: dns; mail.a.com\nX-Postfix-Queue-ID: 4F1\nX-Postfix-"
          "Sender: rfc822; me@a.com\nArrival-Date: Tue, 24 Nov 2026 11:00:00\n\n"
          "Final-Recipient: rfc822; bob@b.com\nOriginal-Recipient: rfc822;bob@b."
          "com\nAction: {action}\nStatus: {status}\nRemote-MTA: dns; mx.b.com\n"
          "Diagnostic-Code: smtp; {text}\n")
report("dsn-postfix", "This is the mail system at host mail.a.com.\n\nI'm sorry "
       "to have to inform you that your message could not\nbe delivered to one or "
       "more recipients. It's attached below.\n\n<bob@b.com>: host mx.b.com said: "
       "550 5.1.1 No such user (in reply to\n    RCPT TO command)\n",
       STATUS.format(action="failed", status="5.1.1", text="550 5.1.1 No such user"))
report("dsn-postfix-delay", "THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND "
       "YOUR MESSAGE.\n\n<bob@b.com>: connect to mx.b.com: timed out\n",
       STATUS.format(action="delayed", status="4.4.1", text="450 timed out"),
       original_type="text/rfc822-headers", subject="Delayed Mail (still being "
       "retried)")
report("dsn-postfix-success", "Your message was successfully delivered.\n",
       STATUS.format(action="delivered", status="2.0.0", text="250 ok"),
       original_type="text/rfc822-headers", subject="Successful Mail Delivery "
       "Report")
report("dsn-exchange", "Delivery has failed to these recipients or groups:\n\n"
       "bob@b.com<mailto:bob@b.com>\nThe email address you entered couldn't be "
       "found.\n\nDiagnostic information for administrators:\n\nGenerating server:"
       " ex.a.com\n", "Reporting-MTA: dns;ex.a.com\nReceived-From-MTA: dns;x\n\n"
       "Final-recipient: RFC822;bob@b.com\nAction: failed\nStatus: 5.1.10\n"
       "Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound\n"
       "X-Display-Name: Bob\n", sender="Microsoft Outlook <MicrosoftExchange329e"
       "71ec@a.com>", subject="Undeliverable: Plan")
letter("dsn-exchange-html", multi(
    "report", multi("alternative", part("Delivery has failed.\n"), part(
        "<p><b>Delivery has failed to these recipients:</b></p><p><a href=\"mailto"
        ":bob@b.com\">bob@b.com</a></p>", "text/html; charset=us-ascii"),
                    boundary="in"),
    part(STATUS.format(action="failed", status="5.7.1", text="550 5.7.1 no"),
         "message/delivery-status"), part(ORIGINAL, "message/rfc822"),
    params="; report-type=delivery-status"), subject="Undeliverable: Plan")
report("dsn-office365", "Your message to bob@b.com couldn't be delivered.\n\nbob "
       "wasn't found at b.com.\n", "Reporting-MTA: dns;x.prod.outlook.com\n\n"
       "Final-Recipient: rfc822;bob@b.com\nAction: failed\nStatus: 5.4.1\n"
       "Diagnostic-Code: smtp;550 5.4.1 Recipient address rejected\n",
       original_type="text/rfc822-headers",
       sender="postmaster@a.onmicrosoft.com")
text("dsn-exim", "This message was created automatically by mail delivery "
     "software.\n\nA message that you sent could not be delivered to one or more "
     "of its\nrecipients. This is a permanent error. The following address(es) "
     "failed:\n\n  bob@b.com\n    host mx.b.com [192.0.2.1]\n    SMTP error from "
     "remote mail server after RCPT TO:<bob@b.com>:\n    550 no such user\n\n"
     "------ This is a copy of the message, including all the headers. ------\n\n"
     + ORIGINAL, sender="Mail Delivery System <Mailer-Daemon@a.com>",
     subject="Mail delivery failed: returning message to sender",
     extra="X-Failed-Recipients: bob@b.com\n")
report("dsn-exim-mime", "A message that you sent could not be delivered.\n",
       "Reporting-MTA: dns; a.com\n\nAction: failed\nFinal-Recipient: rfc822;bob@"
       "b.com\nStatus: 5.0.0\nRemote-MTA: dns; mx.b.com\n", sender="Mail Delivery "
       "System <Mailer-Daemon@a.com>")
text("dsn-qmail", "Hi. This is the qmail-send program at a.com.\nI'm afraid I "
     "wasn't able to deliver your message to the following addresses.\nThis is a "
     "permanent error; I've given up. Sorry it didn't work out.\n\n<bob@b.com>:\n"
     "192.0.2.1 does not like recipient.\nRemote host said: 550 no such user\n"
     "Giving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\n"
     "Return-Path: <me@a.com>\n" + ORIGINAL, sender="MAILER-DAEMON@a.com",
     subject="failure notice")
report("dsn-sendmail", "The original message was received at Tue, 24 Nov 2026\n"
       "from localhost [127.0.0.1]\n\n   ----- The following addresses had "
       "permanent fatal errors -----\n<bob@b.com>\n    (reason: 550 5.1.1 User "
       "unknown)\n\n   ----- Transcript of session follows -----\n... while "
       "talking to mx.b.com.:\n>>> DATA\n<<< 550 5.1.1 User unknown\n",
       "Reporting-MTA: dns; a.com\nReceived-From-MTA: DNS; localhost\n\n"
       "Final-Recipient: RFC822; bob@b.com\nAction: failed\nStatus: 5.1.1\n"
       "Diagnostic-Code: SMTP; 550 5.1.1 User unknown\nLast-Attempt-Date: x\n",
       sender="Mail Delivery Subsystem <MAILER-DAEMON@a.com>",
       subject="Returned mail: see transcript for details")
letter("dsn-gmail", multi(
    "report", multi("related", multi("alternative", part(
        "** Address not found **\n\nYour message wasn't delivered to bob@b.com.\n"),
        part("<h1>Address not found</h1><p>Your message wasn't delivered to <b>bob"
             "@b.com</b>.</p>", "text/html"), boundary="a"),
        part(b"\x89PNG", "image/png; name=icon.png", "base64",
             "attachment; filename=icon.png", "Content-ID: <icon.png>\n"),
        boundary="r"),
    part(STATUS.format(action="failed", status="5.1.1", text="550-5.1.1 x"),
         "message/delivery-status"), part(ORIGINAL, "message/rfc822"),
    params="; report-type=delivery-status"),
    sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
    subject="Delivery Status Notification (Failure)")
report("dsn-utf8", "Nicht zugestellt: jörg@münchen.example\n",
       "Reporting-MTA: dns; mail.a.com\n\nFinal-Recipient: utf-8; jörg@münchen."
       "example\nAction: failed\nStatus: 5.1.1\n", kind="global-delivery-status",
       original_type="message/global", charset="utf-8")
report("dsn-many", "Two failed.\n", "Reporting-MTA: dns; a.com\n\n" + "\n".join(
    f"Final-Recipient: rfc822; {n}@b.com\nAction: failed\nStatus: 5.1.1\n"
    for n in ("bob", "cary", "dan")))
letter("dsn-two-parts", multi("report", part("It failed.\n"), part(
    "Reporting-MTA: dns; a.com\n\nFinal-Recipient: rfc822; b@b.com\nAction: "
    "failed\nStatus: 5.0.0\n", "message/delivery-status"),
    params="; report-type=delivery-status"))
letter("dsn-base64", multi("report", part("It failed.\n"), part(
    "Reporting-MTA: dns; a.com\n\nFinal-Recipient: rfc822; b@b.com\nAction: "
    "failed\nStatus: 5.0.0\n", "message/delivery-status", "base64"),
    params="; report-type=delivery-status"))
MDN = ("Reporting-UA: a.com; Client\nFinal-Recipient: rfc822;bob@b.com\nOriginal-"
       "Message-ID: <x@a.com>\nDisposition: manual-action/MDN-sent-manually; {}\n")
report("mdn-displayed", "This is a Return Receipt for the mail that you sent to "
       "bob@b.com.\n\nNote: This Return Receipt only acknowledges that the message "
       "was displayed.\n", MDN.format("displayed"), kind="disposition-notification",
       original_type="text/rfc822-headers", sender="Bob <bob@b.com>",
       subject="Return Receipt (displayed) - Plan")
report("mdn-deleted", "Your message was deleted without being read.\n",
       MDN.format("deleted"), kind="disposition-notification",
       original_type="text/rfc822-headers", subject="Not read: Plan")
letter("mdn-outlook", multi(
    "report", part("Your message \n\n   To: Bob\n   Subject: Plan\n\nwas read on "
                   "Tuesday.\n", 'text/plain; charset="us-ascii"'),
    part(MDN.format("displayed"), "message/disposition-notification"),
    params=";\n\treport-type=disposition-notification"), subject="Read: Plan")
report("abuse-arf", "This is an email abuse report for an email message received "
       "from IP 192.0.2.1.\n", "Feedback-Type: abuse\nUser-Agent: Some/1.0\n"
       "Version: 1\nSource-IP: 192.0.2.1\n", kind="feedback-report",
       subject="FW: Earn money")
letter("dmarc-report", multi("mixed", part("This is a DMARC aggregate report for "
                                           "a.com.\n"), part(
    b"\x1f\x8b\x08" + b"x" * 60, "application/gzip", "base64", 'attachment; '
    'filename="google.com!a.com!1795000000!1795086399.xml.gz"')),
    subject="Report Domain: a.com Submitter: google.com Report-ID: <1>")
letter("dmarc-zip-alone", part(b"PK\3\4" + b"x" * 60, "application/zip;\n\tname="
                               '"yahoo.com!a.com!1!2.zip"', "base64",
                               "attachment"), subject="Report Domain: a.com")
letter("tls-report", multi("report", part("TLS report.\n"), part(
    b"\x1f\x8bx", "application/tlsrpt+gzip", "base64", "attachment; filename="
    '"x!a.com!1!2!.json.gz"'), params='; report-type="tlsrpt"'))
put("dsn-pillarbox", "From: Mail Delivery System <postmaster@mail.a.com>\nTo: <me@"
    "a.com>\nSubject: Mail could not be delivered\nMIME-Version: 1.0\nAuto-"
    "Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery"
    "-status;\n boundary=\"x\"\n\n--x\nContent-Type: text/plain; charset=utf-8\n\n"
    "Your mail could not be delivered to\n\n<bob@b.com>: 550 5.1.1 no such user\n"
    "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.a.com"
    "\n\nFinal-Recipient: rfc822; bob@b.com\nAction: failed\nStatus: 5.1.1\n--x\n"
    "Content-Type: text/rfc822-headers\n\nFrom: me@a.com\nSubject: Plan\n--x--\n")
