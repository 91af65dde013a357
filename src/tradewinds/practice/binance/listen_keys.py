"""USD-M user streams: keys that live an hour, and the connections that listen with them."""

import hashlib
from collections.abc import Mapping

from msgspec import Struct

from tradewinds.practice.accounts import Account
from tradewinds.practice.binance.algos import Algo
from tradewinds.practice.binance.desk import Asking, Endpoint, Endpoints
from tradewinds.practice.binance.guard import Security
from tradewinds.practice.binance.refusals import ApiError
from tradewinds.practice.binance.streams import Streams
from tradewinds.practice.binance.usdm_events import UsdmEvents
from tradewinds.practice.clock import NS_PER_S, VenueClock
from tradewinds.practice.orders import AccountChanged, OrderChanged, VenueEvent

LIFE_S = 3_600


class ListenKey(Struct, kw_only=True, eq=False):
    """Of one account, at most one at a time."""

    key: str
    account: Account
    until_ns: int


class ListenKeys:
    """Faults strike by `usdm-stream user <event>`."""

    def __init__(self, streams: Streams, events: UsdmEvents, clock: VenueClock) -> None:
        self._streams = streams
        self._events = events
        self._clock = clock
        self._made = 0
        self.keys: dict[str, ListenKey] = {}

    def endpoints(self) -> Endpoints:
        """By method and path."""
        return {
            "POST /fapi/v1/listenKey": Endpoint(run=self.start, security=Security.KEY),
            "PUT /fapi/v1/listenKey": Endpoint(run=self.keep, security=Security.KEY),
            "DELETE /fapi/v1/listenKey": Endpoint(run=self.stop, security=Security.KEY),
        }

    def start(self, asking: Asking) -> object:
        """The key there is, or a new one, good for an hour from now."""
        held = self._of(asking.account)
        if held is None:
            self._made += 1
            seed = f"listen {asking.account.name} {self._made}"
            held = ListenKey(
                key=hashlib.sha256(seed.encode()).hexdigest(), account=asking.account, until_ns=0
            )
            self.keys[held.key] = held
        held.until_ns = self._clock.elapsed_ns() + LIFE_S * NS_PER_S
        return {"listenKey": held.key}

    def keep(self, asking: Asking) -> object:
        """Another hour. Raises ApiError -1125."""
        held = self._of(asking.account)
        if held is None:
            raise ApiError(-1125, "This listenKey does not exist.")
        held.until_ns = self._clock.elapsed_ns() + LIFE_S * NS_PER_S
        return {"listenKey": held.key}

    def stop(self, asking: Asking) -> object:
        """The stream ends."""
        held = self._of(asking.account)
        if held is not None:
            del self.keys[held.key]
        return {}

    def expire(self, account: Account) -> None:
        """As if the hour were over."""
        held = self._of(account)
        if held is not None:
            self._expire(held)

    def tick(self) -> None:
        """Keys nobody kept alive expire, and their streams are told."""
        now_ns = self._clock.elapsed_ns()
        for held in [held for held in self.keys.values() if now_ns >= held.until_ns]:
            self._expire(held)

    def heard(self, event: VenueEvent) -> None:
        """From the exchange."""
        if isinstance(event, OrderChanged):
            for payload in self._events.of_order(event):
                self.tell(event.order.account, payload)
        elif isinstance(event, AccountChanged):
            update = self._events.of_account(event)
            if update is not None:
                self.tell(event.account, update)

    def heard_algo(self, algo: Algo) -> None:
        """From the conditional-order service."""
        self.tell(algo.account, self._events.of_algo(algo))

    def tell(self, account: Account, payload: Mapping[str, object]) -> None:
        """To every connection that listens with a live key of this account."""
        for subscriber in list(self._streams.subscribers.values()):
            for name in subscriber.names:
                held = self.keys.get(name)
                if held is not None and held.account is account and subscriber.route == "private":
                    subscriber.send(name, payload, f"user {payload['e']}")

    def _expire(self, held: ListenKey) -> None:
        now_ms = self._clock.now_ms()
        event = {"e": "listenKeyExpired", "E": now_ms, "listenKey": held.key}
        self.tell(held.account, event)
        self.keys.pop(held.key, None)

    def _of(self, account: Account) -> ListenKey | None:
        return next((held for held in self.keys.values() if held.account is account), None)
