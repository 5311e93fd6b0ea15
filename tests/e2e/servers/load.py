"""Mail under load, and the invariants that must hold whatever happens meanwhile: what the relay accepted is delivered
and was counted; what was counted and not accepted was in flight; a refusal is temporary."""
import collections
import itertools
import os
import threading

from .client import Client
from .process import wait_until

# `make soak` sets it: how much longer than in the suite.
SOAK = int(os.environ.get("SOAK", "1") or "1")


class UntilEnded:
    """Threads that go on for as long as the `with` block: each looks at self.ended."""

    def __init__(self, *runs):
        """Of each thread: its function, and the arguments."""
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=function, args=args, daemon=True) for function, *args in runs]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.ended.set()
        for thread in self.threads:
            thread.join(120)
        assert not any(t.is_alive() for t in self.threads), "a thread hangs"


class Load(UntilEnded):
    """Sessions that log in and send, a few messages each, until they are stopped. Use as a context manager."""
    numbers = itertools.count(1)

    def __init__(self, relay, accounts, sessions=6, recipients=2, per_session=5, client_options=None):
        self.relay, self.recipients, self.per_session = relay, recipients, per_session
        self.accounts = accounts if isinstance(accounts, list) else [accounts]
        self.options = client_options or {}
        self.before = {a.username: relay.tollgate.show(a)["plan"]["used"] for a in self.accounts}
        self.lock = threading.Lock()
        self.accepted = collections.defaultdict(list)  # username: subjects
        self.refused = collections.Counter()           # (command, reply's code)
        self.replies = []                              # of refusals, whole
        self.doubtful = 0                              # messages whose end was sent, and no 250 came
        self.lost = 0                                  # connections
        super().__init__(*((self.run, i) for i in range(sessions)))

    @property
    def count(self):
        with self.lock:
            return sum(map(len, self.accepted.values()))

    def wait_accepted(self, more):
        """Until so many more messages were accepted: the relay works (again)."""
        wanted = self.count + more
        wait_until(f"{more} more messages accepted (refused: {dict(self.refused)})", lambda: self.count >= wanted)

    def note_refusal(self, command, reply):
        with self.lock:
            self.refused[command, reply.code] += 1
            self.replies.append(f"{command}: {reply.text}")

    def run(self, number):
        account = self.accounts[number % len(self.accounts)]
        while not self.ended.is_set():
            try:
                with Client(self.relay.postfix.port, **self.options) as client:
                    refused = self.refused.total()
                    self.session(client, account)
                if self.refused.total() > refused:
                    self.ended.wait(0.05)  # as a client does; and the ports of this machine are not endless
            except OSError:
                with self.lock:
                    self.lost += 1
                self.ended.wait(0.02)

    def session(self, client, account):
        if client.greeting != 220:
            return self.note_refusal("greeting", client.greeting)
        reply = client.auth_plain(account.username, account.password)
        if reply != 235:
            return self.note_refusal("AUTH", reply)
        for _ in range(self.per_session):
            if self.ended.is_set() or not self.message(client, account):
                return None
        return client.command("QUIT")

    def message(self, client, account):
        subject = f"load{next(self.numbers)}"
        to = [f"{subject}.{i}@dest.test" for i in range(self.recipients)]
        for command, reply in self.steps(client, account, to):
            if not reply.ok:
                self.note_refusal(command, reply)
                return False
        try:
            client.send_raw(f"From: {account.sender}\r\nSubject: {subject}\r\n\r\nhello\r\n.\r\n")
            reply = client.reply()
        except OSError:
            with self.lock:
                self.doubtful += 1
            raise
        with self.lock:
            if reply == 250:
                self.accepted[account.username].append(subject)
            else:
                self.doubtful += 1
        if reply != 250:
            self.note_refusal("end", reply)
        return reply == 250

    def steps(self, client, account, to):
        yield "MAIL", client.mail(account.sender)
        for recipient in to:
            yield "RCPT", client.rcpt(recipient)
        yield "DATA", client.command("DATA")

    # ---- afterwards ----

    def check(self, temporary=True):
        """The invariants, once the queue is empty and the daemons run. Returns (accepted, counted) recipients."""
        relay = self.relay
        if temporary:
            assert all(400 <= code < 500 for _, code in self.refused), (self.refused, self.replies[:5])
        relay.postfix.flush()
        wait_until("the queue is empty", lambda: not relay.postfix.queue())
        arrived = collections.Counter(m.sender for m in relay.sink.find() for _ in m.recipients
                                      if m.header("Subject")[:1] and m.header("Subject")[0].startswith("load"))
        subjects = {s for m in relay.sink.find() for s in m.header("Subject")}
        total = [0, 0]
        for account in self.accounts:
            missing = set(self.accepted[account.username]) - subjects
            assert not missing, f"accepted and lost: {sorted(missing)[:10]}"
            counted = relay.tollgate.used(account) - self.before[account.username]
            accepted = arrived[account.sender]
            assert accepted <= counted, f"{accepted} accepted, {counted} counted"
            assert counted - accepted <= self.doubtful * self.recipients, \
                f"{counted} counted, {accepted} accepted, {self.doubtful} messages in flight"
            total = [total[0] + accepted, total[1] + counted]
        check_store(relay.tollgate)
        return total


def check_store(tollgate):
    report = tollgate.command("store", "check")
    assert report["ok"], report["problems"]


def rich(relay, messages=100000):
    """An account whose plan does not end soon."""
    account = relay.tollgate.add_account()
    relay.command("account", "credit", account.username, messages, "--reason", "load")
    return account

