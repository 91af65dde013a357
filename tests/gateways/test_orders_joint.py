"""Two products as one venue, where nothing needs a venue: names of troubles, features, partings."""

from decimal import Decimal
from typing import Any, cast

from tests.contract.rigs import BTC, USDT, perpetual_instrument, spot_instrument
from tradewinds.gateways.joint_venue import JointVenue
from tradewinds.model import events as ev
from tradewinds.model.instrument import Instrument

D = Decimal


class Part:
    """Says what the test wants said."""

    def __init__(self, instrument: Instrument) -> None:
        self.instruments = {instrument.id: instrument}
        self.say: list[Any] = []
        self.still = True
        self.looks: list[str] = []

    def due(self, now_ns: int) -> Any:
        said, self.say = self.say, []
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


def test_a_reading_waits_with_its_balances_until_the_other_part_has_been_read() -> None:
    venue, spot, perpetual = joint()
    spot.say = [reading(usdt=100, btc=1)]
    (first,) = cast("Any", venue.due(0))
    assert not first.whole
    assert not first.balances
    assert perpetual.looks
    perpetual.say = [reading(usdt=50)]
    (second,) = cast("Any", venue.due(0))
    assert second.whole
    assert second.balances == {USDT: D(150), BTC: D(1)}


def test_what_was_read_before_something_happened_there_does_not_count() -> None:
    venue, spot, perpetual = joint()
    spot.say, perpetual.say = [reading(usdt=100)], [reading(usdt=50)]
    venue.due(0)
    spot.still = False
    perpetual.say = [reading(usdt=70)]
    (told,) = cast("Any", venue.due(0))
    assert not told.whole
    spot.still, spot.say = True, [reading(usdt=80)]
    (told,) = cast("Any", venue.due(0))
    assert told.balances[USDT] == D(150)
