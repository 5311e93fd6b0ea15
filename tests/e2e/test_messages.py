"""What a message is: sessions with several, those that are given up, and mail that no account pays for."""
import re
import subprocess

from servers.client import Client
from servers.process import BUILD, free_port, wait_until

INSIDE = free_port()
# A listener for clients that Postfix relays for without asking anybody.
RELAY = {"trusted_networks": ["127.7.0.0/24"], "postfix": {"services": (
    f"127.0.0.1:{INSIDE} inet n - n - - smtpd\n    -o mynetworks=127.7.0.0/16 -o smtpd_relay_restrictions=permit_mynetworks,reject\n")}}


def text(account, subject="test"):
    return f"From: {account.sender}\nSubject: {subject}\n\nx\n"


def accepted(relay, account):
    return [e for e in relay.tollgate.activity(account) if e["kind"] == "accepted"]


def test_several_messages_of_one_session_are_judged_and_counted_each(relay, account):
    with relay.client(account=account) as client:
        assert client.send(account.sender, ["a@dest.test", "b@dest.test"], subject="one of three") == 250
        relay.refused(client.send(account.sender, "c@dest.test", header_from="x@evil.example"), 550, "5.7.1", "from")
        assert client.send(account.sender, "d@dest.test", subject="three of three") == 250
    assert [e["recipients"] for e in accepted(relay, account)] == [2, 1]
    assert relay.tollgate.used(account) == 3
    # Nothing of the refused message clings to the next.
    assert relay.sink.wait(subject="three of three").recipients == ["d@dest.test"]


def test_rset_takes_nothing_and_forgets_the_recipients(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.command("RSET") == 250
        assert relay.tollgate.used(account) == 0
        assert client.send(account.sender, "b@dest.test", subject="after rset") == 250
    assert relay.tollgate.used(account) == 1
    assert relay.sink.wait(subject="after rset").recipients == ["b@dest.test"]


def test_a_connection_lost_in_the_middle_of_a_message_takes_nothing(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.command("DATA") == 354
        client.send_raw(f"From: {account.sender}\r\nSubject: half\r\n\r\nhalf of it\r\n")
    relay.postfix.wait_log(r"lost connection after DATA \(\d+ bytes\) from unknown\[127\.0\.0\.1\]")
    assert relay.send(account, subject="whole") == 250
    relay.sink.wait(subject="whole")
    assert relay.tollgate.used(account) == 1
    assert relay.sink.find(subject="half") == []


def test_a_session_that_ends_before_data_takes_nothing(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        assert client.command("QUIT") == 221
    assert relay.send(account) == 250
    assert relay.tollgate.used(account) == 1


def test_a_message_whose_every_recipient_was_refused_takes_nothing(relay, account):
    relay.command("account", "set", account.username, "--max-per-hour", "1")
    assert relay.send(account) == 250
    relay.command("account", "set", account.username, "--max-per-hour", "2", "--max-recipients", "1")
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        # Postfix's own refusals never reach the milter; the others are its own.
        assert client.rcpt("not an address@dest.test").code >= 500
        relay.command("account", "disable", account.username)
        for i in range(3):
            relay.refused(client.rcpt(f"r{i}@dest.test"), 550, "5.7.1", "status")
        relay.command("account", "enable", account.username)
        assert client.command("DATA") == 554
        assert client.command("RSET") == 250
        assert client.send(account.sender, "a@dest.test") == 250
    assert relay.tollgate.used(account) == 2


def test_recipients_that_were_refused_are_not_counted(relay):
    account = relay.tollgate.add_account("--max-recipients", "2")
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert [client.rcpt(f"r{i}@dest.test").code for i in range(4)] == [250, 250, 452, 452]
        assert client.data(text(account)) == 250
    assert relay.tollgate.used(account) == 2
    assert accepted(relay, account)[0]["recipients"] == 2


def test_a_recipient_given_twice_counts_once_as_it_is_delivered_once(relay, account):
    with relay.client(account=account) as client:
        reply = client.send(account.sender, ["a@dest.test", "a@DEST.test", "a@dest.test", "A@dest.test"], subject="twice")
        assert reply == 250
    delivered = sum(len(m.recipients) for m in [relay.sink.wait(subject="twice")])
    assert relay.tollgate.used(account) == accepted(relay, account)[0]["recipients"] == 2
    assert delivered <= 2


def test_pipelined_commands_are_answered_in_their_order(relay, account):
    with relay.client(account=account) as client:
        client.send_raw(f"MAIL FROM:<{account.sender}>\r\nRCPT TO:<a@dest.test>\r\nRCPT TO:<b@dest.test>\r\nDATA\r\n")
        assert [client.reply().code for _ in range(4)] == [250, 250, 250, 354]
        client.send_raw(text(account).replace("\n", "\r\n") + f".\r\nMAIL FROM:<x@evil.example>\r\nMAIL FROM:<{account.sender}>\r\n")
        assert [client.reply().code for _ in range(3)] == [250, 553, 250]
    assert relay.tollgate.used(account) == 2


def test_a_message_in_chunks_is_one_message(relay, account):
    body = text(account, "chunks").replace("\n", "\r\n").encode()
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        assert client.rcpt("a@dest.test") == 250
        for part, last in (body[:20], ""), (body[20:], " LAST"):
            client.send_raw(f"BDAT {len(part)}{last}\r\n".encode() + part)
            assert client.reply() == 250
    assert relay.sink.wait(subject="chunks")
    assert relay.tollgate.used(account) == 1


def test_where_messages_are_counted_a_message_is_one_whatever_its_recipients(relay, account):
    with relay.tollgate.changed(relay.tollgate.milter, count="messages"):
        assert relay.send(account, ["a@dest.test", "b@dest.test", "c@dest.test"]) == 250
        assert relay.tollgate.used(account) == 1
        assert accepted(relay, account)[0]["recipients"] == 3
    assert relay.send(account, ["a@dest.test", "b@dest.test", "c@dest.test"]) == 250
    assert relay.tollgate.used(account) == 4


# ---- mail that no account pays for ----

def test_mail_from_a_trusted_network_passes_untouched(relay):
    with relay.client("127.7.0.9", port=INSIDE) as client:
        for header in "From: anybody@anywhere.example\nFrom: b@c.example\n", "":
            message = f"{header}Subject: trusted\n\nx\n"
            assert client.send("anybody@anywhere.example", ["x@dest.test"], message=message) == 250
    mail = relay.sink.wait(subject="trusted")
    assert mail.sender == "anybody@anywhere.example" and mail.header("X-Tollgate-Trace") == []
    # Whom Postfix trusts, but not Tollgate, is an unknown client.
    with relay.client("127.7.1.9", port=INSIDE) as client:
        relay.refused(client.mail("anybody@anywhere.example"), 530, "5.7.0", "client")


def test_mail_that_a_local_program_submits_passes_untouched(relay):
    before = len(relay.tollgate.activity())
    subprocess.run(["sendmail", "-C", relay.postfix.etc, "-f", "cron@relay.test", "x@dest.test"], check=True, text=True,
                   input="From: cron@relay.test\nSubject: from pickup\n\nx\n", capture_output=True,
                   env={"MAIL_CONFIG": str(relay.postfix.etc), "PATH": "/usr/sbin:/usr/bin"})
    mail = relay.sink.wait(subject="from pickup")
    assert mail.sender == "cron@relay.test" and mail.header("X-Tollgate-Trace") == []
    assert len(relay.tollgate.activity()) == before


# ---- what is left behind ----

def test_the_activity_tells_what_postfix_and_the_client_said(relay, account):
    address = relay.new_address()
    reply = relay.send(account, ["a@dest.test", "b@dest.test"], source=address, subject="activity",
                       header_from=f"The Shop <{account.sender}>")
    assert reply == 250
    queue_id = re.search(r"queued as ([0-9A-F]+)", reply.text).group(1)
    event = relay.tollgate.activity(account)[-1]
    assert {k: event[k] for k in ("username", "kind", "rule", "reply", "sender", "header_from", "recipients", "client", "queue_id")} == {
        "username": account.username, "kind": "accepted", "rule": None, "reply": None, "sender": account.sender,
        "header_from": f"The Shop <{account.sender}>", "recipients": 2, "client": address, "queue_id": queue_id}
    assert relay.command("activity", "--ref", event["ref"]) == [event]
    relay.tollgate.wait_event("accepted", f"ref={event['ref']}", f"queue_id={queue_id}", account.username)


def test_a_refusals_reference_finds_the_event_and_the_log_line(relay, account):
    with relay.client(account=account) as client:
        reply = client.send(account.sender, "a@dest.test", header_from="boss@evil.example")
    event = relay.refused(reply, 550, "5.7.1", "from")
    assert (event["username"], event["sender"], event["header_from"]) == (account.username, account.sender, "boss@evil.example")
    assert event["queue_id"] and event["client"] == "127.0.0.1"
    relay.tollgate.wait_event("refused", f"ref={event['ref']}", f"queue_id={event['queue_id']}")


def test_the_trace_header_tells_the_provider_and_nobody_else(relay, account):
    for subject in "trace one", "trace two":
        message = f"From: {account.sender}\nX-Tollgate-Trace: forged\nx-tollgate-trace: forged\nSubject: {subject}\n\nx\n"
        with relay.client(account=account) as client:
            assert client.send(account.sender, "a@dest.test", message=message) == 250
    one, two = (relay.sink.wait(subject=s).header("X-Tollgate-Trace") for s in ("trace one", "trace two"))
    assert len(one) == len(two) == 1
    event = accepted(relay, account)[0]
    told = relay.command("trace", one[0])
    assert {k: told[k] for k in ("username", "sender", "queue_id", "ref")} == {
        k: event[k] for k in ("username", "sender", "queue_id", "ref")}
    assert account.username not in one[0] and one[0][:8] != two[0][:8]
    changed = one[0][:-1] + ("a" if one[0][-1] != "a" else "b")
    assert relay.tollgate.try_command("trace", changed).status in (3, 4)


def test_events_of_one_second_are_listed_in_their_order(relay):
    """References sort by their text in another order than by their time."""
    accounts = [relay.tollgate.add_account() for _ in range(2)]
    with relay.client(account=accounts[0]) as one, relay.client(account=accounts[1]) as two:
        for i in range(40):
            assert (one, two)[i % 2].send(accounts[i % 2].sender, f"r{i}@dest.test", header_from=f'"{i}" <{accounts[i % 2].sender}>') == 250
    names = {a.username for a in accounts}
    listed = [e["header_from"] for e in relay.tollgate.activity(None, "--kind", "accepted") if e["username"] in names]
    assert [int(h.split('"')[1]) for h in listed] == list(range(40))


def test_following_the_activity_misses_nothing(relay, account):
    seen = relay.directory / "follow.out"
    with open(seen, "wb") as out:
        follower = subprocess.Popen([BUILD / "admin/tollgate", "-c", relay.tollgate.config, "--json", "activity", account.username,
                                     "--follow"], stdout=out)
    try:
        with relay.client(account=account) as client:
            for i in range(60):
                assert client.send(account.sender, f"r{i}@dest.test") == 250
        wait_until("60 events", lambda: seen.read_text().count('"kind":"accepted"') >= 60)
    finally:
        follower.terminate()
        follower.wait()
    assert seen.read_text().count('"kind":"accepted"') == 60


def test_a_client_that_says_no_ehlo_is_judged_all_the_same(relay, account):
    with Client(relay.postfix.port, relay.new_address(), hello="") as client:
        assert client.command("HELO client.test") == 250
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_what_is_delivered_several_times_to_one_address_counts_as_often(relay, account):
    """Postfix delivers once for each DSN parameter, and for an address with a last dot: one address, but more is accepted."""
    asked = ["<x@dest.test>", "<x@dest.test>", "<x@DEST.test>", "<x@dest.test> NOTIFY=NEVER", "<x@dest.test> NOTIFY=FAILURE",
             "<x@dest.test> ORCPT=rfc822;a@b.test", "<x@dest.test> ORCPT=rfc822;c@b.test", "<x@dest.test> ORCPT=rfc822;c@b.test",
             "<x@dest.test.>"]
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        for recipient in asked:
            assert client.command(f"RCPT TO:{recipient}") == 250
        assert client.data(text(account, "asked often")) == 250
    used = relay.tollgate.used(account)
    assert used == 6
    wait_until("all deliveries", lambda: sum(len(m.recipients) for m in relay.sink.find(subject="asked often")) == used)


def test_what_postfix_delivers_again_for_it_remembers_a_thousand_addresses_counts_again(make_relay):
    relay = make_relay(max_recipients=2000, postfix={"settings": ["smtpd_recipient_limit = 2000"]})
    account = relay.tollgate.add_account()
    relay.command("account", "credit", account.username, "1000", "--reason", "test")
    recipients = ["first@dest.test", *(f"r{i}@dest.test" for i in range(999)), *["first@dest.test"] * 3, *["last@dest.test"] * 5]
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        client.send_raw("".join(f"RCPT TO:<{r}>\r\n" for r in recipients))
        assert {client.reply().code for _ in recipients} == {250}
        assert client.data(text(account, "to a thousand")) == 250
    used = relay.tollgate.used(account)
    assert used == 1005
    wait_until("all deliveries", lambda: sum(len(m.recipients) for m in relay.sink.find(subject="to a thousand")) == used)
