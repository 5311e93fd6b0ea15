"""The policy door at every stage at which Postfix asks, with all the attributes that it sends, one connection for all."""
import socket

import pytest

from servers.process import DEADLINE_S

# As Postfix 3.7 writes it; what differs by stage is put in.
TEMPLATE = {
    "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "client_address": "192.0.2.7",
    "client_name": "unknown", "client_port": "54825", "reverse_client_name": "unknown", "server_address": "127.0.0.1",
    "server_port": "25", "helo_name": "mail.example", "sender": "", "recipient": "", "recipient_count": "0", "queue_id": "",
    "instance": "64da.6b04b786.7fbaf.0", "size": "0", "etrn_domain": "", "stress": "", "sasl_method": "", "sasl_username": "",
    "sasl_sender": "", "ccert_subject": "", "ccert_issuer": "", "ccert_fingerprint": "", "ccert_pubkey_fingerprint": "",
    "encryption_protocol": "TLSv1.3", "encryption_cipher": "TLS_AES_256_GCM_SHA384", "encryption_keysize": "256",
    "policy_context": "submission",
}
STATES = ["CONNECT", "EHLO", "HELO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE", "VRFY", "ETRN"]


def request(**attributes):
    return "".join(f"{k}={v}\n" for k, v in {**TEMPLATE, **attributes}.items()).encode() + b"\n"


def at_state(state, account, **attributes):
    """What is known at this stage."""
    known = {"protocol_state": state}
    if state in ("MAIL", "RCPT", "DATA", "END-OF-MESSAGE"):
        known["sender"] = account.sender
    if state == "RCPT":
        known["recipient"] = "x@dest.test"
    if state == "END-OF-MESSAGE":
        known.update(recipient_count="2", queue_id="594C6A72046", size="8")
    return request(**{**known, **attributes})


class Policy:
    def __init__(self, relay):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(relay.tollgate.settings["policy_listen"][0][5:])
        self.file = self.socket.makefile("rb")

    def action(self):
        line, empty = self.file.readline(), self.file.readline()
        assert line.startswith(b"action=") and empty == b"\n", (line, empty)
        return line[7:].strip().decode()

    def ask(self, data):
        self.socket.sendall(data)
        return self.action()


@pytest.fixture
def policy(relay, request):
    door = Policy(relay)
    request.addfinalizer(door.socket.close)
    return door


@pytest.fixture
def authorised(relay, account, request):
    relay.command("ip", "add", "192.0.2.7", account.username)
    request.addfinalizer(lambda: relay.command("ip", "remove", "192.0.2.7", account.username))
    return account


def test_every_stage_is_answered_on_one_connection(policy, authorised):
    for state in STATES:
        assert policy.ask(at_state(state, authorised)) == "OK", state
        assert policy.ask(at_state(state, authorised, client_address="192.0.2.8")) == "DUNNO", state
        assert policy.ask(at_state(state, authorised, sasl_username=authorised.username, sasl_method="PLAIN")) == "DUNNO", state


def test_questions_sent_at_once_are_answered_in_their_order(policy, authorised):
    questions = [at_state(STATES[i % len(STATES)], authorised, client_address="192.0.2.7" if i % 3 else "192.0.2.8")
                 for i in range(300)]
    policy.socket.sendall(b"".join(questions))
    assert [policy.action() for _ in questions] == ["OK" if i % 3 else "DUNNO" for i in range(300)]


def test_a_change_counts_for_the_next_question_of_an_open_connection(relay, policy, authorised):
    assert policy.ask(at_state("RCPT", authorised)) == "OK"
    relay.command("account", "disable", authorised.username)
    assert policy.ask(at_state("RCPT", authorised)) == "DUNNO"
    relay.command("account", "enable", authorised.username)
    assert policy.ask(at_state("DATA", authorised)) == "OK"


def test_an_address_of_two_accounts_is_the_senders(relay, policy, authorised):
    other = relay.tollgate.add_account()
    relay.command("ip", "add", "192.0.2.7", other.username)
    assert policy.ask(at_state("RCPT", authorised)) == "OK"
    assert policy.ask(at_state("RCPT", other)) == "OK"
    assert policy.ask(at_state("RCPT", authorised, sender="x@elsewhere.test")) == "DUNNO"
    assert policy.ask(at_state("EHLO", authorised)) == "DUNNO"  # no sender yet
    relay.command("ip", "remove", "192.0.2.7", other.username)


def test_what_is_not_the_protocol_ends_the_connection_only(relay, policy, authorised):
    bad = Policy(relay)
    bad.socket.sendall(b"GET / HTTP/1.1\n\n")
    assert bad.file.read() == b""
    bad.socket.close()
    assert policy.ask(at_state("RCPT", authorised)) == "OK"
