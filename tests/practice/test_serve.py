"""The practice venue for users: it opens, trades a synthetic market, and closes when told."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from tradewinds.practice.resolver import client_session
from tradewinds.practice.serve import Opened, ServeSettings, serve


def test_whoever_trusts_the_certificate_finds_a_living_market(tmp_path: Path) -> None:
    async def scenario() -> None:
        opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        settings = ServeSettings(port=0, latency_s=0.0, history_minutes=5, folder=tmp_path)
        serving = asyncio.ensure_future(serve(settings, opened.set_result))
        here = await asyncio.wait_for(opened, 10)
        context = ssl.create_default_context(cafile=str(here.ca))

        async def get(session: Any, path: str) -> Any:
            async with session.get(f"https://api.binance.com/api/v3/{path}") as answer:
                return await answer.json()

        async with client_session(here.hosts, here.port, context) as session:
            assert len(await get(session, "klines?symbol=BTCUSDT&interval=1m")) >= 5
            for _ in range(200):
                if (await get(session, "depth?symbol=BTCUSDT"))["bids"]:
                    break
                await asyncio.sleep(0.05)
            else:
                pytest.fail("no quote came")
            assert "BTC-USDT" in here.products
            book = "https://api.coinbase.com/api/v3/brokerage/market/product_book"
            async with session.get(f"{book}?product_id=BTC-USDT") as answer:
                assert (await answer.json())["pricebook"]["bids"]
        key = json.loads(here.coinbase_key.read_text())
        assert key["name"].startswith("organizations/")
        assert key["privateKey"].startswith("-----BEGIN EC PRIVATE KEY")
        assert here.coinbase_key.stat().st_mode & 0o77 == 0
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert serving.cancelled()
        assert not here.coinbase_key.exists()

    asyncio.run(scenario())
