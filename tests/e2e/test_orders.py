"""Plans, orders and mails: from the catalogue to a message that a paid plan lets through, with the private Postfix's own
sendmail(1) as mailer and the mail arriving where Postfix delivers it."""
import datetime
import json
import re
import subprocess
import time
from email.header import decode_header, make_header

import pytest

from servers.process import BUILD, wait_until
from servers.tollgate import Account

RELAY = {"user": "", "payment_url": "https://pay.example/order/%s", "mail_from": "billing@relay.test",
         "provider_mail": "abuse@relay.test"}

ORDER_KEYS = {"id", "username", "plan", "messages", "amount", "currency", "status", "created", "due", "payment_url"}


@pytest.fixture(scope="module")
def shop(relay):
    """Postfix's sendmail(1) as mailer, and two plans on sale."""
    relay.tollgate.configure(mailer=f"/usr/sbin/sendmail -C {relay.postfix.etc} -i -t",
                             templates=relay.directory / "templates")
    relay.command("plan", "set", "monthly", "--messages", 20, "--price", "9.90", "--on-sale")
    relay.command("plan", "set", "monthly", "--messages", 50, "--price", "19.90", "--on-sale")
    relay.command("plan", "set", "prepaid", "--messages", 10, "--price", "1500", "--currency", "JPY", "--on-sale")
    return relay


@pytest.fixture
def customer(shop):
    n = next(shop.tollgate.numbers)
    made = shop.command("customer", "add", "--name", f"Żółw & Söhne {n}", "--email", f"order{n}@customers.test", "--accept-terms")
    shop.command("customer", "billing", made["id"], "--company", "Żółw GmbH", "--address", "Hauptstr. 1, Wien")
    return made


def order_account(shop, customer, plan="monthly", messages=20):
    return shop.command("account", "add", "--customer", customer["id"], "--description", "newsletter", "--type", "transactional",
                        "--plan", plan, "--messages", messages)


def usable(shop, made):
    """With a domain, so that it may send."""
    a = made["account"]
    account = Account(a["username"], made["password"], a["id"], a["customer"], f"d{a['id']}.example")
    shop.tollgate.add_domain(account.domain, account.customer)
    shop.command("domain", "associate", account.domain, account.username)
    return account


def tries(shop, *argv):
    answer = shop.tollgate.try_command("--json", "--yes", *argv)
    return answer.status, (answer.error if answer.status else answer.json)


# ---- the main path ----


def test_an_order_is_mailed_paid_and_lets_mail_through(shop, customer):
    made = order_account(shop, customer)
    assert made["account"]["status"] == "waiting"
    order = made["order"]
    plan = made["account"]["plan"]
    assert (plan["plan"], plan["messages"], plan["used"], plan["left"], plan["period_end"]) == ("monthly", 20, 0, 0, None)
    assert ORDER_KEYS <= set(order)
    assert (order["amount"], order["currency"], order["status"]) == ("9.90", "EUR", "unpaid")
    assert order["mail"]["status"] == "sent", order["mail"]
    # The mail, as Postfix delivered it.
    mail = shop.sink.wait(to=customer["email"])
    assert mail.header("From") == ["billing@relay.test"]
    assert mail.header("Auto-Submitted") == ["auto-generated"]
    assert mail.header("Content-Type") == ["text/plain; charset=utf-8"]
    assert len(mail.header("Date")) == len(mail.header("Message-ID")) == 1
    assert f"order {order['id']}" in mail.header("Subject")[0]
    body = re.sub(r"=\r\n", "", mail.text.split("\r\n\r\n", 1)[1])
    assert order["payment_url"] in body and "9.90 EUR" in body
    # Waiting: it may log in, and hears why its mail is not taken.
    account = usable(shop, made)
    with shop.client(account=account) as client:
        reply = client.mail(account.sender)
        assert reply == 550 and "waiting" in reply
    # The provider's callback knows the token only.
    paid = shop.command("order", "pay", order["payment_url"].rsplit("/", 1)[1], "--reference", "tx 1")
    assert (paid["status"], paid["reference"], paid["again"], paid["payment_url"]) == ("paid", "tx 1", False, None)
    assert shop.command("order", "pay", order["id"], "--reference", "tx 1")["again"] is True
    status, error = tries(shop, "order", "pay", order["id"], "--reference", "tx 2")
    assert status == 4 and error["code"] == "refused" and "another payment" in error["message"]
    assert shop.send(account, subject="after payment") == 250
    assert shop.tollgate.show(account)["plan"]["left"] == 19
    assert shop.sink.wait(subject=f"Order {order['id']} is paid")
    assert shop.command("account", "ledger", account.username)[0]["kind"] == "purchase"


def test_a_failing_mailer_does_not_lose_the_order_and_the_sweep_sends_it(shop, customer):
    working = shop.tollgate.settings["mailer"]
    shop.tollgate.configure(mailer="echo 'queue is full' >&2; exit 75")
    try:
        answer = shop.tollgate.try_command("account", "add", "--customer", customer["id"], "--description", "x", "--type",
                                           "transactional", "--plan", "monthly", "--messages", 20)
        assert answer.status == 0
        assert "will be tried again" in answer.err and "queue is full" in answer.err
        assert "payable until" in answer.out and "https://pay.example/order/" in answer.out
        order = shop.command("order", "list", "--status", "unpaid")[-1]
        assert order["mail"]["status"] == "failed" and order["mail"]["attempts"] in (1, 2)  # authd's first sweep may have tried, too
        assert order["mail"]["error"] == "the mailer exited with 75: queue is full"
        shown = shop.tollgate.try_command("order", "show", order["id"]).out
        assert re.search(r"failed after \d+ attempts?, ", shown) and "queue is full" in shown
        swept = shop.command("sweep")
        assert swept["done"]["mails_failed"] == 1 and "queue is full" in swept["problems"][0]["detail"]
    finally:
        shop.tollgate.configure(mailer=working)
    assert not shop.sink.find(to=customer["email"])
    assert shop.command("sweep")["done"]["mails_sent"] == 1
    assert shop.sink.wait(to=customer["email"])
    assert shop.command("order", "show", order["id"])["mail"]["status"] == "sent"


def test_templates_replace_the_text_and_a_wrong_one_is_told(shop, customer):
    place = shop.directory / "templates"
    place.mkdir()
    try:
        (place / "order.txt").write_text("Subject: Bestellung {{order}} für {{name}}\n\nBitte: {{payment_url}}\n")
        (place / "paid.txt").write_text("Subject: {{oops}}\n\nx\n")
        order = order_account(shop, customer)["order"]
        mail = shop.sink.wait(to=customer["email"])
        assert str(make_header(decode_header(mail.header("Subject")[0]))) == f"Bestellung {order['id']} für {customer['name']}"
        answer = shop.tollgate.try_command("order", "pay", order["id"])
        assert answer.status == 0 and "{{oops}} is not known" in answer.err
        assert shop.sink.wait(subject=f"Order {order['id']} is paid")
        assert "{{oops}} is not known" in shop.command("sweep")["problems"][0]["detail"]
    finally:
        (place / "order.txt").unlink()
        (place / "paid.txt").unlink()
        place.rmdir()


def test_a_name_can_not_add_a_header(shop):
    """Control characters are refused at the door; what else a name may hold stays in its field."""
    status, error = tries(shop, "customer", "add", "--name", "A\nBcc: all@dest.test", "--email", "evil@customers.test", "--accept-terms")
    assert status == 2 and "control characters" in error["message"]
    made = shop.command("customer", "add", "--name", 'A", <all@dest.test>, "B', "--email", "sly@customers.test", "--accept-terms")
    shop.command("customer", "billing", made["id"], "--company", "C", "--address", "D")
    order_account(shop, made)
    mail = shop.sink.wait(to="sly@customers.test")
    assert mail.recipients == ["sly@customers.test"]


# ---- plans ----


def test_the_catalogue(shop):
    assert shop.command("plan", "quote", "monthly", "--messages", 50) == {
        "plan": "monthly", "messages": 50, "price": "19.90", "currency": "EUR", "price_minor": 1990, "on_sale": True}
    assert shop.command("plan", "quote", "prepaid")["price"] == "1500"
    table = shop.tollgate.try_command("plan", "list").out
    assert re.search(r"^prepaid +10 +1500 +JPY +yes$", table, re.M)
    assert re.search(r"^free +1000 +0.00 +EUR +yes$", table, re.M)
    for argv, status, words in (
            (("plan", "quote", "monthly"), 2, "several sizes"),
            (("plan", "quote", "monthly", "--messages", 21), 3, "it comes with 20, 50"),
            (("plan", "quote", "gold"), 2, "free, monthly or prepaid"),
            (("plan", "set", "monthly", "--messages", 20, "--price", "9.905"), 2, "at most 2 digits"),
            (("plan", "set", "monthly", "--messages", 20, "--price", "9,90"), 2, "with a dot"),
            (("plan", "set", "prepaid", "--messages", 10, "--price", "15.5", "--currency", "JPY"), 2, "in JPY"),
            (("plan", "set", "monthly", "--messages", 20, "--price", "1", "--currency", "EURO"), 2, "ISO 4217"),
            (("plan", "set", "monthly", "--messages", 77), 2, "needs a price"),
            (("plan", "set", "monthly", "--messages", 20, "--on-sale", "--off-sale"), 2, "choose one"),
            (("plan", "set", "free", "--messages", 10, "--price", "1"), 2, "costs nothing"),
            (("plan", "set", "monthly", "--price", "1"), 2, "--messages"),
    ):
        got, error = tries(shop, *argv)
        assert got == status and words in error["message"], argv


def test_what_an_order_needs(shop):
    made = shop.command("customer", "add", "--name", "No Billing", "--email", "nb@customers.test", "--accept-terms")
    argv = ("account", "add", "--customer", made["id"], "--description", "x", "--type", "transactional", "--plan", "monthly")
    status, error = tries(shop, *argv, "--messages", 20)
    assert status == 4 and f"tollgate customer billing {made['id']}" in error["message"]
    status, error = tries(shop, *argv)
    assert status == 2 and "20, 50" in error["message"]
    status, error = tries(shop, *argv, "--messages", 5000)
    assert status == 4 and "not on sale" in error["message"]
    assert shop.command("account", "list", "--customer", made["id"]) == []


def test_plans_go_up_at_payment_and_down_at_the_end(shop, customer):
    made = order_account(shop, customer)
    user = made["account"]["username"]
    shop.command("order", "pay", made["order"]["id"])
    up = shop.command("account", "plan", user, "--plan", "monthly", "--messages", 50)
    assert up["order"]["kind"] == "change" and up["account"]["plan"]["messages"] == 20
    assert up["account"]["plan"]["next"] == {"plan": "monthly", "messages": 50, "at": None, "order": up["order"]["id"]}
    shown = shop.tollgate.try_command("account", "show", user).out
    assert f"monthly, 50 messages, when order {up['order']['id']} is paid" in shown
    assert re.search(rf"orders +{up['order']['id']}: unpaid, monthly 50, 19.90 EUR, due ", shown)
    status, error = tries(shop, "account", "plan", user, "--plan", "monthly", "--messages", 50)
    assert status == 4 and f"order {up['order']['id']}" in error["message"]
    shop.command("order", "pay", up["order"]["id"])
    plan = shop.command("account", "show", user)["plan"]
    assert (plan["messages"], plan["left"], plan["next"]) == (50, 70, None)
    down = shop.command("account", "plan", user, "--plan", "free")
    assert down["order"] is None
    assert down["account"]["plan"]["next"] == {"plan": "free", "messages": 1000, "at": plan["period_end"], "order": None}
    answer = shop.tollgate.try_command("account", "plan", user, "--plan", "monthly", "--messages", 50)
    assert answer.status == 0 and answer.out == "plan monthly, 50 messages\n"
    status, error = tries(shop, "account", "plan", user, "--plan", "monthly", "--messages", 50)
    assert status == 4 and "already" in error["message"]
    status, error = tries(shop, "account", "topup", user, "--messages", 10)
    assert status == 4 and "only a prepaid one" in error["message"]


def test_a_package_is_topped_up(shop, customer):
    made = order_account(shop, customer, "prepaid", 10)
    account = usable(shop, made)
    assert made["order"]["amount"] == "1500" and made["order"]["currency"] == "JPY"
    shop.command("order", "pay", made["order"]["id"])
    first = shop.command("account", "show", account.username)["plan"]
    assert (first["left"], first["period_end"]) == (10, None)
    with shop.client(account=account) as client:
        assert client.send(account.sender, [f"r{i}@use.test" for i in range(10)]) == 250
        assert client.send(account.sender, "one@use.test") == 452
        topped = shop.command("account", "topup", account.username)
        assert topped["order"]["kind"] == "topup"
        assert client.send(account.sender, "one@use.test") == 452
        shop.command("order", "pay", topped["order"]["id"])
        assert client.send(account.sender, "one@use.test") == 250
    assert [m["kind"] for m in shop.command("account", "ledger", account.username)] == ["purchase", "extension", "use"]
    assert shop.command("store", "check")["ok"]


# ---- orders ----


def test_orders_are_listed_shown_and_cancelled(shop, customer):
    made = order_account(shop, customer)
    user, order = made["account"]["username"], made["order"]["id"]
    rows = shop.command("order", "list", "--account", user)
    assert [row["id"] for row in rows] == [order] and ORDER_KEYS <= set(rows[0])
    table = shop.tollgate.try_command("order", "list", "--account", user).out
    assert re.match(r"ID +STATUS +USERNAME +KIND +PLAN +MESSAGES +AMOUNT +DUE +CURRENCY +CREATED\n", table)
    assert re.search(rf"^ *{order} +unpaid +{user} +opening +monthly +20 +9.90 +.* +EUR ", table, re.M)
    shown = shop.tollgate.try_command("order", "show", order).out
    assert "9.90 EUR" in shown and "sent to " + customer["email"] in shown
    answer = shop.tollgate.try_command("order", "cancel", order)
    assert answer.status == 2 and "--yes" in answer.err
    assert shop.command("order", "cancel", order)["status"] == "cancelled"
    for argv, status, words in (
            (("order", "cancel", order), 4, "cancelled already"),
            (("order", "pay", order), 4, "was cancelled"),
            (("order", "show", 99999), 3, "no order 99999"),
            (("order", "show", "99999-abc"), 3, "no order has that token"),
            (("order", "show", f"{order}-abc"), 3, "no order has that token"),
            (("order", "show", "x"), 2, "neither an order's number nor its token"),
            (("order", "pay", 99999), 3, "no order"),
            (("order", "list", "--status", "lost"), 2, "unpaid"),
            (("order", "list", "--account", "nobodyatall1"), 3, "no account"),
            (("account", "plan", "nobodyatall1", "--plan", "free"), 3, "no account"),
            (("account", "topup", "nobodyatall1"), 3, "no account"),
    ):
        got, error = tries(shop, *argv)
        assert got == status and words in error["message"], (argv, error)


def test_a_payment_that_many_report_at_once_happens_once(shop, customer):
    made = order_account(shop, customer, "prepaid", 10)
    argv = [BUILD / "admin/tollgate", "-c", shop.tollgate.config, "--json", "order", "pay",
            str(made["order"]["id"]), "--reference", "one"]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    answers = [json.loads(p.communicate(timeout=120)[0]) for p in running]
    assert [p.returncode for p in running] == [0] * 8
    assert sorted(a["again"] for a in answers) == [False] + [True] * 7
    user = made["account"]["username"]
    assert shop.command("account", "show", user)["plan"]["left"] == 10
    assert [m["kind"] for m in shop.command("account", "ledger", user)] == ["purchase"]
    wait_until("the receipt", lambda: shop.sink.find(to=customer["email"], subject=f"Order {made['order']['id']} is paid"))
    assert len(shop.sink.find(to=customer["email"])) == 2


# ---- the sweep ----


def test_the_sweep_bills_reminds_and_stops_and_paying_mends(shop, customer):
    made = order_account(shop, customer)
    account = usable(shop, made)
    shop.command("order", "pay", made["order"]["id"])
    end = shop.tollgate.show(account)["plan"]["paid_until"]
    end = datetime.datetime.fromisoformat(end.replace("Z", "+00:00"))

    def when(days):
        return (end + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def of(events):
        return [e["what"] for e in events if e["subject"] == account.username]

    dry = shop.command("sweep", "--at", when(-6), "--dry-run")
    assert dry["dry_run"] and of(dry["events"]) == ["renewals"]
    assert len(shop.command("order", "list", "--account", account.username)) == 1
    assert of(shop.command("sweep", "--at", when(-6))["events"]) == ["renewals"]
    assert of(shop.command("sweep", "--at", when(-6))["events"]) == []
    renewal = shop.command("order", "list", "--account", account.username)[-1]
    assert (renewal["kind"], renewal["period_start"], renewal["due"]) == ("renewal", when(0), when(14))
    assert shop.sink.wait(subject=f"The next month of {account.username}: order {renewal['id']}")
    assert of(shop.command("sweep", "--at", when(13))["events"]) == []
    text = shop.tollgate.try_command("sweep", "--at", when(14)).out
    assert re.search(rf"^overdue +{account.username} ", text, re.M)
    assert shop.command("order", "show", renewal["id"])["status"] == "overdue"
    shown = shop.tollgate.show(account)
    assert (shown["status"], shown["status_reason"]) == ("error", "payment not made")
    with shop.client(account=account) as client:
        assert client.mail(account.sender) == 550
    assert shop.sink.wait(subject=f"The account {account.username} can't send: payment not made")
    shop.command("order", "pay", renewal["id"])
    assert shop.tollgate.show(account)["status"] == "enabled"
    assert shop.send(account, subject="mended") == 250
    status, error = tries(shop, "sweep", "--at", "tomorrow")
    assert status == 2 and "is no time" in error["message"]


def test_authd_sweeps_by_itself(make_relay):
    relay = make_relay(start=False, postfix=False, user="", mailer="exit 75")
    relay.command("plan", "set", "monthly", "--messages", 20, "--price", "9.90", "--on-sale")
    made = relay.command("customer", "add", "--name", "C", "--email", "c@customers.test", "--accept-terms")
    relay.command("customer", "billing", made["id"], "--company", "C", "--address", "D")
    order = relay.command("account", "add", "--customer", made["id"], "--description", "x", "--type", "transactional", "--plan",
                          "monthly", "--messages", 20)["order"]
    assert order["mail"]["status"] == "failed"
    relay.tollgate.configure(mailer=f"cat >{relay.directory}/mail.out")
    relay.tollgate.start_authd()
    relay.tollgate.wait_event("sweep", "mails_sent 1")
    assert relay.command("order", "show", order["id"])["mail"]["status"] == "sent"
    assert f"Subject: Your order {order['id']}" in (relay.directory / "mail.out").read_text()


def test_a_mailer_that_hangs_holds_neither_logins_nor_reloads_nor_the_end(make_relay):
    relay = make_relay(start=False, user="", mailer="exit 75")
    account = relay.tollgate.add_account()
    relay.command("account", "password", account.username)  # a mail that waits
    account.password = relay.command("account", "password", account.username)["password"]
    relay.tollgate.configure(mailer=f"touch {relay.directory}/begun; sleep 600")
    relay.start()
    wait_until("the mailer", (relay.directory / "begun").exists)
    assert relay.send(account) == 250
    for _ in range(2):  # the settings that the sweep works with must outlive both
        assert relay.tollgate.reload(relay.tollgate.authd)
    assert relay.send(account) == 250
    begun = time.monotonic()
    relay.tollgate.stop()
    assert time.monotonic() - begun < 20
    answer = relay.tollgate.try_command("sweep", "--dry-run")
    assert answer.status == 0


# ---- notices ----


def test_notices_reach_the_customer_and_can_be_turned_off(shop, customer):
    made = order_account(shop, customer)
    account = usable(shop, made)
    shop.command("order", "pay", made["order"]["id"])
    with shop.client(account=account) as client:
        assert client.send(account.sender, [f"r{i}@use.test" for i in range(16)]) == 250
    assert shop.command("sweep")["done"]["notices"] >= 1
    assert shop.sink.wait(subject=f"{account.username} has used 80 % of its plan")
    password = shop.command("account", "password", account.username)["password"]
    mail = shop.sink.wait(subject=f"The account {account.username} has a new password")
    assert password not in mail.text
    shop.command("account", "disable", account.username, "--reason", "ticket 812")
    assert "ticket 812" in shop.sink.wait(subject=f"The account {account.username} is disabled").text
    shop.command("account", "enable", account.username)
    assert shop.command("account", "set", account.username, "--notices", "off")["notices"] is False
    shop.command("account", "disable", account.username)
    assert shop.command("sweep")["done"]["notices"] == 0
    assert len(shop.sink.find(subject=f"The account {account.username} is disabled")) == 1
    listed = [a for a in shop.command("account", "list") if a["username"] == account.username][0]
    assert listed["last_used"] is not None
    assert "LAST USED" in shop.tollgate.try_command("account", "list").out
