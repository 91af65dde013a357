"""Money rounds here and nowhere else, by intention."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from functools import lru_cache
from typing import Final

WIDE = Context(prec=60)
"""Digits enough that a division by a step is exact where it has to be."""
ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal("0.0001")
VALUE_STEP = Decimal("0.000000000001")
"""Ledger values are kept to twelve places; what is lost by a division stays in the inventory."""
POWERS_OF_TEN: Final = frozenset(str(Decimal(1).scaleb(exponent)) for exponent in range(-24, 13))
"""As they are written with a single digit: 0.01 and 1E+2, not 0.010."""


def to_decimal(value: float) -> Decimal:
    """The shortest decimal that reads back as this float, so 0.1 becomes 0.1.

    Raises ValueError for NaN and infinities: they never become money.
    """
    # The two zeros are equal as keys, but not as money.
    return _remembered(value) if value else _converted(value)


def _converted(value: float) -> Decimal:
    result = Decimal(repr(float(value)))
    if not result.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    return result


_remembered = lru_cache(maxsize=512)(_converted)
"""The same few prices and settings are asked for again and again within a step."""


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round down to a whole number of steps: never buy more than was asked for."""
    return _to_step(value, step, ROUND_FLOOR)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round up to a whole number of steps: never assume a cost smaller than it is."""
    return _to_step(value, step, ROUND_CEILING)


def whole_steps(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole number of steps."""
    try:
        return not value % step
    except InvalidOperation:
        return _divided(value, step, ROUND_FLOOR) == value


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """As `_divided` answers to the last digit, mostly without its division."""
    try:
        if value % step:
            if str(step) in POWERS_OF_TEN:
                return value.quantize(step, rounding, WIDE)
        elif value.same_quantum(step):
            return value
    except InvalidOperation:
        pass  # More steps than the context has digits, or no number.
    return _divided(value, step, rounding)


def _divided(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return WIDE.multiply(WIDE.divide(value, step).to_integral_value(rounding), step)


def round_value(value: Decimal) -> Decimal:
    """Half-even to the ledger's step, for values that come from a division."""
    return value.quantize(VALUE_STEP, ROUND_HALF_EVEN)


def round_loss_up(value: Decimal) -> Decimal:
    """A loss estimate rounds away from zero, to the ledger's step."""
    return value.quantize(VALUE_STEP, ROUND_UP)


def round_to_places(value: Decimal, places: int) -> Decimal:
    """For display only."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)


def truncate_to_places(value: Decimal, places: int) -> Decimal:
    """Toward zero: what a venue does to a balance it shows."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)
