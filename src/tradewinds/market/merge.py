"""Several sources of events become one, in the order in which the events were known."""

import heapq
from collections.abc import Iterable, Iterator
from operator import attrgetter

from tradewinds.model.events import MarketEvent


def merge_events(*sources: Iterable[MarketEvent]) -> Iterator[MarketEvent]:
    """Ordered by received time. Ties go by the place of their source, then by place within it.

    Each source must be in order itself. Received and not venue time, because a venue's clock may
    be seconds off ours, and what counts for a decision is what we had at hand.
    """
    return heapq.merge(*sources, key=attrgetter("received_time_ns"))
