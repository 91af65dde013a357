"""Ways into Binance's user streams: the WebSocket API for spot, a listen key for USD-M."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from tradewinds.gateways.ccxt_orders import CcxtClient, Reply, Request
from tradewinds.gateways.outcomes import Cause, Trouble
from tradewinds.model.errors import VenueUnavailable

SPOT_URL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "live": "wss://ws-api.binance.com:443/ws-api/v3",
        "testnet": "wss://ws-api.testnet.binance.vision/ws-api/v3",
        "demo": "wss://demo-ws-api.binance.com/ws-api/v3",
    }
)
USDM_URL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "live": "wss://fstream.binance.com/private/ws?listenKey=",
        "testnet": "wss://fstream.binancefuture.com/private/ws?listenKey=",
        "demo": "wss://fstream.binancefuture.com/private/ws?listenKey=",
    }
)
KEY_LIFE_S: Final = 60 * 60.0


class SpotDoor:
    """`userDataStream.subscribe.signature`: any kind of key, signed by ccxt's own signer."""

    renew_s = silent_s = 0.0

    def __init__(self, exchange: Any, mode: str) -> None:
        """`exchange` holds the key."""
        self._exchange = exchange
        self._url = SPOT_URL[mode]
        self._asked = 0

    async def url(self) -> str:
        """Always the same."""
        return self._url

    def hello(self) -> tuple[bytes, ...]:
        """Signed now: its time window is short."""
        self._asked += 1
        params = {"apiKey": self._exchange.apiKey, "timestamp": int(self._exchange.nonce())}
        payload = self._exchange.rawencode(dict(sorted(params.items())))
        message = {
            "id": f"tw-{self._asked}",
            "method": "userDataStream.subscribe.signature",
            "params": {**params, "signature": signature(self._exchange, payload)},
        }
        return (msgspec.json.encode(message),)

    def welcomed(self, message: Any) -> bool | None:
        """Status 200 on our id."""
        if not isinstance(message, dict) or message.get("id") != f"tw-{self._asked}":
            return None
        return message.get("status") == 200

    async def renew(self) -> bool:
        """Nothing to renew."""
        return True


class UsdmDoor:
    """A listen key lives an hour and is renewed at half of that; when it dies, a new one."""

    renew_s = KEY_LIFE_S / 2
    silent_s = 0.0

    def __init__(self, client: CcxtClient, mode: str) -> None:
        self._client = client
        self._url = USDM_URL[mode]

    async def url(self) -> str:
        """With the key of now: asking again answers the same key, or a new one after its end."""
        result = await self._client.ask(
            Request(method="fapiPrivatePostListenKey", params={}, closing=True)
        )
        if isinstance(result, Reply) and isinstance(result.data, dict):
            key = result.data.get("listenKey")
            if isinstance(key, str) and key:
                return self._url + key
        reason = result.reason if isinstance(result, Trouble) else "no key in the answer"
        raise VenueUnavailable(f"no listen key: {reason}")

    def hello(self) -> tuple[bytes, ...]:
        """The address says it all."""
        return ()

    def welcomed(self, message: Any) -> bool | None:
        """Never asked."""
        return None

    async def renew(self) -> bool:
        """False once the venue knows the key no more."""
        result = await self._client.ask(
            Request(method="fapiPrivatePutListenKey", params={}, closing=True)
        )
        return not (isinstance(result, Trouble) and result.cause is Cause.STREAM_KEY)


def signature(exchange: Any, payload: str) -> str:
    """As ccxt signs: HMAC with a secret, Ed25519 or RSA with a private key."""
    import hashlib

    secret: str = exchange.secret
    if "PRIVATE KEY" not in secret:
        made = exchange.hmac(exchange.encode(payload), exchange.encode(secret), hashlib.sha256)
        return str(made)
    if len(secret) > 120:
        return str(exchange.rsa(payload, secret, "sha256"))
    return str(exchange.eddsa(exchange.encode(payload), secret, "ed25519"))
