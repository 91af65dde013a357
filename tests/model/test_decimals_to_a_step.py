"""The quick ways to a step and from a float answer as the plain ones do, to the last zero."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.model.decimals import ceil_to_step, floor_to_step, to_decimal, whole_steps

WIDE = Context(prec=60)
ODD = ("0.05", "0.25", "3", "100", "0.10", "10", "1E+1", "0.0100", "2.5", "1E+3", "1.0", "0.00010")
STEPS = st.one_of(
    st.integers(-20, 12).map(lambda exponent: Decimal(1).scaleb(exponent)),
    st.sampled_from([Decimal(text) for text in ODD]),
)
STRANGE = ("0", "-0", "0E+5", "-0.000", "0E-30", "1E+40", "123456789012345678901234567890.123456")
VALUES = st.one_of(
    st.decimals(-(10**6), 10**6, places=8),
    st.tuples(st.integers(-(10**12), 10**12), st.integers(-15, 8)).map(
        lambda parts: Decimal(parts[0]).scaleb(parts[1])
    ),
    st.sampled_from([Decimal(text) for text in STRANGE]),
)
WHOLE = st.tuples(st.integers(-(10**9), 10**9), STEPS).map(
    lambda pair: (pair[0] * pair[1], pair[1])
)


def divided(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    """The definition."""
    steps = WIDE.divide(value, step).to_integral_value(rounding=rounding)
    return WIDE.multiply(steps, step)


@given(pair=st.one_of(st.tuples(VALUES, STEPS), WHOLE))
@settings(max_examples=1500, deadline=None)
def test_a_step_is_found_as_by_division_down_to_how_it_is_written(
    pair: tuple[Decimal, Decimal],
) -> None:
    value, step = pair
    floor, ceiling = divided(value, step, ROUND_FLOOR), divided(value, step, ROUND_CEILING)
    assert str(floor_to_step(value, step)) == str(floor)
    assert str(ceil_to_step(value, step)) == str(ceiling)
    assert whole_steps(value, step) is (floor == value)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_asked_for_again_is_the_same_decimal(value: float) -> None:
    assert str(to_decimal(value)) == str(to_decimal(value)) == str(Decimal(repr(value)))


def test_the_two_zeros_are_not_taken_for_each_other() -> None:
    assert [str(to_decimal(value)) for value in (0.0, -0.0, 0.0)] == ["0.0", "-0.0", "0.0"]


@pytest.mark.parametrize("value", [1, True, 1.0])
def test_equal_keys_are_equal_money(value: float) -> None:
    assert str(to_decimal(value)) == "1.0"
