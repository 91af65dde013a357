"""Downloads: resumed, never asked twice, kept when they are cut off."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.market.download import Downloader, Fetched, Page, Progress
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.market.shelf import SeriesName, Shelf
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.ids import instrument_id
from tradewinds.model.market import Bar, FundingRate
from tradewinds.model.timeframes import DAY_NS, HOUR_NS

START_NS = 19_700 * DAY_NS
HOURLY = SeriesName(venue="kraken", kind="spot", symbol="BTC/USDT", tf="1h")
FUNDING = SeriesName(venue="kraken", kind="funding", symbol="BTC/USDT:USDT")


def bar(hour: int) -> Bar:
    return Bar(
        instrument_id=instrument_id("BTC/USDT", "kraken"),
        timeframe_ns=HOUR_NS,
        open_time_ns=START_NS + hour * HOUR_NS,
        open=1.0,
        high=2.0,
        low=1.0,
        close=1.0 + hour / 10_000,
        volume=1.0,
        venue_time_ns=START_NS + (hour + 1) * HOUR_NS,
        received_time_ns=START_NS + (hour + 1) * HOUR_NS,
    )


class Venue:
    """Has the hours it is told; fails when its patience is over."""

    def __init__(self, hours: Sequence[int], page: int = 7, patience: int = 10**9) -> None:
        self.hours = sorted(hours)
        self.size = page
        self.patience = patience
        self.asked: list[int] = []

    async def page(self, name: SeriesName, since_ns: int, until_ns: int) -> Page:
        if len(self.asked) >= self.patience:
            raise VenueUnavailable("kraken: gone")
        self.asked.append(since_ns)
        first = -(-(since_ns - START_NS) // HOUR_NS)
        found = [bar(h) for h in self.hours if first <= h < first + self.size]
        next_ns = START_NS + (first + self.size) * HOUR_NS
        return Page(events=found, next_ns=found[-1].venue_time_ns if found else next_ns)


async def no_sleep(seconds: float) -> None:
    """The venue's pauses take no time here."""


def fetch(root: Path, venue: Venue, hours: int, name: SeriesName = HOURLY) -> Fetched:
    """One download of the first `hours` hours."""
    told: list[Progress] = []
    work = Downloader(venue, Shelf(root), told.append, no_sleep)
    found = asyncio.run(work.fetch([name], (START_NS, START_NS + hours * HOUR_NS)))[0]
    if not found.trouble:
        assert told[-1].done_ns == told[-1].whole_ns
    return found


def kept(root: Path) -> list[int]:
    """Hours on the shelf."""
    events = ReplayFeed(root, Selection()).events()
    return [(e.open_time_ns - START_NS) // HOUR_NS for e in events if isinstance(e, Bar)]


@given(st.sets(st.integers(0, 60)), st.lists(st.integers(1, 60), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_however_it_is_cut_the_archive_ends_up_with_what_the_venue_has(
    tmp_path_factory: pytest.TempPathFactory, hours: set[int], stops: list[int]
) -> None:
    root = tmp_path_factory.mktemp("shelf")
    for patience, until in zip([2] * len(stops), stops, strict=True):
        fetch(root, Venue(sorted(hours), patience=patience), until)
    fetch(root, Venue(sorted(hours)), 60)
    wanted = sorted(h for h in hours if h < 60)
    assert (kept(root) if wanted else []) == wanted


def test_a_second_download_asks_for_nothing_again(tmp_path: Path) -> None:
    assert fetch(tmp_path, Venue(range(50)), 50).added.new == 50
    venue = Venue(range(50))
    assert fetch(tmp_path, venue, 50).added.new == 0
    assert venue.asked == []
    later = Venue(range(80))
    assert fetch(tmp_path, later, 80).added.new == 30
    assert min(later.asked) == START_NS + 50 * HOUR_NS


def test_an_interrupted_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    broken = fetch(tmp_path, Venue(range(50), patience=3), 50)
    assert broken.trouble == "kraken: gone"
    assert broken.added.new == 21
    rest = Venue(range(50))
    assert fetch(tmp_path, rest, 50).added.new == 29
    assert min(rest.asked) == START_NS + 21 * HOUR_NS
    assert kept(tmp_path) == list(range(50))


def test_a_hole_of_the_venue_is_asked_for_once(tmp_path: Path) -> None:
    hours = [h for h in range(50) if not 10 <= h < 30]
    fetch(tmp_path, Venue(hours), 50)
    again = Venue(hours)
    fetch(tmp_path, again, 50)
    assert again.asked == []
    assert kept(tmp_path) == hours


def test_a_bar_that_still_grows_is_left_for_the_next_time(tmp_path: Path) -> None:
    span = (START_NS, START_NS + 10 * HOUR_NS + HOUR_NS // 2)
    venue = Venue(range(10))
    work = Downloader(venue, Shelf(tmp_path), lambda _: None, no_sleep)
    asyncio.run(work.fetch([HOURLY], span))
    assert fetch(tmp_path, Venue(range(11)), 11).added.new == 1


def test_what_was_had_is_kept_when_the_download_is_cancelled(tmp_path: Path) -> None:
    class Slow(Venue):
        async def page(self, name: SeriesName, since_ns: int, until_ns: int) -> Page:
            if len(self.asked) == 3:
                await asyncio.sleep(60)
            return await super().page(name, since_ns, until_ns)

    async def cut_off() -> None:
        work = Downloader(Slow(range(50)), Shelf(tmp_path), lambda _: None, no_sleep)
        task = asyncio.create_task(work.fetch([HOURLY], (START_NS, START_NS + 50 * HOUR_NS)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cut_off())
    assert kept(tmp_path) == list(range(21))


def test_funding_is_kept_and_replayed_with_the_perpetuals_bars(tmp_path: Path) -> None:
    class Funder(Venue):
        async def page(self, name: SeriesName, since_ns: int, until_ns: int) -> Page:
            if name.kind != "funding":
                return await super().page(name, since_ns, until_ns)
            due = FundingRate(
                instrument_id=instrument_id(name.symbol, "kraken"),
                rate=0.0001,
                venue_time_ns=START_NS + 8 * HOUR_NS,
                received_time_ns=START_NS + 8 * HOUR_NS,
            )
            return Page(events=[due] if since_ns <= due.venue_time_ns else [], next_ns=until_ns)

    perpetual = SeriesName(venue="kraken", kind="swap", symbol="BTC/USDT:USDT", tf="1h")
    work = Downloader(Funder(range(24)), Shelf(tmp_path), lambda _: None, no_sleep)
    asyncio.run(work.fetch([perpetual, FUNDING], (START_NS, START_NS + DAY_NS)))
    events = list(ReplayFeed(tmp_path, Selection()).events())
    due = [event for event in events if isinstance(event, FundingRate)]
    assert [(event.rate, event.venue_time_ns) for event in due] == [
        (0.0001, START_NS + 8 * HOUR_NS)
    ]
