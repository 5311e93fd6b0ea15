"""A private Postfix with the main.cf that ships (conf/postfix) behind the minimal one of the quickstart (demo)."""
import os
import pathlib
import re
import shutil
import subprocess

from .process import DEADLINE_S, SOURCE, Process, answers, free_port, wait_until

DAEMONS = pathlib.Path("/usr/lib/postfix/sbin")
QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace maildrop public".split()


class Postfix:
    def __init__(self, directory, run, sink, return_path_domain="", settings=(), services="", shipped=True):
        """run: directory of Tollgate's sockets. settings: lines of main.cf, after all others. services: of master.cf.
        shipped=False: without the lines that ship."""
        self.directory = directory
        self.etc = directory / "etc"
        self.log = directory / "mail.log"
        self.port, self.report_port = free_port(), free_port()
        self.master = None
        places = {"@RUN@": str(run), "@DOMAIN@": return_path_domain or "no.return.path.invalid", "@DIR@": str(directory),
                  "@SINK@": str(sink.port), "@NOWHERE@": str(sink.port), "@PORT@": str(self.report_port)}

        def render(name):
            text = (SOURCE / name).read_text()
            for place, value in places.items():
                text = text.replace(place, value)
            return text

        for name in ("etc", "data", "q", "q/pid", *(f"q/{q}" for q in QUEUES)):
            (directory / name).mkdir(exist_ok=True)
        main = [render("demo/main.cf"), "import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C",
                # Tests make many errors on purpose: no pause after each.
                "smtpd_error_sleep_time = 0s", "smtpd_soft_error_limit = 1000", "smtpd_hard_error_limit = 1000"]
        if shipped:
            main.append(render("conf/postfix/main.cf"))
        main += settings
        (self.etc / "main.cf").write_text("\n".join(main) + "\n")
        master = (SOURCE / "demo/master.cf").read_text().replace("@PORT@", str(self.port))
        (self.etc / "master.cf").write_text(master + (render("conf/postfix/master.cf") if shipped else "") + services)
        # The later of two settings of one name counts; postconf and Postfix warn of the first each time.
        self.drop_overridden()
        for name in ("data", *(f"q/{q}" for q in QUEUES)):
            shutil.chown(directory / name, "postfix")
            (directory / name).chmod(0o700)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            shutil.chown(directory / "q" / name, "postfix", "postdrop")
            (directory / "q" / name).chmod(mode)

    def drop_overridden(self):
        path = self.etc / "main.cf"
        settings = {}
        for line in path.read_text().splitlines():
            if line[:1].isspace() and settings:
                settings[name] += "\n" + line
            elif line.strip() and not line.startswith("#"):
                name = line.split("=")[0].strip()
                settings[name] = line
        path.write_text("\n".join(settings.values()) + "\n")

    def age(self):
        """Postfix waits before it reads a file that was written within the last two seconds: pretend that it was not."""
        for file in self.etc.iterdir():
            os.utime(file, (1, 1))

    def daemons(self):
        """Processes that work in this queue directory."""
        found = []
        for cwd in pathlib.Path("/proc").glob("[0-9]*/cwd"):
            try:
                if os.readlink(cwd) == str(self.directory / "q"):
                    found.append(cwd.parent.name)
            except OSError:
                pass  # it ended
        return found

    def start(self):
        # Daemons of an earlier start take sockets and log with them as they end.
        wait_until("Postfix's earlier daemons end", lambda: not self.daemons())
        self.age()
        self.master = Process([DAEMONS / "master", "-c", self.etc, "-s"], self.directory / "master.out",
                              env={**os.environ, "LC_ALL": "C"})
        self.master.wait_for("Postfix's port", lambda: answers(("127.0.0.1", self.port)))

    def stop(self):
        if self.master is not None:
            self.master.stop()
            self.master = None

    def run(self, *argv, **options):
        return subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=DEADLINE_S, check=True,
                              env={**os.environ, "MAIL_CONFIG": str(self.etc)}, **options).stdout

    def postconf(self, *settings):
        """Changes main.cf and reloads; sessions that are open keep the old settings."""
        self.run("postconf", "-c", self.etc, "-e", *settings)
        self.reload()

    def postconf_remove(self, *names):
        self.run("postconf", "-c", self.etc, "-X", *names)
        self.reload()

    def reload(self):
        reloads = self.text().count("reload -- version")
        self.age()
        self.run("postfix", "-c", self.etc, "reload")
        wait_until("Postfix's reload", lambda: self.text().count("reload -- version") > reloads)

    def flush(self):
        self.run("postqueue", "-c", self.etc, "-f")

    def queue(self):
        """Queue ids that wait."""
        return re.findall(r"^([0-9A-F]+)[*! ]", self.run("postqueue", "-c", self.etc, "-p"), re.M)

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_log(self, pattern):
        return wait_until(f"{pattern!r} in Postfix's log", lambda: re.search(pattern, self.text()))
