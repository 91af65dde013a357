"""Ids are functions, not dice: the same run and sequence always name the same order."""

import hashlib
from typing import NewType

Asset = NewType("Asset", str)
Venue = NewType("Venue", str)
InstrumentId = NewType("InstrumentId", str)
StrategyId = NewType("StrategyId", str)
RunId = NewType("RunId", str)
TradeId = NewType("TradeId", str)
ClientOrderId = NewType("ClientOrderId", str)
FillId = NewType("FillId", str)

ACCOUNT = StrategyId("account")
"""Owner of what no strategy owns: the opening balance, fees of the account, AI cost."""


def instrument_id(symbol: str, venue: str) -> InstrumentId:
    """`BTC/USDT` on `binance` is `BTC/USDT@binance`."""
    return InstrumentId(f"{symbol}@{venue}")


def split_instrument_id(instrument: InstrumentId) -> tuple[str, Venue]:
    """Back to the venue's spelling and the venue. A symbol may hold an @ itself."""
    symbol, _, venue = instrument.rpartition("@")
    return symbol, Venue(venue)


def run_id(account: str, started_ns: int) -> RunId:
    """Ten hex digits from the account's name and the start time handed in from the edge."""
    digest = hashlib.sha256(f"{account}:{started_ns}".encode()).hexdigest()
    return RunId(digest[:10])


def client_order_id(run: RunId, sequence: int) -> ClientOrderId:
    """At most 36 characters of [A-Za-z0-9-]: what every supported venue accepts."""
    return ClientOrderId(f"tw-{run}-{sequence}")


def run_of(order: str) -> RunId:
    """Whose order of ours this is; '' for an id that `client_order_id` did not make."""
    parts = order.split("-")
    return RunId(parts[1] if len(parts) == 3 and parts[0] == "tw" else "")


def trade_id(run: RunId, sequence: int) -> TradeId:
    """A round trip, from the first entry order to flat."""
    return TradeId(f"{run}-t{sequence}")
