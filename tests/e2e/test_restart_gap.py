"""tollgate-authd restarts while Postfix is busy, its listening sockets kept by a supervisor (as systemd's socket units do it):
a login at that moment gets one 454 for each smtpd process, the port never dies, clients of authorised IPs notice nothing."""
import collections
import re
import threading
import time

import pytest

from servers.process import wait_until

RESTARTS = 3
GAP_S = 1.5  # how long nobody is there to answer


@pytest.fixture
def relay(make_relay):
    relay = make_relay(start=False)
    relay.tollgate.hand_over()
    relay.start()
    return relay


class Load:
    """Clients that never pause: what each was answered, by kind."""

    def __init__(self, relay):
        self.relay = relay
        self.answers = {"login": collections.Counter(), "address": collections.Counter()}
        self.stopping = threading.Event()
        self.threads = []

    def add(self, kind, one):
        def run():
            while not self.stopping.is_set():
                try:
                    answer = one()
                except OSError as error:  # refused, or dropped without a banner
                    answer = f"{type(error).__name__}: {error}"
                self.answers[kind][answer] += 1
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def end(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def wait_more(self, count):
        """Until each kind has been answered so many times more."""
        before = {kind: answers.total() for kind, answers in self.answers.items()}
        wait_until("more answers", lambda: all(self.answers[kind].total() >= before[kind] + count for kind in before))


def smtpds(relay):
    """Process ids of all that have served a client."""
    return set(re.findall(r"smtpd\[(\d+)\]: connect from", relay.postfix.text()))


def lost(relay, since):
    """Logins that Postfix answered with 454, by its process."""
    return collections.Counter(re.findall(r"smtpd\[(\d+)\]: warning: \S+: SASL \S+ authentication failed: Connection lost",
                                          relay.postfix.text()[since:]))


def test_a_restart_costs_at_most_one_454_for_each_smtpd_and_authorised_ips_nothing(relay):
    account = relay.tollgate.add_account()
    address = relay.new_address()
    relay.command("account", "credit", account.username, "1000000", "--reason", "load")
    relay.command("ip", "add", address, account.username)

    def by_login():
        with relay.client() as client:
            reply = client.auth_plain(account.username, account.password)
            return reply.code if reply != 235 else client.send(account.sender, "x@dest.test").code

    def by_address():
        with relay.client(address) as client:
            return client.send(account.sender, "x@dest.test").code

    load, fresh = Load(relay), set()
    try:
        for _ in range(4):
            load.add("login", by_login)
        for _ in range(3):
            load.add("address", by_address)
        load.wait_more(10)
        for _ in range(RESTARTS):
            since, before = len(relay.postfix.text()), smtpds(relay)
            started = len([e for e in relay.tollgate.events() if "info started" in e and "authd" in e])
            assert relay.tollgate.authd.stop() == 0
            # While nobody is there: more sessions than there are smtpd processes, so new ones start.
            newcomers = []
            threads = [threading.Thread(target=lambda: newcomers.append(by_login())) for _ in range(6)]
            for thread in threads:
                thread.start()
            time.sleep(GAP_S)
            relay.tollgate.start_authd()
            wait_until("the new daemon", lambda: len([e for e in relay.tollgate.events() if "info started" in e and "authd" in e]) > started)
            for thread in threads:
                thread.join()
            load.wait_more(10)
            assert max(lost(relay, since).values(), default=0) <= 1
            fresh |= smtpds(relay) - before
            assert set(newcomers) <= {250, 454} and 250 in newcomers
    finally:
        load.end()
    assert set(load.answers["login"]) <= {250, 454}, load.answers
    assert set(load.answers["address"]) == {250}, load.answers
    assert fresh, "no smtpd was started while nobody answered"
    assert "throttling" not in relay.postfix.text() and "fatal" not in relay.postfix.text()
    accepted = load.answers["login"][250] + load.answers["address"][250]
    assert relay.tollgate.used(account) >= accepted > 50
