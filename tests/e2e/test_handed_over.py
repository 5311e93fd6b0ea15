"""Listening sockets that a supervisor makes and hands over (LISTEN_FDS): every door is served on them, they are left
alone at the end, and a client that comes between two daemons waits instead of being refused."""
import os
import signal
import socket
import struct

import pytest

from servers.process import BUILD, DEADLINE_S, free_port, make_directory, remove_directory, wait_until
from servers.tollgate import Tollgate
from servers.valgrind import under


def listen(address):
    kind, _, rest = address.partition(":")
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.bind(rest)
        os.chmod(rest, 0o666)
    else:
        host, _, port = rest.rpartition(":")
        s = socket.socket()
        s.bind((host, int(port)))
    s.listen(64)
    return s


class Supervisor:
    """What systemd does for a .socket unit: descriptors from 3 on, their number, and the pid they are meant for."""

    def __init__(self, addresses):
        self.sockets = {a: listen(a) for a in addresses}
        self.pid = None

    def start(self, program, config, output):
        # Copies above the numbers that they are moved to.
        sources = [os.dup2(s.fileno(), 200 + i, inheritable=False) for i, s in enumerate(self.sockets.values())]
        moves = [(os.POSIX_SPAWN_DUP2, source, 3 + i) for i, source in enumerate(sources)]
        moves.append((os.POSIX_SPAWN_OPEN, 2, str(output), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
        script = f"export LISTEN_PID=$$ LISTEN_FDS={len(sources)}; exec \"$@\""
        self.pid = os.posix_spawn("/bin/sh", ["sh", "-c", script, "sh", *map(str, under([program, "-c", config]))], os.environ, file_actions=moves)
        for source in sources:
            os.close(source)

    def stop(self):
        if self.pid is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        wait_until("the daemon's end", lambda: self.ended(), DEADLINE_S)

    def ended(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.pid = None
            assert os.waitstatus_to_exitcode(status) == 0
        return pid != 0

    def close(self):
        self.stop()
        for s in self.sockets.values():
            s.close()


@pytest.fixture
def tollgate():
    directory = make_directory()
    port = free_port
    t = Tollgate(directory, user="", socket_group="")
    run = t.run
    t.configure(saslauthd_listen=[f"unix:{run}/mux"], dict_listen=[f"unix:{run}/dict"],
                socketmap_listen=[f"unix:{run}/socketmap", f"inet:127.0.0.1:{port()}"], http_listen=[f"inet:127.0.0.1:{port()}"],
                milter_listen=[f"inet:127.0.0.1:{port()}"])
    t.command("init")
    yield t
    remove_directory(directory)


DOORS = ("auth", "saslauthd", "dict", "policy", "socketmap", "http")


def connect(address):
    kind, _, rest = address.partition(":")
    s = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
    s.settimeout(DEADLINE_S)
    s.connect(rest if kind == "unix" else (rest.rpartition(":")[0], int(rest.rpartition(":")[2])))
    return s


def ask(s, request, enough):
    """Sends it and reads until the answer has this in it."""
    s.sendall(request)
    answer = b""
    while enough not in answer:
        more = s.recv(4096)
        assert more, f"closed after {answer!r}"
        answer += more
    return answer


def counted(*texts):
    return b"".join(struct.pack("!H", len(t)) + t for t in texts)


QUESTIONS = {
    "auth": (b"", b"DONE\n"),
    "saslauthd": (counted(b"nobody", b"x", b"smtp", b""), b"NO"),
    "dict": (b"H3\t2\t0\t\ttollgate\nLshared/passdb/nobody\tnobody\n", b"N\n"),
    "policy": (b"request=smtpd_access_policy\nclient_address=192.0.2.1\n\n", b"action=DUNNO\n\n"),
    "socketmap": (b"12:ip 192.0.2.1,", b"9:NOTFOUND ,"),
    "http": (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
}


def test_every_door_is_served_on_sockets_that_are_handed_over(tollgate):
    addresses = {a: door for door in DOORS for a in tollgate.settings[f"{door}_listen"]}
    supervisor = Supervisor(addresses)
    try:
        for turn in range(2):
            # Asked before anybody is there to answer: the client waits.
            early = {a: connect(a) for a in addresses}
            supervisor.start(BUILD / "authd/tollgate-authd", tollgate.config, tollgate.directory / "authd.out")
            for address, door in addresses.items():
                with early[address] as s:
                    ask(s, *QUESTIONS[door])
            supervisor.stop()
            assert all(os.path.exists(a[5:]) for a in addresses if a.startswith("unix:")), f"removed in turn {turn}"
        handed = [e for e in tollgate.events() if "listening" in e]
        assert len(handed) == 2 * len(addresses) and all("handed-over=yes" in e for e in handed)
    finally:
        supervisor.close()


def test_what_is_not_handed_over_is_made(tollgate):
    """A socket unit that knows of one door only."""
    known = tollgate.settings["auth_listen"][0]
    supervisor = Supervisor([known])
    try:
        supervisor.start(BUILD / "authd/tollgate-authd", tollgate.config, tollgate.directory / "authd.out")
        tollgate.wait_event("started")
        for door in DOORS:
            for address in tollgate.settings[f"{door}_listen"]:
                with connect(address) as s:
                    ask(s, *QUESTIONS[door])
        handed = [e for e in tollgate.events() if "handed-over=yes" in e]
        assert len(handed) == 1 and known in handed[0]
        supervisor.stop()
        made = [a for door in DOORS for a in tollgate.settings[f"{door}_listen"] if a.startswith("unix:") and a != known]
        assert os.path.exists(known[5:]) and not any(os.path.exists(a[5:]) for a in made)
    finally:
        supervisor.close()


@pytest.mark.parametrize("kind", ["unix", "inet"])
def test_the_milter_takes_over_its_socket(tollgate, kind):
    if kind == "unix":
        tollgate.configure(milter_listen=[f"unix:{tollgate.run}/milter"])
    address = tollgate.settings["milter_listen"][0]
    supervisor = Supervisor([address])
    negotiation = struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF)
    try:
        for _ in range(2):
            with connect(address) as early:
                supervisor.start(BUILD / "milter/tollgate-milter", tollgate.config, tollgate.directory / "milter.out")
                assert ask(early, negotiation, b"O")[4:5] == b"O"
            supervisor.stop()
            assert kind == "inet" or os.path.exists(address[5:])
    finally:
        supervisor.close()
