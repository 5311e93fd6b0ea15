"""Dovecot checks passwords against Tollgate's verifiers (passdb { driver = dict }), for IMAP and for Postfix."""
import imaplib

import pytest

from servers.dovecot import Dovecot
from servers.gsasl import gsasl


@pytest.fixture(scope="module")
def served(request):
    """A relay whose Postfix asks Dovecot's auth service, which asks tollgate-authd."""
    from conftest import make
    relay = make(request, start=False)
    tollgate = relay.tollgate
    tollgate.configure(dict_listen=[f"unix:{tollgate.run}/dict"])
    relay.dovecot = Dovecot(relay.directory, tollgate.run)
    tollgate.start()
    relay.dovecot.start()
    request.addfinalizer(relay.dovecot.stop)
    relay.postfix.start()
    relay.postfix.postconf(f"smtpd_sasl_path=unix:{relay.dovecot.auth_socket}")
    return relay


@pytest.fixture
def account(served):
    return served.tollgate.add_account()


def test_doveadm_auth_test_tells_right_from_wrong(served, account):
    status, text = served.dovecot.auth_test(account.username, account.password)
    assert (status, "auth succeeded" in text) == (0, True), text
    status, text = served.dovecot.auth_test(account.username, "wrong")
    assert status == 77 and "auth failed" in text
    status, text = served.dovecot.auth_test("nobodyatall1", account.password)
    assert status == 77 and "auth failed" in text


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_postfix_behind_dovecots_auth_takes_each_mechanism(served, account, mechanism):
    assert gsasl("--smtp", served.postfix.port, mechanism, account.username, account.password).ok
    assert not gsasl("--smtp", served.postfix.port, mechanism, account.username, "wrong").ok


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_imap_login(served, account, mechanism):
    assert gsasl("--imap", served.dovecot.port, mechanism, account.username, account.password).ok
    assert not gsasl("--imap", served.dovecot.port, mechanism, account.username, "wrong").ok


def test_the_mail_of_a_login_by_dovecot_is_policed(served, account):
    with served.client(account=account) as client:
        assert client.mail("boss@bank.example") == 553
        assert client.send(account.sender, "x@dest.test", subject="by dovecot") == 250
    served.sink.wait(subject="by dovecot")
    assert served.tollgate.used(account) == 1


def test_a_disabled_account_is_refused_at_once_and_let_in_again(served, account):
    served.command("account", "disable", account.username, "--reason", "ticket 812")
    with imaplib.IMAP4("127.0.0.1", served.dovecot.port) as imap, pytest.raises(imaplib.IMAP4.error):
        imap.login(account.username, account.password)
    with served.client() as client:
        assert client.auth_plain(account.username, account.password) == 535
    assert not gsasl("--smtp", served.postfix.port, "SCRAM-SHA-256", account.username, account.password).ok
    served.command("account", "enable", account.username)
    with served.client() as client:
        assert client.auth_plain(account.username, account.password) == 235


def test_both_passwords_of_an_overlap_work_for_plain(served, account):
    renewed = served.command("account", "password", account.username, "--overlap", "7d")["password"]
    for password in (account.password, renewed):
        with served.client() as client:
            assert client.auth_plain(account.username, password) == 235
    assert gsasl("--smtp", served.postfix.port, "SCRAM-SHA-256", account.username, renewed).ok
    final = served.command("account", "password", account.username)["password"]
    with served.client() as client:
        assert client.auth_plain(account.username, final) == 235
    with served.client() as client:
        assert client.auth_plain(account.username, renewed) == 535


def test_a_tollgate_that_is_away_is_a_temporary_failure_not_a_wrong_password(served, account):
    """To Dovecot's own clients. (Postfix 3.7 makes 535 of every FAIL of an auth server, of temporary ones too; with
    Tollgate's own auth door it says 454.)"""
    served.tollgate.authd.stop()
    try:
        status, text = served.dovecot.auth_test(account.username, account.password)
        assert status != 0 and "code=temp_fail" in text, (status, text)
        with imaplib.IMAP4("127.0.0.1", served.dovecot.port) as imap, pytest.raises(imaplib.IMAP4.error, match="UNAVAILABLE"):
            imap.login(account.username, account.password)
    finally:
        served.tollgate.start_authd()
    status, text = served.dovecot.auth_test(account.username, account.password)
    assert status == 0, text


def test_a_store_that_cant_be_read_is_a_temporary_failure_too(served, account):
    data = served.tollgate.store / "data.mdb"
    held = served.tollgate.store / "held"
    served.tollgate.authd.stop()
    # What a lookup meets in place of the store's pages, past those that are read at the start.
    held.write_bytes(data.read_bytes())
    served.tollgate.start_authd()
    size = data.stat().st_size
    try:
        with open(data, "r+b") as file:
            file.seek(4096 * 2)
            file.write(b"\xa5" * (size - 4096 * 2))
        status, text = served.dovecot.auth_test(account.username, account.password)
        assert status != 0 and "code=temp_fail" in text, (status, text)
    finally:
        with open(data, "r+b") as file:
            file.write(held.read_bytes())
        held.unlink()
    status, text = served.dovecot.auth_test(account.username, account.password)
    assert status == 0, text
