"""The lines below which equity wants a verdict, drawn once for the same day and peak."""

from decimal import Decimal
from typing import Final, NamedTuple

from tradewinds.model.decimals import to_decimal
from tradewinds.risk.breaker import Breaker
from tradewinds.risk.limits import RiskLimits

ASIDE: Final = 1e-9
"""Of all that a line is drawn from: nearer to it the breaker is asked, for these are floats."""


class Lines(NamedTuple):
    """`limits` are equities at which the breaker may act, `top` the peak, as floats.

    With equity above `calm_above` and at most `peak`, and the day's result above `calm_result`,
    the breaker would say nothing and change nothing.
    """

    day_start: Decimal
    peak: Decimal
    top: float
    limits: tuple[float, float, float]
    calm_above: Decimal
    calm_result: Decimal


def lines_of(breaker: Breaker, limits: RiskLimits) -> Lines:
    """As the breaker stands now."""
    top = float(breaker.peak_equity)
    found = (
        float(breaker.day_start_equity - limits.loss_per_day_max),
        top * (1 - limits.drawdown_reduce),
        top * (1 - limits.drawdown_halt),
    )
    loss = float(limits.loss_per_day_max)
    aside = ASIDE * (1.0 + abs(top) + abs(float(breaker.day_start_equity)) + loss)
    return Lines(
        day_start=breaker.day_start_equity,
        peak=breaker.peak_equity,
        top=top,
        limits=found,
        calm_above=to_decimal(max(found) + aside),
        calm_result=to_decimal(aside - loss),
    )
