"""The command: tables, JSON, errors, exit statuses, confirmation, and that bad input changes nothing."""
import json
import os
import pty
import re
import resource
import signal
import subprocess
import termios
import time

import pytest

from servers.process import BUILD, wait_until
from servers.tollgate import Tollgate

TOLLGATE = BUILD / "admin/tollgate"


@pytest.fixture(scope="module")
def tollgate(tmp_path_factory):
    """A store, and nothing that runs."""
    place = tmp_path_factory.mktemp("command")
    made = Tollgate(place)
    made.command("init")
    return made


@pytest.fixture
def account(tollgate):
    return tollgate.add_account()


def everything(tollgate):
    """The store, as far as an export shows it."""
    return tollgate.try_command("store", "export").out


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *argv, interrupts=signal.SIG_DFL):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, interrupts)
            os.execv(argv[0], [str(a) for a in argv])
        self.text = ""

    def read_until(self, words):
        def more():
            if words in self.text:
                return True
            self.text += os.read(self.fd, 4096).decode()
            return words in self.text
        wait_until(words, more)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """The exit status."""
        try:
            while data := os.read(self.fd, 4096):
                self.text += data.decode()
        except OSError:  # the terminal's other side is closed
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# ---- what each command prints ----

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ACCOUNT = {"username", "id", "customer", "description", "type", "status", "status_reason", "notify", "created", "max_domains",
           "domains", "ips", "plan", "reputation"}
PLAN = {"plan", "messages", "used", "left", "period_start", "period_end", "expires"}
ACTIVITY = {"time", "username", "kind", "result", "rule", "reply", "sender", "header_from", "recipients", "client", "queue_id", "ref"}


def test_customer_commands(tollgate):
    made = tollgate.command("customer", "add", "--name", "Bücher AG", "--email", "a@b.example", "--accept-terms", "--phone", "+41 1")
    number = made["id"]
    assert (made["name"], made["email"], made["phone"], made["terms_version"]) == ("Bücher AG", "a@b.example", "+41 1", "1")
    assert TIME.fullmatch(made["created"]) and TIME.fullmatch(made["terms_accepted"])
    assert number in [c["id"] for c in tollgate.command("customer", "list")]
    assert tollgate.command("customer", "show", number)["id"] == number
    assert tollgate.command("customer", "set", number, "--name", "Buch GmbH")["name"] == "Buch GmbH"
    billing = tollgate.command("customer", "billing", number, "--company", "Buch GmbH", "--vat", "CH1", "--address", "Weg 1")["billing"]
    assert (billing["company"], billing["vat"], billing["address"]) == ("Buch GmbH", "CH1", "Weg 1")
    assert tollgate.try_command("customer", "remove", number, "--yes").status == 0
    assert tollgate.try_command("customer", "show", number).status == 3


def test_account_commands(tollgate):
    customer = tollgate.command("customer", "add", "--name", "N", "--email", "a@b.example", "--accept-terms")["id"]
    made = tollgate.command("account", "add", "--customer", customer, "--description", "web shop", "--type", "transactional",
                            "--plan", "free", "--notify", "ops@b.example", "--max-domains", 3)
    assert {"account", "password", "order"} <= made.keys() and made["order"] is None
    account = made["account"]
    assert ACCOUNT <= account.keys() and PLAN <= account["plan"].keys() and {"score", "level"} <= account["reputation"].keys()
    user = account["username"]
    assert re.fullmatch(r"[a-z][a-z0-9]{11}", user) and len(made["password"]) >= 22
    assert (account["status"], account["notify"], account["max_domains"], account["domains"], account["ips"]) == (
        "enabled", "ops@b.example", 3, [], [])
    assert (account["plan"]["messages"], account["plan"]["used"], account["plan"]["left"]) == (1000, 0, 1000)
    assert user in [a["username"] for a in tollgate.command("account", "list", "--customer", customer)]
    assert account.items() <= tollgate.command("account", "show", user).items()
    changed = tollgate.command("account", "set", user, "--description", "new", "--type", "promotional", "--max-recipients", 7,
                               "--max-per-hour", 8, "--max-per-day", 9, "--ip-lock", "--any-sender", "on", "--notify", "")
    assert (changed["description"], changed["type"], changed["max_recipients"], changed["max_per_hour"], changed["max_per_day"],
            changed["ip_lock"], changed["any_sender"], changed["notify"]) == ("new", "promotional", 7, 8, 9, True, True, None)
    assert tollgate.command("account", "disable", user, "--reason", "spam")["status"] == "disabled"
    assert tollgate.command("account", "show", user)["status_reason"] == "spam"
    assert user in [a["username"] for a in tollgate.command("account", "list", "--status", "disabled")]
    assert tollgate.command("account", "enable", user)["status"] == "enabled"
    renewed = tollgate.command("account", "password", user, "--overlap", "7d")
    assert renewed["password"] != made["password"] and TIME.fullmatch(renewed["old_valid_until"])
    assert tollgate.command("account", "password", user)["old_valid_until"] is None
    assert tollgate.command("account", "credit", user, 5, "--reason", "goodwill")["plan"]["left"] == 1005
    ledger = tollgate.command("account", "ledger", user)
    assert [m["amount"] for m in ledger] == [1000, 5] and ledger[-1]["balance"] == 1005 and ledger[-1]["note"]
    tollgate.command("account", "remove", user)
    assert tollgate.try_command("account", "show", user).status == 3


def test_domain_and_ip_commands(tollgate, account):
    shown = tollgate.command("domain", "show", account.domain, "--no-dns")
    assert {"domain", "customer", "status", "txt_name", "txt_value", "accounts"} <= shown.keys()
    assert (shown["status"], shown["accounts"]) == ("verified", [account.username])
    tollgate.command("domain", "add", "other.example", "--customer", account.customer)
    assert tollgate.command("domain", "show", "other.example", "--no-dns")["status"] == "pending"
    tollgate.command("domain", "associate", "other.example", account.username, "--subdomains")
    domains = tollgate.command("account", "show", account.username)["domains"]
    assert {"domain": "other.example", "status": "pending", "subdomains": True} in domains
    tollgate.command("domain", "dissociate", "other.example", account.username)

    def listed(*options):
        return {d["domain"] for d in tollgate.command("domain", "list", *options)}

    assert listed("--customer", account.customer) == {account.domain, "other.example"}
    assert "other.example" in listed("--status", "pending") and account.domain not in listed("--status", "pending")
    tollgate.command("domain", "remove", "other.example")
    assert "other.example" not in [d["domain"] for d in tollgate.command("domain", "list")]
    tollgate.command("ip", "add", "192.0.2.0/28", account.username, "--note", "office")
    tollgate.command("ip", "add", "198.51.100.9/24", account.username, "--fix")
    assert tollgate.command("account", "show", account.username)["ips"] == ["198.51.100.0/24", "192.0.2.0/28"]
    assert [e["note"] for e in tollgate.command("ip", "list", account.username)] == [None, "office"]
    matches = tollgate.command("ip", "lookup", "192.0.2.3")["matches"]
    assert [m["username"] for m in matches] == [account.username]
    assert tollgate.try_command("ip", "lookup", "203.0.113.1").status == 3
    tollgate.command("ip", "remove", "192.0.2.0/28", account.username)
    assert tollgate.command("account", "show", account.username)["ips"] == ["198.51.100.0/24"]


def test_activity_explain_auth_and_check(tollgate, account):
    tollgate.command("account", "disable", account.username, "--reason", "why")
    events = tollgate.command("activity", account.username)
    assert events and all(ACTIVITY <= e.keys() and TIME.fullmatch(e["time"]) for e in events)
    assert {e["kind"] for e in tollgate.command("activity", account.username, "--kind", "status")} == {"status"}
    assert tollgate.command("activity", "--since", "2100-01-01") == []
    told = tollgate.command("explain", "--login", account.username, "--from", account.sender)
    assert {"verdict", "rule", "reply", "text", "rules"} <= told.keys() and told["rule"] == "status"
    tollgate.command("account", "enable", account.username)
    assert tollgate.command("auth", "test", account.username, stdin=account.password + "\n") == {"ok": True, "reason": ""}
    answer = tollgate.try_command("--json", "auth", "test", account.username, stdin="wrong\n")
    assert answer.status == 4 and answer.json["ok"] is False and answer.json["reason"] == "password"
    checked = tollgate.command("store", "check")
    assert checked["ok"] is True and checked["problems"] == [] and checked["records"]["accounts"] >= 1


# ---- tables and the terminal ----

def test_tables_are_aligned_and_a_pipe_has_no_escape_sequences(tollgate, account):
    for noun in "customer", "account", "domain", "plan":
        answer = tollgate.try_command(noun, "list")
        lines = answer.out.splitlines()
        assert answer.status == 0 and answer.err == "" and "\x1b" not in answer.out
        assert lines[0].isupper() and len(lines) >= 2
    listed = tollgate.try_command("account", "list").out.splitlines()
    column = listed[0].index("STATUS")
    assert all(line[column - 1] == " " and line[column] != " " for line in listed)
    shown = tollgate.try_command("account", "show", account.username).out
    assert account.domain in shown and "1,000" in shown and account.username in shown


def test_text_of_others_can_not_command_the_terminal(tollgate):
    tollgate.try_command("customer", "add", "--name", "x\x1b]0;evil\x07\ny", "--email", "a@b.example", "--accept-terms")
    out = tollgate.try_command("customer", "list").out
    assert "\x1b" not in out and "\x07" not in out


def test_a_destructive_command_asks_on_a_terminal_and_no_is_the_default(tollgate, account):
    for answer, status in ("n\n", 1), ("\n", 1), ("y\n", 0):
        terminal = Terminal(TOLLGATE, "-c", tollgate.config, "account", "remove", account.username)
        terminal.read_until("[y/N]")
        assert account.username in terminal.text
        terminal.type(answer)
        assert terminal.end() == status, terminal.text
        if status == 1:
            assert "nothing was done" in terminal.text
            assert tollgate.try_command("account", "show", account.username).status == 0
    assert tollgate.try_command("account", "show", account.username).status == 3


@pytest.mark.parametrize("argv", [("account", "remove", "{user}"), ("customer", "remove", "{customer}"), ("domain", "remove", "{domain}"),
                                  ("init", "--force-new")])
def test_a_destructive_command_that_can_ask_nobody_wants_yes(tollgate, account, argv):
    before = everything(tollgate)
    answer = tollgate.try_command(*(a.format(user=account.username, customer=account.customer, domain=account.domain) for a in argv))
    assert answer.status == 2 and "--yes" in answer.err
    assert everything(tollgate) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_password_that_is_broken_off_leaves_a_terminal_that_shows_what_is_typed(tollgate, account, number):
    terminal = Terminal(TOLLGATE, "-c", tollgate.config, "auth", "test", account.username)
    terminal.read_until("password: ")
    assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    os.kill(terminal.pid, number)
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == -number
    assert termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    os.close(terminal.fd)


def test_a_signal_that_is_ignored_breaks_off_nothing(tollgate, account):
    terminal = Terminal(TOLLGATE, "-c", tollgate.config, "auth", "test", account.username, interrupts=signal.SIG_IGN)
    terminal.read_until("password: ")
    os.kill(terminal.pid, signal.SIGINT)
    terminal.type(account.password + "\n")
    assert terminal.end() == 0


def test_a_password_may_be_typed_after_a_stop(tollgate, account):
    terminal = Terminal("/bin/bash", "--norc", "-m", "-c",
                        f"{TOLLGATE} -c {tollgate.config} auth test {account.username}; stty -a | grep -o '.echo '; fg; echo =$?")
    terminal.read_until("password: ")
    terminal.type("wrong\x1a")
    terminal.read_until(" echo \r\n")
    terminal.read_until(f"{account.username}\r\npassword: ")
    terminal.type(account.password + "\n")
    terminal.read_until("=0")
    terminal.end()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_the_mailer_hangs_does_not_take_the_password_away(tmp_path, times):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    begun = tmp_path / "open/begun"
    tollgate = Tollgate(tmp_path, mailer=f"touch {begun}; sleep 1000")
    tollgate.command("init")
    customer = tollgate.command("customer", "add", "--name", "N", "--email", "a@b.example", "--accept-terms")["id"]
    tollgate.command("customer", "billing", customer, "--company", "N", "--address", "Weg 1")
    tollgate.command("plan", "set", "monthly", "--messages", 20, "--price", "9.90", "--on-sale")
    command = subprocess.Popen([TOLLGATE, "-c", tollgate.config, "--json", "account", "add", "--customer", str(customer), "--description",
                                "x", "--type", "transactional", "--plan", "monthly", "--messages", "20"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until("the mailer has begun", begun.exists)
    for _ in range(times):
        command.send_signal(signal.SIGINT)
        time.sleep(0.05)  # the first is taken
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0 and "tried again" in err
    made = json.loads(out)
    assert made["order"]["mail"]["status"] == "failed"
    user = made["account"]["username"]
    assert tollgate.command("auth", "test", user, stdin=made["password"] + "\n")["ok"] is True


def test_a_sweep_of_the_future_asks_on_a_terminal(tollgate, account):
    before = everything(tollgate)
    terminal = Terminal(TOLLGATE, "-c", tollgate.config, "sweep", "--at", "2099-01-01")
    terminal.read_until("2099-01-01T00:00:00Z, for good?")
    terminal.type("n\n")
    assert terminal.end() == 1 and "nothing was done" in terminal.text
    assert everything(tollgate) == before
    # Nothing is to be asked.
    assert Terminal(TOLLGATE, "-c", tollgate.config, "sweep", "--at", "2099-01-01", "--dry-run").end() == 0
    assert everything(tollgate) == before
    assert Terminal(TOLLGATE, "-c", tollgate.config, "sweep").end() == 0


def test_what_is_confirmed_is_done_at_that_time_and_not_when_it_was_asked(tollgate):
    """What was sent while somebody looked at the question would else be of a time that has not come."""
    terminal = Terminal(TOLLGATE, "-c", tollgate.config, "--json", "store", "set-back")
    terminal.read_until("[y/N]")
    asked = re.search(r"Is it (\S+) now", terminal.text)[1]
    wait_until("another second", lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) > asked)
    terminal.type("y\n")
    assert terminal.end() == 0
    assert json.loads(terminal.text.partition("[y/N]")[2].partition("y")[2])["now"] > asked


@pytest.mark.parametrize("what", ["export", "backup"])
def test_a_copy_that_is_killed_leaves_nothing_behind(tollgate, tmp_path, what):
    """It holds what passwords are checked with: half of it must not lie about under a name that nobody knows."""
    for n in range(40):
        tollgate.command("customer", "add", "--name", f"{n} {'x' * 300}", "--email", "a@b.example", "--accept-terms")
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    limit = 16384
    killed = subprocess.run([TOLLGATE, "-c", tollgate.config, "store", what, place / "x"], check=False,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert killed.returncode == -signal.SIGXFSZ
    assert [p for p in place.rglob("*") if not p.is_dir()] == []
    assert tollgate.try_command("store", what, place / "x").status == 0  # what is left there is in nobody's way
    made, = [p for p in place.rglob("*") if not p.is_dir()]
    assert made == place / ("x" if what == "export" else "x/data.mdb")
    assert made.stat().st_mode & 0o777 == 0o600 and made.stat().st_size > limit
    again = tollgate.try_command("store", what, place / "x")
    assert again.status == 4 and "already" in again.err


def test_explain_does_not_cut_its_sentences(tollgate, account):
    sender = "info@a-rather-long-name-of-a-domain-that-nobody-has.example"
    shown = tollgate.try_command("explain", "--login", account.username, "--from", sender)
    assert f"the sender's domain {sender[5:]} is not associated with this account\n" in shown.out
    assert all(line == line.rstrip() for line in shown.out.splitlines())


def test_auth_test_reads_the_password_from_the_terminal_without_echo(tollgate, account):
    for password, status in (account.password, 0), ("wrong-one", 4):
        terminal = Terminal(TOLLGATE, "-c", tollgate.config, "auth", "test", account.username)
        terminal.read_until("password: ")
        terminal.type(password + "\n")
        assert terminal.end() == status, terminal.text
        assert password not in terminal.text


# ---- errors ----

BAD = [  # argv, exit status, words of the sentence
    (("acount", "list"), 2, "is 'account' meant?"),
    (("--config", "x", "account", "list"), 2, "'--config' in front of the command"),
    (("--customer", "1", "account", "list"), 2, "'--customer' in front of the command"),
    (("account", "lst"), 2, "is 'list' meant?"),
    (("account", "show"), 2, "usage: tollgate account show USER"),
    (("account", "show", "{user}", "more"), 2, "usage"),
    (("account", "list", "--staus", "enabled"), 2, "is 'status' meant?"),
    (("account", "list", "--status", "happy"), 2, "is not one of"),
    (("account", "set", "{user}", "--max-recipients", "many"), 2, "is not a number"),
    (("account", "set", "{user}", "--max-recipients", "-1"), 2, "is not a number"),
    (("account", "set", "{user}", "--max-recipients", "99999999999999999999"), 2, "is not a number"),
    (("account", "set", "{user}", "--notify", "not an address"), 2, "not an address"),
    (("account", "set", "{user}", "--ip-lock", "maybe"), 2, ""),
    (("account", "password", "{user}", "--overlap", "soon"), 2, "soon"),
    (("account", "credit", "{user}", "x", "--reason", "r"), 2, "x"),
    (("account", "credit", "{user}", "5"), 2, "--reason"),
    (("account", "add", "--customer", "{customer}", "--type", "transactional", "--plan", "free"), 2, "--description"),
    (("account", "add", "--customer", "{customer}", "--description", "d", "--type", "transactional", "--plan", "free"), 4, "free"),
    (("account", "add", "--customer", "999999", "--description", "d", "--type", "transactional", "--plan", "free"), 3, "no customer 999999"),
    (("account", "show", "nosuchuser12"), 3, "no account nosuchuser12"),
    (("account", "enable", "nosuchuser12"), 3, "no account"),
    (("account", "remove", "nosuchuser12"), 3, "no account"),
    (("customer", "add", "--name", "N", "--email", "a@b.example"), 2, "--accept-terms"),
    (("customer", "add", "--name", "N", "--email", "nonsense", "--accept-terms"), 2, "nonsense"),
    (("customer", "add", "--name", "", "--email", "a@b.example", "--accept-terms"), 2, "name"),
    (("customer", "show", "x"), 2, "x"),
    (("customer", "show", "999999"), 3, "no customer 999999"),
    (("customer", "remove", "{customer}"), 4, "customer {customer} still has"),
    (("domain", "add", "co.uk", "--customer", "{customer}"), 4, "co.uk"),
    (("domain", "add", "no domain", "--customer", "{customer}"), 2, "no domain"),
    (("domain", "add", "{domain}", "--customer", "{customer}"), 4, "{domain}"),
    (("domain", "remove", "unknown.example"), 3, "unknown.example"),
    (("domain", "associate", "unknown.example", "{user}"), 3, "unknown.example"),
    (("domain", "associate", "{domain}", "{user}"), 4, "{domain}"),
    (("domain", "dissociate", "unknown.example", "{user}"), 3, "unknown.example"),
    (("ip", "add", "192.0.2.300", "{user}"), 2, "192.0.2.300"),
    (("ip", "add", "192.0.2.1/24", "{user}"), 2, "--fix"),
    (("ip", "add", "192.0.0.0/16", "{user}"), 4, "min_prefix4"),
    (("ip", "add", "2001:db8::/32", "{user}"), 4, "min_prefix6"),
    (("ip", "remove", "203.0.113.7", "{user}"), 3, "203.0.113.7"),
    (("ip", "lookup", "nowhere"), 2, "nowhere"),
    (("activity", "--since", "yesterday-ish"), 2, "yesterday-ish"),
    (("activity", "--ref", "zzzz"), 2, "zzzz"),
    (("activity", "--ref", "aaaaaaaaaaaaaaaa"), 3, "aaaaaaaaaaaaaaaa"),
    (("explain", "--from", "a@b.example"), 2, "--login"),
    (("explain", "--login", "x"), 2, "--from"),
    (("explain", "--login", "x", "--from", "a@b.example", "--message", "/no/such/file"), 1, "/no/such/file"),
    (("auth", "test", "{user}"), 2, "password"),
    (("init",), 4, "already a store"),
]


@pytest.fixture(scope="module")
def victim(tollgate):
    return tollgate.add_account()


@pytest.mark.parametrize("argv, status, words", BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input_is_told_in_one_sentence_and_changes_nothing(tollgate, victim, argv, status, words):
    names = {"user": victim.username, "customer": victim.customer, "domain": victim.domain}
    argv = [a.format(**names) for a in argv]
    before = everything(tollgate)
    plain = tollgate.try_command("--yes", *argv)
    assert plain.status == status, plain
    assert plain.out == "" and plain.err.startswith("tollgate: ") and plain.err.count("\n") == 1
    assert words.format(**names) in plain.err
    structured = tollgate.try_command("--json", "--yes", *argv)
    assert structured.status == status and structured.out == ""
    code = {1: "failed", 2: "usage", 3: "not_found", 4: "refused", 5: "unusable"}[status]
    assert structured.error["code"] == code
    assert structured.error["message"] == plain.err.removeprefix("tollgate: ").rstrip("\n")
    assert everything(tollgate) == before


def test_the_maximum_of_domains_is_a_rule(tollgate, account):
    tollgate.command("account", "set", account.username, "--max-domains", 1)
    tollgate.add_domain("second.example", account.customer)
    answer = tollgate.try_command("--json", "domain", "associate", "second.example", account.username)
    assert answer.status == 4 and "1" in answer.error["message"]


def test_another_customers_domain_can_not_be_associated(tollgate, account, victim):
    answer = tollgate.try_command("--json", "domain", "associate", victim.domain, account.username)
    assert answer.status == 4


# ---- configuration and store ----

def sentence(config, *argv, env=None):
    """Exit status and error of a command with this configuration: it must be one sentence."""
    done = subprocess.run([TOLLGATE, *(("-c", config) if config else ()), *argv], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("tollgate: ")
    return done.returncode, done.stderr


def test_no_configuration_is_told_with_its_path(tmp_path):
    missing = tmp_path / "missing.conf"
    assert sentence(missing, "account", "list")[0] == 5
    assert str(missing) in sentence(missing, "account", "list")[1]
    assert str(missing) in sentence(None, "account", "list", env={"TOLLGATE_CONFIG": str(missing)})[1]


@pytest.mark.parametrize("text, words", [
    ("max_recipients = many\n", "max_recipients"), ("\n\nno_such = 1\n", ":3"), ('count = "bytes"\n', "recipients"),
    ('store = "relative"\n', "store"), ('store = "/unfinished\n', "tollgate.conf"), ("require_tls = perhaps\n", "require_tls")])
def test_a_broken_configuration_is_told_with_its_line(tmp_path, text, words):
    config = tmp_path / "tollgate.conf"
    config.write_text(text)
    status, error = sentence(config, "account", "list")
    assert status == 5 and str(config) in error and words in error
    for daemon in "authd/tollgate-authd", "milter/tollgate-milter":
        done = subprocess.run([BUILD / daemon, "-t", "-c", config], capture_output=True, text=True, check=False)
        assert done.returncode == 5 and words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("damage", ["missing", "empty directory", "empty file", "truncated", "garbage"])
def test_a_store_that_is_not_one_is_told_so(tollgate, tmp_path, damage):
    store = tmp_path / "store"
    if damage != "missing":
        store.mkdir()
    with open(tollgate.store / "data.mdb", "rb") as data:  # large, and sparse
        start = data.read(8192)
    content = {"empty file": b"", "truncated": start, "garbage": b"garbage\n" * 4096}.get(damage)
    if content is not None:
        (store / "data.mdb").write_bytes(content)
    config = tmp_path / "tollgate.conf"
    config.write_text(f'store = "{store}"\nuser = ""\nlog = "stderr"\nhttp_listen = {{}}\nmilter_http_listen = {{}}\n')
    status, error = sentence(config, "account", "list")
    assert status == 5 and str(store) in error
    assert (store / "data.mdb").read_bytes() == content if content is not None else not (store / "data.mdb").exists()


def test_t_checks_a_configuration_and_starts_nothing(tollgate):
    for daemon in "authd/tollgate-authd", "milter/tollgate-milter":
        done = subprocess.run([BUILD / daemon, "-t", "-c", tollgate.config], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and str(tollgate.config) in done.stdout + done.stderr


def test_help_and_version_need_no_configuration():
    for argv in ("--help",), ("help",), ("help", "account"), ("help", "account", "add"), ("account", "add", "--help"), ("--version",):
        done = subprocess.run([TOLLGATE, "-c", "/no/such/file", *argv], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout, argv


def test_a_table_has_a_word_in_every_cell(tollgate, account):
    tollgate.command("account", "disable", account.username)
    tollgate.command("account", "enable", account.username)
    header, *rows = tollgate.try_command("activity", account.username, "--kind", "status").out.splitlines()
    assert rows and all(len(re.split(r"  +", row.strip())) == len(re.split(r"  +", header.strip())) for row in rows), (header, rows)
    answer = subprocess.run([TOLLGATE, "-c", tollgate.config, "auth", "test", account.username], input=account.password + "\n",
                            capture_output=True, text=True, check=False)
    assert answer.returncode == 0 and answer.stdout == "ok      yes\nreason  -\n", answer


def test_help_in_a_pipe_is_whole_and_has_words_in_the_order_of_the_example():
    def said(*argv):
        return subprocess.run([TOLLGATE, *argv], capture_output=True, text=True, check=True).stdout

    assert "…" not in "".join(line for line in said("help").splitlines() if line.startswith("  ") and "COMMAND" not in line)
    assert said("account", "credit", "--help").splitlines()[0] == "usage: tollgate account credit USER N --reason TEXT [OPTION …]"
    manual = said("help", "--manual")
    assert ".It Ic account credit Ar USER N" in manual and ".It Fl \\-keep-numbers" in manual
