"""Rounds that are taken in turn: A B C, A B C …, so that a minute in which the machine is slow is everybody's. A round counts
where the host left us the cores (steal under STEAL_MAX); the figures are medians over the rounds that count."""
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import time

STEAL_MAX = 0.15
EXTRA_ROUNDS = 3  # in place of those that do not count
TICKS = os.sysconf("SC_CLK_TCK")


def stolen():
    """(stolen, all) in ticks, of all cores, since the start of the machine."""
    fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return fields[7], sum(fields)


def process_stat(pid):
    """The fields of /proc/PID/stat behind the name, from the state on."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def family(pids):
    """These processes and all below them."""
    children = {}
    for entry in os.listdir("/proc"):
        stat = process_stat(entry) if entry.isdigit() else None
        if stat is not None:
            children.setdefault(int(stat[1]), []).append(int(entry))
    found, open_ends = [], list(pids)
    while open_ends:
        pid = open_ends.pop()
        found.append(pid)
        open_ends += children.get(pid, [])
    return found


def cpu_seconds(pids):
    """Of all threads, and of children that are gone; None: one of the processes is gone itself."""
    ticks = 0
    for pid in family(pids):
        stat = process_stat(pid)
        if stat is None:
            if pid in pids:
                return None
            continue
        ticks += sum(int(stat[i]) for i in (11, 12, 13, 14))
    return ticks / TICKS


def memory_mib(pids):
    """(private and anonymous: what it takes; resident: with the pages of files that it has mapped)"""
    own = resident = 0
    for pid in family(pids):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                own += int(line.split()[1])
            if line.startswith("VmRSS:"):
                resident += int(line.split()[1])
    return own / 1024, resident / 1024


@dataclasses.dataclass
class Case:
    """One subject under one load."""
    group: str           # what is compared with one another: "milter, 64 connections"
    subject: str
    argv: list           # prints the JSON of load.h
    pids: list           # whose CPU counts
    unit: str = "message"
    cost: float = 1      # for how many seconds it runs, relative to the others
    rounds: list = dataclasses.field(default_factory=list)
    note: str = ""
    ended: object = None  # waits until all that was asked is done; its time counts


def one_round(case, seconds):
    before, cpu, began = stolen(), cpu_seconds(case.pids), time.monotonic()
    argv = [str(a) for a in case.argv] + ["-t", str(seconds * case.cost)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds * case.cost + 120, check=False)
    if case.ended is not None:
        case.ended()
    took, after, cpu_after = time.monotonic() - began, stolen(), cpu_seconds(case.pids)
    try:
        figures = json.loads(done.stdout)
    except ValueError:
        figures = {"requests": 0}
    figures["steal"] = (after[0] - before[0]) / max(1, after[1] - before[1])
    if done.returncode != 0 or figures["requests"] == 0:
        figures["error"] = done.stderr.strip().split("\n")[0] or "nothing was answered"
        return figures
    if case.ended is not None:
        figures["rate"] = figures["requests"] / took
    if cpu is not None and cpu_after is not None:
        figures["cpu_us"] = (cpu_after - cpu) * 1e6 / figures["requests"]
    return figures


def good(case):
    return [r for r in case.rounds if "error" not in r and r["steal"] < STEAL_MAX]


def run(cases, rounds, seconds, say):
    """Fills their rounds."""
    for number in range(rounds + EXTRA_ROUNDS):
        for case in cases:
            failed = sum("error" in r for r in case.rounds)
            if len(good(case)) >= rounds or failed > 1 or (number >= rounds and not case.rounds):
                continue
            case.rounds.append(one_round(case, seconds))
            say(case, case.rounds[-1])
            time.sleep(0.05)


def summary(case):
    """Medians of the rounds that count; of all where none does, which is said."""
    counted = good(case) or [r for r in case.rounds if "error" not in r]
    errors = [r["error"] for r in case.rounds if "error" in r]
    row = {"group": case.group, "subject": case.subject, "unit": case.unit, "rounds": len(case.rounds),
           "counted": len(good(case)), "note": case.note}
    if not counted:
        return {**row, "error": errors[0] if errors else "not run"}
    for name in ("rate", "cpu_us", "p50_us", "p99_us", "step_p50_us", "step_p99_us"):
        values = [r[name] for r in counted if name in r]
        if values:
            row[name] = statistics.median(values)
    row["failures"] = sum(r.get("failures", 0) + r.get("lost", 0) for r in counted)
    row["steal"] = max(r["steal"] for r in counted)
    return row
