"""Databases for the tests: a SQLite file and a schema on a real PostgreSQL server, each dropped."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from tradewinds.model.checkpoint import Checkpoint, RiskState
from tradewinds.model.commands import (
    RecordEquity,
    RecordOrder,
    RecordRefusal,
    RecordTrade,
    RecordTransaction,
    SubmitOrder,
)
from tradewinds.model.events import OrderFilled, RunStarted
from tradewinds.model.ids import (
    Asset,
    ClientOrderId,
    FillId,
    InstrumentId,
    RunId,
    StrategyId,
    TradeId,
)
from tradewinds.model.ledger import Account, LedgerState, Posting, Transaction
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import ApprovedOrder, Fill, Order, OrderStatus, Refusal
from tradewinds.model.portfolio import Trade, TradePhase, TradingState
from tradewinds.store.database import open_database, sqlite_url

LOCAL = "postgresql+psycopg://127.0.0.1:5432/test"


def missing(reason: str) -> None:
    """Skip, but never silently where everything should be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """TRADEWINDS_TEST_DATABASE_URL, else the local server, else a private one, else skip."""
    named = os.environ.get("TRADEWINDS_TEST_DATABASE_URL")
    if named:
        yield make_url(named).set(drivername="postgresql+psycopg")
    elif reachable(make_url(LOCAL)):
        yield make_url(LOCAL)
    else:
        with tempfile.TemporaryDirectory(prefix="twpg") as folder:
            yield from private_server(Path(folder))


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """A schema of this test's own, dropped afterwards."""
    schema = f"tw_{uuid.uuid4().hex[:16]}"
    admin = create_engine(postgres_server)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    options = f"-csearch_path={schema} -clock_timeout=250"
    url = postgres_server.update_query_dict({"options": options})
    yield url.render_as_string(hide_password=False)
    with admin.begin() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    return tmp_path / "tradewinds.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def url(request: pytest.FixtureRequest, sqlite_path: Path) -> str:
    """Each database in turn."""
    if request.param == "sqlite":
        return sqlite_url(sqlite_path)
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """Opened, with its tables."""
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite(sqlite_path: Path) -> Iterator[Engine]:
    """For faults that only a file has. It does not wait for locks."""
    engine = open_database(sqlite_url(sqlite_path), busy_timeout_ms=10)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Engine]:
    """For faults that only a server has."""
    engine = open_database(postgres_url)
    yield engine
    engine.dispose()


def mounted(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    return subprocess.run(command, capture_output=True).returncode == 0


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only root can mount a small disk; elsewhere the same faults are made by pragmas alone."""
    needy = [item for item in items if "small_disk" in getattr(item, "fixturenames", ())]
    with tempfile.TemporaryDirectory() as folder:
        if not needy or mounted(Path(folder)):
            if needy:
                unmount(Path(folder))
            return
    items[:] = [item for item in items if item not in needy]
    config.hook.pytest_deselected(items=needy)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    assert mounted(folder)
    yield folder
    unmount(folder)


def reachable(url: URL) -> bool:
    engine = create_engine(url, connect_args={"connect_timeout": 2})
    try:
        engine.connect().close()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True


def private_server(folder: Path) -> Iterator[URL]:
    """A cluster in a folder. Its programs refuse root, so root starts them as `postgres`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        missing("no PostgreSQL server answers and initdb is not installed")
    programs = Path(str(initdb)).parent
    account: list[str] = []
    if os.getuid() == 0:
        account = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    subprocess.run(
        [*account, programs / "initdb", "-D", data, "-A", "trust", "-U", "tester", "-N"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    control = [*account, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    listen = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"
    start = [*control, "-l", str(folder / "log"), "-o", listen, "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd="/")
    try:
        yield make_url(f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres")
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd="/"
        )


T0 = 1_767_225_600_000_000_000
"""2026-01-01 00:00 UTC."""


class Examples:
    """Small values that look like real ones. `n` tells them apart and orders them in time."""

    def quote(self, n: int, instrument: str = "BTC/USDT@binance") -> Quote:
        at = T0 + n * 1_000_000_000
        return Quote(
            instrument_id=InstrumentId(instrument),
            bid=90_000.0 + n,
            ask=90_000.5 + n,
            bid_size=1.5,
            ask_size=0.25,
            venue_time_ns=at,
            received_time_ns=at + 1_000_000,
        )

    def started(self, run: str) -> RunStarted:
        return RunStarted(
            run_id=RunId(run),
            account="paper",
            instruments=(),
            opening_balances={Asset("USDT"): Decimal(1000)},
            checkpoint=None,
            settings='{"mode":"paper"}',
            venue_time_ns=T0,
            received_time_ns=T0,
        )

    def approved(self, n: int) -> ApprovedOrder:
        # Decoded and not constructed: only the risk gate makes one.
        return msgspec.convert(
            {
                "client_order_id": f"tw-r-{n}",
                "trade_id": f"r-t{n}",
                "strategy_id": "momentum",
                "instrument_id": "BTC/USDT@binance",
                "side": "buy",
                "order_type": "limit",
                "quantity": "0.00100000",
                "purpose": "enter",
                "decision_price": "90000.10",
                "worst_loss": "9.876543210987",
                "price": "90001.00",
            },
            ApprovedOrder,
        )

    def submit(self, n: int) -> SubmitOrder:
        return SubmitOrder(order=self.approved(n), time_ns=T0 + n, cause=1)

    def order(self, n: int, status: OrderStatus = OrderStatus.OPEN, at: int = 0) -> RecordOrder:
        order = Order(
            approved=self.approved(n),
            status=status,
            filled_quantity=Decimal(0),
            average_price=Decimal(0),
            submitted_time_ns=T0 + n,
            updated_time_ns=T0 + n + at,
        )
        return RecordOrder(order=order, time_ns=T0 + n + at, cause=1)

    def filled(self, n: int) -> OrderFilled:
        fill = Fill(
            fill_id=FillId(f"f{n}"),
            client_order_id=ClientOrderId(f"tw-r-{n}"),
            instrument_id=InstrumentId("BTC/USDT@binance"),
            side=Side.BUY,
            quantity=Decimal("0.00100000"),
            price=Decimal("90000.90"),
            fee=Decimal("1E-7"),
            fee_asset=Asset("BTC"),
            maker=False,
            venue_time_ns=T0 + n,
            received_time_ns=T0 + n + 5,
        )
        return OrderFilled(fill=fill, venue_time_ns=T0 + n, received_time_ns=T0 + n + 5)

    def trade(self, n: int, phase: TradePhase = TradePhase.OPEN, **changed: Any) -> RecordTrade:
        trade = Trade(
            trade_id=TradeId(f"r-t{n}"),
            strategy_id=StrategyId("momentum"),
            instrument_id=InstrumentId("BTC/USDT@binance"),
            side=Side.BUY,
            phase=phase,
            quantity=Decimal("0.001"),
            entry_price=Decimal("90000.90"),
            stop_price=Decimal(89000),
            opened_time_ns=T0 + n,
            reason="breakout",
        )
        return RecordTrade(trade=replace(trade, **changed), time_ns=T0 + n, cause=1)

    def booked(self, n: int, day: int, **values: str) -> RecordTransaction:
        """A transaction on day `day` after T0 with a value per ledger account, by its name."""
        postings = tuple(
            Posting(
                account=Account[name],
                asset=Asset("USDT"),
                quantity=Decimal(0),
                value=Decimal(value),
                strategy_id=StrategyId("momentum"),
                instrument_id=InstrumentId("BTC/USDT@binance"),
            )
            for name, value in values.items()
        )
        at = T0 + day * 86_400_000_000_000 + n
        transaction = Transaction(
            transaction_id=f"f{n}", kind="fill", time_ns=at, postings=postings
        )
        return RecordTransaction(transaction=transaction, cause=1)

    def refused(self, n: int, reason: str = "too large") -> RecordRefusal:
        refusal = Refusal(
            strategy_id=StrategyId("momentum"),
            instrument_id=InstrumentId("BTC/USDT@binance"),
            check="loss_per_trade",
            reason=reason,
            time_ns=T0 + n,
        )
        return RecordRefusal(refusal=refusal, cause=1)

    def equity(self, n: int, equity: str) -> RecordEquity:
        return RecordEquity(
            equity=Decimal(equity),
            cash=Decimal("900.5"),
            realised_today=Decimal("-1.25"),
            open_risk=Decimal("9.5"),
            time_ns=T0 + n,
            cause=1,
        )

    def checkpoint(self, n: int) -> Checkpoint:
        return Checkpoint(
            time_ns=T0 + n,
            ledger=LedgerState(
                currency=Asset("USDT"),
                balances={Asset("USDT"): Decimal("999.10"), Asset("BTC"): Decimal("1E-8")},
                lots=(),
                days=(),
                booked_ids=(f"f{n}",),
            ),
            risk=RiskState(
                trading_state=TradingState.ACTIVE,
                reason="",
                operator_halt=False,
                day=20_454,
                day_start_equity=Decimal(1000),
                peak_equity=Decimal(1000),
                day_limit_hit=False,
            ),
            trades=(self.trade(n).trade,),
            orders=(self.order(n).order,),
            disabled_strategies=(),
            last_prices={InstrumentId("BTC/USDT@binance"): 90_000.0},
        )


@pytest.fixture(scope="session")
def some() -> Examples:
    return Examples()
