"""Numbers as every page writes them: signs you can read, one width, no noise."""

from datetime import UTC, datetime
from decimal import Decimal

from tradewinds.model.decimals import round_to_places

MINUS = "\u2212"
DASH = "\u2013"
UP = "\u25b2"
DOWN = "\u25bc"
PLACES_MAX = 8
DIGITS_MAX = 9


def money(value: Decimal) -> str:
    """`1,012.34`; a real minus sign for what is below zero."""
    return _minus(f"{_cents(value):,.2f}")


def signed(value: Decimal) -> str:
    """`+3.21`, `-3.21` with a real minus, and `0.00` without a sign."""
    cents = _cents(value)
    return _minus(f"{cents:+,.2f}") if cents else "0.00"


def signed_amount(value: float) -> str:
    """The same for a mean or another figure that is no longer exact money."""
    text = f"{value:+,.2f}"
    return _minus(text) if text[1:] != "0.00" else "0.00"


def arrow(value: Decimal | float) -> str:
    """The sign for eyes that do not tell green from red; nothing for nothing."""
    if isinstance(value, Decimal):
        value = float(_cents(value))
    return f"{UP} " if value > 0 else f"{DOWN} " if value < 0 else ""


def with_arrow(value: Decimal) -> str:
    """Arrow and signed amount."""
    return f"{arrow(value)}{signed(value)}"


def tone(value: Decimal | float) -> str:
    """CSS tone of a result: up, down or flat."""
    if isinstance(value, Decimal):
        value = float(_cents(value))
    return "up" if value > 0 else "down" if value < 0 else "flat"


def percent(fraction: float, places: int = 2) -> str:
    """0.0123 is `1.23%`."""
    return _minus(f"{fraction * 100:.{places}f}%")


def signed_percent(fraction: float, places: int = 2) -> str:
    """0.0123 is `+1.23%`."""
    text = f"{fraction * 100:+.{places}f}"
    return _minus(f"{text}%") if float(text) else f"{0:.{places}f}%"


def price(value: Decimal | float, places: int) -> str:
    """A price with the instrument's decimals."""
    return _minus(f"{value:,.{places}f}")


def quantity(value: Decimal) -> str:
    """Trailing zeros trimmed, never in exponent form."""
    text = f"{value:,f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def duration(seconds: float) -> str:
    """`4s`, `2m 13s`, `3h 05m`, `2d 04h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600:02d}h"


def latency(milliseconds: float) -> str:
    """`85 ms`, then `1.2 s`, then as a duration."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1_000:.1f} s"
    return duration(milliseconds / 1_000)


def count(value: float) -> str:
    """`12,345`."""
    return f"{value:,.0f}"


def clock(time_ns: int) -> str:
    """Time of day, UTC."""
    return _moment(time_ns).strftime("%H:%M:%S")


def date(time_ns: int) -> str:
    """`2025-01-31`, UTC."""
    return _moment(time_ns).strftime("%Y-%m-%d")


def stamp(time_ns: int) -> str:
    """`01-31 12:34:56`, UTC: enough for a table of recent things."""
    return _moment(time_ns).strftime("%m-%d %H:%M:%S")


def places_of(value: float) -> int:
    """Decimals in the shortest spelling of a quoted price, bounded for unrounded sources."""
    if not 0 < value < 1e15:
        return 0
    spelled = -int(Decimal(repr(value)).normalize().as_tuple().exponent)
    whole_digits = len(str(int(value)))
    return max(0, min(spelled, PLACES_MAX, DIGITS_MAX - whole_digits))


def _cents(value: Decimal) -> Decimal:
    return round_to_places(value, 2)


def _minus(text: str) -> str:
    return text.replace("-", MINUS)


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns / 1e9, tz=UTC)
