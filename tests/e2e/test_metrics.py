"""What monitoring sees: /metrics, /healthz and /readyz of both daemons, with promtool as the judge of their form."""
import http.client
import json
import re
import shutil
import socket
import subprocess
import time

import pytest

from servers.process import BUILD, DEADLINE_S, SOURCE, Process, free_port, wait_until

RELAY = {"return_path_domain": "bounces.relay.test", "init_options": ("--return-path-domain", "bounces.relay.test")}


@pytest.fixture(scope="module")
def ports():
    return {"authd": free_port(), "milter": free_port()}


@pytest.fixture(scope="module")
def relay(request, ports):
    import conftest
    return conftest.make(request, **RELAY, http_listen=[f"inet:127.0.0.1:{ports['authd']}"],
                         milter_http_listen=[f"inet:127.0.0.1:{ports['milter']}"])


def get(port, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def figures(port):
    """{'name{labels}': value}"""
    status, text = get(port)
    assert status == 200
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")}


def growth(before, after):
    """A function: by how much has this figure grown?"""
    return lambda name: after[name] - before[name]


def promtool(*argv, **options):
    program = shutil.which("promtool") or shutil.which(BUILD / "prometheus/usr/bin/promtool")
    if program is None:
        pytest.skip("no promtool (package prometheus)")
    return subprocess.run([program, *map(str, argv)], text=True, capture_output=True, check=False, **options)


def wait_figure(port, name, value):
    wait_until(f"{name} {value} (it is {figures(port).get(name)})", lambda: figures(port).get(name) == value)


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_every_metric_is_described_and_promtool_finds_nothing(relay, ports, daemon):
    text = get(ports[daemon])[1]
    described = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
    assert described == set(re.findall(r"^# HELP (\S+) \S", text, re.M))
    for line in text.splitlines():
        if not line.startswith("#"):
            name = re.match(r"[a-z_]+", line).group()
            assert name in described or re.sub("_(bucket|sum|count)$", "", name) in described, line
    judged = promtool("check", "metrics", input=text)
    assert (judged.returncode, judged.stdout + judged.stderr) == (0, "")


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_both_are_alive_and_ready(relay, ports, daemon):
    assert get(ports[daemon], "/healthz") == (200, "alive\n")
    assert get(ports[daemon], "/readyz") == (200, "ready\n")
    assert get(ports[daemon], "/elsewhere")[0] == 404
    assert get(ports[daemon], "/metrics", "POST")[0] == 405
    assert figures(ports[daemon])["tollgate_ready"] == 1


def test_logins_are_counted_by_mechanism_and_result(relay, ports, account):
    before = figures(ports["authd"])
    with relay.client() as client:
        assert client.auth_plain(account.username, "wrong") == 535
        assert client.auth_login("nobodyknowsme", "wrong") == 535
        assert client.auth_login(account.username, account.password) == 235
    after = figures(ports["authd"])
    grown = growth(before, after)
    login = 'tollgate_logins_total{{door="auth",mechanism="{}",result="{}"}}'
    assert grown(login.format("PLAIN", "password")) == 1
    assert grown(login.format("LOGIN", "unknown")) == 1
    assert grown(login.format("LOGIN", "ok")) == 1
    assert grown(login.format("PLAIN", "ok")) == 0
    assert grown('tollgate_answers_held_total{door="auth"}') == 1  # the second failure of this address
    assert grown('tollgate_answers_held_seconds_total{door="auth"}') == 0.5
    assert grown('tollgate_request_seconds_count{door="auth"}') == grown('tollgate_requests_total{door="auth"}') >= 5
    assert after["tollgate_throttle_entries"] >= 1
    assert after['tollgate_connections{door="auth"}'] >= 1


def test_the_sweep_is_counted(relay, ports):
    wait_until("a sweep", lambda: figures(ports["authd"])['tollgate_sweeps_total{result="done"}'] >= 1)
    now = figures(ports["authd"])
    assert now['tollgate_sweeps_total{result="failed"}'] == 0
    assert 0 <= time.time() - now["tollgate_sweep_last_success_seconds"] < 3600


def test_policy_answers_are_counted(relay, ports, account):
    before = figures(ports["authd"])
    relay.command("ip", "add", "127.0.0.9", account.username)
    with relay.client("127.0.0.9") as client:
        assert client.send(account.sender, "x@dest.test") == 250
    after = figures(ports["authd"])
    name = 'tollgate_answers_total{door="policy",answer="ok"}'
    assert after[name] - before[name] == 1
    assert after['tollgate_store_records{database="networks"}'] == 1


def test_messages_and_refusals_are_counted_by_rule(relay, ports, account):
    before = figures(ports["milter"])
    with relay.client(account=account) as client:
        assert client.send(account.sender, ["a@dest.test", "b@dest.test"]) == 250
        assert client.send("x@elsewhere.example", "a@dest.test") == 553
        assert client.command("RSET") == 250
        assert client.send(account.sender, "a@dest.test", header_from="x@elsewhere.example") == 550
    relay.use_up(account)
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 452
    after = figures(ports["milter"])
    grown = growth(before, after)
    refused = 'tollgate_milter_refusals_total{{rule="{}",verdict="{}"}}'
    assert grown(refused.format("sender", "reject")) == 1
    assert grown(refused.format("from", "reject")) == 1
    assert grown(refused.format("plan", "defer")) == 1
    assert grown(refused.format("store", "defer")) == 0
    assert grown('tollgate_milter_recipients_total{result="accepted"}') == 1000
    messages = grown('tollgate_milter_messages_total{result="accepted"}')
    assert messages == 11  # two recipients, then 998 by the hundred
    assert grown("tollgate_milter_end_of_message_seconds_count") == messages
    assert grown("tollgate_milter_end_of_message_seconds_sum") > 0
    assert grown("tollgate_committer_batch_charges_sum") == grown("tollgate_committer_charges_total") == messages
    assert grown("tollgate_committer_commit_seconds_count") == grown("tollgate_committer_batches_total") >= messages
    assert after["tollgate_store_used_bytes"] > 0
    wait_figure(ports["milter"], "tollgate_milter_sessions", 0)


def test_reports_are_counted_by_kind(relay, ports, account):
    name = 'tollgate_milter_reports_total{kind="hard"}'
    before = figures(ports["milter"])
    assert relay.send(account, "rej550@dest.test") == 250
    wait_figure(ports["milter"], name, before[name] + 1)
    assert figures(ports["milter"])['tollgate_milter_messages_total{result="report"}'] >= 1


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_silent_and_wordy_clients_cost_others_nothing(relay, ports, daemon):
    silent = [socket.create_connection(("127.0.0.1", ports[daemon])) for _ in range(31)]
    assert get(ports[daemon], "/healthz") == (200, "alive\n")
    with socket.create_connection(("127.0.0.1", ports[daemon]), DEADLINE_S) as wordy:
        try:
            wordy.sendall(b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 3000)
            assert wordy.recv(1) == b""
        except ConnectionError:
            pass
    more = [socket.create_connection(("127.0.0.1", ports[daemon])) for _ in range(10)]
    more[-1].settimeout(DEADLINE_S)
    assert more[-1].recv(1) == b""  # one too many
    for client in silent + more:
        client.close()
    wait_until("an answer", lambda: answered(ports[daemon]))


def answered(port):
    try:
        return get(port, "/healthz") == (200, "alive\n")
    except (ConnectionError, http.client.HTTPException):
        return False


@pytest.mark.parametrize("daemon", ["authd", "milter"])
def test_a_store_that_cannot_be_read_is_not_ready_and_says_why(make_relay, daemon):
    port = free_port()
    option = {"authd": "http_listen", "milter": "milter_http_listen"}[daemon]
    relay = make_relay(postfix=False, **{option: [f"inet:127.0.0.1:{port}"]})
    assert get(port, "/readyz")[0] == 200
    with open(relay.tollgate.store / "data.mdb", "r+b") as store:
        store.seek(2 * 4096)
        store.write(b"\xa5" * 60 * 4096)
    status, text = get(port, "/readyz")
    assert status == 503 and str(relay.tollgate.store) in text
    assert get(port, "/healthz")[0] == 200
    assert figures(port)["tollgate_ready"] == 0


def test_a_port_in_use_is_told_at_the_start(make_relay):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"inet:127.0.0.1:{taken.getsockname()[1]}"
        relay = make_relay(postfix=False, start=False, milter_http_listen=[address])
        milter = Process([BUILD / "milter/tollgate-milter", "-c", relay.tollgate.config], relay.directory / "milter.out")
        wait_until("the end of the milter", lambda: not milter.running())
        assert milter.child.returncode == 5
        assert f"can't listen on {address}: Address already in use" in milter.text()


# ---- the dashboard and the alerts ----

NAME = r"\b(?:tollgate|process)_[a-z_]+\b"


def expressions():
    """(where, PromQL) of all panels and alerts that ship."""
    dashboard = json.loads((SOURCE / "conf/grafana/tollgate.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    rules = (SOURCE / "conf/prometheus/tollgate.rules.yml").read_text()
    for alert, text in re.findall(r"- alert: (\w+)\n\s+expr: (.*?)\n\s+(?:for|labels):", rules, re.S):
        yield alert, text


def test_dashboard_and_alerts_use_metrics_and_labels_that_are_there(relay, ports):
    both = "".join(get(port)[1] for port in ports.values())
    series = set(re.findall(r"^([a-z_]+)[ {]", both, re.M))
    used = set()
    for where, expression in expressions():
        names = set(re.findall(NAME, expression))
        assert names or "time()" in expression, where
        assert names <= series, f"{where}: {names - series}"
        used |= names
        for name, selector in re.findall(f"({NAME})" + r"\{([^}]*)\}", expression):
            for label, operator, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', selector):
                for one in value.split("|") if label != "instance" else []:
                    assert re.search(rf'^{name}\{{[^}}]*\b{label}="{one}"', both, re.M), f"{where}: {name} {label}={one}"
        for labels in re.findall(r"\bby \(([^)]*)\)", expression):
            for label in set(re.split(r"\W+", labels)) - {"instance", ""}:
                assert all(re.search(rf'^{n}\{{[^}}]*\b{label}="', both, re.M) for n in names), f"{where}: {label}"
    assert len(used) > 40
    described = set(re.findall(r"^# TYPE (\S+) ", both, re.M))
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in used}
    assert described <= shown, f"not on the dashboard: {described - shown}"


def test_the_alerts_are_in_order_and_fire_when_they_should(tmp_path):
    rules = SOURCE / "conf/prometheus/tollgate.rules.yml"
    checked = promtool("check", "rules", rules)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = tmp_path / "cases.yml"
    cases.write_text(f"""
rule_files: [{rules}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'tollgate_build_info{{program="tollgate-authd",instance="a"}}'
        values: '1x60'
      - series: 'tollgate_ready{{instance="a"}}'
        values: '1x20 0x40'
      - series: 'tollgate_committer_failures_total{{instance="a"}}'
        values: '0x20 1x40'
      - series: 'tollgate_milter_reports_total{{kind="hard",instance="m"}}'
        values: '0+1x60'
      - series: 'tollgate_milter_recipients_total{{result="accepted",instance="m"}}'
        values: '0+5x60'
      - series: 'process_open_fds{{instance="a"}}'
        values: '90x60'
      - series: 'process_max_fds{{instance="a"}}'
        values: '100x60'
      - series: 'process_open_fds{{instance="other"}}'
        values: '99x60'
      - series: 'process_max_fds{{instance="other"}}'
        values: '100x60'
    alert_rule_test:
      - {{ eval_time: 15m, alertname: TollgateNotReady, exp_alerts: [] }}
      - {{ eval_time: 15m, alertname: TollgateStoreFailing, exp_alerts: [] }}
      - {{ eval_time: 15m, alertname: TollgateAuthdAway, exp_alerts: [] }}
      - eval_time: 15m
        alertname: TollgateMilterAway
        exp_alerts: [{{ exp_labels: {{ severity: critical, program: tollgate-milter }}, exp_annotations: {{
          summary: tollgate-milter gives no figures, description: All mail is deferred while it is away. }} }}]
      - eval_time: 25m
        alertname: TollgateNotReady
        exp_alerts: [{{ exp_labels: {{ severity: critical, instance: a }}, exp_annotations: {{
          summary: "a can't read or write the store",
          description: "All mail is deferred. Its /readyz says why; tollgate doctor says what to do." }} }}]
      - eval_time: 23m
        alertname: TollgateStoreFailing
        exp_alerts: [{{ exp_labels: {{ severity: critical, instance: a }}, exp_annotations: {{
          summary: "a could not write to the store",
          description: "The messages of that batch were deferred. The log has commit-failed and the reason." }} }}]
      - eval_time: 60m
        alertname: TollgateBounces
        exp_alerts: [{{ exp_labels: {{ severity: warning }}, exp_annotations: {{ summary: "20% of the mail bounces",
          description: "tollgate activity --kind bounce shows whose. The reputation of your addresses suffers." }} }}]
      - eval_time: 10m
        alertname: TollgateFileDescriptors
        exp_alerts: [{{ exp_labels: {{ severity: warning, instance: a }}, exp_annotations: {{
          summary: "a uses 90% of its file descriptors",
          description: "Without any left it takes no clients; raise LimitNOFILE in its unit." }} }}]
""")
    tested = promtool("test", "rules", cases)
    assert tested.returncode == 0, tested.stdout + tested.stderr
