"""A whole relay: smtp_load logs in and sends through a private Postfix to smtp-sink, with one filter or another. All of them
use Tollgate's auth door, so that the filter is what differs. Postfix's queue files are synced, as always."""
import os
import socket
import subprocess

import measure
import peers
from servers.postfix import Postfix
from servers.process import Process, answers, free_port, wait_until

SESSIONS = 20


class Sink:
    """Postfix's own, which throws mail away."""

    def __init__(self, directory):
        self.port = free_port()
        argv = [peers.need("smtp-sink", "postfix"), "-u", "postfix", f"127.0.0.1:{self.port}", "512"]
        self.process = Process(argv, directory / "sink.out")
        self.process.wait_for("smtp-sink", lambda: answers(("127.0.0.1", self.port)))


class Relay:
    """One Postfix with one filter (None: without)."""

    def __init__(self, bench, number, milter, sink):
        directory = bench.directory / f"p{number}"
        directory.mkdir(mode=0o755)
        self.queue = directory / "q"
        address = ""
        if milter is not None:
            address = milter.address if milter.address.startswith("unix:") else f"inet:{milter.address}"
        self.postfix = Postfix(directory, bench.disk.run, sink, settings=[
            f"smtpd_milters = {address}", "smtpd_relay_restrictions = permit_sasl_authenticated, reject",
            "smtpd_client_message_rate_limit = 0", "smtpd_client_connection_rate_limit = 0", "disable_dns_lookups = yes",
            "smtp_host_lookup = native", "smtp_connection_cache_on_demand = no", "in_flow_delay = 0", "qmgr_message_active_limit = 20000"])
        if milter is not None and milter.address.startswith("unix:"):
            subprocess.run(["chmod", "0666", milter.address[5:]], check=True)
        self.postfix.start()

    def waiting(self):
        return {name for name in ("incoming", "active", "deferred") for _, _, files in os.walk(self.queue / name) if files}

    def is_empty(self):
        """The directories are looked at, for postqueue(1) would cost Postfix more than a message."""
        found = self.waiting()
        if found == {"incoming"}:  # qmgr thinks that it is done, and would look again in two seconds
            with socket.socket(socket.AF_UNIX) as qmgr:
                qmgr.connect(str(self.queue / "public/qmgr"))
                qmgr.sendall(b"I\0")
        return not found

    def delivered(self):
        """Until smtp-sink has everything."""
        wait_until("an empty queue", self.is_empty, 120)


def cases(bench, filters, load):
    sink = Sink(bench.directory)
    bench.stack.callback(sink.process.stop)
    found = []
    for number, milter in enumerate(filters):
        if milter is None and number != 1:
            continue
        relay = Relay(bench, number, milter, sink)
        bench.stack.callback(relay.postfix.stop)
        name = "no filter" if milter is None else milter.name
        found.append(measure.Case(
            f"Postfix end to end, {SESSIONS} sessions", name,
            [load, "-a", f"127.0.0.1:{relay.postfix.port}", "-c", SESSIONS, "-u", bench.files["clients"]],
            [relay.postfix.master.pid] + ([] if milter is None else milter.pids), cost=2,
            note="CPU: Postfix and the filter" if milter is None else milter.note, ended=relay.delivered))
    return found
