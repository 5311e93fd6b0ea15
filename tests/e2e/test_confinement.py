"""What the running daemons may do: an attacker who takes one over finds no privileges, no programs to run, no core."""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess

import pytest

from servers.process import BUILD, wait_until

CONFIG_H = (BUILD / "config.h").read_text()
SECCOMP = "#define TG_HAVE_SECCOMP 1" in CONFIG_H and "#define TG_SANITIZED 1" not in CONFIG_H


def status(pid):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def children(pid):
    return [int(c) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for c in (task / "children").read_text().split()]


def open_files(pid):
    """Beside the standard streams."""
    kinds = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds += [os.readlink(f"/proc/{pid}/fd/{fd}")] if int(fd) > 2 else []
        except FileNotFoundError:
            pass
    return kinds


def limit(pid, name):
    line = next(line for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(name))
    return re.split(r"  +", line)[1:3]


@pytest.fixture(params=["authd", "milter"])
def daemon(relay, request):
    """One that serves: its sockets are there before it confines itself, an answer comes after."""
    relay.tollgate.wait_event("started" if request.param == "authd" else "ready")
    return getattr(relay.tollgate, request.param)


def test_a_daemon_has_no_privileges(daemon):
    found = status(daemon.pid)
    assert set(found["Uid"].split()) == {"65534"} and "0" not in found["Gid"].split()
    assert "0" not in found["Groups"].split()
    assert found["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(found[kind], 16) == 0, kind
    assert found["Umask"] == "0077"


def test_every_thread_is_confined_to_its_system_calls(daemon):
    if not SECCOMP:
        pytest.skip("built without, or with sanitizers")
    tasks = [int(t.name) for t in pathlib.Path(f"/proc/{daemon.pid}/task").iterdir()]
    assert len(tasks) > 1
    for task in tasks:
        assert status(task)["Seccomp"] == "2", task


def test_a_daemon_leaves_no_core(daemon):
    assert limit(daemon.pid, "Max core file size") == ["0", "0"]
    # Not dumpable: what /proc tells of it belongs to root, and its user can't read its memory.
    assert pathlib.Path(f"/proc/{daemon.pid}/mem").stat().st_uid == 0


def test_files_are_for_their_owner_and_sockets_for_their_group(relay):
    tollgate = relay.tollgate
    for file in [tollgate.log, *tollgate.store.iterdir()]:
        assert file.stat().st_mode & 0o077 == 0, file
    assert stat.S_IMODE(tollgate.store.stat().st_mode) == 0o700
    for socket in tollgate.run.iterdir():
        assert stat.S_IMODE(socket.stat().st_mode) == 0o660, socket


def test_the_filter_can_be_turned_off(make_relay):
    relay = make_relay(postfix=False, seccomp=False)
    for daemon, event in ((relay.tollgate.authd, "started"), (relay.tollgate.milter, "ready")):
        relay.tollgate.wait_event(event)
        assert status(daemon.pid)["Seccomp"] == "0"
        assert status(daemon.pid)["NoNewPrivs"] == "1"


def test_the_sweeps_mailer_can_be_set_group_id(make_relay):
    """As Postfix's postdrop is: the process that runs it is not confined, and does nothing else."""
    relay = make_relay(postfix=False, start=False, provider_mail="boss@relay.test", mail_from="tollgate@relay.test")
    tollgate = relay.tollgate
    helper = relay.directory / "helper"
    shutil.copy("/usr/bin/cat", helper)
    os.chown(helper, 0, 12)  # root:man
    helper.chmod(0o2755)
    # cat runs with group 12: without it, a file of root:man, mode 0640, can't be read.
    secret = relay.directory / "secret"
    secret.write_text("for the group\n")
    os.chown(secret, 0, 12)
    secret.chmod(0o640)
    mailed = relay.directory / "run" / "mailed"
    os.chmod(relay.directory / "run", 0o777)
    tollgate.configure(mailer=f"cat >{mailed}; {helper} {secret} >>{mailed}")
    # An order that waits to be paid is what the sweep mails about.
    tollgate.command("plan", "set", "monthly", "--messages", "1000", "--price", "5.00", "--on-sale")
    customer = tollgate.command("customer", "add", "--name", "C", "--email", "c@customers.test", "--accept-terms")["id"]
    tollgate.command("customer", "billing", customer, "--company", "C Ltd", "--address", "Street 1", "--vat", "XX1")
    tollgate.configure(mailer="exit 75")
    tollgate.command("account", "add", "--customer", customer, "--description", "x", "--type", "transactional",
                     "--plan", "monthly", "--messages", "1000")
    tollgate.configure(mailer=f"cat >{mailed}; {helper} {secret} >>{mailed}")
    tollgate.start()
    wait_until("the sweep's mail", lambda: mailed.exists() and "for the group" in mailed.read_text())
    assert "c@customers.test" in mailed.read_text()
    courier, = children(tollgate.authd.pid)
    found = status(courier)
    assert found["Name"] == "tollgate-mailer" and found["NoNewPrivs"] == "0" and set(found["Uid"].split()) == {"65534"}
    # It holds standard streams and its one socket: no store, no listening socket.
    wait_until("the mailer's end", lambda: not children(courier))
    wait_until("only its socket", lambda: [k[:7] for k in open_files(courier)] == ["socket:"])
    tollgate.stop()
    assert not pathlib.Path(f"/proc/{courier}").exists()


def test_whoever_starts_a_daemon_that_detaches_comes_to_the_end_of_its_output(make_relay):
    """A script waits for that: the courier, which lives as long as the daemon, must not hold it open."""
    tollgate = make_relay(start=False, postfix=False).tollgate
    pid_file = tollgate.directory / "authd.pid"
    answer = subprocess.run([BUILD / "authd/tollgate-authd", "-c", tollgate.config, "-d", "--pid-file", pid_file],
                            capture_output=True, text=True, timeout=60)
    pid = int(pid_file.read_text())
    try:
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
        courier, = children(pid)
        assert {os.readlink(f"/proc/{p}/fd/{fd}") for p in (pid, courier) for fd in range(3)} == {"/dev/null"}
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until("its end", lambda: not pathlib.Path(f"/proc/{pid}").exists())
