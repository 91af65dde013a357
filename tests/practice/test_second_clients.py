"""Clients that others wrote trade here unmodified, under production host names: Binance's own,
python-binance, and Coinbase's own."""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tradewinds.practice.presets import coinbase_listings, spot_listings, usdm_listings
from tradewinds.practice.resolver import loopback_getaddrinfo
from tradewinds.practice.threaded import ThreadedVenue
from tradewinds.practice.venue import VenueSettings

SYMBOL = "BTCUSDT"
WAIT_S = 10.0
MINUTE_NS = 60_000_000_000


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedVenue]:
    """A venue that every socket of this process resolves to, and nothing else."""
    settings = VenueSettings(spot=spot_listings(), usdm=usdm_listings())
    with ThreadedVenue(settings) as threaded:
        venue = threaded.venue
        known = loopback_getaddrinfo(venue.hosts, venue.port)
        monkeypatch.setattr(socket, "getaddrinfo", known)
        monkeypatch.setenv("SSL_CERT_FILE", str(venue.certificate.ca))
        threaded.run(lambda venue: venue.spot.move(SYMBOL, "60000"))
        threaded.run(lambda venue: venue.usdm.move(SYMBOL, "60000"))
        yield threaded


def customer(handle: ThreadedVenue) -> Any:
    key = handle.run(lambda venue: venue.customer(USDT="10000", BTC="1"))
    handle.run(lambda venue: venue.usdm.fund_wallet(key.account, Decimal(1_000)))
    return key


def test_the_official_spot_client_trades(handle: ThreadedVenue) -> None:
    sdk = pytest.importorskip("binance_sdk_spot.spot")
    key = customer(handle)
    config = sdk.ConfigurationRestAPI(
        api_key=key.key,
        api_secret=key.secret,
        https_agent=handle.venue.client_context(),
        retries=0,
        timeout=5_000,
    )
    api = sdk.Spot(config_rest_api=config).rest_api
    assert len(api.exchange_info().data().symbols) == len(spot_listings())
    placed = api.new_order(
        symbol=SYMBOL, side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=59000
    ).data()
    assert placed.status == "NEW"
    assert api.delete_order(symbol=SYMBOL, order_id=placed.order_id).data().status == "CANCELED"
    bought = api.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).data()
    assert [fill.price for fill in bought.fills] == ["60000.01000000"]
    assert api.my_trades(symbol=SYMBOL).data()[0].commission == "0.00001000"


def test_the_official_usdm_client_trades(handle: ThreadedVenue) -> None:
    sdk = pytest.importorskip(
        "binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures"
    )
    key = customer(handle)
    config = sdk.ConfigurationRestAPI(
        api_key=key.key,
        api_secret=key.secret,
        https_agent=handle.venue.client_context(),
        retries=0,
        timeout=5_000,
    )
    api = sdk.DerivativesTradingUsdsFutures(config_rest_api=config).rest_api
    bought = api.new_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=0.01).data()
    assert bought.status == "FILLED"
    stop = api.new_algo_order(
        algo_type="CONDITIONAL",
        symbol=SYMBOL,
        side="SELL",
        type="STOP_MARKET",
        trigger_price=58000,
        close_position="true",
    ).data()
    assert stop.algo_status == "NEW"
    position = api.position_information_v3(symbol=SYMBOL).data()
    rows = position if isinstance(position, list) else [position]
    assert rows[0].position_amt == "0.010"


def test_python_binance_trades_and_hears_of_it(
    handle: ThreadedVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    binance = pytest.importorskip("binance")
    # It notices only so often that its reader shall stop.
    reader = pytest.importorskip("binance.ws.reconnecting_websocket").ReconnectingWebsocket
    monkeypatch.setattr(reader, "TIMEOUT", 0.5)
    key = customer(handle)

    async def scenario() -> None:
        connector = aiohttp.TCPConnector(ssl=handle.venue.client_context())
        client = await binance.AsyncClient.create(
            key.key, key.secret, session_params={"connector": connector}
        )
        sockets = binance.BinanceSocketManager(client)
        async with sockets.depth_socket(SYMBOL, interval=100) as depth:
            await client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price="59000.00")
            update = await asyncio.wait_for(depth.recv(), WAIT_S)
            assert ["59000.00000000", "0.01000000"] in update["b"]
        async with sockets.futures_user_socket() as user:
            order = await client.futures_create_order(
                symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.01"
            )
            kinds = [(await asyncio.wait_for(user.recv(), WAIT_S))["e"] for _ in range(4)]
        assert order["status"] == "FILLED"
        assert kinds == ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]
        assert [o["price"] for o in await client.get_open_orders()] == ["59000.00000000"]
        await client.close_connection()

    asyncio.run(scenario())


SECOND = Path(__file__).parents[2] / ".venv.second" / "bin" / "python"
DRIVER = Path(__file__).with_name("coinbase_driver.py")


def test_coinbases_own_client_trades_and_hears_of_it() -> None:
    """In a process and an environment of its own: it wants packages that ours do not go with. It
    checks the certificate of REST; of WebSockets it never checks any."""
    if not SECOND.exists():
        message = "needs .venv.second: `make unit` makes it"
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)
    with ThreadedVenue(VenueSettings(coinbase=coinbase_listings())) as handle:
        key = handle.run(lambda venue: venue.coinbase.customer(USD="10000", BTC="1"))
        handle.run(lambda venue: venue.coinbase.move("BTC-USD", "60000"))
        venue = handle.venue
        asked = {
            "hosts": sorted(venue.hosts),
            "port": venue.port,
            "key": key.key,
            "secret": key.secret,
        }
        # Isolated: nothing of ours is on its path.
        done = subprocess.run(
            [SECOND, "-I", DRIVER],
            input=json.dumps(asked) + "\n",
            capture_output=True,
            text=True,
            timeout=60,
            env={"REQUESTS_CA_BUNDLE": str(venue.certificate.ca), "PATH": os.environ["PATH"]},
        )
        assert done.returncode == 0, done.stderr
        assert handle.run(lambda venue: venue.coinbase.tokens.refused) == []
        tape = handle.run(lambda venue: venue.coinbase.exchange.markets["BTC-USD"].tape)
        minutes = {trade.time_ns // MINUTE_NS for trade in tape.trades}
    seen = json.loads(done.stdout)
    numbers = seen.pop("numbers")
    assert numbers == list(range(len(numbers)))
    assert seen.pop("told") == ["OPEN", "FILLED"]
    assert int(seen.pop("remaining")) < 30
    assert seen.pop("candles") == len(minutes), "one of each minute that has seen a trade"
    assert seen == {
        "product": ["BTC-USD", "0.00000001", "0.01"],
        "hold": "593.54",
        "canceled": True,
        "bought": ["FILLED", "ours-1", "0.01", "3.6000006"],
        "fill": ["60000.01", "3.6000006", "TAKER"],
        "stop": True,
        "standing": [["ours-2", "STOP_PENDING"]],
        "bracket": True,
        "refused": [False, "PREVIEW_INSUFFICIENT_FUND"],
        "preview": [[], "0.59642147112"],
        "fees": "0.006",
        "rights": False,
        "portfolio": "DEFAULT",
        "book": "59999.99",
        "touch": "60000.01",
        "public": "BTC-USD",
        "trades": 2,
        "time": True,
    }
