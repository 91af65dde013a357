"""Numbers, times, ids and JSON as Coinbase writes them: nearly everything is text."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import NAMESPACE_DNS, UUID, uuid5

import msgspec

from tradewinds.model.market import Side
from tradewinds.practice.clock import NS_PER_S

NS_PER_US = 1_000
ORDERS = UUID("0a0c0000-7072-4163-8469-000000000000").int
MOST_ORDERS = 1 << 48


def plain(value: Decimal) -> str:
    """As few digits as needed: 0.0010 is 0.001."""
    return f"{value.normalize():f}" if value else "0"


def iso(time_ns: int) -> str:
    """UTC to the microsecond."""
    second, rest = divmod(time_ns, NS_PER_S)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest // NS_PER_US:06d}Z"


def ns_of(text: str) -> int | None:
    """Nanoseconds of an RFC 3339 time; None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000) * NS_PER_US


def side_word(side: Side) -> str:
    """BUY or SELL."""
    return side.value.upper()


def order_uuid(number: int) -> str:
    """The exchange's running number as the id that clients see."""
    return str(UUID(int=ORDERS + number))


def order_number(text: object) -> int | None:
    """And back; None for what is no such id."""
    try:
        number = UUID(str(text)).int - ORDERS
    except ValueError:
        return None
    return number if 0 <= number < MOST_ORDERS else None


def uuid_of(purpose: str) -> str:
    """Always the same for the same purpose."""
    return str(uuid5(NAMESPACE_DNS, f"{purpose}.practice.invalid"))


def to_json(value: object) -> bytes:
    """As it goes over the wire."""
    return msgspec.json.encode(value)
