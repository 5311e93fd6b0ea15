"""kill -9 at any moment: what was accepted was counted; what was counted and not accepted was in flight; the store is
clean; whoever starts again goes on."""
import random
import subprocess
import time

from servers.load import SOAK, Load, check_store, rich
from servers.process import BUILD, VALGRIND, wait_until

ROUNDS = (3 if VALGRIND else 20) * SOAK


def test_milter_killed_again_and_again_under_load(make_relay):
    relay = make_relay()
    account = rich(relay)
    with Load(relay, account, sessions=8, per_session=3) as load:
        for n in range(ROUNDS):
            load.wait_accepted(8)
            time.sleep(random.random() * 0.02)
            relay.tollgate.milter.kill()
            relay.tollgate.start_milter()
        load.wait_accepted(8)
    accepted, counted = load.check()
    assert accepted > ROUNDS * 8
    assert {code for _, code in load.refused} <= {451, 454}, load.refused
    print(f"{ROUNDS} kills: {accepted} accepted, {counted} counted, {load.doubtful} messages in flight")


def test_two_milters_and_a_killed_one_do_not_hold_each_other_up(make_relay):
    """The lock of the store is not left behind by the dead."""
    relay = make_relay()
    account = rich(relay)
    with Load(relay, account, sessions=8) as load:
        for _ in range(5 * SOAK):
            old = relay.tollgate.milter
            load.wait_accepted(5)
            for path in relay.tollgate.addresses("milter"):
                # Its socket's name goes to the next one, which starts while the old one still writes.
                subprocess.run(["rm", path], check=True)
            relay.tollgate.start_milter()
            old.kill()
            load.wait_accepted(5)
    load.check()


def test_authd_killed_again_and_again_under_load(make_relay):
    # A smtpd that starts while authd is away dies, and Postfix closes the port: for a minute, if not told otherwise.
    relay = make_relay(postfix={"settings": ["service_throttle_time = 1s"]})
    account = rich(relay)
    with Load(relay, account, per_session=1) as load:
        for _ in range(ROUNDS // 2):
            load.wait_accepted(5)
            relay.tollgate.authd.kill()
            relay.tollgate.start_authd()
        load.wait_accepted(5)
    load.check()
    assert set(load.refused) <= {("AUTH", 454), ("greeting", 421)}, load.replies


WRITES = [  # in an order that works; each is killed at several moments
    ["customer", "add", "--name", "K", "--email", "k@customers.test", "--accept-terms"],
    ["account", "add", "--customer", "{customer}", "--description", "k", "--type", "transactional", "--plan", "free"],
    ["account", "set", "{user}", "--max-recipients", "7", "--notify", "n@customers.test"],
    ["account", "password", "{user}", "--overlap", "7d"],
    ["account", "credit", "{user}", "5", "--reason", "k"],
    ["account", "disable", "{user}", "--reason", "k"],
    ["account", "enable", "{user}"],
    ["domain", "add", "kill{n}.example", "--customer", "{customer}"],
    ["domain", "verify", "{domain}", "--trust"],
    ["domain", "dissociate", "{domain}", "{user}"],
    ["domain", "associate", "{domain}", "{user}", "--subdomains"],
    ["ip", "add", "192.0.2.{n}", "{user}"],
    ["ip", "remove", "127.0.0.77", "{user}"],
    ["domain", "remove", "{domain}"],
    ["account", "remove", "{user}"],
]


def test_command_killed_inside_every_writing_command(make_relay):
    """At moments spread over its run: before, inside and after its transaction. The milter goes on all the while."""
    relay = make_relay()
    mail = rich(relay)
    tollgate = relay.tollgate
    n = 0
    with Load(relay, mail, sessions=2) as load:
        for write in WRITES:
            account = tollgate.add_account()
            tollgate.command("ip", "add", "127.0.0.77", account.username)
            for moment in range(6 * SOAK):
                n += 1
                argv = [a.format(customer=account.customer, user=account.username, domain=account.domain, n=n % 250)
                        for a in write]
                child = subprocess.Popen([BUILD / "admin/tollgate", "-c", tollgate.config, "--json", "--yes", *argv],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(moment * 0.004 / SOAK)
                child.kill()
                child.wait()
            # It can still be done, or is done already.
            again = tollgate.try_command("--json", "--yes", *argv)
            assert again.status in (0, 3, 4), (argv, again)
        load.wait_accepted(5)
        check_store(tollgate)
    load.check()


def test_a_command_killed_while_it_holds_the_lock_does_not_stop_the_milter(make_relay):
    """strace stops it between its write and its sync: the next writer takes the lock of the dead."""
    relay = make_relay()
    account = rich(relay)
    trace = subprocess.Popen(["strace", "-f", "-o", relay.directory / "strace.out", "-e", "inject=fdatasync:delay_enter=60s",
                              BUILD / "admin/tollgate", "-c", relay.tollgate.config, "--yes", "account", "credit",
                              account.username, "5", "--reason", "never"], stdout=subprocess.DEVNULL)
    trace_file = relay.directory / "strace.out"
    wait_until("the command's sync", lambda: trace_file.exists() and "fdatasync(" in trace_file.read_text())
    pid = int(trace_file.read_text().split()[0])
    before = relay.tollgate.show(account)["plan"]["left"]
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250 and client.rcpt("x@dest.test") == 250
        assert client.command("DATA") == 354
        client.send_raw(f"From: {account.sender}\r\n\r\nx\r\n.\r\n")
        time.sleep(0.3)
        subprocess.run(["kill", "-9", str(pid)], check=True)
        # strace holds it in its stop until strace itself is gone.
        trace.kill()
        trace.wait()
        assert client.reply() == 250
    # What was not committed is not there.
    assert relay.tollgate.show(account)["plan"]["left"] == before - 1
    check_store(relay.tollgate)
