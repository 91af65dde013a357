"""For every test: where recorded data is, and a place for the figures a test has measured."""

import functools
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import low_level

MEASURED = "measured"

# What is started in the background or under nohup hands down its deafness to the programs that
# tests start, and they respect it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`measured("E8 flat after 108 ms")`: shown at the end of the run, whatever is captured."""
    return lambda text: record_property(MEASURED, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures of the tests that passed, in a section of their own."""
    reports = terminalreporter.getreports("passed")
    lines = [
        str(value)
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == MEASURED
    ]
    if lines:
        terminalreporter.section(MEASURED)
        for line in lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """../shared/data beside the repository: real market data, which is never committed."""
    path = Path(__file__).parents[2] / "shared" / "data"
    if path.is_dir():
        return path
    reason = f"no recorded market data at {path}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def same_key_only_once() -> Iterator[None]:
    """Argon2id is slow on purpose; of the same passphrase, salt and cost it is the same key."""
    real = low_level.hash_secret_raw
    low_level.hash_secret_raw = functools.cache(real)
    yield
    low_level.hash_secret_raw = real


ON_THE_WALL = (
    "tests/contract/",
    "tests/faults/test_A_on_live_",
    "tests/faults/test_B_",
    "tests/faults/test_C_",
    "tests/faults/test_c_streams",
    "tests/faults/test_coinbase",
)
"""Real sockets and real waits: apart from what keeps the processor busy, several at a time. The
Makefile looks for them in tests/contract and tests/faults, and for the mark elsewhere."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(part in item.path.as_posix() for part in ON_THE_WALL):
            item.add_marker(pytest.mark.wall)
