"""Money rounds here and nowhere else, by intention."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
)

WIDE = Context(prec=60)
"""Digits enough that a division by a step is exact where it has to be."""
ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal("0.0001")
VALUE_STEP = Decimal("0.000000000001")
"""Ledger values are kept to twelve places; what is lost by a division stays in the inventory."""


def to_decimal(value: float) -> Decimal:
    """The shortest decimal that reads back as this float, so 0.1 becomes 0.1.

    Raises ValueError for NaN and infinities: they never become money.
    """
    result = Decimal(repr(float(value)))
    if not result.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return result


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round down to a whole number of steps: never buy more than was asked for."""
    return WIDE.multiply(WIDE.divide(value, step).to_integral_value(rounding=ROUND_FLOOR), step)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round up to a whole number of steps: never assume a cost smaller than it is."""
    return WIDE.multiply(WIDE.divide(value, step).to_integral_value(rounding=ROUND_CEILING), step)


def round_value(value: Decimal) -> Decimal:
    """Half-even to the ledger's step, for values that come from a division."""
    return value.quantize(VALUE_STEP, rounding=ROUND_HALF_EVEN)


def round_loss_up(value: Decimal) -> Decimal:
    """A loss estimate rounds away from zero, to the ledger's step."""
    return value.quantize(VALUE_STEP, rounding=ROUND_UP)


def round_to_places(value: Decimal, places: int) -> Decimal:
    """For display only."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def truncate_to_places(value: Decimal, places: int) -> Decimal:
    """Toward zero: what a venue does to a balance it shows."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
