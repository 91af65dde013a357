"""The law over the whole engine, judged after every single step.

A failure names the world and the seed.
"""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from tradewinds.model.errors import InvariantBroken
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import Asset, InstrumentId, StrategyId, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.signal import BasketSignal, EnterSignal, ExitSignal, Leg, Signal, StopSignal
from tradewinds.ports import MarketView, Subscription

USDT = Asset("USDT")
WORLDS: tuple[dict[str, Any], ...] = (
    {"name": "smooth", "strict": True},
    {"name": "poor", "cash": 230, "strict": True},
    {"name": "jumpy", "jump": 0.04, "walk_bps": 10},
    {"name": "gaps", "jump": 0.02, "jump_size": 0.3, "operators": 0.02},
    {"name": "unruly", "unruly": 0.15},
    {"name": "restless", "restarts": 0.03, "operators": 0.01},
    {"name": "bars", "bars": True, "walk_bps": 15, "jump": 0.02},
    {
        "name": "all at once",
        "jump": 0.03,
        "unruly": 0.1,
        "operators": 0.02,
        "restarts": 0.015,
        "walk_bps": 10,
    },
)
SEEDS = range(30)


def instrument(symbol: str, price: float, **changes: Any) -> Instrument:
    base, quote = symbol.split(":", maxsplit=1)[0].split("/")
    places = Decimal(repr(price)).adjusted()
    fields: dict[str, Any] = {
        "id": InstrumentId(f"{symbol}@x"),
        "symbol": symbol,
        "venue": Venue("x"),
        "kind": InstrumentKind.PERPETUAL if ":" in symbol else InstrumentKind.SPOT,
        "base": Asset(base),
        "quote": Asset(quote),
        "settle": Asset(quote),
        "tick_size": Decimal(10) ** (places - 5),
        "lot_size": Decimal(10) ** (-places - 2),
        "min_quantity": Decimal(10) ** (-places - 2),
        "max_quantity": Decimal(10) ** 9,
        "min_notional": Decimal(5) if quote == "USDT" else Decimal("0.0001"),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changes})


PRICES = {
    "BTC/USDT@x": 60_000.0,
    "ETH/USDT@x": 3_000.0,
    "ETH/BTC@x": 0.05,
    "SOL/USDT@x": 150.0,
    "BTC/USDT:USDT@x": 60_000.0,
}
INSTRUMENTS = (
    instrument("BTC/USDT", 60_000.0, fee_in_received_asset=True),
    instrument("ETH/USDT", 3_000.0, taker_fee=Decimal("0.002")),
    instrument("ETH/BTC", 0.05, lot_size=Decimal("0.0001"), min_quantity=Decimal("0.0001")),
    instrument("SOL/USDT", 150.0, lot_size=Decimal("0.1"), min_quantity=Decimal("0.1")),
    instrument("BTC/USDT:USDT", 60_000.0, leverage_max=Decimal(20), taker_fee=Decimal("0.0005")),
)
TRIANGLE = ("BTC/USDT@x", "ETH/BTC@x", "ETH/USDT@x")


class NoParams(Struct, frozen=True, kw_only=True):
    """None."""


class Mad:
    """Wants anything at any time, several things at once, and now and then nonsense."""

    Params: ClassVar[type[Struct]] = NoParams

    def __init__(self, name: str, dice: random.Random) -> None:
        self.strategy_id = StrategyId(name)
        self.dice = dice
        self.calm = False

    def subscriptions(self) -> Sequence[Subscription]:
        kinds = (Quote, Bar)
        return [Subscription(kind=k, instrument_id=i.id) for k in kinds for i in INSTRUMENTS]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        if self.calm or self.dice.random() > 0.12:
            return ()
        many = self.dice.choice([1, 1, 1, 2, 10])
        signals = [self.any_signal(event.instrument_id, view) for _ in range(many)]
        return [signal for signal in signals if signal is not None]

    def any_signal(self, instrument_id: InstrumentId, view: MarketView) -> Signal | None:
        mid, trades = view.mid(instrument_id), view.open_trades(self.strategy_id)
        if mid is None:
            return None
        if self.strategy_id == "cycler" and not trades:
            return self.basket(view)
        roll = self.dice.random()
        if trades and roll < 0.25:
            trade = self.dice.choice(list(trades))
            if roll < 0.1:
                return ExitSignal(strategy_id=self.strategy_id, trade_id=trade.trade_id, reason="")
            stop = float(trade.stop_price) * self.dice.choice([0.9, 1.0005, 1.002, 1.01, 2.0, -1])
            return StopSignal(
                strategy_id=self.strategy_id, trade_id=trade.trade_id, stop_price=stop, reason=""
            )
        return self.basket(view) if roll > 0.85 else self.entry(instrument_id, mid)

    def entry(self, instrument_id: InstrumentId, mid: float) -> EnterSignal:
        side = self.dice.choice([Side.BUY, Side.BUY, Side.SELL])
        sign = 1 if side is Side.BUY else -1
        away = self.dice.choice([0.003, 0.01, 0.02, 0.05, 0.3])
        target = self.dice.choice([None, mid * (1 + sign * away), mid * (1 + sign * 0.002)])
        limit = self.dice.choice([None, None, None, mid * (1 - sign * 0.0005), mid])
        stop = self.dice.choice([mid * (1 - sign * away)] * 20 + [float("nan"), 0.0, mid])
        return EnterSignal(
            strategy_id=self.strategy_id,
            instrument_id=instrument_id,
            side=side,
            stop_price=stop,
            confidence=self.dice.choice([1.0, 0.9, 0.7, float("nan")]),
            reason="",
            target_price=target,
            limit_price=limit,
        )

    def basket(self, view: MarketView) -> BasketSignal:
        sides = [Side.BUY, Side.BUY, Side.SELL]
        legs = []
        for name, side in zip(TRIANGLE, sides, strict=True):
            mid = view.mid(InstrumentId(name)) or 1.0
            off = self.dice.choice([-0.0005, 0.0, 0.001, 0.0025])
            price = mid * (1 + off if side is Side.BUY else 1 - off)
            legs.append(
                Leg(instrument_id=InstrumentId(name), side=side, limit_price=price, size_max=1e9)
            )
        if self.dice.random() < 0.1:
            self.dice.shuffle(legs)
        return BasketSignal(
            strategy_id=self.strategy_id,
            legs=tuple(legs),
            start_asset=self.dice.choice([USDT] * 9 + [Asset("BTC")]),
            notional_max=self.dice.choice([50.0, 400.0, 1e9]),
            edge_bps=5.0,
            reason="",
        )


def cast_of(storm: Any) -> Any:
    names = ("mad", "madder", "cycler")
    return storm.Cast(INSTRUMENTS, PRICES, lambda dice: [Mad(name, dice) for name in names])


@pytest.mark.parametrize("fields", WORLDS, ids=lambda fields: fields["name"])
def test_the_law_holds_at_every_step(law: Any, storm: Any, fields: dict[str, Any]) -> None:
    world, cast = storm.World(**fields), cast_of(storm)
    entered, gaps = 0, 0
    for seed in SEEDS:
        chaos = storm.Chaos(world, seed, law.limits(), cast)
        try:
            chaos.run()
        except (AssertionError, InvariantBroken) as error:
            raise AssertionError(f"world {world.name!r}, seed {seed}: {error}") from error
        entered += chaos.entered
        gaps += len(chaos.gaps)
        end = chaos.engine.floor.portfolio.equity()
        assert end is not None
        if world.strict:
            assert world.cash - end <= 41, f"seed {seed}: two days of at most 20 lost more"
            assert not chaos.gaps, f"seed {seed}: {chaos.gaps}"
    assert entered > len(SEEDS) * 2, "the world is too tame"
    assert gaps or world.jump < 0.02, "nothing jumped over a stop"
