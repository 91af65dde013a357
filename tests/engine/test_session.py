"""The asynchronous edge: how a session ends, what it tells, and how the operator is heard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tradewinds.config import Settings
from tradewinds.engine import words as words_module
from tradewinds.engine.clock import EventClock
from tradewinds.engine.driver import Driver
from tradewinds.engine.engine import Engine
from tradewinds.engine.run import Session, Terms
from tradewinds.engine.words import Door
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.errors import AccountInUse
from tradewinds.model.events import MarketEvent, RunStarted
from tradewinds.model.ids import Asset, StrategyId, run_id
from tradewinds.model.portfolio import TradingState
from tradewinds.model.snapshot import (
    EmergencyRequest,
    OperatorReply,
    OperatorRequest,
    Snapshot,
    SwitchRequest,
)
from tradewinds.parts import engine_settings_of, params_of, strategies_of
from tradewinds.sim.venue import SimVenue
from tradewinds.sources import SYNTHETIC_EPOCH_NS
from tradewinds.store.memory import MemoryJournal

BALANCES = {Asset("USDT"): Decimal(1000)}


class Minutes:
    """So many minutes of the synthetic market at once, then the end, or silence."""

    def __init__(self, count: int, *, silent: bool = False) -> None:
        self._market = SyntheticFeed(7, SYNTHETIC_EPOCH_NS)
        self._count = count
        self._silent = silent
        self.instruments = self._market.instruments
        self.label = "TEST"

    async def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        blocks = self._market.blocks()
        for _ in range(self._count):
            yield next(blocks)
            await asyncio.sleep(0)
        if self._silent:
            await asyncio.sleep(3600)


def nothing() -> None:
    """Every second."""


@pytest.fixture
def make_session(tmp_path: Path) -> Callable[..., Session]:
    """A session over a market of so many minutes."""

    def make(minutes: int, *, silent: bool = False, **changes: Any) -> Session:
        feed = Minutes(minutes, silent=silent)
        settings = Settings()
        engine = Engine(
            engine_settings_of(settings), strategies_of(params_of(settings, {}), feed.instruments)
        )
        driver = Driver(
            engine, SimVenue(feed.instruments, BALANCES), MemoryJournal(), beat_ns=10**9
        )
        driver.start(
            RunStarted(
                run_id=run_id("test", 0),
                account="test",
                instruments=tuple(feed.instruments),
                opening_balances=BALANCES,
                checkpoint=None,
                settings="",
                venue_time_ns=SYNTHETIC_EPOCH_NS,
                received_time_ns=SYNTHETIC_EPOCH_NS,
            )
        )
        fields: dict[str, Any] = {
            "account": "test",
            "mode": "paper",
            "synthetic": True,
            "starting_equity": Decimal(1000),
            "pid": 1,
            "status_path": tmp_path / "status.json",
            "unpaced": False,
            "stop_at_end": True,
            "every_second": nothing,
            "journal_sequence": lambda: 0,
        }
        return Session(driver, feed, EventClock(SYNTHETIC_EPOCH_NS), Terms(**fields | changes))

    return make


def test_it_ends_with_its_data_and_leaves_its_last_words(
    make_session: Callable[..., Session], tmp_path: Path
) -> None:
    asyncio.run(make_session(2).run())
    last = msgspec.json.decode((tmp_path / "status.json").read_bytes(), type=Snapshot)
    assert last.finished
    assert last.events_total > 1000
    assert not list(tmp_path.glob("*.partial"))


def test_it_goes_on_without_data_until_it_is_stopped(
    make_session: Callable[..., Session],
) -> None:
    async def stopped_later() -> None:
        session = make_session(1, stop_at_end=False)
        running = asyncio.create_task(session.run())
        await asyncio.sleep(0.3)
        assert not running.done()
        session.stop()
        await asyncio.wait_for(running, 1)

    asyncio.run(stopped_later())


def test_what_the_edge_may_not_survive_ends_it(make_session: Callable[..., Session]) -> None:
    def lost() -> None:
        raise AccountInUse("the lease is lost")

    session = make_session(1, silent=True, every_second=lost)
    with pytest.raises(AccountInUse):
        asyncio.run(asyncio.wait_for(session.run(), 5))


def test_a_status_file_that_cannot_be_written_stops_nothing(
    make_session: Callable[..., Session],
) -> None:
    asyncio.run(make_session(1, status_path=Path("/dev/null/status.json")).run())


def reply_to(session: Session, verb: str, request: Any) -> OperatorReply:
    answer = asyncio.run(session.words.answer(verb, msgspec.msgpack.encode(request)))
    return msgspec.msgpack.decode(answer, type=OperatorReply)


def test_the_operator_is_heard_and_answered(make_session: Callable[..., Session]) -> None:
    session = make_session(1)
    ask = OperatorRequest(command_id="a", reason="lunch")
    assert reply_to(session, "pause", ask).detail == "reducing: paused: lunch"
    assert reply_to(session, "resume", ask).detail == "active"
    off = SwitchRequest(command_id="b", strategy_id=StrategyId("momentum"), enabled=False)
    assert reply_to(session, "strategy", off).detail == "momentum off"
    assert not next(s for s in session.snapshot().strategies if s.strategy_id == "momentum").enabled
    unknown = SwitchRequest(command_id="c", strategy_id=StrategyId("magic"), enabled=True)
    refused = reply_to(session, "strategy", unknown)
    assert not refused.done
    assert "there are momentum, scalping, triangular" in refused.detail
    stopped = reply_to(session, "emergency", EmergencyRequest(command_id="d", reason="now"))
    assert stopped.done
    assert session.snapshot().trading_state is TradingState.HALTED


@pytest.mark.parametrize(
    ("verb", "payload", "words"),
    [
        ("dance", b"", "unknown verb dance"),
        ("emergency", b"\xff\x00garbage", "not a EmergencyRequest"),
        ("strategy", msgspec.msgpack.encode({"command_id": 5}), "not a SwitchRequest"),
    ],
)
def test_garbage_is_refused_in_words_and_changes_nothing(
    make_session: Callable[..., Session], verb: str, payload: bytes, words: str
) -> None:
    session = make_session(1)
    with pytest.raises(ValueError, match=words):
        asyncio.run(session.words.answer(verb, payload))
    assert session.snapshot().trading_state is TradingState.ACTIVE


def test_an_emergency_that_cannot_be_verified_is_not_called_done(
    make_session: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(1)
    monkeypatch.setattr(words_module, "EMERGENCY_WAIT_S", 0.05)
    monkeypatch.setattr("tradewinds.engine.portfolio.Portfolio.flat", lambda _: False, raising=True)
    reply = reply_to(session, "emergency", EmergencyRequest(command_id="d", reason="now"))
    assert not reply.done
    assert "not verified flat" in reply.detail


def test_before_there_is_a_session_the_asker_is_told_to_wait(
    make_session: Callable[..., Session],
) -> None:
    door = Door()
    with pytest.raises(ValueError, match="still starting"):
        asyncio.run(door.answer("ping", b""))
    door.words = make_session(1).words
    assert asyncio.run(door.answer("ping", b"")) == b"pong"
