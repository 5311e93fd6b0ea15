"""Domains and addresses beyond ASCII: one domain, however it is written."""
import pytest

from servers.process import wait_until

U_LABEL, A_LABEL = "bücher.example", "xn--bcher-kva.example"


@pytest.fixture(scope="module", params=[U_LABEL, A_LABEL], ids=["added as U-label", "added as A-label"])
def shop(request, relay):
    """An account whose domain was given to the command in either form."""
    account = relay.tollgate.add_account(domain=request.param)
    account.relay = relay
    yield account
    relay.command("domain", "dissociate", account.domain, account.username)
    relay.command("domain", "remove", account.domain)


@pytest.mark.parametrize("sender", [f"info@{U_LABEL}", f"info@{A_LABEL}", "info@BÜCHER.example", f"info@{A_LABEL.upper()}",
                                    "info@bu\u0308cher.example"])
def test_the_sender_may_be_written_as_u_label_or_a_label(shop, sender):
    relay = shop.relay
    with relay.client(account=shop) as client:
        assert client.send(sender, "x@dest.test", header_from=f"info@{A_LABEL}", options="SMTPUTF8") == 250


@pytest.mark.parametrize("author", [f"info@{U_LABEL}", f"info@{A_LABEL}", f"Bücherei <info@{U_LABEL}>", f'"Bücher, Inc." <info@{A_LABEL}>',
                                    f"=?utf-8?q?B=C3=BCcher?= <info@{A_LABEL}>", f"vertrieb-süd@{U_LABEL}"])
def test_from_may_be_written_as_u_label_or_a_label(shop, author):
    with shop.relay.client(account=shop) as client:
        assert client.send(f"info@{A_LABEL}", "x@dest.test", header_from=author, options="SMTPUTF8") == 250


def test_a_message_with_smtputf8_is_delivered_with_it(shop):
    relay = shop.relay
    with relay.client(account=shop) as client:
        assert client.send(f"süd@{U_LABEL}", "größe@dest.test", subject=f"utf8 {shop.username}", options="SMTPUTF8") == 250
    mail = relay.sink.wait(subject=f"utf8 {shop.username}")
    assert mail.sender == f"süd@{U_LABEL}" and mail.recipients == ["größe@dest.test"] and "SMTPUTF8" in mail.mail
    assert mail.header("From") == [f"süd@{U_LABEL}"]
    event = [e for e in relay.tollgate.activity(shop) if e["kind"] == "accepted"][-1]
    assert (event["sender"], event["header_from"]) == (f"süd@{U_LABEL}", f"süd@{U_LABEL}")


def test_another_idn_domain_is_foreign_however_much_it_looks_alike(shop):
    relay = shop.relay
    with relay.client(account=shop) as client:
        for sender in "a@bucher.example", "a@büchér.example", "a@xn--bcher-kvaa.example", "a@b\u00fc\u0441her.example":
            reply = client.mail(sender, "SMTPUTF8")
            assert reply == 553 and "[ref " in reply, (sender, reply)
        reply = client.send(f"info@{A_LABEL}", "x@dest.test", header_from="boss@böse.example", options="SMTPUTF8")
        relay.refused(reply, 550, "5.7.1", "from")
        assert "xn--bse-sna.example in From is not associated" in reply


def test_the_same_domain_can_not_be_added_in_its_other_form(shop):
    for form in U_LABEL, A_LABEL, "BÜCHER.example":
        answer = shop.relay.tollgate.try_command("--json", "domain", "add", form, "--customer", shop.customer)
        assert (answer.status, answer.error["code"]) == (4, "refused")
    domain = shop.relay.command("account", "show", shop.username)["domains"][0]["domain"]
    assert domain == A_LABEL


def test_mail_without_smtputf8_leaves_with_an_address_that_any_server_takes(shop):
    """Where bounces go: a domain is written in A-labels; an address that can't be is of no use to such a message."""
    relay = shop.relay
    for notify, options, sender in ((f"ops@{U_LABEL}", "", f"ops@{A_LABEL}"), (f"süd@{U_LABEL}", "", f"info@{A_LABEL}"),
                                    (f"süd@{U_LABEL}", "SMTPUTF8", f"süd@{U_LABEL}")):
        subject = f"{notify} {bool(options)} {shop.username}".encode("ascii", "replace").decode()
        relay.command("account", "set", shop.username, "--notify", notify)
        with relay.client(account=shop) as client:
            assert client.send(f"info@{A_LABEL}", "x@dest.test", subject=subject, options=options) == 250
        mail = relay.sink.wait(subject=subject)
        assert mail.sender == sender and ("SMTPUTF8" in mail.mail) == bool(options), mail.mail
    relay.command("account", "set", shop.username, "--notify", f"ops@{U_LABEL}")
    assert relay.send(shop, "rej550.idn@dest.test", sender=f"info@{A_LABEL}") == 250
    relay.sink.wait(to=f"ops@{A_LABEL}")


def test_each_spelling_of_a_recipients_domain_is_delivered_and_counted(shop):
    """One domain by IDNA, but Postfix delivers to each: so each is taken from the plan, as what is accepted must be."""
    relay = shop.relay
    spellings = ["x@dest.test", "x@\uff44est.test", "x@d\uff45st.test", "x@de\uff53t.test"]
    before = relay.tollgate.show(shop)["plan"]["used"]
    with relay.client(account=shop) as client:
        assert client.send(shop.sender, spellings, subject=f"spelt {shop.username}", options="SMTPUTF8") == 250
    wait_until("a delivery to each spelling", lambda: len(spellings) == sum(
        len(mail.recipients) for mail in relay.sink.find(subject=f"spelt {shop.username}")))
    assert relay.tollgate.show(shop)["plan"]["used"] - before == len(spellings)
