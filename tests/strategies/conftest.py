"""Makers of the few things a strategy sees, for tests of this package."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.strategies.selection_stage import Stage
from tradewinds.model.ids import Asset, InstrumentId, StrategyId, TradeId, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, Side
from tradewinds.model.portfolio import Trade, TradePhase


def _instrument(base: str, quote: str, venue: str = "x", **changes: Any) -> Instrument:
    symbol = f"{base}/{quote}"
    made = Instrument(
        id=instrument_id(symbol, venue),
        symbol=symbol,
        venue=Venue(venue),
        kind=InstrumentKind.SPOT,
        base=Asset(base),
        quote=Asset(quote),
        settle=Asset(quote),
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        min_quantity=Decimal(0),
        max_quantity=Decimal(1_000_000),
        min_notional=Decimal(0),
        maker_fee=Decimal("0.001"),
        taker_fee=Decimal("0.001"),
    )
    return msgspec.structs.replace(made, **changes)


class StubView:
    """A MarketView that says what the test sets."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.trades: list[Trade] = []

    def quote(self, _instrument_id: str) -> None:
        return None

    def mid(self, _instrument_id: str) -> None:
        return None

    def open_trades(self, strategy_id: StrategyId) -> Sequence[Trade]:
        return [trade for trade in self.trades if trade.strategy_id == strategy_id]


MINUTE_NS = 60_000_000_000


class Row(NamedTuple):
    """A bar without the clockwork."""

    close: float
    high: float
    low: float
    volume: float = 1.0


def _bars(instrument_id: str, rows: Sequence[Row], first: int = 0, delay_ns: int = 0) -> list[Bar]:
    """Minute bars in a row, the first of them number `first`, received `delay_ns` after close."""
    return [
        Bar(
            instrument_id=InstrumentId(instrument_id),
            timeframe_ns=MINUTE_NS,
            open_time_ns=number * MINUTE_NS,
            open=row.close,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
            venue_time_ns=(number + 1) * MINUTE_NS,
            received_time_ns=(number + 1) * MINUTE_NS + delay_ns,
        )
        for number, row in enumerate(rows, start=first)
    ]


def _trade(instrument_id: str, **changes: Any) -> Trade:
    """An open long of momentum, bought at 100 with a stop at 90 when time began."""
    made = Trade(
        trade_id=TradeId("t1"),
        strategy_id=StrategyId("momentum"),
        instrument_id=InstrumentId(instrument_id),
        side=Side.BUY,
        phase=TradePhase.OPEN,
        quantity=Decimal(1),
        entry_price=Decimal(100),
        stop_price=Decimal(90),
        opened_time_ns=0,
    )
    return msgspec.structs.replace(made, **changes)


@pytest.fixture(scope="session")
def bars() -> Callable[..., list[Bar]]:
    return _bars


@pytest.fixture(scope="session")
def row() -> type[Row]:
    return Row


@pytest.fixture(scope="session")
def trade() -> Callable[..., Trade]:
    return _trade


@pytest.fixture(scope="session")
def instrument() -> Callable[..., Instrument]:
    return _instrument


@pytest.fixture(scope="session")
def make_view() -> type[StubView]:
    return StubView


@pytest.fixture(scope="session")
def listed(instrument: Callable[..., Instrument]) -> list[Instrument]:
    lots = {"lot_size": Decimal("0.001"), "min_notional": Decimal(1)}
    return [instrument("A", "USDT", **lots), instrument("B", "USDT", **lots)]


@pytest.fixture
def stage(listed: list[Instrument]) -> Stage:
    made = Stage(listed)
    for place in (0, 1):
        made.quote(100.0, place)
    return made
