"""Malformed, over-long, half, slow, silent and many connections, at every socket and through Postfix: that connection is
closed, with a line in the log that says why; everybody else is served meanwhile."""
import base64
import contextlib
import os
import random
import select
import socket
import struct
import threading
import time

import pytest
from servers.client import Client, Lost
from servers.load import SOAK, check_store
from servers.process import wait_until


# Postfix would answer errors more and more slowly.
RELAY = {"postfix": {"settings": ["smtpd_error_sleep_time = 0", "smtpd_hard_error_limit = 1000"]}}


@pytest.fixture(scope="module")
def account(relay):
    made = relay.tollgate.add_account()
    relay.command("account", "credit", made.username, 100000, "--reason", "load")
    return made


class Others(threading.Thread):
    """Somebody else, who logs in and sends all the while. Every one of his messages must be accepted, soon."""

    def __init__(self, relay, account):
        super().__init__(daemon=True)
        self.relay, self.account = relay, account
        self.ended = threading.Event()
        self.sent, self.worst, self.error = 0, 0.0, None

    def run(self):
        try:
            while not self.ended.is_set():
                begun = time.monotonic()
                reply = self.relay.send(self.account, subject="others")
                assert reply == 250, reply
                self.worst = max(self.worst, time.monotonic() - begun)
                self.sent += 1
        except BaseException as error:  # for the main thread
            self.error = error

    def __enter__(self):
        self.start()
        wait_until("others are served", lambda: self.sent or self.error)
        return self

    def __exit__(self, *exc):
        sent = self.sent
        wait_until("others are served still", lambda: self.sent > sent + 1 or self.error)
        self.ended.set()
        self.join(120)
        if exc[0] is None:
            assert self.error is None, self.error
            # The machine may stand still for seconds; a door that waits for one bad client waits for 30.
            assert self.worst < 20, self.worst


@pytest.fixture
def others(relay, account):
    with Others(relay, account) as running:
        yield running


def connect(relay, door):
    s = socket.socket(socket.AF_UNIX)
    s.connect(next(iter(relay.tollgate.addresses(door))))  # without a timeout, for it waits where the backlog is full
    s.settimeout(30)
    return s


def send_all(s, octets):
    """As much as it takes before it closes."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        s.sendall(octets)


def read_to_end(s):
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while octets := s.recv(65536):
            got += octets
    return got


HELLO = b"VERSION\t1\t1\nCPID\t1\n"
AUTH_GARBAGE = {
    "binary": os.urandom(4096) + b"\n",
    "zeros": bytes(70000),
    "no version": b"AUTH\t1\tPLAIN\tservice=smtp\n",
    "another version": b"VERSION\t2\t0\n",
    "an id that is no number": HELLO + b"AUTH\tx\tPLAIN\n",
    "an id that is too great": HELLO + b"AUTH\t99999999999999999999\tPLAIN\n",
    "a long line": HELLO + b"AUTH\t1\tPLAIN\tresp=" + b"A" * 200000 + b"\n",
    "a long line without end": HELLO + b"A" * 1000000,
    "a NUL": HELLO + b"AUTH\t1\tPL\0AIN\n",
    "HTTP": b"GET / HTTP/1.0\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + os.urandom(200) + b"\n",
}
POLICY_GARBAGE = {
    "binary": os.urandom(4096) + b"\n\n",
    "zeros": bytes(70000),
    "no equals sign": b"request\n\n",
    "another request": b"request=give_me_all\n\n",
    "no request": b"client_address=127.0.0.1\n\n",
    "two clients": b"request=smtpd_access_policy\nclient_address=127.0.0.1\nclient_address=127.0.0.9\n\n",
    "many attributes": b"request=smtpd_access_policy\n" + b"a=b\n" * 5000 + b"\n",
    "a long line": b"request=smtpd_access_policy\nsender=" + b"a" * 200000 + b"\n\n",
    "a request without end": b"request=smtpd_access_policy\n" + b"a=b\n" * 100000,
    "a NUL": b"request=smtpd_access_policy\nsender=a\0b\n\n",
    "HTTP": b"GET / HTTP/1.0\n\n",
}


@pytest.mark.parametrize("door,name", [("auth", n) for n in AUTH_GARBAGE] + [("policy", n) for n in POLICY_GARBAGE])
def test_garbage_closes_its_connection_and_is_logged(relay, door, name):
    garbage = (AUTH_GARBAGE if door == "auth" else POLICY_GARBAGE)[name]
    events = len(relay.tollgate.events())
    with connect(relay, door) as s:
        send_all(s, garbage)
        got = read_to_end(s)
    assert b"\nOK\t" not in got and b"action=OK" not in got
    wait_until("the event", lambda: [e for e in relay.tollgate.events()[events:]
                                     if f"door={door}" in e and f"pid:{os.getpid()}" in e and "reason=" in e])
    told = "\n".join(relay.tollgate.events()[events:])
    assert all(c.isprintable() or c == "\n" for c in told), "a client writes into our log"


@pytest.mark.parametrize("line", [b"GIVEMEALL\t1", b"\t" * 500, b""])
def test_unknown_commands_at_the_auth_door_are_skipped(relay, account, line):
    """A later version of the protocol may have more of them."""
    secret = base64.b64encode(f"\0{account.username}\0{account.password}".encode())
    with connect(relay, "auth") as s:
        s.sendall(HELLO + line + b"\nAUTH\t1\tPLAIN\tservice=smtp\trip=127.0.0.1\tresp=" + secret + b"\n")
        got = b""
        while b"OK\t1\t" not in got:
            assert (octets := s.recv(4096)), got
            got += octets


@pytest.mark.parametrize("address,action", [
    (b"", b"DUNNO"), (b"unknown", b"DUNNO"), (b"999.0.0.1", b"DUNNO"), (b"127.0.0.1/8", b"DUNNO"), (b"::ffff:127.0.0.99", b"OK"),
    (b"1" * 2000, b"DUNNO"), (b"127.0.0.99", b"OK"),
])
def test_policy_requests_that_are_odd_are_answered_and_let_nobody_in(relay, account, address, action):
    relay.tollgate.try_command("ip", "add", "127.0.0.99", account.username)
    with connect(relay, "policy") as s:
        s.sendall(b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=%s\nsender=%s\nrecipient=x@dest.test\n\n"
                  % (address, account.sender.encode()))
        assert s.recv(1000) == b"action=" + action + b"\n\n"


# ---- the milter's socket ----

def packet(command, octets=b""):
    return struct.pack("!I", len(octets) + 1) + command + octets


OFFER = packet(b"O", struct.pack("!III", 6, 0x1FF, 0x1FFFFF))
CONNECT = packet(b"C", b"client\0" + b"4" + struct.pack("!H", 25) + b"127.0.0.1\0")
MAIL, RCPT = packet(b"M", b"<a@b.test>\0"), packet(b"R", b"<x@dest.test>\0")
# Not here: macros with a name and no value, at which libmilter 8.17 itself (smfi_getsymval) reads past its list. Those
# who may connect to the milter's socket are trusted that far: socket_group, socket_mode.
MILTER_GARBAGE = {
    "binary": os.urandom(8192),
    "zeros": bytes(70000),
    "HTTP": b"GET / HTTP/1.0\r\n\r\n",
    "a length of 4 GB": b"\xff\xff\xff\xffM",
    "no negotiation": MAIL + RCPT + packet(b"N") + packet(b"E"),
    "nothing offered": packet(b"O", struct.pack("!III", 6, 0, 0)),
    "an old version": packet(b"O", struct.pack("!III", 1, 0x1FF, 0x1FFFFF)),
    "RCPT without MAIL": OFFER + CONNECT + RCPT + packet(b"N") + packet(b"E"),
    "RCPT after an unknown command": OFFER + CONNECT + packet(b"U", b"X\0") + RCPT + packet(b"B", b"x") + packet(b"E"),
    "body after an unknown command": OFFER + CONNECT + packet(b"U", b"X\0") + packet(b"B", b"x") + packet(b"E"),
    "end without anything": OFFER + CONNECT + packet(b"E"),
    "a header before MAIL": OFFER + CONNECT + packet(b"L", b"From\0a@b.test\0"),
    "MAIL without text": OFFER + CONNECT + packet(b"M", b""),
    "MAIL without end": OFFER + CONNECT + packet(b"M", b"<a@b.test>"),
    "negotiated twice": OFFER + OFFER + CONNECT + MAIL,
    "another connection over this one": OFFER + CONNECT + MAIL + packet(b"A") + packet(b"K") + CONNECT + MAIL + RCPT,
    "an address family of its own": OFFER + packet(b"C", b"client\0Z\0\0x\0") + MAIL + RCPT,
    "a client that is no address": OFFER + packet(b"C", b"client\x004\0\x19not an address\0") + MAIL,
    "macros": OFFER + CONNECT + packet(b"D", b"Mi\0" + b"Q" * 30000 + b"\0") + MAIL,
    "half a packet": OFFER + CONNECT + MAIL[:9],
}


@pytest.mark.parametrize("name", MILTER_GARBAGE)
def test_garbage_on_the_milters_socket_ends_nothing_but_itself(relay, account, name):
    pid = relay.tollgate.milter.pid
    with connect(relay, "milter") as s:
        send_all(s, MILTER_GARBAGE[name])
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_WR)
        got = read_to_end(s)
    # No message was accepted at its end: 'a' is never sent, and 'c' only where it goes on.
    assert b"\0\0\0\x01a" not in got
    assert relay.send(account) == 250
    assert relay.tollgate.milter.running() and relay.tollgate.milter.pid == pid


# ---- slow, silent, many ----

def test_half_and_slow_and_silent_clients_cost_others_nothing(relay, others):
    """One octet a second is a request begun and not whole in its time; a client that says nothing may do so for long."""
    events = len(relay.tollgate.events())
    with contextlib.ExitStack() as stack:
        half = [stack.enter_context(connect(relay, door)) for door in ("auth", "policy") for _ in range(20)]
        slow = [stack.enter_context(connect(relay, door)) for door in ("auth", "policy") for _ in range(20)]
        silent = [stack.enter_context(connect(relay, door)) for door in ("auth", "policy", "milter") for _ in range(50)]
        for s in half:
            s.sendall(b"VERSION\t1\t1\nCP" if s in half[:20] else b"request=smtpd_access_policy\n")
        end = time.monotonic() + 120
        closed = set()
        auth = b"VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\tresp=" + b"A" * 100
        policy = b"request=smtpd_access_policy\nsender=" + b"a" * 200
        for octets in zip(auth, policy):
            for i, s in enumerate(slow):
                send_all(s, bytes([octets[i >= 20]]))
            readable = select.select([s for s in slow + half if s not in closed], [], [], 1)[0]
            for s in readable:
                with contextlib.suppress(ConnectionResetError):
                    if s.recv(4096):
                        continue
                closed.add(s)
            assert time.monotonic() < end
            if closed.issuperset(slow[20:] + half):
                break
        # Whole lines of the auth protocol count as requests; a request of the policy protocol has many lines.
        assert closed.issuperset(slow[20:] + half), f"{len(closed)} closed"
        assert not select.select(silent[50:], [], [], 0)[0], "the silent ones are not closed"
    told = relay.tollgate.events()[events:]
    assert sum("not complete in time" in e for e in told) >= 60, told[-5:]
    assert others.sent > 20


def test_hundreds_of_connections_cost_others_nothing(relay, others):
    with contextlib.ExitStack() as stack:
        for door in ("auth", "policy", "milter"):
            for _ in range(300):
                s = stack.enter_context(connect(relay, door))
                if door == "milter":
                    s.sendall(OFFER)
        sent = others.sent
        wait_until("others are served", lambda: others.sent > sent + 10 or others.error)
    # And more than a door takes: the last ones are turned away, with a line in the log.
    if SOAK > 1:
        with contextlib.ExitStack() as stack:
            for _ in range(6100):
                stack.enter_context(connect(relay, "auth"))
            relay.tollgate.wait_event("door=auth", "too many connections")


def test_connections_that_come_and_go_leave_no_descriptor(relay, others):
    """Some with half a request, some reset."""
    def descriptors():
        return [len(os.listdir(f"/proc/{p.pid}/fd")) for p in (relay.tollgate.authd, relay.tollgate.milter)]

    def storm():
        for n in range(200 * SOAK):
            for door in ("auth", "policy", "milter"):
                with connect(relay, door) as s:
                    if n % 3 == 0:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    send_all(s, [b"", b"VERSION\t1\t1\nAU", os.urandom(20)][n % 3])

    storm()
    settled = wait_until("few descriptors", lambda: max(descriptors()) < 100 and descriptors())
    storm()
    wait_until("as few as before", lambda: all(now <= before + 10 for now, before in zip(descriptors(), settled)))


# ---- through Postfix ----

AUTH_LINES = {
    "binary": b"AUTH PLAIN " + os.urandom(100).replace(b"\n", b"").replace(b"\r", b""),
    "no base64": b"AUTH PLAIN !!!!",
    "a NUL only": b"AUTH PLAIN AAA=",
    "many NULs": b"AUTH PLAIN " + base64.b64encode(bytes(300)),
    "long": b"AUTH PLAIN " + base64.b64encode(b"\0" + b"u" * 5000 + b"\0p"),
    "too long": b"AUTH PLAIN " + base64.b64encode(b"\0" + b"u" * 60000 + b"\0p"),
    "an empty login": b"AUTH PLAIN " + base64.b64encode(b"\0\0password"),
    "an empty password": b"AUTH PLAIN " + base64.b64encode(b"\0user\0"),
    "tabs and newlines": b"AUTH PLAIN " + base64.b64encode(b"\0us\ter\nOK\t1\tuser=root\n\0p"),
    "no UTF-8": b"AUTH PLAIN " + base64.b64encode(b"\0\xff\xfe\0p"),
    "another mechanism": b"AUTH CRAM-MD5",
    "SCRAM without anything": b"AUTH SCRAM-SHA-256 =",
    "SCRAM garbage": b"AUTH SCRAM-SHA-256 " + base64.b64encode(os.urandom(300)),
    "SCRAM with another name": b"AUTH SCRAM-SHA-256 " + base64.b64encode(b"n,a=root,n=user,r=nonce"),
    "LOGIN garbage": b"AUTH LOGIN " + base64.b64encode(os.urandom(300)),
}


@pytest.mark.parametrize("name", AUTH_LINES)
def test_login_garbage_through_postfix_lets_nobody_in(relay, account, name):
    source = f"127.0.0.{50 + list(AUTH_LINES).index(name)}"  # failures of one address are answered late
    with Client(relay.postfix.port, source) as client:
        with contextlib.suppress(Lost):
            reply = client.command(AUTH_LINES[name])
            for _ in range(4):
                if reply == 334:
                    reply = client.command(base64.b64encode(os.urandom(50)))
            assert 400 <= reply.code < 600, reply
            assert client.mail(account.sender) in (530, 421)
    assert relay.send(account) == 250


def test_binary_garbage_through_postfix_costs_others_nothing(relay, others):
    rng = random.Random(1)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(relay.postfix.port, source="127.0.0.40", hello=None)) for _ in range(8 * SOAK)]
        for client in clients:  # Postfix answers errors more and more slowly: all at once
            client.socket.settimeout(5)
            with contextlib.suppress(OSError):
                client.send_raw(rng.randbytes(1000) + b"\r\n")
                client.send_raw(b"EHLO x\r\nAUTH PLAIN " + rng.randbytes(2000) + b"\r\nMAIL FROM:<" + rng.randbytes(500) + b">\r\n")
                client.socket.shutdown(socket.SHUT_WR)
        for client in clients:
            with contextlib.suppress(TimeoutError):
                read_to_end(client.socket)
    assert relay.tollgate.authd.running() and relay.tollgate.milter.running()
    check_store(relay.tollgate)


def test_addresses_of_all_kinds_are_answered(relay, account):
    """Long, quoted, with controls, routes and UTF-8: each gets an answer that is no crash, and nothing is counted for it."""
    odd = ["a" * 300 + "@b.test", '"a b"@' + account.domain + "x", "@a,@b:c@d.test", "a@" + "b." * 120 + "test", "a@[127.0.0.1]",
           "a@b@c.test", '"' + "\\a" * 100 + '"@b.test', "a\x01b@c.test", "\u00fc@" + account.domain + "x", "a@xn--\u00fc.test", "a@.test",
           "a@test.", "a..b@c.test", "postmaster", "a@b_c.test"]
    used = relay.tollgate.used(account)
    with relay.client(account=account) as client:
        for address in odd:
            reply = client.mail(address, "SMTPUTF8")
            assert 400 <= reply.code < 600, (address, reply)
        assert client.command("RSET") == 250
        assert client.mail(account.sender) == 250
        for address in odd:
            assert 200 <= client.rcpt(address).code < 600
        assert client.command("RSET") == 250
    assert relay.tollgate.used(account) == used


def test_trace_fields_that_a_client_brings_are_removed_up_to_a_number_and_refused_beyond(relay, account):
    """Postfix reads the header anew for each that is removed: 16,000 of them held its cleanup for half a minute."""
    def message(count):
        return f"From: {account.sender}\n" + "X-Tollgate-Trace: forged\n" * count + f"Subject: traced {count}\n\nhello\n"
    with relay.client(account=account) as client:
        assert client.send(account.sender, "x@dest.test", message(100)) == 250
        relay.refused(client.send(account.sender, "x@dest.test", message(16000)), 550, "5.7.1", "from")
    traces = relay.sink.wait(subject="traced 100").header("X-Tollgate-Trace")
    assert len(traces) == 1 and traces != ["forged"]
