"""What a reading clears: the comparison it made, never one that it could not make."""

from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.faults.conftest import BTC, INSTRUMENTS, PRICES, ManualVenue, Rig, spot
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordAnomaly
from tradewinds.model.ids import Asset, FillId, InstrumentId
from tradewinds.model.market import Side
from tradewinds.model.order import Fill, Purpose
from tradewinds.model.portfolio import TradingState

D = Decimal
USDT, COIN, FEES = Asset("USDT"), Asset("BTC"), Asset("BNB")
FEE_MARKET = InstrumentId("BNB/USDT@sim")
WITH_FEES = (*INSTRUMENTS, spot(FEE_MARKET, "0.01", "0.001"))


def reading(
    rig: Rig, balances: dict[Asset, Decimal], fills: Sequence[Fill] = (), *, whole: bool = True
) -> None:
    rig.inject(
        ev.VenueStateRead(
            balances=balances,
            orders=(),
            positions=(),
            fills=tuple(fills),
            whole=whole,
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )


def barred(rig: Rig) -> None:
    rig.inject(
        ev.VenueTroubleChanged(
            cause="reconcile",
            reason="not yet compared with the venue",
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )


def told(rig: Rig) -> list[str]:
    return [c.detail for c in rig.of(RecordAnomaly) if c.kind == "external_change"]


def accept_stops(rig: Rig) -> None:
    for order in rig.submitted(Purpose.STOP):
        rig.inject(
            ev.OrderAccepted(
                client_order_id=order.client_order_id,
                instrument_id=BTC,
                venue_order_id=f"v-{order.client_order_id}",
                venue_time_ns=rig.now,
                received_time_ns=rig.now,
            )
        )


def price_of_fees(rig: Rig) -> None:
    rig.quote(FEE_MARKET, 600.0)


def fee_fill(rig: Rig, number: int, fee: Decimal) -> Fill:
    """What an order of ours bought, its fee taken from the user's own coins."""
    (order,) = rig.submitted(Purpose.ENTER)
    return Fill(
        fill_id=FillId(f"f-{number}"),
        client_order_id=order.client_order_id,
        instrument_id=BTC,
        side=Side.BUY,
        quantity=order.quantity / 4,
        price=D(str(PRICES[BTC])),
        fee=fee,
        fee_asset=FEES,
        maker=False,
        venue_time_ns=rig.now,
        received_time_ns=rig.now,
    )


def test_a_reading_while_something_is_in_flight_does_not_say_that_all_agrees() -> None:
    rig = Rig(venue=ManualVenue())
    rig.quote()
    reading(rig, {USDT: D(1000)})
    rig.enter()
    rig.quote()
    assert rig.submitted(Purpose.ENTER)
    barred(rig)
    rig.pass_time(11)
    for _ in range(3):
        rig.quote()
        reading(rig, {USDT: D(900)})
        assert "not yet compared" in rig.reason
    assert told(rig) == [], "nothing was compared"
    (order,) = rig.submitted(Purpose.ENTER)
    rig.inject(
        ev.OrderRejected(
            client_order_id=order.client_order_id,
            instrument_id=BTC,
            reason="no",
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    reading(rig, {USDT: D(900)})
    assert "not yet compared" in rig.reason, "it may be older than what has just been told"
    rig.pass_time(11)
    reading(rig, {USDT: D(900)}, whole=False)
    assert "not yet compared" in rig.reason, "half an account is not the account"
    reading(rig, {USDT: D(900)})
    rig.quote()
    assert told(rig) == ["-100 USDT"]
    assert rig.state is TradingState.ACTIVE


def held_without_a_price() -> Rig:
    """Bought by an earlier run; what it was worth is not known for now."""
    before = Rig()
    before.quote()
    before.enter()
    before.quote()
    before.pass_time(1)
    assert before.trades
    saved = replace(before.engine.checkpoint(), orders=())
    rig = Rig(venue=ManualVenue(), checkpoint=saved, start_ns=before.now + 1, own_runs=())
    rig.engine.floor.board.slots[BTC].mid = 0.0
    return rig


def test_what_left_without_a_price_bars_until_there_is_a_price_and_not_until_a_restart() -> None:
    rig = held_without_a_price()
    portfolio = rig.engine.floor.portfolio
    ours = dict(portfolio.ledger.balances)
    less = {**ours, COIN: ours[COIN] / 2}
    reading(rig, less)
    assert "has no price here" in rig.reason
    assert rig.state is TradingState.REDUCING
    accept_stops(rig)
    rig.pass_time(11)
    reading(rig, less)
    assert "has no price here" in rig.reason
    rig.quote()
    reading(rig, less)
    assert "has no price here" not in rig.reason
    assert portfolio.ledger.balances[COIN] == less[COIN]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.decimals("0.0001", "0.02", places=4), min_size=1, max_size=4),
    st.sampled_from([D(0), D("0.3"), D("-0.3")]),
)
def test_fees_in_the_users_coin_are_no_change_of_his(fees: list[Decimal], own: Decimal) -> None:
    rig = Rig(venue=ManualVenue(), instruments=WITH_FEES)
    rig.quote()
    price_of_fees(rig)
    reading(rig, {USDT: D(1000), FEES: D(1)})
    rig.enter()
    rig.quote()
    fills = [fee_fill(rig, number, fee) for number, fee in enumerate(fees)]
    for fill in fills:
        rig.inject(ev.OrderFilled(fill=fill, venue_time_ns=rig.now, received_time_ns=rig.now))
    rig.inject(
        ev.OrderCanceled(
            client_order_id=fills[0].client_order_id,
            instrument_id=BTC,
            reason="",
            venue_time_ns=rig.now,
            received_time_ns=rig.now,
        )
    )
    accept_stops(rig)
    ledger = rig.engine.floor.portfolio.ledger.balances
    for _ in range(2):
        rig.pass_time(11)
        rig.quote()
        price_of_fees(rig)
        held = {USDT: ledger[USDT], COIN: ledger.get(COIN, D(0))}
        reading(rig, {**held, FEES: D(1) - sum(fees, D(0)) + own})
    expected = [f"{own.normalize():+f} BNB of your own, not ours"] if own else []
    assert [line for line in told(rig) if "BNB" in line] == expected
    assert [line for line in told(rig) if "BNB" not in line] == []


def test_what_the_user_takes_away_whole_is_flagged_too() -> None:
    rig = Rig()
    rig.quote()
    reading(rig, {USDT: D(1000), FEES: D(5)})
    rig.pass_time(11)
    reading(rig, {USDT: D(1000)})
    assert told(rig) == ["-5 BNB of your own, not ours"]
