"""Finds the three-leg round trips through one asset that a list of instruments allows.

Every instrument is two directed edges between its assets, numbered by its place in the list:
2 x place gives the base away (sell), 2 x place + 1 gets it (buy).
"""

from collections.abc import Sequence

from tradewinds.model.ids import Asset, Venue
from tradewinds.model.instrument import Instrument, InstrumentKind

Edges = tuple[int, int, int]


def sells(edge: int) -> bool:
    """Whether the edge sells its instrument's base asset."""
    return edge % 2 == 0


def path(instruments: Sequence[Instrument], edges: Edges) -> tuple[Asset, Asset, Asset]:
    """The assets the edges start from: start, X, Y."""
    first, second, third = (_given(instruments[edge // 2], edge) for edge in edges)
    return first, second, third


def find_cycles(instruments: Sequence[Instrument], start: Asset) -> tuple[Edges, ...]:
    """All start -> X -> Y -> start over spot instruments of one venue, both ways round.

    Three different assets, so three different instruments. In order of the list.
    """
    roads: dict[tuple[Venue, Asset], list[tuple[int, Asset]]] = {}
    for place, instrument in enumerate(instruments):
        if instrument.kind is InstrumentKind.SPOT and instrument.base != instrument.quote:
            for edge in (2 * place, 2 * place + 1):
                leaves = (instrument.venue, _given(instrument, edge))
                roads.setdefault(leaves, []).append((edge, _got(instrument, edge)))
    venues = dict.fromkeys(venue for venue, _ in roads)
    return tuple(edges for venue in venues for edges in _of_venue(roads, venue, start))


def _of_venue(
    roads: dict[tuple[Venue, Asset], list[tuple[int, Asset]]], venue: Venue, start: Asset
) -> list[Edges]:
    return [
        (first, second, third)
        for first, x in roads.get((venue, start), ())
        for second, y in roads[venue, x]
        if y != start
        for third, end in roads[venue, y]
        if end == start
    ]


def _given(instrument: Instrument, edge: int) -> Asset:
    return instrument.base if sells(edge) else instrument.quote


def _got(instrument: Instrument, edge: int) -> Asset:
    return instrument.quote if sells(edge) else instrument.base
