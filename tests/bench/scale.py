#!/usr/bin/python3
"""What the number of accounts costs: stores of several sizes, made by `tollgate store import`, then the same questions to each.
Started by `make bench-scale`, as root. Ten million accounts: BENCH_FLAGS='10000000' (20 GiB of disk, most of an hour)."""
import argparse
import contextlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
os.environ.setdefault("TOLLGATE_BUILD", "build-tests")

import machine
import make_export
import measure
from servers.process import BUILD, make_directory, remove_directory
from servers.tollgate import Tollgate

LOAD = BUILD / "tests/bench"
FEW, MANY = 100, 100000  # who sends, all over the store: the same number in each size, or (at most) so many
LONG_AGO = 3650


class Sized:
    """A store of so many accounts, and what is asked of it."""

    def __init__(self, directory, accounts, say):
        self.directory, self.accounts, self.say = directory, accounts, say
        self.figures = {"accounts": accounts}
        directory.mkdir(mode=0o755)
        self.tollgate = Tollgate(directory, auth_listen=[f"unix:{directory}/run/auth"], activity_days=LONG_AGO)
        self.export = directory / "export.jsonl"

    def note(self, name, value):
        self.figures[name] = round(value, 3)
        self.say(f"{self.accounts} accounts: {name} {value:.3f}")

    def timed(self, name, *argv, times=1):
        """Seconds of a command, its start and all; the median. Returns what it printed, as JSON."""
        took, cpu = [], resource.getrusage(resource.RUSAGE_CHILDREN)
        for _ in range(times):
            began = time.monotonic()
            done = subprocess.run([BUILD / "admin/tollgate", "-c", self.tollgate.config, "--yes", "--json", *map(str, argv)],
                                  capture_output=True, text=True, check=False)
            took.append(time.monotonic() - began)
            if done.returncode != 0:
                raise RuntimeError(f"tollgate {argv}: {done.stderr}")
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.note(name, statistics.median(took))
        self.note(f"{name[:-2]}_cpu_s", (spent.ru_utime + spent.ru_stime - cpu.ru_utime - cpu.ru_stime) / times)
        return done.stdout

    def fill(self):
        make_export.write(self.accounts, self.export)
        self.note("export_gib", self.export.stat().st_size / 2**30)
        self.tollgate.command("init", "--yes")
        self.timed("import_s", "store", "import", self.export)
        self.export.unlink()
        self.note("store_gib", (self.tollgate.store / "data.mdb").stat().st_blocks * 512 / 2**30)
        self.account = self.tollgate.add_account(domain="bench.example")
        tens = range(1, self.accounts // 10 + 1)
        for name, number in (("few", FEW), ("many", MANY)):
            chosen = tens[::max(1, len(tens) // number)]
            (self.directory / name).write_text("".join(f"a{n * 10:011d} d{n:08d}.example.com\n" for n in chosen))
        (self.directory / "logins").write_text(f"{self.account.username} {self.account.password}\n")

    def start(self, name):
        began = time.monotonic()
        getattr(self.tollgate, f"start_{name}")()
        self.note(f"{name}_start_s", time.monotonic() - began)
        return getattr(self.tollgate, name).pid

    def load(self, label, program, pid, door, argv, rounds, seconds):
        case = measure.Case("scale", label, [LOAD / program, "-a", f"unix:{self.tollgate.run}/{door}", *argv], [pid])
        measure.run([case], rounds, seconds, lambda *_: None)
        row = measure.summary(case)
        if "error" in row:
            raise RuntimeError(f"{label}: {row['error']}")
        for name in ("rate", "cpu_us", "p50_us", "p99_us", "step_p50_us", "step_p99_us"):
            if name in row:
                self.note(f"{label}_{name}", row[name])

    def memory(self, name, pid):
        own, resident = measure.memory_mib([pid])
        self.note(f"{name}_own_mib", own)
        self.note(f"{name}_resident_mib", resident)

    def serve(self, rounds, seconds):
        milter = self.start("milter")
        few, many, logins = (["-u", self.directory / name] for name in ("few", "many", "logins"))
        for connections in (8, 64):
            self.load(f"message_{connections}", "milter_load", milter, "milter", ["-c", connections, *few], rounds, seconds)
        self.load("message_many_senders_64", "milter_load", milter, "milter", ["-c", 64, *many], rounds, seconds)
        self.beside(milter, few, seconds)
        authd = self.start("authd")
        self.load("auth_plain_8", "auth_load", authd, "auth", ["-c", 8, *logins], rounds, seconds)
        self.memory("milter", milter)
        self.memory("authd", authd)

    def beside(self, milter, senders, seconds):
        """Messages while something long runs. An import into the store that is served is refused; so: the export of all of it,
        and an import into another store on the same disk."""
        other = self.directory / "other"
        other.mkdir()
        other.chmod(0o777)  # the command becomes the owner of the store
        spare = Tollgate(other)
        make_export.write(min(self.accounts, 100000), other / "export.jsonl")
        export = f'rm -f "{other}/all.jsonl" && "$0" -c "{self.tollgate.config}" store export "{other}/all.jsonl"'
        fill = f'rm -rf "{spare.store}" && "$0" -c "{spare.config}" --yes init && "$0" -c "{spare.config}" store import "{other}/export.jsonl"'
        for name, command in (("export", export), ("import", fill)):
            # Again and again as long as the load runs: a small store is soon done.
            runner = subprocess.Popen(["sh", "-c", f"while {command}; do :; done", BUILD / "admin/tollgate"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                self.load(f"beside_{name}_8", "milter_load", milter, "milter", ["-c", 8, *senders], 1, seconds * 2)
                if runner.poll() is not None:
                    raise RuntimeError(f"store {name} failed beside the load")
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(runner.pid, signal.SIGTERM)  # the session that was started here
                runner.wait()

    def ask(self):
        some = f"a{self.accounts // 20 * 10:011d}"
        self.timed("account_show_s", "account", "show", some, times=5)
        self.timed("account_list_error_s", "account", "list", "--status", "error")
        self.timed("activity_user_s", "activity", some, "--since", "2000-01-01", times=5)
        self.timed("activity_all_s", "activity", "--since", "2000-01-01")
        records = json.loads(self.timed("store_check_s", "store", "check"))["records"]
        self.note("activity_events", records["activity"])

    def retain(self):
        self.tollgate.configure(activity_days=90)
        self.timed("sweep_with_retention_s", "sweep")
        self.timed("sweep_again_s", "sweep")


def table(all_figures):
    names = list(dict.fromkeys(name for figures in all_figures for name in figures))
    return "\n".join(f"{name:32}" + "".join(f"{figures.get(name, '-'):>16}" for figures in all_figures) for name in names)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("accounts", nargs="*", type=int, default=[1000, 100000], help="sizes (default: 1000 100000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--output", default="bench-results")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench-scale: run it as root: Tollgate becomes the user that it runs as")
    directory, done = make_directory(), []
    about = machine.describe(directory, LOAD / "floor")
    print(machine.text(about))
    try:
        for accounts in options.accounts:
            sized = Sized(directory / str(accounts), accounts, lambda text: print("  " + text, file=sys.stderr))
            try:
                sized.fill()
                sized.serve(options.rounds, options.seconds)
                sized.tollgate.stop()
                sized.ask()
                sized.retain()
            finally:
                sized.tollgate.stop()
            done.append(sized.figures)
            remove_directory(directory / str(accounts))
    finally:
        remove_directory(directory)
    output = pathlib.Path(options.output)
    output.mkdir(exist_ok=True)
    (output / "scale.json").write_text(json.dumps({"machine": about, "sizes": done}, indent=1) + "\n")
    print(table(done) + f"\n{output}/scale.json")


if __name__ == "__main__":
    main()
