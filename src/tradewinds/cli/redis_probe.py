"""Whether the configured Redis answers."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tradewinds.cli.checkup import Check, failed, fine
from tradewinds.model.errors import BusUnavailable

if TYPE_CHECKING:
    from tradewinds.config import Settings

PATIENCE_S = 3.0


def check_redis(settings: "Settings") -> Iterator[Check]:
    """Nothing where none is configured."""
    url = settings.store.redis_url
    if not url:
        return
    try:
        asyncio.run(asked(url))
    except TimeoutError:
        yield failed("redis", f"no answer in {PATIENCE_S:g} s", FIX)
    except (BusUnavailable, ValueError) as error:
        yield failed("redis", str(error), FIX)
    else:
        yield fine("redis", "answers")


FIX = "start it, correct store.redis_url, or leave that empty: it is not needed on one machine"


async def asked(url: str) -> None:
    """Ask for its clock. Raises BusUnavailable, TimeoutError, or ValueError for a bad address."""
    from tradewinds.bus.streams import Streams

    streams = Streams(url)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await streams.now_ms()
    finally:
        await streams.close()
