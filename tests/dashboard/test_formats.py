"""How numbers are written, and what becomes of odd ones."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.dashboard import formats

MINUS = formats.MINUS
AMOUNTS = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("value", "plain", "signed", "tone"),
    [
        ("1012.345", "1,012.34", "+1,012.34", "up"),
        ("-3.215", f"{MINUS}3.22", f"{MINUS}3.22", "down"),
        ("0", "0.00", "0.00", "flat"),
        ("0.004", "0.00", "0.00", "flat"),
        ("-0.004", f"{MINUS}0.00", "0.00", "flat"),
        ("12345678.9", "12,345,678.90", "+12,345,678.90", "up"),
    ],
)
def test_money_has_two_places_and_a_readable_sign(
    value: str, plain: str, signed: str, tone: str
) -> None:
    amount = Decimal(value)
    assert formats.money(amount).replace(MINUS + "0.00", "0.00") == plain.replace(
        MINUS + "0.00", "0.00"
    )
    assert formats.signed(amount) == signed
    assert formats.tone(amount) == tone


@given(AMOUNTS)
def test_sign_arrow_and_tone_always_agree(value: Decimal) -> None:
    text = formats.with_arrow(value)
    assert (formats.UP in text) == ("+" in text) == (formats.tone(value) == "up")
    assert (formats.DOWN in text) == (MINUS in text) == (formats.tone(value) == "down")


@given(AMOUNTS)
def test_what_is_written_is_what_was_meant(value: Decimal) -> None:
    read = Decimal(formats.signed(value).replace(MINUS, "-").replace(",", ""))
    assert abs(read - value) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("value", "text"),
    [("0.00162000", "0.00162"), ("48", "48"), ("1000", "1,000"), ("1E-8", "0.00000001"),
     ("1E+3", "1,000"), ("0", "0"), ("-0.5", f"{MINUS}0.5")],
)  # fmt: skip
def test_quantities_are_trimmed_and_never_in_powers(value: str, text: str) -> None:
    assert formats.quantity(Decimal(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0, "0s"), (59.9, "59s"), (133, "2m 13s"), (3605, "1h 00m"), (187_200, "2d 04h")],
)
def test_ages_read_at_a_glance(seconds: float, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("price", "places"),
    [(96_412.1, 1), (0.035072, 6), (1.0, 0), (2.2874, 4), (0.1 + 0.2, 8), (1e-9, 8),
     (123_456.123456789, 3), (0.0, 0), (float("nan"), 0), (float("inf"), 0), (-1.0, 0)],
)  # fmt: skip
def test_decimals_follow_the_quotes(price: float, places: int) -> None:
    assert formats.places_of(price) == places
