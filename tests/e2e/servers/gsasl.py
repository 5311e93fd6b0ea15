"""The gsasl command: a mail client's side of a SASL login, SCRAM included, server signature checked."""
import dataclasses
import subprocess

from .process import DEADLINE_S


@dataclasses.dataclass
class Login:
    ok: bool
    text: str


def gsasl(protocol, port, mechanism, username, password, *more):
    """protocol: --smtp or --imap."""
    done = subprocess.run(
        ["gsasl", protocol, "--client", f"--mechanism={mechanism}", f"--authentication-id={username}",
         f"--password={password}", "--no-starttls", "--no-cb",
         f"--connect=127.0.0.1:{port}", *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return Login(done.returncode == 0, done.stdout + done.stderr)
