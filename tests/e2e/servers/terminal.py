"""A program on a pseudo-terminal, as somebody who sits before it: what it shows is waited for, then keys are pressed."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from .process import DEADLINE_S

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x07")
UP, DOWN, LEFT, ENTER, CTRL_C, CTRL_D, CTRL_U, CTRL_Z, ESCAPE = "\x1b[A", "\x1b[B", "\x1b[D", "\r", "\x03", "\x04", "\x15", "\x1a", "\x1b"


class Terminal:
    def __init__(self, argv, columns=80, lines=40, env=None):
        self.raw = b""
        self.seen = 0
        self.master, self.slave = pty.openpty()
        self.size(columns, lines)
        self.settings = termios.tcgetattr(self.slave)
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS")}
        self.child = subprocess.Popen(list(map(str, argv)), stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
                                      env={**clean, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})},
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def size(self, columns, lines=40):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read_some(self):
        if select.select([self.master], [], [], 0.05)[0]:
            self.raw += os.read(self.master, 65536)
            return True
        return False

    @property
    def text(self):
        return CONTROL.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def expect(self, *words):
        """Waits until the terminal shows this, one behind the other, after all that was expected before."""
        end = time.monotonic() + DEADLINE_S
        for word in words:
            while (at := self.text.find(word, self.seen)) < 0:
                ended = self.child.poll() is not None
                if not self.read_some() and (ended or time.monotonic() > end):
                    raise AssertionError(f"{word!r} does not come{' (ended)' if ended else ''}:\n{self.text[self.seen:]}\n--- all:\n{self.text}")
            self.seen = at + len(word)
        return self

    def type(self, keys):
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)
        return self

    def send_signal(self, number):
        self.child.send_signal(number)

    def end(self):
        """Its exit status. The terminal must be as it was."""
        end = time.monotonic() + DEADLINE_S
        while self.child.poll() is None and time.monotonic() < end:
            self.read_some()
        status = self.child.wait(DEADLINE_S)
        while self.read_some():
            pass
        now = termios.tcgetattr(self.slave)
        self.close()
        assert now == self.settings, "the terminal's settings are not what they were"
        return status

    def close(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait()
        os.close(self.master)
        os.close(self.slave)
