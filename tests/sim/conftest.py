"""A small rig around the simulated venue: one line per order, per event, per expectation."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from tradewinds.model.commands import CancelOrder, SubmitOrder
from tradewinds.model.events import MarketEvent, OrderFilled, VenueReport
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId, StrategyId, TradeId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import (
    Bar,
    BookDelta,
    FundingRate,
    MarkPrice,
    Quote,
    Side,
    TradePrint,
)
from tradewinds.model.order import ApprovedOrder, OrderType, Purpose, TimeInForce
from tradewinds.sim.settings import SimSettings
from tradewinds.sim.venue import SimVenue

SECOND = 1_000_000_000
BTC, USDT = Asset("BTC"), Asset("USDT")
React = Callable[[VenueReport], None]


def spot(**changes: Any) -> Instrument:
    """BTC/USDT with round numbers: tick 0.01, lot 0.001, maker 10 bps, taker 20 bps."""
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT@sim"),
        "symbol": "BTC/USDT",
        "venue": Venue("sim"),
        "kind": InstrumentKind.SPOT,
        "base": BTC,
        "quote": USDT,
        "settle": USDT,
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.002"),
    }
    return Instrument(**{**fields, **changes})


def perpetual(**changes: Any) -> Instrument:
    """The same as a perpetual with leverage to 20."""
    fields: dict[str, Any] = {
        "id": InstrumentId("BTC/USDT:USDT@sim"),
        "symbol": "BTC/USDT:USDT",
        "kind": InstrumentKind.PERPETUAL,
        "leverage_max": Decimal(20),
    }
    return spot(**{**fields, **changes})


class Rig:
    """A venue without latency unless asked for, and a clock of whole seconds."""

    def __init__(
        self,
        instrument: Instrument | None = None,
        balances: dict[Asset, Decimal] | None = None,
        **settings: Any,
    ) -> None:
        self.instrument = instrument or spot()
        start = {USDT: Decimal(10_000), BTC: Decimal(10)}
        chosen = {"latency_ns": 0, **settings}
        self.start = dict(start if balances is None else balances)
        self.venue = SimVenue([self.instrument], self.start, SimSettings(**chosen))
        self.now = 0
        self.sent = 0
        self.log: list[VenueReport] = []
        self.react: React | None = None

    def order(self, side: Side, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        """Submit; prices may be given as numbers. Answers the client order id."""
        self.sent += 1
        name = ClientOrderId(fields.pop("name", f"tw-{self.sent}"))
        for key in ("price", "trigger_price", "leverage"):
            if key in fields:
                fields[key] = Decimal(str(fields[key]))
        if "tif" in fields:
            fields["time_in_force"] = TimeInForce(fields.pop("tif"))
        order = ApprovedOrder(
            client_order_id=name,
            trade_id=TradeId("t"),
            strategy_id=StrategyId("s"),
            instrument_id=fields.pop("instrument_id", self.instrument.id),
            side=side,
            order_type=OrderType(kind),
            quantity=Decimal(str(quantity)),
            purpose=fields.pop("purpose", Purpose.ENTER),
            decision_price=Decimal(100),
            worst_loss=Decimal(0),
            **fields,
        )
        self.venue.submit(SubmitOrder(order=order, time_ns=self.now, cause=0))
        return name

    def buy(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        return self.order(Side.BUY, kind, quantity, **fields)

    def sell(self, kind: str, quantity: Any, **fields: Any) -> ClientOrderId:
        return self.order(Side.SELL, kind, quantity, **fields)

    def cancel(self, name: ClientOrderId) -> None:
        self.venue.cancel(
            CancelOrder(
                client_order_id=name,
                instrument_id=self.instrument.id,
                time_ns=self.now,
                cause=0,
            )
        )

    def due(self) -> list[VenueReport]:
        """What is reported without any event, now."""
        return self._log(self.venue.due(self.now))

    def feed(self, event: MarketEvent) -> list[VenueReport]:
        """Show an event; `react` sees every report while the stages are open."""
        seen: list[VenueReport] = []
        for batch in self.venue.stages(event):
            self._log(batch)
            for report in batch:
                seen.append(report)
                if self.react is not None:
                    self.react(report)
        return seen

    def quote(
        self, bid: float, ask: float, bid_size: float = 100.0, ask_size: float = 100.0
    ) -> list[VenueReport]:
        self.now += SECOND
        return self.feed(
            Quote(
                instrument_id=self.instrument.id,
                bid=bid,
                ask=ask,
                bid_size=bid_size,
                ask_size=ask_size,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def print(self, price: float, size: float = 100.0) -> list[VenueReport]:
        self.now += SECOND
        return self.feed(
            TradePrint(
                instrument_id=self.instrument.id,
                price=price,
                size=size,
                aggressor=Side.SELL,
                print_id="",
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def book(
        self,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        snapshot: bool = True,
    ) -> list[VenueReport]:
        self.now += SECOND
        return self.feed(
            BookDelta(
                instrument_id=self.instrument.id,
                bids=tuple(bids),
                asks=tuple(asks),
                snapshot=snapshot,
                first_update_id=0,
                last_update_id=0,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def bar(self, prices: tuple[float, float, float, float], volume: float = 1e6) -> Any:
        """Open, high, low, close of the next minute."""
        opened = self.now
        self.now += 60 * SECOND
        return self.feed(
            Bar(
                instrument_id=self.instrument.id,
                timeframe_ns=60 * SECOND,
                open_time_ns=opened,
                open=prices[0],
                high=prices[1],
                low=prices[2],
                close=prices[3],
                volume=volume,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def mark(self, price: float) -> list[VenueReport]:
        self.now += SECOND
        return self.feed(
            MarkPrice(
                instrument_id=self.instrument.id,
                price=price,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def funding(self, rate: float) -> list[VenueReport]:
        self.now += SECOND
        return self.feed(
            FundingRate(
                instrument_id=self.instrument.id,
                rate=rate,
                venue_time_ns=self.now,
                received_time_ns=self.now,
            )
        )

    def _log(self, batch: Sequence[VenueReport]) -> list[VenueReport]:
        self.log.extend(batch)
        return list(batch)


def names(reports: Sequence[VenueReport]) -> list[str]:
    """Kinds of reports, in order."""
    return [type(report).__name__ for report in reports]


def fills(reports: Sequence[VenueReport]) -> list[tuple[Decimal, Decimal]]:
    """(quantity, price) of the fills, in order."""
    return [(r.fill.quantity, r.fill.price) for r in reports if isinstance(r, OrderFilled)]


class Kit:
    """What tests need besides the rig itself."""

    Rig = Rig
    spot = staticmethod(spot)
    perpetual = staticmethod(perpetual)
    names = staticmethod(names)
    fills = staticmethod(fills)


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    """Rig, instruments and readers of reports."""
    return Kit


@pytest.fixture
def rig() -> Rig:
    """Spot, 10,000 USDT and 10 BTC, no latency."""
    return Rig()
