"""No secret stays or shows anywhere: not in the log, in the activity, in arguments, in the store or in the memory of the
daemon that has just seen it."""
import base64
import pathlib
import socket
import struct

import pytest

from servers.process import DEADLINE_S, SANITIZED, wait_until

SHADOW = 1 << 30  # octets; a sanitizer's notes about the memory, terabytes of them, hold nothing of what is in it


@pytest.fixture
def doors_relay(make_relay):
    relay = make_relay(postfix=False, start=False, log_level="debug")
    relay.tollgate.configure(saslauthd_listen=[f"unix:{relay.tollgate.run}/mux"], dict_listen=[f"unix:{relay.tollgate.run}/dict"])
    relay.start()
    relay.tollgate.wait_event("started")
    return relay


def memory(pid):
    """What of a process' memory can be read and was written to."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            place, mode, *rest = line.split(None, 5)
            path = rest[3].strip() if len(rest) > 3 else ""
            if "w" not in mode or path in ("[vvar]", "[vsyscall]"):
                continue
            begin, end = (int(x, 16) for x in place.split("-"))
            if SANITIZED and end - begin >= SHADOW:
                continue
            mem.seek(begin)
            left = end - begin
            while left > 0:
                try:
                    octets = mem.read(min(left, 1 << 24))
                except OSError:
                    break
                if not octets:
                    break
                left -= len(octets)
                yield path or "anonymous", octets


def found_in_memory(pid, *secrets):
    found = []
    for where, octets in memory(pid):
        for name, secret in secrets:
            at = octets.find(secret)
            if at >= 0:
                found.append((name, where, at, octets[max(0, at - 48):at + len(secret) + 16]))
    return found


class Auth:
    """A client of the auth door."""

    def __init__(self, tollgate):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(f"{tollgate.run}/auth")
        self.file = self.socket.makefile("rwb")
        self.send("VERSION\t1\t1", "CPID\t1")
        while self.line() != "DONE":
            pass

    def send(self, *lines):
        self.file.write("".join(f"{line}\n" for line in lines).encode())
        self.file.flush()

    def line(self):
        return self.file.readline().decode().rstrip("\n")

    def close(self):
        self.file.close()
        self.socket.close()


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def log_in(tollgate, account, password):
    """By every door that sees a password, each connection closed at the end; the answers."""
    answers = []
    auth = Auth(tollgate)
    auth.send(f"AUTH\t1\tPLAIN\tservice=smtp\trip=127.0.0.9\tresp={plain(account.username, password)}")
    answers.append(auth.line())
    auth.send("AUTH\t2\tLOGIN\tservice=smtp\trip=127.0.0.9")
    auth.line()
    auth.send("CONT\t2\t" + base64.b64encode(account.username.encode()).decode())
    auth.line()
    auth.send("CONT\t2\t" + base64.b64encode(password.encode()).decode())
    answers.append(auth.line())
    auth.send("AUTH\t3\tPLAIN\tservice=smtp\trip=127.0.0.9")
    auth.line()
    auth.send("CONT\t3\t" + plain(account.username, password))
    answers.append(auth.line())
    auth.close()
    mux = socket.socket(socket.AF_UNIX)
    mux.settimeout(DEADLINE_S)
    mux.connect(f"{tollgate.run}/mux")
    mux.sendall(b"".join(struct.pack("!H", len(f)) + f for f in (account.username.encode(), password.encode(), b"smtp", b"")))
    answers.append(mux.recv(1000)[2:].decode())
    mux.close()
    return answers


def secrets_of(account, password):
    return [("password", password.encode()), ("PLAIN in base64", plain(account.username, password).encode()),
            ("LOGIN in base64", base64.b64encode(password.encode())), ("the end of the password", password[4:].encode())]


def settled(tollgate, pid, *secrets):
    """The closing of connections may take a turn of the loop."""
    left = []

    def none():
        left[:] = found_in_memory(pid, *secrets)
        return not left
    try:
        wait_until("no secret in memory", none, 10)
    except AssertionError:
        pass
    return left


def test_the_scan_finds_what_is_there(doors_relay):
    """A check that can't fail is none: half a request waits for its end in memory, and is gone when it is dropped."""
    tollgate = doors_relay.tollgate
    half = "resp=" + base64.b64encode(b"half a request with a secret").decode()
    auth = Auth(tollgate)
    auth.file.write(f"AUTH\t1\tPLAIN\tservice=smtp\t{half}".encode())
    auth.file.flush()
    wait_until("the half in memory", lambda: found_in_memory(tollgate.authd.pid, ("half", half.encode())))
    auth.close()
    assert settled(tollgate, tollgate.authd.pid, ("half", half.encode())) == []


def test_a_password_is_nowhere_in_memory_after_its_use(doors_relay):
    tollgate = doors_relay.tollgate
    account = tollgate.add_account()
    answers = log_in(tollgate, account, account.password)
    assert [a[:2] for a in answers] == ["OK"] * 4, answers
    assert settled(tollgate, tollgate.authd.pid, *secrets_of(account, account.password)) == []


def test_a_wrong_password_is_nowhere_either(doors_relay):
    """It is often right for something else."""
    tollgate = doors_relay.tollgate
    account = tollgate.add_account()
    wrong = "Tr0ub4dor-and-three-more-words"
    auth = Auth(tollgate)
    auth.send(f"AUTH\t1\tPLAIN\tservice=smtp\trip=127.0.0.9\tresp={plain(account.username, wrong)}")
    assert auth.line().startswith("FAIL")
    auth.close()
    assert settled(tollgate, tollgate.authd.pid, *secrets_of(account, wrong)) == []


def test_no_secret_is_in_log_activity_store_or_arguments(doors_relay):
    tollgate = doors_relay.tollgate
    account = tollgate.add_account()
    log_in(tollgate, account, account.password)
    wrong = "Tr0ub4dor-and-three-more-words"
    auth = Auth(tollgate)
    auth.send(f"AUTH\t1\tPLAIN\tservice=smtp\trip=127.0.0.9\tresp={plain(account.username, wrong)}")
    auth.line()
    auth.close()
    tollgate.wait_activity(account, kind="auth-failed")
    places = {"log": tollgate.log.read_bytes(), "activity": str(tollgate.activity(account)).encode(),
              "audit": str(tollgate.command("audit")).encode(), "export": tollgate.try_command("store", "export").out.encode(),
              "store": (tollgate.store / "data.mdb").read_bytes(), "stderr": tollgate.authd.output.read_bytes(),
              "arguments": pathlib.Path(f"/proc/{tollgate.authd.pid}/cmdline").read_bytes()}
    for place, octets in places.items():
        for password in (account.password, wrong):
            for name, secret in secrets_of(account, password):
                assert secret not in octets, f"{name} in {place}"
