#!/usr/bin/python3
"""Tollgate and its peers side by side, in one run: rates, CPU a request, latencies. README.md says how to read it.
Started by `make bench`, as root; every server is private, on loopback, and ended by its pid."""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
os.environ.setdefault("TOLLGATE_BUILD", "build-tests")

import machine
import measure
import page
import peers
import postfix_pairs
import table
from servers.process import BUILD, make_directory, remove_directory
from servers.tollgate import Tollgate

LOAD = BUILD / "tests/bench"
PACKAGES = "rspamd redis-server opendkim dovecot-core sasl2-bin postfwd policyd-rate-limit postfix"
ACCOUNTS = 32
PLENTY = 1000000000


class Bench:
    """What the groups share: the accounts, the servers that run, the peers that are missing."""

    def __init__(self, directory, stack):
        self.directory, self.stack, self.missing = directory, stack, []
        self.disk = self.make_tollgate(directory / "disk")
        self.accounts = [self.disk.add_account() for _ in range(ACCOUNTS)]
        for account in self.accounts:
            self.disk.command("account", "credit", account.username, PLENTY, "--reason", "benchmark")
        self.disk.command("ip", "add", "192.0.2.0/24", self.accounts[0].username)
        self.files = {}
        for name, fields in (("senders", ("username", "domain")), ("logins", ("username", "password")),
                             ("clients", ("username", "password", "domain"))):
            self.files[name] = directory / name
            self.files[name].write_text("".join(" ".join(getattr(a, f) for f in fields) + "\n" for a in self.accounts))

    def make_tollgate(self, directory, **settings):
        directory.mkdir(mode=0o755)
        tollgate = Tollgate(directory, auth_listen=[f"unix:{directory}/run/auth"],
                            saslauthd_listen=[f"unix:{directory}/run/mux"], log_level="info", **settings)
        tollgate.command("init")
        return tollgate

    def peer(self, start, *args):
        """None where its package is missing, which is said."""
        try:
            peer = start(self.directory, *args)
        except peers.Missing as missing:
            if str(missing) not in self.missing:
                self.missing.append(str(missing))
            return None
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            print(f"{start.__name__} can't be started: {error}", file=sys.stderr)
            self.missing.append(f"{start.__name__} (did not start)")
            return None
        self.stack.callback(peer.stop)
        return peer

    def in_memory(self):
        """The same store and accounts, on a file system in memory: what it costs without a disk."""
        shm = pathlib.Path("/dev/shm") / self.directory.name
        self.stack.callback(shutil.rmtree, shm, ignore_errors=True)
        tollgate = self.make_tollgate(self.directory / "memory")
        shutil.copytree(self.disk.store, shm)
        for path in (shm, *shm.iterdir()):
            shutil.chown(path, "nobody")
        tollgate.configure(store=shm)
        return tollgate

    def start(self, tollgate, daemon):
        """A daemon of Tollgate's as a peer."""
        getattr(tollgate, f"start_{daemon}")()
        return getattr(tollgate, daemon).pid


def milter_groups(bench):
    bench.disk.start_milter()
    memory = bench.in_memory()
    memory.start_milter()
    bench.stack.callback(memory.stop)
    here = [peers.Peer("Tollgate", f"unix:{bench.disk.run}/milter", [bench.disk.milter.pid], None, "durable"),
            peers.Peer("Tollgate, store in memory", f"unix:{memory.run}/milter", [memory.milter.pid], None)]
    nothing, everything = bench.peer(peers.noop), bench.peer(peers.noop, "all")
    others = [p for p in (bench.peer(peers.rspamd), bench.peer(peers.opendkim)) if p is not None]
    for connections, recipients, subjects in ((1, 1, [nothing, *here, *others]), (8, 1, [nothing, *here, *others]),
                                              (64, 1, [nothing, *here, everything, *others]), (256, 1, [nothing, *here]),
                                              (64, 10, [nothing, *here, *others])):
        name = f"milter, {connections} connection{'s' * (connections > 1)}" + (f", {recipients} recipients" * (recipients > 1))
        yield [measure.Case(name, p.name, [LOAD / "milter_load", "-a", p.address, "-c", connections, "-r", recipients, "-u",
                                           bench.files["senders"]], p.pids, note=p.note) for p in subjects]


def auth_groups(bench):
    logins = [(a.username, a.password) for a in bench.accounts]
    here = peers.Peer("Tollgate", f"unix:{bench.disk.run}/auth", [bench.disk.authd.pid], None, "no clear text kept")
    scram, cached, clear = (bench.peer(peers.dovecot, logins, *variant)
                            for variant in (("SCRAM-SHA-256", False), ("SCRAM-SHA-256", True), ("PLAIN", False)))
    every = [here, *(p for p in (scram, cached, clear) if p is not None)]
    for mechanism, connections, subjects in (("PLAIN", 1, every), ("PLAIN", 8, every), ("PLAIN", 64, every), ("PLAIN", 256, every),
                                             ("LOGIN", 8, every), ("SCRAM-SHA-256", 8, every)):
        name = f"auth {mechanism}, {connections} connection{'s' * (connections > 1)}"
        yield [measure.Case(name, p.name, [LOAD / "auth_load", "-a", p.address, "-c", connections, "-m", mechanism, "-u",
                                           bench.files["logins"]], p.pids, unit="login", note=p.note,
                            cost=2 if p is scram and mechanism != "SCRAM-SHA-256" else 1)
               for p in subjects if p is not None]


def saslauthd_groups(bench):
    user, password = bench.accounts[0].username, bench.accounts[0].password
    here = peers.Peer("Tollgate", f"unix:{bench.disk.run}/mux", [bench.disk.authd.pid], None)
    subjects = [here, *(bench.peer(peers.saslauthd, user, password, *how) for how in (("sasldb",), ("sasldb", True), ("shadow",)))]
    yield [measure.Case("saslauthd protocol, 8 connections", p.name,
                        [LOAD / "line_load", "-p", "saslauthd", "-a", p.address, "-c", 8, "-u", user, "-w", password],
                        p.pids, unit="login", note=p.note) for p in subjects if p is not None]


def policy_groups(bench):
    here = peers.Peer("Tollgate", f"unix:{bench.disk.run}/policy", [bench.disk.authd.pid], None)
    subjects = [bench.peer(peers.echo), here, bench.peer(peers.postfwd), bench.peer(peers.policyd_rate_limit)]
    for connections in (1, 8, 64):
        yield [measure.Case(f"policy delegation, {connections} connection{'s' * (connections > 1)}", p.name,
                            [LOAD / "line_load", "-p", "policy", "-a", p.address, "-c", connections, "-i", "192.0.2.7", "-s",
                             bench.accounts[0].sender], p.pids, unit="question", note=p.note)
               for p in subjects if p is not None]


def postfix_groups(bench):
    if shutil.which("smtp-sink", path=os.environ["PATH"] + ":/usr/sbin") is None:
        bench.missing.append("postfix")
        return
    if bench.disk.milter is None:
        bench.disk.start_milter()
    here = peers.Peer("Tollgate", f"unix:{bench.disk.run}/milter", [bench.disk.milter.pid], None, "durable count beside Postfix's queue file")
    nothing = bench.peer(peers.noop, "", "noop-e2e")
    filters = [nothing, None, here, bench.peer(peers.rspamd, 2, "rspamd-e2e")]
    yield postfix_pairs.cases(bench, filters, LOAD / "smtp_load")


GROUPS = {"milter": milter_groups, "auth": auth_groups, "saslauthd": saslauthd_groups, "policy": policy_groups,
          "postfix": postfix_groups}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="this group (may be repeated)")
    parser.add_argument("--rounds", type=int, default=3, help="that count, of each case (default: 3)")
    parser.add_argument("--seconds", type=float, default=1.2, help="of a round (default: 1.2)")
    parser.add_argument("--match", default="", help="only cases whose group and subject contain this")
    parser.add_argument("--output", default="bench-results", help="directory of results.json and index.html")
    return parser.parse_args()


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("bench: run it as root: servers become the users they run as")
    began, directory, cases = time.time(), make_directory(), []
    about = machine.describe(directory, LOAD / "floor")
    print(machine.text(about), file=sys.stderr)

    def say(case, figures):
        print(f"  {case.group}: {case.subject}: " + (figures["error"] if "error" in figures else
              f"{figures['rate']:.0f}/s, {figures.get('cpu_us', 0):.1f} us, steal {figures['steal']:.0%}"), file=sys.stderr)

    try:
        with contextlib.ExitStack() as stack:
            bench = Bench(directory, stack)
            bench.disk.start_authd()
            stack.callback(bench.disk.stop)
            for name in options.only or GROUPS:
                for group in GROUPS[name](bench):
                    group = [c for c in group if options.match in f"{c.group} {c.subject}"]
                    measure.run(group, options.rounds, options.seconds, say)
                    cases += group
    finally:
        remove_directory(directory)
    results = {"machine": about, "rows": [measure.summary(c) for c in cases], "missing": bench.missing,
               "took_s": round(time.time() - began), "steal_max": measure.STEAL_MAX}
    output = pathlib.Path(options.output)
    output.mkdir(exist_ok=True)
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (output / "index.html").write_text(page.html(results))
    print(machine.text(about) + "\n\n" + table.text(results))
    if bench.missing:
        print(f"Not measured, for want of: {', '.join(bench.missing)}. All of them: apt install --no-install-recommends {PACKAGES}")
    print(f"{results['took_s']} seconds; {output}/results.json, {output}/index.html")


if __name__ == "__main__":
    main()
