"""Whether a venue of the settings can be reached for public data."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tradewinds.config import Settings


def reachable_venue(settings: "Settings") -> str:
    """Its name; '' when none answers within `feed.probe_timeout_s`."""
    return ""
