"""A store, both daemons and the command, in a directory of their own."""
import contextlib
import dataclasses
import fcntl
import grp
import itertools
import json
import os
import re
import signal
import socket
import subprocess

from .process import BUILD, DEADLINE_S, VALGRIND, Process, answers, wait_until
from .valgrind import command_under, under


# Of tollgate-authd; http has a port of its own to wait for.
DOORS = ("auth", "saslauthd", "dict", "policy", "socketmap")


@dataclasses.dataclass
class Answer:
    """What a command printed and its exit status."""
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return json.loads(self.err)["error"]


@dataclasses.dataclass
class Account:
    username: str
    password: str
    id: int
    customer: int
    domain: str

    @property
    def sender(self):
        return f"shop@{self.domain}"


def setting(value):
    """As tollgate.conf writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(setting(v) for v in value) + "}"
    return json.dumps(str(value))


class Tollgate:
    def __init__(self, directory, **settings):
        self.directory = directory
        self.run = directory / "run"
        self.run.mkdir()
        self.config = directory / "tollgate.conf"
        self.log = directory / "tollgate.log"
        self.store = directory / "store"
        self.authd = self.milter = None
        self.handed_over = {}
        self.numbers = itertools.count(1)
        group = "postfix" if "postfix" in (g.gr_name for g in grp.getgrall()) else ""
        self.settings = {
            "user": "nobody", "store": self.store, "log": self.log, "http_listen": [], "milter_http_listen": [],
            "socket_group": group, "mailer": "cat >/dev/null",
            "milter_listen": [f"unix:{self.run}/milter"], "auth_listen": [f"unix:{self.run}/auth"],
            "policy_listen": [f"unix:{self.run}/policy"],
        }
        if VALGRIND:
            self.settings["seccomp"] = False  # which valgrind does not have
        self.configure(**settings)

    def configure(self, **settings):
        self.settings.update(settings)
        self.config.write_text("".join(f"{name} = {setting(value)}\n" for name, value in self.settings.items()))

    # ---- the daemons ----

    def hand_over(self):
        """From now on the daemons get sockets that live on while they restart, as systemd's socket units do it."""
        for door in ("auth", "policy", "milter"):
            for path in self.addresses(door):
                with socket.socket(socket.AF_UNIX) as listening:
                    listening.bind(path)
                    os.chmod(path, 0o666)
                    listening.listen(512)
                    self.handed_over.setdefault(door, []).append(fcntl.fcntl(listening, fcntl.F_DUPFD, 100))

    def daemon(self, name, output, doors, options):
        argv = under([BUILD / name, "-c", self.config])
        fds = [fd for door in doors for fd in self.handed_over.get(door, [])]
        if fds:
            def place():
                for i, fd in enumerate(fds):
                    os.dup2(fd, 3 + i)
            argv = ["sh", "-c", f'LISTEN_FDS={len(fds)} LISTEN_PID=$$ exec "$@"', "sh", *argv]
            options = {"pass_fds": range(3, 3 + len(fds)), "preexec_fn": place, **options}
        return Process(argv, self.directory / output, **options)

    def start(self):
        self.start_authd()
        self.start_milter()

    def start_authd(self, **options):
        begun = self.log_size()
        self.authd = self.daemon("authd/tollgate-authd", "authd.out", DOORS, options)
        self.wait_started(self.authd, DOORS, begun, b"] info started ")

    def start_milter(self, **options):
        begun = self.log_size()
        self.milter = self.daemon("milter/tollgate-milter", "milter.out", ("milter",), options)
        self.wait_started(self.milter, ("milter",), begun, b"] info ready ")

    def log_size(self):
        return self.log.stat().st_size if self.log.exists() else 0

    def wait_started(self, daemon, doors, begun, event):
        """Its sockets are there a moment before an MTA may use them, and before it hears signals: those that are handed over
        even before there is a log."""
        daemon.wait_for(f"{event} and its sockets", lambda: all(answers(a) for a in self.addresses(*doors)) and
                        self.log_size() > begun and event in self.log.read_bytes()[begun:])

    def addresses(self, *doors):
        for door in doors:
            for text in self.settings.get(f"{door}_listen", []):
                kind, _, rest = text.partition(":")
                yield rest if kind == "unix" else (rest.rpartition(":")[0], int(rest.rpartition(":")[2]))

    def stop(self):
        """Both must end by themselves and content: a sanitizer's finding is a failure too."""
        running = [p for p in (self.authd, self.milter) if p is not None]
        for process in running:
            if process.running():
                process.send_signal(signal.SIGTERM)
        for process in running:
            status = process.stop()
            assert status == 0, f"{process.argv[0]} ended with {status}:\n{process.text()}"
        self.authd = self.milter = None
        for fd in itertools.chain(*self.handed_over.values()):
            os.close(fd)
        self.handed_over = {}

    def reload(self, daemon):
        """SIGHUP; waits until the daemon says how that went."""
        seen = len(self.events())
        daemon.send_signal(signal.SIGHUP)
        return wait_until("the reload", lambda: [e for e in self.events()[seen:] if "reload" in e])

    @contextlib.contextmanager
    def changed(self, daemon, **settings):
        """With other settings, which this daemon reads again; back to the old ones afterwards."""
        old = dict(self.settings)
        self.configure(**settings)
        try:
            assert "reloaded" in self.reload(daemon)[0]
            yield
        finally:
            self.settings = old
            self.configure()
            self.reload(daemon)

    # ---- the log ----

    def events(self):
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def wait_event(self, *words):
        return wait_until(f"an event with {words} in the log",
                          lambda: [e for e in self.events() if all(w in e for w in words)])[0]

    # ---- the command ----

    def try_command(self, *argv, stdin="", env=None):
        words = [BUILD / "admin/tollgate", "-c", self.config, *map(str, argv)]
        done = subprocess.run(command_under(words, argv), input=stdin, text=True,
                              capture_output=True, timeout=DEADLINE_S * 2, env={**os.environ, **(env or {})}, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)

    def command(self, *argv, **options):
        """The JSON of a command that must succeed."""
        answer = self.try_command("--json", "--yes", *argv, **options)
        assert answer.status == 0, f"tollgate {' '.join(map(str, argv))}: {answer.status} {answer.err}"
        return answer.json

    def add_account(self, *options, domain=None, customer=None):
        """An enabled free account, of a customer of its own unless one is given, with a verified and associated domain.
        options: of account set."""
        n = next(self.numbers)
        if customer is None:
            customer = self.command("customer", "add", "--name", f"Customer {n}", "--email", f"c{n}@customers.test",
                                    "--accept-terms")["id"]
        made = self.command("account", "add", "--customer", customer, "--description", f"account {n}", "--type",
                            "transactional", "--plan", "free")
        user = made["account"]["username"]
        if options:
            self.command("account", "set", user, *options)
        domain = domain or f"shop{n}.example"
        self.add_domain(domain, customer)
        self.command("domain", "associate", domain, user)
        return Account(user, made["password"], made["account"]["id"], customer, domain)

    def add_domain(self, domain, customer, verify=True):
        self.command("domain", "add", domain, "--customer", customer)
        if verify:
            self.command("domain", "verify", domain, "--trust")

    def show(self, account):
        return self.command("account", "show", account.username)

    def used(self, account):
        return self.show(account)["plan"]["used"]

    def activity(self, account=None, *options):
        return self.command("activity", *([account.username] if account else []), *options)

    def reference(self, reply):
        """The reference in an SMTP reply."""
        found = re.search(r"\[ref ([a-z2-7]{16})\]", reply)
        assert found, f"no reference in: {reply}"
        return found.group(1)

    def event_of(self, reply):
        """The activity that a refusal's reference names; it is written after the client was answered."""
        reference = self.reference(reply.text)
        found = wait_until(f"activity of {reply.text}",
                           lambda: (lambda a: a if a.status == 0 else None)(self.try_command("--json", "activity", "--ref", reference)))
        return found.json[0]

    def wait_activity(self, account, count=1, **wanted):
        """The account's newest events with these values, once there are so many."""
        def find():
            events = [e for e in self.activity(account) if all(e[k] == v for k, v in wanted.items())]
            return events if len(events) >= count else None
        return wait_until(f"{count} events with {wanted}", find)
