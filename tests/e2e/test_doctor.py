"""tollgate doctor: each thing that can be wrong is broken in turn, and named, with the line that mends it."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest

from servers.process import BUILD, free_port

RETURN_PATH = "bounces.relay.test"
RELAY = {"return_path_domain": RETURN_PATH, "init_options": ("--return-path-domain", RETURN_PATH)}


@pytest.fixture(scope="module")
def relay(request):
    import conftest
    doors = ("http", "milter_http", "socketmap", "dict")
    return conftest.make(request, **RELAY, **{f"{door}_listen": [f"inet:127.0.0.1:{free_port()}"] for door in doors})


def findings(relay):
    """(ok, {check: [(result, text, remedy)]})"""
    postconf = f"postconf -c {relay.postfix.etc}" if relay.postfix else "no-such-postconf"
    answer = relay.tollgate.try_command("--json", "doctor", "--postconf", postconf)
    checks = {}
    for one in answer.json["checks"]:
        assert set(one) == {"check", "result", "text", "remedy"}
        assert one["result"] in ("ok", "warning", "error")
        checks.setdefault(one["check"], []).append((one["result"], one["text"], one["remedy"]))
    assert answer.status == (0 if answer.json["ok"] else 1), answer.err
    return answer.json["ok"], checks


def wrong(checks):
    """What is not ok; the clock of a test machine need not be kept right by NTP."""
    return [(check, result, text, remedy) for check, found in checks.items() for result, text, remedy in found
            if result != "ok" and not (check == "clock" and result == "warning")]


def test_nothing_is_wrong_with_what_ships(relay):
    ok, checks = findings(relay)
    assert wrong(checks) == []
    assert ok
    assert {"http", "version", "smtpd_milters", "relay", "return-path", "message", "store", "clock"} <= set(checks)
    for door in ("auth", "policy", "milter", "socketmap", "dict"):
        assert "answers" in checks[door][0][1]


def test_the_saslauthd_door_is_asked_too(make_relay):
    """By itself: the question is a failed login, and the next one would be answered later."""
    relay = make_relay(**RELAY, saslauthd_listen=[f"inet:127.0.0.1:{free_port()}"])
    relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", "smtpd_sasl_type = cyrus")
    ok, checks = findings(relay)
    assert wrong(checks) == []
    assert "answers, and refuses" in checks["saslauthd"][0][1]


def test_people_see_a_table(relay):
    answer = relay.tollgate.try_command("doctor", "--postconf", f"postconf -c {relay.postfix.etc}")
    assert answer.status == 0 and answer.err == ""
    assert "ok       smtpd_milters " in answer.out


POLICY = "check_policy_service unix:{run}/policy"
MAIN = [
    # (setting, value, check, result, words of the text, remedy)
    ("smtpd_milters", "", "smtpd_milters", "error", "is not in it", "smtpd_milters = unix:{run}/milter"),
    ("smtpd_milters", "unix:{run}/milter, inet:127.0.0.1:9", "smtpd_milters", "error", "is not last",
     "smtpd_milters = inet:127.0.0.1:9, unix:{run}/milter"),
    ("smtpd_milters", "{{ unix:{run}/milter, default_action=accept }}", "smtpd_milters", "error", "an action of its own",
     "smtpd_milters = unix:{run}/milter"),
    ("smtpd_milter_maps", "inline:{{192.0.2.1=DISABLE}}", "smtpd_milters", "warning", "past Tollgate's milter", "smtpd_milter_maps ="),
    ("milter_default_action", "accept", "milter_default_action", "error", "unchecked and uncounted",
     "milter_default_action = tempfail"),
    ("milter_default_action", "reject", "milter_default_action", "error", "refused for good", "milter_default_action = tempfail"),
    ("smtpd_sasl_type", "cyrus", "smtpd_sasl", "error", "not checked by Tollgate", "smtpd_sasl_type = dovecot"),
    ("smtpd_sasl_path", "private/auth", "smtpd_sasl", "error", "auth door is not", "smtpd_sasl_path = unix:{run}/auth"),
    ("smtpd_sasl_auth_enable", "no", "smtpd_sasl", "error", "nobody can log in", "smtpd_sasl_auth_enable = yes"),
    ("smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination", "relay", "error",
     "no smtpd asks the policy door", "smtpd_relay_restrictions = permit_sasl_authenticated, " + POLICY +
     ", reject_unauth_destination"),
    ("smtpd_relay_restrictions", "permit_sasl_authenticated, reject_unauth_destination, " + POLICY, "relay", "error",
     "never asked", None),
    ("smtpd_relay_restrictions", POLICY + ", permit, reject_unauth_destination", "relay", "error", "lets everybody relay", None),
    ("smtpd_sender_login_maps smtpd_sender_restrictions",
     "inline:{{a=b}} permit_sasl_authenticated,reject_authenticated_sender_login_mismatch", "order", "error",
     "permit_sasl_authenticated stands in front of reject_authenticated_sender_login_mismatch in smtpd_sender_restrictions",
     "put reject_authenticated_sender_login_mismatch before permit_sasl_authenticated in smtpd_sender_restrictions"),
    ("relay_domains", "", "return-path", "error", "not in relay_domains", "relay_domains = " + RETURN_PATH),
    ("transport_maps", "", "return-path", "error", "has no route", None),
    ("transport_maps", "inline:{{" + RETURN_PATH + "=smtp:[127.0.0.1]:9}}", "return-path", "error",
     "to port 9, where no return-path listener is", None),
    ("cleanup_replace_stray_cr_lf", "yes", "message", "error", "a stray CR", "cleanup_replace_stray_cr_lf = no"),
    ("message_reject_characters", "\\0", "message", "error", "CR or NUL", "message_reject_characters = \\0\\r"),
    ("local_header_rewrite_clients", "permit_inet_interfaces", "message", "error", "rewrites From",
     "local_header_rewrite_clients = "),
    ("smtpd_forbid_bare_newline", "no", "message", "error", "second message", "smtpd_forbid_bare_newline = normalize"),
    ("smtpd_forbid_bare_newline_exclusions", "$mynetworks 10.0.0.0/8", "message", "error", "second message",
     "smtpd_forbid_bare_newline_exclusions = "),
    ("duplicate_filter_limit", "100", "message", "error", "delivered again, and not counted", "duplicate_filter_limit = 1000"),
]


@pytest.mark.parametrize("names, values, check, result, words, remedy", MAIN,
                         ids=[f"{name.split()[-1]}-{words.split()[0]}-{i}" for i, (name, _, _, _, words, _) in enumerate(MAIN)])
def test_each_setting_of_main_cf_is_named_and_mended(relay, names, values, check, result, words, remedy):
    main = relay.postfix.etc / "main.cf"
    before = main.read_text()

    def fill(text):
        return text.format(run=relay.tollgate.run)
    names = names.split()
    values = fill(values).split(" ", len(names) - 1) if len(names) > 1 else [fill(values)]
    try:
        for name, value in zip(names, values):
            relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", f"{name} = {value}")
        ok, checks = findings(relay)
        found = wrong(checks)
        assert [(c, r) for c, r, _, _ in found] == [(check, result)]
        assert words in found[0][2]
        assert ok == (result != "error")
        assert found[0][3]
        if remedy is not None:
            assert found[0][3] == fill(remedy)
        if remedy is not None and " = " in remedy and not remedy.startswith("put "):
            # The line that is told does mend it.
            relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", found[0][3])
            assert wrong(findings(relay)[1]) == []
    finally:
        main.write_text(before)


def test_mynetworks_in_front_of_the_policy_door(relay):
    main = relay.postfix.etc / "main.cf"
    before = main.read_text()
    policy = POLICY.format(run=relay.tollgate.run)
    try:
        relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", "mynetworks = 127.0.0.0/8",
                          f"smtpd_relay_restrictions = permit_mynetworks, {policy}, reject_unauth_destination")
        ok, checks = findings(relay)
        assert ok
        [(check, result, text, remedy)] = wrong(checks)
        assert (check, result, remedy) == ("relay", "warning", "mynetworks =")
        assert "mynetworks (127.0.0.0/8)" in text
        # In other lists it is simply an error.
        relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", "smtpd_relay_restrictions = permit_sasl_authenticated, "
                          f"{policy}, reject_unauth_destination", f"smtpd_data_restrictions = permit_mynetworks, {policy}")
        ok, checks = findings(relay)
        assert not ok
        [(check, result, text, remedy)] = wrong(checks)
        assert (check, result) == ("order", "error")
        assert "permit_mynetworks stands in front of check_policy_service in smtpd_data_restrictions" in text
    finally:
        main.write_text(before)


def test_settings_of_master_cf_count_and_are_named_with_their_service(relay):
    master = relay.postfix.etc / "master.cf"
    before = master.read_text()
    service = f"127.0.0.1:{relay.postfix.port}/inet"
    try:
        relay.postfix.run("postconf", "-c", relay.postfix.etc, "-P", f"{service}/smtpd_milters=")
        ok, checks = findings(relay)
        assert not ok
        [(check, result, text, _)] = wrong(checks)
        assert (check, result) == ("smtpd_milters", "error")
        assert f"in the service 127.0.0.1:{relay.postfix.port} of master.cf" in text
        master.write_text(before)
        relay.postfix.run("postconf", "-c", relay.postfix.etc, "-F", f"{service}/chroot=y")
        [(check, result, text, remedy)] = wrong(findings(relay)[1])
        assert (check, result) == ("chroot", "error")
        assert str(relay.postfix.directory / "q") in text
        relay.postfix.run(*remedy.replace("postconf", f"postconf -c {relay.postfix.etc}").split())
        assert wrong(findings(relay)[1]) == []
        master.write_text(before.replace("milter_macro_daemon_name=returnpath", "milter_macro_daemon_name=elsewhere"))
        found = wrong(findings(relay)[1])
        assert ("return-path", "error") in [(c, r) for c, r, _, _ in found]
        assert any("milter_macro_daemon_name = returnpath" in text for _, _, text, _ in found)
    finally:
        master.write_text(before)


def test_a_socket_that_postfix_may_not_use(relay):
    policy = pathlib.Path(relay.tollgate.run / "policy")
    before = policy.stat().st_mode
    try:
        policy.chmod(0o600)
        ok, checks = findings(relay)
        assert not ok
        [(check, result, text, remedy)] = wrong(checks)
        assert (check, result) == ("sockets", "error")
        assert f"postfix may not use {policy}" in text
        assert 'socket_group = "postfix"' in remedy
    finally:
        policy.chmod(before & 0o7777)
    relay.tollgate.run.chmod(0o700)
    try:
        [(check, result, text, remedy)] = wrong(findings(relay)[1])[:1]
        assert (check, result, remedy) == ("sockets", "error", f"chmod o+x {relay.tollgate.run}")
    finally:
        relay.tollgate.run.chmod(0o755)


def test_a_store_with_another_owner_or_mode(relay):
    store = relay.tollgate.store
    store.chmod(0o755)
    try:
        [(check, result, text, remedy)] = wrong(findings(relay)[1])
        assert (check, result, remedy) == ("store-files", "error", f"chmod 0700 {store}")
    finally:
        store.chmod(0o700)
    shutil.chown(store, "root")
    try:
        found = wrong(findings(relay)[1])
        assert found[0][:2] == ("store-files", "error")
        assert found[0][3] == f"chown -R nobody: {store}"
    finally:
        shutil.chown(store, "nobody")
    assert wrong(findings(relay)[1]) == []


def test_a_clock_that_is_behind_what_was_recorded(relay):
    if shutil.which("faketime") is None:
        pytest.skip("no faketime")
    relay.command("customer", "add", "--name", "Later", "--email", "later@customers.test", "--accept-terms")
    done = subprocess.run(["faketime", "2 hours ago", BUILD / "admin/tollgate", "-c", relay.tollgate.config, "doctor",
                           "--postconf", f"postconf -c {relay.postfix.etc}"], capture_output=True, text=True, check=False,
                          env={**os.environ, "ASAN_OPTIONS": "verify_asan_link_order=0"})
    assert done.returncode == 1 and "the clock is behind" in done.stdout


def test_checks_by_socketmap_behind_a_permit(make_relay):
    relay = make_relay(start=False, **RELAY)
    socketmap = f"unix:{relay.tollgate.run}/socketmap"
    relay.tollgate.configure(socketmap_listen=[socketmap])

    def order(**settings):
        settings = [f"{name} = {value}" for name, value in settings.items()]
        relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", "mynetworks = 10.0.0.0/8", *settings)
        return [(result, remedy) for result, _, remedy in findings(relay)[1]["order"]]
    sender = f"check_sender_access socketmap:{socketmap}:domain"
    assert order(smtpd_sender_restrictions=f"{sender}, permit_sasl_authenticated") == [("ok", None)]
    assert order(smtpd_sender_restrictions=f"permit_sasl_authenticated, {sender}") == [
        ("error", "put check_sender_access before permit_sasl_authenticated in smtpd_sender_restrictions")]
    client = f"check_client_access socketmap:{socketmap}:ip"
    # Whoever logged in is not meant to be asked for his address.
    assert order(smtpd_sender_restrictions="", smtpd_client_restrictions=f"permit_sasl_authenticated, {client}") == [("ok", None)]
    assert order(smtpd_client_restrictions=f"permit_mynetworks, {client}") == [
        ("error", "put check_client_access before permit_mynetworks in smtpd_client_restrictions")]
    assert order(smtpd_client_restrictions="permit_mynetworks, check_client_access socketmap:unix:/elsewhere:ip") == [("ok", None)]


def test_a_chroot_with_the_sockets_in_it_is_in_order(make_relay):
    relay = make_relay(start=False, **RELAY)
    inside = relay.postfix.directory / "q/tollgate"
    inside.mkdir()
    relay.tollgate.configure(**{f"{door}_listen": [f"unix:{inside}/{door}"] for door in ("auth", "policy", "milter")})
    relay.postfix.run("postconf", "-c", relay.postfix.etc, "-F", f"127.0.0.1:{relay.postfix.port}/inet/chroot=y",
                      f"127.0.0.1:{relay.postfix.report_port}/inet/chroot=y")
    relay.postfix.run("postconf", "-c", relay.postfix.etc, "-e", "smtpd_milters = unix:/tollgate/milter",
                      "smtpd_sasl_path = unix:/tollgate/auth", "smtpd_relay_restrictions = permit_sasl_authenticated, "
                      "check_policy_service unix:tollgate/policy, reject_unauth_destination")
    relay.start()
    with relay.client(account=relay.tollgate.add_account()) as client:
        assert client.mail("x@elsewhere.example") == 553
    assert wrong(findings(relay)[1]) == []


def test_who_is_not_allowed_to_look_is_told_so(relay):
    binary = relay.directory / "tollgate"
    shutil.copy(BUILD / "admin/tollgate", binary)
    done = subprocess.run([binary, "--json", "-c", relay.tollgate.config, "doctor", "--postconf",
                           f"postconf -c {relay.postfix.etc}"], capture_output=True, text=True, check=False, user="daemon",
                          group="daemon", extra_groups=[], cwd="/")
    checks = {}
    for one in json.loads(done.stdout)["checks"]:
        checks.setdefault(one["check"], one)
    for door in ("auth", "policy"):
        assert (checks[door]["result"], checks[door]["remedy"]) == ("warning", "sudo tollgate doctor")
    assert checks["http"]["result"] == "ok"
    assert checks["smtpd_milters"]["result"] == "ok"
    assert (checks["store"]["result"], checks["store"]["remedy"]) == ("error", "sudo tollgate doctor")
    assert "it is owned by user nobody" in checks["store"]["text"]
    assert done.returncode == 1


def test_daemons_that_are_not_there(make_relay):
    relay = make_relay(start=False, **RELAY)
    ok, checks = findings(relay)
    assert not ok
    assert [(c, r, m) for c, r, _, m in wrong(checks)] == [
        ("auth", "error", "systemctl start tollgate-authd"), ("policy", "error", "systemctl start tollgate-authd"),
        ("milter", "error", "systemctl start tollgate-milter")]


def serve_once(answer):
    """Somebody else, who says this to one client; its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def run():
        client, _ = server.accept()
        with client, server:
            client.sendall(answer)
            client.settimeout(20)
            try:
                while client.recv(4096):
                    pass
            except OSError:
                pass
    threading.Thread(target=run, daemon=True).start()
    return f"inet:127.0.0.1:{server.getsockname()[1]}"


def test_a_stranger_behind_a_door_is_seen(make_relay):
    relay = make_relay(postfix=False, start=False, auth_listen=[serve_once(b"220 mail.test ESMTP\r\n")],
                       milter_listen=[serve_once(b"\0\0\0\x01r")], policy_listen=[serve_once(b"action=OK\n\n")],
                       socketmap_listen=[serve_once(b"5:OK x,")], dict_listen=[serve_once(b"O{}\n")],
                       saslauthd_listen=[serve_once(b"\0\2OK")], http_listen=[serve_once(b"HTTP/1.1 503 No\r\n\r\nthe disk is gone\n")])
    ok, checks = findings(relay)
    assert not ok
    for check in ("auth", "milter", "policy", "socketmap", "dict", "saslauthd"):
        assert checks[check][0][0] == "error" and "says what it must not" in checks[check][0][1], checks[check]
    assert "tollgate-authd is not ready: the disk is gone" in checks["http"][0][1]


def test_a_store_that_is_not_there(make_relay):
    relay = make_relay(postfix=False, start=False)
    shutil.rmtree(relay.tollgate.store)
    ok, checks = findings(relay)
    assert not ok
    assert checks["store-files"][0][2].startswith("tollgate init; ") and checks["store"][0][2].startswith("tollgate init; ")
    assert "there is no store" in checks["store"][0][1]
    relay.tollgate.try_command("init")


def test_options_of_the_configuration_that_lose_mail_are_named(make_relay):
    relay = make_relay(start=False, **RELAY, sync="none", unknown_clients="ignore")
    relay.tollgate.config.chmod(0o666)
    checks = findings(relay)[1]
    assert [(r, m) for r, _, m in checks["configuration"]] == [
        ("error", f"chmod go-w {relay.tollgate.config}"), ("error", f'{relay.tollgate.config}: sync = "full"'), ("warning", None)]


def test_a_postconf_that_fails_is_an_error_and_none_is_a_warning(relay):
    answer = relay.tollgate.try_command("--json", "doctor", "--postconf", "postconf -c /nowhere/at/all")
    found = {c["check"]: c for c in answer.json["checks"]}
    assert found["postfix"]["result"] == "error" and "/nowhere/at/all" in found["postfix"]["text"]
    assert "smtpd_milters" not in found
    assert answer.status == 1
