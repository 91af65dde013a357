"""What waits to be sent to one listener: bounded, and the oldest message goes first."""

import asyncio
from collections import deque

MESSAGES_MAX = 1024
BYTES_MAX = 16 * 1024 * 1024


class Outbox:
    """Replies are never dropped; a listener that lags loses its oldest messages instead."""

    def __init__(self, *, messages_max: int = MESSAGES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._messages: deque[bytes] = deque()
        self._replies: deque[bytes] = deque()
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._reply_bytes = 0
        self._filled = asyncio.Event()
        self.dropped = 0

    def put_message(self, packed: bytes) -> None:
        """Never waits."""
        self._messages.append(packed)
        self._bytes += len(packed)
        while len(self._messages) > self._messages_max or self._bytes > self._bytes_max:
            self._bytes -= len(self._messages.popleft())
            self.dropped += 1
        self._filled.set()

    def put_reply(self, packed: bytes) -> bool:
        """Never waits. False when the other side asks and asks without reading the answers."""
        if self._replies and self._reply_bytes + len(packed) > self._bytes_max:
            return False
        self._replies.append(packed)
        self._reply_bytes += len(packed)
        self._filled.set()
        return True

    async def take(self) -> bytes:
        """The next to send; replies overtake messages."""
        while not self._replies and not self._messages:
            self._filled.clear()
            await self._filled.wait()
        if self._replies:
            packed = self._replies.popleft()
            self._reply_bytes -= len(packed)
            return packed
        packed = self._messages.popleft()
        self._bytes -= len(packed)
        return packed
