"""Binance's messages made from the synthetic market, as its combined streams send them."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import rig
from benchmarks.wire_book import MIDDLE
from tradewinds.model.market import Quote

LEVELS = 20


def native(instrument_id: str) -> str:
    """`BTC/USDT@x` as the venue writes it."""
    return instrument_id.partition("@")[0].replace("/", "")


def wrapped(stream: str, data: dict[str, Any]) -> bytes:
    """As on a combined stream, compact."""
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def bare(frame: bytes) -> bytes:
    """Without the name of its stream."""
    return json.dumps(json.loads(frame)["data"], separators=(",", ":")).encode()


def tickers(count: int) -> Iterator[bytes]:
    """bookTicker frames of twelve instruments, from the synthetic market's quotes."""
    quotes = (event for event in rig.FEED.events() if type(event) is Quote)
    for number, quote in enumerate(itertools.islice(quotes, count), 1):
        symbol = native(quote.instrument_id)
        data = {"u": number, "s": symbol, "b": f"{quote.bid:.8f}", "B": f"{quote.bid_size:.8f}"}
        data |= {"a": f"{quote.ask:.8f}", "A": f"{quote.ask_size:.8f}"}
        yield wrapped(f"{symbol.lower()}@bookTicker", data)


def trades(count: int) -> Iterator[bytes]:
    """aggTrade frames. Their time is now, so that they are not taken for old ones."""
    symbol, now_ms = native(rig.FEED.instruments[0].id), time.time_ns() // 1_000_000 + 3_000
    for number in range(1, count + 1):
        data = {"e": "aggTrade", "E": now_ms, "s": symbol, "a": number, "p": "100.10000000"}
        data |= {"q": "0.01000000", "f": number, "l": number, "T": now_ms, "m": True, "M": True}
        yield wrapped(f"{symbol.lower()}@aggTrade", data)


def deltas(count: int) -> Iterator[bytes]:
    """depthUpdate frames of ten levels a side; every fourth level is taken away."""
    symbol, now_ms = native(rig.FEED.instruments[0].id), time.time_ns() // 1_000_000 + 3_000
    for number in range(1, count + 1):
        sides: dict[str, list[list[str]]] = {"b": [], "a": []}
        for n in range(LEVELS // 2):
            step = 2 + (number * 7 + n * 31) % 400
            size = "0.00000000" if (number + n) % 4 == 0 else f"{1 + n / 8:.8f}"
            sides["b"].append([f"{MIDDLE - step / 100:.8f}", size])
            sides["a"].append([f"{MIDDLE + step / 100:.8f}", size])
        data = {"e": "depthUpdate", "E": now_ms, "s": symbol, "U": number + 1, "u": number + 1}
        yield wrapped(f"{symbol.lower()}@depth@100ms", {**data, **sides})
