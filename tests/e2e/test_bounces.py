"""Where bounces go: direct and signed reverse-paths, reports from others and Postfix's own, and what is no report."""
import itertools
import os
import pathlib
import re

import pytest
from servers.process import THREAD_SANITIZER

from servers.process import wait_until

DOMAIN = "bounces.relay.test"
# Postfix slows down, and leaves, a client with many errors: not here.
RELAY = {"return_path_domain": DOMAIN, "init_options": ("--return-path-domain", DOMAIN),
         "postfix": {"settings": ["smtpd_soft_error_limit = 1000", "smtpd_hard_error_limit = 1000"]}}
FAKETIME = next(iter(sorted(map(str, pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")))), None)
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def direct(request):
    import conftest
    return conftest.make(request)


@pytest.fixture
def notified(relay):
    """An account with a notification address."""
    account = relay.tollgate.add_account()
    account.notify = f"bounces{account.id}@{account.domain}"
    relay.command("account", "set", account.username, "--notify", account.notify)
    return account


def token_of(relay, account, sender=None):
    """Sends a message; the reverse-path with which it left."""
    subject = f"token {next(numbers)}"
    with relay.client(account=account) as client:
        assert client.send(sender or account.sender, "x@dest.test", subject=subject, header_from=account.sender) == 250
    return relay.sink.wait(subject=subject).sender


def bring(relay, tokens, report, sender="", port=None):
    """A stranger's mail server brings a report to the report listener."""
    with relay.client(relay.new_address(), port=port or relay.postfix.report_port) as client:
        return client.send(sender, tokens, message=report)


def dsn(recipient="user@dest.test", action="failed", status="5.1.1", subject="Undelivered", more=""):
    return (f"From: MAILER-DAEMON@mx.dest.test\nTo: you\nSubject: {subject}\nMIME-Version: 1.0\n"
            f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\n"
            f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.dest.test\n\n"
            f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
            f"Diagnostic-Code: smtp; 550 {status} no such user\n{more}\n--b--\n")


def complaint(recipient):
    return (f"From: abuse@big.test\nTo: you\nSubject: complaint\nMIME-Version: 1.0\n"
            f"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nAn abuse report.\n\n--b\n"
            f"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: T/1\nVersion: 1\n"
            f"Original-Rcpt-To: <{recipient}>\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\n\nx\n--b--\n")


# ---- direct ----

def test_direct_bounces_go_to_the_notification_address_or_stay_with_the_sender(direct):
    account = direct.tollgate.add_account()
    assert direct.send(account, subject="no notification address") == 250
    assert direct.sink.wait(subject="no notification address").sender == account.sender
    direct.command("account", "set", account.username, "--notify", "ops@customer.example")
    assert direct.send(account, "rej550.direct@dest.test", subject="rejected") == 250
    report = direct.sink.wait(to="ops@customer.example")
    assert report.sender == "" and "rej550.direct@dest.test" in report.text
    assert direct.send(account, subject="with one") == 250
    assert direct.sink.wait(subject="with one").sender == "ops@customer.example"
    # The original sender is what the activity tells.
    assert direct.tollgate.activity(account)[-1]["sender"] == account.sender


# ---- signed ----

def test_the_reverse_path_is_a_token_that_tells_nothing_and_differs_each_time(relay, account):
    paths = [token_of(relay, account) for _ in range(3)]
    assert len(set(paths)) == 3
    for path in paths:
        token = path.removesuffix(f"@{DOMAIN}")
        assert re.fullmatch(r"[a-z2-7]{20,64}", token), path
        assert account.username not in path
    assert relay.tollgate.try_command("trace", paths[0]).status == 0


def test_a_null_sender_stays_one(relay, account):
    with relay.client(account=account) as client:
        assert client.send("", "x@dest.test", subject="null stays", header_from=account.sender) == 250
    assert relay.sink.wait(subject="null stays").sender == ""


def test_postfixs_own_report_comes_to_the_notification_address_and_is_recorded(relay, notified):
    assert relay.send(notified, ["rej550.own@dest.test", "fine@dest.test"], subject="own report") == 250
    report = relay.sink.wait(to=notified.notify)
    assert report.sender == "" and "rej550.own@dest.test" in report.text
    event = relay.tollgate.wait_activity(notified, kind="bounce")[0]
    assert (event["result"], event["recipient"]) == ("hard", "rej550.own@dest.test")
    assert event["text"].startswith("5.1.1")
    assert relay.tollgate.used(notified) == 2
    relay.sink.wait(subject="own report")


def test_postfixs_own_report_comes_to_the_original_sender_where_there_is_no_notification_address(relay, account):
    sender = f"Orig.Case+tag@{account.domain}"
    with relay.client(account=account) as client:
        assert client.send(sender, "rej550.back@dest.test") == 250
    assert "rej550.back@dest.test" in relay.sink.wait(to=sender).text
    assert relay.postfix.queue() == []


@pytest.mark.parametrize("action, status, result", [
    ("failed", "5.1.1", "hard"), ("failed", "4.4.7", "soft"), ("failed", "5.2.2", "soft"), ("delayed", "4.4.1", "delayed")])
def test_a_remote_report_is_recorded_by_kind_and_sent_on(relay, notified, action, status, result):
    subject = f"report {next(numbers)}"
    assert bring(relay, token_of(relay, notified), dsn("User@dest.test", action, status, subject)) == 250
    event = relay.tollgate.wait_activity(notified, kind="bounce")[0]
    assert (event["result"], event["recipient"]) == (result, "User@dest.test")
    assert status in event["text"] and event["client"].startswith("127.9.")
    mail = relay.sink.wait(subject=subject)
    assert (mail.sender, mail.recipients) == ("", [notified.notify])
    assert relay.tollgate.used(notified) == 1


def test_each_recipient_of_a_report_is_recorded(relay, notified):
    more = "\nFinal-Recipient: rfc822; two@dest.test\nAction: delayed\nStatus: 4.2.0\n"
    assert bring(relay, token_of(relay, notified), dsn("one@dest.test", more=more)) == 250
    events = relay.tollgate.wait_activity(notified, 2, kind="bounce")
    assert {(e["recipient"], e["result"]) for e in events} == {("one@dest.test", "hard"), ("two@dest.test", "delayed")}


def test_a_complaint_is_recorded_and_sent_on(relay, notified):
    assert bring(relay, token_of(relay, notified), complaint("angry@big.test")) == 250
    event = relay.tollgate.wait_activity(notified, kind="complaint")[0]
    assert (event["result"], event["recipient"]) == ("complaint", "angry@big.test")
    relay.sink.wait(to=notified.notify, subject="complaint")


def test_a_report_in_plain_words_is_recorded_as_unknown_and_sent_on(relay, notified):
    assert bring(relay, token_of(relay, notified), "From: postmaster@old.test\nSubject: sorry\n\nIt did not work.\n") == 250
    assert relay.tollgate.wait_activity(notified, kind="bounce")[0]["result"] == "unknown"
    relay.sink.wait(to=notified.notify, subject="sorry")


def test_a_report_of_success_is_sent_on_and_is_no_bounce(relay, notified):
    assert bring(relay, token_of(relay, notified), dsn(action="delivered", status="2.0.0", subject="it arrived")) == 250
    relay.sink.wait(to=notified.notify, subject="it arrived")
    assert bring(relay, token_of(relay, notified), dsn()) == 250
    assert [e["result"] for e in relay.tollgate.wait_activity(notified, kind="bounce")] == ["hard"]


def test_one_token_may_be_reported_on_many_times_and_by_a_relay_that_folded_its_case(relay, notified):
    token = token_of(relay, notified)
    local, _, domain = token.partition("@")
    for form in token, token, f"{local.upper()}@{domain}", f"{local}@{domain.upper()}", f"{local.capitalize()}@{domain}":
        assert bring(relay, form, dsn(action="delayed", status="4.4.1", subject="again")) == 250, form
    assert bring(relay, token, dsn(subject="again")) == 250
    wait_until("six reports", lambda: len(relay.sink.find(subject="again", to=notified.notify)) == 6)
    events = relay.tollgate.wait_activity(notified, 5, kind="bounce")
    assert sorted(e["result"] for e in events) == ["delayed"] * 4 + ["hard"] # each recipient: four delays, one end


def test_nobody_ruins_a_reputation_with_the_one_token_that_he_received(relay, notified):
    """All come to the notification address; of a message to one recipient one hard bounce and one complaint is recorded."""
    token = token_of(relay, notified)
    local, _, domain = token.partition("@")
    spellings = [local[:i] + local[i:].upper() + "@" + domain for i in range(0, len(local), 9)]
    many = "".join(f"\nFinal-Recipient: rfc822; u{i}@dest.test\nAction: failed\nStatus: 5.1.1\n" for i in range(99))
    for n in range(5):
        assert bring(relay, spellings, dsn(subject=f"forged {n}", more=many)) == 250
        assert bring(relay, token, complaint("angry@big.test")) == 250
    for n in range(5):
        relay.sink.wait(subject=f"forged {n}", to=notified.notify)
    # A report on another message comes behind them.
    assert bring(relay, token_of(relay, notified), dsn(action="delayed", status="4.4.1")) == 250
    relay.tollgate.wait_activity(notified, kind="bounce", result="delayed")
    kinds = [e["kind"] for e in relay.tollgate.activity(notified)]
    assert (kinds.count("bounce"), kinds.count("complaint")) == (2, 1)
    assert relay.tollgate.show(notified)["reputation"]["score"] == 100


def test_a_report_to_two_accounts_comes_to_both(relay, notified):
    other = relay.tollgate.add_account()
    relay.command("account", "set", other.username, "--notify", "other@customer.example")
    tokens = [token_of(relay, notified), token_of(relay, other)]
    assert bring(relay, tokens, dsn(subject="to both")) == 250
    assert relay.sink.wait(subject="to both", to=notified.notify) is not None
    assert relay.sink.wait(subject="to both", to="other@customer.example") is not None
    for account in notified, other:
        assert relay.tollgate.wait_activity(account, kind="bounce")


def test_a_report_to_a_disabled_account_still_arrives(relay, notified):
    token = token_of(relay, notified)
    relay.command("account", "disable", notified.username)
    assert bring(relay, token, dsn(subject="after all")) == 250
    relay.sink.wait(subject="after all", to=notified.notify)


def test_a_report_reaches_an_address_whose_domain_is_beyond_ascii(relay, account):
    relay.command("account", "set", account.username, "--notify", f"ops{account.id}@bücher.example")
    assert bring(relay, token_of(relay, account), dsn()) == 250
    relay.sink.wait(to=f"ops{account.id}@xn--bcher-kva.example")


def test_without_a_notification_address_a_report_is_the_original_senders(relay, account):
    token = token_of(relay, account)
    assert bring(relay, token, dsn(subject="to the sender")) == 250
    assert relay.sink.wait(subject="to the sender").recipients == [account.sender]


# ---- what is refused ----

def test_what_is_no_report_is_refused_on_the_report_listener(relay, account):
    token = token_of(relay, account)
    with relay.client(relay.new_address(), port=relay.postfix.report_port) as client:
        relay.refused(client.mail("someone@dest.test"), 530, "5.7.0", "client")
        assert client.mail("") == 250
        assert "Relay access denied" in client.rcpt("x@dest.test")
        relay.refused(client.rcpt("x@nowhere.test"), 530, "5.7.0", "client")
        assert client.rcpt(token) == 250
        assert not client.rcpt("x@nowhere.test").ok


def test_a_token_takes_no_mail_that_has_a_sender(relay, account):
    token = token_of(relay, account)
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        reply = client.rcpt(token)
        relay.refused(reply, 550, "5.7.1", "return-path")
        assert "null sender" in reply
        assert client.rcpt(f"nobody@{DOMAIN}") == 550
        assert client.rcpt("x@dest.test") == 250
        assert client.data(f"From: {account.sender}\n\nx\n") == 250
    assert relay.tollgate.used(account) == 2


def test_a_report_may_come_by_the_main_listener_too_and_costs_nobody(relay, notified):
    token = token_of(relay, notified)
    with relay.client(relay.new_address()) as client:
        assert client.send("", token, message=dsn(subject="by the main door")) == 250
    relay.sink.wait(subject="by the main door", to=notified.notify)
    assert relay.tollgate.used(notified) == 1
    with relay.client(relay.new_address()) as client:
        assert client.mail("") == 250
        assert not client.rcpt("x@dest.test").ok
        relay.refused(client.rcpt(f"x@{DOMAIN}"), 550, "5.7.1", "return-path")


def test_a_report_and_ordinary_recipients_do_not_mix(relay, notified):
    token = token_of(relay, notified)
    with relay.client(account=notified) as client:
        assert client.mail("") == 250
        assert client.rcpt(token) == 250
        relay.refused(client.rcpt("x@dest.test"), 550, "5.7.1", "return-path")
        assert client.data(dsn(subject="unmixed")) == 250
    assert relay.sink.wait(subject="unmixed").recipients == [notified.notify]
    with relay.client(account=notified) as client:
        assert client.mail("") == 250
        assert client.rcpt("x@dest.test") == 250
        relay.refused(client.rcpt(token), 550, "5.7.1", "return-path")
    assert relay.tollgate.used(notified) == 1


def test_the_report_listener_never_takes_its_neighbour_for_an_authorised_address(relay, account):
    relay.command("ip", "add", "127.0.0.1", account.username)
    try:
        with relay.client("127.0.0.1") as client:
            assert client.mail(account.sender) == 250
        with relay.client("127.0.0.1", port=relay.postfix.report_port) as client:
            relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
            assert client.mail("") == 250
            relay.refused(client.rcpt("x@nowhere.test"), 530, "5.7.0", "client")
    finally:
        relay.command("ip", "remove", "127.0.0.1", account.username)


def test_dsn_parameters_survive_the_change_of_the_sender(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender, "RET=HDRS ENVID=abc123 BODY=8BITMIME") == 250
        assert client.rcpt("x@dest.test", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;orig@dest.test") == 250
        assert client.data(f"From: {account.sender}\nSubject: parameters\n\nx\n") == 250
    mail = relay.sink.wait(subject="parameters")
    assert mail.sender.endswith(f"@{DOMAIN}")
    for word in "RET=HDRS", "ENVID=abc123", "BODY=8BITMIME":
        assert word in mail.mail, mail.mail
    assert "NOTIFY=SUCCESS,FAILURE" in mail.rcpt[0] and "ORCPT=rfc822;orig@dest.test" in mail.rcpt[0]


def test_forged_truncated_and_changed_tokens_are_refused_at_rcpt(relay, account):
    token = token_of(relay, account)
    local = token.split("@")[0]
    letters = "abcdefghijklmnopqrstuvwxyz234567"

    def flipped(i):
        return local[:i] + letters[letters.index(local[i]) ^ 1] + local[i + 1:]
    bad = [flipped(i) for i in range(len(local))]
    bad += [local[:-1], local[:-8], local[:1], local + "a", "a" + local, local[::-1], "postmaster", "a" * len(local), f"{local}+x", "abuse"]
    with relay.client(relay.new_address(), port=relay.postfix.report_port) as client:
        assert client.mail("") == 250
        for wrong in bad:
            reply = client.rcpt(f"{wrong}@{DOMAIN}")
            assert reply == 550 and "5.7.1 bad or expired return path [ref" in reply, (wrong, reply)
        assert client.rcpt(token) == 250
    relay.tollgate.wait_event("refused", "rule=return-path", f"ref={relay.tollgate.reference(reply.text)}")


@pytest.mark.skipif(FAKETIME is None, reason="no libfaketime (package libfaketime)")
@pytest.mark.skipif(THREAD_SANITIZER, reason="not with libfaketime")
def test_a_token_expires(relay, notified):
    """The milter, started again with its clock put forward (libfaketime); last, for the others need the right time."""
    token = token_of(relay, notified)
    tollgate = relay.tollgate

    def restart(**env):
        # Killed: libfaketime's locks do not always let a process end.
        tollgate.milter.kill()
        tollgate.start_milter(env={**os.environ, **env})

    def put_forward(days):
        restart(LD_PRELOAD=FAKETIME, FAKETIME=f"+{days}d", FAKETIME_DONT_FAKE_MONOTONIC="1")
    put_forward(13)
    assert bring(relay, token, dsn(subject="in time")) == 250
    relay.sink.wait(subject="in time", to=notified.notify)
    put_forward(15)
    reply = bring(relay, token, dsn())
    relay.refused(reply, 550, "5.7.1", "return-path")
    assert "bad or expired return path" in reply
    # What leaves now is as good as ever.
    assert bring(relay, token_of(relay, notified), dsn(subject="new one")) == 250
    restart()
    assert bring(relay, token, dsn(subject="in time again")) == 250
