"""The rules client, login and status: who may send at all."""


def authorise(relay, account, address=None):
    address = address or relay.new_address()
    relay.command("ip", "add", address, account.username)
    return address


# ---- client ----

def test_an_unknown_client_is_refused_at_mail(relay, account):
    address = relay.new_address()
    with relay.client(address) as client:
        event = relay.refused(client.mail(account.sender), 530, "5.7.0", "client")
    assert (event["username"], event["client"], event["sender"]) == (None, address, account.sender)


def test_an_authorised_address_sends_without_authentication(relay, account):
    address = authorise(relay, account)
    assert relay.send(None, sender=account.sender, source=address, subject="by address") == 250
    assert relay.sink.wait(subject="by address").sender == account.sender
    assert relay.tollgate.activity(account)[-1]["client"] == address
    assert relay.tollgate.used(account) == 1


def test_a_neighbour_of_an_authorised_address_is_unknown(relay, account):
    authorise(relay, account, "127.8.0.1")
    with relay.client("127.8.0.2") as client:
        relay.refused(client.mail(account.sender), 530, "5.7.0", "client")


def test_ip_lock_wants_both_a_login_and_an_authorised_address(relay):
    account = relay.tollgate.add_account("--ip-lock")
    home = authorise(relay, account)
    elsewhere = relay.new_address()
    with relay.client(elsewhere, account) as client:
        reply = client.mail(account.sender)
        relay.refused(reply, 530, "5.7.0", "client")
        assert elsewhere in reply
    with relay.client(home) as client:
        reply = client.mail(account.sender)
        relay.refused(reply, 530, "5.7.0", "client")
        assert "needs authentication as well" in reply
    assert relay.send(account, source=home) == 250
    relay.command("account", "set", account.username, "--ip-lock", "off")
    assert relay.send(account, source=elsewhere) == 250


def test_unknown_clients_that_are_ignored_pass_untouched_and_postfix_decides(relay, account):
    with relay.tollgate.changed(relay.tollgate.milter, unknown_clients="ignore"):
        with relay.client(relay.new_address()) as client:
            assert client.mail("anybody@elsewhere.test") == 250
            # Postfix relays for nobody whom Tollgate does not know, but its own domain's mail it takes.
            assert "Relay access denied" in client.rcpt("x@dest.test")
            assert client.rcpt("x@nowhere.test") == 250
            assert client.data("From: anybody@elsewhere.test\nSubject: untouched\n\nx\n") == 250
        assert relay.sink.wait(subject="untouched").header("X-Tollgate-Trace") == []
        # Whoever is known is judged as ever.
        with relay.client(account=account) as client:
            relay.refused(client.mail("anybody@elsewhere.test"), 553, "5.7.1", "sender")


# ---- login ----

def test_a_login_whose_account_is_gone_is_refused_at_mail(relay, account):
    with relay.client(account=account) as client:
        relay.command("account", "remove", account.username)
        event = relay.refused(client.mail(account.sender), 550, "5.7.1", "login")
        assert event["login"] == account.username and event["username"] is None


def test_unknown_logins_that_are_ignored_pass_untouched(relay, account):
    with relay.tollgate.changed(relay.tollgate.milter, unknown_logins="ignore"):
        with relay.client(account=account) as client:
            relay.command("account", "remove", account.username)
            assert client.send("anybody@elsewhere.test", "x@dest.test", subject="other's login") == 250
        assert relay.sink.wait(subject="other's login").header("X-Tollgate-Trace") == []


# ---- status ----

def test_an_account_disabled_after_auth_is_refused_at_its_next_mail(relay, account):
    with relay.client(account=account) as client:
        assert client.send(account.sender, "x@dest.test") == 250
        relay.command("account", "disable", account.username, "--reason", "spam run, ticket 812")
        reply = client.mail(account.sender)
        relay.refused(reply, 550, "5.7.1", "status")
        assert "disabled, spam run, ticket 812" in reply
        relay.command("account", "enable", account.username)
        assert client.send(account.sender, "x@dest.test") == 250
    assert relay.tollgate.used(account) == 2


def test_an_account_disabled_in_the_middle_of_a_message_is_refused_at_the_next_command(relay, account):
    with relay.client(account=account) as client:
        assert client.mail(account.sender) == 250
        relay.command("account", "disable", account.username)
        relay.refused(client.rcpt("x@dest.test"), 550, "5.7.1", "status")
        relay.command("account", "enable", account.username)
        assert client.rcpt("x@dest.test") == 250
        relay.command("account", "disable", account.username)
        relay.refused(client.data(f"From: {account.sender}\n\nx\n"), 550, "5.7.1", "status")
    assert relay.tollgate.used(account) == 0


def test_an_authorised_address_of_a_disabled_account_is_told_so(relay, account):
    address = authorise(relay, account)
    relay.command("account", "disable", account.username)
    with relay.client(address) as client:
        event = relay.refused(client.mail(account.sender), 550, "5.7.1", "status")
    assert event["username"] == account.username
