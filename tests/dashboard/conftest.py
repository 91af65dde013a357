"""A dashboard without pages, over fakes, with a clock that only moves when told."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.dashboard.fakes import FakeBus, FakeEngine, FakeHistory
from tradewinds.dashboard.app import create_api
from tradewinds.dashboard.auth import reset_password
from tradewinds.dashboard.settings import DashboardSettings

HOST = "localhost:3000"
ORIGIN = f"http://{HOST}"


class Hand:
    """A clock turned by hand, in seconds."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s

    def turn(self, seconds: float) -> None:
        self.now_s += seconds


class Desk:
    """The application under test and everything around it."""

    def __init__(self, folder: Path, password_file: Path, password: str) -> None:
        self.settings = DashboardSettings(data_dir=folder)
        shutil.copy(password_file, self.settings.password_path)
        self.password = password
        self.engine = FakeEngine()
        self.bus = FakeBus(self.engine, period_s=0.02)
        self.history = FakeHistory(days=3)
        self.clock = Hand()
        self.app: FastAPI = create_api(self.settings, self.bus, self.history, self.clock)
        self.room = self.app.state.room

    def client(self) -> TestClient:
        """A browser of our own pages, not logged in."""
        return TestClient(
            self.app, base_url=ORIGIN, headers={"origin": ORIGIN}, follow_redirects=False
        )

    def login(self, client: TestClient, password: str | None = None) -> int:
        form = {"password": self.password if password is None else password}
        return client.post("/login", data=form).status_code

    def changer(self, client: TestClient) -> dict[str, str]:
        """The header that a change needs."""
        return {"x-csrf-token": client.get("/api/v1/session").json()["csrf"]}


@pytest.fixture(scope="session")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A password file and its password, made once: hashing is slow on purpose."""
    path = tmp_path_factory.mktemp("password") / "hash.json"
    return path, reset_password(path)


@pytest.fixture
def desk(tmp_path: Path, hashed: tuple[Path, str]) -> Desk:
    return Desk(tmp_path, *hashed)


@pytest.fixture
def browser(desk: Desk) -> Iterator[TestClient]:
    """Logged in, with the engine talking."""
    with desk.client() as client:
        assert desk.login(client) == 303
        yield client


@pytest.fixture
def stranger(desk: Desk) -> Iterator[TestClient]:
    """Our page, but not logged in."""
    with desk.client() as client:
        yield client
