"""A venue's past over ccxt, a page at a time: bars, marks, funding, public trades, listing."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from tradewinds.gateways.ccxt_feed import public_exchange, venue_faults
from tradewinds.gateways.ccxt_markets import bar_from, instrument_from, number
from tradewinds.model.errors import ConfigError, VenueUnavailable
from tradewinds.model.ids import instrument_id
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar, FundingRate, Side, TradePrint
from tradewinds.model.timeframes import HOUR_NS, parse_timeframe
from tradewinds.model.validity import funding_invalidity, print_invalidity

NS_PER_MS: Final = 1_000_000
BARS_A_PAGE: Final = 1_000
BARS_A_PAGE_UNKNOWN: Final = 200
FUNDING_A_PAGE: Final = 500
PRINTS_A_PAGE: Final = 1_000
FUNDING_STEP_NS: Final = 30 * 24 * HOUR_NS
"""So far a page without an answer moves on; venues settle funding at least daily."""
NEEDS: Final = {"funding": "fetchFundingRateHistory", "prints": "fetchTrades"}
"""What a venue must offer for a kind; all others need fetchOHLCV."""


class Wanted(Protocol):
    """One series. `kind` is spot, swap, mark, funding or prints; `tf` is '' without bars."""

    @property
    def kind(self) -> str: ...
    @property
    def symbol(self) -> str: ...
    @property
    def tf(self) -> str: ...


class Found(Protocol):
    """How a page is handed over."""

    def __call__(self, *, events: Sequence[Any], next_ns: int) -> Any: ...


class CcxtHistory:
    """Implements market.download.HistorySource; `make_page` is its Page.

    `dropped` counts rows that could not be events, by reason. ccxt keeps the venue's rate limit.
    """

    def __init__(
        self,
        venue: str,
        make_page: Found,
        make_exchange: Callable[[str], Any] = public_exchange,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._venue = venue
        self._make_page = make_page
        self._exchange = make_exchange(venue)
        self._now_ns = now_ns
        self.dropped: Counter[str] = Counter()

    async def listing(self) -> tuple[Instrument, ...]:
        """All that can be traded, and what the venue still names but trades no more.

        Sorted by id. Raises VenueUnavailable.
        """
        exchange = self._exchange
        try:
            await exchange.load_markets(True)
            made = [
                instrument_from(market, self._venue, exchange.precisionMode)
                for market in exchange.markets.values()
            ]
        except venue_faults() as error:
            raise self._unavailable(error) from error
        return tuple(sorted((i for i in made if i is not None), key=lambda found: found.id))

    def offers(self, wanted: Wanted) -> str:
        """Why the venue cannot give this series; '' when it can."""
        exchange = self._exchange
        need = NEEDS.get(wanted.kind, "fetchOHLCV")
        if not exchange.has.get(need):
            return f"{self._venue} gives no {wanted.kind}"
        known = exchange.timeframes or {}
        if wanted.tf and wanted.tf not in known:
            return f"{self._venue} has no bars of {wanted.tf}; there are: {', '.join(known)}"
        if wanted.kind == "mark" and not exchange.has.get("fetchMarkOHLCV"):
            return f"{self._venue} gives no mark prices"
        return ""

    async def page(self, name: Wanted, since_ns: int, until_ns: int) -> Any:
        """From `since_ns` on. Raises VenueUnavailable."""
        ask = {"funding": self._funding, "prints": self._prints}.get(name.kind, self._bars)
        try:
            return await ask(name, since_ns, until_ns)
        except venue_faults() as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """What fails in that is of no interest any more."""
        with contextlib.suppress(*venue_faults()):
            await self._exchange.close()

    async def _bars(self, name: Wanted, since_ns: int, until_ns: int) -> Any:
        length_ns = parse_timeframe(name.tf)
        if length_ns is None:
            raise ConfigError(f"timeframe {name.tf!r}: write it like 1m, 5m, 1h or 1d")
        since_ns += -since_ns % length_ns
        most = min(self._page_bars(name), max(1, (until_ns - since_ns) // length_ns + 1))
        params = {"price": "mark"} if name.kind == "mark" else {}
        rows = await self._exchange.fetch_ohlcv(
            name.symbol, name.tf, since_ns // NS_PER_MS, most, params
        )
        made = [bar for row in rows if (bar := self._bar(name, length_ns, row)) is not None]
        fresh = [bar for bar in made if bar.open_time_ns >= since_ns]
        # A venue that has nothing here may have something later: move on by what it looked at.
        next_ns = fresh[-1].venue_time_ns if fresh else since_ns + most * length_ns
        return self._make_page(events=fresh, next_ns=next_ns)

    def _page_bars(self, name: Wanted) -> int:
        """How many bars the venue looks at for one request."""
        features = self._exchange.features or {}
        kind = features.get("swap" if ":" in name.symbol else "spot") or {}
        told = (kind.get("linear") or kind).get("fetchOHLCV") or {}
        return min(BARS_A_PAGE, int(told.get("limit") or BARS_A_PAGE_UNKNOWN))

    def _bar(self, name: Wanted, length_ns: int, row: Sequence[object]) -> Bar | None:
        if name.kind == "mark":
            # A price that is computed, not traded, has no volume.
            row = [*row[:5], 0.0]
        id_ = instrument_id(name.symbol, self._venue)
        return bar_from((id_, length_ns), row, self._now_ns(), self.dropped)

    async def _funding(self, name: Wanted, since_ns: int, until_ns: int) -> Any:
        rows = await self._exchange.fetch_funding_rate_history(
            name.symbol, -(-since_ns // NS_PER_MS), FUNDING_A_PAGE
        )
        found = []
        for row in sorted(rows, key=lambda row: row["timestamp"]):
            at_ns, rate = int(row["timestamp"]) * NS_PER_MS, number(row["fundingRate"])
            if rate is None:
                self.dropped["funding rate not a number"] += 1
                continue
            due = FundingRate(
                instrument_id=instrument_id(name.symbol, self._venue),
                rate=rate,
                venue_time_ns=at_ns,
                received_time_ns=at_ns,
            )
            if self._sound(funding_invalidity(due)) and at_ns >= since_ns:
                found.append(due)
        next_ns = found[-1].venue_time_ns + 1 if found else since_ns + FUNDING_STEP_NS
        return self._make_page(events=found, next_ns=next_ns)

    async def _prints(self, name: Wanted, since_ns: int, until_ns: int) -> Any:
        since_ms = -(-since_ns // NS_PER_MS)
        rows = await self._exchange.fetch_trades(name.symbol, since_ms, PRINTS_A_PAGE)
        found = [p for row in rows if (p := self._print(name, row)) is not None]
        found = [p for p in sorted(found, key=_time_of) if p.venue_time_ns >= since_ns]
        return self._make_page(events=found, next_ns=self._after(found, since_ns))

    def _after(self, found: Sequence[TradePrint], since_ns: int) -> int:
        """The last millisecond may go on in the next page; a page that is all one does not."""
        if not found:
            return since_ns + HOUR_NS
        last_ns = found[-1].venue_time_ns
        full = len(found) >= PRINTS_A_PAGE // 2
        return last_ns if full and last_ns > found[0].venue_time_ns else last_ns + NS_PER_MS

    def _print(self, name: Wanted, row: dict[str, Any]) -> TradePrint | None:
        price, size = number(row.get("price")), number(row.get("amount"))
        at_ms, side = number(row.get("timestamp")), row.get("side")
        if price is None or size is None or at_ms is None or side not in ("buy", "sell"):
            self.dropped["trade incomplete or not finite"] += 1
            return None
        at_ns = int(at_ms) * NS_PER_MS
        seen = TradePrint(
            instrument_id=instrument_id(name.symbol, self._venue),
            price=price,
            size=size,
            aggressor=Side(side),
            print_id=str(row.get("id") or f"{at_ns}:{price}:{size}"),
            venue_time_ns=at_ns,
            received_time_ns=at_ns,
        )
        return seen if self._sound(print_invalidity(seen)) else None

    def _sound(self, why: str | None) -> bool:
        if why is not None:
            self.dropped[why] += 1
        return why is None

    def _unavailable(self, error: Exception) -> VenueUnavailable:
        return VenueUnavailable(f"{self._venue}: {type(error).__name__}: {error}")


def _time_of(found: TradePrint) -> int:
    return found.venue_time_ns
