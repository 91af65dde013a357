"""Cycles whose legs leave at once out of inventory that the operator has named."""

from decimal import Decimal
from itertools import product

import pytest

from tests.engine.together_stage import (
    BTC,
    BTC_USDC,
    BTC_USDT,
    INSTRUMENTS,
    STOCK,
    USDC,
    USDC_USDT,
    USDT,
    WHO,
    Silent,
    Stage,
)
from tradewinds.model import events as ev
from tradewinds.model.commands import RecordTransaction
from tradewinds.model.ids import ACCOUNT
from tradewinds.model.ledger import Account
from tradewinds.model.market import Side
from tradewinds.model.order import OrderType, Purpose, TimeInForce
from tradewinds.model.portfolio import TradingState
from tradewinds.model.signal import Sending

DUST = {BTC: Decimal("0.00025"), USDC: Decimal(5)}
"""What five dollars buy: less is not taken by the venue."""


@pytest.fixture
def stage() -> Stage:
    return Stage(venue=Silent())


def test_all_legs_leave_in_the_same_instant_with_their_limits(stage: Stage) -> None:
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    assert [(leg.instrument_id, leg.side) for leg in legs] == [
        (BTC_USDT, Side.BUY),
        (BTC_USDC, Side.SELL),
        (USDC_USDT, Side.SELL),
    ]
    assert {leg.order_type for leg in legs} == {OrderType.LIMIT}
    assert {leg.time_in_force for leg in legs} == {TimeInForce.IOC}
    assert all(leg.worst_loss <= stage.settings.limits.loss_per_trade_max for leg in legs)
    assert stage.portfolio.open_risk() == legs[0].worst_loss, "counted once"


def test_a_whole_cycle_gives_back_what_it_borrowed_and_books_its_gain(stage: Stage) -> None:
    before = stage.portfolio.equity()
    stage.wish()
    for leg in stage.sent(Purpose.LEG):
        stage.filled(leg)
    assert not stage.sent(Purpose.UNWIND)
    assert not stage.ledger.loans
    assert not stage.portfolio.baskets
    assert stage.held(BTC) == STOCK[BTC]
    assert stage.held(USDC) == STOCK[USDC]
    trade = stage.closed()
    assert trade.exit_reason == "cycle"
    assert trade.realised == pytest.approx(Decimal("0.82"), abs=Decimal("0.2")), "1 % less 4 fees"
    gained = stage.portfolio.equity() - before
    assert gained == pytest.approx(trade.realised, abs=Decimal("0.02")), "but for dust"


def test_what_the_price_of_the_inventory_did_before_is_no_result_of_a_cycle() -> None:
    """BTC has halved since it was counted."""
    losses = {"loss_per_day_max": Decimal(1000), "drawdown_halt": 0.9, "drawdown_reduce": 0.8}
    stage = Stage(venue=Silent(), limits=losses)
    for name in (BTC_USDT, BTC_USDC):
        for _ in range(5):
            stage.quote(name, stage.prices[name] / 2 if stage.prices[name] > 15_000 else None)
    capital = booked(stage, Account.CAPITAL)
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    assert len(legs) == 3, stage.refusals()
    for leg in reversed(legs):
        stage.filled(leg)
        assert stage.portfolio.realised(stage.engine.floor.breaker.day) > Decimal(-1)
    assert stage.closed().realised == pytest.approx(Decimal("0.82"), abs=Decimal("0.2"))
    assert booked(stage, Account.CAPITAL) == capital, "lent and returned"


def booked(stage: Stage, account: Account) -> Decimal:
    postings = (p for c in stage.of(RecordTransaction) for p in c.transaction.postings)
    return sum((p.value for p in postings if p.account is account), Decimal(0))


@pytest.mark.parametrize("fills", list(product((0, 1), repeat=3)))
@pytest.mark.parametrize("share", ["1", "0.4"])
def test_whatever_fills_the_inventory_is_restored_within_the_approved_loss(
    stage: Stage, fills: tuple[int, int, int], share: str
) -> None:
    """By orders in the same instant, at the prices of the decision."""
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    at = stage.now
    for leg, instrument, fill in zip(legs, INSTRUMENTS, fills, strict=True):
        part = instrument.quantity_down(leg.quantity * Decimal(share)) if fill else Decimal(0)
        if part:
            stage.filled(leg, part)
        if part < leg.quantity:
            stage.ended(leg)
    while stage.portfolio.orders.working():
        for order in stage.portfolio.orders.working():
            assert order.approved.purpose is Purpose.UNWIND
            stage.filled(order.approved)
    assert stage.now == at
    assert not stage.portfolio.baskets
    for asset in STOCK:
        assert abs(stage.away(asset)) < DUST[asset]
        assert stage.away(asset) == -stage.owed(asset), "what is missing is owed, not forgotten"
    if any(fills):
        assert stage.closed().realised > -legs[0].worst_loss
        assert stage.closed().gap == 0
    assert sum(order.quantity > 0 for order in stage.sent(Purpose.UNWIND)) <= 2


def test_a_last_leg_that_does_not_fill_is_completed_at_market(stage: Stage) -> None:
    stage.wish()
    first, middle, last = stage.sent(Purpose.LEG)
    stage.filled(first)
    stage.filled(middle)
    assert not stage.sent(Purpose.UNWIND), "one is still on its way"
    stage.ended(last)
    (order,) = stage.sent(Purpose.UNWIND)
    assert (order.instrument_id, order.side) == (USDC_USDT, Side.SELL)
    assert order.order_type is OrderType.MARKET


def test_a_middle_leg_that_does_not_fill_is_completed_while_the_edge_is_there(
    stage: Stage,
) -> None:
    stage.wish()
    first, middle, last = stage.sent(Purpose.LEG)
    stage.filled(first)
    stage.filled(last)
    stage.ended(middle)
    (order,) = stage.sent(Purpose.UNWIND)
    assert (order.instrument_id, order.side) == (BTC_USDC, Side.SELL)


def test_a_middle_leg_whose_edge_has_gone_is_given_up_and_the_others_undone(stage: Stage) -> None:
    stage.wish()
    first, middle, last = stage.sent(Purpose.LEG)
    stage.filled(first)
    stage.filled(last)
    stage.quote(BTC_USDC, 19_800.0)
    stage.ended(middle)
    ways = {(order.instrument_id, order.side) for order in stage.sent(Purpose.UNWIND)}
    assert ways == {(BTC_USDT, Side.SELL), (USDC_USDT, Side.BUY)}


def test_without_inventory_nothing_is_sent_at_once() -> None:
    for permitted in ({}, {USDC: Decimal(400)}, {BTC: Decimal("0.02")}):
        stage = Stage(venue=Silent(), stock=permitted)
        stage.wish()
        assert not stage.sent()
        assert [refusal.check for refusal in stage.refusals()] == ["simultaneous"]


def test_what_the_account_holds_and_was_not_named_is_not_touched() -> None:
    """It is in the books, with a price, and free: it is still nobody's to use."""
    stage = Stage(venue=Silent())
    stage.settings.inventory.pop(BTC)
    stage.wish()
    assert not stage.sent()


def test_no_more_is_used_than_was_named() -> None:
    stage = Stage(venue=Silent(), permitted={BTC: Decimal("0.003"), USDC: Decimal(400)})
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    assert Decimal("0.0028") < legs[1].quantity <= Decimal("0.003")
    assert legs[0].quantity <= Decimal("0.003")


def test_either_way_goes_in_sequence_where_not_all_of_it_is_there() -> None:
    rich = Stage(venue=Silent())
    rich.wish(Sending.EITHER)
    assert len(rich.sent(Purpose.LEG)) == 3
    poor = Stage(venue=Silent(), permitted={BTC: Decimal("0.003"), USDC: Decimal(400)})
    poor.wish(Sending.EITHER)
    (leg,) = poor.sent(Purpose.LEG)
    assert leg.instrument_id == BTC_USDT
    assert not poor.refusals()
    assert not poor.ledger.loans


def test_what_one_cycle_has_borrowed_another_cannot() -> None:
    stage = Stage(venue=Silent())
    view = stage.portfolio.inventory
    free = stage.portfolio.free()
    assert view(free)[BTC] == STOCK[BTC]
    stage.wish()
    lent = stage.owed(BTC)
    assert lent > 0
    assert view(stage.portfolio.free())[BTC] <= STOCK[BTC] - lent


def test_inventory_that_is_no_dollar_any_more_is_not_used_and_nothing_new_is_risked() -> None:
    stage = Stage(venue=Silent())
    stage.quote(USDC_USDT, 0.985)
    stage.wish()
    assert not stage.sent()
    assert "none" in stage.refusals()[-1].reason
    stage.pass_time(1.1)
    for name in stage.prices:
        stage.quote(name)
    assert stage.state is TradingState.REDUCING
    stage.quote(USDC_USDT, 1.0)
    stage.pass_time(1.1)
    assert stage.state is TradingState.ACTIVE


def test_inventory_counts_as_exposure_at_its_present_worth() -> None:
    """400 of each among 1,800: 40 % of it is all that may be in one asset."""
    stage = Stage(venue=Silent())
    held = {e.instrument_id.split("/")[0]: e.notional for e in stage.portfolio.exposures()}
    assert held == {"BTC": Decimal(400), "USDC": Decimal(400)}
    assert stage.portfolio.open_risk() == 0
    stage.wish(notional=10_000.0)
    first = stage.sent(Purpose.LEG)[0]
    assert first.quantity * first.decision_price <= Decimal("0.4") * 1800 - 400


def test_a_leg_that_any_check_refuses_keeps_all_of_them_back() -> None:
    stage = Stage(venue=Silent())
    stage.quote(USDC_USDT, bid_size=10.0, ask_size=10.0)
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    assert not legs
    assert not stage.ledger.loans, "nothing was lent for nothing"


def test_an_inventory_that_cannot_be_bought_back_stops_trading_and_is_not_forgotten(
    stage: Stage,
) -> None:
    stage.wish()
    first, middle, last = stage.sent(Purpose.LEG)
    stage.filled(last)
    stage.ended(first)
    stage.ended(middle)
    for _ in range(15):
        for order in stage.portfolio.orders.working():
            stage.ended(order.approved, ev.OrderRejected)
        stage.pass_time(1.1)
    assert len(stage.sent(Purpose.UNWIND)) <= 20, "with the beat, not faster"
    assert stage.state is TradingState.HALTED
    assert not stage.portfolio.flat()
    for order in stage.portfolio.orders.working():
        stage.filled(order.approved)
    assert stage.portfolio.flat()
    assert abs(stage.away(USDC)) < DUST[USDC]


def test_a_leg_that_fills_after_its_cycle_was_over_is_put_right(stage: Stage) -> None:
    """The venue said that it had expired; then comes its fill."""
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    for leg in legs:
        stage.ended(leg)
    assert not stage.portfolio.baskets
    stage.filled(legs[1])
    for _ in range(4):
        for order in stage.portfolio.orders.working():
            stage.filled(order.approved)
        stage.pass_time(1.1)
    assert stage.portfolio.flat()
    for asset in STOCK:
        assert abs(stage.away(asset)) < DUST[asset], asset


def test_what_is_lent_to_a_cycle_under_way_is_no_leftover(stage: Stage) -> None:
    stage.wish()
    first, middle, _ = stage.sent(Purpose.LEG)
    stage.filled(first)
    stage.engine.closer.sell_leftovers("test")
    assert not stage.portfolio.trades
    stage.filled(middle, middle.quantity / 2)
    stage.engine.closer.sell_leftovers("test")
    assert not stage.portfolio.trades


def test_an_emergency_within_a_cycle_restores_the_inventory_before_it_is_flat(
    stage: Stage,
) -> None:
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    stage.filled(legs[1])
    stop = ev.EmergencyStop(
        command_id="c", reason="", venue_time_ns=stage.now, received_time_ns=stage.now
    )
    stage.driver.inject(stop)
    assert {leg.client_order_id for leg in (legs[0], legs[2])} <= set(stage.venue.canceled)
    stage.ended(legs[0], ev.OrderCanceled)
    stage.ended(legs[2], ev.OrderCanceled)
    assert not stage.portfolio.flat()
    for order in stage.portfolio.orders.working():
        stage.filled(order.approved)
    assert stage.portfolio.flat()
    assert abs(stage.away(BTC)) < DUST[BTC]


def test_inventory_waits_for_its_first_price_and_is_no_gain() -> None:
    stage = Stage(venue=Silent())
    breaker = stage.engine.floor.breaker
    assert not stage.portfolio.waiting
    assert stage.portfolio.equity() == Decimal(1800)
    assert breaker.day_start_equity == Decimal(1800)
    assert stage.ledger.realised().net == 0
    assert {lot.strategy_id for lot in stage.ledger.lots} == {ACCOUNT}


def test_inventory_without_a_price_survives_a_restart() -> None:
    stage = Stage()
    fresh = Stage.__new__(Stage)
    fresh.__dict__.update(stage.__dict__)
    fresh.begin(None, None)
    saved = fresh.engine.checkpoint()
    assert saved.waiting == STOCK
    assert USDC not in saved.ledger.balances
    fresh.begin(None, saved)
    assert {a: fresh.venue.balances[a] for a in STOCK} == STOCK, "the venue has it all the time"
    for name in fresh.prices:
        fresh.quote(name)
    fresh.pass_time(1.1)
    assert fresh.portfolio.equity() == Decimal(1800)
    assert dict(fresh.ledger.balances) == dict(fresh.venue.balances)


def test_a_run_that_begins_with_a_debt_buys_it_back_with_the_start(stage: Stage) -> None:
    """Nothing of the run before is in flight, so nobody has to be waited for."""
    stage.wish()
    first, middle, last = stage.sent(Purpose.LEG)
    stage.filled(middle)
    stage.ended(first)
    stage.ended(last)
    for order in stage.portfolio.orders.working():
        stage.ended(order.approved, ev.OrderRejected)
    saved = stage.engine.checkpoint()
    assert not saved.orders
    stage.begin(Silent(), saved)
    orders = stage.sent(Purpose.UNWIND)
    ways = {(order.instrument_id, order.side) for order in orders}
    assert ways == {(BTC_USDT, Side.BUY), (USDC_USDT, Side.SELL)}, "the edge is still there"
    assert stage.portfolio.open_risk() > 0
    for order in orders:
        stage.filled(order)
    assert stage.portfolio.flat()
    assert stage.closed().reason == "inventory owed by an interrupted cycle"
    assert abs(stage.away(BTC)) < DUST[BTC]


@pytest.mark.parametrize("after", range(1, 4))
def test_a_cycle_interrupted_by_a_restart_is_put_right_by_the_next_run(after: int) -> None:
    """The simulated venue fills what had left; the process ends after so many of the fills."""
    stage = Stage(venue=Silent())
    stage.wish()
    legs = stage.sent(Purpose.LEG)
    for leg in legs[after - 1 :][:1]:
        stage.filled(leg)
    for leg in legs:
        if leg is not legs[after - 1]:
            stage.ended(leg)
    saved = stage.engine.checkpoint()
    assert saved.ledger.loans
    stage.now += 10**9
    stage.begin(None, saved)
    for name in stage.prices:
        stage.quote(name)
    stage.pass_time(3.0)
    for name in stage.prices:
        stage.quote(name)
    stage.pass_time(3.0)
    assert stage.portfolio.flat()
    for asset in STOCK:
        assert abs(stage.away(asset)) < DUST[asset], asset
        assert stage.held(asset, WHO) < DUST[asset]
    assert dict(stage.ledger.balances) == dict(stage.venue.balances)
    assert stage.ledger.balances[USDT] > Decimal(990)
