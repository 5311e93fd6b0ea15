"""A private Dovecot with the passdbs that ship (conf/dovecot): its auth service for Postfix and doveadm, and IMAP logins."""
import pathlib
import subprocess

from .process import DEADLINE_S, SOURCE, Process, answers, free_port

CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {dir}/dovecot-run
state_dir = {dir}/dovecot-state
log_path = {dir}/dovecot.log
ssl = no
disable_plaintext_auth = no
default_client_limit = 100
default_process_limit = 10
# Tests fail often and on purpose: no delays, and no penalty for an address that failed.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_location = maildir:{dir}/dovecot-mail/%u
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={dir}/dovecot-mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
  unix_listener {dir}/run/dovecot-auth {{
    mode = 0666
  }}
}}
!include {etc}/tollgate.conf
"""


class Dovecot:
    def __init__(self, directory, run):
        """run: directory of Tollgate's sockets."""
        self.directory = directory
        self.etc = directory / "dovecot"
        self.log = directory / "dovecot.log"
        self.port = free_port()
        for name in ("dovecot", "dovecot-run", "dovecot-state", "dovecot-mail"):
            (directory / name).mkdir()
        (directory / "dovecot-mail").chmod(0o777)
        for file in sorted((SOURCE / "conf/dovecot").iterdir()):
            text = file.read_text().replace("@RUN@", str(run)).replace("@ETC@", str(self.etc))
            (self.etc / file.name).write_text(text)
        self.config = self.etc / "dovecot.conf"
        self.config.write_text(CONFIG.format(dir=directory, etc=self.etc, port=self.port))
        self.auth_socket = pathlib.Path(run) / "dovecot-auth"  # for Postfix
        self.process = None

    def start(self):
        self.process = Process(["/usr/sbin/dovecot", "-F", "-c", self.config], self.directory / "dovecot.out")
        self.process.wait_for("Dovecot's ports", lambda: answers(("127.0.0.1", self.port)) and answers(self.auth_socket))

    def stop(self):
        if self.process is not None:
            self.process.stop()
            self.process = None

    def auth_test(self, username, password):
        """doveadm auth test: its exit status and all that it printed."""
        done = subprocess.run(["doveadm", "-c", str(self.config), "auth", "test", "-a",
                               str(self.directory / "dovecot-run/auth-client"), username, password],
                              capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout + done.stderr
