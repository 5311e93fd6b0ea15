"""The milter's own socket, spoken to as a mail server would not: in pieces, all at once, with what can't be a packet."""
import re
import socket
import struct
import subprocess

import pytest
from servers.process import BUILD, DEADLINE_S


def packet(command, rest=b""):
    return struct.pack("!I", len(rest) + 1) + command + rest


def macros(command, **pairs):
    return packet(b"D", command + b"".join(k.encode() + b"\0" + v.encode() + b"\0" for k, v in pairs.items()))


OFFER = packet(b"O", struct.pack("!III", 6, 0x1ff, 0x1fffff))
CONNECT = macros(b"C", j="relay.example") + packet(b"C", b"app.example\0004" + struct.pack("!H", 52000) + b"192.0.2.7\0")


def message(account, number=1, body=b"text\r\n"):
    """From MAIL to the end."""
    sender = account.sender.encode()
    return (macros(b"M", **{"{auth_authen}": account.username}) + packet(b"M", b"<" + sender + b">\0") +
            packet(b"D", b"R") + packet(b"R", b"<r%d@dest.test>\0" % number) +
            b"".join(macros(b"L", i=f"Q{number}") + packet(b"L", name + b"\0" + value + b"\0")
                     for name, value in ((b"From", b" Shop <" + sender + b">"), (b"Subject", b" %d" % number))) +
            packet(b"N") + packet(b"B", body) + macros(b"E", i=f"Q{number}") + packet(b"E"))


class Mta:
    def __init__(self, tollgate):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(next(iter(tollgate.addresses("milter"))))
        self.file = self.socket.makefile("rb")

    def answer(self):
        """(command, rest); None: the connection has ended."""
        try:
            head = self.file.read(4)
        except ConnectionResetError:  # not all was read of what stands in it
            return None
        if len(head) < 4:
            return None
        octets = self.file.read(struct.unpack("!I", head)[0])
        return octets[:1], octets[1:]

    def answers(self, count):
        """So many, without changes of the message."""
        got = []
        while len(got) < count:
            command, rest = self.answer()
            if command not in b"eh":
                got.append(command)
        return got

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.file.close()
        self.socket.close()


def test_libmilter_reads_and_writes_through_our_functions():
    """Else all works, but each message costs half as much again: this libmilter would then be linked to always find its own."""
    seen = subprocess.run([BUILD / "milter/tollgate-milter", "--version"], env={"LD_DEBUG": "bindings", "LD_BIND_NOW": "1"},
                          capture_output=True, text=True, check=True).stderr
    for name in ("mi_rd_cmd", "mi_wr_cmd"):
        where = re.findall(rf"binding file \S*libmilter\S* \[0\] to (\S+) \[0\]: normal symbol `{name}'", seen)
        assert where and all(w.endswith("tollgate-milter") for w in where), where


def test_a_session_octet_by_octet(relay, account):
    with Mta(relay.tollgate) as mta:
        for octet in OFFER + CONNECT + message(account):
            mta.socket.send(bytes([octet]))
        # The offer's; MAIL, RCPT, end of header, body, end.
        assert mta.answers(6) == [b"O", b"c", b"c", b"c", b"s", b"c"]
    assert relay.tollgate.used(account) == 1


@pytest.mark.parametrize("body", [b"text\r\n", b"x" * 65535], ids=["small", "large"])
def test_messages_that_come_all_at_once(relay, account, body):
    with Mta(relay.tollgate) as mta:
        mta.socket.sendall(OFFER + CONNECT + b"".join(message(account, n, body) for n in range(20)) + packet(b"Q"))
        assert mta.answers(101) == [b"O"] + [b"c", b"c", b"c", b"s", b"c"] * 20
        assert mta.answer() is None
    assert relay.tollgate.used(account) == 20
    seen = [e["queue_id"] for e in relay.tollgate.activity(account)]
    assert sorted(seen) == sorted(f"Q{n}" for n in range(20))


@pytest.mark.parametrize("octets", [packet(b"D", b"Mi\0"), packet(b"D", b"Mi"), packet(b"D", b"M{auth_authen}\0u\0i\0"),
                                    b"\0\0\0\0M", b"\xff\xff\xff\xffM", packet(b"\1"), packet(b"?")],
                         ids=["no value", "no end", "odd", "no length", "too long", "no command", "unknown"])
def test_what_can_not_be_a_packet_ends_its_connection_only(relay, account, octets):
    """libmilter 8.17 read past the end of macros without a value, and the filter was gone."""
    with Mta(relay.tollgate) as other:
        other.socket.sendall(OFFER + CONNECT)
        assert other.answers(1) == [b"O"]
        with Mta(relay.tollgate) as mta:
            mta.socket.sendall(OFFER + CONNECT)
            assert mta.answers(1) == [b"O"]
            mta.socket.sendall(octets + message(account))
            assert mta.answer() is None
        other.socket.sendall(message(account))
        assert other.answers(5)[-1] == b"c"
    assert relay.tollgate.used(account) == 1


def test_a_message_without_its_header_is_not_accepted(relay, account):
    """No mail server leaves the end of the header out; who did would get mail through that has no author."""
    sender = account.sender.encode()
    with Mta(relay.tollgate) as mta:
        mta.socket.sendall(OFFER + CONNECT + macros(b"M", **{"{auth_authen}": account.username}) + packet(b"M", b"<" + sender + b">\0") +
                           packet(b"R", b"<r@dest.test>\0") + packet(b"B", b"From: boss@bank.example\r\n\r\nx\r\n") + packet(b"E"))
        assert mta.answers(5)[-1] == b"t"
    assert relay.tollgate.used(account) == 0


def test_a_connection_that_breaks_in_a_message_leaves_nothing_to_the_next(relay, account):
    """The next one may get its descriptor and its thread."""
    for _ in range(50):
        with Mta(relay.tollgate) as mta:
            mta.socket.sendall(OFFER + CONNECT + message(account) + b"\0\0\0\0M")
        with Mta(relay.tollgate) as mta:
            mta.socket.sendall(OFFER + CONNECT + packet(b"M", b"<>\0"))
            # Without a login: what an earlier connection said is not this one's.
            assert mta.answers(2)[1] != b"c"
