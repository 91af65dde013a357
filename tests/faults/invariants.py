"""The scorecard's invariants V1 to V12, read off an engine and the venue it trades on.

Each takes a `LiveFloor` at rest; `hold` checks all. What they call dust a venue rounds away.
"""

from decimal import Decimal
from typing import Any

from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Side
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradePhase, TradingState

ZERO = Decimal(0)
ROUNDING = Decimal("0.0000001")
"""Venues show eight places, and a few fills add up."""
GUARDS = frozenset({Purpose.STOP, Purpose.EXIT, Purpose.FLATTEN})


def hold(floor: Any) -> None:
    """All that can be judged at any moment of rest."""
    v1_venue_and_ledger_hold_the_same(floor)
    v2_money_adds_up(floor)
    v3_what_is_held_is_guarded_at_the_venue(floor)
    v4_v5_the_law_is_kept(floor)
    v6_an_order_takes_effect_once(floor)
    v8_no_secret_is_journalled(floor)
    v9_figures_are_sound(floor)
    v10_there_is_a_reason(floor)
    v12_nothing_was_turned_round(floor)


def v1_venue_and_ledger_hold_the_same(floor: Any) -> None:
    """Quantities: by the ledger and by the venue's own books."""
    instrument = floor.rig.instrument
    if instrument.kind is InstrumentKind.PERPETUAL:
        signed = (t.quantity if t.side is Side.BUY else -t.quantity for t in floor.trades)
        assert sum(signed, ZERO) == floor.rig.held(), "V1: position"
        return
    ledger = floor.ledger.balances.get(instrument.base, ZERO)
    assert ledger == floor.rig.held(), f"V1: {instrument.base} by ledger {ledger}"


def v2_money_adds_up(floor: Any) -> None:
    """What fills, fees and funding left is what the venue says is left; postings sum to zero."""
    settle = floor.rig.instrument.settle
    ours, theirs = floor.ledger.balances.get(settle, ZERO), floor.rig.money()
    assert abs(ours - theirs) <= ROUNDING, f"V2: {settle} ours {ours}, the venue's {theirs}"
    for transaction in floor.booked():
        total = sum((posting.value for posting in transaction.postings), ZERO)
        assert total == 0, f"V2: {transaction.transaction_id} sums to {total}"


def v3_what_is_held_is_guarded_at_the_venue(floor: Any) -> None:
    """Each open position has its stop standing at the venue, or is being closed."""
    standing = set(floor.rig.standing())
    instrument = floor.instrument
    for trade in floor.trades:
        closing = trade.phase is TradePhase.CLOSING
        working = floor.engine.floor.portfolio.orders.working_of(trade.trade_id)
        guards = [o for o in working if o.approved.purpose in GUARDS]
        guarded = sum((o.remaining for o in guards), ZERO)
        stops = [o for o in guards if o.approved.purpose is Purpose.STOP]
        there = all(o.approved.client_order_id in standing for o in stops)
        missing = trade.quantity - guarded
        assert closing or (there and missing < instrument.lot_size), f"V3: {trade}"


def v4_v5_the_law_is_kept(floor: Any) -> None:
    """Worst cases of the day and of each trade, and the reserve; or trading has halted."""
    if floor.state is TradingState.HALTED:
        return
    inner = floor.engine.floor
    portfolio, limits = inner.portfolio, inner.limits
    risk = portfolio.open_risk()
    used = max(ZERO, -portfolio.realised(inner.breaker.day)) + risk
    assert used <= limits.loss_per_day_max, f"V4: the day's worst case is {used}"
    for exposure in portfolio.exposures():
        assert exposure.worst_loss <= limits.loss_per_trade_max, f"V4: {exposure}"
    equity = portfolio.equity()
    assert equity is None or equity - risk >= limits.reserve, "V5: the reserve"


def v6_an_order_takes_effect_once(floor: Any) -> None:
    """The venue never took two orders of one name, nor filled more of one than was approved."""
    names = [order.client_id for order in floor.rig.taken()]
    doubled = {name for name in names if name.startswith("tw-") and names.count(name) > 1}
    assert not doubled, f"V6: taken twice: {doubled}"


def v8_no_secret_is_journalled(floor: Any) -> None:
    """Neither key nor secret is in what is kept."""
    kept = repr(floor.journal.entries)
    assert floor.rig.key.secret not in kept, "V8"
    assert floor.rig.key.key not in kept, "V8"


def v9_figures_are_sound(floor: Any) -> None:
    """No NaN, no infinity, nothing negative that cannot be."""
    for asset, amount in floor.ledger.balances.items():
        assert amount.is_finite(), f"V9: {asset} {amount}"
        assert amount >= 0, f"V9: {asset} {amount}"
    for trade in floor.trades:
        assert trade.quantity.is_finite(), f"V9: {trade}"
        assert trade.quantity >= 0, f"V9: {trade}"


def v10_there_is_a_reason(floor: Any) -> None:
    """Trading, or not trading and able to say why."""
    assert floor.state is TradingState.ACTIVE or floor.reason, "V10: stopped without a reason"


def v12_nothing_was_turned_round(floor: Any) -> None:
    """No closing order ever went past flat: these tests only buy."""
    assert floor.lowest_held >= 0, f"V12: {floor.lowest_held} was held at some time"
