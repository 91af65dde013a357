"""A venue's past through unmodified ccxt: only its last step, the request, is answered here."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import ccxt.pro
import pytest

from tradewinds.gateways.history import CcxtHistory
from tradewinds.market.download import Downloader, Page
from tradewinds.market.replay import ReplayFeed
from tradewinds.market.selection import Selection
from tradewinds.market.shelf import SeriesName, Shelf
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.market import Bar, FundingRate, Side, TradePrint
from tradewinds.model.timeframes import DAY_NS, HOUR_NS, MINUTE_NS

START_MS = 1_704_067_200_000
START_NS = START_MS * 1_000_000
NOW_NS = START_NS + 40 * DAY_NS + HOUR_NS // 2
Answers = Callable[[str, dict[str, int | str]], Any]


def market(symbol: str, **more: Any) -> dict[str, Any]:
    """As ccxt keeps it."""
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    return {
        "id": base + quote,
        "symbol": symbol,
        "base": base,
        "quote": quote,
        "baseId": base,
        "quoteId": quote,
        "settle": settle or None,
        "spot": not settle,
        "swap": bool(settle),
        "contract": bool(settle),
        "linear": True if settle else None,
        "inverse": False if settle else None,
        "contractSize": 1.0 if settle else None,
        "type": "swap" if settle else "spot",
        "active": True,
        "precision": {"amount": 0.00001, "price": 0.01},
        "limits": {"amount": {"min": 0.00001}, "cost": {"min": 5.0}},
        "maker": 0.001,
        "taker": 0.001,
        **more,
    }


def history(answers: Answers, venue: str = "binance", now_ns: int = NOW_NS) -> CcxtHistory:
    """Ours on ccxt's, whose requests `answers` gets by path and query."""

    def made(name: str) -> Any:
        exchange = getattr(ccxt.pro, name)({"enableRateLimit": False})
        listed = [market("BTC/USDT"), market("OLD/USDT", active=False), market("BTC/USDT:USDT")]

        async def fetch(url: str, *_: Any) -> Any:
            query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
            asked = {k: int(v) if v.isdigit() else v for k, v in query.items()}
            return answers(urlsplit(url).path, asked)

        async def load_markets(*_: Any) -> Any:
            return exchange.set_markets(listed)

        exchange.set_markets(listed)
        exchange.fetch = fetch
        exchange.load_markets = load_markets
        return exchange

    return CcxtHistory(venue, Page, made, lambda: now_ns)


def klines(path: str, asked: dict[str, Any]) -> Any:
    """Hourly klines of Binance since the start of 2024, up to now and the one that grows."""
    assert path in ("/api/v3/klines", "/fapi/v1/klines", "/fapi/v1/markPriceKlines"), path
    first = -(-(int(asked["startTime"]) - START_MS) // 3_600_000)
    last = min(first + int(asked["limit"]), (NOW_NS - START_NS) // HOUR_NS + 1)
    return [
        [START_MS + n * 3_600_000, "100.0", "101.0", "99.0", "100.5", "3.5", 0, "0", 0, "0", "0"]
        for n in range(max(first, 0), last)
    ]


async def no_sleep(seconds: float) -> None:
    """Pauses take no time here."""


def fetched(
    source: CcxtHistory, name: SeriesName, root: Any, days: int = 60, end_ns: int = NOW_NS
) -> list[Any]:
    """A download into an archive, read back."""

    async def work() -> None:
        loader = Downloader(source, Shelf(root), lambda _: None, no_sleep)
        (found,) = await loader.fetch([name], (START_NS, min(START_NS + days * DAY_NS, end_ns)))
        assert not found.trouble
        await source.close()

    asyncio.run(work())
    return list(ReplayFeed(root, Selection()).events())


@pytest.mark.parametrize(("kind", "symbol"), [("spot", "BTC/USDT"), ("swap", "BTC/USDT:USDT")])
def test_bars_come_page_by_page_without_the_one_that_grows(
    tmp_path: Any, kind: str, symbol: str
) -> None:
    name = SeriesName(venue="binance", kind=kind, symbol=symbol, tf="1h")
    bars = fetched(history(klines), name, tmp_path)
    assert len(bars) == 40 * 24
    assert all(isinstance(bar, Bar) and bar.volume == 3.5 for bar in bars)
    assert bars[-1].venue_time_ns == START_NS + 40 * DAY_NS


def test_a_venue_that_has_nothing_at_first_is_asked_on(tmp_path: Any) -> None:
    listed_ms = START_MS + 50 * 86_400_000

    def late(path: str, asked: dict[str, Any]) -> Any:
        since = int(asked["startTime"])
        minutes = range(since, min(since + 60_000_000, listed_ms + 600_000), 60_000)
        return [[at, "1", "1", "1", "1", "1"] for at in minutes if at >= listed_ms]

    name = SeriesName(venue="binance", kind="spot", symbol="BTC/USDT", tf="1m")
    source = history(late, now_ns=START_NS + 51 * DAY_NS)
    bars = fetched(source, name, tmp_path, end_ns=START_NS + 51 * DAY_NS)
    assert [bar.open_time_ns for bar in bars] == [
        listed_ms * 1_000_000 + n * MINUTE_NS for n in range(10)
    ]


def test_rows_that_make_no_sense_are_counted(tmp_path: Any) -> None:
    def spoiled(path: str, asked: dict[str, Any]) -> Any:
        rows = klines(path, asked)
        if rows and rows[0][0] == START_MS:
            rows[1][2], rows[2][4], rows[3][1] = "NaN", "-1", None
        return rows

    source = history(spoiled)
    name = SeriesName(venue="binance", kind="spot", symbol="BTC/USDT", tf="1h")
    assert len(fetched(source, name, tmp_path)) == 40 * 24 - 3
    assert sum(source.dropped.values()) == 3


def test_mark_prices_have_no_volume(tmp_path: Any) -> None:
    def marks(path: str, asked: dict[str, Any]) -> Any:
        assert path == "/fapi/v1/markPriceKlines"
        return klines(path, asked)

    name = SeriesName(venue="binance", kind="mark", symbol="BTC/USDT:USDT", tf="1h")
    shelf = SeriesName(venue="binance", kind="swap", symbol="BTC/USDT:USDT", tf="1h")
    fetched(history(klines), shelf, tmp_path, days=2)
    found = fetched(history(marks), name, tmp_path, days=2)
    assert {type(event).__name__ for event in found} == {"Bar", "MarkPrice"}


def test_funding_comes_with_its_own_times(tmp_path: Any) -> None:
    def rates(path: str, asked: dict[str, Any]) -> Any:
        if path != "/fapi/v1/fundingRate":
            return klines(path, asked)
        times = [START_MS + n * 14_400_000 + 3 for n in range(500)]
        return [
            {"symbol": "BTCUSDT", "fundingTime": at, "fundingRate": "0.00010000", "markPrice": "1"}
            for at in times
            if at >= int(asked["startTime"])
        ][:100]

    swap = SeriesName(venue="binance", kind="swap", symbol="BTC/USDT:USDT", tf="1h")
    name = SeriesName(venue="binance", kind="funding", symbol="BTC/USDT:USDT")
    fetched(history(klines), swap, tmp_path, days=10)
    found = fetched(history(rates), name, tmp_path, days=10)
    due = [event for event in found if isinstance(event, FundingRate)]
    assert len(due) == 10 * 6
    assert due[1].venue_time_ns - due[0].venue_time_ns == 4 * HOUR_NS


def test_trades_are_each_had_once_though_pages_overlap(tmp_path: Any) -> None:
    per_minute = 30

    def trades(path: str, asked: dict[str, Any]) -> Any:
        assert path == "/api/v3/aggTrades", path
        found = [
            {
                "a": n,
                "p": "100.0",
                "q": "0.5",
                "f": n,
                "l": n,
                "T": START_MS + n // 3 * 3 * 60_000 // per_minute,
                "m": n % 2 == 0,
                "M": True,
            }
            for n in range(per_minute * 120)
        ]
        since, until = int(asked["startTime"]), int(asked.get("endTime", 2**62))
        return [row for row in found if since <= int(str(row["T"])) <= until][:1_000]

    name = SeriesName(venue="binance", kind="prints", symbol="BTC/USDT")
    found = fetched(history(trades), name, tmp_path, days=1)
    prints = [event for event in found if isinstance(event, TradePrint)]
    assert len(prints) == len({p.print_id for p in prints}) == per_minute * 120
    assert prints[0].aggressor is Side.SELL
    assert prints[-1].venue_time_ns < START_NS + 120 * MINUTE_NS


def test_a_venue_that_fails_is_named() -> None:
    def broken(path: str, asked: dict[str, Any]) -> Any:
        raise ccxt.NetworkError("binance GET: no route")

    name = SeriesName(venue="binance", kind="spot", symbol="BTC/USDT", tf="1h")

    async def scenario() -> None:
        source = history(broken)
        with pytest.raises(VenueUnavailable, match="binance: NetworkError"):
            await source.page(name, START_NS, NOW_NS)
        await source.close()

    asyncio.run(scenario())


def test_the_listing_keeps_what_is_no_longer_traded_and_offers_are_judged() -> None:
    async def scenario() -> None:
        source = history(klines)
        listed = {i.symbol: i.status.value for i in await source.listing()}
        assert listed == {
            "BTC/USDT": "trading",
            "BTC/USDT:USDT": "trading",
            "OLD/USDT": "halted",
        }
        spot = {"venue": "binance", "symbol": "BTC/USDT"}
        assert source.offers(SeriesName(kind="spot", tf="1h", **spot)) == ""
        assert "no bars of 7m" in source.offers(SeriesName(kind="spot", tf="7m", **spot))
        await source.close()

    asyncio.run(scenario())


def kraken(path: str, asked: dict[str, Any]) -> Any:
    """At most 720 bars, times in seconds."""
    rows = klines("/api/v3/klines", {"startTime": START_MS, "limit": 720})
    bars = [[row[0] // 1_000, *row[1:5], "100", row[5], 1] for row in rows]
    return {"error": [], "result": {"BTCUSDT": bars, "last": 0}}


def coinbase(path: str, asked: dict[str, Any]) -> Any:
    """Newest first, every number as text."""
    most = (int(asked["end"]) - int(asked["start"])) // 3_600
    asked = {"startTime": int(asked["start"]) * 1_000, "limit": min(most, 300)}
    names = ("open", "high", "low", "close", "volume")
    rows = klines("/api/v3/klines", asked)
    return {
        "candles": [
            {"start": str(row[0] // 1_000), **dict(zip(names, row[1:6], strict=True))}
            for row in reversed(rows)
        ]
    }


@pytest.mark.parametrize(("venue", "answers"), [("kraken", kraken), ("coinbase", coinbase)])
def test_other_venues_give_bars_too(tmp_path: Any, venue: str, answers: Answers) -> None:
    name = SeriesName(venue=venue, kind="spot", symbol="BTC/USDT", tf="1h")
    bars = fetched(history(answers, venue), name, tmp_path, days=20)
    assert len(bars) == 480
    assert {bar.instrument_id for bar in bars} == {f"BTC/USDT@{venue}"}
