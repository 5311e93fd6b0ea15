"""A private Exim, unpacked and not installed, with the lines that ship (conf/exim) behind a minimal configuration."""
import os
import pathlib

from .process import BUILD, SOURCE, Process, answers, free_port

PROGRAM = BUILD / "unpacked/exim/usr/sbin/exim4"
UID = 64999  # of the user Debian-exim, whom Exim wants to find: in a user database of its own

CONFIG = """
primary_hostname = exim.relay.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = {dir}/spool
log_file_path = {dir}/exim-%s.log
pid_file_path = {dir}/exim.pid
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_queue_per_connection = 0
tls_advertise_hosts =
auth_advertise_hosts = *
deliver_drop_privilege = true
acl_smtp_rcpt = acl_check_rcpt

begin acl
acl_check_rcpt:
{acl}
  deny    message = relay not permitted

begin routers
sink:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = smtp

begin transports
smtp:
  driver = smtp
  port = {sink}
  hosts_try_fastopen =

begin retry
* * F,1h,2s

begin authenticators
{authenticators}
"""


class Exim:
    def __init__(self, directory, run, sink, return_path_domain=""):
        """run: directory of Tollgate's sockets."""
        self.directory = directory
        self.port = free_port()
        self.etc = directory / "exim"
        self.process = None
        spool = directory / "spool"
        for place in self.etc, spool:
            place.mkdir()
        os.chown(directory / "spool", UID, UID)
        # Its logs are beside the spool, and it is no longer root when it writes them.
        for name in "main", "reject", "panic":
            log = directory / f"exim-{name}.log"
            log.touch()
            os.chown(log, UID, UID)

        def render(name):
            return (SOURCE / "conf/exim" / name).read_text().replace("@RUN@", str(run))
        (self.etc / "exim.conf").write_text(CONFIG.format(dir=directory, port=self.port, sink=sink.port, acl=render("acl.conf"),
                                                          authenticators=render("authenticators.conf")))
        for name, line in ("passwd", f"Debian-exim:x:{UID}:{UID}::/:/bin/false\n"), ("group", f"Debian-exim:x:{UID}:\n"):
            (self.etc / name).write_text(pathlib.Path("/etc", name).read_text() + line)

    def start(self):
        self.process = Process([PROGRAM, "-bdf", "-q2s", "-C", self.etc / "exim.conf"], self.directory / "exim.out", env={
            **os.environ, "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_PASSWD": str(self.etc / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.etc / "group")})
        self.process.wait_for("Exim's port", lambda: answers(("127.0.0.1", self.port)))

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None
