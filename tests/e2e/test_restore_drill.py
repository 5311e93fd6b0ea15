"""Backup and restore as docs/operation.md has it: its own lines are run, under load, and what is lost is what the page says."""
import os
import re
import subprocess

import pytest
from servers.load import Load, check_store, rich
from servers.process import BUILD, DEADLINE_S, SOURCE, wait_until

PAGE = (SOURCE / "docs/operation.md").read_text()
DOMAIN = "bounces.relay.test"


def lines_after(words):
    """The page's next block of commands: (command, what its remark says that it prints)."""
    block = re.search(r"(?:^    .*\n)+", PAGE[PAGE.index(words):], re.M).group()
    for line in block.splitlines():
        command, _, remark = line.strip().partition(" #")
        yield command.strip(), remark.strip().strip('"')


class Administrator:
    """Types what the page says, where this relay's places are in place of the system's."""

    def __init__(self, relay):
        self.relay = relay
        self.backups = relay.directory / "backups"
        self.places = {"/var/backups/tollgate/2026-11-24": f"{self.backups}/*", "/var/backups/tollgate": str(self.backups),
                       "/var/lib/tollgate": str(relay.tollgate.store), "-o tollgate -g tollgate": "-o nobody -g nogroup",
                       "tollgate doctor": f"tollgate doctor --postconf 'postconf -c {relay.postfix.etc}'"}

    def types(self, command):
        """Exit status and output. There is no systemd: its lines are for the daemons."""
        if command.startswith("systemctl "):
            _, verb, *units = command.split()
            assert {"tollgate-milter", "tollgate-authd"} <= set(units), command
            {"stop": self.relay.tollgate.stop, "start": self.relay.tollgate.start}[verb]()
            return 0, ""
        for place, ours in self.places.items():
            command = command.replace(place, ours)
        env = {**os.environ, "PATH": f"{BUILD}/admin:{os.environ['PATH']}", "TOLLGATE_CONFIG": str(self.relay.tollgate.config)}
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=DEADLINE_S * 2, env=env, check=False)
        return done.returncode, done.stdout + done.stderr

    def follows(self, words, before=lambda command: None):
        for command, shown in lines_after(words):
            before(command)
            status, out = self.types(command)
            # On a machine without NTP the doctor has something to say.
            assert status == 0 or "tollgate doctor" in command, f"{command}: {status} {out}"
            assert shown in out, f"{command}: {out}"


@pytest.fixture
def relay(make_relay):
    return make_relay(return_path_domain=DOMAIN, init_options=("--return-path-domain", DOMAIN))


@pytest.fixture
def administrator(relay):
    return Administrator(relay)


def left_with(relay, account, subject):
    """Sends; the message as it left."""
    assert relay.send(account, subject=subject) == 250
    return relay.sink.wait(subject=subject)


def bounce(relay, to):
    report = ("From: MAILER-DAEMON@mx.test\nSubject: Undelivered\nMIME-Version: 1.0\n"
              "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\n"
              "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; x@dest.test\n"
              "Action: failed\nStatus: 5.1.1\n\n--b--\n")
    with relay.client(relay.new_address(), port=relay.postfix.report_port) as client:
        return client.send("", to, message=report)


def login(relay, username, password):
    with relay.client() as client:
        return client.auth_plain(username, password)


def test_the_drill_under_load(relay, administrator):
    account = rich(relay)
    with Load(relay, account, sessions=4) as load:
        load.wait_accepted(20)
        at_least = relay.tollgate.used(account)
        administrator.follows("## Backup and restore")
        at_most = relay.tollgate.used(account)
        load.wait_accepted(20)
        restored = []

        def look(command):
            if command.startswith("systemctl start"):
                restored.append((relay.tollgate.used(account), load.count))
                assert load.refused.total() > 0
        administrator.follows("The drill", look)
        load.wait_accepted(20)
    (used, count), = restored
    assert at_least <= used <= at_most < relay.tollgate.used(account)
    assert all(400 <= code < 500 for _, code in load.refused), load.refused
    # What was accepted was delivered, whatever the store has of it; and what was accepted since the restore is counted.
    since, now = load.count - count, relay.tollgate.used(account) - used
    assert since * load.recipients <= now <= (since + load.doubtful) * load.recipients
    subjects = set(load.accepted[account.username])
    wait_until("all of it at the sink", lambda: subjects <= {s for m in relay.sink.find() for s in m.header("Subject")})
    check_store(relay.tollgate)


def test_what_is_lost_is_what_the_page_says(relay, administrator):
    command = relay.command
    kept, silent, disabled = (relay.tollgate.add_account() for _ in range(3))
    command("account", "set", kept.username, "--notify", "ops@customer.example")
    command("customer", "billing", kept.customer, "--company", "C", "--address", "A")
    command("plan", "set", "prepaid", "--messages", 10, "--price", "15", "--on-sale")
    order = command("account", "add", "--customer", kept.customer, "--description", "paid for later", "--type", "transactional",
                    "--plan", "prepaid", "--messages", 10)["order"]["id"]
    administrator.follows("## Backup and restore")

    of_kept, of_silent = left_with(relay, kept, "of the kept"), left_with(relay, silent, "of the silent")
    late = relay.tollgate.add_account()
    of_late = left_with(relay, late, "of the lost")
    late_order = command("account", "add", "--customer", kept.customer, "--description", "ordered too late", "--type",
                         "transactional", "--plan", "prepaid", "--messages", 10)["order"]["id"]
    renewed = command("account", "password", kept.username)["password"]
    command("account", "disable", disabled.username, "--reason", "spam")
    command("order", "pay", order)
    command("store", "rotate-keys")
    kept.password, old = renewed, kept.password
    of_rotated = left_with(relay, kept, "of a key that is lost")
    administrator.follows("The drill")

    assert login(relay, late.username, late.password) == 535
    assert login(relay, kept.username, renewed) == 535
    kept.password = old
    assert relay.tollgate.used(kept) == 0
    assert relay.send(kept, subject="mail goes on") == 250
    assert relay.tollgate.used(kept) == 1
    assert login(relay, disabled.username, disabled.password) == 235
    assert command("order", "show", order)["status"] == "unpaid"

    # Reports: to the notification address; counted and gone where there is none; refused where the account or the key is lost.
    assert bounce(relay, of_kept.sender) == 250
    assert "x@dest.test" in relay.sink.wait(to="ops@customer.example").text
    assert bounce(relay, of_silent.sender) == 250
    relay.tollgate.wait_activity(silent, kind="bounce", recipient="x@dest.test")
    assert bounce(relay, of_rotated.sender) == 550
    assert bounce(relay, of_late.sender) == 550

    # No number is given again: neither is the lost account's another's, nor the order's that a customer has in his books.
    second = relay.tollgate.add_account()
    assert second.id > late.id and second.customer > late.customer
    command("customer", "billing", second.customer, "--company", "S", "--address", "A")
    of_second_order = command("account", "add", "--customer", second.customer, "--description", "after the restore", "--type",
                              "transactional", "--plan", "prepaid", "--messages", 10)["order"]["id"]
    assert of_second_order > late_order
    assert relay.tollgate.try_command("order", "show", late_order).status == 3
    command("account", "set", second.username, "--notify", "second@customer.example")
    assert bounce(relay, of_late.sender) == 550
    trace = command("trace", of_late.header("X-Tollgate-Trace")[0])
    assert (trace["account"], trace["username"], trace["customer"]) == (late.id, None, None)
    told = [line for line in command("audit") if line["action"] == "store restore"]
    assert len(told) == 1 and f"account {second.id}," in told[0]["new"], told
    of_second = left_with(relay, second, "of the second")
    assert bounce(relay, of_second.sender) == 250
    relay.sink.wait(to="second@customer.example")
    assert len(relay.sink.find(to="second@customer.example")) == 1
    check_store(relay.tollgate)


def test_a_forgotten_daemon_is_seen_by_the_restore(relay, administrator):
    account = relay.tollgate.add_account()
    administrator.follows("## Backup and restore")
    drill = [command for command, _ in lines_after("The drill")]
    move, restore = (next(c for c in drill if c.startswith(word)) for word in ("mv ", "tollgate store restore "))
    relay.tollgate.authd.send_signal(15)
    assert relay.tollgate.authd.child.wait(DEADLINE_S) == 0
    assert administrator.types(move) == (0, "")
    status, out = administrator.types(restore)
    assert status == 4 and "is in use" in out, out
    relay.tollgate.stop()
    assert administrator.types(restore)[0] == 0
    relay.tollgate.start()
    assert relay.send(account, subject="after all") == 250


def test_a_backup_that_came_back_as_roots_is_refused_with_what_to_do(relay, administrator):
    account = relay.tollgate.add_account()
    administrator.follows("## Backup and restore")
    relay.tollgate.stop()
    administrator.types("mv /var/lib/tollgate/data.mdb /var/lib/tollgate/data.mdb.damaged")
    restore = "tollgate store restore /var/backups/tollgate/2026-11-24"
    administrator.types("chown -R root: /var/backups/tollgate/2026-11-24; chmod 755 /var/backups/tollgate")
    status, out = administrator.types(restore)
    assert status == 5 and "chown -R" in out, out
    line = re.search(r"`(chown -R \S+ )DIR`", PAGE).group(1).replace("tollgate:", "nobody:")
    administrator.types(f"{line} /var/backups/tollgate/2026-11-24")
    assert administrator.types(restore)[0] == 0
    relay.tollgate.start()
    assert relay.send(account, subject="after all") == 250
