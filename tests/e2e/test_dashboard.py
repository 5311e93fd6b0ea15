"""What a person sees on a terminal, what a script reads, and events as they happen."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from servers.process import BUILD, DEADLINE_S, wait_until
from servers.terminal import CTRL_C, Terminal

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def on_terminal(relay, *argv, **options):
    return Terminal([BUILD / "admin/tollgate", "-c", relay.tollgate.config, *argv], lines=50, **options)


def run(relay, *argv, **options):
    """What it writes, with its colours."""
    terminal = on_terminal(relay, *argv, **options)
    assert terminal.end() == 0, terminal.text
    return terminal.raw.decode().replace("\r\n", "\n")


def refused(relay, account, times):
    """Postfix ends a session after some errors."""
    while times > 0:
        with relay.client(account=account) as client:
            for _ in range(min(times, 8)):
                assert client.mail("ceo@bank.example") == 553
                times -= 1


@pytest.fixture(scope="module")
def used(relay):
    """An account that sent, was refused, and has an unusual description."""
    account = relay.tollgate.add_account("--description", "Käsehandel " + "sehr " * 12 + "lang", "--max-per-hour", "5000")
    relay.command("ip", "add", "192.0.2.0/28", account.username)
    with relay.client(account=account) as client:
        for i in range(3):
            assert client.send(account.sender, ["a@dest.test", "b@dest.test"]) == 250
        for _ in range(4):
            assert client.mail("me@not-mine.example") == 553
            assert client.command("RSET") == 250
    wait_until("the refusals", lambda: relay.tollgate.show(account)["refusals"] == {"sender": 4})
    return account


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["account show USER", "account list", "stats", "stats USER"])
def test_nothing_is_wider_than_the_terminal(relay, used, columns, command):
    text = run(relay, *(used.username if w == "USER" else w for w in command.split()), columns=columns)
    lines = COLOUR.sub("", text).splitlines()
    assert len(lines) > 1
    assert [line for line in lines if len(line) > columns] == []
    assert COLOUR.search(text)


def test_the_dashboard_tells_it_all(relay, used):
    text = COLOUR.sub("", run(relay, "account", "show", used.username))
    for words in ("● enabled", "Käsehandel", "free, 1,000 messages a month", "6 used, 994 left", "renewed on", "a day it lasts until then",
                  "90 of 100, excellent: 4 forged senders, 6 sent in 30 days", f"✓ {used.domain}  verified", "192.0.2.0/28", "5,000 an hour",
                  "6 recipients, in 3 messages", "last used"):
        assert words in text, words
    assert re.search(r"refused +sender +4 +━", text)
    # Four equal refusals are one line, and so are three messages.
    assert len(re.findall(r"refused .*×4", text)) == 1
    assert len(re.findall(r"accepted .*, 2 recipients ×3", text)) == 1


def test_no_color_and_a_pipe_have_no_escapes(relay, used):
    for text in (run(relay, "account", "show", used.username, env={"NO_COLOR": "1"}), run(relay, "stats", env={"TERM": "dumb"}),
                 relay.tollgate.try_command("account", "show", used.username).out, relay.tollgate.try_command("stats").out):
        assert "\x1b" not in text and len(text) > 100


def test_a_locale_without_utf8_gets_ascii(relay, used):
    text = COLOUR.sub("", run(relay, "account", "show", used.username, env={"LC_ALL": "C"}))
    assert text.isascii() and "####" in text and "6 used" in text


def test_scripts_get_the_same_figures(relay, used):
    shown = relay.tollgate.show(used)
    assert shown["days"][-1]["recipients"] == 6 and len(shown["days"]) == 30
    assert shown["forecast"] == {"per_day": 6, "runs_out": None}
    assert shown["reputation"]["score"] == 90 and shown["reputation"]["forged_senders"] == 4
    assert shown["last_used"] is not None
    assert relay.command("stats", used.username)["last_day"] == 6


def test_an_account_that_will_run_out_says_when(relay):
    account = relay.tollgate.add_account()
    relay.use_up(account, leaving=100)
    assert relay.tollgate.show(account)["forecast"]["runs_out"] is not None
    assert "runs out" in COLOUR.sub("", run(relay, "account", "show", account.username))


def test_stats_rank_the_senders_of_the_whole_relay(relay, used):
    stats = relay.command("stats")
    top = stats["top"]
    assert top == sorted(top, key=lambda one: -one["last_day"])
    assert next(one for one in top if one["username"] == used.username)["last_day"] == 6
    assert stats["days"][-1]["recipients"] == sum(one["last_day"] for one in top)
    assert stats["refusals"]["sender"] >= 4 and stats["accounts"] >= 1
    assert relay.command("store", "check")["ok"] is True


def test_reputation_falls_with_forged_senders_and_says_so(relay):
    account = relay.tollgate.add_account()
    refused(relay, account, 60)
    shown = wait_until("the refusals", lambda: (s := relay.tollgate.show(account))["reputation"]["forged_senders"] >= 60 and s)
    assert shown["reputation"]["factor"] == "forged_senders" and shown["reputation"]["score"] < 50
    text = COLOUR.sub("", run(relay, "account", "show", account.username))
    assert re.search(r"reputation  \d+ of 100, (bad|poor): 60 forged senders", text), text


def test_follow_shows_events_as_they_happen_and_ends_with_ctrl_c(relay):
    account = relay.tollgate.add_account()
    terminal = on_terminal(relay, "activity", "--follow")
    terminal.expect("Ctrl-C")
    assert relay.send(account) == 250
    terminal.expect(account.sender)
    with relay.client(account=account) as client:
        assert client.mail("later@not-mine.example") == 553
    terminal.expect("(sender)").type(CTRL_C)
    assert terminal.end() == 0
    assert terminal.text.count("accepted") == 1


@pytest.fixture
def follow(relay):
    children = []

    def start(*argv):
        children.append(subprocess.Popen([BUILD / "admin/tollgate", "-c", relay.tollgate.config, *argv], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True))
        return children[-1]
    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
            child.wait()


def test_follow_gives_scripts_one_object_a_line_each_once(relay, follow):
    account, other = relay.tollgate.add_account(), relay.tollgate.add_account()
    child = follow("--json", "activity", account.username, "--follow", "--since", "1h")
    for _ in range(3):
        assert relay.send(other) == 250
        assert relay.send(account) == 250
    refused(relay, account, 30)  # more than are recorded one by one: the rest comes folded, when the minute is over
    events = [json.loads(child.stdout.readline()) for _ in range(23)]
    assert {e["username"] for e in events} == {account.username}
    assert [e["kind"] for e in events].count("accepted") == 3
    assert len({e["ref"] for e in events}) == 23
    child.send_signal(signal.SIGINT)
    rest = child.stdout.read()
    assert child.wait(DEADLINE_S) == 0
    assert all(json.loads(line)["ref"] not in {e["ref"] for e in events} for line in rest.splitlines())


def test_follow_ends_when_nobody_reads(relay, account, follow):
    child = follow("activity", "--follow")
    child.stdout.close()
    assert relay.send(account) == 250
    assert child.wait(DEADLINE_S) == -signal.SIGPIPE
    assert child.stderr.read() == ""


def test_follow_of_an_unknown_account_says_so(relay):
    answer = relay.tollgate.try_command("--json", "activity", "nobody12345x", "--follow")
    assert answer.status == 3 and "nobody12345x" in answer.error["message"]


def test_the_sweep_disables_a_bad_reputation_and_tells_the_provider(relay):
    account = relay.tollgate.add_account()
    refused(relay, account, 40)
    wait_until("the refusals", lambda: relay.tollgate.show(account)["reputation"]["forged_senders"] == 40)
    out = relay.directory / "mail.out"
    out.touch()
    out.chmod(0o666)  # the command becomes the store's owner
    relay.tollgate.configure(auto_disable_below=30, provider_mail="abuse@relay.test", mail_from="tollgate@relay.test",
                             mailer=f"cat >> {out}")
    swept = relay.command("sweep")
    assert ["disabled", account.username] in [[e["what"], e["subject"]] for e in swept["events"]]
    shown = relay.tollgate.show(account)
    assert shown["status"] == "disabled" and shown["status_reason"].startswith("reputation ")
    assert "is below 30: 40 forged senders" in shown["status_reason"]
    with relay.client() as client:
        assert client.auth_plain(account.username, account.password) == 535
    assert "abuse@relay.test" in out.read_text() and f"tollgate account enable {account.username}" in out.read_text()
    # The provider's decision stands.
    relay.command("account", "enable", account.username)
    assert relay.command("sweep")["done"]["disabled"] == 0
    assert relay.send(account) == 250


@pytest.mark.skipif(shutil.which("faketime") is None, reason="no faketime")
def test_follow_names_the_day_of_what_is_not_of_today(relay):
    account = relay.tollgate.add_account()
    relay.tollgate.command("account", "disable", account.username)
    for shift, day in ("+0 days", ""), ("+2 days", r"\d{4}-\d\d-\d\d "):
        child = subprocess.Popen(["faketime", shift, BUILD / "admin/tollgate", "-c", relay.tollgate.config, "activity",
                                  account.username, "--follow", "--since", "7d"], stdout=subprocess.PIPE, text=True, start_new_session=True)
        line = child.stdout.readline()
        os.killpg(child.pid, signal.SIGINT)  # faketime is its parent
        child.communicate(timeout=DEADLINE_S)
        assert re.match(day + r"\d\d:\d\d:\d\d  status ", line), line
