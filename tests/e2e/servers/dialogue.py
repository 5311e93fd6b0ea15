"""The questions of tollgate account add, one function each: it waits for its question and answers it."""
import re

from .process import wait_until
from .terminal import ENTER


def everything(shop):
    return shop.try_command("store", "export").out


def new_customer(shop, name, billing=True):
    made = shop.command("customer", "add", "--name", name, "--email", f"c{next(shop.numbers)}@there.test", "--accept-terms")
    if billing:
        shop.command("customer", "billing", made["id"], "--company", name, "--address", "Hauptstr. 1, Wien")
    return made


# The questions one after the other, each answered when it is there.

def step1(t, description="web shop", type_keys=ENTER):
    t.expect("1 of 6", "description").type(description + ENTER)
    t.expect("type", "transactional", "goes back").type(type_keys)


def step2(t, keys=ENTER):
    t.expect("2 of 6", "free", "goes back").type(keys)


def kind_of_customer(shop, t, keys):
    t.expect("3 of 6")
    if shop.command("customer", "list"):
        t.expect("a new customer", "goes back").type(keys)


def step3_new(shop, t, name="Żółw & Söhne", email="ops@new.test"):
    kind_of_customer(shop, t, "1" + ENTER)
    t.expect("name ").type(name + ENTER)
    t.expect("e-mail ").type(email + ENTER)
    t.expect("phone").type("+43 1 234" + ENTER)
    t.expect("address").type("Straße 5, Łódź" + ENTER)
    t.expect("accept the terms (version 2026-11)", "accepts (y/n)").type("y" + ENTER)


def step3_known(shop, t, part):
    kind_of_customer(shop, t, "2" + ENTER)
    t.expect("name or e-mail").type(part + ENTER)
    t.expect("customer", "goes back").type(ENTER)


def credentials(t):
    t.expect("password ")
    found = wait_until("the password", lambda: t.read_some() is not None and re.search(
        r"username +([a-z0-9]{12})\n +password +(\S{28})\n", t.text))
    return found.group(1), found.group(2)


def later(t):
    t.expect("domain, or later").type(ENTER)
    t.expect("Later: tollgate domain add")
    assert t.end() == 0, t.text


def free_account(shop, t):
    """Through all the questions with a new customer, to the domain's: the username."""
    step1(t)
    step2(t)
    step3_new(shop, t, email=f"n{next(shop.numbers)}@new.test")
    t.expect("5 of 6", "Activate").type(ENTER)
    return credentials(t)[0]
