"""Fills, funding and AI costs in the books: examples worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from tradewinds.ledger.draft import Draft
from tradewinds.ledger.fills import FillContext
from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.lots import SETTLEMENT
from tradewinds.ledger.results import FOLDED_DAY, NS_PER_DAY, totals_of
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.events import FundingPaid
from tradewinds.model.ids import ACCOUNT, Asset, ClientOrderId, FillId, StrategyId, TradeId, Venue
from tradewinds.model.ids import instrument_id as id_of
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Account, Posting
from tradewinds.model.market import Side
from tradewinds.model.order import Fill

USDT, USDC, BTC, BNB = (Asset(name) for name in ("USDT", "USDC", "BTC", "BNB"))
MOMENTUM, SCALPING = StrategyId("momentum"), StrategyId("scalping")
DAY = 20_000


def d(text: str | int) -> Decimal:
    return Decimal(text)


def instrument(base: Asset, quote: Asset, kind: InstrumentKind = InstrumentKind.SPOT) -> Instrument:
    suffix = f":{quote}" if kind is InstrumentKind.PERPETUAL else ""
    symbol = f"{base}/{quote}{suffix}"
    return Instrument(
        id=id_of(symbol, "sim"),
        symbol=symbol,
        venue=Venue("sim"),
        kind=kind,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=d("0.01"),
        lot_size=d("0.00001"),
        min_quantity=d("0.00001"),
        max_quantity=d(1000),
        min_notional=d(5),
        maker_fee=d("0.001"),
        taker_fee=d("0.001"),
    )


SPOT = instrument(BTC, USDT)
SPOT_USDC = instrument(BTC, USDC)
PERPETUAL = instrument(BTC, USDT, InstrumentKind.PERPETUAL)


class Desk:
    """A ledger with 10,000 USDT, and short words for fills."""

    def __init__(self, balances: dict[Asset, Decimal] | None = None) -> None:
        self.ledger = Ledger(USDT)
        self.sequence = 0
        opening = {USDT: d(10_000)} | (balances or {})
        self.ledger.open(opening, {USDC: d(1), BTC: d(100), BNB: d(50)}, DAY * NS_PER_DAY)

    def fill(
        self, side: Side, quantity: str, price: str, market: Instrument = SPOT, **changes: Any
    ) -> tuple[Fill, FillContext]:
        self.sequence += 1
        known = {
            name: changes.pop(name) for name in list(changes) if name in Fill.__struct_fields__
        }
        fill = {
            "fill_id": FillId(str(self.sequence)),
            "client_order_id": ClientOrderId("tw-1"),
            "instrument_id": market.id,
            "side": side,
            "quantity": d(quantity),
            "price": d(price),
            "fee": d(0),
            "fee_asset": market.quote,
            "maker": False,
            "venue_time_ns": DAY * NS_PER_DAY,
            "received_time_ns": DAY * NS_PER_DAY,
        } | known
        context = {
            "instrument": market,
            "strategy_id": MOMENTUM,
            "trade_id": TradeId("t1"),
            "decision_price": d(price),
            "quote_rate": d(1),
            "fee_rate": d(1),
        } | changes
        return Fill(**fill), FillContext(**context)

    def buy(self, *args: str, **changes: Any) -> tuple[Posting, ...]:
        booked = self.ledger.book_fill(*self.fill(Side.BUY, *args, **changes))
        assert booked is not None
        return booked.postings

    def sell(self, *args: str, **changes: Any) -> tuple[Posting, ...]:
        booked = self.ledger.book_fill(*self.fill(Side.SELL, *args, **changes))
        assert booked is not None
        return booked.postings


def values(postings: tuple[Posting, ...]) -> dict[Account, Decimal]:
    return {
        account: sum((p.value for p in postings if p.account is account), d(0))
        for account in {p.account for p in postings}
    }


def test_a_spot_buy_separates_slippage_from_cost() -> None:
    desk = Desk()
    postings = desk.buy("2", "101", decision_price=d(100), fee=d("0.202"))
    assert values(postings) == {
        Account.CASH: d("-202.202"),
        Account.INVENTORY: d(200),
        Account.SLIPPAGE: d(2),
        Account.FEES: d("0.202"),
    }
    lot = desk.ledger.lot(MOMENTUM, BTC)
    assert lot is not None
    assert (lot.quantity, lot.cost) == (d(2), d(200))
    assert desk.ledger.balances == {USDT: d("9797.798"), BTC: d(2)}


def test_a_better_price_than_decided_is_negative_slippage() -> None:
    desk = Desk()
    assert values(desk.buy("1", "99", decision_price=d(100)))[Account.SLIPPAGE] == d(-1)
    assert values(desk.sell("1", "112", decision_price=d(110)))[Account.SLIPPAGE] == d(-2)
    assert desk.ledger.realised().gross == d(10)
    assert desk.ledger.realised().net == d(13)


def test_a_partial_sell_releases_average_cost_and_the_last_one_all_of_it() -> None:
    desk = Desk()
    desk.buy("1", "100")
    desk.buy("2", "101")
    desk.sell("1", "110")
    assert desk.ledger.realised().gross == d("110") - d("100.666666666667")
    desk.sell("2", "110")
    assert desk.ledger.lot(MOMENTUM, BTC) is None
    assert desk.ledger.realised().net == d(28)
    assert desk.ledger.balances[USDT] == d(10_028)


def test_a_fee_in_the_received_asset_leaves_the_inventory_at_cost() -> None:
    desk = Desk()
    postings = desk.buy(
        "1", "100", decision_price=d(98), fee=d("0.001"), fee_asset=BTC, fee_rate=d(100)
    )
    assert values(postings)[Account.FEES] == d("0.1")
    assert values(postings)[Account.REALISED] == d("-0.002")
    assert desk.ledger.balances[BTC] == d("0.999")


def test_a_fee_in_a_third_asset_comes_from_the_account() -> None:
    desk = Desk({BNB: d(2)})
    desk.buy("1", "100", fee=d("0.01"), fee_asset=BNB, fee_rate=d(60))
    assert desk.ledger.balances[BNB] == d("1.99")
    assert desk.ledger.realised(strategy_id=MOMENTUM).fees == d("0.6")
    assert desk.ledger.realised(strategy_id=MOMENTUM).gross == d("0.1")
    bnb = desk.ledger.lot(ACCOUNT, BNB)
    assert bnb is not None
    assert bnb.cost == d("99.5")


def test_a_rebate_is_a_negative_fee() -> None:
    desk = Desk()
    desk.buy("1", "100", fee=d("-0.02"), maker=True)
    assert desk.ledger.realised().fees == d("-0.02")
    assert desk.ledger.balances[USDT] == d("9900.02")


def test_another_quote_asset_is_inventory_and_its_rate_is_realised() -> None:
    desk = Desk({USDC: d(1000)})
    desk.buy("1", "100", market=SPOT_USDC, quote_rate=d("1.01"))
    assert desk.ledger.realised().gross == d(1)
    desk.sell("1", "100", market=SPOT_USDC, quote_rate=d("1.02"))
    assert desk.ledger.realised().gross == d(2)
    usdc = desk.ledger.lot(MOMENTUM, USDC)
    assert usdc is not None
    assert (usdc.quantity, usdc.cost) == (d(100), d(102))


def test_selling_more_than_the_lot_draws_on_the_account() -> None:
    desk = Desk({BTC: d(1)})
    desk.buy("1", "120")
    postings = desk.sell("1.5", "130")
    assert sum(p.quantity for p in postings if p.asset == BTC) == d("-1.5")
    assert desk.ledger.realised(strategy_id=MOMENTUM).gross == d(25)
    left = desk.ledger.lot(ACCOUNT, BTC)
    assert left is not None
    assert (left.quantity, left.cost) == (d("0.5"), d(50))


def test_selling_more_than_the_account_has_borrows_from_another_strategy_and_pays_back() -> None:
    desk = Desk()
    desk.buy("1", "100")
    other = StrategyId("triangular")
    postings = desk.sell("1", "110", strategy_id=other)
    assert sum(p.value for p in postings) == 0
    desk.buy("1", "105", strategy_id=other)
    desk.sell("1", "120")
    assert desk.ledger.balances[BTC] == 0
    assert desk.ledger.realised().gross == d(25)


def test_selling_what_nobody_holds_changes_nothing_and_breaks_the_invariant() -> None:
    desk = Desk()
    desk.buy("1", "100")
    before = desk.ledger.state()
    with pytest.raises(InvariantBroken, match=r"short of 0\.5 BTC"):
        desk.sell("1.5", "100")
    with pytest.raises(InvariantBroken, match="pays 10100 USDT and would leave -200"):
        desk.buy("101", "100")
    with pytest.raises(InvariantBroken, match=r"short of 0\.01 BNB"):
        desk.buy("1", "100", fee=d("0.01"), fee_asset=BNB)
    assert desk.ledger.state() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": d(0)},
        {"price": d(-1)},
        {"quantity": d("NaN")},
        {"decision_price": d("Infinity")},
        {"quote_rate": d(0)},
        {"fee": d("NaN")},
        {"fee_rate": d(-1)},
        {"instrument_id": PERPETUAL.id},
        {"strategy_id": SETTLEMENT},
    ],
)
def test_an_impossible_fill_is_refused(wrong: dict[str, Any]) -> None:
    desk = Desk()
    fill, context = desk.fill(Side.BUY, "1", "100")
    in_fill = {name: wrong[name] for name in wrong if name in Fill.__struct_fields__}
    in_context = {name: wrong[name] for name in wrong if name not in in_fill}
    with pytest.raises(InvariantBroken):
        desk.ledger.book_fill(replace(fill, **in_fill), replace(context, **in_context))
    assert desk.ledger.balances == {USDT: d(10_000)}


def test_a_perpetual_moves_only_profit_and_fees() -> None:
    desk = Desk()
    desk.buy("2", "101", market=PERPETUAL, decision_price=d(100), fee=d("0.1"))
    assert desk.ledger.balances == {USDT: d("9999.9")}
    position = desk.ledger.position(MOMENTUM, PERPETUAL)
    assert position is not None
    assert (position.quantity, position.cost) == (d(2), d(200))
    desk.sell("2", "109", market=PERPETUAL, decision_price=d(110), fee=d("0.1"))
    result = desk.ledger.realised()
    assert (result.gross, result.slippage, result.fees) == (d(20), d(4), d("0.2"))
    assert desk.ledger.balances == {USDT: d(10_000) + result.net}
    assert desk.ledger.lots == ()


def test_a_perpetual_flips_from_long_to_short_in_one_fill() -> None:
    desk = Desk()
    desk.buy("1", "100", market=PERPETUAL)
    desk.sell("3", "110", market=PERPETUAL)
    position = desk.ledger.position(MOMENTUM, PERPETUAL)
    assert position is not None
    assert (position.quantity, position.cost) == (d(-2), d(-220))
    assert desk.ledger.balances[USDT] == d(10_010)
    desk.buy("2", "115", market=PERPETUAL, venue_initiated=True)
    assert desk.ledger.balances[USDT] == d(10_000)
    assert desk.ledger.realised().gross == d(0)
    assert desk.ledger.lots == ()


def test_two_strategies_in_one_perpetual_keep_their_own_results() -> None:
    desk = Desk()
    desk.buy("1", "100", market=PERPETUAL)
    desk.sell("1", "110", market=PERPETUAL, strategy_id=SCALPING)
    assert desk.ledger.balances[USDT] == d(10_010), "the venue nets and pays out"
    assert desk.ledger.realised().gross == d(0)
    assert desk.ledger.equity(lambda _: None, lambda _: d(500)) == d(10_010)
    desk.sell("1", "120", market=PERPETUAL)
    desk.buy("1", "121", market=PERPETUAL, strategy_id=SCALPING)
    assert desk.ledger.realised(strategy_id=MOMENTUM).net == d(20)
    assert desk.ledger.realised(strategy_id=SCALPING).net == d(-11)
    assert desk.ledger.balances[USDT] == d(10_009)


def test_a_loss_beyond_the_cash_is_owed() -> None:
    desk = Desk({BTC: d(1)})
    desk.buy("1000", "100", market=PERPETUAL)
    desk.sell("1000", "80", market=PERPETUAL, venue_initiated=True)
    assert desk.ledger.balances[USDT] == d(-10_000)
    desk.sell("1", "100", fee=d("0.1"))
    assert desk.ledger.balances[USDT] == d("-9900.1"), "what pays it back is welcome"
    with pytest.raises(InvariantBroken, match="would leave"):
        desk.buy("1", "1")


def test_the_settle_assets_rate_touches_only_profit() -> None:
    market = instrument(BTC, USDC, InstrumentKind.PERPETUAL)
    desk = Desk({USDC: d(1000)})
    desk.buy("1", "100", market=market, quote_rate=d(1))
    assert desk.ledger.unrealised(lambda _: d("1.1"), lambda _: d(100)) == d(100)
    assert desk.ledger.unrealised(lambda _: d("1.1"), lambda _: d(100), strategy_id=MOMENTUM) == d(
        0
    )
    desk.sell("1", "110", market=market, quote_rate=d("1.1"))
    assert desk.ledger.realised().net == d(11)
    assert desk.ledger.balances[USDC] == d(1010)


def test_equity_needs_every_price() -> None:
    desk = Desk()
    desk.buy("1", "100", decision_price=d(99))
    assert desk.ledger.equity(lambda _: None) is None
    assert desk.ledger.equity(lambda _: d(103)) == d(10_003)
    assert desk.ledger.unrealised(lambda _: d(103)) == d(4)
    desk.buy("1", "100", market=PERPETUAL)
    assert desk.ledger.equity(lambda _: d(103)) is None
    assert desk.ledger.equity(lambda _: d(103), lambda _: d(90)) == d(9_993)
    assert desk.ledger.unrealised(lambda _: d(103)) is None


def funding(amount: str, funding_id: str = "f1") -> FundingPaid:
    return FundingPaid(
        funding_id=funding_id,
        instrument_id=PERPETUAL.id,
        asset=USDT,
        amount=d(amount),
        venue_time_ns=DAY * NS_PER_DAY,
        received_time_ns=DAY * NS_PER_DAY,
    )


def test_funding_is_a_cost_when_paid_and_booked_once() -> None:
    desk = Desk()
    assert desk.ledger.book_funding(funding("-0.5"), MOMENTUM, d(1)) is not None
    assert desk.ledger.book_funding(funding("-0.5"), MOMENTUM, d(1)) is None
    desk.ledger.book_funding(funding("0.2", "f2"), MOMENTUM, d(1))
    assert desk.ledger.realised(instrument_id=PERPETUAL.id).funding == d("0.3")
    assert desk.ledger.balances[USDT] == d("9999.7")


def test_ai_cost_counts_against_the_result_but_not_against_the_venues_balance() -> None:
    desk = Desk()
    booked = desk.ledger.book_ai_cost("call-1", d("0.25"), DAY * NS_PER_DAY)
    assert booked is not None
    assert totals_of(booked).ai_cost == d("0.25")
    assert desk.ledger.book_ai_cost("call-1", d("0.25"), DAY * NS_PER_DAY) is None
    assert desk.ledger.net_of_day(DAY) == d("-0.25")
    assert desk.ledger.balances == {USDT: d(10_000)}


def test_results_are_kept_by_utc_day_strategy_and_instrument() -> None:
    desk = Desk()
    desk.buy("2", "100")
    desk.sell("1", "110", venue_time_ns=(DAY + 1) * NS_PER_DAY - 1)
    desk.sell("1", "90", venue_time_ns=(DAY + 1) * NS_PER_DAY)
    assert desk.ledger.net_of_day(DAY) == d(10)
    assert desk.ledger.net_of_day(DAY + 1) == d(-10)
    assert desk.ledger.net_of_day(DAY + 2) == d(0)
    assert desk.ledger.realised(day=DAY, strategy_id=MOMENTUM).gross == d(10)
    assert desk.ledger.realised(day=DAY, strategy_id=SCALPING).gross == d(0)


def test_old_days_fold_but_stay_in_the_totals() -> None:
    desk = Desk()
    for day in range(500):
        desk.ledger.book_ai_cost(str(day), d(1), (DAY + day) * NS_PER_DAY)
    days = desk.ledger.state().days
    assert len(days) == 402
    assert (days[0].day, days[0].ai_cost) == (FOLDED_DAY, d(99))
    assert desk.ledger.realised().ai_cost == d(500)
    assert Ledger.restore(desk.ledger.state()).realised().ai_cost == d(500)


def test_a_ledger_is_opened_once_and_knows_what_everything_is_worth() -> None:
    desk = Desk()
    with pytest.raises(InvariantBroken, match="opened once"):
        desk.ledger.open({USDT: d(1)}, {}, 0)
    with pytest.raises(InvariantBroken, match="1 DOGE at rate 0"):
        Ledger(USDT).open({Asset("DOGE"): d(1)}, {}, 0)


def test_a_forgotten_counter_posting_breaks_the_invariant(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Draft.expense

    def forgetful(self: Draft, account: Account, value: Decimal) -> None:
        if account is not Account.SLIPPAGE:
            whole(self, account, value)

    desk = Desk()
    monkeypatch.setattr(Draft, "expense", forgetful)
    with pytest.raises(InvariantBroken, match="sums to -1, not zero"):
        desk.buy("1", "101", decision_price=d(100))
    assert desk.ledger.balances == {USDT: d(10_000)}
