"""What to take from recorded data: which instruments, which timeframe, which span of time."""

from typing import Final

from msgspec import Struct

from tradewinds.model.ids import InstrumentId, instrument_id, split_instrument_id
from tradewinds.model.symbols import split_symbol, unified_symbol
from tradewinds.model.validity import EARLIEST_NS, LATEST_NS

BAR_KINDS: Final = frozenset({"", "spot", "futures", "trades", "swap"})
MARK_KINDS: Final = frozenset({"mark"})
FUNDING_KINDS: Final = frozenset({"funding", "funding_rate"})
PERPETUAL_KINDS: Final = MARK_KINDS | FUNDING_KINDS | {"futures", "swap"}


class SeriesKey(Struct, frozen=True, order=True):
    """One series as the file spells it; '' where the file has no such column."""

    symbol: str
    venue: str
    kind: str
    tf: str


class Selection(Struct, frozen=True, kw_only=True):
    """Symbols in any spelling (`BTCUSDT`, `BTC/USDT`, with `@venue` or without); none means all.

    `timeframe_ns` 0 is the finest there is. A bar belongs to the span if it opens in
    [start_ns, end_ns). `venue` is for files that do not name one.
    """

    symbols: tuple[str, ...] = ()
    timeframe_ns: int = 0
    start_ns: int = EARLIEST_NS
    end_ns: int = LATEST_NS
    venue: str = "binance"

    def instrument_of(self, key: SeriesKey) -> InstrumentId | None:
        """Our id of a series; None where its symbol or kind means nothing to us."""
        if key.kind not in BAR_KINDS | MARK_KINDS | FUNDING_KINDS:
            return None
        symbol = unified_symbol(key.symbol, perpetual=key.kind in PERPETUAL_KINDS)
        return None if symbol is None else instrument_id(symbol, key.venue or self.venue)

    def wants(self, instrument: InstrumentId) -> bool:
        """Whether the instrument was asked for."""
        return not self.symbols or any(_names(text, instrument) for text in self.symbols)


def _names(text: str, instrument: InstrumentId) -> bool:
    symbol, venue = split_instrument_id(instrument)
    wanted, found, wanted_venue = text.rpartition("@")
    if not found:
        return text == symbol or (":" not in text and split_symbol(text) == split_symbol(symbol))
    return wanted_venue == venue and _names(wanted, instrument)
