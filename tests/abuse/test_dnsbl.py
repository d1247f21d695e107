"""DNS lists: what they say counts, what they do not say never does."""

import time

from instance import Instance, wait_for
from strangers import Stranger, rcpt, served

BAD = "127.0.0.9"


def test_a_listed_client_is_refused_with_the_lists_words():
    zone = {("9.0.0.127.bl.test", "TXT"): [b"spam seen, see http://bl.test\x07\xe4"]}
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"]}}, "dnsbl bl.test\n",
                       zone)
    with inst, dns:
        with Stranger(inst, BAD) as s:
            answer, _ = s.rcpt()
            assert answer == ("550 5.7.1 Client [127.0.0.9] is listed by "
                              "bl.test: spam seen, see http://bl.test??")
            # the second one, too; but never postmaster (RFC 5321 4.5.1)
            assert s.say("RCPT TO:<bob@a.test>").startswith("550 5.7.1 Client")
            for who in ("postmaster", "PostMaster@a.test"):
                assert s.say(f"RCPT TO:<{who}>").startswith("250")
            assert s.say("RCPT TO:<postmaster@b.test>").startswith("550 5.7.1 C")
        assert inst.log().count("refused: Client [127.0.0.9] is listed") == 1
        answer, _ = rcpt(inst, "127.0.0.10")
        assert answer.startswith("250")


def test_who_is_trusted_is_not_asked_about():
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"],
                                    "127.0.0.1": ["127.0.0.3"]}},
                       "dnsbl bl.test\nrelay-from 127.0.0.9\n"
                       "auth-without-tls yes\n", ready=())
    with inst, dns:
        assert rcpt(inst, BAD)[0].startswith("250")
        assert rcpt(inst, "127.0.0.1")[0].startswith("250")
        with Stranger(inst, "127.0.0.8") as s:
            s.say("EHLO x.example")
            assert s.say("AUTH PLAIN AGFsaWNlQGEudGVzdABhbGljZS1wdw=="
                         ).startswith("235")
            assert s.rcpt(sender="alice@a.test")[0].startswith("250")
        assert not dns.questions("bl.test")


def test_weights_codes_and_allow_lists():
    inst, dns = served(
        {"one.test": {BAD: ["127.0.0.2"], "127.0.0.8": ["127.0.0.2"]},
         "two.test": {BAD: ["127.0.1.4"], "127.0.0.7": ["127.0.2.2"],
                      "127.0.0.6": ["127.0.2.9", "127.0.1.5"]},
         "ok.test": {"127.0.0.6": ["127.0.5.1"], "127.0.0.2": ["127.0.5.0"]}},
        "dnsbl one.test\n"
        "dnsbl two.test weight=2 codes=127.0.1.4-127.0.1.9,127.0.3.1\n"
        "dnsbl ok.test weight=-1\ndnsbl-refuse 2\n")
    with inst, dns:
        assert "two.test" in rcpt(inst, BAD)[0]                 # 3
        assert rcpt(inst, "127.0.0.8")[0].startswith("250")     # 1
        assert rcpt(inst, "127.0.0.7")[0].startswith("250")     # not its codes
        assert rcpt(inst, "127.0.0.6")[0].startswith("250")     # 2 - 1
        p = inst.run("mailconf", "--get", "dnsbl")
        assert p.stdout.splitlines()[1] == \
            "two.test weight=2 codes=127.0.1.4-127.0.1.9,127.0.3.1"


def test_answers_are_kept():
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"]}}, "dnsbl bl.test\n")
    with inst, dns:
        for _ in range(3):
            assert rcpt(inst, BAD)[0].startswith("550")
            assert rcpt(inst, "127.0.0.8")[0].startswith("250")
        asked = [q for q in dns.asked if q[1] == "A"]
        assert asked.count(("9.0.0.127.bl.test", "A")) == 1
        assert asked.count(("8.0.0.127.bl.test", "A")) == 1


def test_a_cache_of_no_size():
    inst, dns = served({"bl.test": {}}, "dnsbl bl.test\ndnsbl-cache 0\n")
    with inst, dns:
        for n in range(3):
            assert rcpt(inst, BAD)[0].startswith("250")
            assert len(dns.questions("bl.test")) == n + 1


def test_silence_costs_no_more_than_the_time_out():
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"]}, "dead.test": {},
                        "fail.test": {}},
                       "dnsbl bl.test weight=5\ndnsbl dead.test weight=100\n"
                       "dnsbl fail.test weight=100\ndnsbl-refuse 6\n"
                       "dnsbl-timeout 2\ndns-timeout 30\n")
    with inst, dns:
        dns.whole.update({"dead.test": "silence", "fail.test": "SERVFAIL"})
        answer, seconds = rcpt(inst, "127.0.0.8")
        assert answer.startswith("250") and 1.8 < seconds < 3.5
        # what was incomplete is kept for a moment, too
        answer, seconds = rcpt(inst, "127.0.0.8")
        assert answer.startswith("250") and seconds < 1
        # others are served meanwhile, and the wait ends with the client
        with Stranger(inst, "127.0.0.7") as slow:
            slow.sock.sendall(b"EHLO x.example\r\nMAIL FROM:<>\r\n"
                              b"RCPT TO:<alice@a.test>\r\n")
            start = time.monotonic()
            assert rcpt(inst, "127.0.0.1")[0].startswith("250")
            assert time.monotonic() - start < 1
        # a list that answers counts in time all the same
        answer, seconds = rcpt(inst, BAD)
        assert answer.startswith("250") and seconds < 3.5


def test_a_dead_list_does_not_save_the_listed():
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"]}, "dead.test": {}},
                       "dnsbl bl.test\ndnsbl dead.test\ndnsbl-timeout 1\n"
                       "dns-timeout 30\n")
    with inst, dns:
        dns.whole["dead.test"] = "silence"
        answer, seconds = rcpt(inst, BAD)
        assert answer == "550 5.7.1 Client [127.0.0.9] is listed by bl.test"
        assert seconds < 2.5


def test_error_codes_switch_a_list_off():
    inst, dns = served({"bl.test": {BAD: ["127.0.0.3"]}}, "dnsbl bl.test\n")
    with inst, dns:
        dns.whole["bl.test"] = "127.255.255.254"
        for address in (BAD, "127.0.0.8", "127.0.0.7"):
            assert rcpt(inst, address)[0].startswith("250")
        assert len(dns.questions("bl.test")) == 1   # and no more
        assert inst.log().count("dnsbl bl.test is not asked: it answers "
                                "with an error, 127.255.255.x") == 1


def test_lists_that_fail_their_self_test():
    inst, dns = served(
        {"error.test": "127.255.255.252", "all.test": "127.0.0.2",
         "parked.test": "192.0.2.80", "fail.test": "SERVFAIL",
         "none.test": {"127.0.0.2": []}, "good.test": {BAD: ["127.0.0.2"]}},
        "".join(f"dnsbl {n}.test\n" for n in
                ("error", "all", "parked", "fail", "none")) +
        "dnsbl good.test weight=2\ndnsbl-refuse 2\n", ready=("good.test",))
    with inst, dns:
        for name, why in (("error", "answers with an error"),
                          ("all", "lists 127.0.0.1"),
                          ("parked", "lists 127.0.0.1"),
                          ("fail", "does not answer"),
                          ("none", "does not list 127.0.0.2")):
            inst.wait_log(f"dnsbl {name}.test is not asked: it {why}")
        before = len(dns.asked)
        assert rcpt(inst, "127.0.0.8")[0].startswith("250")
        assert [q[0] for q in dns.asked[before:]] == ["8.0.0.127.good.test"]
        assert rcpt(inst, BAD)[0].startswith("550")
        assert inst.log().count("is not asked") == 5


def test_no_name_server_at_all():
    with Instance(extra="dnsbl bl.test\n") as inst:
        answer, seconds = rcpt(inst, BAD)
        assert answer.startswith("250") and seconds < 1
        inst.wait_log("dnsbl bl.test is not asked: it does not answer")


def test_many_clients_at_once_and_a_stop_in_the_middle():
    inst, dns = served({"bl.test": {}}, "dnsbl bl.test\ndnsbl-timeout 20\n"
                       "dns-timeout 60\n")
    with inst, dns:
        dns.whole["bl.test"] = "silence"
        clients = [Stranger(inst, f"127.0.1.{n + 1}") for n in range(30)]
        for c in clients:
            c.sock.sendall(b"EHLO x.example\r\nMAIL FROM:<>\r\n"
                           b"RCPT TO:<alice@a.test>\r\n")
        wait_for(lambda: len(set(dns.questions("bl.test"))) == 30)
        for c in clients[:10]:
            c.__exit__()
        start = time.monotonic()
        inst.stop()
        assert time.monotonic() - start < 5
        for c in clients[10:]:
            c.__exit__()


def test_no_more_than_256_questions_are_open():
    inst, dns = served({"bl.test": {}}, "dnsbl bl.test\ndnsbl-timeout 30\n"
                       "dns-timeout 60\nmax-sessions 400\n")
    with inst, dns:
        dns.whole["bl.test"] = "silence"
        clients = [Stranger(inst, f"127.0.{n // 200 + 1}.{n % 200 + 1}")
                   for n in range(256)]
        for c in clients:
            c.sock.sendall(b"EHLO x.example\r\nMAIL FROM:<>\r\n"
                           b"RCPT TO:<alice@a.test>\r\n")
        wait_for(lambda: len(set(dns.questions("bl.test"))) == 256, 20)
        answer, seconds = rcpt(inst, BAD)
        assert answer.startswith("250") and seconds < 2
        assert "9.0.0.127.bl.test" not in dns.questions("bl.test")
        for c in clients:
            c.__exit__()
