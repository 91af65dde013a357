"""A venue and a bare signed client for one test: `play(scenario)` runs it on a loop of its own."""

import asyncio
import hashlib
import hmac
import importlib.util
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.presets import spot_listings, usdm_listings
from tradewinds.practice.venue import PracticeVenue, VenueSettings

SPOT, USDM = "https://api.binance.com", "https://fapi.binance.com"
LIMIT_S = 30.0


class Answer:
    """Status, headers and the parsed body; `code` where it is a refusal."""

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status = status
        self.headers = headers
        self.text = text
        self.json: Any = json.loads(text) if text[:1] in "[{" and text else None
        self.code = self.json.get("code") if isinstance(self.json, dict) else None


class Caller:
    """Signs as the documentation says and nothing more."""

    def __init__(self, session: aiohttp.ClientSession, key: ApiKey) -> None:
        self.session = session
        self.key = key
        self.clock_ms = lambda: time.time_ns() // 1_000_000

    async def public(self, path: str, **params: Any) -> Answer:
        """Without a key."""
        return await self._send("GET", f"{self._base(path)}{path}?{urlencode(params)}", {})

    async def keyed(self, method: str, path: str) -> Answer:
        """With a key and no signature."""
        return await self._send(method, f"{self._base(path)}{path}", self._headers())

    async def signed(self, method: str, path: str, **params: Any) -> Answer:
        """All in the query."""
        query = urlencode({"timestamp": self.clock_ms(), **params})
        digest = hmac.new(self.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._base(path)}{path}?{query}&signature={digest}"
        return await self._send(method, url, self._headers())

    async def order(self, **params: Any) -> Answer:
        """A spot order on BTCUSDT, limit unless it says otherwise."""
        shape = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"} | params
        if shape["type"] == "LIMIT":
            shape = {"timeInForce": "GTC"} | shape
        return await self.signed("POST", "/api/v3/order", **shape)

    async def future(self, **params: Any) -> Answer:
        """A USD-M order on BTCUSDT, limit unless it says otherwise."""
        shape = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"} | params
        if shape["type"] == "LIMIT":
            shape = {"timeInForce": "GTC"} | shape
        return await self.signed("POST", "/fapi/v1/order", **shape)

    async def stop(self, **params: Any) -> Answer:
        """A conditional order that sells BTCUSDT."""
        shape = {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
        }
        return await self.signed("POST", "/fapi/v1/algoOrder", **(shape | params))

    async def _send(self, method: str, url: str, headers: dict[str, str]) -> Answer:
        from yarl import URL

        async with self.session.request(
            method, URL(url, encoded=True), headers=headers, timeout=aiohttp.ClientTimeout(5)
        ) as response:
            return Answer(response.status, response.headers, await response.text())

    def _headers(self) -> dict[str, str]:
        return {"X-MBX-APIKEY": self.key.key}

    @staticmethod
    def _base(path: str) -> str:
        return USDM if path.startswith("/fapi") else SPOT


Scenario = Callable[[PracticeVenue, Caller], Awaitable[None]]


async def _play(scenario: Scenario, settings: dict[str, Any]) -> None:
    lists = {"spot": spot_listings(), "usdm": usdm_listings()}
    async with PracticeVenue(VenueSettings(**(lists | settings))) as venue:
        key = venue.customer(USDT="10000", BTC="1")
        venue.usdm.fund_wallet(key.account, Decimal(1_000))
        venue.spot.move("BTCUSDT", "60000")
        venue.usdm.move("BTCUSDT", "60000")
        async with venue.session() as session:
            await asyncio.wait_for(scenario(venue, Caller(session, key)), LIMIT_S)


@pytest.fixture
def play() -> Callable[..., None]:
    """`play(scenario)`: a venue at 60000 with 10000 USDT, 1 BTC and 1000 USDT in futures."""

    def run(scenario: Scenario, **settings: Any) -> None:
        asyncio.run(_play(scenario, settings))

    return run


def _comparison() -> Any:
    # Test files cannot import each other here; this one is a plain module beside them.
    path = Path(__file__).with_name("comparison.py")
    spec = importlib.util.spec_from_file_location("practice_comparison", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def check() -> Callable[..., None]:
    """`check(model, payload, *without)`: fails where they differ, but for the names `without`."""
    return _comparison().check


@pytest.fixture
def gaps() -> Callable[..., Iterator[str]]:
    """What `check` looks at."""
    return _comparison().gaps
