"""Inventory that is lent comes back as it was; what it cost to bring it back is the borrower's."""

from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from tradewinds.ledger.fills import FillContext
from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.results import totals_of
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.ids import (
    ACCOUNT,
    Asset,
    ClientOrderId,
    FillId,
    InstrumentId,
    StrategyId,
    TradeId,
    Venue,
)
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Account, LedgerState
from tradewinds.model.market import Side
from tradewinds.model.order import Fill

USDT, BTC = Asset("USDT"), Asset("BTC")
WHO = StrategyId("cycler")
NUMBERS = count()
MARKET = Instrument(
    id=InstrumentId("BTC/USDT@x"),
    symbol="BTC/USDT",
    venue=Venue("x"),
    kind=InstrumentKind.SPOT,
    base=BTC,
    quote=USDT,
    settle=USDT,
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.0001"),
    min_quantity=Decimal("0.0001"),
    max_quantity=Decimal(1000),
    min_notional=Decimal(5),
    maker_fee=Decimal("0.001"),
    taker_fee=Decimal("0.001"),
)


def opened(cost: Decimal = Decimal(20_000)) -> Ledger:
    """A million, and one BTC that was counted at `cost`."""
    ledger = Ledger(USDT)
    ledger.open({USDT: Decimal(10**6), BTC: Decimal(1)}, {BTC: cost}, 0)
    return ledger


def traded(ledger: Ledger, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
    fill = Fill(
        fill_id=FillId(str(next(NUMBERS))),
        client_order_id=ClientOrderId("o"),
        instrument_id=MARKET.id,
        side=side,
        quantity=quantity,
        price=price,
        fee=quantity * price * Decimal("0.001"),
        fee_asset=USDT,
        maker=False,
        venue_time_ns=1,
        received_time_ns=1,
    )
    context = FillContext(
        instrument=MARKET,
        strategy_id=WHO,
        trade_id=TradeId("t"),
        decision_price=price,
        quote_rate=Decimal(1),
        fee_rate=Decimal(1),
    )
    booked = ledger.book_fill(fill, context)
    assert booked is not None
    return totals_of(booked).net


def quantity(ledger: Ledger, owner: StrategyId) -> Decimal:
    lot = ledger.lot(owner, BTC)
    return Decimal(0) if lot is None else lot.quantity


def returned(ledger: Ledger, amount: Decimal) -> Decimal:
    booked = ledger.take_back(f"r{next(NUMBERS)}", (WHO, BTC, amount), 2)
    assert booked is not None
    assert sum(p.value for p in booked.postings) == 0
    return totals_of(booked).net


def test_what_was_sold_at_30000_and_bought_back_at_31000_cost_the_difference() -> None:
    """It was counted at 20,000 once: that rise is nobody's result."""
    ledger, half = opened(), Decimal("0.5")
    lent = ledger.lend("1", WHO, (BTC, half, Decimal(30_000)), 1)
    assert lent is not None
    assert totals_of(lent).net == 0
    assert {p.account for p in lent.postings} == {Account.INVENTORY, Account.CAPITAL}
    fees = half * (30_000 + 31_000) * Decimal("0.001")
    net = traded(ledger, Side.SELL, half, Decimal(30_000))
    assert net == -half * 30, "nothing but its fee, before it is bought back"
    net += traded(ledger, Side.BUY, half, Decimal(31_000))
    net += returned(ledger, half)
    assert net == -half * 1000 - fees
    assert ledger.realised(strategy_id=WHO).net == net
    lot = ledger.lot(ACCOUNT, BTC)
    assert lot is not None
    assert (lot.quantity, lot.cost) == (Decimal(1), Decimal(20_000)), "as it was"
    assert not ledger.loans
    assert ledger.equity(lambda _: Decimal(20_000)) == 10**6 + 20_000 + net


def test_a_loan_is_booked_once_and_never_for_more_than_there_is() -> None:
    ledger = opened()
    with pytest.raises(InvariantBroken):
        ledger.lend("1", WHO, (BTC, Decimal("1.1"), Decimal(1)), 1)
    assert not ledger.loans
    assert ledger.lend("1", WHO, (BTC, Decimal("0.4"), Decimal(1)), 1) is not None
    assert ledger.lend("1", WHO, (BTC, Decimal("0.4"), Decimal(1)), 1) is None
    assert ledger.loans[WHO, BTC].quantity == Decimal("0.4")
    traded(ledger, Side.SELL, Decimal("0.3"), Decimal(100))
    with pytest.raises(InvariantBroken):
        ledger.take_back("2", (WHO, BTC, Decimal("0.2")), 2)
    returned(ledger, Decimal("0.1"))
    assert ledger.loans[WHO, BTC].quantity == Decimal("0.3")
    assert quantity(ledger, ACCOUNT) == Decimal("0.7")


parts = st.decimals(min_value="0.001", max_value="0.3", places=3)
prices = st.decimals(min_value="1", max_value="90000", places=2)
STEPS = st.lists(st.tuples(st.sampled_from(["lend", "sell", "buy", "return"]), parts, prices))


@given(STEPS, prices, prices)
def test_whatever_is_lent_sold_bought_and_returned_the_books_add_up(
    steps: list[tuple[str, Decimal, Decimal]], cost: Decimal, last: Decimal
) -> None:
    """Realised and what is still open make up the change of the account, exactly; a restart in
    between changes nothing."""
    ledger = opened(cost)
    for number, (what, amount, price) in enumerate(steps):
        owed = ledger.loans.get((WHO, BTC))
        if what == "lend" and quantity(ledger, ACCOUNT) >= amount:
            ledger.lend(f"l{number}", WHO, (BTC, amount, price), 1)
        elif what == "sell" and quantity(ledger, WHO) >= amount:
            traded(ledger, Side.SELL, amount, price)
        elif what == "buy":
            traded(ledger, Side.BUY, amount, price)
        elif what == "return" and owed is not None:
            part = min(amount, owed.quantity, quantity(ledger, WHO))
            if part > 0:
                returned(ledger, part)
        state = msgpack.decode(msgpack.encode(ledger.state()), type=LedgerState)
        ledger = Ledger.restore(state)
    owed = ledger.loans.get((WHO, BTC))
    lots = sum((lot.quantity for lot in ledger.lots), Decimal(0))
    assert lots == ledger.balances[BTC]
    # A loan's rise was put in as capital, and is taken out again when it comes back.
    put_in = Decimal(0) if owed is None else owed.worth - owed.cost
    open_result = ledger.unrealised(lambda _: last)
    equity = ledger.equity(lambda _: last)
    assert equity is not None
    assert open_result is not None
    assert equity == 10**6 + cost + put_in + ledger.realised().net + open_result
