"""After a restart at a venue nothing is sold before the venue has told what is still there."""

from decimal import Decimal
from typing import Any

from msgspec import structs

from tests.faults.conftest import ManualVenue, Rig
from tradewinds.model import events as ev
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import SubmitOrder
from tradewinds.model.ids import Asset
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradePhase

COIN, USDT = Asset("BTC"), Asset("USDT")


def was_closing() -> Checkpoint:
    """Left by an engine that was about to sell what it holds."""
    rig = Rig()
    rig.quote()
    rig.enter()
    rig.quote()
    rig.pass_time(1)
    saved = rig.engine.checkpoint()
    assert saved.trades
    trades = tuple(structs.replace(t, phase=TradePhase.CLOSING) for t in saved.trades)
    return structs.replace(saved, trades=trades, orders=())


def restarted(saved: Checkpoint, own_runs: tuple[Any, ...] | None) -> Rig:
    venue: Any = ManualVenue()
    return Rig(venue=venue, checkpoint=saved, own_runs=own_runs, start_ns=saved.time_ns + 10**9)


def exits(rig: Rig) -> list[SubmitOrder]:
    return [c for c in rig.of(SubmitOrder) if c.order.purpose is Purpose.EXIT]


def told(rig: Rig, coins: Decimal) -> None:
    """The venue's first reading."""
    ledger = rig.engine.floor.portfolio.ledger.balances
    balances = {USDT: ledger[USDT], COIN: coins}
    rig.now += 10**9
    rig.inject(
        ev.VenueStateRead(
            balances=balances,
            orders=(),
            positions=(),
            fills=(),
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )


def test_it_waits_for_the_venues_word_and_then_sells_what_is_there() -> None:
    saved = was_closing()
    rig = restarted(saved, own_runs=())
    held = rig.engine.floor.portfolio.ledger.balances[COIN]
    assert exits(rig) == []
    told(rig, held)
    rig.quote()
    assert [c.order.quantity for c in exits(rig)] == [saved.trades[0].quantity]


def test_what_the_user_has_sold_meanwhile_is_not_sold_again_from_his_own() -> None:
    rig = restarted(was_closing(), own_runs=())
    told(rig, Decimal(0))
    rig.quote()
    rig.pass_time(2)
    assert exits(rig) == []


def test_on_paper_it_goes_on_at_once() -> None:
    rig = restarted(was_closing(), own_runs=None)
    rig.quote()
    assert len(exits(rig)) == 1
