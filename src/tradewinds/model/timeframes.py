"""How long a bar is, written the way people write it: `1m`, `5m`, `1h`, `1d`."""

from types import MappingProxyType
from typing import Final

SECOND_NS: Final = 1_000_000_000
UNITS_NS: Final = MappingProxyType(
    {
        "s": SECOND_NS,
        "m": 60 * SECOND_NS,
        "h": 3_600 * SECOND_NS,
        "d": 86_400 * SECOND_NS,
        "w": 7 * 86_400 * SECOND_NS,
    }
)
MINUTE_NS: Final = UNITS_NS["m"]
HOUR_NS: Final = UNITS_NS["h"]
DAY_NS: Final = UNITS_NS["d"]


def parse_timeframe(text: str) -> int | None:
    """`5m` is 300,000,000,000 ns; None where it is not a whole number of s, m, h, d or w."""
    unit_ns = UNITS_NS.get(text[-1:])
    count = text[:-1]
    if unit_ns is None or not (count.isascii() and count.isdigit()) or int(count) == 0:
        return None
    return int(count) * unit_ns


def timeframe_text(timeframe_ns: int) -> str:
    """The shortest spelling: 3,600 seconds are `1h`. Weeks are told in days."""
    for unit in "dhms":
        count, rest = divmod(timeframe_ns, UNITS_NS[unit])
        if count and not rest:
            return f"{count}{unit}"
    return f"{timeframe_ns}ns"
