"""An SMTP client that shows every reply, and can play another host (source address 127.0.0.x)."""
import base64
import dataclasses
import socket
import ssl

from .process import DEADLINE_S


@dataclasses.dataclass
class Reply:
    code: int
    text: str  # all lines, with the code

    def __eq__(self, other):
        return self.code == other if isinstance(other, int) else NotImplemented

    def __contains__(self, words):
        return words in self.text

    @property
    def ok(self):
        return 200 <= self.code < 400


class Lost(ConnectionError):
    """The server ended the connection instead of an answer."""


class Client:
    def __init__(self, port, source="127.0.0.1", hello="client.test"):
        host = "::1" if ":" in source else "127.0.0.1"
        self.socket = socket.create_connection((host, port), DEADLINE_S, (source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply()
        if hello:
            self.hello = self.command(f"EHLO {hello}")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline().decode("utf-8", "replace").rstrip("\r\n")
            if line == "":
                raise Lost(f"connection lost after {lines}")
            lines.append(line)
            if line[3:4] != "-":
                return Reply(int(line[:3]), "\n".join(lines))

    def send_raw(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def command(self, line):
        self.send_raw((line.encode() if isinstance(line, str) else line) + b"\r\n")
        return self.reply()

    def starttls(self):
        """The certificate is the test's own: not looked at."""
        reply = self.command("STARTTLS")
        if reply == 220:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
            self.file = self.socket.makefile("rb")
            self.hello = self.command("EHLO client.test")
        return reply

    def auth_plain(self, username, password):
        return self.command("AUTH PLAIN " + base64.b64encode(f"\0{username}\0{password}".encode()).decode())

    def auth_login(self, username, password):
        for line in ("AUTH LOGIN", base64.b64encode(username.encode()).decode()):
            reply = self.command(line)
            if reply != 334:
                return reply
        return self.command(base64.b64encode(password.encode()).decode())

    def mail(self, sender, options=""):
        return self.command(f"MAIL FROM:<{sender}>{options and ' ' + options}")

    def rcpt(self, recipient, options=""):
        return self.command(f"RCPT TO:<{recipient}>{options and ' ' + options}")

    def data(self, message):
        """The reply to DATA where that is refused, else to the end of the message."""
        reply = self.command("DATA")
        if reply != 354:
            return reply
        message = message.encode() if isinstance(message, str) else message
        message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
        self.send_raw(message + (b"" if message.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.reply()

    def data_raw(self, octets):
        """Octets as they are, the end of the message included."""
        reply = self.command("DATA")
        if reply != 354:
            return reply
        self.send_raw(octets)
        return self.reply()

    def send(self, sender, recipients, message=None, subject="test", header_from=None, options=""):
        """One whole message; the first reply that is no success, or that to the end of the message."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        reply = self.mail(sender, options)
        for recipient in recipients:
            if not reply.ok:
                return reply
            reply = self.rcpt(recipient)
        if not reply.ok:
            return reply
        if message is None:
            message = f"From: {header_from or sender}\nTo: {recipients[0]}\nSubject: {subject}\n\nhello\n"
        return self.data(message)
