"""Numbers, times and durations as people read them, and read back from what they type."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tradewinds.cli.exits import CliError, Exit
from tradewinds.model.decimals import round_to_places

SECOND_NS = 1_000_000_000
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
NOT_KNOWN = "-"


def money(value: Decimal | None, places: int = 2) -> str:
    """`1,003.21`; '-' for None."""
    return NOT_KNOWN if value is None else f"{round_to_places(value, places):,}"


def signed(value: Decimal | None, places: int = 2) -> str:
    """`+3.21`, `-0.40`; a rounded nothing has no sign."""
    if value is None:
        return NOT_KNOWN
    rounded = round_to_places(value, places)
    return f"{rounded:+,}" if rounded else f"{abs(rounded):,}"


def plain(value: Decimal) -> str:
    """A quantity or price with the digits it has, without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: float | None, places: int = 2) -> str:
    """A fraction as percent: 0.05 is `5.00 %`."""
    return NOT_KNOWN if value is None else f"{value * 100:,.{places}f} %"


def number(value: float | None, places: int = 2) -> str:
    """`12.34`; '-' for None."""
    return NOT_KNOWN if value is None else f"{value:,.{places}f}"


def moment(time_ns: int) -> str:
    """`2024-01-05 12:00:00 UTC`; '-' for 0."""
    if time_ns <= 0:
        return NOT_KNOWN
    return f"{datetime.fromtimestamp(time_ns // SECOND_NS, UTC):%Y-%m-%d %H:%M:%S} UTC"


def day(days: int) -> str:
    """Days since the epoch as `2024-01-05`."""
    return f"{datetime.fromtimestamp(days * 86_400, UTC):%Y-%m-%d}"


def duration(nanoseconds: float) -> str:
    """The two largest units: `2 d 3 h`, `41 s`, `120 ms`."""
    if nanoseconds < SECOND_NS:
        return f"{max(0.0, nanoseconds) / 1e6:.0f} ms"
    seconds = int(nanoseconds // SECOND_NS)
    parts = []
    for unit, size in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def parse_time_ns(text: str, option: str) -> int:
    """ISO 8601, UTC unless it says otherwise: `2024-01-05` or `2024-01-05T12:00`."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(
            f"{option} {text!r} is not a date or time",
            Exit.USAGE,
            "write it like 2024-01-05 or 2024-01-05T12:00 (UTC)",
        ) from None
    parsed = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return int(parsed.timestamp()) * SECOND_NS + parsed.microsecond * 1_000


def split_names(given: Sequence[str]) -> tuple[str, ...]:
    """`A,B` and `A` `B` alike, each once, in order."""
    names = (name.strip() for text in given for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
