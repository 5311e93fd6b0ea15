"""Processes that a test starts, and only those: ended by pid, with their output kept."""
import contextlib
import fcntl
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("TOLLGATE_BUILD", "build-tests")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[3]

PROGRAM = BUILD / "milter/tollgate-milter"
BUILT = PROGRAM.read_bytes() if PROGRAM.exists() else b""
# ThreadSanitizer does not see the mutexes that libfaketime waits for itself.
THREAD_SANITIZER = b"__tsan_init" in BUILT
SANITIZED = THREAD_SANITIZER or b"__asan_init" in BUILT

# ./run-tests --valgrind: daemons are twenty times slower, and their threads take turns.
VALGRIND = os.environ.get("TOLLGATE_VALGRIND") == "1"

# The host may take the cores away for seconds: what should take milliseconds gets this long.
DEADLINE_S = 300 if VALGRIND else 60


PORTS = open("/tmp/tollgate-test-ports", "ab")
TAKEN = set()


def free_port():
    """Outside of the range from which the kernel takes the ports of clients, for one of those could be faster. It is this
    process' to its end, whoever else runs these tests: some listen there only later."""
    while True:
        port = random.SystemRandom().randrange(12000, 30000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            fcntl.lockf(PORTS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            if port not in TAKEN:
                TAKEN.add(port)
                return port


def make_directory(below="/tmp"):
    """Short, for unix sockets' paths are; open, for the servers become other users."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="tg", dir=below))
    path.chmod(0o755)
    return path


def remove_directory(path):
    shutil.rmtree(path, ignore_errors=True)


def wait_until(what, condition, deadline_s=DEADLINE_S):
    """The condition's first true value; what: for the message when it does not come."""
    if VALGRIND:
        deadline_s = max(deadline_s, DEADLINE_S)
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline_s} seconds")
        time.sleep(0.02)


def answers(address):
    """Does somebody listen at this unix path or (host, port)?"""
    family = socket.AF_UNIX if isinstance(address, (str, pathlib.Path)) else socket.AF_INET
    with socket.socket(family) as s:
        try:
            s.connect(str(address) if family == socket.AF_UNIX else address)
            return True
        except OSError:
            return False


class Process:
    """One server in the foreground; its standard error goes to a file."""

    def __init__(self, argv, output, **options):
        self.argv = [str(a) for a in argv]
        self.output = pathlib.Path(output)
        with open(self.output, "ab") as out:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
        self.pid = self.child.pid

    def running(self):
        return self.child.poll() is None

    def wait_for(self, what, condition):
        def either():
            if not self.running():
                raise AssertionError(f"{self.argv[0]} ended with {self.child.returncode} before {what}:\n{self.text()}")
            return condition()
        return wait_until(what, either)

    def text(self):
        return self.output.read_text(errors="replace")

    def send_signal(self, number):
        self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Its exit status."""
        if self.running():
            self.send_signal(number)
        try:
            return self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.argv[0]} did not end on signal {number}:\n{self.text()}")

    def kill(self):
        if self.running():
            self.child.kill()
        self.child.wait()
