"""An account in six steps: tollgate account add, without options, on a terminal."""
import re

import pytest

from servers.dialogue import credentials, everything, free_account, kind_of_customer, later, new_customer, step1, step2, step3_known, step3_new
from servers.terminal import CTRL_C, CTRL_U, DOWN, ENTER, ESCAPE, LEFT, UP


# ---- the ways through ----


def test_free_for_a_new_customer(shop, talk):
    t = talk()
    step1(t, "Sklep „Żółw” 東京", DOWN + ENTER)
    step2(t)
    step3_new(shop, t, email=f"n{next(shop.numbers)}@new.test")
    t.expect("5 of 6", "total", "nothing", "customer", "Żółw & Söhne", "Activate", "may send at once").type(ENTER)
    t.expect("6 of 6", "server", "smtp.relay.test port 587")
    username, password = credentials(t)
    later(t)
    assert t.text.count(password) == 1
    assert shop.try_command("auth", "test", username, stdin=password + "\n").status == 0
    account = shop.command("account", "show", username)
    assert (account["description"], account["type"], account["status"]) == ("Sklep „Żółw” 東京", "promotional", "enabled")
    assert (account["plan"]["plan"], account["plan"]["messages"]) == ("free", 1000)
    customer = shop.command("customer", "show", account["customer"])
    assert (customer["name"], customer["phone"], customer["address"]) == ("Żółw & Söhne", "+43 1 234", "Straße 5, Łódź")
    assert customer["terms_version"] == "2026-11"
    assert shop.command("store", "check")["ok"]


def test_monthly_for_a_customer_who_is_there(shop, talk):
    made = new_customer(shop, "Größe Käserei", billing=False)
    t = talk()
    step1(t)
    step2(t, DOWN + ENTER)
    step3_known(shop, t, "größe KÄSE")
    t.expect("4 of 6", "on the invoice").type(CTRL_U + ENTER)
    t.expect("the invoice needs it", "on the invoice").type("Käserei GmbH" + ENTER)
    t.expect("its address").type("Almweg 3" + ENTER)
    t.expect("VAT ID").type("ATU12345678" + ENTER)
    t.expect("5 of 6", "total", "9.90 EUR", "Käserei GmbH, Almweg 3, ATU12345678", "Order", "waits for its order").type(ENTER)
    t.expect("6 of 6")
    username, _ = credentials(t)
    t.expect("order", "9.90 EUR", "https://pay.example/order/")
    later(t)
    account = shop.command("account", "show", username)
    assert (account["status"], account["customer"], account["plan"]["plan"]) == ("waiting", made["id"], "monthly")
    order = shop.command("order", "list", "--account", username)
    assert [(o["amount"], o["status"], o["mail"]["status"]) for o in order] == [("9.90", "unpaid", "sent")]
    assert shop.command("customer", "show", made["id"])["billing"]["vat"] == "ATU12345678"
    assert shop.command("store", "check")["ok"]


def test_a_customer_with_billing_data_is_not_asked_for_it(shop, talk):
    made = new_customer(shop, "Billable Ltd")
    t = talk()
    step1(t)
    step2(t, "4" + ENTER)
    step3_known(shop, t, made["email"].upper())
    t.expect("5 of 6", "1500 JPY", "Billable Ltd, Hauptstr. 1, Wien", "Order").type(ENTER)
    username, _ = credentials(t)
    later(t)
    assert "4 of 6" not in t.text
    plan = shop.command("order", "list", "--account", username)[0]
    assert (plan["plan"], plan["messages"], plan["amount"], plan["currency"]) == ("prepaid", 10000, "1500", "JPY")


@pytest.mark.parametrize("keys", ["3", DOWN * 2, DOWN * 9 + UP, "23", "93", "\x0e\x0e"])
def test_plans_are_chosen_by_arrows_or_numbers_and_the_price_follows(shop, talk, keys):
    t = talk()
    step1(t)
    t.expect("2 of 6", "begins at once")
    t.type(keys).expect("39.90 EUR a month")
    t.type(ENTER).expect("plan ", "monthly, 100,000 messages a month, 39.90 EUR", "3 of 6")
    t.type(CTRL_C)
    assert t.end() == 1


def test_a_plan_that_is_not_on_sale_is_shown_and_not_selectable(shop, talk):
    t = talk()
    step1(t)
    t.expect("2 of 6", "monthly", "5,000", "not on sale", "700,000", "not on sale")
    # Numbers and arrows pass it over; the end of the list is the last that is on sale.
    assert re.search(r"\n +monthly +5,000 a month +not on sale", t.text)
    t.type(DOWN).expect("9.90 EUR a month").type(UP).expect("begins at once")
    t.type("9").type(DOWN * 20).expect("1500 JPY, once").type(ENTER).expect("prepaid, 10,000 messages for 12 months, 1500 JPY")
    t.type(CTRL_C)
    assert t.end() == 1


def test_one_can_go_back_to_any_step_from_the_summary(shop, talk):
    new_customer(shop, "Second Thoughts")
    t = talk()
    step1(t)
    step2(t, "2" + ENTER)
    step3_known(shop, t, "Second Th")
    t.expect("5 of 6", "Order", "goes back").type("1" + ENTER)
    # What was given stands there, to be edited.
    t.expect("1 of 6", "description").type(" two" + ENTER)
    t.expect("type", "goes back").type("2" + ENTER)
    t.expect("5 of 6", "web shop two, promotional", "goes back").type("2" + ENTER)
    t.expect("2 of 6", "9.90 EUR a month", "goes back").type("3" + ENTER)
    t.expect("5 of 6", "39.90 EUR", "goes back").type("4" + ENTER)
    t.expect("4 of 6", "on the invoice").type(" AG" + ENTER)
    t.expect("its address").type(ENTER)
    t.expect("VAT ID").type(ENTER)
    t.expect("5 of 6", "Second Thoughts AG", "goes back").type("3" + ENTER)
    t.expect("3 of 6", "goes back").type("1" + ENTER)
    t.expect("name ").type("Third" + ENTER)
    t.expect("e-mail ").type("third@new.test" + ENTER)
    t.expect("phone").type(ENTER)
    t.expect("address").type(ENTER)
    t.expect("accepts").type("yes" + ENTER)
    # Another customer, another invoice.
    t.expect("4 of 6", "on the invoice").type(ENTER)
    t.expect("its address").type("Elsewhere 1" + ENTER)
    t.expect("VAT ID").type(ENTER)
    t.expect("5 of 6", "Third, Elsewhere 1", "goes back").type("2" + ENTER)
    t.expect("2 of 6", "goes back").type("1" + ENTER)
    t.expect("5 of 6", "nothing", "Activate").type(ENTER)
    username, _ = credentials(t)
    later(t)
    account = shop.command("account", "show", username)
    assert (account["description"], account["type"], account["plan"]["plan"]) == ("web shop two", "promotional", "free")
    assert shop.command("customer", "show", account["customer"])["billing"] is None
    assert [c["name"] for c in shop.command("customer", "list")].count("Third") == 1


@pytest.mark.parametrize("back", ["<", LEFT, ESCAPE])
def test_each_step_leads_back(shop, talk, back):
    new_customer(shop, "Back And Forth")
    line = "<" + ENTER
    t = talk()
    t.expect("description").type(line)
    t.expect("1 of 6").type("x" + ENTER)
    t.expect("type", "goes back").type(back)
    t.expect("description").type(ENTER)
    t.expect("type", "goes back").type(ENTER)
    t.expect("2 of 6", "goes back").type(back)
    step1(t, "")
    step2(t, "2" + ENTER)
    t.expect("3 of 6", "goes back").type("2" + ENTER)
    t.expect("name or e-mail").type("back and" + ENTER)
    t.expect("goes back").type(back)
    t.expect("name or e-mail").type(line)
    t.expect("a new customer", "goes back").type(back)
    t.expect("2 of 6", "goes back").type(CTRL_C)
    assert t.end() == 1


def test_what_is_wrong_is_asked_again_with_the_reason(shop, talk):
    t = talk()
    t.expect("description").type(ENTER)
    t.expect("an account needs a description", "description").type("x" * 300 + ENTER)
    t.expect("at most", "description").type(CTRL_U + "fine" + ENTER)
    t.expect("type", "goes back").type("7")
    t.type(ENTER)
    step2(t)
    kind_of_customer(shop, t, "1" + ENTER)
    t.expect("name ").type("   " + ENTER)
    t.expect("a customer needs a name", "name ").type("N" + ENTER)
    t.expect("e-mail ").type("no address" + ENTER)
    t.expect("is no mail address", "e-mail ").type(CTRL_U + "n@new.test" + ENTER)
    t.expect("phone").type(ENTER)
    t.expect("address").type(ENTER)
    t.expect("accepts").type("maybe" + ENTER)
    t.expect("answer y or n", "accepts").type("n" + ENTER)
    t.expect("must accept the terms", "accepts").type("y" + ENTER)
    # No option of the command line is spoken of.
    assert "(--" not in t.text
    t.expect("5 of 6").type(CTRL_C)
    assert t.end() == 1


def test_nobody_is_found(shop, talk):
    new_customer(shop, "Somebody")
    t = talk()
    step1(t)
    step2(t)
    t.expect("3 of 6", "goes back").type(DOWN + ENTER)
    t.expect("name or e-mail").type("%s\\x" + ENTER)
    t.expect("no customer has '%s\\x'", "name or e-mail").type("somebody" + ENTER)
    t.expect("Somebody <", "goes back").type(CTRL_C)
    assert t.end() == 1


def test_a_second_free_account_is_refused_and_another_plan_taken(shop, talk):
    made = new_customer(shop, "One At A Time")
    first = shop.command("account", "add", "--customer", made["id"], "--description", "a", "--type", "transactional", "--plan", "free")
    t = talk()
    step1(t)
    step2(t)
    step3_known(shop, t, "One At A")
    t.expect("has a free account already", first["account"]["username"], "another plan", "name or e-mail").type("<" + ENTER)
    t.expect("a new customer", "goes back").type("<")
    step2(t, "2" + ENTER)
    step3_known(shop, t, "One At A")
    # Neither is it taken when the plan is changed later.
    t.expect("5 of 6", "goes back").type("2" + ENTER)
    t.expect("2 of 6", "goes back").type("1" + ENTER)
    t.expect("has a free account already", "plan", "goes back").type("2" + ENTER)
    t.expect("5 of 6", "Order").type(ENTER)
    credentials(t)
    later(t)


def test_what_somebody_else_did_meanwhile_is_told_in_the_summary(shop, talk):
    made = new_customer(shop, "Meanwhile")
    t = talk()
    step1(t)
    step2(t)
    step3_known(shop, t, "Meanwhile")
    t.expect("5 of 6", "Activate", "goes back")
    shop.command("account", "add", "--customer", made["id"], "--description", "a", "--type", "transactional", "--plan", "free")
    before = everything(shop)
    t.type(ENTER).expect("has a free account already", "5 of 6", "goes back").type(CTRL_C)
    assert t.end() == 1
    assert everything(shop) == before


# ---- a domain, now ----


def test_a_domain_is_associated_at_once(shop, talk):
    t = talk()
    username = free_account(shop, t)
    t.expect("domain, or later").type("co.uk" + ENTER)
    t.expect("subdomains").type("n" + ENTER)
    t.expect("public suffix", "domain, or later").type(CTRL_U + "Bücher.example" + ENTER)
    t.expect("subdomains").type("y" + ENTER)
    t.expect("xn--bcher-kva.example", "pending", "publish", "_tollgate.xn--bcher-kva.example. TXT", "tollgate-verify=")
    t.expect("tollgate domain verify xn--bcher-kva.example")
    assert t.end() == 0
    domain = shop.command("account", "show", username)["domains"]
    assert [(d["domain"], d["status"], d["subdomains"]) for d in domain] == [("xn--bcher-kva.example", "pending", True)]


def test_another_customers_domain_is_refused(shop, talk):
    other = new_customer(shop, "Owner")
    shop.add_domain("owned.example", other["id"])
    t = talk()
    free_account(shop, t)
    t.expect("domain, or later").type("owned.example" + ENTER)
    t.expect("subdomains").type("n" + ENTER)
    t.expect("customer", "domain, or later").type(CTRL_U + ENTER)
    t.expect("Later:")
    assert t.end() == 0
    assert "is another" in t.text or "belongs" in t.text


# ---- where nobody can be asked ----


def test_without_a_terminal_it_says_so(shop):
    answer = shop.try_command("account", "add")
    assert answer.status == 2 and "on a terminal" in answer.err and "help account add" in answer.err


def test_with_json_there_is_no_dialogue(shop, talk):
    t = talk("--json", "account", "add")
    t.expect('"code":"usage"', "--customer is missing")
    assert t.end() == 2


def test_an_option_means_all_options(shop, talk):
    t = talk("account", "add", "--plan", "free")
    t.expect("--customer is missing")
    assert t.end() == 2


def test_no_plan_on_sale(shop, talk, tmp_path):
    shop.command("plan", "set", "free", "--messages", 1000, "--off-sale")
    sold = [o for o in shop.command("plan", "list") if o["on_sale"]]
    try:
        for offer in sold:
            shop.command("plan", "set", offer["plan"], "--messages", offer["messages"], "--off-sale")
        t = talk()
        step1(t)
        t.expect("no plan is on sale (tollgate plan set")
        assert t.end() == 4
    finally:
        shop.command("plan", "set", "free", "--messages", 1000, "--on-sale")
        for offer in sold:
            shop.command("plan", "set", offer["plan"], "--messages", offer["messages"], "--on-sale")
