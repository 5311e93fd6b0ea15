"""An SMTP server that takes all mail and keeps it, envelope arguments as they came. Addresses whose local part
begins with rej550 or tmp451 get that reply at RCPT."""
import contextlib
import dataclasses
import socketserver
import threading

from .process import free_port, wait_until


@dataclasses.dataclass
class Mail:
    mail: str  # all that followed "MAIL FROM:"
    rcpt: list  # and each "RCPT TO:"
    data: bytes

    @property
    def sender(self):
        return self.mail[self.mail.index("<") + 1:self.mail.index(">")]

    @property
    def recipients(self):
        return [r[r.index("<") + 1:r.index(">")] for r in self.rcpt]

    @property
    def text(self):
        return self.data.decode("utf-8", "surrogateescape")

    def header(self, name):
        """The values of this field, unfolded."""
        head = self.text.split("\r\n\r\n", 1)[0].replace("\r\n ", " ").replace("\r\n\t", " ")
        fields = (line.partition(":") for line in head.split("\r\n"))
        return [value.strip() for field, _, value in fields if field.lower() == name.lower()]


class Session(socketserver.StreamRequestHandler):
    def reply(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with contextlib.suppress(ConnectionError):  # of a Postfix that is restarted
            self.take_mail()

    def take_mail(self):
        self.reply("220 sink ESMTP")
        mail, rcpt = None, []
        while line := self.rfile.readline(8192):
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = text.upper()
            if verb.startswith("EHLO"):
                self.reply("250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE")
            elif verb.startswith("MAIL FROM:"):
                mail, rcpt = text[10:], []
                self.reply("250 ok")
            elif verb.startswith("RCPT TO:"):
                if "<rej550" in text:
                    self.reply("550 5.1.1 no such user here")
                elif "<tmp451" in text:
                    self.reply("451 4.2.0 try again later")
                else:
                    rcpt.append(text[8:])
                    self.reply("250 ok")
            elif verb == "DATA":
                if not rcpt:
                    self.reply("554 no recipients")
                    continue
                self.reply("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b".") else line)
                if line == b"":
                    return
                with self.server.arrived:
                    self.server.mails.append(Mail(mail, rcpt, b"".join(lines)))
                self.reply("250 ok")
            elif verb == "QUIT":
                self.reply("221 bye")
                return
            else:
                self.reply("250 ok")


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", free_port()), Session)
        self.port = self.server_address[1]
        self.arrived = threading.Lock()
        self.mails = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def find(self, **wanted):
        """Mails with this subject and/or to this recipient."""
        with self.arrived:
            mails = list(self.mails)
        if "subject" in wanted:
            mails = [m for m in mails if wanted["subject"] in m.header("Subject")]
        if "to" in wanted:
            mails = [m for m in mails if wanted["to"] in m.recipients]
        return mails

    def wait(self, **wanted):
        return wait_until(f"mail with {wanted} at the sink", lambda: self.find(**wanted))[0]

    def stop(self):
        self.shutdown()
        self.server_close()
