"""The whole of it: a sink, Tollgate, and a Postfix, or another mail server, before them."""
import itertools
import re

from .client import Client
from .postfix import Postfix
from .process import make_directory, remove_directory
from .sink import Sink
from .tollgate import Tollgate


class Relay:
    def __init__(self, postfix=None, start=True, return_path_domain="", init_options=(), server=None, **settings):
        """settings: of tollgate.conf. postfix: keyword arguments for Postfix; False: none. server: another mail server in
        its place, made by a call with its directory, that of Tollgate's sockets, the sink and the return-path domain."""
        self.directory = make_directory(getattr(server, "BELOW", "/tmp"))
        self.hosts = itertools.count()
        self.sink = Sink()
        self.tollgate = Tollgate(self.directory, return_path_domain=return_path_domain, **settings)
        self.command = self.tollgate.command
        self.tollgate.command("init", *init_options)
        self.postfix = None
        if server is None and postfix is not False:
            self.postfix = Postfix(self.directory, self.tollgate.run, self.sink, return_path_domain, **(postfix or {}))
        self.mta = self.postfix if server is None else server(self.directory, self.tollgate.run, self.sink, return_path_domain)
        if start:
            self.start()

    def start(self):
        self.tollgate.start()
        if self.mta:
            self.mta.start()

    def client(self, source="127.0.0.1", account=None, **options):
        """A session with the mail server; account: logged in as it."""
        client = Client(options.pop("port", self.mta.port), source, **options)
        if account is not None:
            reply = client.auth_plain(account.username, account.password)
            assert reply == 235, reply
        return client

    def new_address(self):
        """A loopback address that no other test of this relay uses: another host, as the relay sees it."""
        n = next(self.hosts)
        return f"127.9.{n // 250}.{n % 250 + 1}"

    def send(self, account, to="x@dest.test", source="127.0.0.1", sender=None, **options):
        """One message of a session of its own, logged in."""
        with self.client(source, account) as client:
            return client.send(sender or account.sender, to, **options)

    def refused(self, reply, code, enhanced, rule):
        """The reply must be this refusal; the event that its reference names."""
        assert reply == code and f" {enhanced} " in reply, reply
        event = self.tollgate.event_of(reply)
        assert (event["kind"], event["rule"]) == ("refused", rule), event
        # Sendmail puts the address into it.
        assert event["reply"] == re.sub(r"^(\d+ \S+ )<\S*>\.\.\. ", r"\1", reply.text)
        return event

    def use_up(self, account, leaving=0):
        """Sends until the plan has just so many messages left."""
        left = self.tollgate.show(account)["plan"]["left"]
        with self.client(account=account) as client:
            while left > leaving:
                count = min(100, left - leaving)
                reply = client.send(account.sender, [f"r{i}@use.test" for i in range(count)])
                assert reply == 250, reply
                left -= count

    def stop(self):
        try:
            if self.mta:
                self.mta.stop()
            self.tollgate.stop()
        finally:
            self.sink.stop()

    def remove(self):
        remove_directory(self.directory)
