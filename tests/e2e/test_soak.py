"""A day's worth of mixed traffic in SOAK minutes (`make soak`): logins good and bad, mail accepted and refused, bounces,
reloads, changes by the administrator, backups, the sweep of every hour; restarts in the first tenth. Afterwards nothing has
grown but the data: memory, descriptors, reader slots, the store's file; and everything agrees."""
import contextlib
import http.client
import os
import random
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from servers.load import SOAK, Load, UntilEnded, check_store
from servers.process import free_port, wait_until

pytestmark = pytest.mark.skipif(SOAK < 2, reason="minutes: make soak")

MINUTES = SOAK
DOMAIN = "bounces.relay.test"


def anonymous_kb(process):
    """Without the store's pages, which the kernel takes back when it likes."""
    for line in open(f"/proc/{process.pid}/status", encoding="ascii"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


def figures(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: float(value) for name, value in re.findall(r"^(tollgate_store_\w+|tollgate_committer_\w+_total) (\S+)$", text, re.M)}


class Traffic(UntilEnded):
    """What happens beside the mail; each thing in a thread of its own, until it ends. An exception in one is kept."""

    def __init__(self, relay, accounts, spare):
        self.relay, self.accounts, self.spare = relay, accounts, spare
        self.error, self.counts = None, {}
        super().__init__(*((self.again, what, pause) for what, pause in (
            (self.bad_login, 0.2), (self.refusals, 0.3), (self.bounce, 0.5), (self.reload, 2), (self.change, 1), (self.look, 5))))

    def again(self, what, pause):
        rng = random.Random(what.__name__)
        while not self.ended.wait(pause):
            try:
                with contextlib.suppress(OSError):  # a session that a restart took away
                    what(rng)
                    self.counts[what.__name__] = self.counts.get(what.__name__, 0) + 1
            except BaseException as error:
                self.error = self.error or error

    def __exit__(self, *exc):
        super().__exit__(*exc)
        if exc[0] is None and self.error is not None:
            raise self.error

    def bad_login(self, rng):
        account = rng.choice(self.accounts)
        source = f"127.{rng.randrange(1, 250)}.{rng.randrange(250)}.{rng.randrange(1, 250)}"
        with self.relay.client(source) as client:
            assert client.auth_plain(account.username, "guess").code in (535, 454, 421)

    def refusals(self, rng):
        account = rng.choice(self.accounts)
        with self.relay.client() as client:
            reply = client.mail("x@nobody.test")
            assert 400 <= reply.code < 600
            if client.auth_plain(account.username, account.password) == 235:
                assert 400 <= client.send("x@other.test", "x@dest.test").code < 600
                client.command("RSET")
                assert 400 <= client.send(account.sender, "x@dest.test", header_from="eve@other.test").code < 600

    def bounce(self, rng):
        with self.relay.client() as client:
            assert client.mail("") in (250, 451, 421)
            reply = client.rcpt(f"forged{rng.randrange(10**9)}@{DOMAIN}")
            assert 400 <= reply.code < 600, reply
        tokens = [m.sender for m in self.relay.sink.find()[-20:] if m.sender.endswith(DOMAIN)]
        if not tokens:
            return
        with self.relay.client() as client:
            if client.mail("") == 250 and client.rcpt(rng.choice(tokens)) == 250:
                client.data("From: MAILER-DAEMON@dest.test\nSubject: report\nContent-Type: multipart/report; "
                            "report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\n"
                            "Reporting-MTA: dns; dest.test\n\nFinal-Recipient: rfc822; x@dest.test\nAction: failed\n"
                            "Status: 5.1.1\n\n--b--\n")

    def reload(self, rng):
        for process in (self.relay.tollgate.milter, self.relay.tollgate.authd):
            if process is not None and process.running():
                process.send_signal(1)

    def change(self, rng):
        account = rng.choice(self.accounts)
        command = self.relay.tollgate.try_command
        which = rng.randrange(5)
        if which == 0:
            command("--yes", "account", "set", account.username, "--max-recipients", str(rng.randrange(50, 100)))
        elif which == 1:
            command("--yes", "ip", "add", f"198.51.100.{rng.randrange(250)}", account.username)
        elif which == 2:
            command("--yes", "ip", "remove", f"198.51.100.{rng.randrange(250)}", account.username)
        elif which == 3:
            command("--yes", "account", "disable", account.username, "--reason", "soak")
            self.ended.wait(0.2)
            command("--yes", "account", "enable", account.username)
        else:
            command("--yes", "account", "password", self.spare.username, "--overlap", "7d")

    def look(self, rng):
        for argv in (["stats"], ["activity", "--since", "1h"], ["store", "check"], ["account", "list"]):
            answer = self.relay.tollgate.try_command("--json", *argv)
            assert answer.status == 0, (argv, answer.err)


def sweep(relay, hours):
    at = (datetime.now(timezone.utc) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    relay.command("sweep", "--at", at)


def measure(relay, port):
    gc = figures(port)
    tollgate = relay.tollgate
    return {"authd_kb": anonymous_kb(tollgate.authd), "milter_kb": anonymous_kb(tollgate.milter),
            "authd_fds": len(os.listdir(f"/proc/{tollgate.authd.pid}/fd")),
            "milter_fds": len(os.listdir(f"/proc/{tollgate.milter.pid}/fd")),
            "readers": gc["tollgate_store_readers"], "map": gc["tollgate_store_map_bytes"], "used": gc["tollgate_store_used_bytes"],
            "charges": gc["tollgate_committer_charges_total"]}


def check_counts(relay, load):
    """Of each account: what arrived was counted, and what was counted arrived or was in flight. (The senders are tokens.)"""
    relay.postfix.flush()
    wait_until("the queue is empty", lambda: not relay.postfix.queue())
    arrived, total = {}, [0, 0]
    for m in relay.sink.find():
        if (m.header("Subject") or [""])[0].startswith("load"):
            sender = m.header("From")[0].strip()
            arrived[sender] = arrived.get(sender, 0) + len(m.recipients)
    for account in load.accounts:
        counted = relay.tollgate.used(account) - load.before[account.username]
        accepted = arrived.get(account.sender, 0)
        assert len(load.accepted[account.username]) * load.recipients <= accepted <= counted, (account, accepted, counted)
        total = [total[0] + accepted, total[1] + counted]
    assert total[1] - total[0] <= load.doubtful * load.recipients, (total, load.doubtful)
    return total


def test_a_day_in_minutes_leaves_nothing_behind(make_relay, tmp_path):
    port = free_port()
    relay = make_relay(return_path_domain=DOMAIN, init_options=("--return-path-domain", DOMAIN), activity_days=1, return_path_days=1, resolvers=[],
                       dns_timeout=1, milter_http_listen=[f"inet:127.0.0.1:{port}"],
                       postfix={"settings": ["service_throttle_time = 1s", "smtpd_error_sleep_time = 0"]})
    tollgate = relay.tollgate
    accounts = [tollgate.add_account() for _ in range(12)]
    for account in accounts[2:]:  # the first two run out of their plan
        relay.command("account", "credit", account.username, 10000000, "--reason", "soak")
    end = time.monotonic() + MINUTES * 60
    with Load(relay, accounts, sessions=8, per_session=3) as load, Traffic(relay, accounts, tollgate.add_account()) as traffic:
        load.wait_accepted(20)
        while time.monotonic() < end - MINUTES * 54:
            tollgate.milter.stop()
            tollgate.start_milter()
            load.wait_accepted(10)
            tollgate.authd.stop()
            tollgate.start_authd()
            load.wait_accepted(10)
            relay.postfix.stop()
            relay.postfix.start()
            load.wait_accepted(10)
        series, hour = [], 0
        while time.monotonic() < end:
            hour += 1
            # From the 24th on the events of today are old enough to go.
            sweep(relay, hour if hour < 24 else 72 + hour % 24)
            relay.command("store", "backup", tmp_path / f"backup{hour}")
            for file in (tmp_path / f"backup{hour}").iterdir():
                file.unlink()
            time.sleep(MINUTES * 54 / 60)
            series.append(measure(relay, port))
            print(hour, int(load.count), series[-1], flush=True)
            assert traffic.error is None
        counts = dict(traffic.counts)
    warm, last = series[len(series) // 3], series[-1]
    print(f"{MINUTES} minutes, {load.count} messages accepted, refused {dict(load.refused)}, beside {counts}")
    print(f"warm {warm}\nlast {last}")
    accepted, counted = check_counts(relay, load)
    print(f"{accepted} recipients accepted, {counted} counted, {load.doubtful} messages in doubt")
    check_store(tollgate)
    assert {code for _, code in load.refused} <= {421, 451, 452, 454, 535, 550}, load.refused
    for name in ("authd_kb", "milter_kb"):
        assert last[name] < warm[name] + 8 * 1024, (name, series)
    for name in ("authd_fds", "milter_fds"):
        assert last[name] < warm[name] + 30, (name, series)
    assert last["readers"] <= warm["readers"] + 20, series
    assert last["map"] == warm["map"]
    # What was removed is used again: a record of a message takes some 300 octets.
    assert last["used"] - warm["used"] < 4 * 2**20 + 1000 * (last["charges"] - warm["charges"]), series
