"""Whether a venue of the settings can be reached for public data."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewinds.config import Settings


def reachable(settings: "Settings") -> str:
    """Its name; '' when none answers within `feed.probe_timeout_s`."""
    from tradewinds.gateways.probe import reachable_venue

    feed = settings.feed
    return asyncio.run(reachable_venue(feed.venues, feed.probe_timeout_s)) or ""
