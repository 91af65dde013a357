"""The whole dashboard on a real port over fakes, and headless Chromium to look at it.

Chromium is Debian's (`apt-get install chromium`), or whatever CHROMIUM names.
"""

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.dashboard.fakes import FakeBus, FakeEngine, FakeHistory
from tradewinds.dashboard.app import create_app
from tradewinds.dashboard.auth import reset_password
from tradewinds.dashboard.settings import DashboardSettings

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_TIMEOUT_S = 30


class Served:
    """A running dashboard whose engine the test holds in its hand."""

    def __init__(self, folder: Path) -> None:
        self.engine = FakeEngine()
        self.bus = FakeBus(self.engine, period_s=0.1)
        self.history = FakeHistory(days=30)
        taken = socket.create_server(("127.0.0.1", 0))
        self.settings = DashboardSettings(
            data_dir=folder, port=taken.getsockname()[1], engine_silent_s=1.0
        )
        self.password = reset_password(self.settings.password_path)
        self.address = f"http://localhost:{self.settings.port}"
        self._start(taken)

    def renew(self) -> None:
        """A fresh engine for the next test."""
        self.engine = self.bus.engine = FakeEngine()
        self.bus.gone = False
        self.history.broken = False
        self.room.sessions._sessions.clear()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _start(self, taken: socket.socket) -> None:
        import uvicorn

        app = create_app(self.settings, self.bus, self.history)
        self.room = app.state.room
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([taken],), daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.started:
            assert time.monotonic() < deadline, "the dashboard did not start"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def served_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("dashboard"))
    yield served
    served.stop()


@pytest.fixture
def served(served_once: Served) -> Served:
    served_once.renew()
    return served_once


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        message = "no Chromium: apt-get install chromium, or set CHROMIUM to its path"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def plain_tracebacks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Python 3.11 miscounts its recursion in Playwright's greenlets: parsing source, as pytest's

    own tracebacks do, may then raise SystemError and end the whole run.
    """
    option = request.config.option
    style, option.tbstyle = option.tbstyle, "native"
    yield
    option.tbstyle = style


class Opener:
    """Opens logged-in windows and collects what their consoles complain about."""

    def __init__(self, served: Served, chromium: Browser) -> None:
        self._served = served
        self._chromium = chromium
        self._contexts: list[BrowserContext] = []
        self.problems: list[str] = []

    def __call__(self, path: str = "/", width: int = 1440, height: int = 900) -> Page:
        context = self._chromium.new_context(viewport={"width": width, "height": height})
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{self._served.address}/login?next={path}")
        page.fill("#password", self._served.password)
        page.click("button")
        page.wait_for_selector(".link-state:has-text('live')")
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note(self, message: ConsoleMessage) -> None:
        # A test that takes the engine or the login away expects failed loads and lost sockets.
        expected = ("Failed to load resource", "WebSocket", "ERR_")
        if message.type in {"error", "warning"} and not any(e in message.text for e in expected):
            self.problems.append(message.text)


@pytest.fixture
def open_page(served: Served, chromium: Browser) -> Iterator[Opener]:
    """Any complaint of a console fails the test."""
    opener = Opener(served, chromium)
    yield opener
    opener.close()
    assert not opener.problems, "\n".join(opener.problems)
