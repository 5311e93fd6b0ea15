"""The store can't be written, synced or read: 451, nothing counted, nothing lost; and all by itself it goes on when that
ends. What a client hears was on disk before."""
import os
import pathlib
import re
import subprocess

import pytest
from servers.load import Load, check_store, rich
from servers.process import wait_until
from servers.relay import Relay

SANITIZED = b"__asan_init" in (pathlib.Path(os.environ.get("TOLLGATE_BUILD", "build-tests")) / "milter/tollgate-milter").read_bytes()


@pytest.fixture(scope="module")
def preload(tmp_path_factory):
    if SANITIZED:
        pytest.skip("a sanitizer's library must be the first to be loaded")
    library = tmp_path_factory.mktemp("preload") / "fault.so"
    source = pathlib.Path(__file__).parent / "preload/fault.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


class Faulty:
    """A relay whose milter and authd fail as told."""

    def __init__(self, relay, library):
        self.relay, self.file = relay, relay.directory / "fault"
        env = {**os.environ, "LD_PRELOAD": str(library), "TG_FAULT": str(self.file)}
        relay.tollgate.start_authd(env=env)
        relay.tollgate.start_milter(env=env)
        relay.postfix.start()
        self.account = rich(relay)

    def set(self, fault):
        new = self.file.with_suffix(".new")
        new.write_text(fault)
        new.rename(self.file)


@pytest.fixture
def faulty(make_relay, preload):
    return Faulty(make_relay(start=False), preload)


FAULTS = ["fdatasync-eio", "write-eio", "write-enospc", "write-short", "meta-eio"]


def refused_by_the_store(reply):
    return reply == 451 and "4.3.0" in reply


def test_a_store_that_cant_be_written_is_a_451_and_counts_nothing(faulty):
    relay, account = faulty.relay, faulty.account
    sent = 0
    for fault in FAULTS:
        faulty.set(fault)
        with relay.client(account=account) as client:
            for _ in range(3):
                assert refused_by_the_store(client.send(account.sender, "x@dest.test", subject=fault)), fault
            faulty.set("none")
            assert client.send(account.sender, "x@dest.test", subject=f"after {fault}") == 250, fault
        sent += 1
        relay.sink.wait(subject=f"after {fault}")
        assert not relay.sink.find(subject=fault)
        # Where the page that makes it count was written and its sync failed, nobody can tell what a disk keeps.
        assert sent <= relay.tollgate.used(account) <= sent + (3 if fault == "meta-eio" else 0)
        check_store(relay.tollgate)
    # Once a minute, however often it happens.
    assert sum("commit-failed" in e for e in relay.tollgate.events()) <= 3
    relay.tollgate.wait_event("tollgate-milter", "commit-failed", "Input/output error")
    assert relay.tollgate.milter.running()


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_under_load_accept_nothing_that_is_not_counted(faulty, fault):
    relay = faulty.relay
    with Load(relay, faulty.account, sessions=6) as load:
        for _ in range(3):
            load.wait_accepted(10)
            faulty.set(fault)
            before = load.refused["end", 451]
            wait_until("refusals", lambda: load.refused["end", 451] > before + 5)
            faulty.set("none")
        load.wait_accepted(10)
    load.check()
    assert set(load.refused) <= {("end", 451), ("MAIL", 451), ("RCPT", 451)}, load.replies
    assert all("4.3.0" in r for r in load.replies), load.replies


# ---- a disk that is full, or read-only ----

@pytest.fixture
def small_disk(request):
    """A relay whose store is on a small tmpfs of its own."""
    relay = Relay(start=False)
    store = relay.tollgate.store
    kept = relay.directory / "kept"
    store.rename(kept)
    store.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700,uid=65534", "tmpfs", store], check=False,
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        relay.stop()
        relay.remove()
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr}")
    relay.failed_before = request.session.testsfailed
    try:
        subprocess.run(["cp", "-a", "--sparse=always", *kept.iterdir(), store], check=True)
        relay.start()
        relay.account = rich(relay)
        yield relay
        relay.stop()
    finally:
        subprocess.run(["umount", "-l", store], check=True)
        relay.remove()


def test_a_full_disk_is_a_451_and_is_over_when_there_is_room(small_disk):
    relay, account = small_disk, small_disk.account
    filler = relay.tollgate.store / "filler"
    assert relay.send(account) == 250
    with Load(relay, account, sessions=4) as load:
        load.wait_accepted(5)
        with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(bytes(4096))
        # What is left of a page or two goes on for a while.
        wait_until("refusals", lambda: load.refused["end", 451] > 20)
        accepted = load.count
        filler.unlink()
        wait_until("mail again", lambda: load.count > accepted + 5)
    load.check()
    assert all("4.3.0" in r for r in load.replies), load.replies
    relay.tollgate.wait_event("commit-failed", "No space left on device")


def test_a_file_system_that_turns_read_only_is_a_451(small_disk):
    relay, account = small_disk, small_disk.account
    assert relay.send(account) == 250
    # Not while files are open for writing (a disk that fails would not ask; that is what the faults above do).
    relay.tollgate.stop()
    subprocess.run(["mount", "-o", "remount,ro", relay.tollgate.store], check=True)
    answer = relay.tollgate.try_command("account", "credit", account.username, 1, "--reason", "x")
    assert answer.status == 5 and "Read-only file system" in answer.err, answer
    for daemon in ("authd/tollgate-authd", "milter/tollgate-milter"):
        started = relay.tollgate.daemon(daemon, f"readonly-{daemon[:5]}.out", (), {})
        assert started.child.wait(60) == 5, started.text()
        assert "Read-only file system" in started.text() and len(started.text().splitlines()) == 1, started.text()
    subprocess.run(["mount", "-o", "remount,rw", relay.tollgate.store], check=True)
    relay.tollgate.start()
    assert relay.send(account) == 250
    assert relay.tollgate.used(account) == 2


# ---- a store that can't be read ----

def test_a_store_that_cant_be_read_defers_at_every_door(make_relay, preload):
    """Reading fails where LMDB gave up (a failed meta page) and can't be opened again."""
    relay = make_relay(start=False)
    faulty = Faulty(relay, preload)
    account = faulty.account
    relay.command("ip", "add", "127.0.0.9", account.username)
    data, away = relay.tollgate.store / "data.mdb", relay.tollgate.store / "data.mdb.away"
    with relay.client() as by_login, relay.client(source="127.0.0.9") as by_address, relay.client(account=account) as open_:
        assert by_address.send(account.sender, "x@dest.test") == 250
        faulty.set("meta-eio")
        data.rename(away)
        assert refused_by_the_store(open_.send(account.sender, "x@dest.test"))
        # authd writes too: a failed login is noted.
        assert by_login.auth_plain(account.username, "wrong") == 535
        relay.tollgate.wait_event("tollgate-authd", "commit-failed")
        assert refused_by_the_store(open_.mail(account.sender))
        reply = by_login.auth_plain(account.username, account.password)
        assert reply == 454, reply
        assert by_address.mail(account.sender) == 451
        answer = relay.tollgate.try_command("account", "list")
        assert answer.status == 5 and "there is no store" in answer.err
        faulty.set("none")
        away.rename(data)
        assert open_.send(account.sender, "x@dest.test") == 250
        assert by_address.send(account.sender, "x@dest.test") == 250
        assert by_login.auth_plain(account.username, account.password) == 235
    assert relay.tollgate.used(account) >= 3
    check_store(relay.tollgate)


# ---- durable before the reply ----

def test_every_acceptance_was_synced_before_its_reply(make_relay):
    """System calls of the milter: between a message's end and the answer lie the sync of its pages and the write of the
    page that makes them count (which is O_DSYNC)."""
    relay = make_relay()
    account = relay.tollgate.add_account()
    out = relay.directory / "strace.out"
    trace = subprocess.Popen(["strace", "-f", "-yy", "-s", "100", "-o", out, "-e", "trace=fdatasync,pwrite64,write,writev,sendto",
                              "-p", str(relay.tollgate.milter.pid)], stderr=subprocess.DEVNULL)
    wait_until("strace", lambda: out.exists() and re.search("TracerPid:\t[1-9]", pathlib.Path(
        f"/proc/{relay.tollgate.milter.pid}/status").read_text()))
    for n in range(20):
        assert relay.send(account, subject=f"synced {n}") == 250
    trace.terminate()
    trace.wait()
    lines = out.read_text(errors="replace").splitlines()
    syncs = metas = accepted = 0
    for line in lines:
        if "fdatasync(" in line and "data.mdb" in line and "= 0" in line:
            syncs += 1
        elif "pwrite64(" in line and "data.mdb" in line and "= " in line and syncs > metas:
            metas += 1
        elif "write(" in line and "info accepted " in line:
            # Logged once the charge came back, before the answer is returned to libmilter.
            accepted += 1
            assert syncs >= accepted and metas >= accepted, "\n".join(lines[:40])
    assert accepted == 20
