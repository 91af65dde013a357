"""The practice venue for users: a synthetic market behind real protocols, until interrupted."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from tradewinds.market.synthetic import SyntheticMarket
from tradewinds.market.synthetic_spec import synthetic_instruments
from tradewinds.model.decimals import to_decimal
from tradewinds.model.events import MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import MINUTE_NS
from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.coinbase import tokens
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.feed import MarketFeed
from tradewinds.practice.listing import Listing, listing_of
from tradewinds.practice.presets import usdm_listings
from tradewinds.practice.tape import Candle
from tradewinds.practice.venue import PracticeVenue, VenueSettings

NS_PER_MS = 1_000_000
LONGEST_NAP_S = 1.0
PERPETUALS = ("BTCUSDT", "ETHUSDT")
COINBASE_KEY = "coinbase-key.json"
COINBASE_FEES = {"maker_fee": Decimal("0.004"), "taker_fee": Decimal("0.006")}


class ServeSettings(Struct, frozen=True, kw_only=True):
    """`folder` receives the certificate to trust and Coinbase's key. Money is only a number here.

    `usdt` is in the spot wallet and again at Coinbase.
    """

    seed: int = 1
    port: int = 8443
    usdt: Decimal = Decimal(1_000)
    futures_usdt: Decimal = Decimal(1_000)
    history_minutes: int = 1_500
    latency_s: float = 0.05
    folder: Path = Path("practice-venue")


class Opened(Struct, frozen=True, kw_only=True):
    """What somebody must know to trade here. The keys are good for this run only.

    `api_key` and `secret` are Binance's; `coinbase_key` is a file as Coinbase's portal makes it.
    """

    port: int
    ca: Path
    api_key: str
    secret: str
    hosts: tuple[str, ...]
    symbols: tuple[str, ...]
    coinbase_key: Path = Path()
    products: tuple[str, ...] = ()


Announce = Callable[[Opened], None]


async def serve(settings: ServeSettings, announce: Announce) -> None:
    """Open, `announce` how to connect, and run until cancelled."""
    instruments = synthetic_instruments()
    venue = PracticeVenue(
        VenueSettings(
            seed=settings.seed,
            port=settings.port,
            latency_s=settings.latency_s,
            spot=tuple(listing_of(instrument) for instrument in instruments),
            usdm=usdm_listings(),
            coinbase=tuple(product_of(instrument) for instrument in instruments),
        )
    )
    start_ns = time.time_ns()
    market = SyntheticMarket(settings.seed)
    _seed_history(venue, market, settings.history_minutes, start_ns)
    opened = _opened(venue, _customer(venue, settings), settings)
    try:
        async with venue:
            announce(structs.replace(opened, port=venue.port))
            await _run(venue, market, instruments, start_ns)
    finally:
        opened.coinbase_key.unlink(missing_ok=True)


def product_of(instrument: Instrument) -> Listing:
    """As Coinbase would list it: `BTC/USDT` becomes `BTC-USDT`, at the fees of its entry tier."""
    return structs.replace(
        listing_of(instrument), symbol=f"{instrument.base}-{instrument.quote}", **COINBASE_FEES
    )


def symbols_of(instruments: tuple[Instrument, ...]) -> dict[InstrumentId, str]:
    """Instrument to the symbol it is listed as."""
    return {instrument.id: listing_of(instrument).symbol for instrument in instruments}


async def _run(
    venue: PracticeVenue,
    market: SyntheticMarket,
    instruments: tuple[Instrument, ...],
    start_ns: int,
) -> None:
    symbols = symbols_of(instruments)
    futures = {i: s for i, s in symbols.items() if s in PERPETUALS}
    products = {instrument.id: product_of(instrument).symbol for instrument in instruments}
    feeds = [
        MarketFeed(venue.spot.exchange, symbols),
        MarketFeed(venue.usdm.exchange, futures),
        MarketFeed(venue.coinbase.exchange, products),
    ]
    for event in _without_bars(market.events(start_ns)):
        ahead_s = (event.venue_time_ns - time.time_ns()) / NS_PER_S
        await asyncio.sleep(min(max(0.0, ahead_s), LONGEST_NAP_S))
        for feed in feeds:
            feed.take(event)
        _mark(venue.usdm.exchange, futures.get(event.instrument_id))


def _mark(exchange: Exchange, symbol: str | None) -> None:
    """The mark price follows the middle of the book."""
    if symbol is None:
        return
    market = exchange.markets[symbol]
    bid, ask = market.book.bids.best(), market.book.asks.best()
    if bid is not None and ask is not None:
        exchange.set_mark(symbol, (bid + ask) / 2)


def _without_bars(events: Iterator[MarketEvent]) -> Iterator[MarketEvent]:
    return itertools.filterfalse(lambda event: isinstance(event, Bar), events)


def _customer(venue: PracticeVenue, settings: ServeSettings) -> ApiKey:
    account = venue.keyring.open_account("you", {"USDT": settings.usdt})
    venue.usdm.fund_wallet(account, settings.futures_usdt)
    return venue.keyring.issue_throwaway(account)


def _opened(venue: PracticeVenue, key: ApiKey, settings: ServeSettings) -> Opened:
    """All but the port, which is known once it listens."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    ca = settings.folder / venue.certificate.ca.name
    ca.write_bytes(venue.certificate.ca.read_bytes())
    return Opened(
        port=settings.port,
        ca=ca,
        api_key=key.key,
        secret=key.secret,
        hosts=tuple(sorted(venue.hosts)),
        symbols=tuple(venue.spot.exchange.markets),
        coinbase_key=_coinbase_key(venue, settings),
        products=tuple(venue.coinbase.exchange.markets),
    )


def _coinbase_key(venue: PracticeVenue, settings: ServeSettings) -> Path:
    """Readable by its owner alone."""
    account = venue.keyring.open_account("you at coinbase", {"USDT": settings.usdt})
    key = tokens.issue_throwaway(venue.keyring, account)
    file = settings.folder / COINBASE_KEY
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode({"name": key.key, "privateKey": key.secret}))
    return file


def _seed_history(
    venue: PracticeVenue, market: SyntheticMarket, minutes: int, start_ns: int
) -> None:
    """One-minute bars from before the opening. Longer ones begin with the opening."""
    symbols = symbols_of(synthetic_instruments())
    past: dict[str, list[Candle]] = {symbol: [] for symbol in symbols.values()}
    for day in market.history(minutes, start_ns):
        for bar in day:
            past[symbols[bar.instrument_id]].append(_candle(bar, _listing(venue, symbols, bar)))
    for exchange in (venue.spot.exchange, venue.usdm.exchange, venue.coinbase.exchange):
        for symbol, listed in exchange.markets.items():
            listed.tape.seed("1m", past.get(symbol.replace("-", ""), []))


def _listing(venue: PracticeVenue, symbols: dict[InstrumentId, str], bar: Bar) -> Listing:
    return venue.spot.exchange.markets[symbols[bar.instrument_id]].listing


def _candle(bar: Bar, listing: Listing) -> Candle:
    open_ms = bar.open_time_ns // NS_PER_MS
    volume = to_decimal(bar.volume)
    return Candle(
        open_ms=open_ms,
        close_ms=open_ms + MINUTE_NS // NS_PER_MS - 1,
        open=to_decimal(bar.open),
        high=to_decimal(bar.high),
        low=to_decimal(bar.low),
        close=to_decimal(bar.close),
        volume=volume,
        quote_volume=volume * to_decimal(bar.close),
        count=1,
    )
