"""cryptofeed reads the stream: `wire_cryptofeed URL KIND EXPECTED OUT SYMBOLS...`."""

import array
import asyncio
import gc
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.defines import ASK, BID, L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance
from cryptofeed.symbols import Symbols
from sortedcontainers import SortedDict

from benchmarks import priority
from benchmarks.wire_book import book_side

CHANNELS = {"bookTicker": TICKER, "aggTrade": TRADES, "depth": L2_BOOK}
SILENT_S = 2.0


def feed_of(url: str) -> type[Binance]:
    """Binance with another address, and a snapshot that needs no request."""

    class Local(Binance):  # type: ignore[misc]
        async def _snapshot(self, pair: str) -> None:
            name = self.exchange_symbol_to_std_symbol(pair)
            self.last_update_id[name] = 1
            self._l2_book[name] = {BID: SortedDict(), ASK: SortedDict()}
            for side, sign in ((BID, -1), (ASK, 1)):
                for price, size in book_side(sign):
                    self._l2_book[name][side][Decimal(str(price))] = Decimal(str(size))

        def _address(self) -> Any:
            # It insists on TLS, which none of the others is measured with.
            self.ws_endpoint = url.replace("ws://", "wss://")
            return super()._address()

        def connect(self) -> Any:
            found = super().connect()
            for connection, *_ in found:
                connection.address = connection.address.replace("wss://", "ws://")
            return found

    return Local


def main(url: str, kind: str, expected: int, out: Path, symbols: list[str]) -> None:
    """Run until all has come, or nothing comes any more."""
    at, clock = array.array("q"), time.monotonic_ns

    async def told(*_: Any, **__: Any) -> None:
        at.append(clock())

    names = {name.replace("/", "-"): name.replace("/", "") for name in symbols}
    Symbols.set(Binance.id, names, {"instrument_type": dict.fromkeys(names, "spot")})
    wanted = list(names) if kind == "bookTicker" else list(names)[:1]
    channel = CHANNELS[kind]
    handler = FeedHandler(
        config={"uvloop": True, "log": {"filename": str(out.with_name("log")), "level": "WARNING"}}
    )
    handler.add_feed(feed_of(url)(symbols=wanted, channels=[channel], callbacks={channel: told}))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    handler.run(start_loop=False, install_signal_handlers=False)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    loop.run_until_complete(_until_silent(at, expected))
    out.write_bytes(at.tobytes())


async def _until_silent(at: "array.array[int]", expected: int) -> None:
    seen = -1
    while len(at) < expected and seen != len(at):
        seen = len(at)
        await asyncio.sleep(SILENT_S)


if __name__ == "__main__":
    priority.keep_to(priority.CLIENT_CORE)
    priority.come_first()
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]), sys.argv[5:])
