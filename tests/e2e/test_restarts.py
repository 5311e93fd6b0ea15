"""Restarts under load: mail waits at worst; nothing is wrongly accepted, nothing lost. Where a daemon is away a client
gets a 4xx, and the relay comes back by itself."""
import collections
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from servers.client import Client
from servers.load import SOAK, Load, check_store, rich
from servers.process import BUILD, DEADLINE_S, answers, wait_until

ROUNDS = 3 * SOAK


@pytest.fixture
def mail(make_relay):
    """A relay of its own with a rich account. A smtpd that starts while authd is away dies, and Postfix then closes the
    port for a minute, unless told otherwise: what the handed over sockets are good for."""
    relay = make_relay(postfix={"settings": ["service_throttle_time = 1s"]})
    relay.account = rich(relay)
    return relay


def test_postfix_restarted_under_load_loses_nothing(mail):
    with Load(mail, mail.account) as load:
        for _ in range(ROUNDS):
            load.wait_accepted(20)
            mail.postfix.stop()
            mail.postfix.start()
        load.wait_accepted(20)
    load.check()


def test_milter_restarted_under_load_costs_451s_and_is_quick(mail):
    worst = 0
    with Load(mail, mail.account) as load:
        for _ in range(ROUNDS):
            load.wait_accepted(30)
            begun = time.monotonic()
            assert mail.tollgate.milter.stop() == 0, mail.tollgate.milter.text()
            worst = max(worst, time.monotonic() - begun)
            mail.tollgate.start_milter()
        load.wait_accepted(30)
    accepted, counted = load.check()
    # 454: Postfix's answer to AUTH where it found no milter at the beginning of the session.
    assert set(load.refused) <= {("MAIL", 451), ("AUTH", 454), ("end", 451), ("RCPT", 451), ("DATA", 451)}, load.replies
    # libmilter's own way to stop takes five seconds; messages of this load are never under way for so long.
    assert worst < 4, f"the milter took {worst:.1f} seconds to end"
    # An orderly end answers what it has counted.
    assert counted == accepted, (counted, accepted, load.refused)


def test_a_message_under_way_is_finished_before_the_milter_ends(mail):
    with mail.client(account=mail.account) as client, mail.client(account=mail.account) as idle:
        assert idle.send(mail.account.sender, "x@dest.test") == 250
        assert client.mail(mail.account.sender) == 250 and client.rcpt("x@dest.test") == 250
        mail.tollgate.milter.send_signal(signal.SIGTERM)
        mail.tollgate.wait_event("stopping")
        reply = idle.mail(mail.account.sender)
        assert reply == 451 and ("4.3.2" in reply or "4.7.1" in reply)
        assert client.data(f"From: {mail.account.sender}\nSubject: under way\n\nx\n") == 250
    assert mail.tollgate.milter.stop() == 0
    mail.sink.wait(subject="under way")
    mail.tollgate.start_milter()
    assert mail.tollgate.used(mail.account) == 2
    assert not any("stopped-late" in e for e in mail.tollgate.events())


def test_a_message_that_never_ends_holds_the_milter_for_ten_seconds_only(mail):
    with mail.client(account=mail.account) as client:
        assert client.mail(mail.account.sender) == 250 and client.rcpt("x@dest.test") == 250
        begun = time.monotonic()
        assert mail.tollgate.milter.stop() == 0
        assert 5 < time.monotonic() - begun < 40
        assert client.data(f"From: {mail.account.sender}\n\nx\n") == 451
    mail.tollgate.wait_event("stopped-late", "messages=1")
    mail.tollgate.start_milter()
    assert mail.tollgate.used(mail.account) == 0


def test_a_session_whose_message_was_refused_holds_nobody(mail):
    """Whatever the stage: what is refused is under way no more, though its client stays and says nothing."""
    begun = mail.tollgate.log_size()
    with contextlib.ExitStack() as clients:
        at_mail, at_header, at_end = (clients.enter_context(mail.client(account=mail.account)) for _ in range(3))
        assert at_mail.mail("x@evil.example") == 553
        assert at_header.send(mail.account.sender, "x@dest.test", header_from="x@evil.example") == 550
        assert at_end.mail(mail.account.sender) == 250
        assert at_end.rcpt("x@dest.test") == 250
        assert at_end.command("DATA") == 354
        mail.command("account", "disable", mail.account.username)
        at_end.send_raw(f"From: {mail.account.sender}\r\n\r\nx\r\n.\r\n")
        assert at_end.reply() == 550
        mail.tollgate.milter.stop()
    assert b"stopped-late" not in mail.tollgate.log.read_bytes()[begun:]
    mail.tollgate.start_milter()


def test_a_second_milter_can_start_while_the_first_one_drains(mail):
    """Nobody waits for the slow message of somebody else."""
    old = mail.tollgate.milter
    with mail.client(account=mail.account) as slow:
        assert slow.mail(mail.account.sender) == 250 and slow.rcpt("x@dest.test") == 250
        old.send_signal(signal.SIGTERM)
        wait_until("the old socket is closed", lambda: not all(map(answers, mail.tollgate.addresses("milter"))))
        mail.tollgate.start_milter()
        assert mail.send(mail.account, subject="by the new one") == 250
        assert old.running()
        assert slow.data(f"From: {mail.account.sender}\nSubject: by the old one\n\nx\n") == 250
        assert old.stop() == 0
        assert mail.send(mail.account, subject="and again") == 250
    assert mail.tollgate.used(mail.account) == 3


@pytest.fixture
def handed_over(make_relay):
    """Sockets as systemd's socket units make them; a session for each message, as open sessions see their milter go."""
    relay = make_relay(start=False)
    relay.tollgate.hand_over()
    relay.start()
    relay.account = rich(relay)
    return relay


def restarted_under_load(relay, name):
    """The load that went on meanwhile, ended and checked."""
    with Load(relay, relay.account, per_session=1) as load:
        for _ in range(ROUNDS):
            load.wait_accepted(20)
            daemon = getattr(relay.tollgate, name)
            assert daemon.stop() == 0, daemon.text()
            getattr(relay.tollgate, f"start_{name}")()
        load.wait_accepted(20)
    load.check()
    return load


def test_a_milter_socket_that_is_handed_over_leaves_no_gap(handed_over):
    """Who connects meanwhile waits for the next milter."""
    relay = handed_over
    load = restarted_under_load(relay, "milter")
    relay.tollgate.wait_event("ready", "handed-over=yes")
    # Only sessions that had their milter already and were not yet at MAIL: one each, at most.
    assert load.refused.total() <= ROUNDS * len(load.threads), load.replies
    assert load.lost == 0


def test_authd_sockets_that_are_handed_over_cost_each_smtpd_one_454(handed_over):
    relay = handed_over
    load = restarted_under_load(relay, "authd")
    assert set(load.refused) <= {("AUTH", 454)}, load.replies
    failed = collections.Counter(re.findall(r"smtpd\[(\d+)\]: warning: .*SASL PLAIN authentication failed", relay.postfix.text()))
    assert failed.total() == load.refused.total() and all(n <= ROUNDS for n in failed.values()), failed
    assert "fatal" not in relay.postfix.text()


def test_authd_restarted_under_load_costs_454s(mail):
    with Load(mail, mail.account) as load:
        for _ in range(ROUNDS):
            load.wait_accepted(20)
            assert mail.tollgate.authd.stop() == 0, mail.tollgate.authd.text()
            mail.tollgate.start_authd()
        load.wait_accepted(20)
    load.check()
    assert set(load.refused) <= {("AUTH", 454)}, load.replies


def test_sighups_under_load_lose_nothing_and_a_bad_file_changes_nothing(mail):
    with Load(mail, mail.account) as load:
        load.wait_accepted(10)
        for _ in range(100 * SOAK):
            mail.tollgate.milter.send_signal(signal.SIGHUP)
            mail.tollgate.authd.send_signal(signal.SIGHUP)
        load.wait_accepted(20)
        good = mail.tollgate.config.read_text()
        mail.tollgate.config.write_text(good + "max_recipients = many\n")
        for daemon in (mail.tollgate.milter, mail.tollgate.authd):
            events = mail.tollgate.reload(daemon)
            assert any("reload-failed" in e and "max_recipients" in e for e in events), events
        load.wait_accepted(20)
        mail.tollgate.configure(max_recipients=1)
        mail.tollgate.reload(mail.tollgate.milter)
        wait_until("the new limit", lambda: load.refused["RCPT", 452])
    load.check()
    assert set(load.refused) == {("RCPT", 452)}, load.replies
    assert mail.tollgate.milter.running() and mail.tollgate.authd.running()


@pytest.mark.parametrize("name", ["authd", "milter"])
def test_a_sighup_during_the_start_ends_nobody_and_reloads(make_relay, name):
    relay = make_relay(postfix=False)
    tollgate = relay.tollgate
    getattr(tollgate, name).stop()
    events = len(tollgate.events())
    # Blocked until the daemon lets it in: one that comes while the program is still being loaded would end it.
    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    try:
        started = tollgate.daemon(f"{name}/tollgate-{name}", f"{name}.out", (), {})
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
    setattr(tollgate, name, started)
    started.send_signal(signal.SIGHUP)
    started.wait_for("the reload", lambda: any(f"tollgate-{name}" in e and " reloaded " in e for e in tollgate.events()[events:]))


def test_what_needs_a_restart_is_told_by_what_runs_at_every_reload(make_relay):
    tollgate = make_relay(postfix=False).tollgate
    running = dict(tollgate.settings)
    def told(**settings):
        tollgate.settings = {**running, **settings}
        tollgate.configure()
        seen = len(tollgate.events())
        assert "reloaded" in [e for e in tollgate.reload(tollgate.authd) if "reload" in e][-1]
        return [e for e in tollgate.events()[seen:] if "restart-needed" in e]
    assert "option=dict_listen" in told(dict_listen=[f"unix:{tollgate.run}/dict"])[0]
    assert "option=dict_listen" in told(dict_listen=[f"unix:{tollgate.run}/dict"])[0]  # it runs without it still
    assert told() == []  # as it was started
    assert told(grace_days=3) == []


HOLDER = """
import ctypes, sys
lmdb, env, change = ctypes.CDLL("liblmdb.so.0"), ctypes.c_void_p(), ctypes.c_void_p()
NOTLS = 0x200000
assert lmdb.mdb_env_create(ctypes.byref(env)) == 0 and lmdb.mdb_env_open(env, sys.argv[1].encode(), NOTLS, 0o600) == 0
assert lmdb.mdb_txn_begin(env, None, 0, ctypes.byref(change)) == 0
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def held(store):
    """By another process that is in the midst of a change."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield


def test_a_store_that_somebody_holds_does_not_hold_up_the_end(mail):
    """The latest events have to wait for it, but not for ever."""
    tollgate = mail.tollgate
    with held(tollgate.store):
        with mail.client() as client:
            assert client.auth_plain(mail.account.username, "wrong") == 535
            assert client.mail(mail.account.sender) == 530
        daemons = tollgate.authd, tollgate.milter
        for daemon in daemons:
            daemon.send_signal(signal.SIGTERM)
        assert [daemon.stop() for daemon in daemons] == [1, 1]
    for name in "tollgate-authd", "tollgate-milter":
        tollgate.wait_event(name, "stopped-hard")
    tollgate.start()
    assert mail.send(mail.account) == 250
    check_store(tollgate)


def test_a_signal_that_reaches_another_thread_ends_nobody(mail):
    """Which thread a signal goes to is the kernel's choice; libmilter has one that takes SIGHUP for the end."""
    milter, libc = mail.tollgate.milter, ctypes.CDLL(None, use_errno=True)
    events = len(mail.tollgate.events())
    for thread in os.listdir(f"/proc/{milter.pid}/task"):
        assert libc.tgkill(milter.pid, int(thread), signal.SIGHUP) == 0, os.strerror(ctypes.get_errno())
    milter.wait_for("the reload", lambda: any(" reloaded " in e for e in mail.tollgate.events()[events:]))
    # libmilter would look whether it is to stop after each connection.
    for _ in range(3):
        assert mail.send(mail.account) == 250
    assert milter.running() and not any(" stopping" in e for e in mail.tollgate.events()[events:])


def test_milter_away_defers_and_nothing_is_accepted(mail):
    with mail.client(account=mail.account) as before:
        assert mail.tollgate.milter.stop() == 0
        assert before.send(mail.account.sender, "x@dest.test") == 451
        for _ in range(3):
            with Client(mail.postfix.port) as client:
                replies = [client.auth_plain(mail.account.username, mail.account.password),
                           client.send(mail.account.sender, "x@dest.test")]
                assert 451 in [r.code for r in replies] and not any(r == 250 for r in replies)
    mail.tollgate.start_milter()
    assert mail.send(mail.account) == 250
    assert mail.tollgate.used(mail.account) == 1
    check_store(mail.tollgate)


def test_authd_away_defers_logins_and_authorised_addresses(mail):
    mail.command("ip", "add", "127.0.0.9", mail.account.username)
    with mail.client(source="127.0.0.9") as by_address, mail.client() as by_login:
        assert by_address.send(mail.account.sender, "x@dest.test") == 250
        assert by_login.auth_plain(mail.account.username, mail.account.password) == 235
        assert mail.tollgate.authd.stop() == 0
        # Logged in before: the milter knows the account, authd is not needed.
        assert by_login.send(mail.account.sender, "x@dest.test") == 250
        assert by_address.send(mail.account.sender, "x@dest.test") == 451
        assert by_address.command("RSET") == 250
        mail.tollgate.start_authd()
        assert by_address.send(mail.account.sender, "x@dest.test") == 250
    with mail.client() as client:
        wait_until("a login", lambda: client.auth_plain(mail.account.username, mail.account.password) == 235)
    assert mail.tollgate.used(mail.account) == 3


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_a_second_start_leaves_the_pid_file_of_the_daemon_that_runs(make_relay, daemon):
    """An init script that is run twice; or its `stop` would find nobody to stop."""
    tollgate = make_relay(start=False, postfix=False).tollgate
    argv = [BUILD / f"{daemon}/tollgate-{daemon}", "-c", tollgate.config, "-d", "--pid-file"]
    ours, other = tollgate.directory / "daemon.pid", tollgate.directory / "other.pid"
    assert subprocess.run([*argv, ours], check=False, timeout=DEADLINE_S).returncode == 0
    pid = int(ours.read_text())
    try:
        for pid_file in ours, other:
            again = subprocess.run([*argv, pid_file], capture_output=True, text=True, check=False, timeout=DEADLINE_S)
            assert again.returncode == 4 and "is this daemon running already?" in again.stderr
        assert int(ours.read_text()) == pid and not other.exists()
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until("its end", lambda: not os.path.exists(f"/proc/{pid}"))
    assert not ours.exists() or ours.read_text() == ""
