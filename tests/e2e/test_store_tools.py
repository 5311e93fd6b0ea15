"""Export and import, backup and restore, compact, trace, audit; and a store that is damaged, full or not writable."""
import contextlib
import json
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading

import pytest
from servers.process import BUILD, DEADLINE_S, SOURCE, make_directory, remove_directory, wait_until
from servers.tollgate import Tollgate

RELAY = {"return_path_domain": "bounces.example"}


@pytest.fixture
def place(tmp_path):
    """Where the store's owner may write."""
    return tmp_path


@pytest.fixture
def new_store(place):
    """A store of its own, without daemons, as init makes it."""
    count = 0

    def make(directory=None, init=True, **settings):
        nonlocal count
        count += 1
        directory = directory or place / f"store{count}"
        directory.mkdir(exist_ok=True)
        directory.chmod(0o777)
        tollgate = Tollgate(directory, **settings)
        if init:
            tollgate.command("init")
        return tollgate
    return make


@pytest.fixture
def fill():
    """Customers, accounts with everything, a password that was renewed."""
    def do(tollgate):
        accounts = [tollgate.add_account() for _ in range(3)]
        user = accounts[0].username
        tollgate.command("ip", "add", "192.0.2.0/28", user, "--note", "Büro \"Süd\"")
        tollgate.command("ip", "add", "2001:db8::/48", user)
        tollgate.command("account", "credit", user, 5, "--reason", "goodwill")
        made = tollgate.command("account", "password", user, "--overlap", "7d")
        return accounts, made["password"]
    return do


@pytest.fixture(scope="module")
def large():
    """An export of 30,000 accounts: what takes long enough to be watched, killed and met by another."""
    directory = make_directory()
    subprocess.run([sys.executable, SOURCE / "tests/bench/make_export.py", "30000", directory / "large.jsonl"], check=True)
    yield directory / "large.jsonl"
    remove_directory(directory)


def check(tollgate):
    assert tollgate.command("store", "check")["problems"] == []


def password_works(tollgate, user, password):
    return tollgate.try_command("auth", "test", user, stdin=password + "\n").status == 0


# ---- export and import ----

def test_a_store_made_from_an_export_gives_the_same_bytes_and_its_passwords_work(new_store, fill, place):
    old = new_store()
    accounts, renewed = fill(old)
    answer = old.command("store", "export", place / "one.jsonl")
    text = (place / "one.jsonl").read_bytes()
    assert (answer["bytes"], answer["records"]) == (len(text), text.count(b"\n") - 2)
    assert (place / "one.jsonl").stat().st_mode & 0o777 == 0o600
    for account in accounts:
        assert account.password.encode() not in text
    assert all(json.loads(line) for line in text.splitlines())

    new = new_store()
    assert new.command("store", "import", place / "one.jsonl")["records"] == answer["records"]
    assert new.try_command("store", "export").out.encode() == text
    check(new)
    assert password_works(new, accounts[0].username, renewed)
    assert password_works(new, accounts[0].username, accounts[0].password)
    assert not password_works(new, accounts[1].username, renewed)
    for account in accounts:
        assert new.show(account) == old.show(account)
    assert new.command("audit") == old.command("audit")
    # The counters too: no number is given twice.
    assert new.add_account(domain="new.example").id == 4


def test_export_and_import_say_what_they_refuse(new_store, fill, place):
    tollgate = new_store()
    fill(tollgate)
    file = place / "x.jsonl"
    file.write_text("mine")
    answer = tollgate.try_command("store", "export", file)
    assert (answer.status, file.read_text()) == (4, "mine")
    assert f"{file} is there already" in answer.err
    answer = tollgate.try_command("--json", "store", "export", "/no/such/place")
    assert answer.status == 1 and "No such file" in answer.error["message"]
    answer = tollgate.try_command("store", "import", place / "absent")
    assert answer.status == 3 and "absent" in answer.err
    file.unlink()
    out = tollgate.try_command("store", "export", file)
    assert out.status == 0 and re.search(r"records +\d+", out.out)
    answer = tollgate.try_command("--json", "store", "import", file)
    assert answer.status == 4 and answer.error["code"] == "refused" and "3 customers and 3 accounts already" in answer.error["message"]

    fresh = new_store()
    lines = file.read_text().splitlines(keepends=True)
    bad = place / "bad.jsonl"
    bad.write_text("".join(lines[:6] + ['{"db":"accounts"}\n'] + lines[7:]))
    answer = fresh.try_command("store", "import", bad)
    assert answer.status == 4 and f"{bad}, line 7: not a record" in answer.err and answer.err.count("\n") == 1
    bad.write_text("".join(lines[:-1]))
    answer = fresh.try_command("store", "import", bad)
    assert answer.status == 4 and "its last line is missing" in answer.err
    # Nothing was done: the right file is taken.
    with open(file) as stdin:
        done = subprocess.run([BUILD / "admin/tollgate", "-c", fresh.config, "store", "import", "-"], stdin=stdin,
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert fresh.try_command("store", "export").out == file.read_text()
    piped = new_store().try_command("store", "import", "-", stdin=file.read_text())
    assert piped.status == 4 and "not a pipe" in piped.err


def half_imported(tollgate, file):
    """An import that can't go on in the middle: the store's file may not be written beyond 8 MiB."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    done = subprocess.run([BUILD / "admin/tollgate", "-c", tollgate.config, "store", "import", file], preexec_fn=limit,
                          capture_output=True, timeout=DEADLINE_S * 2, check=False)
    assert done.returncode in (5, -signal.SIGXFSZ), done
    answer = tollgate.try_command("customer", "list")
    assert answer.status == 5
    return answer


def kill_at_many_moments(tollgate, file):
    """-9, a little later each time. Whenever it was: the store is whole or it is refused."""
    for delay in 0.1, 0.3, 0.6, 1, 1.5, 2:
        child = subprocess.Popen([BUILD / "admin/tollgate", "-c", tollgate.config, "store", "import", file],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(delay)
        child.kill()
        child.wait()
        answer = tollgate.try_command("--json", "customer", "list")
        if answer.status == 0:
            return len(answer.json)
        assert answer.status == 5 and "run tollgate store import again" in answer.err
    return tollgate.command("store", "import", file) and len(tollgate.command("customer", "list"))


def test_an_import_that_is_killed_defers_mail_and_is_mended_by_the_next(make_relay, new_store, fill, place, large):
    relay = make_relay()
    answer = half_imported(relay.tollgate, large)
    assert "run tollgate store import again" in answer.err and answer.err.count("\n") == 1
    for argv in (["account", "list"], ["store", "check"], ["store", "export"], ["store", "backup", place / "b"], ["audit"],
                 ["customer", "add", "--name", "x", "--email", "x@x.example", "--accept-terms"]):
        assert relay.tollgate.try_command(*argv).status == 5, argv
    # The daemons ran all the while. Neither an authorised address nor nobody is told that it may not: only "later".
    with relay.client() as client:
        reply = client.mail("a@b.example")
        assert 400 <= reply.code < 500, reply.text
    assert kill_at_many_moments(relay.tollgate, large) == 3000
    check(relay.tollgate)
    assert relay.tollgate.command("account", "show", "a00000030000")["id"] == 30000
    account = relay.tollgate.add_account(domain="after.example")
    assert relay.send(account, subject="after") == 250


def test_imports_one_at_a_time(new_store, large):
    tollgate = new_store()
    children = [subprocess.Popen([BUILD / "admin/tollgate", "-c", tollgate.config, "store", "import", large],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [child.communicate(timeout=DEADLINE_S * 2)[1] for child in children]
    assert sorted(child.returncode for child in children) == [0, 4], errors
    assert any("another import" in e or "already" in e for e in errors), errors
    check(tollgate)


# ---- backup, restore, compact ----

def test_a_backup_under_load_comes_back_whole(relay, account, new_store, place):
    sent, stop = [], threading.Event()

    def load():
        with relay.client(account=account) as client:
            while not stop.is_set() and len(sent) < 900:
                sent.append(client.send(account.sender, "x@dest.test"))
    thread = threading.Thread(target=load)
    thread.start()
    try:
        for n in range(3):
            before = len(sent)
            wait_until("some mail", lambda: len(sent) > before + 2)
            relay.command("store", "backup", place / f"backup{n}")
    finally:
        stop.set()
        thread.join()
    assert all(code == 250 for code in sent)
    for n in range(3):
        copy = new_store(init=False)
        assert copy.command("store", "restore", place / f"backup{n}")["restored_from"] == str(place / f"backup{n}")
        check(copy)
        assert 0 < copy.used(account) <= len(sent)
        assert password_works(copy, account.username, account.password)
    assert relay.tollgate.used(account) == len(sent)
    # A move to another machine: the next account has the next number.
    copy = new_store(init=False)
    moved = copy.command("store", "restore", place / "backup0", "--keep-numbers")
    assert moved["next_account"] == account.id + 1 and copy.add_account(domain="moved.example").id == account.id + 1
    answer = relay.tollgate.try_command("store", "backup", place / "backup0")
    assert answer.status == 4 and "already a store" in answer.err
    answer = relay.tollgate.try_command("store", "restore", place / "backup0")
    assert answer.status == 4 and "overwrites nothing" in answer.err


def test_compact_waits_for_the_daemons_to_be_stopped(make_relay, large):
    relay = make_relay()
    inode = (relay.tollgate.store / "data.mdb").stat().st_ino
    account = relay.tollgate.add_account()
    answer = relay.tollgate.try_command("--json", "store", "compact")
    assert answer.status == 4 and "stop tollgate-authd, tollgate-milter" in answer.error["message"]
    assert (relay.tollgate.store / "data.mdb").stat().st_ino == inode
    assert relay.send(account, subject="before") == 250
    relay.tollgate.stop()
    sizes = relay.command("store", "compact")
    assert 0 < sizes["bytes_after"] <= sizes["bytes_before"]
    assert sorted(p.name for p in relay.tollgate.store.iterdir() if p.name != "lock.mdb") == ["data.mdb"]
    assert (relay.tollgate.store / "data.mdb").owner() == "nobody"
    check(relay.tollgate)
    relay.tollgate.start()
    assert relay.send(account, subject="after") == 250
    assert relay.tollgate.used(account) == 2


def test_what_they_print_for_people(new_store, fill, place):
    tollgate = new_store()
    fill(tollgate)
    for argv, words in ((["store", "backup", place / "copy"], rf"backup +{place}/copy\n"), (["store", "check"], "everything agrees"),
                        (["store", "compact"], r"bytes_before +\d+\nbytes_after +\d+\n")):
        answer = tollgate.try_command(*argv)
        assert answer.status == 0 and answer.err == "" and re.search(words, answer.out), answer
    other = new_store(init=False)
    answer = other.try_command("store", "restore", place / "copy")
    assert answer.status == 0 and re.search(rf"restored_from +{place}/copy\n", answer.out)
    answer = new_store(init=False).try_command("--json", "store", "restore", place / "nothing")
    assert answer.status == 5 and answer.error["code"] == "unusable" and "there is no backup in" in answer.error["message"]


# ---- progress ----

def on_terminal(argv):
    """Standard error of a command that runs on a terminal, and its exit status."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "LC_ALL": "C.UTF-8"})
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):
        while data := os.read(ours, 4096):
            shown += data
    os.close(ours)
    child.stdout.read()
    return shown.decode(), child.wait()


def test_a_bar_is_shown_on_a_terminal_only(new_store, large):
    tollgate = new_store()
    shown, status = on_terminal([BUILD / "admin/tollgate", "-c", tollgate.config, "store", "import", large])
    assert status == 0, shown
    assert re.search(r"█+░+ +\d+ %  [\d,]+ of [\d,]+ records, [\d,]+ a second, \d+ s left", shown), shown
    assert shown.endswith("\r\x1b[K")
    answer = tollgate.try_command("store", "check")
    assert (answer.status, answer.err) == (0, "")


# ---- trace ----

def test_a_trace_header_tells_the_account_and_its_message(relay, account):
    assert relay.send(account, ["x@dest.test", "y@dest.test"], subject="traced") == 250
    mail = relay.sink.wait(subject="traced")
    token = mail.header("X-Tollgate-Trace")[0]
    trace = relay.command("trace", token)
    queue_id = relay.tollgate.activity(account)[0]["queue_id"]
    assert {k: trace[k] for k in ("username", "customer", "sender", "recipients", "client", "queue_id", "token", "recorded")} == {
        "username": account.username, "customer": account.customer, "sender": account.sender, "recipients": 2,
        "client": "127.0.0.1", "queue_id": queue_id, "token": "trace", "recorded": True}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", trace["time"])
    for text in (token.upper(), f"X-Tollgate-Trace: {token}", f"x-tollgate-trace:{token}\r\n", f"  {token} "):
        assert relay.command("trace", text) == trace
    for text in (mail.sender, f"<{mail.sender}>", mail.sender.split("@")[0]):
        found = relay.command("trace", text)
        assert found["token"] == "return-path" and {**found, "token": "trace"} == trace
    assert re.search(rf"username +{account.username}\n", relay.tollgate.try_command("trace", token).out)
    events = relay.tollgate.activity(account)
    assert trace["ref"] in [e["ref"] for e in events]


def test_what_is_no_trace_is_refused_clearly(relay, account, new_store):
    assert relay.send(account, subject="to forge") == 250
    token = relay.sink.wait(subject="to forge").header("X-Tollgate-Trace")[0]
    other = token[:-1] + ("a" if token[-1] != "a" else "b")
    for text in (other, "a" * 45, "", "hello@example.com", "\x1b[31m"):
        answer = relay.tollgate.try_command("--json", "trace", text)
        assert answer.status == 4 and "did not come from this relay" in answer.error["message"], text
    assert new_store().try_command("trace", token).status == 4
    # Of an account that is gone its number is left.
    relay.command("account", "remove", account.username)
    trace = relay.command("trace", token)
    assert (trace["username"], trace["account"], trace["recorded"], trace["sender"]) == (None, account.id, False, None)


# ---- audit ----

def test_every_change_is_in_the_audit_log_with_who_old_and_new(new_store):
    tollgate = new_store()
    account = tollgate.add_account()
    user, domain = account.username, account.domain
    for argv in (["customer", "set", 1, "--email", "new@customers.test"], ["customer", "billing", 1, "--company", "C", "--address", "A"],
                 ["account", "set", user, "--max-domains", "7", "--ip-lock", "on"], ["account", "disable", user, "--reason", "spam"],
                 ["account", "enable", user], ["account", "credit", user, "3", "--reason", "lost"], ["account", "password", user],
                 ["ip", "add", "192.0.2.7", user], ["ip", "remove", "192.0.2.7", user], ["domain", "dissociate", domain, user],
                 ["domain", "remove", domain], ["account", "remove", user], ["customer", "remove", 1]):
        tollgate.command(*argv, env={"SUDO_USER": "alice"})
    entries = tollgate.command("audit")
    assert [e["action"] for e in entries] == [
        "customer add", "account add", "domain add", "domain verify", "domain associate", "customer set", "customer billing",
        "account set --max-domains", "account set --ip-lock", "account disable", "account enable", "account credit", "account password",
        "ip add", "ip remove", "domain dissociate", "domain remove", "account remove", "customer remove"]
    assert {e["who"] for e in entries[5:]} == {"root (sudo: alice)"} and entries[0]["who"] == "root"
    by = {e["action"]: e for e in entries}
    assert (by["account disable"]["old"], by["account disable"]["new"]) == ("enabled", "disabled: spam")
    assert (by["account credit"]["old"], by["account credit"]["new"]) == ("1000 left", "1003 left, 3 messages: lost")
    assert (by["account set --max-domains"]["old"], by["account set --max-domains"]["new"]) == ("10", "7")
    assert "new@customers.test" in by["customer set"]["new"] and "@customers.test" in by["customer set"]["old"]
    assert by["account password"]["old"] == "generation 1" and by["ip remove"]["old"] == "192.0.2.7"
    assert by["domain verify"]["old"] == "pending" and by["account remove"]["new"] is None
    assert [e["action"] for e in tollgate.command("audit", "--limit", 2)] == ["account remove", "customer remove"]
    assert len(tollgate.command("audit", "--subject", domain)) == 5
    assert len(tollgate.command("audit", "--action", "ip")) == 2
    assert len(tollgate.command("audit", "--who", "alice", "--since", "1d")) == 14
    assert tollgate.command("audit", "--since", "2999-01-01") == []
    table = tollgate.try_command("audit", "--limit", 1).out.splitlines()
    assert re.match(r"TIME +WHO +ACTION +SUBJECT +OLD +NEW", table[0]) and "root (sudo: alice)" in table[1]
    assert tollgate.try_command("--json", "audit", "--limit", "0").error["code"] == "usage"


# ---- damage ----

def damaged_stores(tollgate):
    data = tollgate.store / "data.mdb"
    whole = data.read_bytes()[:512 * 1024]

    def put(content):
        data.write_bytes(content)
        shutil.chown(data, "nobody")
    yield "missing", data.unlink, "there is no store"
    yield "empty", lambda: put(b""), "is empty"
    yield "a page short", lambda: put(whole[:8 * 4096]), "is truncated"
    yield "half a page", lambda: put(whole[:2000]), "is truncated"
    yield "some octets", lambda: put(whole[:100]), "its first page is damaged"
    yield "garbage", lambda: put(os.urandom(100000)), "not a Tollgate store"
    yield "zeros", lambda: put(bytes(1 << 20)), "not a Tollgate store"
    yield "a directory", lambda: (data.unlink(), data.mkdir()), "not a file"


def test_a_damaged_store_is_refused_by_all_programs_and_never_made_anew(new_store, fill):
    tollgate = new_store()
    fill(tollgate)
    data = tollgate.store / "data.mdb"
    for name, damage, words in damaged_stores(tollgate):
        damage()
        before = data.read_bytes() if data.is_file() else None
        for argv in (["account", "list"], ["store", "check"], ["store", "export"], ["store", "compact"], ["audit"]):
            answer = tollgate.try_command(*argv)
            assert answer.status == 5 and words in answer.err and answer.err.count("\n") == 1, (name, argv, answer)
        for program in ("authd/tollgate-authd", "milter/tollgate-milter"):
            done = subprocess.run([BUILD / program, "-c", tollgate.config], capture_output=True, text=True, timeout=DEADLINE_S,
                                  check=False)
            assert done.returncode == 5 and words in done.stderr, (name, program, done)
        if data.exists():
            assert tollgate.try_command("init").status == 4, name
        assert (data.read_bytes() if data.is_file() else None) == before, name


def test_a_newer_store_is_refused(new_store, place):
    tollgate = new_store()
    text = tollgate.try_command("store", "export").out
    newer = place / "newer.jsonl"
    newer.write_text(text.replace('"store_format":1', '"store_format":2'))
    answer = new_store().try_command("store", "import", newer)
    assert answer.status == 4 and "made by a newer Tollgate" in answer.err


def test_a_store_of_another_user_is_refused_with_its_name(new_store):
    tollgate = new_store()
    program = shutil.copy(BUILD / "admin/tollgate", tollgate.directory)  # others may not enter the build's directory
    for argv in (["account", "list"], ["store", "check"], ["store", "import", "/dev/null"]):
        done = subprocess.run([program, "-c", tollgate.config, *argv], capture_output=True, text=True, user="daemon",
                              group="daemon", extra_groups=[], timeout=DEADLINE_S, check=False)
        assert done.returncode == 5 and "owned by user nobody: run this as that user or as root" in done.stderr, (argv, done)
        assert done.stderr.count("\n") == 1


@contextlib.contextmanager
def mounted(directory, options):
    directory.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        directory.chmod(0o777)
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


def test_a_store_on_a_read_only_file_system_is_refused_in_one_sentence(new_store, place):
    with mounted(place / "ro", "size=20m") as disk:
        tollgate = new_store(disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for argv in (["account", "list"], ["store", "check"], ["customer", "add", "--name", "x", "--email", "x@x.example", "--accept-terms"]):
            answer = tollgate.try_command(*argv)
            assert answer.status == 5 and answer.err.count("\n") == 1 and "Read-only file system" in answer.err, answer


def test_a_full_disk_during_an_import_is_told_and_nothing_is_lost(new_store, place, large):
    with mounted(place / "small", "size=8m") as disk:
        tollgate = new_store(disk)
        answer = tollgate.try_command("store", "import", large)
        assert answer.status in (1, 5) and "No space left" in answer.err and answer.err.count("\n") == 1
        assert "store import" in answer.err
        assert tollgate.try_command("customer", "list").status == 5
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        tollgate.command("store", "import", large)
        check(tollgate)


def test_a_full_disk_during_backup_and_export_leaves_nothing_half_done(new_store, place, large):
    tollgate = new_store()
    tollgate.command("store", "import", large)
    with mounted(place / "small", "size=4m") as disk:
        for argv in (["store", "backup", disk / "copy"], ["store", "export", disk / "file"]):
            answer = tollgate.try_command(*argv)
            assert answer.status == 1 and "No space left" in answer.err and answer.err.count("\n") == 1, answer
            assert list(disk.iterdir()) == []
    check(tollgate)


@pytest.mark.skipif(os.geteuid() != 0, reason="root's command becomes the store's owner")
def test_a_backup_says_as_whom_it_may_not_write(new_store):
    tollgate = new_store()
    roots = tollgate.directory / "roots"
    (roots / "there").mkdir(parents=True)
    for place, words in (roots / "new", f"can't make {roots}/new: "), (roots / "there", f"can't write in {roots}/there: "):
        answer = tollgate.try_command("store", "backup", place)
        assert answer.status == 1 and words in answer.err and "(as nobody, the store's owner)" in answer.err, answer
