"""What careless and hurried people do to the command: it says so in a sentence, and harms nothing."""
import concurrent.futures
import os
import subprocess

import pytest

from servers.process import BUILD, DEADLINE_S, make_directory, remove_directory
from servers.tollgate import Tollgate

TOLLGATE = BUILD / "admin/tollgate"


@pytest.fixture(scope="module")
def tollgate():
    directory = make_directory()
    made = Tollgate(directory, user="")
    made.command("init")
    made.account = made.add_account()
    yield made
    remove_directory(directory)


def shell(tollgate, script):
    """A line for sh, in which T is the command."""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=DEADLINE_S, check=False,
                          env={**os.environ, "TOLLGATE_CONFIG": str(tollgate.config), "T": str(TOLLGATE), "U": tollgate.account.username})
    return done.returncode, done.stdout, done.stderr


# The lock file is never written by print, nor is the store.
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("argv", ["account list", "account show nobody", "--json customer list", "account set $U --max-per-day 77"])
def test_closed_descriptors_are_no_way_into_the_store(tollgate, closed, argv):
    locks = (tollgate.store / "lock.mdb").read_bytes()[:24]
    status, _, err = shell(tollgate, f"$T {argv} {closed}")
    failed = 3 if "nobody" in argv else 1 if ">&-" in closed.replace("2>&-", "") else 0
    assert status == failed, err
    if status == 1 and "2>&-" not in closed:
        assert "the result could not be written" in err
    assert (tollgate.store / "lock.mdb").read_bytes()[:24] == locks
    assert tollgate.command("store", "check")["ok"]


@pytest.mark.parametrize("argv", ["account list", "help", "help account", "help account add", "help --manual", "--version", "completion zsh",
                                  "--json account list"])
def test_a_full_disk_is_told(tollgate, argv):
    status, _, err = shell(tollgate, f"$T {argv} >/dev/full")
    assert status == 1 and "could not be written: No space left on device" in err


def test_a_reader_who_has_enough_ends_it_quietly(tollgate):
    status, out, err = shell(tollgate, "$T help --manual | head -1; $T account list | head -1")
    assert status == 0 and err == "" and out.splitlines()[-1].startswith("USERNAME")


@pytest.mark.parametrize("argv, status, words", [
    ("-c /tmp account list", 5, "/tmp: it is a directory"),
    ("-c $T account list", 5, "no such option"),
    ("-x", 2, "unknown option '-x'"),
    ("acc", 2, "is 'account' meant?"),
    ("xyz", 2, "unknown command 'xyz' (tollgate help"),
    ("account set $U", 2, "what is to be changed? (tollgate help account set)"),
    ("customer set 1", 2, "what is to be changed?"),
    ("customer billing 1", 2, "what is to be changed?"),
    ("account list --customer x", 2, "'x' is not a number from 1 on"),
    ("explain --login $U --from a@b.example --message /tmp", 1, "can't read /tmp: Is a directory"),
    ("customer add --name \"$(head -c 300 /dev/urandom | tr -d '\\0')\" --email a@b.example --accept-terms", 2, "UTF-8"),
])
def test_what_is_wrong_is_said(tollgate, argv, status, words):
    audit = len(tollgate.command("audit"))
    code, _, err = shell(tollgate, f"$T {argv}")
    assert code == status and words in err and err.count("\n") == 1, err
    assert len(tollgate.command("audit")) == audit


@pytest.mark.parametrize("daemon", ["authd/tollgate-authd", "milter/tollgate-milter"])
def test_a_directory_is_no_configuration_for_a_daemon_either(tollgate, daemon):
    done = subprocess.run([BUILD / daemon, "-t", "-c", tollgate.directory], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode != 0 and "it is a directory" in done.stderr


def test_many_commands_at_once_all_happen(tollgate):
    before = tollgate.command("account", "show", tollgate.account.username)["plan"]["left"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda i: tollgate.try_command("account", "credit", tollgate.account.username, 1, "--reason", f"r{i}"), range(24)))
    assert [d.status for d in done] == [0] * 24, [d.err for d in done if d.status]
    assert tollgate.command("account", "show", tollgate.account.username)["plan"]["left"] == before + 24
    assert tollgate.command("store", "check")["ok"]


def test_every_command_has_help_with_an_example_that_is_one(tollgate):
    """The example's command is the command, and it parses: a strange name in it is refused by a rule, not by the parser."""
    listed = [line.split("  ")[1].split() for line in tollgate.try_command("help").out.split("\n") if line.startswith("  ") and line[2].islower() and not line.startswith("  tollgate")]
    assert len(listed) > 45
    for words in listed:
        name = [w for w in words if w.replace("-", "").isalpha() and w.islower()][:2]
        text = tollgate.try_command("help", *name).out
        example = text.split("example:\n  ")[1].strip()
        assert "tollgate " + " ".join(name) in example, text
        assert tollgate.try_command(*name, "--help").out == text


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_a_daemon_that_can_not_start_says_why_once(tollgate, daemon):
    program = BUILD / daemon / f"tollgate-{daemon}"
    config = tollgate.directory / "nowhere.conf"
    config.write_text(tollgate.config.read_text().replace(f"unix:{tollgate.run}/", f"unix:{tollgate.run}/nowhere/"))

    def started(*argv):
        done = subprocess.run([program, *argv], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    status, _, err = started("-c", config)
    assert status == 5 and "make its directory" in err and err.count("\n") == 1, err
    assert started("-t", "-c", config) == (0, f"{config} is in order\n", "")
    for wrong in (["x"], ["--pid-file", "/x"]):
        status, _, err = started("-c", config, *wrong)
        assert status == 2 and err.count("\n") == 1, err
