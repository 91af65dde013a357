"""What a strategy may do to a resting stop: move it closer, by a price that can be trusted."""

from decimal import Decimal

from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade
from tradewinds.risk.limits import RiskLimits, RiskView

NS = 1_000_000_000


def tightening_flaw(
    trade: Trade, stop_price: Decimal, view: RiskView, limits: RiskLimits
) -> str | None:
    """Why this stop may not replace the trade's.

    A stop beyond the market would free risk that is already lost: that is what an exit is for.
    """
    if view.mid is None or view.price_age_ns is None:
        return "no price: cannot judge"
    if view.price_suspect or not 0 <= view.price_age_ns <= limits.stale_after_s * NS:
        return "the price cannot be trusted: stops stay where they are"
    buying = trade.side is Side.BUY
    closer = stop_price - trade.stop_price if buying else trade.stop_price - stop_price
    if closer <= 0:
        return f"stop {stop_price} would loosen {trade.stop_price}"
    room = view.mid - stop_price if buying else stop_price - view.mid
    if room <= 0:
        return f"stop {stop_price} is beyond the market at {view.mid}"
    return None
