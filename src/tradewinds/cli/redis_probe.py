"""Whether the configured Redis answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tradewinds.cli.checkup import Check

if TYPE_CHECKING:
    from tradewinds.config import Settings


def check_redis(settings: "Settings") -> Iterator[Check]:
    """Nothing where none is configured."""
    yield from ()
