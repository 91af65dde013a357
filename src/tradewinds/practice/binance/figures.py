"""Numbers, sides and JSON as Binance writes them."""

from decimal import Decimal

import msgspec

from tradewinds.model.decimals import truncate_to_places
from tradewinds.model.market import Side

NS_PER_MS = 1_000_000


def fixed(value: Decimal, places: int = 8) -> str:
    """Always this many digits after the point."""
    return f"{truncate_to_places(value, places):f}"


def plain(value: Decimal) -> str:
    """As few digits as needed: 0.0010 is 0.001."""
    return f"{value.normalize():f}" if value else "0"


def side_name(side: Side) -> str:
    """BUY or SELL."""
    return side.value.upper()


def ms(time_ns: int) -> int:
    """Milliseconds; -1 stays what it is."""
    return time_ns // NS_PER_MS if time_ns >= 0 else -1


def to_json(value: object) -> bytes:
    """As it goes over the wire."""
    return msgspec.json.encode(value)
