"""What streams do not tell, asked of a venue over ccxt: instruments, bars, depth snapshots."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct, structs

from tradewinds.gateways.ccxt_feed import public_exchange, venue_faults
from tradewinds.gateways.ccxt_markets import bar_from, instrument_from, number
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.ids import InstrumentId, instrument_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import timeframe_text

NS_PER_MS: Final = 1_000_000
ROWS_MAX: Final = 1_000
log = logging.getLogger(__name__)


class Depth(Struct, frozen=True, kw_only=True):
    """An order book snapshot, best level first; `limit` levels a side were asked for."""

    bids: Sequence[tuple[float, float]]
    asks: Sequence[tuple[float, float]]
    update_id: int
    limit: int


class MarketRest(Protocol):
    """What a feed asks for besides its stream. All raise VenueUnavailable."""

    async def depth(self, symbol: str, limit: int) -> Depth:
        """The order book now."""
        ...

    async def bars(self, symbol: str, timeframe_ns: int, since_ns: int, most: int) -> list[Bar]:
        """Closed bars that open at `since_ns` or later, oldest first; 0: the newest `most`."""
        ...

    async def listing(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """The instruments as the venue lists them now, sorted by id; what it lacks is left out."""
        ...

    def native_id(self, symbol: str) -> str:
        """The venue's own spelling."""
        ...

    async def close(self) -> None:
        """Close sockets."""
        ...


class CcxtRest:
    """Implements MarketRest. `dropped` counts rows that could not be bars."""

    def __init__(
        self,
        venue: str,
        make_exchange: Callable[[str], Any] = public_exchange,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._venue = venue
        self._exchange = make_exchange(venue)
        self._now_ns = now_ns
        self.dropped: Counter[str] = Counter()

    async def listing(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        """Raises VenueUnavailable, or ConfigError when the venue lists none of them."""
        exchange = self._exchange
        try:
            await exchange.load_markets(True)
            made = [
                instrument_from(exchange.markets[symbol], self._venue, exchange.precisionMode)
                for symbol in dict.fromkeys(symbols)
                if symbol in exchange.markets
            ]
        except venue_faults() as error:
            raise self._unavailable(error) from error
        found = sorted((i for i in made if i is not None), key=lambda instrument: instrument.id)
        if not found:
            raise ConfigError(
                f"{self._venue} lists none of {', '.join(symbols)} in a form we can trade;"
                " check the symbols, written like BTC/USDT"
            )
        missing = sorted(set(symbols) - {instrument.symbol for instrument in found})
        if missing:
            log.warning("symbols_left_out venue=%s symbols=%s", self._venue, ",".join(missing))
        return tuple(found)

    def native_id(self, symbol: str) -> str:
        """Known after `listing`."""
        return str(self._exchange.markets[symbol]["id"])

    async def depth(self, symbol: str, limit: int) -> Depth:
        """Levels that are not two finite numbers are left out."""
        try:
            book = await self._exchange.fetch_order_book(symbol, limit)
            return Depth(
                bids=_levels(book["bids"]),
                asks=_levels(book["asks"]),
                update_id=int(book.get("nonce") or 0),
                limit=limit,
            )
        except venue_faults() as error:
            raise self._unavailable(error) from error

    async def bars(self, symbol: str, timeframe_ns: int, since_ns: int, most: int) -> list[Bar]:
        """In as many requests as it takes; fewer than asked for where the venue has no more."""
        text, id_ = timeframe_text(timeframe_ns), instrument_id(symbol, self._venue)
        if not since_ns:
            now_ns = self._now_ns()
            since_ns = now_ns - now_ns % timeframe_ns - most * timeframe_ns
        found: list[Bar] = []
        try:
            while len(found) < most and since_ns + timeframe_ns <= self._now_ns():
                since_ms, limit = since_ns // NS_PER_MS, min(most - len(found) + 1, ROWS_MAX)
                rows = await self._exchange.fetch_ohlcv(symbol, text, since_ms, limit)
                made = [bar for row in rows if (bar := self._bar(id_, timeframe_ns, row))]
                fresh = [bar for bar in made if bar.open_time_ns >= since_ns]
                if not fresh:
                    break
                found += fresh
                since_ns = fresh[-1].venue_time_ns
        except venue_faults() as error:
            raise self._unavailable(error) from error
        return found[:most]

    async def close(self) -> None:
        """What fails in that is of no interest any more."""
        with contextlib.suppress(*venue_faults()):
            await self._exchange.close()

    def _bar(self, id_: InstrumentId, timeframe_ns: int, row: Sequence[object]) -> Bar | None:
        """As `bar_from`, but received now: it was asked for."""
        now_ns = self._now_ns()
        bar = bar_from((id_, timeframe_ns), row, now_ns, self.dropped)
        return None if bar is None else structs.replace(bar, received_time_ns=now_ns)

    def _unavailable(self, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(f"{self._venue}: {type(error).__name__}: {error}")


def _levels(rows: Sequence[Sequence[object]]) -> list[tuple[float, float]]:
    pairs = [(number(row[0]), number(row[1])) for row in rows]
    return [(price, size) for price, size in pairs if price is not None and size is not None]
