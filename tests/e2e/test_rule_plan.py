"""The rules plan, rate and recipients: how much."""
import pytest

RELAY = {"max_recipients": 50}


def message(account, subject="test"):
    return f"From: {account.sender}\nSubject: {subject}\n\nx\n"


@pytest.fixture
def nearly_used(relay, account):
    """An account with two messages left."""
    with relay.client(account=account) as client:
        for _ in range(19):
            assert client.send(account.sender, [f"r{i}@use.test" for i in range(50)]) == 250
        assert client.send(account.sender, [f"r{i}@use.test" for i in range(48)]) == 250
    assert relay.tollgate.show(account)["plan"]["left"] == 2
    return account


# ---- plan ----

def test_the_recipient_that_would_pass_the_limit_is_refused_and_the_others_get_the_message(relay, nearly_used):
    with relay.client(account=nearly_used) as client:
        assert client.mail(nearly_used.sender) == 250
        assert client.rcpt("one@dest.test") == 250
        assert client.rcpt("two@dest.test") == 250
        assert client.rcpt("two@DEST.test") == 250  # the same once more costs nothing
        reply = client.rcpt("three@dest.test")
        relay.refused(reply, 452, "4.7.1", "plan")
        assert "would pass the limit; 998 of 1000 used" in reply
        assert client.data(message(nearly_used, "the last two")) == 250
        reply = client.mail(nearly_used.sender)
        relay.refused(reply, 452, "4.7.1", "plan")
        renewal = relay.tollgate.show(nearly_used)["plan"]["period_end"][:10]
        assert f"1000 of 1000 used, renewed on {renewal}" in reply
    assert sorted(relay.sink.wait(subject="the last two").recipients) == ["one@dest.test", "two@dest.test"]


def test_what_another_session_took_is_missed_at_the_end_of_the_message(relay, nearly_used):
    with relay.client(account=nearly_used) as first, relay.client(account=nearly_used) as second:
        for client in first, second:
            assert client.mail(nearly_used.sender) == 250
            assert client.rcpt("one@dest.test") == 250
            assert client.rcpt("two@dest.test") == 250
        assert first.data(message(nearly_used)) == 250
        reply = second.data(message(nearly_used, "too late"))
        relay.refused(reply, 452, "4.7.1", "plan")
    assert relay.tollgate.used(nearly_used) == 1000
    assert relay.sink.find(subject="too late") == []


def test_a_used_up_plan_is_rejected_for_good_where_the_service_says_so(relay, nearly_used):
    assert relay.send(nearly_used, ["one@dest.test", "two@dest.test"]) == 250
    with relay.tollgate.changed(relay.tollgate.milter, exhausted="reject"):
        with relay.client(account=nearly_used) as client:
            relay.refused(client.mail(nearly_used.sender), 550, "5.7.1", "plan")
    with relay.client(account=nearly_used) as client:
        relay.refused(client.mail(nearly_used.sender), 452, "4.7.1", "plan")


def test_a_message_that_was_counted_by_messages_takes_one(relay, nearly_used):
    with relay.tollgate.changed(relay.tollgate.milter, count="messages"):
        with relay.client(account=nearly_used) as client:
            assert client.send(nearly_used.sender, [f"r{i}@dest.test" for i in range(5)]) == 250
            assert relay.tollgate.used(nearly_used) == 999
            assert client.send(nearly_used.sender, ["a@dest.test", "b@dest.test"]) == 250
            relay.refused(client.mail(nearly_used.sender), 452, "4.7.1", "plan")


# ---- rate ----

@pytest.mark.parametrize("span", ["hour", "day"])
def test_an_account_that_sends_too_fast_is_refused_for_now(relay, span):
    account = relay.tollgate.add_account(f"--max-per-{span}", "3")
    with relay.client(account=account) as client:
        assert client.send(account.sender, "a@dest.test") == 250
        assert client.mail(account.sender) == 250
        assert client.rcpt("b@dest.test") == 250
        assert client.rcpt("c@dest.test") == 250
        relay.refused(client.rcpt("d@dest.test"), 450, "4.7.1", "rate")
        assert client.data(message(account)) == 250
        reply = client.mail(account.sender)
        event = relay.refused(reply, 450, "4.7.1", "rate")
        assert f"in the last {span}: 3 sent" in reply
    # What stops a leaked password is for the provider to see.
    assert (event["username"], event["result"]) == (account.username, "deferred")
    assert relay.tollgate.used(account) == 3
    # Another account is not in its way.
    assert relay.send(relay.tollgate.add_account()) == 250
    relay.command("account", "set", account.username, f"--max-per-{span}", "4")
    assert relay.send(account) == 250


def test_the_rate_is_kept_at_the_end_of_the_message_too(relay):
    account = relay.tollgate.add_account("--max-per-hour", "1")
    with relay.client(account=account) as first, relay.client(account=account) as second:
        for client in first, second:
            assert client.mail(account.sender) == 250
            assert client.rcpt("one@dest.test") == 250
        assert first.data(message(account)) == 250
        relay.refused(second.data(message(account)), 450, "4.7.1", "rate")
    assert relay.tollgate.used(account) == 1


@pytest.mark.parametrize("span", ["hour", "day"])
def test_the_services_rate_counts_for_every_account_and_the_stricter_one_wins(relay, account, span):
    generous = relay.tollgate.add_account(f"--max-per-{span}", "1000")
    strict = relay.tollgate.add_account(f"--max-per-{span}", "1")
    with relay.tollgate.changed(relay.tollgate.milter, **{f"max_per_{span}": 2}):
        for one, allowed in (account, 2), (generous, 2), (strict, 1):
            with relay.client(account=one) as client:
                for _ in range(allowed):
                    assert client.send(one.sender, "a@dest.test") == 250
                relay.refused(client.mail(one.sender), 450, "4.7.1", "rate")
    assert relay.send(account) == 250


# ---- recipients ----

def test_more_recipients_than_the_account_may_have_are_refused_one_by_one(relay):
    account = relay.tollgate.add_account("--max-recipients", "2")
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.rcpt("a@dest.test") == 250  # once, as it is delivered once
        assert client.rcpt("b@dest.test") == 250
        reply = client.rcpt("c@dest.test")
        relay.refused(reply, 452, "4.5.3", "recipients")
        assert "2 recipients" in reply
        assert client.data(message(account, "two recipients")) == 250
    assert sorted(relay.sink.wait(subject="two recipients").recipients) == ["a@dest.test", "b@dest.test"]
    assert relay.tollgate.used(account) == 2


def test_the_services_limit_of_recipients_counts_where_the_account_has_none(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        for i in range(50):
            assert client.rcpt(f"r{i}@dest.test") == 250
        relay.refused(client.rcpt("r50@dest.test"), 452, "4.5.3", "recipients")
        assert client.command("RSET") == 250
    relay.command("account", "set", account.username, "--max-recipients", "51")
    assert relay.send(account, [f"r{i}@dest.test" for i in range(51)]) == 250
