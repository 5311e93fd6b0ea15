"""Exim, with the lines that ship (conf/exim): logins by the auth door, authorised IPs by the policy door, the sender check
by the socket map. Exim has no milter: what else Tollgate enforces is not enforced here."""
import pytest

from servers import exim
from servers.gsasl import gsasl

pytestmark = pytest.mark.skipif(not exim.PROGRAM.exists(), reason="Exim is not unpacked in the build (./run-tests does it)")


@pytest.fixture(scope="module")
def relay(request):
    from conftest import make
    relay = make(request, server=exim.Exim, start=False, socket_mode="0666")
    relay.tollgate.configure(socketmap_listen=[f"unix:{relay.tollgate.run}/socketmap"])
    relay.tollgate.start_authd()
    relay.mta.start()
    return relay


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_logins_by_each_mechanism(relay, account, mechanism):
    assert gsasl("--smtp", relay.mta.port, mechanism, account.username, account.password).ok
    assert not gsasl("--smtp", relay.mta.port, mechanism, account.username, "wrong").ok
    event, = relay.tollgate.wait_activity(account, kind="auth-failed")
    assert event["client"] == "127.0.0.1"


def test_a_login_sends(relay, account):
    with relay.client() as client:
        assert client.auth_login(account.username, account.password) == 235
        assert client.send(account.sender, "x@dest.test", subject="by exim") == 250
        assert client.send("", "x@dest.test", subject="null by exim", header_from=account.sender) == 250
    assert relay.sink.wait(subject="by exim").sender == account.sender
    relay.sink.wait(subject="null by exim")


def test_a_wrong_password_and_an_unknown_name_are_told_alike(relay, account):
    # From addresses of their own, for failures of one address slow each other down.
    with relay.client(relay.new_address()) as client:
        wrong = client.auth_plain(account.username, "wrong")
    with relay.client(relay.new_address()) as client:
        unknown = client.auth_plain("nobodyatall1", "wrong")
    assert wrong == 535 and wrong.text == unknown.text


def test_a_disabled_account_cant_log_in(relay, account):
    relay.command("account", "disable", account.username)
    with relay.client(relay.new_address()) as client:
        assert client.auth_plain(account.username, account.password) == 535
    relay.command("account", "enable", account.username)
    with relay.client() as client:
        assert client.auth_plain(account.username, account.password) == 235


def test_a_login_sends_as_its_own_domains_only(relay, account):
    other = relay.tollgate.add_account()
    relay.command("domain", "associate", account.domain, account.username, "--subdomains")
    with relay.client(account=account) as client:
        for foreign in other.sender, "boss@bank.example", f"x@{account.domain}.bank.example":
            assert client.mail(foreign) == 250
            reply = client.rcpt("x@dest.test")
            assert reply == 550 and "is not a domain of this account" in reply
            assert client.command("RSET") == 250
        for own in account.sender, account.sender.upper(), f"Any+tag@mail.{account.domain}":
            assert client.send(own, "x@dest.test") == 250


def test_an_authorised_ip_relays_without_a_login_and_nobody_else_does(relay, account):
    inside, outside = relay.new_address(), relay.new_address()
    relay.command("ip", "add", inside, account.username)
    assert relay.send(None, sender=account.sender, source=inside, subject="by address") == 250
    relay.sink.wait(subject="by address")
    with relay.client(outside) as client:
        assert client.mail(account.sender) == 250
        reply = client.rcpt("x@dest.test")
        assert reply == 550 and "relay not permitted" in reply
    with relay.client(inside) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("x@dest.test") == 250
        relay.command("account", "disable", account.username)
        assert client.rcpt("y@dest.test") == 550
        relay.command("account", "enable", account.username)
        relay.command("ip", "remove", inside, account.username)
        assert client.rcpt("z@dest.test") == 550


def test_while_authd_is_away_everything_is_a_temporary_failure(relay, account):
    inside = relay.new_address()
    relay.command("ip", "add", inside, account.username)
    with relay.client(account=account) as before:
        relay.tollgate.authd.stop()
        try:
            with relay.client() as client:
                reply = client.auth_plain(account.username, account.password)
                assert reply.code // 100 == 4, reply
            assert before.mail(account.sender) == 250
            assert before.rcpt("x@dest.test").code // 100 == 4
            with relay.client(inside) as client:
                assert client.mail(account.sender) == 250
                assert client.rcpt("x@dest.test").code // 100 == 4
        finally:
            relay.tollgate.start_authd()
    # Exim 4.96 opens no socket again in a session that has met a closed one; a new session does.
    assert relay.send(account) == 250
