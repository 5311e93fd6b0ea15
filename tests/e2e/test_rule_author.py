"""The rules sender, from and unsubscribe: as whom."""
import pytest


@pytest.fixture(scope="module")
def shop(relay):
    """Shared by the tests that change nothing about it."""
    return relay.tollgate.add_account(domain="shop.example")


def send(relay, account, header, sender=None):
    """A message with this header."""
    with relay.client(account=account) as client:
        return client.send(account.sender if sender is None else sender, "x@dest.test", message=header + "\n\nhello\n")


# ---- sender ----

def test_a_foreign_sender_is_refused_at_mail(relay, shop):
    with relay.client(account=shop) as client:
        reply = client.mail("boss@evil.example")
        event = relay.refused(reply, 553, "5.7.1", "sender")
        assert "evil.example is not associated" in reply
    assert (event["sender"], event["username"]) == ("boss@evil.example", shop.username)


def test_another_customers_domain_is_as_foreign_as_one_that_nobody_has(relay, shop):
    other = relay.tollgate.add_account()
    with relay.client(account=shop) as client:
        one = client.mail(other.sender)
        two = client.mail("x@nobody-has-it.example")
        relay.refused(one, 553, "5.7.1", "sender")

        def plain(reply, domain):
            return reply.text.replace(domain, "D").split("[ref")[0]
        assert plain(one, other.domain) == plain(two, "nobody-has-it.example")


def test_a_pending_domain_is_refused_until_it_is_verified(relay, account):
    relay.tollgate.add_domain("pending.example", account.customer, verify=False)
    relay.command("domain", "associate", "pending.example", account.username)
    with relay.client(account=account) as client:
        reply = client.mail("a@pending.example")
        relay.refused(reply, 553, "5.7.1", "sender")
        assert "not verified yet" in reply
        relay.refused(client.send(account.sender, "x@dest.test", header_from="a@pending.example"), 550, "5.7.1", "from")
        relay.command("domain", "verify", "pending.example", "--trust")
        assert client.send("a@pending.example", "x@dest.test") == 250


def test_a_domain_is_refused_from_the_command_after_its_dissociation(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        relay.command("domain", "dissociate", account.domain, account.username)
        relay.refused(client.rcpt("x@dest.test"), 553, "5.7.1", "sender")


def test_subdomains_are_meant_only_where_the_association_says_so(relay, account):
    with relay.client(account=account) as client:
        below = f"a@mail.{account.domain}"
        relay.refused(client.mail(below), 553, "5.7.1", "sender")
        relay.command("domain", "dissociate", account.domain, account.username)
        relay.command("domain", "associate", account.domain, account.username, "--subdomains")
        assert client.send(below, "x@dest.test") == 250
        assert client.send(f"a@deep.below.mail.{account.domain}", "x@dest.test") == 250
        assert client.send(account.sender, "x@dest.test") == 250
        relay.refused(client.mail(f"a@not{account.domain}"), 553, "5.7.1", "sender")


def test_with_a_null_sender_from_decides(relay, account):
    assert send(relay, account, f"From: {account.sender}\nSubject: null sender", sender="") == 250
    mail = relay.sink.wait(subject="null sender")
    assert mail.sender == ""
    assert relay.tollgate.used(account) == 1
    relay.refused(send(relay, account, "From: boss@evil.example", sender=""), 550, "5.7.1", "from")


def test_a_sender_in_any_case_is_the_same_domain(relay, shop):
    with relay.client(account=shop) as client:
        assert client.send("Shop@SHOP.Example", "x@dest.test") == 250


@pytest.mark.parametrize("sender", ["a@[127.0.0.1]", "nodomain"])
def test_a_sender_without_a_domain_is_refused(relay, shop, sender):
    with relay.client(account=shop) as client:
        relay.refused(client.mail(sender), 553, "5.7.1", "sender")


def test_any_sender_skips_the_comparison_of_domains_and_nothing_else(relay):
    account = relay.tollgate.add_account("--any-sender")
    with relay.client(account=account) as client:
        assert client.send("a@customer-of-ours.example", "x@dest.test", header_from="b@another.example") == 250
        header = "From: a@one.example\nFrom: b@two.example\n\nx\n"
        relay.refused(client.send("a@one.example", "x@dest.test", message=header), 550, "5.7.1", "from")
        relay.refused(client.mail("a@[127.0.0.1]"), 553, "5.7.1", "sender")
        assert relay.tollgate.used(account) == 1
        relay.command("account", "disable", account.username)
        relay.refused(client.mail("a@one.example"), 550, "5.7.1", "status")


# ---- from ----

ALLOWED = {
    "plain": "From: info@shop.example",
    "display name": "From: The Shop <info@shop.example>",
    "a quoted name says what it likes": 'From: "Boss, Inc." <info@shop.example>',
    "several mailboxes, all its own, and a Sender": "From: a@shop.example, B <b@shop.example>\nSender: a@shop.example",
    "folded": "From: The Shop\n <info@shop.example>",
    "encoded word": "From: =?utf-8?q?B=C3=BCcher?= <info@shop.example>",
    "a long one": "From: " + ",\n ".join(f"member{i}@shop.example" for i in range(40)),
}

REFUSED = {
    "none": ("Subject: x", "none"),
    "two fields": ("From: a@shop.example\nFrom: a@shop.example", "exactly one From"),
    "a foreign one first": ("From: boss@evil.example", "evil.example in From is not associated"),
    "a foreign one among its own": ("From: a@shop.example, boss@evil.example", "evil.example in From"),
    "behind a name that looks like its own": ('From: "info@shop.example" <boss@evil.example>', "evil.example in From"),
    "a group": ("From: friends: a@shop.example, b@shop.example;", "it has a group"),
    "an unfinished group": ("From: friends: a@shop.example", "it has a group"),
    "empty": ("From:", "From field is refused"),
    "an empty address": ("From: <>", "empty address"),
    "a name alone": ("From: boss", "From field is refused"),
    "no domain": ("From: Boss <boss>", "From field is refused"),
    "a source route": ("From: <@evil.example:a@shop.example>", "source route"),
    "two addresses without a comma": ("From: boss@evil.example <a@shop.example>", "From field is refused"),
    "an unclosed bracket": ("From: Shop <a@shop.example", "From field is refused"),
    "an unclosed quote": ('From: "Shop <a@shop.example>', "From field is refused"),
    "a comment that hides an address": ("From: a@shop.example (boss@evil.example", "From field is refused"),
    "an address in an encoded word": ("From: =?utf-8?q?boss=40evil.example?= <a@shop.example>", "From field is refused"),
    "an address literal": ("From: a@[192.0.2.1]", "no domain but a number"),
    "a trailing comma": ("From: a@shop.example,", "From field is refused"),
    "a foreign Sender": ("From: a@shop.example\nSender: boss@evil.example", "evil.example in Sender is not associated"),
    "two Sender fields": ("From: a@shop.example\nSender: a@shop.example\nSender: a@shop.example", "one Sender field"),
    "a malformed Sender": ("From: a@shop.example\nSender: <a@shop.example", "Sender field is refused"),
    "a Sender with two addresses": ("From: a@shop.example\nSender: a@shop.example, b@shop.example", "Sender field is refused"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_from_is_accepted(relay, shop, name):
    assert send(relay, shop, ALLOWED[name]) == 250


@pytest.mark.parametrize("name", REFUSED)
def test_from_is_refused_at_the_end_of_the_header(relay, shop, name):
    header, words = REFUSED[name]
    used = relay.tollgate.used(shop)
    reply = send(relay, shop, "Subject: refused\n" + header)
    assert reply == 550 and " 5.7.1 " in reply and words in reply
    # Of so many in a minute the activity keeps but some; the log has all.
    relay.tollgate.wait_event("refused", "rule=from", f"ref={relay.tollgate.reference(reply.text)}", shop.username)
    assert relay.tollgate.used(shop) == used


def test_sender_is_not_looked_at_where_the_service_says_so(relay, account):
    own, list_sender = f"From: {account.sender}", "Sender: list@evil.example"
    with relay.tollgate.changed(relay.tollgate.milter, check_sender_header=False):
        assert send(relay, account, f"{own}\n{list_sender}") == 250
        relay.refused(send(relay, account, f"From: a@evil.example\nSender: {account.sender}"), 550, "5.7.1", "from")
    relay.refused(send(relay, account, f"{own}\n{list_sender}"), 550, "5.7.1", "from")


# ---- unsubscribe ----

@pytest.fixture(scope="module")
def newsletter(relay):
    return relay.tollgate.add_account("--type", "promotional", domain="news.example")


UNSUBSCRIBE = "List-Unsubscribe: <https://news.example/u/1>"


def warnings(relay, account):
    return [e for e in relay.tollgate.activity(account) if e["kind"] == "warning"]


def test_promotional_mail_without_list_unsubscribe_is_warned_of(relay, newsletter):
    assert send(relay, newsletter, f"From: {newsletter.sender}\n{UNSUBSCRIBE}") == 250
    assert send(relay, newsletter, f"From: {newsletter.sender}\nSubject: without") == 250
    event = relay.tollgate.wait_activity(newsletter, kind="warning")[0]
    assert event["rule"] == "unsubscribe" and "List-Unsubscribe" in event["text"]
    accepted = [e for e in relay.tollgate.activity(newsletter) if e["kind"] == "accepted"]
    assert event["queue_id"] == accepted[-1]["queue_id"] != accepted[-2]["queue_id"]
    assert len(warnings(relay, newsletter)) == 1


def test_promotional_mail_without_list_unsubscribe_is_refused_where_it_is_required(relay, newsletter, shop):
    with relay.tollgate.changed(relay.tollgate.milter, unsubscribe="require"):
        relay.refused(send(relay, newsletter, f"From: {newsletter.sender}"), 550, "5.7.1", "unsubscribe")
        assert send(relay, newsletter, f"From: {newsletter.sender}\n{UNSUBSCRIBE}") == 250
        assert send(relay, shop, f"From: {shop.sender}") == 250


def test_promotional_mail_without_list_unsubscribe_passes_in_silence_where_it_is_off(relay):
    account = relay.tollgate.add_account("--type", "promotional")
    with relay.tollgate.changed(relay.tollgate.milter, unsubscribe="off"):
        assert send(relay, account, f"From: {account.sender}") == 250
        relay.command("account", "disable", account.username)  # an event later than any warning would be
    assert warnings(relay, account) == []
