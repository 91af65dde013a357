"""What one connection has subscribed to, and the running number of what it is told."""

from collections.abc import Sequence
from typing import Any

from tradewinds.practice.accounts import Account
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.coinbase.figures import iso, to_json
from tradewinds.practice.wire import Socket

Json = dict[str, Any]


class Listener:
    """One connection. `channels` names the products of each; `account` is known once it has shown
    a token for the user channel."""

    def __init__(self, socket: Socket, clock: VenueClock) -> None:
        self.socket = socket
        self.channels: dict[str, dict[str, None]] = {}
        self.account: Account | None = None
        self.opened_ns = self.told_ns = self.beat_ns = clock.elapsed_ns()
        self.sent_ns: dict[str, int] = {}
        self._clock = clock
        self.beats = 1_000
        self._number = 0

    def listens(self, channel: str, product: str) -> bool:
        """To this product on this channel; a channel without products means all of them."""
        products = self.channels.get(channel)
        return products is not None and (not products or product in products)

    def tell(self, stream: str, channel: str, events: Sequence[Json]) -> None:
        """One message. `stream` is what faults know it by; its number is spent even if it is
        lost."""
        now_ns = self._clock.now_ns()
        message = {
            "channel": channel,
            "client_id": "",
            "timestamp": iso(now_ns),
            "sequence_num": self._number,
            "events": list(events),
        }
        self._number += 1
        self.told_ns = self._clock.elapsed_ns()
        self.socket.send(stream, to_json(message))

    def complain(self, text: str) -> None:
        """An error has no number."""
        self.socket.reply(to_json({"type": "error", "message": text}))
