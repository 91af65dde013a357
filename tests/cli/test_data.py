"""`data download|import|record|list|check` as the user meets them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tradewinds.gateways import history, live
from tradewinds.gateways.live import Live
from tradewinds.market.download import Page
from tradewinds.market.instruments import instruments_from_prices
from tradewinds.market.shelf import SeriesName
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import instrument_id
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import DAY_NS, HOUR_NS

START_NS = 19_723 * DAY_NS


class Venue:
    """Lists two markets and has an hour's bar for every hour; fails when told to."""

    failing = False

    def __init__(self, venue: str, make_page: Any) -> None:
        self.venue = venue
        self.dropped: dict[str, int] = {}

    async def listing(self) -> Any:
        names = ("BTC/USDT", "LUNA/USDT", "BTC/USDT:USDT")
        return instruments_from_prices({instrument_id(n, self.venue): [10.0] for n in names})

    def offers(self, name: SeriesName) -> str:
        return "no 7m here" if name.tf == "7m" else ""

    async def page(self, name: SeriesName, since_ns: int, until_ns: int) -> Page:
        if self.failing and since_ns > START_NS + 5 * DAY_NS:
            raise VenueUnavailable("binance: gone")
        hours = range(since_ns // HOUR_NS, min(since_ns // HOUR_NS + 100, until_ns // HOUR_NS))
        bars = [self._bar(name, hour * HOUR_NS) for hour in hours]
        return Page(events=bars, next_ns=bars[-1].venue_time_ns)

    def _bar(self, name: SeriesName, at_ns: int) -> Bar:
        return Bar(
            instrument_id=instrument_id(name.symbol, self.venue),
            timeframe_ns=HOUR_NS,
            open_time_ns=at_ns,
            open=10.0,
            high=11.0,
            low=9.0,
            close=10.5,
            volume=1.0,
            venue_time_ns=at_ns + HOUR_NS,
            received_time_ns=at_ns + HOUR_NS,
        )

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> type[Venue]:
    monkeypatch.setattr(history, "CcxtHistory", Venue)
    monkeypatch.setattr(Venue, "failing", False)
    monkeypatch.setattr("tradewinds.market.download.TRY_AGAIN_S", 0.0)
    return Venue


DAYS = ("--start", "2024-01-01", "--end", "2024-01-11")


def test_a_download_fills_the_archive_which_list_check_and_backtest_read(
    cli: Callable[..., Any], venue: type[Venue], tmp_path: Path
) -> None:
    found = cli("data", "download", "--symbols", "BTC/USDT", *DAYS, "--json").json["data"]
    assert [(s["symbol"], s["new"], s["trouble"]) for s in found["series"]] == [
        ("BTC/USDT", 240, "")
    ]
    (row,) = cli("data", "list", "--json").json["data"]["series"]
    assert (row["file"], row["rows"], row["gaps"], row["delisted"]) == (
        "binance/spot/1h", 240, 0, False,
    )  # fmt: skip
    assert cli("data", "check").code == 0
    tested = cli("backtest", found["archive"], "--json").json["data"]
    assert tested["sheet"]["feed"]["label"].startswith("REPLAY archive")


def test_a_download_that_fails_keeps_what_it_had_and_goes_on_later(
    cli: Callable[..., Any], venue: type[Venue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue, "failing", True)
    words = ("data", "download", "--symbols", "BTC/USDT", *DAYS)
    answer = cli(*words, "--json")
    assert answer.code == 1
    assert "gone" in answer.json["error"]["message"]
    assert "run it again" in answer.json["error"]["fix"]
    had = answer.json["data"]["series"][0]["new"]
    assert 0 < had < 240
    monkeypatch.setattr(venue, "failing", False)
    assert cli(*words, "--json").json["data"]["series"][0]["new"] == 240 - had
    text = cli(*words).out
    assert "complete" in text
    assert max(len(line) for line in text.splitlines() if "archive" not in line) <= 80


def test_all_of_a_quote_asset_means_also_what_was_delisted(
    cli: Callable[..., Any], venue: type[Venue], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("data", "download", "--symbols", "*/USDT", *DAYS, "--json")
    first = cli(*words).json["data"]["series"]
    assert [s["symbol"] for s in first] == ["BTC/USDT", "LUNA/USDT"]
    listing = Venue.listing

    async def without_luna(self: Venue) -> Any:
        return [i for i in await listing(self) if i.symbol != "LUNA/USDT"]

    monkeypatch.setattr(Venue, "listing", without_luna)
    again = cli(*words).json["data"]["series"]
    assert [s["symbol"] for s in again] == ["BTC/USDT", "LUNA/USDT"]
    rows = {
        r["symbol"]: r["delisted"] for r in cli("data", "list", "--json").json["data"]["series"]
    }
    assert rows == {"BTC/USDT": False, "LUNA/USDT": True}
    assert "LUNA/USDT delisted" in cli("data", "list").out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--symbols", "DOGE/USDT"],
        ["--symbols", "BTC/USDT", "--timeframe", "7m"],
        ["--symbols", "BTC/USDT", "--timeframe", "1w"],
        ["--symbols", "BTC/USDT", "--timeframe", "soon"],
        ["--symbols", "BTC/USDT", "--what", "gossip"],
        ["--symbols", "BTC/USDT", "--what", "funding"],
        ["--symbols", "BTC/USDT", "--start", "2999-01-01"],
        ["--symbols", "BTC/USDT", "--start", "soon"],
    ],
    ids=str,
)
def test_a_download_that_cannot_be_says_why(
    cli: Callable[..., Any], venue: type[Venue], words: list[str]
) -> None:
    answer = cli("data", "download", *words, "--json")
    assert answer.code == 2
    assert answer.json["error"]["message"]
    assert answer.json["error"]["fix"]


def test_an_import_says_what_it_took_and_what_not(cli: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "freqtrade"
    folder.mkdir()
    bars = [[1_704_067_200_000 + n * 3_600_000, 1, 2, 1, 1.5, 9] for n in range(48)]
    (folder / "BTC_USDT-1h.json").write_text(json.dumps(bars))
    (folder / "ETH_USDT-1h.json").write_text("{broken")
    answer = cli("data", "import", str(folder), "--venue", "binance", "--json")
    assert answer.code == 6
    assert answer.json["data"]["series"][0]["new"] == 48
    assert "ETH_USDT" in answer.json["data"]["refused"][0]
    text = cli("data", "import", str(folder), "--venue", "binance").out
    assert "48" in text
    assert cli("data", "import", str(tmp_path / "nowhere")).code == 6


def test_a_recording_can_be_replayed(
    cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = SyntheticFeed(3, START_NS, duration_s=60)
    expected = [event for block in feed.blocks() for event in block]

    class Played:
        label = "LIVE somewhere"
        instruments = feed.instruments

        async def batches(self) -> AsyncIterator[Sequence[MarketEvent]]:
            for block in feed.blocks():
                yield block
            await asyncio.sleep(60)

    async def open_live(name: str, symbols: Sequence[str]) -> Live:
        return Live(feed=Played(), history=None, prints_bar_ns=0)  # type: ignore[arg-type]

    monkeypatch.setattr(live, "open_live", open_live)
    folder = tmp_path / "kept"
    answer = cli("data", "record", "--minutes", "0.01", "--out", str(folder), "--json")
    assert answer.code == 0
    assert answer.json["data"]["events"] == len(expected)
    tested = cli("backtest", str(folder), "--json").json["data"]
    assert tested["events"] >= len(expected)
