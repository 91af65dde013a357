"""The ledger's quick arithmetic: the same digits as the plain one, and the context as it was."""

from decimal import ROUND_HALF_EVEN, Decimal, getcontext, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.ledger.lots import DIGITS, SETTLEMENT, Exact, Holdings, on_grid
from tradewinds.ledger.results import totals_of
from tradewinds.ledger.valuation import equity, no_mark
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import Asset, InstrumentId, StrategyId
from tradewinds.model.ledger import Account, Lot, Posting, Transaction

USDT = Asset("USDT")
VALUES = st.tuples(st.integers(-(10**15), 10**15), st.integers(-20, 6)).map(
    lambda parts: Decimal(parts[0]).scaleb(parts[1])
)
POSTINGS = st.lists(st.tuples(st.sampled_from(Account), VALUES), max_size=12)
BALANCES = st.dictionaries(st.sampled_from(["USDT", "BTC", "ETH"]).map(Asset), VALUES)


@given(value=VALUES)
def test_what_is_finer_than_the_step_is_rounded_and_what_is_coarser_stays(value: Decimal) -> None:
    with Exact():
        plain = value
        if int(value.as_tuple().exponent) < -12:
            plain = value.quantize(Decimal("1E-12"), rounding=ROUND_HALF_EVEN)
        assert str(on_grid(value)) == str(plain)


def test_digits_are_taken_back_also_after_a_failure() -> None:
    before = getcontext().prec
    with Exact(), Exact():
        assert getcontext().prec == DIGITS
    with pytest.raises(ZeroDivisionError), Exact():
        raise ZeroDivisionError
    assert getcontext().prec == before < DIGITS


@given(rows=POSTINGS)
def test_totals_are_the_sums_of_their_accounts(rows: list[tuple[Account, Decimal]]) -> None:
    postings = tuple(
        Posting(
            account=account,
            asset=USDT,
            quantity=ZERO,
            value=value,
            strategy_id=StrategyId("s"),
            instrument_id=InstrumentId(""),
        )
        for account, value in rows
    )
    told = totals_of(Transaction(transaction_id="t", kind="fill", time_ns=0, postings=postings))
    sums = {account: sum((v for a, v in rows if a is account), ZERO) for account in Account}
    wanted = {
        "gross": -sums[Account.REALISED],
        "fees": sums[Account.FEES],
        "funding": sums[Account.FUNDING],
        "slippage": sums[Account.SLIPPAGE],
        "ai_cost": sums[Account.AI_COST],
    }
    assert {name: str(getattr(told, name)) for name in wanted} == {
        name: str(value) for name, value in wanted.items()
    }


@given(balances=BALANCES, price=st.decimals("0.01", "99999", places=4))
@settings(max_examples=200)
def test_cash_counts_as_itself_and_the_rest_at_its_price(
    balances: dict[Asset, Decimal], price: Decimal
) -> None:
    holdings = Holdings(USDT)
    holdings.balances.update(balances)
    with localcontext(prec=DIGITS):
        plain = ZERO
        for asset, quantity in balances.items():
            if quantity:
                plain += quantity * (Decimal(1) if asset == USDT else price)
        assert str(equity(holdings, lambda _: price, no_mark)) == str(plain)


def test_a_settlement_is_found_however_late_it_comes() -> None:
    holdings = Holdings(USDT)
    assert list(holdings.settlements()) == []
    key = (SETTLEMENT, USDT, InstrumentId("P"))
    owed = Lot(strategy_id=key[0], asset=key[1], instrument_id=key[2], quantity=ZERO, cost=ZERO)
    holdings.put(key, owed)
    assert list(holdings.settlements()) == [owed]
