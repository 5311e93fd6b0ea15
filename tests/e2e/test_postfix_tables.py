"""Tollgate's maps in Postfix's tables, with the lines that ship (conf/postfix/tables.cf), and postmap."""
import subprocess

import pytest

from servers.process import DEADLINE_S, SOURCE, free_port

DOMAIN = "bounces.relay.test"
UNFILTERED = free_port()  # a listener without the milter


@pytest.fixture(scope="module")
def relay(request):
    """Without the policy door: authorised IPs come by the table alone."""
    from conftest import make
    services = f"127.0.0.1:{UNFILTERED} inet n - n - - smtpd -o smtpd_milters=\n"
    relay = make(request, start=False, postfix={"services": services}, return_path_domain=DOMAIN,
                 init_options=("--return-path-domain", DOMAIN))
    run = relay.tollgate.run
    relay.tollgate.configure(socketmap_listen=[f"unix:{run}/socketmap"], policy_listen=[])
    with open(relay.directory / "etc/main.cf", "a") as out:
        out.write((SOURCE / "conf/postfix/tables.cf").read_text().replace("@RUN@", str(run)))
    relay.postfix.drop_overridden()
    relay.start()
    return relay


def postmap(relay, name, key):
    """Its exit status and answer."""
    done = subprocess.run(["postmap", "-c", relay.postfix.etc, "-q", key, f"socketmap:unix:{relay.tollgate.run}/socketmap:{name}"],
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


# ---- check_client_access ----

def test_an_authorised_ip_relays_by_the_table(relay, account):
    address = relay.new_address()
    relay.command("ip", "add", address, account.username)
    assert relay.send(None, sender=account.sender, source=address, subject="by the table") == 250
    relay.sink.wait(subject="by the table")
    assert relay.tollgate.used(account) == 1


def test_postfix_relays_for_authorised_ips_and_for_nobody_else(relay, account):
    """With a milter that lets unknown clients through, what is refused is refused by the table's answer."""
    inside, outside = relay.new_address(), relay.new_address()
    relay.command("ip", "add", inside, account.username)
    with relay.tollgate.changed(relay.tollgate.milter, unknown_clients="ignore"):
        with relay.client(outside) as client:
            assert client.mail("anybody@elsewhere.test") == 250
            assert "Relay access denied" in client.rcpt("x@dest.test")
        with relay.client(inside) as client:
            assert client.mail(account.sender) == 250
            assert client.rcpt("x@dest.test") == 250
            relay.command("account", "disable", account.username)
            with relay.client(inside) as other:
                assert not other.mail(account.sender).ok


# ---- smtpd_sender_login_maps ----

def test_a_sender_that_is_not_the_logins_is_refused_by_postfix_itself(relay, account):
    other = relay.tollgate.add_account()
    with relay.client(account=account, port=UNFILTERED) as client:
        for foreign in other.sender, "boss@bank.example":
            assert client.mail(foreign) == 250
            reply = client.rcpt("x@dest.test")
            assert reply == 553 and f"not owned by user {account.username}" in reply
            client.command("RSET")
        assert client.mail(f"Any.One+tag@{account.domain}") == 250
        assert client.rcpt("x@dest.test") == 250


def test_a_domain_of_two_accounts_is_both_logins_and_authorised_ips_are_left_alone(relay, account):
    relay.command("plan", "set", "monthly", "--messages", "1000", "--price", "1", "--on-sale")
    relay.command("customer", "billing", account.customer, "--company", "Shop Ltd", "--address", "1 Street, Town")
    second = relay.command("account", "add", "--customer", account.customer, "--description", "second", "--type", "transactional",
                           "--plan", "monthly", "--messages", "1000")
    user = second["account"]["username"]
    relay.command("domain", "associate", account.domain, user)
    status, names = postmap(relay, "sender", account.sender)
    assert status == 0 and sorted(names.split(",")) == sorted([account.username, user])
    address = relay.new_address()
    relay.command("ip", "add", address, account.username)
    assert relay.send(None, sender=account.sender, source=address, subject="no login") == 250
    assert relay.send(account, subject="a login") == 250


# ---- relay_recipient_maps ----

def test_the_return_path_domain_has_genuine_tokens_only(relay, account):
    assert relay.send(account, subject="leaves a token") == 250
    token = relay.sink.wait(subject="leaves a token").sender
    with relay.client(relay.new_address(), port=relay.postfix.report_port) as client:
        assert client.mail("") == 250
        for wrong in f"postmaster@{DOMAIN}", ("b" if token[0] != "b" else "c") + token[1:]:
            reply = client.rcpt(wrong)
            assert reply == 550 and "User unknown in relay recipient table" in reply
        assert client.rcpt(token.upper()) == 250
        assert client.data("From: x@dest.test\nSubject: by the recipient table\n\nIt did not work.\n") == 250
    assert relay.sink.wait(subject="by the recipient table").recipients == [account.sender]


# ---- the tables when tollgate-authd is away ----

def test_without_authd_the_tables_are_a_temporary_failure(relay, account):
    address = relay.new_address()
    relay.command("ip", "add", address, account.username)
    # A session that is open: a new smtpd would not start without an auth server.
    with relay.client(address) as client:
        relay.tollgate.authd.stop()
        try:
            assert client.mail(account.sender) == 250
            assert client.rcpt("x@dest.test").code // 100 == 4
            assert client.rcpt(f"abc@{DOMAIN}").code // 100 == 4
        finally:
            relay.tollgate.start_authd()
    assert relay.send(None, sender=account.sender, source=address) == 250


# ---- postmap ----

def test_postmap_asks_each_map(relay, account):
    relay.command("ip", "add", "198.51.100.0/24", account.username)
    assert relay.send(account, subject="for postmap") == 250
    token = relay.sink.wait(subject="for postmap").sender
    assert postmap(relay, "ip", "198.51.100.7") == (0, "OK")
    assert postmap(relay, "ip", "203.0.113.7") == (1, "")
    assert postmap(relay, "sender", f"anyone@{account.domain}") == (0, account.username)
    assert postmap(relay, "sender", "boss@bank.example") == (1, "")
    assert postmap(relay, "domain", account.domain) == (0, "OK")
    assert postmap(relay, "domain", "bank.example") == (1, "")
    assert postmap(relay, "returnpath", token) == (0, "OK")
    assert postmap(relay, "returnpath", f"abc@{DOMAIN}") == (1, "")
