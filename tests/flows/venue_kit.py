"""A practice venue and engines as processes, and the user at the venue beside them."""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tradewinds.bus.sync import request_sync
from tradewinds.model.errors import BusUnavailable
from tradewinds.model.snapshot import EmergencyRequest, OperatorReply, Snapshot
from tradewinds.practice import connection
from tradewinds.practice.resolver import client_session

PROGRAM = Path(__file__).parent / "venue_engine.py"
PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """A verb of the command line with the test's strategy in it."""

    def __init__(self, home: Path, *words: str, **env: str) -> None:
        self.home = home
        self.words = home / f"said-{words[0]}-{time.monotonic_ns()}"
        with self.words.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM), *words, "--home", str(home)],
                env=os.environ | env,
                stdout=said,
                stderr=said,
            )

    def said(self) -> str:
        return self.words.read_text("utf-8")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def status(self) -> Snapshot:
        answer = request_sync(self.home / "run" / "engine.sock", "status", b"", 6.0)
        return msgspec.msgpack.decode(answer, type=Snapshot)

    def until(self, wanted: Callable[[Snapshot], bool]) -> Snapshot:
        give_up = time.monotonic() + PATIENCE_S
        seen: Snapshot | None = None
        while time.monotonic() < give_up:
            try:
                seen = self.status()
                if wanted(seen):
                    return seen
            except BusUnavailable:
                assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        raise AssertionError(f"did not come: {seen}")

    def emergency(self) -> OperatorReply:
        request = msgspec.msgpack.encode(EmergencyRequest(command_id="stop", reason="test"))
        answer = request_sync(self.home / "run" / "engine.sock", "emergency", request, 10.0)
        return msgspec.msgpack.decode(answer, type=OperatorReply)


class AtVenue(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue itself says: client ids of orders that stand, and balances."""

    standing: list[str]
    held: dict[str, float]


class User:
    """The account's owner, in the venue's own app."""

    def __init__(self, home: Path) -> None:
        self._folder = connection.folder_of(home)

    def looks(self, symbol: str = "BTC/USDT") -> AtVenue:
        async def look(client: Any) -> AtVenue:
            orders = await client.fetch_open_orders(symbol)
            total = (await client.fetch_balance())["total"]
            return AtVenue(
                standing=[order["clientOrderId"] for order in orders],
                held={asset: amount for asset, amount in total.items() if amount},
            )

        found: AtVenue = asyncio.run(self._do(look))
        return found

    def looks_at_perpetuals(self) -> AtVenue:
        """Stops that stand there, and positions by the venue's name of their market."""

        async def look(client: Any) -> AtVenue:
            stops = await client.fapiPrivateGetOpenAlgoOrders({})
            orders = await client.fapiPrivateGetOpenOrders({})
            positions = await client.fapiPrivateV3GetPositionRisk({})
            held = {row["symbol"]: float(row["positionAmt"]) for row in positions}
            return AtVenue(
                standing=[
                    *(stop["clientAlgoId"] for stop in stops),
                    *(order["clientOrderId"] for order in orders),
                ],
                held={symbol: amount for symbol, amount in held.items() if amount},
            )

        found: AtVenue = asyncio.run(self._do(look))
        return found

    def trades(self, symbol: str, side: str, quantity: float) -> None:
        async def trade(client: Any) -> None:
            await client.create_order(symbol, "market", side, quantity)

        asyncio.run(self._do(trade))

    async def _do(self, work: Any) -> Any:
        import ccxt.async_support as ccxt

        found = connection.reachable(self._folder)
        assert found is not None, "no practice venue"
        context = ssl.create_default_context(cafile=found.ca)
        async with client_session(found.hosts, found.port, context) as session:
            client = ccxt.binance(
                {
                    "apiKey": found.api_key,
                    "secret": found.secret,
                    "session": session,
                    "enableRateLimit": False,
                    "options": {"fetchMarkets": {"types": ["spot"]}},
                }
            )
            client.has["fetchCurrencies"] = False
            try:
                return await work(client)
            finally:
                await client.close()
