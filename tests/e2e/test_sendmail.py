"""Sendmail, with the lines that ship (conf/sendmail): logins by saslauthd's protocol, authorised IPs by the socket map, every
rule of the milter, both bounce modes, exact counting."""
import concurrent.futures
import itertools
import shutil

import pytest

from servers import sendmail
from servers.client import Lost

pytestmark = [pytest.mark.skipif(not sendmail.PROGRAM.exists(), reason="Sendmail is not unpacked in the build (./run-tests does it)"),
              pytest.mark.skipif(shutil.which("m4") is None, reason="no m4")]

DOMAIN = "bounces.relay.test"
numbers = itertools.count(1)


def make(request, **settings):
    """Sendmail runs as root: the sockets' group does not matter to it."""
    from conftest import make as make_relay
    relay = make_relay(request, server=sendmail.Sendmail, start=False, **settings)
    run = relay.tollgate.run
    shutil.chown(run, relay.tollgate.settings["user"])  # as /run/tollgate is
    relay.tollgate.configure(saslauthd_listen=[f"unix:{run}/mux"], socketmap_listen=[f"unix:{run}/socketmap"], auth_listen=[],
                             policy_listen=[])
    relay.start()
    return relay


@pytest.fixture(scope="module")
def relay(request):
    """Signed bounces."""
    return make(request, return_path_domain=DOMAIN, init_options=("--return-path-domain", DOMAIN))


def message(account, subject="test", more=""):
    return f"From: {account.sender}\nSubject: {subject}\n{more}\nhello\n"


def token_of(relay, account):
    """Sends a message; the reverse-path with which it left."""
    subject = f"token {next(numbers)}"
    assert relay.send(account, subject=subject) == 250
    return relay.sink.wait(subject=subject).sender


# ---- logins ----

def test_logins_are_checked_through_saslauthds_protocol(relay, account):
    with relay.client() as client:
        assert "AUTH PLAIN LOGIN\n" in client.hello.text + "\n"
        assert client.auth_plain(account.username, "wrong") == 535
        assert client.auth_plain("nobodyatall1", account.password) == 535
        assert client.auth_login(account.username, account.password) == 235
    with relay.client(account=account) as client:
        assert client.send(account.sender, "x@dest.test", subject="by sendmail") == 250
    assert relay.sink.wait(subject="by sendmail").recipients == ["x@dest.test"]
    assert relay.tollgate.used(account) == 1
    relay.tollgate.wait_activity(account, kind="auth-failed")


def test_a_disabled_account_cant_log_in_and_an_old_password_works_through_its_overlap(relay, account):
    relay.command("account", "disable", account.username)
    with relay.client() as client:
        assert client.auth_plain(account.username, account.password) == 535
    relay.command("account", "enable", account.username)
    renewed = relay.command("account", "password", account.username, "--overlap", "1d")["password"]
    for password in account.password, renewed:
        with relay.client() as client:
            assert client.auth_login(account.username, password) == 235


# ---- the rules ----

def test_client_an_unknown_one_is_refused_and_an_authorised_ip_sends_without_a_login(relay, account):
    address = relay.new_address()
    with relay.client(address) as client:
        event = relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
        assert (event["client"], event["sender"]) == (address, account.sender)
        assert event["queue_id"]
    relay.command("ip", "add", address, account.username)
    assert relay.send(None, sender=account.sender, source=address, subject="by address") == 250
    relay.sink.wait(subject="by address")
    assert relay.tollgate.used(account) == 1
    relay.command("ip", "remove", address, account.username)
    with relay.client(address) as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_client_sendmail_itself_relays_for_authorised_ips_and_for_nobody_else(relay, account):
    """With a milter that lets unknown clients through, what is refused is refused by the socket map's answer."""
    inside, outside = relay.new_address(), relay.new_address()
    relay.command("ip", "add", inside, account.username)
    with relay.tollgate.changed(relay.tollgate.milter, unknown_clients="ignore"):
        with relay.client(outside) as client:
            assert client.mail("anybody@elsewhere.test") == 250
            assert client.rcpt("x@dest.test") == 550
        with relay.client(inside) as client:
            assert client.mail(account.sender) == 250
            assert client.rcpt("x@dest.test") == 250
            relay.command("ip", "remove", inside, account.username)
            reply = client.rcpt("y@dest.test")
            assert reply == 550 and "Relaying denied" in reply


def test_client_a_network_of_ipv6_form_is_asked_for_without_sendmails_prefix(relay, account):
    relay.command("ip", "add", "2001:db8:5::/64", account.username)
    def relays(address, login=""):
        out = relay.mta.test_mode(f".D{{client_addr}}{address}", f".D{{auth_type}}{login}", "Rcpt_ok x@dest.test")
        result, = (line.split("returns:")[1].split() for line in out.splitlines() if "Rcpt_ok" in line and "returns:" in line)
        return "RELAY" in result
    assert relays("IPv6:2001:db8:5:0:0:0:0:7")
    assert not relays("IPv6:2001:db8:6:0:0:0:0:7")
    assert relays("IPv6:2001:db8:6:0:0:0:0:7", "PLAIN")


def test_client_ip_lock_wants_both(relay):
    account = relay.tollgate.add_account("--ip-lock")
    home = relay.new_address()
    relay.command("ip", "add", home, account.username)
    assert relay.send(account, source=home) == 250
    with relay.client(account=account) as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
    with relay.client(home) as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_login_of_an_account_that_is_gone(relay, account):
    with relay.client(account=account) as client:
        relay.command("account", "remove", account.username)
        event = relay.refused(client.mail(account.sender), 550, "5.7.1", "login")
        assert event["login"] == account.username


def test_status_changes_count_for_the_next_command(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        relay.command("account", "disable", account.username, "--reason", "ticket 812")
        reply = client.rcpt("x@dest.test")
        relay.refused(reply, 550, "5.7.1", "status")
        assert "disabled, ticket 812" in reply
        relay.command("account", "enable", account.username)
        assert client.rcpt("x@dest.test") == 250
        assert client.data(message(account)) == 250
    assert relay.tollgate.used(account) == 1


def test_plan_gives_out_what_is_left_and_no_more(relay, account):
    relay.use_up(account, leaving=2)
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.rcpt("b@dest.test") == 250
        relay.refused(client.rcpt("c@dest.test"), 452, "4.7.1", "plan")
        assert client.data(message(account, "the last two")) == 250
        relay.refused(client.mail(account.sender), 452, "4.7.1", "plan")
    assert sorted(relay.sink.wait(subject="the last two").recipients) == ["a@dest.test", "b@dest.test"]


def test_rate_of_an_account(relay):
    account = relay.tollgate.add_account("--max-per-hour", "1")
    assert relay.send(account) == 250
    with relay.client(account=account) as client:
        relay.refused(client.mail(account.sender), 450, "4.7.1", "rate")


def test_sender_of_a_foreign_domain(relay, account):
    with relay.client(account=account) as client:
        event = relay.refused(client.mail("Boss+x@bank.example"), 553, "5.7.1", "sender")
        assert (event["sender"], event["username"]) == ("Boss+x@bank.example", account.username)
        assert client.send(account.sender, "x@dest.test") == 250


@pytest.mark.parametrize("header", ["From: boss@bank.example", "From: {s}\nFrom: boss@bank.example", "From: {s}\nSender: boss@bank.example",
                                    "From: {s}, boss@bank.example", "Subject: x\nFrom : boss@bank.example\nFrom: {s}", "Subject: nobody"])
def test_from_that_is_not_the_accounts(relay, account, header):
    with relay.client(account=account) as client:
        reply = client.send(account.sender, "x@dest.test", message=header.format(s=account.sender) + "\n\nhello\n")
        event = relay.refused(reply, 550, "5.7.1", "from")
        assert event["queue_id"] and event["username"] == account.username
    assert relay.tollgate.used(account) == 0


def test_unsubscribe_is_required_of_promotional_mail(relay, account):
    relay.command("account", "set", account.username, "--type", "promotional")
    with relay.tollgate.changed(relay.tollgate.milter, unsubscribe="require"), relay.client(account=account) as client:
        relay.refused(client.send(account.sender, "x@dest.test"), 550, "5.7.1", "unsubscribe")
        assert client.send(account.sender, ["x@dest.test"], message=message(account, more="List-Unsubscribe: <mailto:a@b.example>\n")) == 250


def test_recipients_of_one_message(relay):
    account = relay.tollgate.add_account("--max-recipients", "3")
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        for i in range(3):
            assert client.rcpt(f"r{i}@dest.test") == 250
        relay.refused(client.rcpt("r3@dest.test"), 452, "4.5.3", "recipients")
        assert client.data(message(account)) == 250
    assert relay.tollgate.used(account) == 3


def test_return_path_takes_genuine_reports_and_nothing_else(relay, account):
    token = token_of(relay, account)
    bad = ("b" if token[0] != "b" else "c") + token[1:]
    for port in relay.mta.port, relay.mta.report_port:
        with relay.client(relay.new_address(), port=port) as client:
            assert client.mail("") == 250
            relay.refused(client.rcpt(bad), 550, "5.7.1", "return-path")
            relay.refused(client.rcpt(f"postmaster@{DOMAIN}"), 550, "5.7.1", "return-path")
            assert not client.rcpt("x@dest.test").ok
            assert client.rcpt(token) == 250
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        relay.refused(client.rcpt(token), 550, "5.7.1", "return-path")


# ---- bounces ----

REPORT = ("From: MAILER-DAEMON@mx.dest.test\nSubject: {subject}\nMIME-Version: 1.0\n"
          "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\n"
          "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.dest.test\n\n"
          "Final-Recipient: rfc822; user@dest.test\nAction: failed\nStatus: 5.1.1\n\n--b--\n")


def test_signed_sendmails_own_report_comes_back_by_the_listener_and_is_recorded(relay, account):
    relay.command("account", "set", account.username, "--notify", "own@customer.example")
    assert relay.send(account, ["rej550.own@dest.test", "fine@dest.test"], subject="own report") == 250
    report = relay.sink.wait(to="own@customer.example")
    assert report.sender == "" and "rej550.own@dest.test" in report.text
    event = relay.tollgate.wait_activity(account, kind="bounce")[0]
    assert (event["result"], event["recipient"]) == ("hard", "rej550.own@dest.test")
    assert relay.sink.wait(subject="own report").sender.endswith(f"@{DOMAIN}")
    assert relay.tollgate.used(account) == 2


def test_signed_a_strangers_report_is_recorded_and_sent_on_to_the_sender(relay, account):
    token = token_of(relay, account)
    with relay.client(relay.new_address()) as client:
        assert client.send("", token.upper(), message=REPORT.format(subject="from afar")) == 250
    mail = relay.sink.wait(subject="from afar")
    assert (mail.sender, mail.recipients) == ("", [account.sender])
    assert relay.tollgate.wait_activity(account, kind="bounce")[0]["recipient"] == "user@dest.test"


def test_signed_the_listener_offers_no_login_and_knows_no_authorised_ip(relay, account):
    relay.command("ip", "add", "127.0.0.1", account.username)
    try:
        with relay.client(port=relay.mta.report_port) as client:
            assert "AUTH" not in client.hello.text
            relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
            assert client.mail("") == 250
            relay.refused(client.rcpt("x@dest.test"), 530, "5.7.0", "client")
    finally:
        relay.command("ip", "remove", "127.0.0.1", account.username)


def test_direct_bounces_go_to_the_notification_address_or_to_the_sender(request):
    relay = make(request)
    account = relay.tollgate.add_account()
    assert relay.send(account, "rej550.one@dest.test") == 250
    assert "rej550.one@dest.test" in relay.sink.wait(to=account.sender).text
    relay.command("account", "set", account.username, "--notify", "ops@customer.example")
    assert relay.send(account, ["rej550.two@dest.test", "fine@dest.test"], subject="direct") == 250
    assert relay.sink.wait(subject="direct").sender == "ops@customer.example"
    report = relay.sink.wait(to="ops@customer.example")
    assert report.sender == "" and "rej550.two@dest.test" in report.text
    assert relay.tollgate.activity(account)[-1]["sender"] == account.sender


def test_dsn_parameters_survive_the_change_of_the_sender(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender, "RET=HDRS ENVID=abc123") == 250
        assert client.rcpt("x@dest.test", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;orig@dest.test") == 250
        assert client.data(message(account, "parameters")) == 250
    mail = relay.sink.wait(subject="parameters")
    assert mail.sender.endswith(f"@{DOMAIN}")
    assert "RET=HDRS" in mail.mail and "ENVID=abc123" in mail.mail
    assert "NOTIFY=SUCCESS,FAILURE" in mail.rcpt[0] and "ORCPT=rfc822;orig@dest.test" in mail.rcpt[0]


# ---- what is counted, and what is told ----

def test_ten_left_and_thirty_sessions_at_once_make_exactly_ten(relay, account):
    relay.use_up(account, leaving=10)

    def one(i):
        with relay.client(account=account) as client:
            return client.send(account.sender, f"r{i}@dest.test", subject="one of ten").code
    with concurrent.futures.ThreadPoolExecutor(15) as pool:
        codes = list(pool.map(one, range(30)))
    assert sorted(set(codes)) == [250, 452] and codes.count(250) == 10
    assert relay.tollgate.used(account) == 1000
    assert len([e for e in relay.tollgate.activity(account) if e["kind"] == "accepted"]) == 10 + 10


def test_rset_and_a_lost_connection_take_nothing(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.command("RSET") == 250
        assert client.send(account.sender, ["b@dest.test", "B@dest.test", "b@DEST.test"], subject="after rset") == 250
        assert client.mail(account.sender) == 250
        assert client.rcpt("c@dest.test") == 250
        assert client.command("DATA") == 354
        client.send_raw("Subject: half\r\n")
    relay.sink.wait(subject="after rset")
    assert relay.tollgate.used(account) == 2  # b and B may be two mailboxes


def test_the_activity_and_the_trace_tell_what_sendmail_said(relay, account):
    address = relay.new_address()
    forged = "X-Tollgate-Trace: forged\nx-tollgate-trace: forged too\n"
    with relay.client(address, account) as client:
        reply = client.send(account.sender, ["a@dest.test", "b@dest.test"], message=message(account, "told", forged))
    queue_id = reply.text.split()[2]
    event = relay.tollgate.activity(account)[-1]
    assert {k: event[k] for k in ("kind", "sender", "header_from", "recipients", "client", "queue_id")} == {
        "kind": "accepted", "sender": account.sender, "header_from": account.sender, "recipients": 2, "client": address, "queue_id": queue_id}
    mail = relay.sink.wait(subject="told")
    trace, = mail.header("X-Tollgate-Trace")
    assert relay.command("trace", trace)["queue_id"] == queue_id
    assert f"X-Tollgate-Trace: {trace}\r\n" in mail.text


# ---- what a client could do to hide something ----

def test_a_bare_line_feed_smuggles_no_second_message(relay, account):
    tail = "MAIL FROM:<boss@bank.example>\r\nRCPT TO:<x@dest.test>\r\nDATA\r\nFrom: boss@bank.example\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
    for end in "\n.\n", "\n.\r\n", "\r\n.\n":
        with relay.client(account=account) as client:
            assert client.mail(account.sender) == 250
            assert client.rcpt("x@dest.test") == 250
            try:
                client.data_raw(f"From: {account.sender}\r\nSubject: carrier\r\n\r\nx{end}{tail}".encode())
            except Lost:
                continue
    assert relay.send(account, subject="the last") == 250
    relay.sink.wait(subject="the last")
    assert relay.sink.find(subject="smuggled") == []
    assert not [e for e in relay.tollgate.activity(account) if e["sender"] == "boss@bank.example"]


EVIL = "boss@bank.example"


@pytest.mark.parametrize("name, header", [
    ("a mailbox file's first line", "From : {evil}\r\nFrom: {own}\r\n"), ("another one", "From {evil} Wed\r\nFrom: {own}\r\n"),
    ("a CR first", "\rFrom: {evil}\r\nFrom: {own}\r\n"), ("a CR within", "From: {own}\r\nX-A: b\rFrom: {evil}\r\n"),
    ("an LF within", "X-A: b\nFrom: {evil}\r\nFrom: {own}\r\n"), ("a space first", " From: {evil}\r\nFrom: {own}\r\n"),
    ("a byte order mark", "\ufeffFrom: {evil}\r\nFrom: {own}\r\n"), ("a line that is no field", "From: {own}\r\nno field\r\nFrom: {evil}\r\n"),
    ("no field first", "no field\r\nFrom: {own}\r\nFrom: {evil}\r\n"), ("an empty name", ": x\r\nFrom: {evil}\r\nFrom: {own}\r\n"),
    ("a tab in the name", "X-A: b\r\nFrom\t: {evil}\r\nFrom: {own}\r\n"), ("a line of white space", "From: {own}\r\n \r\nFrom: {evil}\r\n"),
    ("a route", "From: <@bank.example:{own}>\r\n"), ("a bare name", "From: boss\r\n"), ("none at all", ""),
])
def test_what_sendmail_relays_has_the_author_that_was_judged(relay, account, name, header):
    """It is refused, or it has one From, the account's, in front of everything that a reader takes for the header."""
    octets = f"{header}X-Name: {name}\r\n\r\nx\r\n.\r\n".format(own=account.sender, evil=EVIL).encode()
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt(f"author{account.id}@dest.test") == 250
        reply = client.data_raw(octets)
    if reply != 250:
        assert reply.code // 100 == 5 or "Bare " in reply, reply
        assert relay.tollgate.used(account) == 0
        return
    mail = relay.sink.wait(to=f"author{account.id}@dest.test")
    assert mail.header("From") == [account.sender]
    assert EVIL.encode() not in mail.data.split(b"\r\n\r\n", 1)[0]


def test_a_nul_hides_nothing(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("x@dest.test") == 250
        reply = client.data_raw(f"From: {account.sender}\0, boss@bank.example\r\nSubject: nul\r\n\r\nx\r\n.\r\n".encode())
        assert reply.code // 100 == 5
    assert relay.sink.find(subject="nul") == []


# ---- when a daemon is away ----

def test_while_a_daemon_is_away_everything_is_a_temporary_failure(relay, account):
    address = relay.new_address()
    relay.command("ip", "add", address, account.username)
    with relay.client(address) as before:
        relay.tollgate.authd.stop()
        try:
            assert before.mail(account.sender) == 250
            assert before.rcpt("x@dest.test") == 451
            with relay.client() as client:
                reply = client.auth_plain(account.username, account.password)
                assert reply.code // 100 == 4, reply
        finally:
            relay.tollgate.start_authd()
    # That session's map stays closed to Sendmail; a new one's is open.
    assert relay.send(None, sender=account.sender, source=address) == 250
    relay.tollgate.milter.stop()
    try:
        with relay.client(address) as client:
            assert client.mail(account.sender).code // 100 == 4
    finally:
        relay.tollgate.start_milter()
    assert relay.send(account) == 250


def test_the_maps_answer_in_sendmails_test_mode(relay, account):
    """Kip ships; domain, sender and returnpath are asked for in the same way."""
    relay.command("ip", "add", "198.51.100.0/24", account.username)
    out = relay.mta.test_mode("/map ip 198.51.100.9", "/map ip 203.0.113.9", f"/map domain {account.domain}", "/map domain elsewhere.test")
    answers = [line for line in out.splitlines() if "returns" in line or "no match" in line]
    assert ["returns OK" in a for a in answers] == [True, False, True, False], out
