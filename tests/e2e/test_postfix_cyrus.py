"""Postfix with Cyrus SASL (conf/postfix/cyrus.cf): logins by saslauthd's protocol, and testsaslauthd."""
import shutil
import subprocess

import pytest

from servers.gsasl import gsasl
from servers.process import DEADLINE_S, SOURCE


@pytest.fixture(scope="module")
def relay(request):
    from conftest import make
    relay = make(request, start=False)
    run, etc = relay.tollgate.run, relay.directory / "etc/sasl"
    relay.tollgate.configure(saslauthd_listen=[f"unix:{run}/mux"], auth_listen=[])
    etc.mkdir()
    (etc / "smtpd.conf").write_text((SOURCE / "conf/postfix/smtpd.conf").read_text().replace("@RUN@", str(run)))
    with open(relay.directory / "etc/main.cf", "a") as out:
        out.write((SOURCE / "conf/postfix/cyrus.cf").read_text().replace("@ETC@", str(etc)))
    relay.postfix.drop_overridden()
    relay.start()
    return relay


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_logins_by_cyrus_sasl(relay, account, mechanism):
    assert gsasl("--smtp", relay.postfix.port, mechanism, account.username, account.password).ok
    assert not gsasl("--smtp", relay.postfix.port, mechanism, account.username, "wrong").ok
    assert not gsasl("--smtp", relay.postfix.port, mechanism, "nobodyatall1", account.password).ok
    relay.tollgate.wait_activity(account, kind="auth-failed")


def test_only_what_saslauthd_can_check_is_offered(relay):
    with relay.client() as client:
        offered, = (line for line in client.hello.text.splitlines() if line[4:].startswith("AUTH "))
    assert sorted(offered[9:].split()) == ["LOGIN", "PLAIN"]


def test_the_mail_of_such_a_login_is_policed(relay, account):
    with relay.client(account=account) as client:
        relay.refused(client.mail("boss@bank.example"), 553, "5.7.1", "sender")
        assert client.send(account.sender, "x@dest.test", subject="by cyrus") == 250
    relay.sink.wait(subject="by cyrus")
    assert relay.tollgate.used(account) == 1


def test_disabled_accounts_are_refused_and_others_never_told_that_they_are_wrong_by_mistake(relay, account):
    relay.command("account", "disable", account.username)
    with relay.client() as client:
        assert client.auth_plain(account.username, account.password) == 535
    relay.command("account", "enable", account.username)
    relay.tollgate.authd.stop()
    try:
        with relay.client() as client:
            reply = client.auth_plain(account.username, account.password)
            assert reply.code // 100 == 4, reply
    finally:
        relay.tollgate.start_authd()
    with relay.client() as client:
        assert client.auth_plain(account.username, account.password) == 235


@pytest.mark.skipif(shutil.which("testsaslauthd") is None, reason="no testsaslauthd (package sasl2-bin)")
def test_testsaslauthd(relay, account):
    def ask(password, *more):
        return subprocess.run(["testsaslauthd", "-f", relay.tollgate.run / "mux", "-u", account.username, "-p", password, *more],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert 'OK "Success."' in ask(account.password).stdout
    assert 'OK "Success."' in ask(account.password, "-s", "smtp", "-r", "mail.example").stdout
    wrong = ask("wrong")
    assert wrong.returncode != 0 and "NO" in wrong.stdout
    relay.command("account", "disable", account.username, "--reason", "ticket 812")
    assert "NO" in ask(account.password).stdout
