"""A private Sendmail, unpacked and not installed, with the lines that ship (conf/sendmail) behind a minimal sendmail.mc."""
import os
import subprocess

from .process import BUILD, DEADLINE_S, SOURCE, Process, answers, free_port

ROOT = BUILD / "unpacked/sendmail"
PROGRAM = ROOT / "usr/libexec/sendmail/sendmail"

# No DNS, no local delivery, everything to the sink; no load average holds the tests up.
CONFIG = """divert(-1)
include(`{root}/usr/share/sendmail/cf/m4/cf.m4')
divert(0)
OSTYPE(`linux')dnl
define(`confPID_FILE', `{dir}/sendmail.pid')dnl
define(`QUEUE_DIR', `{dir}/smq')dnl
define(`STATUS_FILE', `{dir}/statistics')dnl
define(`confDOMAIN_NAME', `sm.relay.test')dnl
define(`ALIAS_FILE', `')dnl
define(`confCW_FILE', `-o {dir}/sm/cw')dnl
define(`confSERVICE_SWITCH_FILE', `{dir}/sm/service.switch')dnl
define(`confTO_IDENT', `0')dnl
define(`confTO_RESOLVER_RETRANS', `1s')dnl
define(`confTO_RESOLVER_RETRY', `1')dnl
define(`confBIND_OPTS', `-DNSRCH -DEFNAMES')dnl
define(`confQUEUE_LA', `9999')dnl
define(`confREFUSE_LA', `9999')dnl
define(`confDEF_USER_ID', `65534:65534')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,GroupReadableKeyFile')dnl
define(`SMART_HOST', `relay:[127.0.0.1]')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
define(`confLOG_LEVEL', `14')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`no_default_msa')dnl
DAEMON_OPTIONS(`Name=MTA, Family=inet, Addr=127.0.0.1, Port={port}')dnl
{shipped}
MAILER(`smtp')dnl
LOCAL_CONFIG
ESASL_CONF_PATH={sasl}
"""


class Sendmail:
    # Below a directory that everybody may write to, such as /tmp, it trusts neither sockets nor libsasl2's file.
    BELOW = "/run"

    def __init__(self, directory, run, sink, return_path_domain=""):
        """run: directory of Tollgate's sockets."""
        self.directory = directory
        self.port, self.report_port = free_port(), free_port()
        self.etc = directory / "sm"
        self.config = self.etc / "sendmail.cf"
        self.traffic = directory / "sendmail-traffic.log"
        self.process = None
        self.places = {"@RUN@": str(run), "@DOMAIN@": return_path_domain, "@PORT@": str(self.report_port)}
        self.etc.mkdir()
        self.queue_directory = directory / "smq"
        self.queue_directory.mkdir(mode=0o700)
        (self.etc / "service.switch").write_text("hosts files\naliases files\npasswd files\n")
        (self.etc / "Sendmail.conf").write_text(self.render("Sendmail.conf"))
        shipped = ["tollgate.mc", "maps.mc"] + (["returnpath.mc"] if return_path_domain else [])
        mc = self.etc / "sendmail.mc"
        mc.write_text(CONFIG.format(root=ROOT, dir=directory, port=self.port, sink=sink.port, sasl=self.etc,
                                    shipped="".join(self.render(name) for name in shipped)))
        with open(self.config, "wb") as out:
            subprocess.run(["m4", f"-D_CF_DIR_={ROOT}/usr/share/sendmail/cf/", mc], stdout=out, check=True, timeout=DEADLINE_S)

    def render(self, name):
        text = (SOURCE / "conf/sendmail" / name).read_text()
        for place, value in self.places.items():
            text = text.replace(place, value)
        return text

    def argv(self, *options):
        """Its host name must be a qualified one, or Sendmail waits for a minute: in a UTS namespace of its own."""
        return ["unshare", "--uts", "sh", "-c", 'hostname sm.relay.test && exec "$0" "$@"', str(PROGRAM), "-C", str(self.config),
                *map(str, options)]

    def start(self):
        self.process = Process(self.argv("-bD", "-q2s", "-X", self.traffic), self.directory / "sendmail.out",
                               env={**os.environ, "SASL_CONF_PATH": str(self.etc)})
        self.process.wait_for("Sendmail's port", lambda: answers(("127.0.0.1", self.port)))

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None

    def queue(self):
        """Files of messages that wait."""
        return [f.name for f in self.queue_directory.iterdir() if f.name.startswith("qf")]

    def test_mode(self, *lines):
        """What sendmail -bt prints: rules and maps tried by hand."""
        return subprocess.run(self.argv("-bt"), input="\n".join(lines) + "\n", capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False).stdout
