"""A bare client of Coinbase that signs as the documentation says and nothing more."""

import asyncio
import base64
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tradewinds.practice.accounts import ApiKey
from tradewinds.practice.presets import coinbase_listings
from tradewinds.practice.venue import PracticeVenue, VenueSettings

HOST = "api.coinbase.com"
PATH = "/api/v3/brokerage"
LIMIT_S = 30.0


def token(key: ApiKey, uri: str | None = None, **changes: Any) -> str:
    """`changes` replace claims, or with `kid`, `alg` or `nonce` a part of the head."""
    now_s = int(time.time())
    head = {"alg": "ES256", "typ": "JWT", "kid": key.key, "nonce": secrets.token_hex(8)}
    claims = {"sub": key.key, "iss": "cdp", "nbf": now_s, "exp": now_s + 120}
    if uri is not None:
        claims["uri"] = uri
    for name, value in changes.items():
        (head if name in ("kid", "alg", "nonce") else claims)[name] = value
    signed = f"{_text(head)}.{_text(claims)}"
    private = load_pem_private_key(key.secret.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    numbers = decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(SHA256())))
    raw = b"".join(number.to_bytes(32, "big") for number in numbers)
    return f"{signed}.{_raw(raw)}"


def _text(value: object) -> str:
    return _raw(json.dumps(value).encode())


def _raw(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class Caller:
    """`json` answers of a REST client, and subscriptions."""

    def __init__(self, session: aiohttp.ClientSession, key: ApiKey) -> None:
        self.session = session
        self.key = key
        self.status = 0
        self.headers: Any = {}

    async def get(self, path: str, **query: Any) -> Any:
        """With the key."""
        return await self.send("GET", path, query=query)

    async def public(self, path: str, **query: Any) -> Any:
        """Without one."""
        return await self.send("GET", f"market/{path}", query=query, signed="")

    async def post(self, path: str, body: Any) -> Any:
        """With the key."""
        return await self.send("POST", path, body=body)

    async def order(self, kind: str, side: str = "BUY", **fields: Any) -> Any:
        """On BTC-USD."""
        name = fields.pop("name", secrets.token_hex(8))
        body = {
            "client_order_id": name,
            "product_id": fields.pop("product", "BTC-USD"),
            "side": side,
            "order_configuration": {kind: fields},
        }
        return await self.post("orders", body)

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Any = None,
        body: Any = None,
        signed: str | None = None,
    ) -> Any:
        """`signed` replaces the token; empty for none."""
        if signed is None:
            signed = token(self.key, f"{method} {HOST}{PATH}/{path}")
        headers = {"Authorization": f"Bearer {signed}"} if signed else {}
        url = f"https://{HOST}{PATH}/{path}?{urlencode(query or {}, doseq=True)}"
        async with self.session.request(method, url, json=body, headers=headers) as answer:
            self.status, self.headers = answer.status, answer.headers
            text = await answer.text()
            return json.loads(text) if text.startswith("{") else text

    async def listen(self, *channels: str, host: str = "advanced-trade-ws") -> Any:
        """A connection that is subscribed to these."""
        ws = await self.session.ws_connect(f"wss://{host}.coinbase.com")
        for channel in channels:
            message = {"type": "subscribe", "channel": channel, "product_ids": ["BTC-USD"]}
            await ws.send_json(message | {"jwt": token(self.key)})
        return ws


async def until(ws: Any, channel: str) -> Any:
    """The next message of this channel, or an error."""
    while True:
        message = await ws.receive_json(timeout=10)
        if channel in (message.get("channel"), message.get("type")):
            return message


Scenario = Callable[[PracticeVenue, Caller], Awaitable[None]]


def play(scenario: Scenario, **settings: Any) -> None:
    """A venue with BTC-USD at 60000, and a customer with 10000 USD and 1 BTC."""

    async def run() -> None:
        named = VenueSettings(**{"coinbase": coinbase_listings(), **settings})
        async with PracticeVenue(named) as venue:
            key = venue.coinbase.customer(USD="10000", BTC="1")
            venue.coinbase.move("BTC-USD", "60000")
            async with venue.session() as session:
                await asyncio.wait_for(scenario(venue, Caller(session, key)), LIMIT_S)

    asyncio.run(run())
