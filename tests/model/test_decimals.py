"""Money rounds in the safe direction, however odd the figures."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.decimals import ceil_to_step, floor_to_step, to_decimal

STEPS = st.sampled_from(
    [Decimal(text) for text in ("1e-18", "0.00001", "0.05", "0.25", "3", "100")]
)
VALUES = st.decimals(0, 10**15, places=18)


@given(value=VALUES, step=STEPS)
def test_the_floor_never_exceeds_and_the_ceiling_never_falls_short(
    value: Decimal, step: Decimal
) -> None:
    floor, ceiling = floor_to_step(value, step), ceil_to_step(value, step)
    assert floor <= value <= ceiling
    assert value - floor < step
    assert ceiling - value < step
    assert ceiling - floor in (0, step)


def test_a_quotient_of_more_digits_than_the_default_context_has_still_rounds_down() -> None:
    value, step = Decimal("12345678901234567890.999999999999999999"), Decimal("1e-17")
    assert floor_to_step(value, step) <= value


@pytest.mark.parametrize("value", [0.1, np.float64(0.1), 1e-9, 123456789.125])
def test_a_float_becomes_the_decimal_that_reads_back_as_it(value: float) -> None:
    assert float(to_decimal(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_never_becomes_money(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        to_decimal(value)
