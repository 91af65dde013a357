"""What a feed meets in tests: a server that does as told, a REST side, a clock by hand."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Self

from picows import WSCloseCode, WSListener, WSMsgType, ws_create_server

from tradewinds.gateways.link import Wire
from tradewinds.gateways.stream import Pace
from tradewinds.gateways.venue_rest import Depth
from tradewinds.model.errors import VenueUnavailable
from tradewinds.model.ids import Asset, Venue, instrument_id
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.market import Bar

MINUTE = 60_000_000_000


def spot(symbol: str, venue: str = "binance", **changes: Any) -> Instrument:
    """`BTC/USDT`, or a perpetual when it has a colon."""
    pair, _, settle = symbol.partition(":")
    base, quote = pair.split("/")
    fields: dict[str, Any] = {
        "id": instrument_id(symbol, venue),
        "symbol": symbol,
        "venue": Venue(venue),
        "kind": InstrumentKind.PERPETUAL if settle else InstrumentKind.SPOT,
        "base": Asset(base),
        "quote": Asset(quote),
        "settle": Asset(settle or quote),
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.00001"),
        "min_quantity": Decimal("0.00001"),
        "max_quantity": Decimal(1000),
        "min_notional": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
    }
    return Instrument(**{**fields, **changes})


class FakeRest:
    """Implements MarketRest from what the test puts into it."""

    def __init__(self, *instruments: Instrument) -> None:
        self.instruments = list(instruments)
        self.depths: dict[str, list[Depth]] = {}
        self.history: list[Bar] = []
        self.asked: list[tuple[Any, ...]] = []
        self.down = False
        self.closed = 0

    def native_id(self, symbol: str) -> str:
        joint = "-" if "coinbase" in self.instruments[0].venue else ""
        return symbol.partition(":")[0].replace("/", joint)

    async def listing(self, symbols: Sequence[str]) -> tuple[Instrument, ...]:
        self._check()
        return tuple(i for i in self.instruments if i.symbol in symbols)

    async def depth(self, symbol: str, limit: int) -> Depth:
        self.asked.append(("depth", symbol))
        self._check()
        waiting = self.depths.get(symbol, [])
        if not waiting:
            raise VenueUnavailable("no snapshot in the script")
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    async def bars(self, symbol: str, timeframe_ns: int, since_ns: int, most: int) -> list[Bar]:
        self.asked.append(("bars", symbol, since_ns, most))
        self._check()
        found = [b for b in self.history if b.instrument_id.startswith(f"{symbol}@")]
        return [b for b in found if b.open_time_ns >= since_ns][:most]

    async def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.down:
            raise VenueUnavailable("down by script")


class Hand:
    """A clock that runs with the real one and can be pushed ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_s(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead_s


class Visit(WSListener):
    """One client's connection, as the server sees it."""

    def __init__(self, server: "ScriptedServer", path: str) -> None:
        self.server = server
        self.path = path
        self.transport: Any = None
        self.heard: list[Any] = []
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.open = True

    def on_ws_connected(self, transport: Any) -> None:
        self.transport = transport
        self.server.visits.append(self)

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        payload = frame.get_payload_as_bytes()
        if frame.msg_type is WSMsgType.PING:
            self.pings.append(payload)
            if self.server.answers_pings:
                transport.send_pong(payload)
        elif frame.msg_type is WSMsgType.PONG:
            self.pongs.append(payload)
        elif frame.msg_type is WSMsgType.TEXT:
            self.heard.append(json.loads(payload))
            for message in self.server.greet(self, self.heard[-1]):
                self.say(message)

    def on_ws_disconnected(self, transport: Any) -> None:
        self.open = False

    def say(self, *messages: Any) -> None:
        """Bytes as they are, anything else as JSON."""
        for message in messages:
            compact = partial(json.dumps, separators=(",", ":"))
            raw = message if isinstance(message, bytes) else compact(message).encode()
            self.transport.send(WSMsgType.TEXT, raw)

    def close(self, code: WSCloseCode) -> None:
        """With a goodbye."""
        self.transport.send_close(code)
        self.transport.disconnect()

    def cut(self) -> None:
        """Without one."""
        self.transport.disconnect(graceful=False)


def acknowledge(visit: Visit, message: Any) -> Iterable[Any]:
    """As Binance answers a subscription."""
    return [{"result": None, "id": message.get("id")}]


class ScriptedServer:
    """On loopback. `greet` gives the answer to each message; `visits` holds the connections."""

    def __init__(self, greet: Callable[[Visit, Any], Iterable[Any]] = acknowledge) -> None:
        self.greet = greet
        self.visits: list[Visit] = []
        self.answers_pings = True
        self.knocks = 0
        self.refuses = False
        self._server: Any = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await ws_create_server(
            self._welcome, "127.0.0.1", 0, enable_auto_pong=False, disconnect_on_exception=False
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        for visit in self.visits:
            if visit.open:
                visit.cut()
        await asyncio.sleep(0)

    def _welcome(self, request: Any) -> Visit | None:
        self.knocks += 1
        return None if self.refuses else Visit(self, request.path.decode())

    def url(self, path: str = "/stream") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    async def visit(self, number: int, timeout_s: float = 5.0) -> Visit:
        """The nth connection, once it has said something."""
        await until(
            lambda: len(self.visits) > number and bool(self.visits[number].heard), timeout_s
        )
        return self.visits[number]


def quick(**changes: Any) -> Wire:
    """A wire whose patience is short."""
    fields = {"connect_s": 1.0, "ping_after_s": 0.2, "pong_within_s": 0.2, **changes}
    return Wire(**fields)


def calm(hand: Hand | None = None, **changes: Any) -> Pace:
    """Waits for a hundredth of what it should; dice that always show the most."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(min(seconds / 100.0, 0.2))

    clock = hand or Hand()
    return Pace(**{"now_s": clock.now_s, "sleep": sleep, "dice": lambda: 0.5, **changes})


async def until(holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - what it waits for tells nobody
            await asyncio.sleep(0.005)
