"""The thinnest path: a login, a message, a delivery, a count."""
import pathlib
import re


def test_a_message_with_auth_is_delivered_and_counted(relay, account):
    assert relay.send(account, subject="first") == 250
    mail = relay.sink.wait(subject="first")
    assert mail.sender == account.sender
    assert mail.recipients == ["x@dest.test"]
    assert relay.tollgate.used(account) == 1
    event = relay.tollgate.activity(account)[0]
    assert (event["kind"], event["sender"], event["recipients"]) == ("accepted", account.sender, 1)
    assert event["client"] == "127.0.0.1"
    assert f"{event['queue_id']}: to=<x@dest.test>" in relay.postfix.text()


def test_a_wrong_password_is_refused(relay, account):
    with relay.client() as client:
        assert client.auth_plain(account.username, "wrong") == 535
        assert client.mail(account.sender) == 530


def test_a_client_without_login_is_refused(relay, account):
    with relay.client() as client:
        reply = client.mail(account.sender)
    assert reply == 530 and "5.7.0" in reply
    assert relay.tollgate.reference(reply.text)


def test_a_plan_that_is_used_up_refuses_and_a_credit_mends_it(relay, account):
    relay.use_up(account)
    with relay.client(account=account) as client:
        reply = client.send(account.sender, "one.more@dest.test")
        assert reply == 452 and "1000 of 1000 used" in reply
        relay.command("account", "credit", account.username, 1, "--reason", "goodwill")
        assert client.send(account.sender, "one.more@dest.test") == 250


def test_the_sweeps_mailer_may_be_one_that_needs_a_set_group_id_program(relay):
    """Postfix's postdrop is one: under a daemon that gave up all new rights, no mail of the sweep would ever leave. So a
    courier, a child of authd, runs the mailer."""
    def may_gain_none(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        return re.search(r"^NoNewPrivs:\s*(\d)", status, re.M)[1]
    pid = relay.tollgate.authd.pid
    courier, = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert (may_gain_none(pid), may_gain_none(courier)) == ("1", "0")
    assert may_gain_none(relay.tollgate.milter.pid) == "1"
