"""A market that has ended: no order of ours stays, and what is held can only be given away."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewinds.model.events import OrderCanceled, OrderExpired, OrderFilled, OrderRejected
from tradewinds.model.instrument import InstrumentStatus
from tradewinds.model.market import Side
from tradewinds.model.order import Fill

SECOND = 1_000_000_000
FLAT = (100.0, 100.0, 100.0, 100.0)


def fills_of(reports: list[Any]) -> list[Fill]:
    return [report.fill for report in reports if isinstance(report, OrderFilled)]


@pytest.fixture
def ended(kit: Any) -> Callable[..., Any]:
    """A rig whose market showed 100 and then ended."""

    def made(instrument: Any = None, **settings: Any) -> Any:
        rig = kit.Rig(instrument or kit.spot(), delisted_haircut=Decimal("0.1"), **settings)
        rig.bar(FLAT)
        return rig

    return made


def end(kit: Any, rig: Any) -> list[Any]:
    make = kit.perpetual if "USDT:" in rig.instrument.id else kit.spot
    rig.venue.update_instrument(make(status=InstrumentStatus.DELISTED))
    rig.now += SECOND
    return list(rig.due())


def test_working_orders_go_when_the_venue_says_so(kit: Any, ended: Callable[..., Any]) -> None:
    rig = ended()
    stop = rig.sell("stop_market", 1, trigger_price=90)
    bid = rig.buy("limit", 1, price=95)
    rig.due()
    gone = end(kit, rig)
    assert {type(report) for report in gone} == {OrderExpired}
    assert {report.client_order_id for report in gone} == {stop, bid}
    assert not rig.venue.working_orders()
    assert rig.venue.free("USDT") == rig.start["USDT"], "nothing stays set aside"


def test_what_is_held_is_taken_at_the_last_price_less_the_haircut_whatever_its_size(
    kit: Any, ended: Callable[..., Any]
) -> None:
    rig = ended()
    end(kit, rig)
    rig.sell("market", 10)
    (fill,) = fills_of(rig.due())
    assert (fill.price, fill.quantity, fill.fee) == (Decimal(90), Decimal(10), Decimal("1.8"))
    assert rig.venue.balances["BTC"] == 0


@pytest.mark.parametrize(
    ("side", "kind", "fields"),
    [
        (Side.BUY, "market", {}),
        (Side.BUY, "limit", {"price": 100}),
        (Side.SELL, "limit", {"price": 90}),
        (Side.SELL, "stop_market", {"trigger_price": 80}),
    ],
)
def test_nothing_else_is_accepted(
    kit: Any, ended: Callable[..., Any], side: Side, kind: str, fields: dict[str, Any]
) -> None:
    rig = ended()
    end(kit, rig)
    rig.order(side, kind, 1, **fields)
    (report,) = rig.due()
    assert isinstance(report, OrderRejected)
    assert report.reason == "market is delisted"


def test_an_exit_that_waited_for_the_next_bar_goes_and_can_be_sent_again(
    kit: Any, ended: Callable[..., Any]
) -> None:
    rig = ended()
    waiting = rig.sell("market", 1)
    rig.due()
    assert [report.client_order_id for report in end(kit, rig)] == [waiting]
    rig.sell("market", 1)
    assert fills_of(rig.due())[0].price == 90


def test_an_order_on_its_way_meets_the_ended_market(kit: Any, ended: Callable[..., Any]) -> None:
    rig = ended(latency_ns=SECOND)
    rig.buy("limit", 1, price=99)
    (report,) = end(kit, rig)
    assert isinstance(report, OrderRejected)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, 90), (Side.SELL, 110)])
def test_a_perpetual_is_settled_against_us_either_way(
    kit: Any, ended: Callable[..., Any], side: Side, price: int
) -> None:
    rig = ended(kit.perpetual())
    rig.order(side, "market", 1, leverage=2)
    rig.bar(FLAT)
    end(kit, rig)
    rig.order(side.opposite, "market", 1, reduce_only=True)
    (fill,) = fills_of(rig.due())
    assert fill.price == price
    assert not rig.venue.positions


def test_a_cancel_that_comes_after_the_end_finds_nothing(
    kit: Any, ended: Callable[..., Any]
) -> None:
    rig = ended()
    stop = rig.sell("stop_market", 1, trigger_price=90)
    rig.due()
    end(kit, rig)
    rig.cancel(stop)
    assert not [r for r in rig.due() if isinstance(r, OrderCanceled)]
