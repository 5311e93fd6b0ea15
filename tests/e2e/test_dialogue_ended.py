"""tollgate account add, broken off at whatever question: nothing is left behind, and the terminal is as it was."""
import os
import signal
import termios

import pytest

from servers.dialogue import everything, free_account, kind_of_customer, new_customer, step1, step2, step3_known
from servers.process import BUILD
from servers.terminal import CTRL_C, CTRL_D, CTRL_Z, DOWN, ENTER, Terminal


def to_step(shop, t, step):
    if step >= 1:
        step1(t)
    if step >= 2:
        step2(t, "2" + ENTER)
    if step >= 3:
        step3_known(shop, t, "Broken")
    if step >= 4:
        t.expect("4 of 6", "on the invoice").type(ENTER)
        t.expect("its address").type("x" + ENTER)
        t.expect("VAT ID").type(ENTER)


@pytest.fixture(scope="module")
def unbilled(shop):
    return new_customer(shop, "Broken Off", billing=False)


QUESTIONS = ["description", "goes back", "goes back", "on the invoice", "Order"]


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("how", [CTRL_C, signal.SIGTERM, signal.SIGHUP])
def test_whatever_breaks_it_off_leaves_nothing_behind(shop, talk, unbilled, step, how):
    before = everything(shop)
    t = talk()
    to_step(shop, t, step)
    t.expect(f"{step + 1} of 6", QUESTIONS[step])
    if isinstance(how, str):
        t.type(how)
    else:
        t.send_signal(how)
    assert t.end() == 1
    assert "nothing was done" in t.text
    assert everything(shop) == before


@pytest.mark.parametrize("at", ["type", "name or e-mail", "e-mail", "accepts"])
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
def test_within_a_step_too(shop, talk, unbilled, at, key):
    before = everything(shop)
    t = talk()
    t.expect("description").type("x" + ENTER)
    t.expect("type", "goes back")
    if at != "type":
        t.type(ENTER)
        step2(t)
        kind_of_customer(shop, t, ("2" if at == "name or e-mail" else "1") + ENTER)
        t.expect("name")
        if at != "name or e-mail":
            t.type("N" + ENTER).expect("e-mail ")
        if at == "accepts":
            t.type("n@new.test" + ENTER).expect("phone").type(ENTER).expect("address").type(ENTER).expect("accepts (y/n)")
    t.type(key)
    assert t.end() == 1
    assert everything(shop) == before


def test_after_the_password_the_account_stands(shop, talk):
    t = talk()
    username = free_account(shop, t)
    t.expect("domain, or later").type(CTRL_C)
    t.expect("Later:")
    assert t.end() == 0
    assert shop.command("account", "show", username)["status"] == "enabled"


def test_a_terminal_that_is_closed_ends_it(shop, talk):
    before = everything(shop)
    t = talk()
    step1(t)
    t.expect("2 of 6")
    os.close(t.slave)
    os.close(t.master)
    assert t.child.wait(60) != 0
    assert everything(shop) == before


def test_ctrl_z_stops_it_and_it_goes_on(shop):
    t = Terminal(["bash", "-c", 'set -m; "$@"; echo stopped; fg >/dev/null', "bash", BUILD / "admin/tollgate", "-c", shop.config, "account", "add"])
    step1(t)
    t.expect("2 of 6", "goes back").type(CTRL_Z)
    t.expect("stopped", "goes back").type("3").expect("39.90 EUR a month").type(ENTER).expect("3 of 6").type(CTRL_C)
    assert t.end() == 1


def test_ctrl_c_takes_nothing_away_that_a_read_was_promised(shop, talk):
    """The kernel would else flush the input between poll and read, and the read wait for a key more."""
    t = talk()
    t.expect("1 of 6")
    assert termios.tcgetattr(t.slave)[3] & termios.NOFLSH
    t.type(DOWN * 5 + CTRL_C)
    assert t.end() == 1
