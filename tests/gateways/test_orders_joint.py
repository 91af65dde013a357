"""Two products as one venue, where nothing needs a venue: names of troubles, features, partings."""

import itertools
from decimal import Decimal
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.rigs import BTC, USDT, perpetual_instrument, spot_instrument
from tradewinds.gateways.dialect import Wallet
from tradewinds.gateways.joint_venue import JointVenue
from tradewinds.gateways.sights import Sights
from tradewinds.gateways.state_reader import Glance
from tradewinds.model import events as ev
from tradewinds.model.instrument import Instrument, InstrumentKind

D = Decimal
TIME = itertools.count(1)


class Part:
    """Says what the test wants said."""

    def __init__(self, instrument: Instrument) -> None:
        self.instruments = {instrument.id: instrument}
        self.say: list[Any] = []
        self.still = True
        self.looks: list[str] = []
        self.told: Glance | None = None

    @property
    def reader(self) -> Any:
        """Of it the venue asks what was told last."""
        return self

    def due(self, now_ns: int) -> Any:
        said, self.say = self.say, []
        for each in said:
            if isinstance(each, ev.VenueStateRead):
                wallet = Wallet(totals=dict(each.balances), free=dict(each.balances))
                asked_ns = next(TIME)
                self.told = Glance(wallet=wallet, asked_ns=asked_ns, answered_ns=next(TIME))
        return said

    def look(self, reason: str) -> None:
        self.looks.append(reason)


def joint() -> tuple[JointVenue, Part, Part]:
    spot, perpetual = Part(spot_instrument()), Part(perpetual_instrument())
    return JointVenue(cast("Any", {"spot": spot, "perpetual": perpetual})), spot, perpetual


def trouble(cause: str, reason: str) -> ev.VenueTroubleChanged:
    return ev.VenueTroubleChanged(cause=cause, reason=reason, venue_time_ns=1, received_time_ns=1)


def reading(**balances: Any) -> ev.VenueStateRead:
    held = {USDT: D(balances.get("usdt", 0)), BTC: D(balances.get("btc", 0))}
    return ev.VenueStateRead(
        balances=held, orders=(), positions=(), fills=(), venue_time_ns=1, received_time_ns=1
    )


def test_the_end_of_one_parts_trouble_does_not_end_the_others() -> None:
    venue, spot, perpetual = joint()
    spot.say = [trouble("stream", "down")]
    perpetual.say = [trouble("stream", "down")]
    began = [event.cause for event in cast("Any", venue.due(0))]
    spot.say = [trouble("stream", "")]
    (ended,) = cast("Any", venue.due(0))
    assert sorted(began) == ["perpetual:stream", "spot:stream"]
    assert (ended.cause, ended.reason) == ("spot:stream", "")


def told_by(venue: JointVenue, part: Part, **balances: Any) -> ev.VenueStateRead:
    part.say = [reading(**balances)]
    (told,) = cast("Any", venue.due(0))
    assert isinstance(told, ev.VenueStateRead)
    return told


def test_a_reading_waits_with_its_balances_until_both_have_been_seen_to_stand_still() -> None:
    venue, spot, perpetual = joint()
    first = told_by(venue, spot, usdt=100, btc=1)
    assert not first.whole
    assert not first.balances
    assert perpetual.looks
    second = told_by(venue, perpetual, usdt=50)
    assert not second.whole, "what went from one to the other meanwhile would be counted twice"
    assert spot.looks
    assert not told_by(venue, spot, usdt=100, btc=1).whole
    last = told_by(venue, perpetual, usdt=50)
    assert last.whole
    assert last.balances == {USDT: D(150), BTC: D(1)}


def settled(spot_usdt: int = 100, perpetual_usdt: int = 50) -> tuple[JointVenue, Part, Part]:
    venue, spot, perpetual = joint()
    for _ in range(2):
        told_by(venue, spot, usdt=spot_usdt)
        last = told_by(venue, perpetual, usdt=perpetual_usdt)
    assert last.whole
    return venue, spot, perpetual


def test_what_was_read_before_something_happened_there_does_not_count() -> None:
    venue, spot, perpetual = settled()
    spot.still = False
    assert not told_by(venue, perpetual, usdt=50).whole
    spot.still = True
    assert not told_by(venue, spot, usdt=80).whole
    told_by(venue, perpetual, usdt=50)
    assert told_by(venue, spot, usdt=80).balances[USDT] == D(130)


def test_money_that_went_from_one_wallet_to_the_other_is_no_change() -> None:
    venue, spot, perpetual = settled(100, 50)
    went = told_by(venue, perpetual, usdt=70)
    assert not went.whole
    assert went.balances == {}
    told_by(venue, spot, usdt=80)
    told_by(venue, perpetual, usdt=70)
    assert told_by(venue, spot, usdt=80).balances[USDT] == D(150)


def test_each_wallet_tells_what_may_be_spent_in_it() -> None:
    venue, spot, perpetual = settled(100, 50)
    assert told_by(venue, spot, usdt=80).free == {InstrumentKind.SPOT: {USDT: D(80), BTC: D(0)}}
    assert list(told_by(venue, perpetual, usdt=50).free) == [InstrumentKind.PERPETUAL]


@given(st.lists(st.sampled_from(["move", "spot", "perpetual"]), max_size=40))
def test_the_sum_of_a_whole_reading_was_there_at_one_moment(steps: list[str]) -> None:
    venue, spot, perpetual = joint()
    left = 1000
    for step in [*steps, "spot", "perpetual", "spot", "perpetual"]:
        if step == "move":
            left -= 1
            continue
        part, held = (spot, left) if step == "spot" else (perpetual, 1000 - left)
        told = told_by(venue, part, usdt=held)
        if told.whole:
            assert told.balances[USDT] == 1000
    assert told.whole, "once nothing moves any more it is seen"


def test_a_wallet_that_always_moves_does_not_make_us_ask_always() -> None:
    venue, spot, perpetual = settled()
    for usdt in range(30):
        told_by(venue, perpetual, usdt=usdt)
    assert len(spot.looks) + len(perpetual.looks) <= 6


def test_sights_without_all_wallets_are_none() -> None:
    assert not Sights().at_once(["spot"])
