"""Many sessions at once for the last of a plan: exactly what is left is accepted, whatever happens meanwhile."""
import threading
import time

import pytest
from servers.client import Client
from servers.load import SOAK, Load, check_store, rich
from servers.process import BUILD, Process, answers, free_port, wait_until

SESSIONS = 200
RELAY = {"postfix": {"settings": ["default_process_limit = 300"]}}


def race(ports, account, recipients):
    """One session for each number of recipients, all at their end of message together. The replies to that, or to the
    command that was refused before."""
    replies = [None] * len(recipients)
    start = threading.Barrier(len(recipients))

    def run(i):
        with Client(ports[i % len(ports)]) as client:
            assert client.auth_plain(account.username, account.password) == 235
            reply = client.mail(account.sender)
            for r in range(recipients[i]):
                reply = client.rcpt(f"race{i}.{r}@dest.test") if reply.ok else reply
            reply = client.command("DATA") if reply.ok else reply
            start.wait(120)
            if reply == 354:
                client.send_raw(f"From: {account.sender}\r\nSubject: race{i}\r\n\r\nx\r\n.\r\n")
                reply = client.reply()
            replies[i] = reply

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(recipients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert None not in replies
    return replies


def leave(relay, account, left):
    """The account's plan has just so many left."""
    plan = relay.tollgate.show(account)["plan"]
    if plan["left"] > left:
        relay.use_up(account, leaving=left)
    elif plan["left"] < left:
        relay.command("account", "credit", account.username, left - plan["left"], "--reason", "another round")


@pytest.mark.parametrize("attempt", range(2 * SOAK))
def test_200_sessions_race_for_the_last_10(relay, account, attempt):
    leave(relay, account, 10)
    replies = race([relay.postfix.port], account, [1] * SESSIONS)
    assert [r.code for r in replies].count(250) == 10
    assert [r.code for r in replies].count(452) == SESSIONS - 10
    assert all("4.7.1" in r and "used" in r for r in replies if r != 250)
    plan = relay.tollgate.show(account)["plan"]
    assert (plan["left"], plan["used"]) == (0, 1000)
    check_store(relay.tollgate)


def test_messages_of_several_recipients_race_for_the_last_10(relay, account):
    for _ in range(2 * SOAK):
        leave(relay, account, 10)
        recipients = [1 + i % 4 for i in range(60)]
        replies = race([relay.postfix.port], account, recipients)
        accepted = sum(n for n, r in zip(recipients, replies) if r == 250)
        left = relay.tollgate.show(account)["plan"]["left"]
        assert accepted + left == 10
        # Nobody who would have fitted was refused: of those who want one, there were enough.
        assert left == 0
        assert {r.code for r in replies} == {250, 452}


@pytest.fixture
def two_milters(make_relay):
    """A second milter on the same store, and a port of Postfix's that uses it."""
    port = free_port()
    relay = make_relay(start=False, postfix={
        "settings": ["default_process_limit = 300"],
        "services": f"127.0.0.1:{port} inet n - n - - smtpd\n    -o smtpd_milters=unix:@MILTER2@\n"})
    path = relay.tollgate.run / "milter2"
    master = relay.postfix.etc / "master.cf"
    master.write_text(master.read_text().replace("@MILTER2@", str(path)))
    config = relay.directory / "second.conf"
    config.write_text(relay.tollgate.config.read_text().replace(f"unix:{relay.tollgate.run}/milter", f"unix:{path}"))
    second = Process([BUILD / "milter/tollgate-milter", "-c", config], relay.directory / "second.out")
    second.wait_for("the second milter", lambda: answers(path))
    relay.start()
    relay.second_port = port
    yield relay
    assert second.stop() == 0, second.text()


def test_two_milters_on_one_store_share_the_last_10(two_milters):
    relay = two_milters
    account = relay.tollgate.add_account()
    for _ in range(SOAK):
        leave(relay, account, 10)
        replies = race([relay.postfix.port, relay.second_port], account, [1] * 100)
        assert [r.code for r in replies].count(250) == 10
        assert {r.code for r in replies} == {250, 452}
        assert relay.tollgate.show(account)["plan"]["left"] == 0
    check_store(relay.tollgate)


def test_credits_during_a_race_are_all_spent_and_no_more(relay, account):
    leave(relay, account, 5)
    with Load(relay, account, sessions=8, recipients=1, per_session=3) as load:
        for n in range(10):
            relay.command("account", "credit", account.username, 3, "--reason", f"race {n}")
        wait_until("the plan is used up", lambda: relay.tollgate.show(account)["plan"]["left"] == 0)
        refused = load.refused["MAIL", 452]
        wait_until("refusals", lambda: load.refused["MAIL", 452] > refused + 5)
    assert load.count == 5 + 30
    accepted, counted = load.check()
    assert accepted == counted == 35
    ledger = relay.command("account", "ledger", account.username)
    assert sum(m["amount"] for m in ledger if m["kind"] == "credit") == 30
    assert ledger[-1]["balance"] == 0


def test_disable_during_load_lets_nothing_more_through(relay):
    account = rich(relay)
    with Load(relay, account, sessions=8) as load:
        load.wait_accepted(20)
        relay.command("account", "disable", account.username, "--reason", "leaked")
        # Only a message whose charge had been taken when the command came back may still hear its 250.
        used = relay.tollgate.used(account)
        time.sleep(0.5)
        assert relay.tollgate.used(account) == used
        settled = load.count
        wait_until("refusals", lambda: sum(load.refused.values()) >= 8)
        assert load.count == settled
        relay.command("account", "enable", account.username)
        load.wait_accepted(20)
    accepted, counted = load.check(temporary=False)
    assert accepted == counted
    assert {code for _, code in load.refused} <= {535, 550}, load.replies
    assert any("leaked" in r for r in load.replies)
