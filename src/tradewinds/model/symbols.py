"""One spelling for a market: `BTC/USDT`, and `BTC/USDT:USDT` for a perpetual."""

from typing import Final

from tradewinds.model.ids import Asset

QUOTE_ASSETS: Final = (
    *("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "DAI", "USD"),
    *("EUR", "GBP", "TRY", "BRL", "JPY", "AUD", "BTC", "ETH", "BNB"),
)
"""Endings by which a spelling without a separator is split: the first that fits wins."""
DOLLARS: Final = frozenset({"USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "DAI", "USD"})
"""Assets meant to be worth a dollar."""


def split_symbol(symbol: str) -> tuple[Asset, Asset] | None:
    """Base and quote of `BTCUSDT`, `BTC-USDT`, `BTC/USDT` or `BTC/USDT:USDT`; None if neither."""
    pair, _, _ = symbol.partition(":")
    for separator in "/-_":
        base, found, quote = pair.partition(separator)
        if found:
            return (Asset(base), Asset(quote)) if base and quote else None
    for quote in QUOTE_ASSETS:
        base = pair.removesuffix(quote)
        # USDTUSD is USDT for dollars, not dollars for TUSD.
        if base not in (pair, "", "USD"):
            return Asset(base), Asset(quote)
    return None


def unified_symbol(symbol: str, *, perpetual: bool = False) -> str | None:
    """Our spelling of a venue's; None where base and quote cannot be told apart."""
    pair = split_symbol(symbol)
    if pair is None:
        return None
    base, quote = pair
    return f"{base}/{quote}:{quote}" if perpetual else f"{base}/{quote}"
