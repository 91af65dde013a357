"""What placing a signed spot order costs over the least that a signed request can cost."""

import contextlib
import gc
import hashlib
import hmac
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import uvloop

from benchmarks import priority, rig
from benchmarks.peers.home import ROOT
from benchmarks.table import Row
from tradewinds.gateways.binance_spot_orders import SpotDialect
from tradewinds.gateways.ccxt_orders import CcxtClient, Edge, Reply, private_exchange
from tradewinds.gateways.ccxt_quirks import SPOT_QUIRKS
from tradewinds.gateways.rate_limit import RateLimit
from tradewinds.model.ids import ClientOrderId, StrategyId, TradeId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, Purpose
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.risk.gate import Closing, approve_closing

ORDERS = 1_500
BLOCK = 50
"""Orders of one way before it is the other's turn."""
WARM_UP = 100
KEYS = {"key": "k" * 64, "secret": "s" * 64}
INSTRUMENT = next(i for i in rig.FEED.instruments if i.symbol == "BTC/USDT")
Way = Callable[[int], Awaitable[None]]


@contextlib.contextmanager
def answering() -> Iterator[str]:
    """A server process; its address."""
    command = [sys.executable, "-m", "benchmarks.order_server"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}/api/v3"
    finally:
        server.kill()
        server.wait()


def order_number(number: int) -> ApprovedOrder:
    """A position sold at market: what matters most when it must be quick."""
    trade = Trade(
        trade_id=TradeId("t"),
        strategy_id=StrategyId("bench"),
        instrument_id=INSTRUMENT.id,
        side=Side.BUY,
        phase=TradePhase.OPEN,
        quantity=Decimal(1),
        entry_price=Decimal(100),
        stop_price=Decimal(90),
        opened_time_ns=0,
    )
    wish = Closing(purpose=Purpose.EXIT, quantity=Decimal(1), decision_price=Decimal(100))
    return approve_closing(trade, wish, ClientOrderId(f"tw-bench-{number}"))


def bare(session: aiohttp.ClientSession, url: str) -> Way:
    """aiohttp, HMAC-SHA256, JSON back: nothing less is an order."""
    headers, secret = {"X-MBX-APIKEY": KEYS["key"]}, KEYS["secret"].encode()

    async def place(number: int) -> None:
        params = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "1"}
        params |= {"newClientOrderId": f"tw-bench-{number}", "newOrderRespType": "FULL"}
        query = urlencode({**params, "recvWindow": 3000, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(secret, query.encode(), hashlib.sha256).hexdigest()
        body = f"{query}&signature={signature}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        async with session.post(f"{url}/order", data=body, headers={**headers, **kind}) as reply:
            assert (await reply.json())["status"] == "FILLED"

    return place


def through_ccxt(exchange: Any) -> Way:
    """ccxt's own method for the endpoint."""

    async def place(number: int) -> None:
        params = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "1"}
        params |= {"newClientOrderId": f"tw-bench-{number}", "newOrderRespType": "FULL"}
        reply = await exchange.privatePostOrder({**params, "recvWindow": 3000})
        assert reply["status"] == "FILLED"

    return place


def through_ours(exchange: Any) -> Way:
    """Approved order to request, limits, signature, classified answer, executions read."""
    client = CcxtClient(exchange, SPOT_QUIRKS, Edge())
    client.limit = RateLimit(10**9, 10**9)  # It would hold back so many orders in ten seconds.
    dialect = SpotDialect([INSTRUMENT])

    async def place(number: int) -> None:
        order = order_number(number)
        reply = await client.ask(dialect.place(order, order.quantity))
        assert isinstance(reply, Reply), reply
        (said,) = dialect.placed((order,), reply.data, time.time_ns())
        assert said.fills

    return place


async def _timed(url: str) -> dict[str, list[int]]:
    exchange, second = (private_exchange(KEYS, mode="live") for _ in range(2))
    exchange.urls["api"]["private"] = second.urls["api"]["private"] = url
    took: dict[str, list[int]] = {}
    async with aiohttp.ClientSession() as session:
        ways = {"bare signed request": bare(session, url), "ccxt": through_ccxt(second)}
        ways["ours"] = through_ours(exchange)
        gc.collect()
        gc.freeze()
        for start in range(0, WARM_UP + ORDERS, BLOCK):
            for name, place in ways.items():
                for number in range(start, start + BLOCK):
                    began = time.perf_counter_ns()
                    await place(number)
                    if start >= WARM_UP:
                        took.setdefault(name, []).append(time.perf_counter_ns() - began)
    await exchange.close()
    await second.close()
    return took


def measure() -> list[Row]:
    """Median and p99 of each way, and what ours adds to the least."""
    priority.keep_to(priority.CLIENT_CORE)
    priority.come_first()
    try:
        with answering() as url:
            took = uvloop.run(_timed(url))
    finally:
        priority.stand_back()
    rows, medians = [], {}
    for name, each in took.items():
        each.sort()
        medians[name] = each[len(each) // 2] / 1e3
        rows.append(Row(name=f"order placed: {name}, p50", figure=medians[name], unit="us"))
        high = each[len(each) * 99 // 100] / 1e3
        rows.append(Row(name=f"order placed: {name}, p99", figure=high, unit="us"))
    added = medians["ours"] - medians["bare signed request"]
    return [*rows, Row(name="order placed: what ours adds, p50", figure=added, unit="us")]
