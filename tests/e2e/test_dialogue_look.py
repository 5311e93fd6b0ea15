"""How tollgate account add looks: in narrow and low windows, without colours, in another locale."""
import re

import pytest

from servers.dialogue import kind_of_customer, step1
from servers.terminal import CTRL_C, DOWN, ENTER


@pytest.mark.parametrize("columns", [60, 80])
def test_nothing_is_wider_than_the_window(shop, talk, columns):
    t = talk(columns=columns)
    step1(t, "a shop with a rather long description, so long that it does not fit beside its label on 80 columns of text")
    t.expect("2 of 6", "goes back").type("2" + ENTER)
    kind_of_customer(shop, t, "1" + ENTER)
    t.expect("name ").type("N" + ENTER).expect("e-mail ").type("n@new.test" + ENTER).expect("phone").type(ENTER).expect("address").type(ENTER)
    t.expect("accepts").type("y" + ENTER).expect("on the invoice").type(ENTER).expect("its address").type("X" + ENTER).expect("VAT").type(ENTER)
    t.expect("5 of 6", "goes back").type(CTRL_C)
    assert t.end() == 1
    asked = [line for line in t.text.split("\n") if "\r" not in line and "description " not in line]
    assert max(map(len, asked)) <= columns, max(asked, key=len)


def test_a_window_that_changes_its_size(shop, talk):
    t = talk()
    step1(t)
    t.expect("2 of 6", "not on sale", "goes back")
    before = len(t.text)
    t.size(60)
    t.expect("goes back").type("2").expect("9.90 EUR a month", "goes back")
    assert max(map(len, t.text[before:].split("\n"))) <= 60
    t.type(ENTER).expect("3 of 6")
    t.type(CTRL_C)
    assert t.end() == 1


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}])
def test_no_colour_where_none_is_wanted(shop, talk, env):
    t = talk(env=env)
    t.expect("description").type("x" + ENTER)
    t.expect("type", "transactional")
    if "TERM" in env:
        t.expect("number").type("8" + ENTER).expect("none of the numbers", "number").type("2" + ENTER)
        t.expect("promotional", "2 of 6", "number")
        assert b"\x1b" not in t.raw
    else:
        t.expect("goes back").type(ENTER).expect("2 of 6")
        assert not re.search(rb"\x1b\[[0-9;]*m", t.raw)
    t.type(CTRL_C)
    assert t.end() == 1


@pytest.mark.parametrize("env, typed", [({"LC_ALL": "C"}, "Größe"), ({}, b"Gr\xf6\xdfe"), ({}, b"Gr\xc3")])
def test_letters_that_the_locale_has_not_are_told(shop, talk, env, typed):
    t = talk(env=env)
    t.expect("description").type(typed).type(ENTER)
    t.expect("has not all of these letters", "C.UTF-8", "description").type("x" + ENTER)
    t.expect("type", "goes back").type(CTRL_C)
    assert t.end() == 1


def test_a_long_catalogue_moves_through_the_window(shop, talk):
    t = talk(lines=15)
    step1(t)
    t.expect("2 of 6", "1 to 7 of 8", "goes back").type(DOWN * 9).expect("2 to 8 of 8", "1500 JPY, once")
    t.type(CTRL_C)
    assert t.end() == 1
