"""The peers: other programs that do a part of what Tollgate does, each private, in the configuration that is kindest to it.
A function starts one and returns it; it raises Missing where Debian's package is not installed."""
import base64
import dataclasses
import grp
import hashlib
import hmac
import os
import pathlib
import shutil
import signal
import subprocess

from servers.process import BUILD, Process, answers, free_port, wait_until

ITERATIONS = 4096


class Missing(Exception):
    """Its text is the Debian package."""


@dataclasses.dataclass
class Peer:
    name: str
    address: str  # as the load generators take it
    pids: list
    stop: object
    note: str = ""


def need(program, package):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/usr/lib/postfix/sbin")
    if path is None:
        raise Missing(package)
    return path


def make(directory, name):
    path = directory / name
    path.mkdir()
    path.chmod(0o777)
    return path


def start(name, argv, directory, address, note="", **options):
    """In the foreground; address: a unix socket's path or a TCP port."""
    process = Process(argv, directory / "out", **options)
    place = address if isinstance(address, pathlib.Path) else ("127.0.0.1", address)
    process.wait_for(f"{name} listens", lambda: answers(place))
    text = f"unix:{address}" if isinstance(address, pathlib.Path) else f"127.0.0.1:{address}"
    return Peer(name, text, [process.pid], process.stop, note)


def end(pid):
    """One that went to the background."""
    os.kill(pid, signal.SIGTERM)
    wait_until(f"the end of process {pid}", lambda: not os.path.exists(f"/proc/{pid}"))


# ---- milters ----

def noop(directory, mode="", name="noop"):
    path = make(directory, name + mode) / "milter"
    argv = [BUILD / "tests/bench/noop_milter", f"unix:{path}", *([mode] if mode else [])]
    return start("does nothing" + (", answers all" if mode else ""), argv, path.parent, path)


def redis(directory):
    port = free_port()
    return start("redis", [need("redis-server", "redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "",
                           "--appendonly", "no", "--dir", directory], directory, port), port


def rspamd(directory, workers=2, name="rspamd"):
    """Milter mode, scans in the proxy itself, nothing but the ratelimit module."""
    program, here, port = need("rspamd", "rspamd"), make(directory, name), free_port()
    behind, redis_port = redis(here)
    (here / "rspamd.conf").write_text(f"""
options {{ pidfile = "{here}/pid"; tempdir = "{here}"; hs_cache_dir = "{here}"; filters = ""; dns {{ nameserver = ["127.0.0.1:9"]; }}
           control_socket = "{here}/control mode=0600"; explicit_modules = ["ratelimit"]; }}
logging {{ type = "file"; filename = "{here}/log"; level = "error"; }}
worker "rspamd_proxy" {{ bind_socket = "127.0.0.1:{port}"; milter = yes; count = {workers}; timeout = 120s;
                        upstream "local" {{ default = yes; self_scan = yes; }} }}
redis {{ servers = "127.0.0.1:{redis_port}"; }}
actions {{ reject = 1000; }}
ratelimit {{ rates {{ user = {{ bucket = {{ burst = 1000000000; rate = "1000000 / 1s"; }} }} }} }}
modules {{ path = "/usr/share/rspamd/plugins/ratelimit.lua"; }}
""")
    try:
        peer = start("rspamd", [program, "-f", "-i", "-c", here / "rspamd.conf"], here, port,
                     "ratelimit and Redis only; counts when the message has ended, not durably")
    except AssertionError:
        behind.stop()
        raise

    def stop():
        peer.stop()
        behind.stop()
    return Peer(peer.name, peer.address, peer.pids + behind.pids, stop, peer.note)


def opendkim(directory):
    program, here = need("opendkim", "opendkim"), make(directory, "opendkim")
    subprocess.run(["openssl", "genrsa", "-out", here / "key", "2048"], check=True, capture_output=True)
    (here / "keys").write_text(f"bench %:bench:{here}/key\n")
    (here / "signing").write_text("*@* bench\n")
    (here / "internal").write_text("0.0.0.0/0\n")
    (here / "conf").write_text(f"Mode s\nKeyTable file:{here}/keys\nSigningTable refile:{here}/signing\n"
                               f"InternalHosts {here}/internal\nRequireSafeKeys no\nSyslog no\nUMask 000\n"
                               f"Socket local:{here}/milter\n")
    return start("OpenDKIM", [program, "-f", "-x", here / "conf"], here, here / "milter", "signs, RSA 2048")


# ---- logins ----

def scram_verifier(password):
    salt = b"tollgate-bench16"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    keys = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest(), hmac.digest(salted, b"Server Key", "sha256")
    return ",".join([str(ITERATIONS), *(base64.b64encode(octets).decode() for octets in (salt, *keys))])


def dovecot(directory, users, scheme, cache):
    """Its auth process alone. users: (name, password). scheme: SCRAM-SHA-256 or PLAIN."""
    name = f"Dovecot, {'clear text' if scheme == 'PLAIN' else 'SCRAM verifier'}{', cache' if cache else ''}"
    program = need("dovecot", "dovecot-core")
    here = make(directory, f"dc{scheme[0]}{int(cache)}")
    lines = (f"{user}:{{{scheme}}}{password if scheme == 'PLAIN' else scram_verifier(password)}\n" for user, password in users)
    (here / "users").write_text("".join(lines))
    (here / "conf").write_text(f"""
base_dir = {here}/run
state_dir = {here}
log_path = {here}/log
protocols =
ssl = no
instance_name = bench-{here.name}
default_internal_user = dovecot
default_login_user = dovenull
auth_mechanisms = plain login scram-sha-256
disable_plaintext_auth = no
auth_cache_size = {'10M' if cache else 0}
auth_cache_verify_password_with_worker = no
passdb {{
  driver = passwd-file
  args = {here}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  client_limit = 2000
  unix_listener {here}/auth {{
    mode = 0666
  }}
}}
""")
    return start(name, [program, "-F", "-c", here / "conf"], here, here / "auth")


def saslauthd(directory, user, password, source, cache=False):
    """With sasldb, or with hashed shadow passwords. Each has one place, so it runs in a mount namespace with an /etc of its own,
    which has no password but this one."""
    program, here = need("saslauthd", "sasl2-bin"), make(directory, f"saslauthd-{source}{int(cache)}")
    etc = here / "etc"
    shutil.copytree("/etc", etc, symlinks=True, ignore=shutil.ignore_patterns("ssl", "alternatives", "shadow*", "gshadow*"))
    if source == "sasldb":
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", etc / "sasldb2", "-u", os.uname().nodename, user],
                       input=password.encode(), check=True, capture_output=True)
    else:
        hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, check=True, capture_output=True, text=True)
        with (etc / "passwd").open("a") as file:
            file.write(f"{user}:x:65000:65534::/nonexistent:/usr/sbin/nologin\n")
        (etc / "shadow").write_text(f"{user}:{hashed.stdout.strip()}:20000::::::\n")
    (here / "run").mkdir()
    (here / "run").chmod(0o755)
    script = 'mount --bind "$1/etc" /etc && exec "$2" -a "$3" -m "$1/run" -n 5 ' + ("-c" if cache else "")
    subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", here, program, source], check=True, capture_output=True)
    pid = int(wait_until("saslauthd's pid", lambda: (here / "run/saslauthd.pid").exists() and
                         (here / "run/saslauthd.pid").read_text().strip()))
    wait_until("saslauthd listens", lambda: answers(here / "run/mux"))
    return Peer(f"saslauthd, {source}{', cache' if cache else ''}", f"unix:{here}/run/mux", [pid], lambda: end(pid))


# ---- policy delegation ----

def echo(directory):
    path = make(directory, "echo") / "policy"
    return start("answers, no more (libevent)", [BUILD / "tests/bench/echo_server", path], path.parent, path)


def postfwd(directory):
    """It goes to the background whatever one asks for."""
    program, here, port = need("postfwd", "postfwd"), make(directory, "postfwd"), free_port()
    (here / "rules").write_text("id=R1; client_address=0.0.0.0/0; action=rate(client_address/100000000/3600/450 too much)\n")
    group = grp.getgrgid(65534).gr_name
    subprocess.run([program, "-d", "-f", here / "rules", "-i", "127.0.0.1", "-p", str(port), "-u", "nobody", "-g", group, "-n",
                    "--norulelog", "--pidfile", here / "pid", "--cache_proto", "unix", "--cache_socket", f"unix::{here}/cache"],
                   check=True, capture_output=True)
    pid = int(wait_until("postfwd's pid", lambda: (here / "pid").exists() and (here / "pid").read_text().strip()))
    wait_until("postfwd listens", lambda: answers(("127.0.0.1", port)))
    return Peer("postfwd", f"127.0.0.1:{port}", [pid], lambda: end(pid), "one rate rule, in memory")


def policyd_rate_limit(directory):
    program, here = need("policyd-rate-limit", "policyd-rate-limit"), make(directory, "policyd")
    text = pathlib.Path("/etc/policyd-rate-limit.yaml").read_text()
    for old, new in (("debug: True", "debug: False"), ('user: "policyd-rate-limit"', 'user: "nobody"'),
                     ('group: "policyd-rate-limit"', f'group: "{grp.getgrgid(65534).gr_name}"'),
                     ("/var/run/policyd-rate-limit", str(here)), ("/var/lib/policyd-rate-limit", str(here)),
                     ("/var/spool/postfix/ratelimit", str(here)), ("[10, 60]", "[100000000, 60]"),
                     ("[150, 86400]", "[100000000, 86400]"), ("limit_by_ip: False", "limit_by_ip: True"),
                     ("limited_networks: []", 'limited_networks: ["0.0.0.0/0"]')):
        text = text.replace(old, new)
    (here / "conf.yaml").write_text(text)
    return start("policyd-rate-limit", [program, "--file", here / "conf.yaml"], here, here / "policy", "SQLite")
