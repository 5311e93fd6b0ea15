"""`tollgate explain` and the milter give the same answer: each case is driven through both."""
import contextlib
import dataclasses

import pytest

@dataclasses.dataclass
class Case:
    """A session and its message. None where nothing is to be set."""
    sender: str = "info@{d}"
    login: bool = True
    address: str = ""          # "own": authorised for the account; "": any other
    rcpt: int = 1
    header: str = "From: info@{d}"
    set: tuple = ()            # options of account set
    disabled: bool = False
    use_up: int = -1           # messages to leave
    settings: dict = dataclasses.field(default_factory=dict)


CASES = {
    "all in order": Case(),
    "by an authorised address": Case(login=False, address="own"),
    "neither": Case(login=False),
    "neither, and ignored": Case(login=False, settings={"unknown_clients": "ignore"}),
    "trusted": Case(login=False, settings={"trusted_networks": ["127.0.0.0/8"]}, sender="x@evil.example", header="Subject: x"),
    "ip-lock from elsewhere": Case(set=("--ip-lock",)),
    "ip-lock without login": Case(set=("--ip-lock",), login=False, address="own"),
    "ip-lock with both": Case(set=("--ip-lock",), address="own"),
    "disabled": Case(disabled=True),
    "disabled, by address": Case(disabled=True, login=False, address="own"),
    "used up": Case(use_up=0),
    "used up, rejected": Case(use_up=0, settings={"exhausted": "reject"}),
    "one left for two": Case(use_up=1, rcpt=2),
    "one left for two, counted by messages": Case(use_up=1, rcpt=2, settings={"count": "messages"}),
    "two left for two": Case(use_up=2, rcpt=2),
    "too fast": Case(set=("--max-per-hour", "1"), rcpt=2),
    "too fast for the service": Case(settings={"max_per_day": 1}, rcpt=2),
    "a foreign sender": Case(sender="boss@evil.example"),
    "a sender below the domain": Case(sender="a@sub.{d}"),
    "a pending sender": Case(sender="a@pending.{d}"),
    "an address literal": Case(sender="a@[192.0.2.1]"),
    "the null sender": Case(sender=""),
    "the null sender, a foreign From": Case(sender="", header="From: boss@evil.example"),
    "any-sender": Case(set=("--any-sender",), sender="a@evil.example", header="From: a@evil.example"),
    "a foreign From": Case(header="From: boss@evil.example"),
    "a pending From": Case(header="From: a@pending.{d}"),
    "no From": Case(header="Subject: x"),
    "two From": Case(header="From: info@{d}\nFrom: info@{d}"),
    "a folded From": Case(header="From: The Shop\n <info@{d}>"),
    "a malformed From": Case(header="From: info@{d}, <"),
    "a group": Case(header="From: g: info@{d};"),
    "a foreign Sender": Case(header="From: info@{d}\nSender: boss@evil.example"),
    "a foreign Sender, not looked at": Case(header="From: info@{d}\nSender: boss@evil.example",
                                            settings={"check_sender_header": False}),
    "promotional": Case(set=("--type", "promotional")),
    "promotional, required": Case(set=("--type", "promotional"), settings={"unsubscribe": "require"}),
    "promotional, required, there": Case(set=("--type", "promotional"), settings={"unsubscribe": "require"},
                                         header="From: info@{d}\nList-Unsubscribe: <https://x.example/u>"),
    "too many recipients": Case(settings={"max_recipients": 3}, rcpt=4),
    "as many recipients as may be": Case(settings={"max_recipients": 3}, rcpt=3),
    "the account's own limit of recipients": Case(set=("--max-recipients", "1"), rcpt=2),
    "two faults, of which the earlier counts": Case(sender="boss@evil.example", header="Subject: x", rcpt=2),
}


def by_milter(relay, client, case, sender, header):
    """Verdict, rule and reply; the rule as the log has it."""
    with client:
        reply = client.mail(sender)
        for i in range(case.rcpt):
            if reply.ok:
                # A client that nobody knows, and that is let through, may send to Postfix's own domain.
                reply = client.rcpt(f"r{i}@nowhere.test")
        if reply.ok:
            reply = client.data(header + "\n\nx\n")
    if reply.ok:
        return "accept", None, None
    event = relay.tollgate.wait_event("refused", f"ref={relay.tollgate.reference(reply.text)}")
    rule = next(word.partition("=")[2] for word in event.split() if word.startswith("rule="))
    verdict = "defer" if reply.code < 500 else "reject"
    return verdict, rule, " ".join(reply.text.split()[:2])


@pytest.mark.parametrize("name", CASES)
def test_explain_agrees_with_the_milter(relay, name):
    case = CASES[name]
    account = relay.tollgate.add_account(*case.set)
    relay.tollgate.add_domain(f"pending.{account.domain}", account.customer, verify=False)
    relay.command("domain", "associate", f"pending.{account.domain}", account.username)
    address = relay.new_address()
    if case.address:
        relay.command("ip", "add", address, account.username)
    if case.use_up >= 0:
        relay.use_up(account, case.use_up)
    sender, header = (text.format(d=account.domain) for text in (case.sender, case.header))
    milter = relay.tollgate.milter
    with relay.tollgate.changed(milter, **case.settings) if case.settings else contextlib.nullcontext():
        # A disabled account's login fails by itself: the milter meets one that was disabled since.
        client = relay.client(address, account if case.login else None)
        if case.disabled:
            relay.command("account", "disable", account.username)
        login = ["--login", account.username] if case.login else []
        explained = relay.command("explain", "--ip", address, "--from", sender, "--message", "-", "--rcpt", case.rcpt, *login,
                                  stdin=header + "\n\nx\n")
        seen = by_milter(relay, client, case, sender, header)
    assert (explained["verdict"], explained["rule"], explained["reply"]) == seen
    if seen[1] is not None:
        assert explained["text"] in {r["text"] for r in explained["rules"] if (r["rule"], r["outcome"]) == (seen[1], "refuse")}
    else:
        assert all(r["outcome"] != "refuse" for r in explained["rules"])


def test_every_rule_is_told_in_the_order_in_which_it_is_asked(relay, account):
    told = relay.command("explain", "--login", account.username, "--from", account.sender)
    assert [r["rule"] for r in told["rules"]] == ["client", "login", "status", "plan", "rate", "sender", "from", "unsubscribe",
                                                  "recipients", "return-path", "store"]
    assert {r["outcome"] for r in told["rules"]} <= {"pass", "refuse", "skip"}
    assert told["account"] == account.username
    assert relay.tollgate.used(account) == 0


def test_a_login_that_is_no_account_is_told_so(relay):
    told = relay.command("explain", "--login", "nosuchuser12", "--from", "a@b.example")
    assert (told["verdict"], told["rule"], told["reply"], told["account"]) == ("reject", "login", "550 5.7.1", None)


def test_whose_an_address_is_is_told(relay, account):
    address = relay.new_address()
    relay.command("ip", "add", address, account.username)
    assert relay.command("explain", "--ip", address, "--from", account.sender)["account"] == account.username
    answer = relay.tollgate.try_command("explain", "--ip", address, "--from", account.sender)
    assert answer.out.startswith(f"as the account {account.username}\n\n") and answer.out.endswith("\n\naccept\n"), answer.out
