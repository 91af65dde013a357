"""The way into Coinbase's user channel: a token for each message, heartbeats, a running number."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from tradewinds.gateways.coinbase_user_events import product_id
from tradewinds.model.instrument import Instrument

URL: Final = "wss://advanced-trade-ws-user.coinbase.com"
SILENT_S: Final = 10.0


class CoinbaseDoor:
    """Tokens live two minutes and are never kept: each subscription gets its own, made now."""

    renew_s = 0.0
    silent_s = SILENT_S

    def __init__(self, exchange: Any, instruments: Iterable[Instrument]) -> None:
        """`exchange` holds the key, which must be of the ECDSA kind."""
        self._exchange = exchange
        self._products = sorted(product_id(instrument) for instrument in instruments)

    async def url(self) -> str:
        """Always the same."""
        return URL

    def hello(self) -> tuple[bytes, ...]:
        """Within five seconds of connecting, or the venue hangs up."""
        return (self._subscribe("heartbeats"), self._subscribe("user"))

    def welcomed(self, message: Any) -> bool | None:
        """The list of subscriptions names the user channel; an error names nothing."""
        if not isinstance(message, dict):
            return None
        if message.get("type") == "error":
            return False
        if message.get("channel") != "subscriptions":
            return None
        said = [event.get("subscriptions", {}) for event in message.get("events", ())]
        return True if any("user" in channels for channels in said) else None

    async def renew(self) -> bool:
        """Nothing to renew."""
        return True

    def _subscribe(self, channel: str) -> bytes:
        token = self._exchange.create_auth_token(self._exchange.seconds())
        message = {
            "type": "subscribe",
            "channel": channel,
            "product_ids": self._products,
            "jwt": token,
        }
        return msgspec.json.encode(message)
