"""The pages show what the tests run: each block that names a file of conf/ is that file, and every link leads somewhere."""
import pathlib
import re

import pytest

from servers.process import SOURCE

PAGES = sorted([SOURCE / "README.md", SOURCE / "HACKING.md", *(SOURCE / "docs").glob("*.md")])
SERVERS = ("dovecot", "exim", "postfix", "sendmail")
FILES = sorted(str(f.relative_to(SOURCE)) for server in SERVERS for f in (SOURCE / "conf" / server).iterdir())

# What the placeholders are where Tollgate is installed as it comes.
INSTALLED = {"@RUN@": "/run/tollgate", "@DOMAIN@": "bounces.example.com", "@PORT@": "10026",
             "@ETC@": {"conf/dovecot": "/etc/dovecot", "conf/postfix": "/etc/postfix/sasl"}}


def shown(name):
    """A file as its page shows it: without the remark at its head, which explains the placeholders."""
    text = (SOURCE / name).read_text()
    head = re.match(r"divert\(-1\)\n.*?\ndivert\(0\)dnl\n", text, re.S) or re.match(r"(?: *#.*\n)+\n", text)
    if head:
        text = text[head.end():]
    for place, value in INSTALLED.items():
        text = text.replace(place, value if isinstance(value, str) else value.get(str(pathlib.PurePath(name).parent), place))
    return text


def blocks(page):
    """(name of the file, text) of every fenced block that names a file of conf/."""
    return re.findall(r"^```(conf/\S+)\n(.*?)^```$", page.read_text(), re.M | re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_each_block_is_the_file_that_it_names(page):
    for name, text in blocks(page):
        assert name in FILES, f"{page.name} shows {name}, which is no file of conf/"
        assert text == shown(name), f"{page.name}: {name} has changed; the block should be:\n{shown(name)}"
        assert not re.search(r"@[A-Z]+@", text)


def test_every_file_for_a_mail_server_is_shown_on_its_page():
    for server in SERVERS:
        names = [name for name, _ in blocks(SOURCE / f"docs/{server}.md")]
        assert sorted(names) == [f for f in FILES if f.startswith(f"conf/{server}/")]


def anchors(page):
    """As a reader's browser makes them of headings."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}, which is not there"
        assert not anchor or anchor in anchors(there), f"{page.name} links to {target}, which has no such heading"


def test_the_index_names_every_page():
    index = (SOURCE / "docs/README.md").read_text()
    for page in (SOURCE / "docs").glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, f"docs/README.md does not name {page.name}"
