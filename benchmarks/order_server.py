"""A venue's order endpoint that says yes at once: what is measured is the client.

`python -m benchmarks.order_server` prints its port. It checks nothing and keeps connections.
"""

import asyncio
import json
import re
import time

import uvloop

from benchmarks import priority

CONTENT_LENGTH = re.compile(rb"(?i)content-length:\s*(\d+)")
NAME = re.compile(rb"newClientOrderId=([\w-]+)")
FILLS = [
    {"price": "100.00", "qty": "1.0", "commission": "0.1", "commissionAsset": "USDT", "tradeId": 7}
]


def answer(request: bytes) -> bytes:
    """A FULL response to a market order."""
    found = NAME.search(request)
    body = {"symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "status": "FILLED"}
    body |= {"clientOrderId": found[1].decode() if found else "", "price": "0.00"}
    body |= {"transactTime": time.time_ns() // 1_000_000, "timeInForce": "GTC", "type": "MARKET"}
    body |= {"origQty": "1.0", "executedQty": "1.0", "cummulativeQuoteQty": "100.0", "side": "SELL"}
    text = json.dumps({**body, "fills": FILLS}).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=UTF-8\r\n"
    head += f"X-MBX-USED-WEIGHT-1M: 1\r\nX-MBX-ORDER-COUNT-10S: 1\r\nContent-Length: {len(text)}"
    return f"{head}\r\n\r\n".encode() + text


class Counter(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._heard = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head)
        if end and len(body) >= int(length[1] if length else 0) and self._transport is not None:
            self._transport.write(answer(self._heard))
            self._heard = b""


async def main() -> None:
    """Until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Counter, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    priority.keep_to(priority.SENDER_CORE)
    priority.come_first()
    uvloop.run(main())
