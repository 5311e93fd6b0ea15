"""The saslauthd, dict and socketmap doors as a client of each protocol sees them; the servers that use them have tests of
their own."""
import base64
import hashlib
import hmac
import json
import socket
import struct
import time

import pytest

from servers.process import DEADLINE_S


@pytest.fixture(scope="module")
def doors(request):
    """A relay with all doors open; the name of each door's socket."""
    from conftest import make
    relay = make(request)
    run = relay.tollgate.run
    relay.tollgate.authd.stop()
    relay.tollgate.configure(saslauthd_listen=[f"unix:{run}/mux"], dict_listen=[f"unix:{run}/dict"],
                             socketmap_listen=[f"unix:{run}/socketmap"])
    relay.tollgate.start_authd()
    return relay


def talk(relay, door):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(DEADLINE_S)
    s.connect(relay.tollgate.settings[f"{door}_listen"][0][5:])
    return s


def rest(s):
    """Until the door closes."""
    answer = b""
    while more := s.recv(65536):
        answer += more
    return answer


# ---- saslauthd ----

def saslauthd(relay, login, password, realm=""):
    with talk(relay, "saslauthd") as s:
        s.sendall(b"".join(struct.pack("!H", len(t)) + t for t in (login.encode(), password.encode(), b"smtp", realm.encode())))
        answer = rest(s)
    assert len(answer) == 2 + struct.unpack("!H", answer[:2])[0]
    return answer[2:].decode()


@pytest.fixture
def user(doors):
    return doors.tollgate.add_account()


def test_saslauthd_takes_the_login_alone_or_with_a_realm(doors, user):
    assert saslauthd(doors, user.username, user.password) == "OK"
    assert saslauthd(doors, user.username, user.password, "mail.example") == "OK"
    assert saslauthd(doors, user.username, "wrong").startswith("NO ")
    assert saslauthd(doors, "nobody", user.password, "mail.example").startswith("NO ")
    assert saslauthd(doors, "", "").startswith("NO ")


def test_saslauthd_tells_who_knows_the_password_that_the_account_is_disabled(doors, user):
    doors.command("account", "disable", user.username, "--reason", "spam run")
    assert saslauthd(doors, user.username, user.password) == "NO this account is disabled: spam run"
    assert "disabled" not in saslauthd(doors, user.username, "wrong")


def test_failures_are_held_back_and_noted_and_nobody_else_waits(doors, user):
    other = doors.tollgate.add_account()
    for _ in range(3):
        saslauthd(doors, user.username, "wrong")
    began = time.monotonic()
    assert saslauthd(doors, user.username, "wrong").startswith("NO ")
    assert time.monotonic() - began > 1.9
    with talk(doors, "saslauthd") as waiting:  # being held back
        waiting.sendall(b"".join(struct.pack("!H", len(t)) + t for t in (user.username.encode(), b"wrong", b"smtp", b"")))
        assert saslauthd(doors, other.username, other.password) == "OK"
        assert saslauthd(doors, user.username, user.password) == "OK"
        assert rest(waiting)[2:].startswith(b"NO")
    texts = [e.get("text") or "" for e in doors.tollgate.activity(user) if e["kind"] == "auth-failed"]
    assert len(texts) == 5 and any("held back for 2.0 s" in t for t in texts)


# ---- dict ----

def dict_ask(relay, *lines):
    with talk(relay, "dict") as s:
        s.sendall("".join(f"{line}\n" for line in lines).encode())
        s.shutdown(socket.SHUT_WR)
        return rest(s).decode().splitlines()


def lookup(relay, key, hello="H3\t2\t0\t\ttollgate"):
    answer, = dict_ask(relay, hello, f"Lshared/{key}\tsomebody")
    return json.loads(answer[1:]) if answer[0] == "O" else answer


def fits(verifier, password):
    """As Dovecot checks PLAIN against it."""
    assert verifier.startswith("{SCRAM-SHA-256}")
    iterations, salt, stored, server = verifier[len("{SCRAM-SHA-256}"):].split(",")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client = hmac.digest(salted, b"Client Key", "sha256")
    return (hashlib.sha256(client).digest() == base64.b64decode(stored)
            and hmac.digest(salted, b"Server Key", "sha256") == base64.b64decode(server))


@pytest.mark.parametrize("hello", ["H3\t2\t0\t\ttollgate", "H2\t0\t0\tsomebody\ttollgate"])
def test_dict_gives_the_verifier(doors, user, hello):
    answer = lookup(doors, f"passdb/{user.username}", hello)
    assert list(answer) == ["password"]
    assert fits(answer["password"], user.password) and not fits(answer["password"], "wrong")
    assert lookup(doors, "passdb/nobody", hello) == "N"
    assert lookup(doors, f"userdb/{user.username}", hello) == "N"
    # Version 2 has no user in its lookups.
    assert dict_ask(doors, hello, f"Lpassdb/{user.username}")[0].startswith("O{")


def test_dict_refuses_a_disabled_account(doors, user):
    before = lookup(doors, f"passdb/{user.username}")
    doors.command("account", "disable", user.username, "--reason", 'spam "run"')
    answer = lookup(doors, f"passdb/{user.username}")
    assert not fits(answer["password"], user.password)
    assert answer["nologin"] and answer["reason"] == 'this account is disabled: spam "run"'
    assert answer["password"].split(",")[:2] == before["password"].split(",")[:2]  # salt and iterations
    assert lookup(doors, f"passdb-old/{user.username}") == "N"


def test_dict_has_the_old_password_while_it_is_valid(doors, user):
    assert lookup(doors, f"passdb-old/{user.username}") == "N"
    new = doors.command("account", "password", user.username, "--overlap", "1d")["password"]
    current, old = lookup(doors, f"passdb/{user.username}"), lookup(doors, f"passdb-old/{user.username}")
    assert fits(current["password"], new) and not fits(current["password"], user.password)
    assert fits(old["password"], user.password)
    doors.command("account", "password", user.username)
    assert lookup(doors, f"passdb-old/{user.username}") == "N"


def test_dict_fails_politely_what_it_does_not_serve(doors, user):
    answers = dict_ask(doors, "H3\t2\t0\t\ttollgate", "I1\t0\tshared/passdb/\tx", "B7\tx", "S7\tshared/passdb/x\ty", "C7",
                       f"Lpassdb/{user.username}")
    assert answers[0] == "Fonly lookups are served here" and answers[1] == "F7\tonly lookups are served here"
    assert answers[2].startswith("O{") and len(answers) == 3


@pytest.mark.parametrize("line", ["Lpassdb/x", "H9\t0\t0\t\ttollgate", "GET / HTTP/1.0"])
def test_dict_closes_on_what_is_not_its_protocol(doors, line):
    assert dict_ask(doors, line) == []


# ---- socketmap ----

def netstring(text):
    return f"{len(text)}:{text},".encode()


def maps(relay, *questions):
    """All at once, each one's answer."""
    with talk(relay, "socketmap") as s:
        s.sendall(b"".join(netstring(q) for q in questions))
        s.shutdown(socket.SHUT_WR)
        answer, out = rest(s).decode(), []
    while answer:
        length, _, answer = answer.partition(":")
        out.append(answer[:int(length)])
        assert answer[int(length)] == ","
        answer = answer[int(length) + 1:]
    return out


def test_socketmap_answers_many_questions_at_once(doors, user):
    doors.command("ip", "add", "198.51.100.0/24", user.username)
    assert maps(doors, "ip 198.51.100.9", "ip unknown", f"sender Joe@{user.domain}", "sender x@elsewhere.test", f"domain {user.domain}",
                "domain elsewhere.test", "returnpath x@rp.test", "sender ") == [
        "OK OK", "NOTFOUND ", f"OK {user.username}", "NOTFOUND ", "OK OK", "NOTFOUND ", "NOTFOUND ", "NOTFOUND "]
    doors.command("account", "disable", user.username)
    assert maps(doors, "ip 198.51.100.9") == ["NOTFOUND "]
    doors.command("ip", "remove", "198.51.100.0/24", user.username)


def test_socketmap_names_the_maps_that_there_are(doors):
    answer, = maps(doors, "nonsense x")
    assert answer.startswith("PERM ") and "ip, sender, domain and returnpath" in answer


@pytest.mark.parametrize("bytes_", [b"x", b"04:ip 1,", b"4:ip 1;", b"99999:", b"2:ip,"])
def test_socketmap_closes_on_what_is_not_its_protocol(doors, bytes_):
    with talk(doors, "socketmap") as s:
        s.sendall(bytes_)
        assert rest(s) == b""
