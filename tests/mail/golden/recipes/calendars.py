"""Invitations and answers as Google, Outlook and Apple write them."""
from .letters import letter, multi, part

ZONE = ("BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T03"
        "0000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\nTZOFF"
        "SETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n")


def calendar(method, event, kind="VEVENT", zone=ZONE):
    return (f"BEGIN:VCALENDAR\r\nPRODID:-//Google Inc//Google Calendar//EN\r\nVERSION:2"
            f".0\r\nMETHOD:{method}\r\n{zone}BEGIN:{kind}\r\n{event}END:{kind}\r\nEND:V"
            "CALENDAR\r\n")


EVENT = ("DTSTART;TZID=Europe/Berlin:20261124T090000\r\nDTEND;TZID=Europe/Berlin:202611"
         "24T100000\r\nORGANIZER;CN=Alice Adams:mailto:alice@a.com\r\nUID:1@a.com\r\nATT"
         "ENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;\r"
         "\n CN=me@a.com:mailto:me@a.com\r\nATTENDEE;CN=Bob:mailto:bob@b.com\r\nSUMMARY:"
         "Budget\\, part two\r\nLOCATION:Room 7\\; second floor\r\nDESCRIPTION:Bring\\nt"
         "he plan.\r\nSEQUENCE:0\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\n")


def invitation(name, method, event, subject="Invitation", cte=None, **more):
    data = calendar(method, event, **more)
    letter(f"calendar-{name}", multi(
        "mixed", multi("alternative", part("You have been invited.\n"), part(
            "<p>You have been invited.</p>", "text/html"), part(
            data, f"text/calendar; charset=utf-8; method={method}", cte),
            boundary="in"),
        part(data, 'application/ics; name="invite.ics"', "base64",
             'attachment; filename="invite.ics"')), subject=subject)


invitation("google", "REQUEST", EVENT)
invitation("google-base64", "REQUEST", EVENT, cte="base64")
invitation("cancel", "CANCEL", EVENT.replace("CONFIRMED", "CANCELLED"))
invitation("weekly", "REQUEST", EVENT + "RRULE:FREQ=WEEKLY;UNTIL=20261231;BYDAY=TU\r\n")
invitation("all-day", "REQUEST", "SUMMARY:Holiday\r\nDTSTART;VALUE=DATE:20261224\r\nDTEN"
           "D;VALUE=DATE:20261227\r\n")
invitation("utc", "PUBLISH", "SUMMARY:Call\r\nDTSTART:20261124T080000Z\r\nDTEND:20261124"
           "T083000Z\r\nLOCATION:https://meet.example/abc\r\n", zone="")
for status in ("ACCEPTED", "DECLINED", "TENTATIVE"):
    letter(f"calendar-reply-{status.lower()}", multi("alternative", part(
        f"Bob has {status.lower()} this invitation.\n"), part(calendar(
            "REPLY", EVENT.replace("NEEDS-ACTION", status)),
            "text/calendar; charset=UTF-8; method=REPLY")),
        subject=f"{status.title()}: Budget")
letter("calendar-outlook", multi("alternative", part("When: Tuesday\n", "text/plain; char"
       "set=us-ascii"), part(calendar("REQUEST", EVENT.replace("Alice Adams",
       '"Adams, Alice"').replace("SUMMARY:", "SUMMARY;LANGUAGE=en-us:") +
       "X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\r\nBEGIN:VALARM\r\nDESCRIPTION:REMINDER\r\n"
       "TRIGGER;RELATED=START:-PT15M\r\nACTION:DISPLAY\r\nEND:VALARM\r\n"),
       'text/calendar; charset="utf-8"; method=REQUEST', "base64")),
       extra="Content-Class: urn:content-classes:calendarmessage\n")
letter("calendar-alone", part(calendar("REQUEST", EVENT), "text/calendar; method=REQUEST"))
letter("calendar-alone-base64", part(calendar("REQUEST", EVENT), "text/calendar; charset="
                                     "utf-8; method=REQUEST", "base64"))
letter("calendar-attached", multi("mixed", part("See the date.\n"), part(
    calendar("PUBLISH", EVENT), "text/calendar; name=date.ics", None,
    "attachment; filename=date.ics")))
letter("calendar-todo", part(calendar("REQUEST", "SUMMARY:Write report\r\nDUE:20261201T1"
                             "20000\r\n", kind="VTODO"), "text/calendar"))
letter("calendar-utf8-folded", part(calendar("REQUEST", "SUMMARY:Größe und Ge\r\n wicht: "
       "你\r\n 好\r\nDTSTART:20261124T090000\r\n"), "text/calendar; charset=utf-8"))
letter("calendar-folded-in-character", part(
    b"BEGIN:VEVENT\r\nSUMMARY:Gr\xc3\r\n \xb6\xc3\x9fe\r\nDTSTART:20261124T090000\r\nEND:VEVENT\r\n",
    "text/calendar; charset=utf-8"))
letter("calendar-latin1", part(calendar("REQUEST", "SUMMARY:Größe\r\n").encode("latin-1"),
                               "text/calendar; charset=iso-8859-1", "quoted-printable"))
letter("calendar-many", part("BEGIN:VCALENDAR\n" + "".join(
    f"BEGIN:VEVENT\nSUMMARY:Event {i}\nDTSTART:202611{i:02d}\nEND:VEVENT\n"
    for i in range(1, 29)) + "END:VCALENDAR\n", "text/calendar"))
letter("calendar-broken", part("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:No end\nDTSTART:so"
                               "on\nnonsense\n", "text/calendar"))
letter("calendar-empty", part("", "text/calendar"))
letter("calendar-nonsense", part("This is no calendar.\n", "text/calendar"))
letter("calendar-evil", part(calendar("REQUEST", "SUMMARY:a\x1b[2J\\n\x07b\r\nLOCATION:" +
       "x" * 3000 + "\r\nORGANIZER:mailto:\u202eevil\r\n"), "text/calendar; charset=utf-8"))
letter("calendar-vcard", multi("mixed", part("My card.\n"), part(
    "BEGIN:VCARD\nVERSION:3.0\nFN:Alice Adams\nEMAIL:alice@a.com\nEND:VCARD\n",
    "text/vcard; name=alice.vcf", None, "attachment; filename=alice.vcf")))
