"""A domain is proved by a TXT record in a real DNS; what is missing is told so that a person can act."""
import datetime
import json

import pytest

from servers.dns import BROKEN, Dns, Silent
from servers.process import free_port

RELAY = {"postfix": False, "start": False, "dns_timeout": 20}


@pytest.fixture(scope="module")
def dns(relay):
    server = Dns(relay.directory / "dns")
    server.start()
    relay.tollgate.configure(resolvers=[server.address])
    yield server
    server.stop()


@pytest.fixture
def asked_of(relay, dns):
    """Other resolvers for one test."""
    def change(*resolvers, **settings):
        relay.tollgate.configure(resolvers=list(resolvers), **settings)
    yield change
    relay.tollgate.configure(resolvers=[dns.address], dns_timeout=20, return_path_domain="")


@pytest.fixture(scope="module")
def customer(relay):
    return relay.command("customer", "add", "--name", "Example", "--email", "a@customers.test", "--accept-terms")["id"]


@pytest.fixture
def domain(relay, dns, customer, request):
    """A pending domain in the zone "test"; removed after the test."""
    made = relay.command("domain", "add", f"{request.node.name.split('[')[0].replace('_', '-')[:60]}.test", "--customer", customer)
    yield made
    relay.tollgate.try_command("--yes", "domain", "remove", made["domain"])


def record(domain, value=None, name=None):
    return f'{name or domain["txt_name"]}. IN TXT {value or quoted(domain["txt_value"])}'


def quoted(text):
    return '"' + text + '"'


def verify(relay, domain):
    return relay.tollgate.try_command("--json", "domain", "verify", domain["domain"])


def status(relay, domain):
    return relay.command("domain", "show", domain["domain"], "--no-dns")


def test_the_right_record_verifies(relay, dns, domain):
    dns.publish(record(domain))
    answer = verify(relay, domain)
    assert answer.status == 0, answer
    assert (answer.json["status"], answer.json["ok"], answer.json["status_reason"]) == ("verified", True, None)
    assert status(relay, domain)["checked"] is not None


def test_a_missing_record_fails_and_says_what_to_publish(relay, dns, domain):
    dns.publish()
    answer = verify(relay, domain)
    assert answer.status == 4
    assert domain["txt_name"] in answer.error["message"] and domain["txt_value"] in answer.error["message"]
    assert answer.json["status"] == "failed" == status(relay, domain)["status"]
    assert domain["txt_value"] in status(relay, domain)["status_reason"]
    dns.publish(record(domain))
    assert verify(relay, domain).status == 0
    assert status(relay, domain)["status"] == "verified"


def test_another_token_is_wrong_and_shown(relay, dns, domain):
    dns.publish(record(domain, '"tollgate-verify=somebodyelses"'))
    answer = verify(relay, domain)
    assert answer.status == 4
    assert '"tollgate-verify=somebodyelses"' in answer.error["message"] and domain["txt_value"] in answer.error["message"]


def test_other_records_beside_the_right_one_do_not_matter(relay, dns, domain):
    dns.publish(record(domain, '"v=something"'), record(domain), record(domain, '"tollgate-verify=old"'))
    assert verify(relay, domain).status == 0


def test_a_record_one_level_too_deep_is_recognised(relay, dns, domain):
    dns.publish(record(domain, name=f"{domain['txt_name']}.{domain['domain']}"))
    answer = verify(relay, domain)
    assert answer.status == 4 and "named twice" in answer.error["message"]


def test_a_record_at_the_domain_itself_is_recognised(relay, dns, domain):
    dns.publish(record(domain, name=domain["domain"]))
    answer = verify(relay, domain)
    assert answer.status == 4 and "at the domain itself" in answer.error["message"]


def test_aliases_are_followed(relay, dns, domain):
    dns.publish(f'{domain["txt_name"]}. IN CNAME one.test.', "one IN CNAME two.test.", f'two IN TXT {quoted(domain["txt_value"])}')
    assert verify(relay, domain).status == 0


def test_an_alias_to_nowhere_is_a_missing_record(relay, dns, domain):
    dns.publish(f'{domain["txt_name"]}. IN CNAME gone.test.')
    answer = verify(relay, domain)
    assert answer.status == 4 and "no TXT record" in answer.error["message"]


def test_strings_of_one_record_are_joined(relay, dns, domain):
    value = domain["txt_value"]
    dns.publish(record(domain, " ".join(quoted(part) for part in (value[:5], value[5:20], value[20:]))))
    assert verify(relay, domain).status == 0


def test_an_answer_too_long_for_udp_comes_by_tcp(relay, dns, domain):
    long = " ".join(quoted(c * 255) for c in "abcdefgh")
    dns.publish(record(domain, long), record(domain))
    assert verify(relay, domain).status == 0
    # named logs the flags of a question: "+E(0)" by UDP, with a T by TCP.
    flags = [query.split(" IN TXT ")[1].split()[0] for query in dns.queries(domain["txt_name"])]
    assert [("T" in f) for f in flags] == [False, True]


def expect_no_change(relay, domain, words):
    before = status(relay, domain)
    answer = verify(relay, domain)
    assert answer.status == 1, answer
    assert words in answer.error["message"] and answer.out == ""
    assert status(relay, domain) == before


def test_a_servfail_changes_nothing(relay, dns, customer):
    broken = relay.command("domain", "add", BROKEN, "--customer", customer)
    expect_no_change(relay, broken, "SERVFAIL")
    relay.command("domain", "remove", BROKEN)


def test_a_refusal_of_the_resolver_changes_nothing(relay, dns, customer):
    foreign = relay.command("domain", "add", "foreign.example", "--customer", customer)
    expect_no_change(relay, foreign, "refused the question")


def test_silence_changes_nothing_and_is_bounded(relay, dns, domain, asked_of):
    silent = Silent()
    asked_of(silent.address, dns_timeout=1)
    expect_no_change(relay, domain, f"{silent.address} did not answer in time")
    assert silent.asked()
    silent.close()


def test_a_port_where_nothing_listens_changes_nothing(relay, domain, asked_of):
    asked_of(f"127.0.0.1:{free_port()}")
    expect_no_change(relay, domain, "nothing listens")


def test_the_second_resolver_answers_for_a_silent_first(relay, dns, domain, asked_of):
    silent = Silent()
    dns.publish(record(domain))
    asked_of(silent.address, dns.address, dns_timeout=4)
    assert verify(relay, domain).status == 0
    assert silent.asked()
    silent.close()


def test_the_second_resolver_answers_for_a_dead_first(relay, dns, domain, asked_of):
    dns.publish(record(domain))
    asked_of(f"127.0.0.1:{free_port()}", dns.address)
    assert verify(relay, domain).status == 0


def test_a_verified_domain_survives_one_failed_check(relay, dns, domain):
    dns.publish(record(domain))
    assert verify(relay, domain).status == 0
    dns.publish()
    answer = verify(relay, domain)
    assert answer.status == 4 and answer.error["message"].startswith("still verified, but no TXT record")
    shown = status(relay, domain)
    assert (shown["status"], shown["failed_checks"]) == ("verified", 1) and "no TXT record" in shown["status_reason"]
    dns.publish(record(domain))
    assert verify(relay, domain).status == 0
    assert status(relay, domain)["failed_checks"] == 0


def test_the_providers_word_stands_where_the_dns_has_nothing(relay, dns, domain):
    dns.publish()
    relay.command("domain", "verify", domain["domain"], "--trust")
    assert verify(relay, domain).status == 4
    shown = status(relay, domain)
    assert (shown["status"], shown["trusted"], shown["failed_checks"]) == ("verified", True, 0)


def test_show_finds_everything(relay, dns, domain, asked_of):
    name = domain["domain"]
    asked_of(dns.address, return_path_domain="bounces.test")
    dns.publish(record(domain), f'{name}. IN TXT "v=spf1 include:relay.test -all"', f'{name}. IN TXT "something else"',
                f's2._domainkey.{name}. IN TXT "v=DKIM1; p=abc"', f'_dmarc.{name}. IN TXT "v=DMARC1; p=reject"',
                "bounces IN MX 10 mx.test.", 'bounces IN TXT "v=spf1 mx -all"')
    facts = relay.command("domain", "show", name)["dns"]
    assert {key: fact["state"] for key, fact in facts.items()} == dict.fromkeys(
        ("ownership", "spf", "dkim", "dmarc", "return_path", "return_path_spf"), "found")
    assert facts["spf"]["value"] == "v=spf1 include:relay.test -all"
    assert facts["dkim"]["name"] == f"s2._domainkey.{name}"
    assert facts["return_path"]["value"] == "MX 10 mx.test"


def test_show_tells_what_is_missing(relay, dns, domain, asked_of):
    name = domain["domain"]
    asked_of(dns.address, return_path_domain="bounces.test")
    dns.publish(f'{name}. IN TXT "v=spf1 -all"', f'{name}. IN TXT "v=spf1 mx -all"')
    facts = relay.command("domain", "show", name)["dns"]
    assert facts["ownership"]["state"] == "missing" and domain["txt_value"] in facts["ownership"]["text"]
    assert facts["spf"]["state"] == "wrong" and "2 records" in facts["spf"]["text"]
    assert (facts["dkim"]["state"], facts["dkim"]["text"]) == ("missing", "there is no DKIM key at any selector")
    assert facts["dmarc"]["state"] == "missing"
    assert facts["return_path"]["state"] == "missing" and "can't come back" in facts["return_path"]["text"]


def test_show_knows_of_keys_at_other_selectors(relay, dns, domain):
    dns.publish(f'other._domainkey.{domain["domain"]}. IN TXT "v=DKIM1; p=abc"')
    dkim = relay.command("domain", "show", domain["domain"])["dns"]["dkim"]
    assert dkim["state"] == "missing" and "others may exist" in dkim["text"] and "selector1" in dkim["text"]


def test_dmarc_of_the_organisation_counts_for_a_subdomain(relay, dns, customer):
    relay.command("domain", "add", "mail.shop.test", "--customer", customer)
    dns.publish('_dmarc.shop.test. IN TXT "v=DMARC1; p=none"')
    dmarc = relay.command("domain", "show", "mail.shop.test")["dns"]["dmarc"]
    assert (dmarc["state"], dmarc["name"]) == ("found", "_dmarc.shop.test")


def test_show_goes_on_without_a_dns_and_can_be_told_not_to_ask(relay, dns, domain, asked_of):
    asked_of(f"127.0.0.1:{free_port()}")
    answer = relay.command("domain", "show", domain["domain"])
    assert answer["status"] == "pending" and answer["dns"]["spf"]["state"] == "unknown"
    assert "dns" not in relay.command("domain", "show", domain["domain"], "--no-dns")


def test_people_see_the_record_to_copy(relay, dns, domain):
    dns.publish()
    out = relay.tollgate.try_command("domain", "show", domain["domain"]).out
    assert f'{domain["txt_name"]}. TXT "{domain["txt_value"]}"' in out
    assert "SPF         missing" in out


def test_a_domain_in_use_is_refused_with_names_or_taken_away_with_yes(relay):
    account = relay.tollgate.add_account(domain="inuse.test")
    answer = relay.tollgate.try_command("--json", "domain", "remove", "inuse.test")
    assert answer.status == 2  # nobody can be asked
    relay.command("domain", "remove", "inuse.test")
    assert relay.tollgate.show(account)["domains"] == []
    assert relay.tollgate.try_command("domain", "show", "inuse.test", "--no-dns").status == 3


def test_the_maximum_says_what_to_do(relay, customer):
    account = relay.tollgate.add_account("--max-domains", "1")
    relay.tollgate.add_domain("second.test", account.customer)
    answer = relay.tollgate.try_command("--json", "domain", "associate", "second.test", account.username)
    assert answer.status == 4
    assert f"tollgate account set {account.username} --max-domains 2" in answer.error["message"]


# ---- the sweep ----

def later(**delta):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def sweep(relay, **delta):
    return relay.command("sweep", "--at", later(**delta))


def test_the_sweep_verifies_what_was_published_meanwhile(relay, dns, domain):
    dns.publish()
    assert verify(relay, domain).status == 4
    dns.publish(record(domain))
    sweep(relay, minutes=30)
    assert status(relay, domain)["status"] == "failed"  # looked at within the hour
    assert sweep(relay, hours=2)["done"]["domains_checked"] >= 1
    assert status(relay, domain)["status"] == "verified"


def test_the_sweep_fails_a_domain_after_days_only_and_says_why(relay, dns, domain):
    dns.publish(record(domain))
    assert verify(relay, domain).status == 0
    dns.publish()
    dry = relay.command("sweep", "--dry-run", "--at", later(hours=25))
    assert dry["done"]["domains_checked"] >= 1 and status(relay, domain)["failed_checks"] == 0
    for hours, failures in ((25, 1), (26, 1), (32, 2), (48, 3)):
        sweep(relay, hours=hours)
        shown = status(relay, domain)
        assert (shown["status"], shown["failed_checks"]) == ("verified", failures)
    swept = sweep(relay, hours=25 + 72)
    assert ["domains_failed", domain["domain"]] in [[e["what"], e["subject"]] for e in swept["events"]]
    assert status(relay, domain)["status"] == "failed" and domain["txt_value"] in status(relay, domain)["status_reason"]
    audited = [a for a in relay.command("audit") if a["subject"] == domain["domain"]]
    assert "failed: no TXT record" in json.dumps(audited[-1])
    dns.publish(record(domain))
    sweep(relay, hours=25 + 72 + 24)
    assert status(relay, domain)["status"] == "verified"


def test_a_dead_resolver_is_a_problem_of_the_sweep_and_nothing_else(relay, dns, domain, asked_of):
    dns.publish(record(domain))
    assert verify(relay, domain).status == 0
    asked_of(f"127.0.0.1:{free_port()}", dns_timeout=2)
    swept = sweep(relay, hours=25)
    assert any("nothing listens there" in p["detail"] for p in swept["problems"])
    shown = status(relay, domain)
    assert (shown["status"], shown["failed_checks"]) == ("verified", 0)
