"""A real engine process for tests that stop, starve or kill it: its market goes on after a restart
as a live one does, its strategy wants everything, and it notes the venue's books at each flat."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from tradewinds import accounts, assemble
from tradewinds.cli import main
from tradewinds.engine.clock import EventClock
from tradewinds.engine.words import Words
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.commands import EmergencyFinished
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import StrategyId
from tradewinds.model.market import Bar, Quote, Side
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.ports import MarketView, Subscription
from tradewinds.sources import SYNTHETIC_EPOCH_NS, Source

MARKET = os.environ.get("TEST_MARKET", "")
source_of = assemble.source_of
finished = Words.finished


class Eager:
    """Long in everything, always, three percent above its stop."""

    def __init__(self, instruments: Sequence[Any]) -> None:
        self.strategy_id = StrategyId("momentum")
        self._instruments = [each for each in instruments if each.quote == "USDT"]

    def subscriptions(self) -> Sequence[Subscription]:
        return [
            Subscription(kind=kind, instrument_id=each.id)
            for each in self._instruments
            for kind in (Quote, Bar)
        ]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        price = event.close if isinstance(event, Bar) else event.bid  # type: ignore[union-attr]
        trades = view.open_trades(self.strategy_id)
        if len(trades) > 3 or any(t.instrument_id == event.instrument_id for t in trades):
            return ()
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=Side.BUY,
                stop_price=price * 0.97,
                confidence=0.55,
                reason="eager",
            )
        ]


class FewBars:
    """Minute bars at once, for five minutes; then none for as long as anybody waits."""

    def __init__(self) -> None:
        self._feed = SyntheticFeed(7, SYNTHETIC_EPOCH_NS)
        self.instruments = self._feed.instruments
        self.label = "BARS"

    async def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
        blocks = self._feed.blocks()
        for _ in range(5):
            yield [event for event in next(blocks) if isinstance(event, Bar)]
            await asyncio.sleep(0)
        await asyncio.sleep(3600)


async def resuming(settings: Any, options: Any) -> Source:
    source = await source_of(settings, options)
    if MARKET == "bars":
        clock = EventClock(SYNTHETIC_EPOCH_NS)
        return replace(source, feed=FewBars(), start_ns=SYNTHETIC_EPOCH_NS, clock=clock, history={})
    return replace(source, kind="live", resumes=True) if MARKET == "resuming" else source


def noting(self: Words, command: EmergencyFinished) -> None:
    """What the venue has on its books at the instant in which flat is claimed."""
    venue: Any = self._driver.venue
    truth = {
        "working": len(venue.working_orders()),
        "held": {k: str(v) for k, v in venue.balances.items() if v and k != "USDT"},
        "prices": {k: s.mid for k, s in self._driver.engine.floor.board.slots.items()},
    }
    with Path(os.environ["TEST_TRUTH"]).open("ab") as file:
        file.write(msgspec.json.encode(truth) + b"\n")
    finished(self, command)


if __name__ == "__main__":
    assemble.source_of = resuming
    accounts.LEASE_EVERY_S = 1
    assemble.strategies_of = lambda _params, instruments, **_only: [Eager(instruments)]
    Words.finished = noting  # type: ignore[method-assign]
    sys.exit(main(sys.argv[1:]))
