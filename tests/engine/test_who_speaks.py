"""A strategy speaks for itself alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

from msgspec import Struct

from tradewinds.config import Settings
from tradewinds.engine.engine import Engine
from tradewinds.market.synthetic_spec import synthetic_instruments
from tradewinds.model.commands import RecordAnomaly, RecordSignal
from tradewinds.model.events import MarketEvent, RunStarted
from tradewinds.model.ids import Asset, RunId, StrategyId
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.parts import engine_settings_of
from tradewinds.ports import MarketView, Subscription

BTC = next(i for i in synthetic_instruments() if i.symbol == "BTC/USDT")
NOW = 1_700_000_000_000_000_000


class Impostor:
    """Signs its wishes with any name it likes."""

    Params: ClassVar[type[Struct]] = Struct

    def __init__(self, signs_as: str) -> None:
        self.strategy_id = StrategyId("impostor")
        self._signs_as = StrategyId(signs_as)

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Quote, instrument_id=BTC.id)]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        return [
            EnterSignal(
                strategy_id=self._signs_as,
                instrument_id=BTC.id,
                side=Side.BUY,
                stop_price=99.0,
                confidence=0.6,
                reason="because",
            )
        ]


def commands_of(signs_as: str) -> list[Any]:
    engine = Engine(engine_settings_of(Settings()), [Impostor(signs_as)])
    engine.step(
        RunStarted(
            run_id=RunId("r"),
            account="test",
            instruments=(BTC,),
            opening_balances={Asset("USDT"): Decimal(1000)},
            checkpoint=None,
            settings="",
            venue_time_ns=NOW,
            received_time_ns=NOW,
        )
    )
    quote = Quote(
        instrument_id=BTC.id,
        bid=100.0,
        ask=100.01,
        bid_size=5.0,
        ask_size=5.0,
        venue_time_ns=NOW + 1,
        received_time_ns=NOW + 1,
    )
    return list(engine.step(quote))


def test_a_wish_in_another_strategys_name_is_no_wish() -> None:
    commands = commands_of("momentum")
    assert [c.kind for c in commands if isinstance(c, RecordAnomaly)] == ["foreign_signal"]
    assert not [c for c in commands if isinstance(c, RecordSignal)]


def test_a_wish_in_its_own_name_is_heard() -> None:
    commands = commands_of("impostor")
    assert [c for c in commands if isinstance(c, RecordSignal)]
    assert not [c for c in commands if isinstance(c, RecordAnomaly)]
