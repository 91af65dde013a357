"""The command line with a strategy that does as it is told: everything else is as users have it.

It enters each instrument of `TEST_SYMBOLS` as soon as it has a price, once, and holds. A journal
replays with it, because it knows nothing but its events.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tradewinds import assemble, going_live, venues
from tradewinds.cli import main
from tradewinds.cli.home import home_of
from tradewinds.gateways.live_venue import LiveVenue
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import StrategyId
from tradewinds.model.market import Quote, Side
from tradewinds.model.signal import EnterSignal, Signal
from tradewinds.ports import MarketView, Subscription
from tradewinds.practice import connection
from tradewinds.research import rerun
from tradewinds.vault.keys import ApiKey

SYMBOLS = os.environ.get("TEST_SYMBOLS", "BTC/USDT").split(",")
BUG = os.environ.get("TEST_BUG", "")
REAL = os.environ.get("TEST_REAL", "")


class Once:
    """Long in each instrument while it holds nothing there, three percent above its stop."""

    def __init__(self, instruments: Sequence[Any]) -> None:
        self.strategy_id = StrategyId("momentum")
        self._mine = [each for each in instruments if each.symbol in SYMBOLS]

    def subscriptions(self) -> Sequence[Subscription]:
        return [Subscription(kind=Quote, instrument_id=each.id) for each in self._mine]

    def on_event(self, event: MarketEvent, view: MarketView) -> Sequence[Signal]:
        assert isinstance(event, Quote)
        held = view.open_trades(self.strategy_id)
        if any(trade.instrument_id == event.instrument_id for trade in held):
            return ()
        return [
            EnterSignal(
                strategy_id=self.strategy_id,
                instrument_id=event.instrument_id,
                side=Side.BUY,
                stop_price=event.bid * 0.97,
                confidence=0.55,
                reason="told to",
            )
        ]


def once(_params: Mapping[str, Any], instruments: Sequence[Any], **_only: Any) -> list[Any]:
    return [Once(instruments)]


def stumbling() -> None:
    """Told by a signal, the talk with the venue ends by a mistake of ours; the next does not."""
    real = LiveVenue.run

    async def run(self: LiveVenue) -> None:
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
        talk = asyncio.create_task(real(self))
        await told.wait()
        talk.cancel()
        await asyncio.wait({talk})
        LiveVenue.run = real  # type: ignore[method-assign]
        raise RuntimeError("planted")

    LiveVenue.run = run  # type: ignore[method-assign]


def as_if_real() -> None:
    """Real money's way, to the practice venue: the hosts are production's, their address is not."""
    gates: Any = going_live
    real = gates.reach_of_key

    def reach_of_key(key: ApiKey, mode: str, perpetual: ApiKey | None = None) -> venues.Reach:
        found = connection.reachable(connection.folder_of(home_of(sys.argv[-1])))
        assert found is not None
        there = venues.reach_of_practice(found, ())
        way: venues.Reach = real(key, mode, perpetual)
        return structs.replace(way, session=there.session, wire=there.wire)

    gates.reach_of_key = reach_of_key


if __name__ == "__main__":
    patched: Any
    for patched in (assemble, rerun):
        patched.strategies_of = once
    if BUG:
        stumbling()
    if REAL:
        as_if_real()
    sys.exit(main(sys.argv[1:]))
