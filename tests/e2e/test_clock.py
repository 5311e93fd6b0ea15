"""The clock jumps, forth and back: no quota is gained, no period skipped, tokens behave. (libfaketime, which
reads its file at every look at the clock: the daemons see the jumps while they run.)"""
import datetime
import glob
import os

import pytest
from servers.process import THREAD_SANITIZER

from servers.tollgate import Account

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)

pytestmark = [pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed (apt install faketime)"),
              pytest.mark.skipif(THREAD_SANITIZER, reason="not with libfaketime")]

DAY = 86400


class Clock:
    """What the daemons and the command take for the time: the real one and an offset, which may change at any moment."""

    def __init__(self, relay):
        self.relay, self.file = relay, relay.directory / "clock"
        self.env = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        self.set(0)
        relay.tollgate.start_authd(env={**os.environ, **self.env})
        relay.tollgate.start_milter(env={**os.environ, **self.env})
        relay.postfix.start()

    def set(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self.file)

    def command(self, *argv):
        return self.relay.tollgate.command(*argv, env=self.env)

    def plan(self, account):
        return self.command("account", "show", account.username)["plan"]


@pytest.fixture
def clock(make_relay):
    def make(**settings):
        relay = make_relay(start=False, **settings)
        made = Clock(relay)
        return relay, made
    return make


def use(relay, account, count):
    with relay.client(account=account) as client:
        while count > 0:
            now = min(count, 100)
            reply = client.send(account.sender, [f"c{i}@dest.test" for i in range(now)])
            assert reply == 250, reply
            count -= now


def refused(relay, account):
    with relay.client(account=account) as client:
        reply = client.send(account.sender, "x@dest.test")
        return reply == 452 and "4.7.1" in reply


def test_a_clock_that_goes_back_gives_no_quota(clock):
    relay, time = clock()
    account = relay.tollgate.add_account()
    use(relay, account, 1000)
    assert refused(relay, account)
    for back in (1, DAY, 31 * DAY, 400 * DAY):
        time.set(-back)
        assert refused(relay, account), back
        assert time.plan(account)["left"] == 0
    time.set(0)
    assert refused(relay, account)


def test_a_jump_forth_begins_a_period_once_and_back_again_gives_none(clock):
    """A month ahead is the next period: its quota may be used. Back in the old one it is still that period's usage."""
    relay, time = clock()
    account = relay.tollgate.add_account()
    use(relay, account, 1000)
    first = time.plan(account)
    time.set(32 * DAY)
    assert time.plan(account)["period_start"] == first["period_end"]
    use(relay, account, 600)
    for jump in (0, 32 * DAY, -100 * DAY, 33 * DAY):
        time.set(jump)
        plan = time.plan(account)
        assert (plan["used"], plan["left"], plan["period_start"]) == (600, 400, first["period_end"]), jump
    use(relay, account, 400)
    time.set(0)
    assert refused(relay, account)
    # And no period is skipped: the one after comes when it is due, not earlier.
    time.set(61 * DAY)
    begins = datetime.datetime.fromisoformat(time.plan(account)["period_start"].replace("Z", "+00:00"))
    assert begins <= datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=61)
    time.set(70 * DAY)
    assert time.plan(account)["left"] == 1000
    use(relay, account, 1)


def test_rates_are_not_reset_by_a_clock_that_goes_back(clock):
    relay, time = clock(max_per_hour=10)
    account = relay.tollgate.add_account()
    use(relay, account, 10)

    def limited():
        with relay.client(account=account) as client:
            return client.send(account.sender, "x@dest.test") == 450

    assert limited()
    time.set(-2 * 3600)
    assert limited()
    time.set(0)
    assert limited()
    time.set(2 * 3600)
    use(relay, account, 10)
    assert limited()


def doctor(relay, time):
    """What it says of the clock (on a machine without NTP it has something else to say)."""
    answer = relay.tollgate.try_command("--json", "doctor", "--postconf", f"postconf -c {relay.postfix.etc}", env=time.env)
    return [f for f in answer.json["checks"] if "the clock is behind" in f["text"]]


def test_a_clock_that_was_a_year_ahead_is_set_back(clock):
    """NTP breaks for an hour: accounts are in next year, until somebody says that the clock is right."""
    relay, time = clock(max_per_hour=300)
    busy, idle, new = (relay.tollgate.add_account() for _ in range(3))
    use(relay, busy, 100)
    first, untouched = time.plan(busy), time.plan(idle)
    assert doctor(relay, time) == []
    time.set(400 * DAY)
    use(relay, busy, 200)
    use(relay, new, 300)
    time.command("sweep")
    time.set(0)

    # What an administrator finds: next year's period, and an hour that does not end.
    assert time.plan(busy)["period_start"] > first["period_end"]
    with relay.client(account=new) as client:
        assert client.send(new.sender, "x@dest.test") == 450
    found, = doctor(relay, time)
    assert "tollgate store set-back" in found["remedy"]
    before = [time.plan(a) for a in (busy, new)]
    asked = relay.tollgate.try_command("store", "set-back", env=time.env)
    assert asked.status == 2 and "--yes" in asked.err
    dry = relay.tollgate.try_command("store", "set-back", "--dry-run", env=time.env)
    assert dry.status == 0 and "2 accounts" in dry.out and "nothing was changed" in dry.out
    assert [time.plan(a) for a in (busy, new)] == before

    told = time.command("store", "set-back")
    assert told["ok"] and sorted(a["username"] for a in told["accounts"]) == sorted([busy.username, new.username])
    assert doctor(relay, time) == []
    assert time.command("store", "set-back")["accounts"] == []
    # In this period, with all that was used, before and since; who sent nothing is where he was.
    plan = time.plan(busy)
    assert (plan["period_start"], plan["period_end"], plan["used"], plan["left"]) == (
        first["period_start"], first["period_end"], 300, 700)
    assert time.plan(idle) == untouched
    lines = [line for line in time.command("audit") if line["action"] == "store set-back"]
    assert sorted(line["subject"] for line in lines) == sorted([busy.username, new.username])
    assert "300 used" in lines[0]["new"] + lines[1]["new"]
    # The hour is held for an hour. Then the quota goes on where it was, for the milter that ran all the while, and ends where it does.
    with relay.client(account=new) as client:
        assert client.send(new.sender, "x@dest.test") == 450
    for hours in (2, 4, 6):
        time.set(hours * 3600)
        use(relay, busy, 200 if hours < 6 else 300)
    assert refused(relay, busy)
    time.set(32 * DAY)
    assert (time.plan(busy)["period_start"], time.plan(busy)["left"]) == (first["period_end"], 1000)
    use(relay, busy, 1)
    checked = time.command("store", "check")
    assert checked["ok"], checked["problems"]


def test_tokens_expire_by_the_clock_and_live_again_when_it_goes_back(clock):
    relay, time = clock(return_path_domain="bounce.test", return_path_days=14)
    account = relay.tollgate.add_account("--notify", "reports@customers.test")
    assert relay.send(account, subject="signed") == 250
    token = relay.sink.wait(subject="signed").sender
    assert token.endswith("@bounce.test")

    def report():
        with relay.client() as client:
            assert client.mail("") == 250
            return client.rcpt(token)

    for jump, good in ((0, True), (13 * DAY, True), (15 * DAY, False), (400 * DAY, False), (-2 * DAY, None), (0, True)):
        time.set(jump)
        reply = report()
        if good is not None:
            assert reply == (250 if good else 550), (jump, reply)
    # A token from the future (the clock was set back since): an answer, and no crash.
    assert relay.tollgate.milter.running()


def test_an_old_password_ends_when_its_overlap_does(clock):
    relay, time = clock()
    account = relay.tollgate.add_account()
    new = time.command("account", "password", account.username, "--overlap", "7d")["password"]

    def logs_in(password):
        with relay.client() as client:
            return client.auth_plain(account.username, password) == 235

    for jump, old_works in ((0, True), (6 * DAY, True), (8 * DAY, False), (6 * DAY, True)):
        time.set(jump)
        assert logs_in(new), jump
        assert logs_in(account.password) == old_works, jump


# ---- more than a year of a monthly and of a prepaid account, day by day ----


def mails(relay):
    """The subject of each mail that the mailer got."""
    return [line[9:] for line in (relay.directory / "mails").read_text().splitlines() if line.startswith("Subject: ")]


def buy(relay, time, plan, messages):
    customer = relay.command("customer", "add", "--name", plan, "--email", f"{plan}@customers.test", "--accept-terms")["id"]
    relay.command("customer", "billing", customer, "--company", plan, "--address", "Hauptstr. 1, Wien")
    made = time.command("account", "add", "--customer", customer, "--description", plan, "--type", "transactional", "--plan", plan,
                        "--messages", messages)
    time.command("order", "pay", made["order"]["id"], "--reference", f"first {plan}")
    a = made["account"]
    relay.tollgate.add_domain(f"{plan}.example", customer)
    relay.command("domain", "associate", f"{plan}.example", a["username"])
    return Account(a["username"], made["password"], a["id"], customer, f"{plan}.example")


def test_a_year_day_by_day(clock):
    relay, time = clock(user="")
    relay.tollgate.configure(mailer=f"cat >>{relay.directory}/mails", mail_from="billing@relay.test", provider_mail="abuse@relay.test")
    relay.command("plan", "set", "monthly", "--messages", 200, "--price", "9.90", "--on-sale")
    relay.command("plan", "set", "prepaid", "--messages", 500, "--price", "20", "--on-sale")
    monthly, prepaid = buy(relay, time, "monthly", 200), buy(relay, time, "prepaid", 500)
    refusals = []
    for day in range(1, 400):
        time.set(day * DAY)
        time.command("sweep")
        assert time.command("sweep")["events"] == [], f"day {day}: the second sweep of a moment has nothing to do"
        # Orders are paid on the third day after they are made; the fifth renewal only after it is overdue.
        for order in time.command("order", "list", "--account", monthly.username):
            made = datetime.datetime.fromisoformat(order["created"].replace("Z", "+00:00"))
            age = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=day) - made).days
            if order["status"] in ("unpaid", "overdue") and age >= (25 if order["id"] == 7 else 3):
                time.command("order", "pay", order["id"], "--reference", f"day {day}")
        if day % 10 == 0:
            for account in monthly, prepaid:
                with relay.client(account=account) as client:
                    reply = client.send(account.sender, "x@dest.test")
                    if reply != 250:
                        refusals.append((account.domain, day, int(str(reply.text).split()[0].split("-")[0])))
    # The monthly one: thirteen more months, each ordered once, each order mailed once, and paid.
    orders = time.command("order", "list", "--account", monthly.username)
    renewals = [o for o in orders if o["kind"] == "renewal"]
    assert len(renewals) == 13 and len({o["period_start"] for o in renewals}) == 13
    assert all(o["status"] == "paid" for o in orders), orders
    told = mails(relay)
    for order in renewals:
        assert len([m for m in told if f"order {order['id']}" in m and "next month" in m]) == 1, order
        assert len([m for m in told if f"Order {order['id']} is paid" in m]) == 1, order
    # In error between the day that the fifth was overdue and the one that it was paid, and not a day longer.
    assert len([m for m in told if f"{monthly.username} can't send" in m]) == 1, told
    assert all(code == 550 for domain, _, code in refusals if domain == monthly.domain)
    assert len([r for r in refusals if r[0] == monthly.domain]) <= 1
    # The prepaid one: announced 30 and 7 days before, expired after 12 months, refused since.
    assert len([m for m in told if prepaid.username in m and "expire" in m]) == 2, told
    assert [r for r in refusals if r[0] == prepaid.domain] == [(prepaid.domain, day, 452) for day in (370, 380, 390)]
    ledger = time.command("account", "ledger", prepaid.username)
    assert [m["kind"] for m in ledger].count("expiry") == 1 and ledger[-1]["balance"] == 0
    assert sum(m["amount"] for m in time.command("account", "ledger", monthly.username)) == time.plan(monthly)["left"]
    checked = time.command("store", "check")
    assert checked["ok"], checked["problems"]
