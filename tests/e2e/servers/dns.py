"""A private name server (BIND) with one zone of its own, and addresses at which nobody answers."""
import socket

from .process import Process, free_port, wait_until

BROKEN = "broken.example"  # its zone file is no zone file: every question about it is a SERVFAIL

CONFIG = """
options {{
    directory "{dir}"; pid-file none; session-keyfile none; managed-keys-directory "{dir}"; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; dnssec-validation no; notify no; max-udp-size 512; querylog yes;
}};
controls {{ }};
logging {{ channel out {{ stderr; severity info; }}; category default {{ out; }}; category queries {{ out; }}; }};
zone "test" {{ type primary; file "{dir}/test.zone"; }};
zone "{broken}" {{ type primary; file "{dir}/broken.zone"; }};
"""


class Dns:
    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.serial = 0
        self.named = None
        directory.mkdir(exist_ok=True)
        (directory / "broken.zone").write_text("this is no zone\n")
        (directory / "named.conf").write_text(CONFIG.format(dir=directory, port=self.port, broken=BROKEN))

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self.publish()
        self.named = Process(["/usr/sbin/named", "-g", "-n", "1", "-c", self.directory / "named.conf"], self.directory / "named.out")
        self.wait_loaded()

    def stop(self):
        if self.named is not None:
            self.named.stop()
            self.named = None

    def publish(self, *records):
        """The zone "test" has these lines and no others from now on."""
        self.serial += 1
        lines = ["$TTL 1", f"@ IN SOA ns.test. admin.test. {self.serial} 3600 600 86400 1", "@ IN NS ns.test.", "ns IN A 127.0.0.1"]
        (self.directory / "test.zone").write_text("\n".join([*lines, *records]) + "\n")
        if self.named is not None:
            self.named.send_signal(1)
            self.wait_loaded()

    def wait_loaded(self):
        self.named.wait_for("the zone", lambda: f"zone test/IN: loaded serial {self.serial}" in self.named.text())
        if self.serial == 1:
            self.named.wait_for("named", lambda: "running" in self.named.text())

    def queries(self, name):
        """What was asked about this name: named's log lines."""
        return [line for line in self.named.text().splitlines() if f" query: {name} IN " in line]

    def wait_query(self, name):
        return wait_until(f"a question about {name}", lambda: self.queries(name))


class Silent:
    """An address that takes questions and never answers."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))

    @property
    def address(self):
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def asked(self):
        self.socket.setblocking(False)
        try:
            return len(self.socket.recv(4096)) > 0
        except BlockingIOError:
            return False

    def close(self):
        self.socket.close()
