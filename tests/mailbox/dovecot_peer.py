"""Random operations on a mailbox by Dovecot: mail comes by LMTP, is flagged by
IMAP, and removed by IMAP or POP3.

usage: dovecot_peer.py LMTP IMAP POP3 SEED COUNT WHO TORN; says what drive.c says,
and "?ID": it was to be removed, and the session ended without an answer (Dovecot's
imap dies of mboxes that change much)

Dovecot knows a changed mbox by its size and the second of its time: of one that
changes many times a second it may now and then give a piece of a message for
the whole, at most TORN times.
"""

import imaplib
import poplib
import random
import smtplib
import sys
import time

from messages import ident_of, text_of

LMTP, IMAP, POP3, SEED, COUNT, WHO, TORN = sys.argv[1:]
torn = 0
asked = []                      # to be removed, not yet answered
KEPT_MOST = 60
FLAGS = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Label"]
pick = random.Random(int(SEED))
added = 0


def said(sign, ident):
    print(sign + ident, flush=True)


def add():
    global added
    with smtplib.LMTP(LMTP) as s:
        s.ehlo()
        for _ in range(pick.randrange(1, 4)):
            added += 1
            ident = f"{WHO}-{added}"
            s.mail("a@b.test")
            s.rcpt("bob")
            code, answer = s.data(text_of(ident).replace(b"\n", b"\r\n"))
            if code != 250:
                raise RuntimeError(answer)
            said("+", ident)


def idents(session):
    """Of all messages: UID and ID."""
    _, data = session.uid("fetch", "1:*", "(BODY.PEEK[])")
    found = {}
    for item in data or []:
        if isinstance(item, tuple) and item[1]:
            uid = item[0].decode().split("UID ")[1].split()[0]
            found[uid] = ident_of(item[1])
    return found


def imap():
    session = imaplib.IMAP4("127.0.0.1", int(IMAP))
    session.login("bob", "secret")
    session.select()
    found = idents(session)
    for uid in pick.sample(sorted(found), min(len(found), 3)):
        if len(found) > KEPT_MOST or pick.randrange(3) == 0:
            asked.append(found[uid])
            session.uid("store", uid, "+FLAGS.SILENT", "(\\Deleted)")
            kind, _ = session.expunge()
            if kind == "OK" and uid not in idents(session):
                asked.remove(found[uid])
                said("-", found.pop(uid))
        else:
            session.uid("store", uid, pick.choice(["+FLAGS", "-FLAGS"]),
                        f"({pick.choice(FLAGS)})")
    session.logout()


def pop3():
    """QUIT says whether all were removed."""
    session = poplib.POP3("127.0.0.1", int(POP3))
    session.user("bob")
    session.pass_("secret")
    gone = []
    numbers = range(1, len(session.list()[1]) + 1)
    for n in pick.sample(numbers, min(len(numbers), 2)):
        try:
            text = b"\r\n".join(session.retr(n)[1]) + b"\r\n"
            asked.append(ident_of(text))
            session.dele(n)
            gone.append(asked[-1])
        except poplib.error_proto:
            pass                # it is there no more
    session.quit()
    for ident in gone:
        asked.remove(ident)
        said("-", ident)


for _ in range(int(COUNT)):
    while True:
        try:
            pick.choice([add, add, imap, pop3])()
            break
        except AssertionError:
            torn += 1
            if torn > int(TORN):
                raise
        except (imaplib.IMAP4.error, poplib.error_proto, OSError) as why:
            print(why, file=sys.stderr)
            time.sleep(0.1)
        finally:
            while asked:
                said("?", asked.pop())
