"""Whatever order the venue's words come in, each thing is told once and nothing is lost."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.rigs import spot_instrument
from tradewinds.gateways.dialect import Named, Said
from tradewinds.gateways.order_desk import MISSING_NS, OrderDesk
from tradewinds.model import events as ev
from tradewinds.model.ids import Asset, ClientOrderId, FillId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, OrderStatus, OrderType, Purpose

D = Decimal
INSTRUMENT = spot_instrument()
NOW = 1_700_000_000_000_000_000


def approved(name: str = "tw-r-1", quantity: str = "0.03") -> ApprovedOrder:
    return ApprovedOrder(
        client_order_id=ClientOrderId(name),
        trade_id=TradeId("t"),
        strategy_id=StrategyId("s"),
        instrument_id=INSTRUMENT.id,
        side=Side.SELL,
        order_type=OrderType.MARKET,
        quantity=D(quantity),
        purpose=Purpose.EXIT,
        decision_price=D(20_000),
        worst_loss=D(0),
    )


def fill(number: int, name: str = "tw-r-1", **changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "fill_id": FillId(f"BTCUSDT-{number}-77"),
        "client_order_id": ClientOrderId(name),
        "instrument_id": INSTRUMENT.id,
        "side": Side.SELL,
        "quantity": D("0.01"),
        "price": D(20_000),
        "fee": D("0.2"),
        "fee_asset": Asset("USDT"),
        "maker": False,
        "venue_time_ns": NOW,
        "received_time_ns": NOW,
    }
    return Fill(**{**fields, **changes})


def said(
    status: OrderStatus, filled: str = "0", *fills: Fill, name: str = "tw-r-1", venue: str = "77"
) -> Said:
    order = ev.VenueOrder(
        client_order_id=ClientOrderId(name),
        venue_order_id=venue,
        instrument_id=INSTRUMENT.id,
        status=status,
        filled_quantity=D(filled),
        reason="",
    )
    return Said(order=order, venue_time_ns=NOW, fills=fills)


def kinds(desk: OrderDesk) -> list[str]:
    return [type(report).__name__ for report in desk.reports]


WORDS = [
    said(OrderStatus.OPEN),
    said(OrderStatus.PARTIALLY_FILLED, "0.01", fill(1)),
    said(OrderStatus.PARTIALLY_FILLED, "0.02", fill(2)),
    said(OrderStatus.CANCELED, "0.02"),
]


@given(st.permutations(WORDS * 2), st.booleans())
def test_any_order_of_words_said_twice_ends_in_the_same_facts(
    words: list[Said], in_doubt: bool
) -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    if in_doubt:
        desk.unknown(sent, "timeout", NOW)
    for word in words:
        desk.heard(word, NOW)
    told = kinds(desk)
    assert told.count("OrderFilled") == 2
    assert told.count("OrderCanceled") == 1
    assert told.count("OrderAccepted") == 1
    assert told.index("OrderCanceled") > max(
        index for index, kind in enumerate(told) if kind == "OrderFilled"
    )
    assert sent.ended
    assert sent.filled == D("0.02")


@given(st.permutations([said(OrderStatus.FILLED, "0.03"), *WORDS[:3]]))
def test_a_full_order_needs_no_other_end(words: list[Said]) -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    for word in words:
        desk.heard(word, NOW)
    assert not sent.ended
    desk.fill(fill(3), NOW)
    assert sent.ended
    assert set(kinds(desk)) == {"OrderAccepted", "OrderFilled"}


def test_an_end_without_its_executions_is_told_in_the_end() -> None:
    desk = OrderDesk()
    desk.add(approved(), NOW)
    desk.heard(said(OrderStatus.CANCELED, "0.02"), NOW)
    assert kinds(desk) == ["OrderAccepted"]
    assert len(desk.lacking()) == 1
    desk.give_up_waiting(NOW + MISSING_NS - 1)
    assert kinds(desk) == ["OrderAccepted"]
    desk.give_up_waiting(NOW + MISSING_NS)
    assert kinds(desk) == ["OrderAccepted", "OrderCanceled"]
    desk.fill(fill(1), NOW + MISSING_NS)
    assert kinds(desk)[-1] == "OrderFilled"


def test_a_full_order_waits_for_its_executions_for_ever() -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    desk.heard(said(OrderStatus.FILLED, "0.03"), NOW)
    desk.give_up_waiting(NOW + 100 * MISSING_NS)
    assert desk.lacking() == [sent]


def test_a_rejection_after_an_acceptance_by_stream_is_not_told_twice() -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    desk.rejected(sent, "no", NOW)
    desk.rejected(sent, "no", NOW)
    desk.unknown(sent, "late", NOW)
    assert kinds(desk) == ["OrderRejected"]


def test_an_unknown_word_for_a_status_changes_nothing() -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    desk.heard(said(OrderStatus.UNKNOWN), NOW)
    assert desk.reports == []
    assert not sent.ended


def test_a_sibling_that_expires_when_the_other_fills_was_canceled() -> None:
    for first in ("stop", "target"):
        desk = OrderDesk()
        stop = desk.add(approved("tw-r-1", "0.01"), NOW)
        target = desk.add(approved("tw-r-2", "0.01"), NOW)
        stop.sibling, target.sibling = target, stop
        gone = said(OrderStatus.EXPIRED, "0", name="tw-r-2", venue="78")
        done = said(OrderStatus.FILLED, "0.01", fill(1))
        for word in (done, gone) if first == "stop" else (gone, done):
            desk.heard(word, NOW)
        assert "OrderCanceled" in kinds(desk)
        assert "OrderExpired" not in kinds(desk)


def test_executions_under_a_name_not_yet_known_wait_for_it() -> None:
    desk = OrderDesk()
    desk.add(approved(), NOW)
    child = said(OrderStatus.FILLED, "0.03", fill(1, "x-1", quantity=D("0.03")), name="x-1")
    desk.heard(child, NOW)
    assert desk.reports == []
    assert desk.nameless()
    desk.named(Named(client_order_id=ClientOrderId("tw-r-1"), venue_order_id="77"), NOW)
    told = [report for report in desk.reports if isinstance(report, ev.OrderFilled)]
    assert [report.fill.client_order_id for report in told] == ["tw-r-1"]
    assert not desk.nameless()


def test_the_venues_own_close_is_told_without_an_order() -> None:
    desk = OrderDesk()
    forced = fill(1, "autoclose-1", venue_initiated=True)
    desk.heard(said(OrderStatus.FILLED, "0.01", forced, name="autoclose-1"), NOW)
    assert kinds(desk) == ["OrderFilled"]


def test_what_a_reading_tells_is_not_told_by_reports_too() -> None:
    desk = OrderDesk()
    sent = desk.add(approved(), NOW)
    with desk.silently():
        desk.fill(fill(1), NOW)
        desk.heard(said(OrderStatus.CANCELED, "0.01"), NOW)
    assert desk.reports == []
    assert sent.ended
    desk.heard(said(OrderStatus.CANCELED, "0.01", fill(1)), NOW)
    assert desk.reports == []
