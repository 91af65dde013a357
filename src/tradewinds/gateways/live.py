"""Which feed serves which venue: our own fast paths, and ccxt for all the others."""

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from tradewinds.gateways.binance_feed import BinanceFeed, BinanceOptions
from tradewinds.gateways.ccxt_feed import CcxtFeed
from tradewinds.gateways.coinbase_feed import CoinbaseFeed, CoinbaseOptions
from tradewinds.model.events import InstrumentChanged
from tradewinds.model.timeframes import MINUTE_NS, timeframe_text
from tradewinds.ports import BarHistory, Feed


class Live(Struct, frozen=True, kw_only=True):
    """A feed, its past bars, and the length of the bars to build from its prints (0: it has bars).

    `history` takes a number of bars and their length in ns. `watch` takes who shall hear of
    changed instruments; None where the feed does not look.
    """

    feed: Feed
    history: Callable[[int, int], Awaitable[BarHistory]]
    prints_bar_ns: int
    watch: Callable[[Callable[[InstrumentChanged], None]], None] | None = None


async def open_live(venue: str, symbols: Sequence[str]) -> Live:
    """Raises VenueUnavailable, or ConfigError for unknown names.

    Whole books are left out while no strategy reads them: every delta would be journalled.
    """
    wanted = tuple(symbols)
    if venue == "binance":
        binance = await BinanceFeed.connect(BinanceOptions(symbols=wanted, depth=False))
        watch = binance.on_change
        return Live(feed=binance, history=binance.history, prints_bar_ns=0, watch=watch)
    if venue == "coinbase":
        # Its bars are of five minutes; strategies may want smaller ones, made from the prints.
        options = CoinbaseOptions(symbols=wanted, depth=False, bars=False)
        coinbase = await CoinbaseFeed.connect(options)
        return Live(
            feed=coinbase,
            history=coinbase.history,
            prints_bar_ns=MINUTE_NS,
            watch=coinbase.on_change,
        )
    other = await CcxtFeed.connect(venue, wanted)

    async def history(bars: int, timeframe_ns: int) -> BarHistory:
        return await other.history(bars, timeframe_text(timeframe_ns))

    return Live(feed=other, history=history, prints_bar_ns=MINUTE_NS)
