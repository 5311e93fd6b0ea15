"""Fixtures of the end-to-end tests. `relay`: a running relay that the tests of one module share, each with accounts
of its own. `make_relay`: one with other settings, or one that a test may break."""
import pathlib
import shutil
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from servers.process import BUILD, VALGRIND, make_directory, remove_directory  # noqa: E402
from servers.relay import Relay  # noqa: E402
from servers.terminal import Terminal  # noqa: E402
from servers.tollgate import Tollgate  # noqa: E402
from servers.valgrind import LOGS, findings, forget_finished, reason_to_leave_out  # noqa: E402

# What started the tests may have these ignored (nohup, a shell's "&"), and servers would be born so. What is caught is not handed on.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


@pytest.hookimpl
def pytest_collection_modifyitems(items):
    for item in items if VALGRIND else []:
        reason = reason_to_leave_out(item.nodeid)
        if reason:
            item.add_marker(pytest.mark.skip(reason=f"not under valgrind: {reason}"))


@pytest.hookimpl
def pytest_unconfigure():
    if VALGRIND:
        remove_directory(LOGS)


@pytest.fixture(autouse=True)
def content_valgrind():
    """What memcheck finds while a test runs is a failure of that test; of what leaks at its end, see end()."""
    yield
    must_be_content()


def must_be_content():
    found = findings()
    forget_finished()
    assert not found, f"valgrind:\n{found}"


KEEP = pathlib.Path("/tmp/tollgate-test-failures")


def end(relay, request):
    """Stops it; where a test failed, its logs are kept. A daemon that ended badly is a failure too."""
    failed = request.session.testsfailed > relay.failed_before
    try:
        relay.stop()
        must_be_content()
    except BaseException:
        failed = True
        raise
    finally:
        if failed:
            place = KEEP / request.node.name.replace("/", "_")
            place.mkdir(parents=True, exist_ok=True)
            for log in relay.directory.glob("*.log"), relay.directory.glob("*.out"), [relay.tollgate.config]:
                for file in log:
                    shutil.copy(file, place)
            print(f"logs: {place}", file=sys.stderr)
        relay.remove()


def make(request, start=True, **settings):
    relay = Relay(start=False, **settings)
    relay.failed_before = request.session.testsfailed
    # Before the start: what a start that fails leaves running must end too.
    request.addfinalizer(lambda: end(relay, request))
    if start:
        relay.start()
    return relay


class Directories:
    """In place of pytest's own, which are closed to the user that daemons and command become."""

    def __init__(self):
        self.made = []

    def mktemp(self, name):
        self.made.append(make_directory())
        directory = self.made[-1] / name
        directory.mkdir()
        directory.chmod(0o777)
        return directory


@pytest.fixture(scope="session")
def tmp_path_factory():
    directories = Directories()
    yield directories
    for directory in directories.made:
        remove_directory(directory)


@pytest.fixture
def tmp_path(tmp_path_factory):
    return tmp_path_factory.mktemp("test")


@pytest.fixture(scope="module")
def relay(request):
    """Direct bounces, all else as it ships; a module may set RELAY to keyword arguments of Relay."""
    return make(request, **getattr(request.module, "RELAY", {}))


@pytest.fixture
def make_relay(request):
    return lambda **settings: make(request, **settings)


@pytest.fixture
def account(relay):
    return relay.tollgate.add_account()


@pytest.fixture(scope="module")
def shop():
    """Plans to be bought, and no daemon."""
    directory = make_directory()
    tollgate = Tollgate(directory, user="", payment_url="https://pay.example/order/%s", mail_from="billing@relay.test",
                        mailer=f"cat >>{directory}/mails", terms_version="2026-11", submission="smtp.relay.test port 587",
                        templates=directory / "templates")
    tollgate.command("init")
    tollgate.command("plan", "set", "monthly", "--messages", 20000, "--price", "9.90", "--on-sale")
    tollgate.command("plan", "set", "monthly", "--messages", 100000, "--price", "39.90", "--on-sale")
    tollgate.command("plan", "set", "prepaid", "--messages", 10000, "--price", "1500", "--currency", "JPY", "--on-sale")
    tollgate.command("plan", "set", "prepaid", "--messages", 700000, "--price", "77.77")
    yield tollgate
    remove_directory(directory)


@pytest.fixture
def talk(shop):
    """Begins a command on a terminal, the dialogue of account add where none is named; what a test leaves open is ended."""
    terminals = []

    def begin(*argv, **options):
        terminals.append(Terminal([BUILD / "admin/tollgate", "-c", shop.config, *(argv or ("account", "add"))], **options))
        return terminals[-1]
    yield begin
    for terminal in terminals:
        if terminal.child.poll() is None:
            terminal.close()
