"""Lists of many rows: what they print, and what they need for it."""
import collections
import hashlib
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import sys

import pytest
from servers.process import BUILD, DEADLINE_S, SANITIZED, SOURCE, VALGRIND, make_directory, remove_directory, wait_until
from servers.tollgate import Tollgate

MANY = 2000 if VALGRIND else 20000
LAST = f"a{MANY:011d}"
MORE = 1 << 20  # octets: less than what a list of these would be, of an account some hundred of them
KEPT = 2 << 20  # what the newest activity may keep beside: 24 of each event, twice while they are sorted
NO_SNAPSHOT = 2 ** 64 - 1


@pytest.fixture(scope="module")
def tollgate():
    directory = make_directory()
    subprocess.run([sys.executable, SOURCE / "tests/bench/make_export.py", str(MANY), directory / "many.jsonl"], check=True)
    tollgate = Tollgate(directory, sync="none")
    tollgate.command("init")
    tollgate.command("store", "import", directory / "many.jsonl")
    tollgate.command("plan", "set", "monthly", "--messages", 5000, "--price", "9.90", "--on-sale")
    tollgate.command("customer", "billing", 1, "--company", "Büro 1", "--address", "Weg 1")
    tollgate.command("account", "add", "--customer", 1, "--description", "waits, and has the longest description of all",
                     "--type", "promotional", "--plan", "monthly", "--messages", 5000)
    yield tollgate
    remove_directory(directory)


def words(tollgate, *argv):
    return [BUILD / "admin/tollgate", "-c", tollgate.config, *argv]


def printed(tollgate, *argv, **options):
    done = subprocess.run(words(tollgate, *argv), capture_output=True, timeout=DEADLINE_S * 2, check=False, **options)
    assert (done.returncode, done.stderr) == (0, b""), (argv, done.returncode, done.stderr[-300:])
    return done.stdout.decode()


def with_memory(octets):
    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (octets, octets))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return limit


@pytest.fixture(scope="module")
def memory(tollgate):
    """What the command may allocate: little more than for a list of one."""
    def is_enough(octets):
        return subprocess.run(words(tollgate, "account", "list", "--customer", str(MANY // 10), "--json"), capture_output=True,
                              timeout=DEADLINE_S, preexec_fn=with_memory(octets), check=False).returncode == 0
    return next(octets for octets in range(1 << 20, 64 << 20, 1 << 18) if is_enough(octets)) + MORE


def snapshots(tollgate):
    """pid to the snapshot that a process holds, by LMDB's table of readers: 64 octets each, that begin so."""
    table = (tollgate.store / "lock.mdb").read_bytes()
    slots = [struct.unpack_from("=QI", table, at) for at in range(128, len(table) - 63, 64)]
    return {pid: snapshot for snapshot, pid in slots if pid != 0}


# ---- memory ----

@pytest.mark.skipif(SANITIZED or VALGRIND, reason="its own memory is more")
@pytest.mark.parametrize("argv", [
    "account list", "account list --json", "account list --status disabled", "customer list", "customer list --json", "domain list",
    "domain list --json", "ip list", "ip list --json", "order list --json", "activity --since 2020-01-01",
    "activity --since 2020-01-01 --json", "audit --since 2020-01-01 --json"])
def test_a_list_keeps_nothing_of_its_rows(tollgate, memory, argv):
    allowed = memory + (KEPT if argv.startswith("activity") else 0)
    out = printed(tollgate, *argv.split(), preexec_fn=with_memory(allowed))
    assert len(out) > MANY // 10 * 30 or any(few in argv for few in ("order", "audit", "disabled"))


@pytest.mark.skipif(SANITIZED or VALGRIND, reason="its own memory is more")
@pytest.mark.parametrize("argv", ["account list --json", "account list", "domain list --json", "customer list --json"])
def test_a_list_for_which_there_is_no_memory_is_not_taken_for_a_whole_one(tmp_path, argv):
    tollgate = Tollgate(tmp_path, sync="none")
    subprocess.run([sys.executable, SOURCE / "tests/bench/make_export.py", "300", tmp_path / "some.jsonl"], check=True)
    tollgate.command("init")
    tollgate.command("store", "import", tmp_path / "some.jsonl")
    whole, octets, failed = printed(tollgate, *argv.split()).encode(), 1 << 20, 0
    while True:
        done = subprocess.run(words(tollgate, *argv.split()), capture_output=True, timeout=DEADLINE_S, preexec_fn=with_memory(octets),
                              check=False)
        if (done.returncode, done.stdout) == (0, whole):
            break
        assert done.returncode != 0, (octets, done.stdout[-100:])
        octets += 1 << 14
        failed += 1
    assert failed > 10


# ---- what is printed ----

def test_json_is_one_array_on_one_line_in_the_order_of_numbers(tollgate):
    out = printed(tollgate, "account", "list", "--json")
    accounts = json.loads(out)
    assert out == json.dumps(accounts, separators=(",", ":"), ensure_ascii=False) + "\n"
    assert [a["id"] for a in accounts] == list(range(1, MANY + 2))
    shown = tollgate.command("account", "show", LAST)
    assert accounts[MANY - 1] == {key: shown[key] for key in accounts[MANY - 1]}


def test_json_on_a_terminal_is_indented(tollgate):
    ours, theirs = pty.openpty()
    with subprocess.Popen(words(tollgate, "customer", "list", "--json"), stdout=theirs) as process:
        os.close(theirs)
        text = b""
        try:
            while some := os.read(ours, 1 << 16):
                text += some
        except OSError:  # its other end is closed
            pass
        assert process.wait(DEADLINE_S) == 0
    os.close(ours)
    lines = text.decode().replace("\r\n", "\n")
    assert lines == json.dumps(tollgate.command("customer", "list"), indent=2, separators=(",", ":"), ensure_ascii=False) + "\n"


def test_a_list_of_nothing_is_an_empty_array_and_no_table(tollgate):
    assert printed(tollgate, "account", "list", "--status", "error", "--json") == "[]\n"
    assert printed(tollgate, "account", "list", "--status", "error") == ""


def test_a_status_or_a_customer_has_its_own_and_no_other(tollgate):
    accounts = tollgate.command("account", "list")
    for argv, wanted in (("--status waiting", lambda a: a["status"] == "waiting"), ("--customer 1", lambda a: a["customer"] == 1)):
        assert tollgate.command("account", "list", *argv.split()) == [a for a in accounts if wanted(a)] != []


def test_columns_are_as_wide_as_the_widest_of_all_rows(tollgate):
    names = ["ID", "STATUS", "USERNAME", "KIND", "PLAN", "MESSAGES", "AMOUNT", "DUE", "CURRENCY", "CREATED"]
    assert printed(tollgate, "order", "list").splitlines()[0].split() == names
    head, *lines = printed(tollgate, "customer", "list").splitlines()
    customers = tollgate.command("customer", "list")
    number, name, email = (max(len(str(c[key])) for c in customers) for key in ("id", "name", "email"))
    assert len(lines) == len(customers) == MANY // 10
    for line, c in zip(lines, customers):
        assert line.startswith(f"{c['id']:>{number}}  {c['name']:<{name}}  {c['email']:<{email}}  2023-11-1"), line
    assert head == f"{'ID':>{number}}  {'NAME':<{name}}  {'EMAIL':<{email}}  CREATED"


# ---- who reads ----

def test_a_reader_that_stalls_lets_the_snapshot_go_and_gets_every_row_once(tollgate):
    with subprocess.Popen(words(tollgate, "account", "list", "--json"), stdout=subprocess.PIPE) as process:
        first = os.read(process.stdout.fileno(), 1)
        wait_until("no snapshot is held", lambda: snapshots(tollgate).get(process.pid) == NO_SNAPSHOT)
        tollgate.command("account", "disable", LAST)
        try:
            accounts = json.loads(first + process.stdout.read())
        finally:
            tollgate.command("account", "enable", LAST)
        assert process.wait(DEADLINE_S) == 0
    assert [a["id"] for a in accounts] == list(range(1, MANY + 2))
    assert accounts[MANY - 1]["status"] == "disabled"


def stopped_list(tollgate, path):
    """A list into a file, stopped where the file has less than half of it; None: it was too fast."""
    with open(path, "wb") as out:
        process = subprocess.Popen(words(tollgate, "account", "list", "--json"), stdout=out)
    wait_until("the first rows", lambda: path.stat().st_size > 0)
    process.send_signal(signal.SIGSTOP)
    if path.stat().st_size < MANY * 400:
        return process
    process.send_signal(signal.SIGCONT)
    process.wait(DEADLINE_S)
    return None


def test_a_list_into_a_file_is_of_one_moment(tollgate, tmp_path):
    process = wait_until("a list that is stopped in time", lambda: stopped_list(tollgate, tmp_path / "list"))
    tollgate.command("account", "disable", LAST)
    process.send_signal(signal.SIGCONT)
    assert process.wait(DEADLINE_S) == 0
    tollgate.command("account", "enable", LAST)
    accounts = json.loads((tmp_path / "list").read_bytes())
    assert accounts[MANY - 1]["status"] == "enabled"


@pytest.mark.parametrize("argv", ["account list --json", "account list"])
def test_a_reader_who_has_enough_leaves_no_snapshot_behind(tollgate, argv):
    with subprocess.Popen(words(tollgate, *argv.split()), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        assert process.wait(DEADLINE_S) == -signal.SIGPIPE
        assert process.stderr.read() == b""
        assert snapshots(tollgate)[process.pid] == NO_SNAPSHOT


# ---- damage ----

def sealed(lines):
    """An export of these records, as somebody edits one."""
    head, *records = lines
    text = json.dumps({**json.loads(head), "records": dict(collections.Counter(json.loads(r)["db"] for r in records))}) + "\n"
    text += "".join(records)
    digest = hashlib.blake2b(text.encode(), digest_size=32).hexdigest()
    return text + json.dumps({"end": True, "records": len(records), "blake2b": digest}) + "\n"


@pytest.fixture(params=["its order is gone", "it names one more order"])
def damaged(request, tmp_path):
    """Three accounts that wait for their orders, and what is wrong with the second."""
    for name in ("shop", "damaged"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)  # the store's owner makes it
    shop = Tollgate(tmp_path / "shop")
    shop.command("init")
    customer = shop.command("customer", "add", "--name", "N", "--email", "a@b.example", "--accept-terms")["id"]
    shop.command("customer", "billing", customer, "--company", "N", "--address", "Weg 1")
    shop.command("plan", "set", "monthly", "--messages", 20, "--price", "9.90", "--on-sale")
    for _ in range(3):
        shop.command("account", "add", "--customer", customer, "--description", "x", "--type", "transactional", "--plan", "monthly",
                     "--messages", 20)
    lines = shop.try_command("store", "export").out.splitlines(keepends=True)[:-1]
    if request.param == "its order is gone":
        lines = [line for line in lines if not line.startswith('{"db":"orders","key":{"order":2}')]
    else:
        lines = [line.replace('"open_orders":[2]', '"open_orders":[2,99]') for line in lines]
    (tmp_path / "edited.jsonl").write_text(sealed(lines))
    made = Tollgate(tmp_path / "damaged")
    made.command("init")
    made.command("store", "import", tmp_path / "edited.jsonl")
    return made


def test_a_damaged_account_is_no_end_of_a_list_and_not_absent(damaged):
    user = damaged.command("audit", "--action", "account add")[1]["subject"]
    for argv in (["account", "list"], ["account", "list", "--customer", 1], ["account", "show", user]):
        for json_wanted in ([], ["--json"]):
            answer = damaged.try_command(*json_wanted, *argv)
            assert answer.status == 5 and user in answer.err and "tollgate store check" in answer.err, (argv, answer)
            assert answer.out == ""


@pytest.mark.parametrize("noun", ["account", "domain"])
def test_a_list_of_nobodys_is_not_an_empty_one(tollgate, noun):
    answer = tollgate.try_command(noun, "list", "--customer", 99999999)
    assert answer.status == 3 and "99999999" in answer.err
