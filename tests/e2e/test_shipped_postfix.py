"""The main.cf that ships: each setting with the attack that it is there for. Postfix changes a message before a filter
reads it; with these settings the filter reads what is relayed. Each test sends the attack from a raw socket and sees it
refused or made harmless; where a setting does that, it is then taken away, and the attack works."""
import contextlib

import pytest
from servers.filter import Filter
from servers.process import wait_until

EVIL = "ceo@bank.test"


@contextlib.contextmanager
def changed(relay, *settings):
    """Postfix with other settings for a while."""
    shipped = [relay.postfix.run("postconf", "-c", relay.postfix.etc, s.split("=")[0]).strip() for s in settings]
    relay.postfix.postconf(*settings)
    try:
        yield
    finally:
        relay.postfix.postconf(*shipped)


def attack(relay, account, octets, to="x@dest.test"):
    """The reply to the whole message, given octet by octet."""
    octets = octets if isinstance(octets, bytes) else octets.encode()
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250 and client.rcpt(to) == 250
        return client.data_raw(octets)


def header_of(mail):
    return mail.data.split(b"\r\n\r\n", 1)[0]


def refused_from(reply):
    return reply == 550 and "5.7.1" in reply


# ---- octets that end or hide a field ----

def test_a_stray_cr_is_refused(relay, account):
    """It would become a space: the line a continuation of Postfix's own Received, unseen by filters, and relayed."""
    def message(subject):
        return f"\rFrom: {EVIL}\r\nFrom: {account.sender}\r\nSubject: {subject}\r\n\r\nx\r\n.\r\n"

    reply = attack(relay, account, message("stray refused"))
    assert reply == 550 and "5.7.1" in reply
    with changed(relay, "cleanup_replace_stray_cr_lf=yes"):
        assert attack(relay, account, message("stray replaced")) == 250
    assert f" From: {EVIL}".encode() in header_of(relay.sink.wait(subject="stray replaced"))
    assert not relay.sink.find(subject="stray refused")
    assert relay.tollgate.used(account) == 1


def test_a_cr_within_a_line_is_refused(relay, account):
    """To a reader that ends lines at a CR it is a From field."""
    def message(subject):
        return f"From: {account.sender}\r\nSubject: {subject}\r\nX-A: b\rFrom: {EVIL}\r\n\r\nx\r\n.\r\n"

    reply = attack(relay, account, message("cr refused"))
    assert reply == 550 and "5.7.1" in reply
    with changed(relay, "message_reject_characters=\\0"):
        assert attack(relay, account, message("cr kept")) == 250
    assert f"\rFrom: {EVIL}".encode() in relay.sink.wait(subject="cr kept").data
    assert not relay.sink.find(subject="cr refused")
    assert relay.tollgate.used(account) == 1


@pytest.mark.parametrize("place", ["value", "name", "body"])
def test_a_nul_is_refused(relay, account, place):
    """Text behind it is lost, for the filter and for the recipient; in a name it ends the header."""
    def message(subject):
        field = {"value": f"X-A: b\0From: {EVIL}\r\n", "name": f"X-\0A: b\r\nFrom: {EVIL}\r\n", "body": ""}[place]
        body = "a\0b" if place == "body" else "x"
        return f"From: {account.sender}\r\nSubject: {subject}\r\n{field}\r\n{body}\r\n.\r\n"

    reply = attack(relay, account, message(f"nul {place} refused"))
    assert reply == 550 and "5.7.1" in reply
    with changed(relay, "message_reject_characters=\\r"):
        assert attack(relay, account, message(f"nul {place}")) == 250
    mail = relay.sink.wait(subject=f"nul {place}")
    changed_under_way = {"value": EVIL.encode() not in mail.data, "name": f"From: {EVIL}".encode() not in header_of(mail),
                         "body": b"a\0b" not in mail.data or b"\0" in mail.data}
    assert changed_under_way[place]
    assert not relay.sink.find(subject=f"nul {place} refused")


# ---- a client on a local address gets its header completed ----

LOCAL = "local_header_rewrite_clients=permit_inet_interfaces"  # Postfix's default


@pytest.mark.parametrize("name,header,completed", [
    ("no From at all", "", "From: {sender}"),
    ("a route", "From: <@evil.test:{sender}>\r\n", "From: <{sender}>"),
    ("a first line with a space", " From: " + EVIL + "\r\nFrom: {sender}\r\n", "From: {sender}"),
    ("a byte order mark", "\ufeffFrom: {sender}\r\n", "From: {sender}"),
    ("a bare name", "From: root\r\n", None),
])
def test_a_header_that_postfix_would_complete_is_refused(relay, account, name, header, completed):
    def message(subject):
        return header.format(sender=account.sender) + f"Subject: {subject}\r\n\r\nx\r\n.\r\n"

    assert refused_from(attack(relay, account, message(f"{name} refused"))), name
    with changed(relay, LOCAL, "myorigin=" + account.domain):
        assert attack(relay, account, message(name)) == 250
    used = relay.tollgate.used(account)
    assert used == 1
    wait_until("the mail", lambda: any(m.sender == account.sender for m in relay.sink.find()))
    if completed:
        mail = next(m for m in relay.sink.find() if m.sender == account.sender)
        assert completed.format(sender=account.sender) in mail.text


def test_bare_names_get_no_domain_of_the_relay(relay, account):
    """From: root would become root@ the relay's own domain, before the milter reads it."""
    with relay.client(account=account) as client:
        reply = client.send(account.sender, "x@dest.test", message="From: root\nSubject: s\n\nx\n")
    assert refused_from(reply)


# ---- one message that is two ----

ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n"]


def smuggle(account, subject, end, sender):
    tail = b"MAIL FROM:<%s>\r\nRCPT TO:<victim@dest.test>\r\nDATA\r\nFrom: %s\r\nSubject: %s tail\r\n\r\ntail\r\n.\r\n" % (
        sender.encode(), sender.encode(), subject.encode())
    return f"From: {account.sender}\r\nSubject: {subject}\r\n\r\nfirst".encode() + end + tail


@pytest.mark.parametrize("end", ENDS, ids=repr)
def test_bare_newlines_smuggle_nothing(relay, account, end):
    subject = f"smuggled {ENDS.index(end)}"
    assert attack(relay, account, smuggle(account, subject, end, EVIL)) == 250
    mail = relay.sink.wait(subject=subject)
    # All of it is the text of one message, whatever SMTP commands it looks like.
    assert b"MAIL FROM:" in mail.data and not relay.sink.find(subject=f"{subject} tail")
    assert relay.tollgate.used(account) == 1


@pytest.mark.parametrize("setting", ["smtpd_forbid_bare_newline=no", "smtpd_forbid_bare_newline_exclusions=127.0.0.0/8"])
def test_without_the_setting_a_tail_is_smuggled_and_judged_and_counted_on_its_own(relay, account, setting):
    """To a relay that takes bare newlines the tail is a second message: so it is one here too, under all rules."""
    kind = setting.partition("=")[0]
    with changed(relay, setting), relay.client(account=account) as client:
        for sender, subject, code in ((account.sender, f"{kind} own", 250), (EVIL, f"{kind} foreign", 553)):
            assert client.mail(account.sender) == 250 and client.rcpt("x@dest.test") == 250
            assert client.data_raw(smuggle(account, subject, ENDS[0], sender)) == 250
            replies = [client.reply()]  # to the tail's MAIL, RCPT, DATA and end, or to lines that are no commands
            while replies[-1].ok and len(replies) < 4:
                replies.append(client.reply())
            assert replies[-1] == code, replies
            relay.sink.wait(subject=subject)
            if code != 250:
                break
    relay.sink.wait(subject=f"{kind} own tail")
    assert not relay.sink.find(subject=f"{kind} foreign tail")
    # Both first messages and the one tail.
    assert relay.tollgate.used(account) == 3
    wait_until("the refusal's record", lambda: ["sender"] == [
        a["rule"] for a in relay.tollgate.activity(account) if a["kind"] == "refused"])


# ---- fields that are none ----

def test_a_from_with_a_space_before_its_colon_is_a_second_from(relay, account):
    reply = attack(relay, account, f"Subject: s\r\nFrom : {EVIL}\r\nFrom: {account.sender}\r\n\r\nx\r\n.\r\n")
    assert refused_from(reply)


def test_a_from_with_a_space_as_first_line_is_no_author(relay, account):
    """Postfix takes it for mbox's "From " line, and renames it."""
    message = f"From : {EVIL}\r\nFrom: {account.sender}\r\nSubject: mbox line\r\n\r\nx\r\n.\r\n"
    assert attack(relay, account, message) == 250
    mail = relay.sink.wait(subject="mbox line")
    assert mail.header("From") == [account.sender]
    assert b"X-Mailbox-Line: From : " in mail.data and b"\r\nFrom : " not in mail.data


def test_what_follows_a_line_that_is_no_field_is_text(relay, account):
    message = f"From: {account.sender}\r\nSubject: no field\r\nthis is no field\r\nFrom: {EVIL}\r\n\r\nx\r\n.\r\n"
    assert attack(relay, account, message) == 250
    mail = relay.sink.wait(subject="no field")
    assert mail.header("From") == [account.sender]
    assert EVIL.encode() not in header_of(mail) and EVIL.encode() in mail.data


def test_a_field_over_the_size_limit_is_judged_as_it_is_relayed(relay, account):
    """header_size_limit is 102400: the rest is cut off, for the filter and for the recipient alike."""
    fold = "\r\n " + "a" * 900
    harmless = f"From: {account.sender}\r\nSubject: long\r\nX-Long:{fold * 130}\r\n\r\nx\r\n.\r\n"
    assert attack(relay, account, harmless) == 250
    assert relay.sink.wait(subject="long").header("From") == [account.sender]
    hidden = f"From: {account.sender}{fold * 130}\r\n , {EVIL}\r\nSubject: long from\r\n\r\nx\r\n.\r\n"
    assert refused_from(attack(relay, account, hidden))
    blanks = "\r\n " + " " * 900
    hidden = f"From: {account.sender}{blanks * 130}\r\n , {EVIL}\r\nSubject: long blanks\r\n\r\nx\r\n.\r\n"
    reply = attack(relay, account, hidden)
    if reply == 250:
        assert EVIL not in relay.sink.wait(subject="long blanks").text
    else:
        assert refused_from(reply), reply


# ---- the milter away ----

STAGES = ["connect", "MAIL", "RCPT", "DATA", "text"]


def message_with_the_milter_killed_at(relay, account, stage, subject):
    """Every reply from MAIL on."""
    if stage == "connect":
        relay.tollgate.milter.kill()
    with relay.client(hello=None) as client:
        replies = [client.command("EHLO client.test")]
        replies.append(client.auth_plain(account.username, account.password))
        for command, line in (("MAIL", f"MAIL FROM:<{account.sender}>"), ("RCPT", "RCPT TO:<x@dest.test>"), ("DATA", "DATA")):
            if stage == command:
                relay.tollgate.milter.kill()
            replies.append(client.command(line))
        if replies[-1] == 354:
            client.send_raw(f"From: {EVIL}\r\nSubject: {subject}\r\n\r\n" + "x\r\n" * 100)
            if stage == "text":
                relay.tollgate.milter.kill()
            client.send_raw(".\r\n")
            replies.append(client.reply())
    relay.tollgate.start_milter()
    return replies


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_passes_while_the_milter_is_away(make_relay_once, stage):
    relay, account = make_relay_once
    used = relay.tollgate.used(account)
    replies = message_with_the_milter_killed_at(relay, account, stage, f"tempfail {stage}")
    assert replies[-1].code in (451, 503, 554) and any(r.code in (451, 454) for r in replies), replies
    with changed(relay, "milter_default_action=accept"):
        replies = message_with_the_milter_killed_at(relay, account, stage, f"accept {stage}")
        assert replies[-1] == 250, replies
    # With a From of somebody else's, uncounted.
    assert relay.sink.wait(subject=f"accept {stage}").header("From") == [EVIL]
    assert not relay.sink.find(subject=f"tempfail {stage}")
    assert relay.tollgate.used(account) == used


@pytest.fixture(scope="module")
def make_relay_once(relay):
    return relay, relay.tollgate.add_account()


# ---- the order of filters ----

def test_tollgate_goes_last_for_what_a_filter_behind_it_refuses_was_counted(relay, account):
    shipped = relay.postfix.run("postconf", "-c", relay.postfix.etc, "-h", "smtpd_milters").strip()
    other = Filter()
    try:
        with changed(relay, f"smtpd_milters={other.address}, {shipped}"):
            assert not relay.send(account).ok
            assert (other.ends, relay.tollgate.used(account)) == (1, 0)
        with changed(relay, f"smtpd_milters={shipped}, {other.address}"):
            assert not relay.send(account).ok
            assert (other.ends, relay.tollgate.used(account)) == (2, 1)
    finally:
        other.stop()


def test_mynetworks_would_let_clients_in_that_the_milter_refuses(relay, account):
    """It is empty: who is neither logged in nor authorised hears of it early, from the milter, whatever restrictions say."""
    with relay.client(source="127.0.0.8") as client:
        assert client.mail(account.sender) == 530
    with changed(relay, "mynetworks=127.0.0.0/8", "smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination"), \
            relay.client(source="127.0.0.8") as client:
        assert client.mail(account.sender) == 530

