"""Which market a run gets: live where a venue answers, else the synthetic one, and it says so."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tradewinds.config import Settings, StrategySettings
from tradewinds.gateways import live, probe
from tradewinds.gateways.live import Live
from tradewinds.model.errors import ConfigError, DataError
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import HOUR_NS, MINUTE_NS
from tradewinds.options import BacktestOptions, RunOptions
from tradewinds.ports import BarHistory
from tradewinds.sources import past_of, source_of, timeframe_ns_of, timeframes_asked_for

BTC = InstrumentId("BTC/USDT@binance")


def bar(timeframe_ns: int) -> Bar:
    start = 1_700_000_000_000_000_000
    return Bar(
        instrument_id=BTC,
        timeframe_ns=timeframe_ns,
        open_time_ns=start,
        open=1.0,
        high=1.0,
        low=1.0,
        close=1.0,
        volume=1.0,
        venue_time_ns=start + timeframe_ns,
        received_time_ns=start + timeframe_ns,
    )


class Asked:
    """A live feed that notes what it is asked for."""

    label = "LIVE binance"
    instruments: Sequence[Any] = ()

    def __init__(self) -> None:
        self.history_asked: list[int] = []

    async def history(self, bars: int, timeframe_ns: int) -> BarHistory:
        self.history_asked.append(timeframe_ns)
        return {BTC: (bar(timeframe_ns),)}


def options(tmp_path: Path, **more: Any) -> RunOptions:
    return RunOptions(home=tmp_path, **more)


def reachable(monkeypatch: pytest.MonkeyPatch, venue: str | None) -> Asked:
    asked = Asked()

    async def look(*_: Any) -> str | None:
        return venue

    async def open_live(*_: Any) -> Live:
        return Live(feed=asked, history=asked.history, prints_bar_ns=0)  # type: ignore[arg-type]

    monkeypatch.setattr(probe, "reachable_venue", look)
    monkeypatch.setattr(live, "open_live", open_live)
    return asked


def test_without_a_venue_the_synthetic_market_is_traded_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reachable(monkeypatch, None)
    source = asyncio.run(source_of(Settings(), options(tmp_path)))
    assert source.synthetic
    assert source.kind == "synthetic"
    assert "SYNTHETIC" in source.feed.label
    assert "no venue reachable" in source.note
    assert not source.resumes


def test_with_a_venue_its_data_are_traded_and_the_account_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = reachable(monkeypatch, "binance")
    source = asyncio.run(source_of(Settings(), options(tmp_path)))
    assert source.kind == "live"
    assert source.resumes
    assert not source.synthetic
    # The strategies' own bars first, the minutes last, oldest purpose kept together.
    assert asked.history_asked == [HOUR_NS, MINUTE_NS]
    assert [b.timeframe_ns for b in source.history[BTC]] == [HOUR_NS, MINUTE_NS]


def test_only_strategies_that_are_on_ask_for_bars() -> None:
    on = Settings(strategies={"momentum": StrategySettings(params={"timeframe": "4h"})})
    off = Settings(strategies={"momentum": StrategySettings(enabled=False)})
    assert timeframes_asked_for(on) == {4 * HOUR_NS}
    assert timeframes_asked_for(off) == set()


def test_a_seed_names_the_same_synthetic_past_whenever_it_is_asked() -> None:
    chosen = BacktestOptions(synthetic_days=1, seed=5)
    once, again = (next(iter(past_of(Settings(), chosen).blocks)) for _ in range(2))
    assert once == again


def test_nonsense_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="1h"):
        timeframe_ns_of("soon")
    nothing = tmp_path / "empty.parquet"
    nothing.write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.parquet"):
        asyncio.run(source_of(Settings(), options(tmp_path, replay=str(nothing))))
