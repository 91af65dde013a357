"""What a wallet can pay with: what is free there, less what was sent, plus what sales brought."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from tests.contract.rigs import BTC, USDT, perpetual_instrument, spot_instrument
from tradewinds.gateways.dialect import Wallet
from tradewinds.gateways.order_desk import OrderDesk
from tradewinds.gateways.purse import lacking
from tradewinds.model.ids import ClientOrderId, FillId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Fill, OrderType, Purpose

D = Decimal
SPOT, PERPETUAL = spot_instrument(), perpetual_instrument()
MARKETS = {each.id: each for each in (SPOT, PERPETUAL)}


def order(number: int = 1, **changes: Any) -> ApprovedOrder:
    """Buys 0.001 at 20,000: 20 USDT."""
    plain = ApprovedOrder(
        client_order_id=ClientOrderId(f"tw-0123456789-{number}"),
        trade_id=TradeId("t"),
        strategy_id=StrategyId("s"),
        instrument_id=SPOT.id,
        side=Side.BUY,
        order_type=OrderType.MARKET,
        quantity=D("0.001"),
        purpose=Purpose.ENTER,
        decision_price=D(20_000),
        worst_loss=D(1),
    )
    return replace(plain, **changes)


def fill(**changes: Any) -> Fill:
    plain = Fill(
        fill_id=FillId("f"),
        client_order_id=ClientOrderId("tw-0123456789-9"),
        instrument_id=SPOT.id,
        side=Side.SELL,
        quantity=D("0.001"),
        price=D(20_000),
        fee=D("0.02"),
        fee_asset=USDT,
        maker=False,
        venue_time_ns=1,
        received_time_ns=1,
    )
    return replace(plain, **changes)


def wallet(**free: str) -> Wallet:
    found = {USDT: D(free.get("usdt", "0")), BTC: D(free.get("btc", "0"))}
    return Wallet(totals=found, free=found)


def fits(asked: ApprovedOrder, purse: Wallet | None, desk: OrderDesk | None = None) -> bool:
    return not lacking(asked, MARKETS, purse, desk or OrderDesk())


def test_the_whole_price_must_be_there_to_the_last_unit() -> None:
    assert fits(order(), wallet(usdt="20"))
    assert not fits(order(), wallet(usdt="19.99999999"))
    assert fits(order(price=D(10_000)), wallet(usdt="10"))


def test_a_perpetual_takes_its_margin_and_fee() -> None:
    asked = order(instrument_id=PERPETUAL.id, leverage=D(2))
    needed = D(10) + D(20) * PERPETUAL.taker_fee
    assert fits(asked, wallet(usdt=f"{needed}"))
    assert not fits(asked, wallet(usdt=f"{needed - D('0.00000001')}"))


def test_a_leg_that_sells_needs_what_it_sells() -> None:
    asked = order(side=Side.SELL, purpose=Purpose.LEG)
    assert not fits(asked, wallet(usdt="1000"))
    assert fits(asked, wallet(btc="0.001"))


def test_what_closes_is_never_held_back() -> None:
    for purpose in set(Purpose) - {Purpose.ENTER, Purpose.LEG}:
        assert fits(order(side=Side.SELL, purpose=purpose), None)


def test_a_wallet_that_nobody_has_read_pays_for_nothing() -> None:
    assert not fits(order(), None)


def test_what_was_sent_since_the_reading_is_spent_and_what_never_filled_is_not() -> None:
    desk = OrderDesk()
    sent = desk.add(order(2), 1)
    assert not fits(order(), wallet(usdt="39"), desk)
    assert fits(order(), wallet(usdt="40"), desk)
    desk.rejected(sent, "no", 2)
    assert fits(order(), wallet(usdt="20"), desk)


def test_a_sale_since_the_reading_pays_and_its_fee_does_not() -> None:
    desk = OrderDesk()
    desk.since_reading.append(fill())
    assert not fits(order(), wallet(), desk)
    assert fits(order(), wallet(usdt="0.02"), desk)
    bought = OrderDesk()
    bought.since_reading.append(fill(side=Side.BUY, fee=D("0.000001"), fee_asset=BTC))
    leg = order(side=Side.SELL, purpose=Purpose.LEG, quantity=D("0.000999"))
    assert fits(leg, wallet(), bought)
    assert not fits(replace(leg, quantity=D("0.001")), wallet(), bought)


def test_a_perpetual_filled_is_no_money_in_the_wallet() -> None:
    desk = OrderDesk()
    desk.since_reading.append(fill(instrument_id=PERPETUAL.id))
    assert not fits(order(instrument_id=PERPETUAL.id), wallet(), desk)
