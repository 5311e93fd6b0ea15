"""Memcheck, for `./run-tests --valgrind`: daemons and commands under valgrind, what it found, and which tests can't be run so."""
import os
import pathlib
import re

from .process import SOURCE, VALGRIND, make_directory

OPTIONS = ["-q", "--vgdb=no", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
           "--num-callers=30", "--fair-sched=try", f"--suppressions={SOURCE}/tests/valgrind.supp"]

# One directory for each process of pytest, which runs one test after the other: what is new in it is that test's.
LOGS = make_directory() if VALGRIND else None
if LOGS:
    LOGS.chmod(0o777)  # a process that forks opens its log after it has become another user
told = set()
commands_seen = set()

# valgrind 3.19 has no pidfd_open (434), which the courier can do without.
UNHANDLED = re.compile(r"--\d+-- WARNING: unhandled \S+ syscall: 434\n(--\d+-- (?!WARNING).*\n){0,4}")

# A file, or a test of one: why not.
LEFT_OUT = {
    "test_bounces.py::test_a_token_expires": "libfaketime is loaded into the daemon",
    "test_clock.py": "libfaketime is loaded into the daemon",
    "test_confinement.py": "valgrind has no filters of system calls, and /proc shows valgrind's own process",
    "test_extremes.py::test_authd_without_descriptors_serves_who_is_there_and_recovers": "valgrind keeps descriptors for itself",
    "test_extremes.py::test_the_milter_without_descriptors_goes_on_with_its_sessions_and_recovers":
        "valgrind keeps descriptors for itself",
    "test_extremes.py::test_little_memory_costs_451s_and_nothing_uncounted": "the limit would be valgrind's",
    "test_secrets.py": "valgrind keeps what was freed, and scans of its memory find it there",
    "test_store_faults.py": "the library that injects faults takes the place of calls that valgrind makes itself",
}


def under(argv):
    """This command, run by memcheck where that is wanted. Children that are forked are followed, programs they start are not."""
    return ["valgrind", *OPTIONS, f"--log-file={LOGS}/vg.%p", *map(str, argv)] if VALGRIND else list(argv)


def command_under(argv, words):
    """A start takes a second: each command of the administrator is checked once by each process of pytest."""
    kind = tuple(w for w in map(str, words) if not w.startswith("-"))[:2]
    if not VALGRIND or kind in commands_seen:
        return list(argv)
    commands_seen.add(kind)
    return under(argv)


def reason_to_leave_out(nodeid):
    name = pathlib.PurePath(nodeid.split("[")[0]).name
    return LEFT_OUT.get(name) or LEFT_OUT.get(name.split("::")[0])


def findings():
    """What memcheck wrote since the last call; empty where it is content."""
    texts = []
    for log in sorted(LOGS.glob("vg.*")) if VALGRIND else []:
        text = UNHANDLED.sub("", log.read_text(errors="replace"))
        if text.strip() and (log, len(text)) not in told:
            told.add((log, len(text)))
            texts.append(f"{log.name}:\n{text}")
    return "\n".join(texts)


def forget_finished():
    """Logs without a finding, of processes that have ended, are of no use."""
    for log in LOGS.glob("vg.*") if VALGRIND else []:
        if log.stat().st_size == 0 and not os.path.exists(f"/proc/{log.suffix[1:]}"):
            log.unlink(missing_ok=True)
