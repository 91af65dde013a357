"""The cycles found are exactly those that trying every choice of three instruments finds."""

from collections.abc import Callable
from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from tradewinds.model.ids import Asset
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.strategies.cycles import find_cycles, path

assets = st.sampled_from(["S", "A", "B", "C", "D"])
market = st.tuples(
    assets, assets, st.sampled_from(["x", "y"]), st.sampled_from([*InstrumentKind, "spot"])
)
markets = st.lists(market, max_size=14, unique_by=lambda row: row[:3])


def brute_force(listed: list[Instrument], start: str) -> set[tuple[int, int, int]]:
    """Every ordered choice of three instruments and sides, kept if the assets chain up."""
    found = set()
    for places in permutations(range(len(listed)), 3):
        chosen = [listed[place] for place in places]
        if len({each.venue for each in chosen}) > 1:
            continue
        if any(each.kind is not InstrumentKind.SPOT for each in chosen):
            continue
        for buys in product((0, 1), repeat=3):
            steps = [
                (each.quote, each.base) if buy else (each.base, each.quote)
                for each, buy in zip(chosen, buys, strict=True)
            ]
            (a, b), (c, d), (e, f) = steps
            if (a, b, d, f) == (start, c, e, start) and len({a, b, d}) == 3:
                one, two, three = (2 * p + buy for p, buy in zip(places, buys, strict=True))
                found.add((one, two, three))
    return found


@given(rows=markets)
def test_cycles_are_exactly_those_of_brute_force(
    instrument: Callable[..., Instrument], rows: list[tuple[str, str, str, str]]
) -> None:
    listed = [
        instrument(base, quote, venue, kind=InstrumentKind(kind))
        for base, quote, venue, kind in rows
    ]
    found = find_cycles(listed, Asset("S"))
    assert len(found) == len(set(found))
    assert set(found) == brute_force(listed, "S")


def test_a_triangle_is_two_cycles(instrument: Callable[..., Instrument]) -> None:
    listed = [instrument("A", "S"), instrument("B", "S"), instrument("B", "A")]
    found = find_cycles(listed, Asset("S"))
    assert [path(listed, edges) for edges in found] == [("S", "A", "B"), ("S", "B", "A")]


def test_an_unknown_start_has_no_cycles(instrument: Callable[..., Instrument]) -> None:
    listed = [instrument("A", "S"), instrument("B", "S"), instrument("B", "A")]
    assert find_cycles(listed, Asset("Z")) == ()
