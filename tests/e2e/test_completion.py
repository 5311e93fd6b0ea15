"""Completion in the shells themselves: what bash, zsh and fish show for a line that somebody types."""
import os
import pty
import re
import shutil
import subprocess

import pytest
from servers.process import BUILD, DEADLINE_S, make_directory, remove_directory
from servers.tollgate import Tollgate


@pytest.fixture(scope="module")
def store():
    directory = make_directory()
    tollgate = Tollgate(directory)
    tollgate.command("init")
    account = tollgate.add_account(domain="shop.example")
    tollgate.add_domain("shipping.example", account.customer)
    tollgate.account = account
    yield tollgate
    remove_directory(directory)


@pytest.fixture(scope="module")
def scripts():
    """As `make install` puts them."""
    root = make_directory()
    subprocess.run(["make", "-s", "-C", BUILD, "install-data", f"DESTDIR={root}"], check=True, capture_output=True, timeout=DEADLINE_S * 3)
    found = {name: next(root.rglob(path)) for name, path in {
        "bash": "bash-completion/completions/tollgate", "zsh": "zsh/site-functions/_tollgate",
        "fish": "fish/vendor_completions.d/tollgate.fish"}.items()}
    yield found
    remove_directory(root)


def environment(store):
    """No user's own settings."""
    return {"PATH": f"{BUILD}/admin:{os.environ['PATH']}", "HOME": str(store.directory), "TOLLGATE_CONFIG": str(store.config),
            "LC_ALL": "C.UTF-8", "TERM": "xterm"}


def run(store, argv, stdin):
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True, env=environment(store), cwd=store.directory,
                          timeout=DEADLINE_S, check=False)
    assert done.returncode == 0, done
    return done.stdout


# ---- each shell, with the candidates of a line ----

def bash(store, scripts, line):
    """Through bash's own machinery: its word breaks, then the function that `complete` names."""
    words = [w for w in re.split(r"\s+|(=)", line) if w]
    if line.endswith((" ", "")) and (line[-1:] == " " or not words):
        words.append("")
    quoted = " ".join("'" + w.replace("'", "'\\''") + "'" for w in words)
    return run(store, ["bash", "--norc", "--noprofile"], f"""
source '{scripts['bash']}'
compopt() {{ :; }}
COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMP_LINE='{line}'
function=$(complete -p tollgate | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" tollgate
printf '%s\\n' "${{COMPREPLY[@]}}"
""").split()


def fish(store, scripts, line):
    out = run(store, ["fish", "--no-config"], f"source '{scripts['fish']}'\ncomplete -C '{line}'\n")
    return [candidate.split("\t")[0] for candidate in out.splitlines()]


def zsh(store, scripts, line):
    """An interactive zsh on a terminal, whose key lists the candidates; they are read from its screen."""
    marker = "READY-TO-TYPE"
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(store),
                             cwd=store.directory, start_new_session=True)
    os.close(theirs)
    shown = b""

    def until(text):
        nonlocal shown
        while text not in shown:
            shown += os.read(ours, 4096)
        shown, before = shown[shown.index(text) + len(text):], shown[:shown.index(text)]
        return before
    try:
        os.write(ours, f"""PROMPT='' RPROMPT='' LISTMAX=1000; unsetopt prompt_sp zle_bracketed_paste; stty columns 200 rows 200 -echo
fpath=({scripts['zsh'].parent} $fpath); autoload -Uz compinit; compinit -u -d {store.directory}/zcompdump
zmodload zsh/complist; zstyle ':completion:*' verbose no; zstyle ':completion:*' list-separator ''
list-and-end() {{ zle list-choices; zle -R; print -rn -- ALL-'SHOWN' }}; zle -N list-and-end; bindkey '^T' list-and-end
print READY-TO'-TYPE'
""".encode())
        until(marker.encode())
        os.write(ours, line.encode() + b"\x14")
        return re.findall(r"[^\s\x1b]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", " ", until(b"ALL-SHOWN").decode()))
    finally:
        os.close(ours)
        shell.kill()
        shell.wait()


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


@pytest.fixture(params=SHELLS)
def candidates(request, store, scripts):
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return lambda line: SHELLS[request.param](store, scripts, line)


def test_nouns_verbs_and_options(candidates):
    assert {"account", "customer", "store", "completion", "help"} <= set(candidates("tollgate "))
    assert {"backup", "check", "compact", "export", "import", "restore"} <= set(candidates("tollgate store "))
    found = candidates("tollgate account se")
    assert "set" in found and "show" not in found
    assert {"--customer", "--description", "--type", "--plan"} <= set(candidates("tollgate account add --"))
    assert "__complete" not in candidates("tollgate ")


def test_choices(candidates):
    assert {"free", "monthly", "prepaid"} <= set(candidates("tollgate account add --plan "))
    assert {"transactional", "promotional"} <= set(candidates("tollgate account add --type "))
    assert {"bash", "zsh", "fish"} <= set(candidates("tollgate completion "))


def test_names_of_the_store(candidates, store):
    user = store.account.username
    assert user in candidates("tollgate account show ")
    assert user in candidates(f"tollgate account disable {user[:3]}")
    found = candidates("tollgate domain show sh")
    assert "shop.example" in found and "shipping.example" in found
    assert user in candidates("tollgate domain associate shop.example ")
    assert str(store.account.customer) in candidates("tollgate account add --customer ")
    assert str(store.account.customer) in candidates("tollgate customer show ")


def test_files_and_directories(candidates, store):
    (store.directory / "some-backup").mkdir(exist_ok=True)
    assert any("some-backup" in c for c in candidates("tollgate store restore some-"))
    (store.directory / "some-export.jsonl").touch()
    assert any("some-export.jsonl" in c for c in candidates("tollgate store import some-e"))


# ---- what they ask the program ----

def ask(store, *words, env=None):
    done = subprocess.run([BUILD / "admin/tollgate", "__complete", *words], capture_output=True, text=True, timeout=DEADLINE_S,
                          env={**environment(store), **(env or {})}, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_it_reads_the_line_as_the_command_would(store):
    user = store.account.username
    assert ask(store, "-c", str(store.config), "--json", "account", "show", "") == [user]
    assert ask(store, "account", "set", user, "--ip-lock", "o") == ["on", "off"]
    assert ask(store, "account", "list", "--customer=") == [f"--customer={store.account.customer}"]
    assert ask(store, "account", "list", "--customer", "=", "") == [str(store.account.customer)]
    assert "--customer" not in ask(store, "account", "list", "--customer", "1", "--")
    assert ask(store, "account", "show", user, "") == []
    assert ask(store, "domain", "add", "") == []
    assert ask(store, "-c", "") == [":files"]
    assert ask(store, "help", "acc") == ["account"]
    assert ask(store, "no", "such", "") == [] and ask(store) != []


def test_it_is_silent_where_there_is_nothing_to_read(store, tmp_path):
    bad = tmp_path / "bad.conf"
    bad.write_text("nonsense = {")
    for config in bad, tmp_path / "absent":
        assert ask(store, "account", "show", "", env={"TOLLGATE_CONFIG": str(config)}) == []
    none = tmp_path / "none.conf"
    none.write_text(f'store = "{tmp_path}/nothing"\n')
    assert ask(store, "account", "show", "", env={"TOLLGATE_CONFIG": str(none)}) == []


def test_a_description_is_one_line(store):
    other = store.command("customer", "add", "--name", "Two Ltd", "--email", "two@customers.test", "--accept-terms")["id"]
    lines = subprocess.run([BUILD / "admin/tollgate", "__complete", "customer", "show", ""], capture_output=True, text=True,
                           env=environment(store), check=True).stdout.splitlines()
    assert lines == [f"{store.account.customer}\tCustomer 1", f"{other}\tTwo Ltd"]
    assert store.try_command("completion", "tcsh").status == 2
    assert "script" in store.command("completion", "zsh")
