"""The command line run in this process, and an engine that only talks."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds.bus.local import LocalBusServer
from tradewinds.cli import main
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import (
    LimitsRow,
    OperatorReply,
    PositionRow,
    PriceRow,
    Snapshot,
    StrategyRow,
)


class Answered(msgspec.Struct, frozen=True):
    """What a call left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Answered]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, and nothing of the caller's environment."""
    monkeypatch.setenv("TRADEWINDS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*words: str) -> Answered:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Answered(code, captured.out, captured.err)

    return call


def snapshot(**changes: Any) -> Snapshot:
    """An engine at work in the synthetic market with one position."""
    now_ns = time.time_ns()
    plain = Snapshot(
        run_id=RunId("0123456789"),
        mode="paper",
        feed_label="SYNTHETIC seed 7",
        synthetic=True,
        trading_state=TradingState.ACTIVE,
        state_reason="",
        currency=Asset("USDT"),
        starting_equity=Decimal(1000),
        equity=Decimal("1003.2149"),
        cash=Decimal("803.20"),
        day_pnl=Decimal("3.2149"),
        realised_today=Decimal("2.10"),
        open_risk=Decimal("4.10"),
        day_loss_used=Decimal("4.10"),
        drawdown=0.004,
        positions=(position(),),
        strategies=(strategy(),),
        prices=(
            PriceRow(
                instrument_id=InstrumentId("BTC/USDT@synthetic"),
                bid=64_000.0,
                ask=64_001.0,
                change_day=0.01,
                age_ms=12.0,
            ),
        ),
        limits=LimitsRow(
            loss_per_trade_max=Decimal(10),
            loss_per_day_max=Decimal(20),
            reserve=Decimal(200),
            exposure_total_max=Decimal(800),
            exposure_per_instrument_max=Decimal(400),
            leverage_max=Decimal(3),
            drawdown_reduce=0.04,
            drawdown_halt=0.05,
        ),
        working_orders=2,
        trades_closed=5,
        events_total=123_456,
        events_per_second=812.0,
        decision_p50_us=9.0,
        decision_p99_us=41.0,
        anomalies=0,
        journal_sequence=99,
        engine_pid=0,
        started_wall_ns=now_ns - 60_000_000_000,
        time_ns=now_ns,
        wall_time_ns=now_ns,
        progress=None,
        finished=False,
    )
    return msgspec.structs.replace(plain, **changes)


def position() -> PositionRow:
    return PositionRow(
        trade_id=TradeId("0123456789-t1"),
        strategy_id=StrategyId("momentum"),
        instrument_id=InstrumentId("BTC/USDT@synthetic"),
        side=Side.BUY,
        quantity=Decimal("0.00310"),
        entry_price=Decimal("63900.50"),
        last_price=Decimal("64000.50"),
        stop_price=Decimal("62600.00"),
        target_price=None,
        unrealised=Decimal("0.31"),
        worst_loss=Decimal("4.10"),
        opened_time_ns=1,
    )


def strategy() -> StrategyRow:
    return StrategyRow(
        strategy_id=StrategyId("momentum"),
        enabled=True,
        weight=1.0,
        open_trades=1,
        net_today=Decimal("2.10"),
        net_total=Decimal("3.00"),
        signals=12,
        refusals=3,
    )


class TalkingEngine:
    """A bus server in a thread of its own: answers as told, remembers what it was asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.snapshot = snapshot()
        self.reply = OperatorReply(command_id="", done=True, detail="", elapsed_ms=41.5)
        self.silent = False
        self._path = path
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def start(self) -> None:
        self._server = LocalBusServer(self._path, self._answer)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(5)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _close(self) -> None:
        await self._server.close()
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, verb: str, payload: bytes) -> bytes:
        self.asked.append((verb, payload))
        if self.silent:
            await asyncio.Event().wait()
        if verb == "status":
            return msgspec.msgpack.encode(self.snapshot)
        return msgspec.msgpack.encode(self.reply)


@pytest.fixture
def engine(home: Path) -> Iterator[TalkingEngine]:
    talking = TalkingEngine(home / "run" / "engine.sock")
    talking.start()
    yield talking
    talking.stop()


@pytest.fixture
def make_snapshot() -> Callable[..., Snapshot]:
    return snapshot
