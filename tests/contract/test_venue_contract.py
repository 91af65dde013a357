"""What every venue must do alike, simulated or real: the engine knows no difference."""

from decimal import Decimal
from typing import Any

from tests.contract.rigs import ENDS
from tradewinds.model.instrument import InstrumentKind

D = Decimal


def ended(venue: Any, order_id: str) -> list[str]:
    """How it ended, if it did."""
    return [word for word in venue.story(order_id) if word in ENDS]


def opened(venue: Any, quantity: str = "0.01") -> None:
    """Something to close, on spot too."""
    venue.buy("market", quantity)
    venue.settle()


def test_a_market_order_is_accepted_and_fills(venue: Any) -> None:
    before = venue.held()
    order = venue.buy("market", "0.01")
    venue.settle()
    assert venue.story(order) == ["accepted", "filled"]
    assert venue.filled(order) == D("0.01")
    assert D("0.0099") <= venue.held() - before <= D("0.01")


def test_a_fill_tells_side_price_fee_and_who_made_it(venue: Any) -> None:
    order = venue.buy("market", "0.01")
    venue.settle()
    fill = venue.fills(order)[0].fill
    assert fill.side == "buy"
    assert abs(fill.price - D(20_001)) < 100
    assert fill.fee > 0
    assert fill.fee_asset in ("BTC", "USDT")
    assert not fill.maker
    assert not fill.venue_initiated


def test_an_ioc_takes_what_is_there_and_the_rest_expires(venue: Any) -> None:
    venue.quote(19_999, 20_001, size="0.02")
    order = venue.buy("limit", "0.05", price=20_001, tif="ioc")
    venue.settle()
    assert venue.filled(order) == D("0.02")
    assert ended(venue, order) == ["expired"]
    assert order not in venue.standing()


def test_an_ioc_beside_the_market_expires_unfilled(venue: Any) -> None:
    order = venue.buy("limit", "0.01", price=19_500, tif="ioc")
    venue.settle()
    assert venue.filled(order) == 0
    assert ended(venue, order) == ["expired"]


def test_a_fok_that_cannot_be_filled_at_once_does_nothing(venue: Any) -> None:
    venue.quote(19_999, 20_001, size="0.02")
    order = venue.buy("limit", "0.05", price=20_001, tif="fok")
    venue.settle()
    assert venue.filled(order) == 0
    assert ended(venue, order) in (["expired"], ["rejected"])


def test_post_only_never_takes(venue: Any) -> None:
    order = venue.buy("limit", "0.01", price=20_010, post_only=True)
    venue.settle()
    assert venue.filled(order) == 0
    assert len(ended(venue, order)) == 1


def test_a_resting_limit_is_canceled_on_request(venue: Any) -> None:
    order = venue.buy("limit", "0.01", price=19_000)
    venue.settle()
    assert venue.story(order) == ["accepted"]
    assert venue.standing() == [order]
    venue.cancel(order)
    venue.settle()
    assert venue.story(order) == ["accepted", "canceled"]
    assert venue.standing() == []


def test_a_resting_limit_fills_as_maker_when_the_price_comes(venue: Any) -> None:
    order = venue.buy("limit", "0.01", price=19_500, post_only=True)
    venue.settle()
    venue.quote(19_400, 19_410)
    venue.settle()
    assert venue.filled(order) == D("0.01")
    assert venue.fills(order)[0].fill.maker
    assert venue.fills(order)[0].fill.price == D(19_500)


def test_what_filled_before_a_cancel_stays_filled(venue: Any) -> None:
    before = venue.held()
    venue.quote(19_999, 20_001, size="0.02")
    order = venue.buy("limit", "0.05", price=20_001)
    venue.settle()
    assert venue.story(order) == ["accepted", "filled"]
    venue.cancel(order)
    venue.settle()
    assert ended(venue, order) == ["canceled"]
    assert venue.filled(order) == D("0.02")
    assert D("0.0199") <= venue.held() - before <= D("0.02")


def test_canceling_what_is_gone_does_no_harm(venue: Any) -> None:
    order = venue.buy("market", "0.01")
    venue.settle()
    venue.cancel(order)
    venue.settle()
    assert venue.filled(order) == D("0.01")
    assert ended(venue, order) == []


def test_canceling_what_never_was_does_no_harm(venue: Any) -> None:
    venue.cancel("tw-run-999")
    venue.settle()
    assert venue.fills() == []


def test_a_stop_rests_at_the_venue(venue: Any) -> None:
    opened(venue)
    order = venue.stop("0.005", 19_000)
    venue.settle()
    assert venue.story(order) == ["accepted"]
    assert venue.standing() == [order]


def test_a_stop_sells_when_the_price_falls_to_it(venue: Any) -> None:
    opened(venue)
    order = venue.stop("0.005", 19_000)
    venue.settle()
    before = venue.held()
    venue.quote(18_990, 18_995)
    venue.settle()
    assert venue.filled(order) == D("0.005")
    assert venue.held() == before - D("0.005")
    assert venue.standing() == []


def test_a_stop_above_the_price_does_not_sell_early(venue: Any) -> None:
    opened(venue)
    order = venue.stop("0.005", 19_000)
    venue.settle()
    venue.quote(19_050, 19_052)
    venue.settle()
    assert venue.story(order) == ["accepted"]


def test_a_stop_that_the_price_has_passed_is_refused(venue: Any) -> None:
    opened(venue)
    order = venue.stop("0.005", 20_500)
    venue.settle()
    assert ended(venue, order) == ["rejected"]
    assert venue.filled(order) == 0


def test_a_canceled_stop_frees_what_it_held(venue: Any) -> None:
    opened(venue)
    stop = venue.stop("0.009", 19_000)
    venue.settle()
    venue.cancel(stop)
    venue.settle()
    assert ended(venue, stop) == ["canceled"]
    close = venue.sell("market", "0.009")
    venue.settle()
    assert venue.filled(close) == D("0.009")


def pair(venue: Any, quantity: str = "0.009") -> tuple[str, str]:
    """Stop at 19,000 and target at 21,000; only one of them may come. Where only one can rest, it
    is the stop, and the target is refused: the stop must do all that it does beside a target."""
    opened(venue)
    stop = venue.stop(quantity, 19_000, oco_group="t-1")
    target = venue.target(quantity, 21_000, oco_group="t-1")
    venue.settle()
    return stop, target


def test_a_stop_and_its_target_rest_together(venue: Any) -> None:
    stop, target = pair(venue)
    assert venue.story(stop) == ["accepted"]
    assert venue.story(target) == (["accepted"] if venue.pairs else ["rejected"])
    assert set(venue.standing()) == ({stop, target} if venue.pairs else {stop})


def test_when_the_target_comes_its_stop_is_canceled(venue: Any) -> None:
    stop, target = pair(venue)
    venue.quote(21_010, 21_012)
    venue.settle()
    if not venue.pairs:
        assert venue.filled(target) == 0
        assert venue.standing() == [stop]
        return
    assert venue.filled(target) == D("0.009")
    assert venue.story(stop) == ["accepted", "canceled"]
    assert venue.standing() == []


def test_when_the_stop_comes_its_target_is_canceled(venue: Any) -> None:
    stop, target = pair(venue)
    venue.quote(18_990, 18_995)
    venue.settle()
    assert venue.filled(stop) == D("0.009")
    assert venue.story(target) == (["accepted", "canceled"] if venue.pairs else ["rejected"])
    assert venue.standing() == []


def test_both_of_a_pair_can_be_canceled(venue: Any) -> None:
    stop, target = pair(venue)
    venue.cancel(stop)
    venue.cancel(target)
    venue.settle()
    assert ended(venue, stop) == ["canceled"]
    assert ended(venue, target) == (["canceled"] if venue.pairs else ["rejected"])
    assert venue.standing() == []


def test_what_cannot_be_paid_for_is_rejected(venue: Any) -> None:
    order = venue.buy("limit", 100, price=20_001)
    venue.settle()
    assert ended(venue, order) == ["rejected"]
    assert venue.standing() == []


def test_what_is_worth_too_little_is_rejected(venue: Any) -> None:
    order = venue.buy("limit", "0.00001" if spot(venue) else "0.001", price=19_000)
    venue.settle()
    assert ended(venue, order) == ["rejected"]


def test_a_price_off_the_tick_is_rejected(venue: Any) -> None:
    order = venue.buy("limit", "0.01", price="19000.001" if spot(venue) else "19000.05")
    venue.settle()
    assert ended(venue, order) == ["rejected"]


def test_the_same_id_twice_is_one_order(venue: Any) -> None:
    first = venue.make("buy", "limit", "0.01", price=19_000)
    venue.submit(first)
    venue.settle()
    venue.submit(first)
    venue.settle()
    assert venue.standing() == [first.client_order_id]


def test_every_fill_has_an_id_of_its_own(venue: Any) -> None:
    for _ in range(3):
        venue.buy("market", "0.01")
    venue.settle()
    ids = [report.fill.fill_id for report in venue.fills()]
    assert len(ids) == len(set(ids)) >= 3


def test_a_perpetual_is_closed_and_never_turned(venue: Any) -> None:
    if spot(venue):
        return
    opened(venue)
    order = venue.sell("market", "0.03")
    venue.settle()
    assert venue.held() == 0
    assert venue.filled(order) <= D("0.01")
    again = venue.sell("market", "0.01")
    venue.settle()
    assert ended(venue, again) == ["rejected"]
    assert venue.held() == 0


def test_everything_sold_is_gone(venue: Any) -> None:
    before = venue.held()
    opened(venue)
    gained = venue.held() - before
    quantity = venue.instrument.quantity_down(gained)
    order = venue.sell("market", quantity)
    venue.settle()
    assert venue.filled(order) == quantity
    assert venue.held() - before < venue.instrument.lot_size


def spot(venue: Any) -> bool:
    return bool(venue.instrument.kind is InstrumentKind.SPOT)
