"""Logins through Postfix: each mechanism, passwords that change, what is offered to whom."""
import base64
import socket
import subprocess
import threading

import pytest

from servers.process import DEADLINE_S, wait_until

CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
               "-subj", "/CN=relay.test"]


def forward(relay):
    """A port that leads to Postfix for one session, seen there from an address of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source, target):
        while data := source.recv(4096):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve():
        with listener, listener.accept()[0] as near, socket.create_connection(
                ("127.0.0.1", relay.postfix.port), DEADLINE_S, (relay.new_address(), 0)) as far:
            back = threading.Thread(target=copy, args=(far, near), daemon=True)
            back.start()
            copy(near, far)
            back.join()
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def gsasl(relay, username, password, mechanism="SCRAM-SHA-256"):
    """GNU SASL's own client: does it, too, believe that it is logged in (SCRAM: and trust the server)?"""
    done = subprocess.run(["gsasl", "--smtp", "--no-starttls", f"--connect=127.0.0.1:{forward(relay)}", "-m", mechanism,
                           "-a", username, "-p", password], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE_S, check=False)
    text = done.stdout + done.stderr
    ok = done.returncode == 0 and "\n235 " in text
    assert ok == ("Client authentication finished (server trusted)" in text), text
    return ok


def plain(relay, username, password):
    # Each from an address of its own, for failures of one address are answered late.
    with relay.client(relay.new_address()) as client:
        reply = client.auth_plain(username, password)
        assert reply in (235, 535), reply
        return reply == 235


def login(relay, username, password):
    with relay.client(relay.new_address()) as client:
        reply = client.auth_login(username, password)
        assert reply in (235, 535), reply
        return reply == 235


MECHANISMS = {"PLAIN": plain, "LOGIN": login, "SCRAM-SHA-256": gsasl}
each_mechanism = pytest.mark.parametrize("mechanism", MECHANISMS)


@each_mechanism
def test_the_right_password_is_taken_and_the_wrong_one_is_not(relay, account, mechanism):
    works = MECHANISMS[mechanism]
    assert works(relay, account.username, account.password)
    assert not works(relay, account.username, account.password[:-1])
    event = relay.tollgate.wait_activity(account, kind="auth-failed")[0]
    assert event["result"] == "password"
    relay.tollgate.wait_event("auth-ok", f"login={account.username}", f"mechanism={mechanism}")
    assert account.password not in relay.tollgate.log.read_text()


@each_mechanism
def test_an_unknown_username_gets_what_a_wrong_password_gets(relay, account, mechanism):
    works = MECHANISMS[mechanism]
    assert not works(relay, f"nosuch{mechanism[:4].lower()}12", account.password)


def test_the_answer_does_not_tell_an_unknown_username_from_a_wrong_password(relay, account):
    for log_in in "auth_plain", "auth_login":
        with relay.client(relay.new_address()) as client:
            unknown = getattr(client, log_in)(f"nosuch{log_in[5:]}99", "x")
        with relay.client(relay.new_address()) as client:
            wrong = getattr(client, log_in)(account.username, "x")
        assert unknown.text == wrong.text and unknown == 535


@each_mechanism
def test_a_disabled_account_fails_and_works_again_when_enabled(relay, account, mechanism):
    works = MECHANISMS[mechanism]
    relay.command("account", "disable", account.username, "--reason", "spam")
    assert not works(relay, account.username, account.password)
    relay.command("account", "enable", account.username)
    assert works(relay, account.username, account.password)


@pytest.mark.parametrize("log_in", ["auth_plain", "auth_login"])
def test_an_empty_password_is_refused(relay, account, log_in):
    with relay.client(relay.new_address()) as client:
        assert getattr(client, log_in)(account.username, "") in (501, 535)
        assert client.mail(account.sender) == 530


@each_mechanism
def test_a_new_password_replaces_the_old_at_once(relay, account, mechanism):
    works = MECHANISMS[mechanism]
    new = relay.command("account", "password", account.username)["password"]
    assert not works(relay, account.username, account.password)
    assert works(relay, account.username, new)


def test_with_an_overlap_both_passwords_are_valid_until_the_old_one_expires(relay, account):
    answer = relay.command("account", "password", account.username, "--overlap", "7d")
    assert answer["old_valid_until"] is not None
    new = answer["password"]
    for works in MECHANISMS.values():
        assert works(relay, account.username, account.password)
        assert works(relay, account.username, new)

    def test_says(password):
        return relay.tollgate.try_command("auth", "test", account.username, stdin=password + "\n").status
    # Another change: the first password is out at once.
    third = relay.command("account", "password", account.username, "--overlap", "1h")["password"]
    assert [test_says(p) for p in (account.password, new, third)] == [4, 0, 0]
    # And one whose overlap ends while we look.
    fourth = relay.command("account", "password", account.username, "--overlap", "1s")["password"]
    assert test_says(new) == 4
    wait_until("the old password's end", lambda: test_says(third) == 4)
    assert test_says(fourth) == 0
    # For failures of one username are answered late, as few as will do.
    for works in MECHANISMS.values():
        assert not works(relay, account.username, third)
    assert gsasl(relay, account.username, fourth)


def test_a_password_that_changes_counts_on_a_connection_that_is_open(relay, account):
    with relay.client(relay.new_address()) as client:
        assert client.command("NOOP") == 250
        new = relay.command("account", "password", account.username)["password"]
        assert client.auth_plain(account.username, account.password) == 535
        assert client.auth_plain(account.username, new) == 235
        assert client.send(account.sender, "x@dest.test") == 250


def test_nobody_acts_for_another_account(relay, account):
    other = relay.tollgate.add_account()
    with relay.client(relay.new_address()) as client:
        initial = base64.b64encode(f"{other.username}\0{account.username}\0{account.password}".encode()).decode()
        assert client.command(f"AUTH PLAIN {initial}") == 535
        assert client.mail(other.sender) == 530


def test_a_login_that_is_given_up_or_garbled_leaves_the_session_usable(relay, account):
    with relay.client(relay.new_address()) as client:
        assert client.command("AUTH LOGIN") == 334
        assert client.command("*") == 501
        assert client.command("AUTH PLAIN !!!!") in (501, 535)
        assert client.command("AUTH CRAM-MD5") in (504, 535)
        assert client.auth_login(account.username, account.password) == 235
        assert client.send(account.sender, "x@dest.test") == 250


def offered(relay):
    with relay.client() as client:
        return client.hello.text


def test_only_the_mechanisms_of_the_configuration_are_offered_and_taken(relay, account):
    with relay.client() as client:
        assert "AUTH PLAIN LOGIN SCRAM-SHA-256" in client.hello
    with relay.tollgate.changed(relay.tollgate.authd, mechanisms=["SCRAM-SHA-256"]):
        # An smtpd keeps the list that it was told when it connected; one that is idle may serve once more.
        relay.postfix.reload()
        wait_until("an smtpd that offers SCRAM alone", lambda: "AUTH SCRAM-SHA-256\n" in offered(relay))
        with relay.client(relay.new_address()) as client:
            assert not client.auth_plain(account.username, account.password).ok
        assert gsasl(relay, account.username, account.password)
    relay.postfix.reload()
    wait_until("an smtpd that offers PLAIN again", lambda: "AUTH PLAIN" in offered(relay))
    assert plain(relay, account.username, account.password)


def test_an_smtpd_that_still_offers_a_mechanism_that_is_closed_gets_a_refusal(relay, account):
    with relay.client(relay.new_address()) as client:
        with relay.tollgate.changed(relay.tollgate.authd, mechanisms=["SCRAM-SHA-256"]):
            reply = client.auth_plain(account.username, account.password)
            assert reply == 535 and "not offered" in reply
        assert client.auth_plain(account.username, account.password) == 235


def test_a_bad_file_leaves_the_running_configuration(relay, account):
    tollgate = relay.tollgate
    good = tollgate.config.read_text()
    for daemon in tollgate.authd, tollgate.milter:
        for bad in 'max_recipients = "many"\n', 'mechanisms = {"MAGIC"}\n', "no_such_option = 1\n":
            tollgate.config.write_text(good + bad)
            event = tollgate.reload(daemon)[0]
            assert "reload-failed" in event and str(tollgate.config) in event, event
        assert relay.send(account) == 250
    tollgate.config.write_text(good)
    for daemon in tollgate.authd, tollgate.milter:
        assert "reloaded" in tollgate.reload(daemon)[0]
    assert relay.send(account) == 250


# ---- TLS ----

def with_tls(place):
    subprocess.run([*CERTIFICATE, "-keyout", place / "key.pem", "-out", place / "cert.pem"], check=True, capture_output=True)
    return {"settings": ["smtpd_tls_security_level = may", f"smtpd_tls_cert_file = {place}/cert.pem",
                         f"smtpd_tls_key_file = {place}/key.pem"],
            "services": "tlsmgr unix - - n 1000? 1 tlsmgr\n"}


@pytest.fixture(scope="module")
def tls(request, tmp_path_factory):
    """A relay that offers STARTTLS and takes passwords in clear only behind it."""
    import conftest
    return conftest.make(request, require_tls=True, postfix=with_tls(tmp_path_factory.mktemp("tls")))


def test_a_login_ends_where_tls_begins(make_relay, tmp_path):
    """RFC 3207 4.2. Postfix then has nothing to tell the filter at MAIL, which must not take the login of before for the session's."""
    relay = make_relay(require_tls=False, postfix=with_tls(tmp_path))
    account = relay.tollgate.add_account()
    with relay.client(relay.new_address(), account) as client:
        assert client.mail(account.sender) == 250
        assert client.command("RSET") == 250
        assert client.starttls() == 220
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
        assert client.auth_plain(account.username, account.password) == 235
        assert client.send(account.sender, "x@dest.test") == 250


def test_require_tls_takes_passwords_in_clear_only_behind_starttls(tls):
    account = tls.tollgate.add_account()
    for log_in in "auth_plain", "auth_login":
        with tls.client(tls.new_address()) as client:
            reply = getattr(client, log_in)(account.username, account.password)
            assert reply == 535 and "needs TLS" in reply
            assert client.mail(account.sender) == 530
            assert client.starttls() == 220
            assert getattr(client, log_in)(account.username, account.password) == 235
            assert client.send(account.sender, "x@dest.test") == 250
    assert gsasl(tls, account.username, account.password)
