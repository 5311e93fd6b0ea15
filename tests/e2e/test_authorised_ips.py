"""Authorised IPs: who is meant by an address, and from when on."""
import socket

import pytest

from servers.process import free_port


def add(relay, network, account):
    relay.command("ip", "add", network, account.username)


def sent_by(relay, address, sender):
    """The account that pays for a message from there; the message is accepted."""
    with relay.client(address) as client:
        assert client.send(sender, "x@dest.test") == 250
    return relay.tollgate.activity()[-1]["username"]


def test_the_senders_domain_decides_between_two_accounts_that_share_an_address(relay):
    one, two = relay.tollgate.add_account(), relay.tollgate.add_account()
    address = relay.new_address()
    add(relay, address, one)
    assert sent_by(relay, address, one.sender) == one.username
    add(relay, address, two)
    assert sent_by(relay, address, one.sender) == one.username
    assert sent_by(relay, address, two.sender) == two.username
    with relay.client(address) as client:
        for sender in "a@neither.example", "":
            reply = client.mail(sender)
            relay.refused(reply, 530, "5.7.0", "client")
            assert "several accounts" in reply
        # A login says which.
        assert client.auth_plain(two.username, two.password) == 235
        relay.refused(client.mail(one.sender), 553, "5.7.1", "sender")
        assert client.send(two.sender, "x@dest.test") == 250
    assert (relay.tollgate.used(one), relay.tollgate.used(two)) == (2, 2)


def test_an_address_that_is_removed_counts_on_the_next_command_of_an_open_connection(relay, account):
    address = relay.new_address()
    add(relay, address, account)
    with relay.client(address) as client:
        assert client.send(account.sender, "x@dest.test") == 250
        assert client.mail(account.sender) == 250
        assert client.rcpt("x@dest.test") == 250
        relay.command("ip", "remove", address, account.username)
        assert not client.rcpt("y@dest.test").ok
        relay.refused(client.data(f"From: {account.sender}\n\nx\n"), 530, "5.7.0", "client")
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
        add(relay, address, account)
        assert client.send(account.sender, "x@dest.test") == 250
    assert relay.tollgate.used(account) == 2


def test_a_network_holds_its_addresses_and_no_others(relay, account):
    add(relay, "127.5.0.16/28", account)
    for inside in "127.5.0.16", "127.5.0.31":
        assert sent_by(relay, inside, account.sender) == account.username
    for outside in "127.5.0.15", "127.5.0.32", "127.5.1.16":
        with relay.client(outside) as client:
            relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_the_longest_match_wins(relay):
    wide, narrow, host = (relay.tollgate.add_account() for _ in range(3))
    add(relay, "127.6.0.0/24", wide)
    add(relay, "127.6.0.64/26", narrow)
    add(relay, "127.6.0.70", host)
    assert sent_by(relay, "127.6.0.1", wide.sender) == wide.username
    assert sent_by(relay, "127.6.0.65", narrow.sender) == narrow.username
    assert sent_by(relay, "127.6.0.70", host.sender) == host.username
    # Who holds but a shorter network is not meant there, though the domain would be his.
    with relay.client("127.6.0.70") as client:
        relay.refused(client.mail(wide.sender), 553, "5.7.1", "sender")


def test_an_address_of_a_removed_account_is_unknown(relay, account):
    address = relay.new_address()
    add(relay, address, account)
    relay.command("account", "remove", account.username)
    with relay.client(address) as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_an_ipv4_address_written_as_ipv6_is_the_same(relay, account):
    address = relay.new_address()
    add(relay, f"::ffff:{address}", account)
    assert sent_by(relay, address, account.sender) == account.username


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")
def test_an_ipv6_client_is_known_by_its_address_and_network(make_relay):
    port = free_port()
    relay = make_relay(postfix={"settings": ["inet_protocols = all", "inet_interfaces = 127.0.0.1, [::1]"],
                                "services": f"[::1]:{port} inet n - n - - smtpd\n"})
    account = relay.tollgate.add_account()
    relay.postfix.master.wait_for("Postfix's IPv6 port", lambda: answers6(port))
    with relay.client("::1", port=port) as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
        add(relay, "::/64", account)
        assert client.send(account.sender, "x@dest.test") == 250
        relay.command("ip", "remove", "::/64", account.username)
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
        add(relay, "::1", account)
        assert client.send(account.sender, "x@dest.test") == 250
    assert [e["client"] for e in relay.tollgate.activity(account) if e["kind"] == "accepted"] == ["::1", "::1"]


def answers6(port):
    with socket.socket(socket.AF_INET6) as s:
        return s.connect_ex(("::1", port)) == 0
