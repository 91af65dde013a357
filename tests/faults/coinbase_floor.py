"""The engine, unchanged, on Coinbase of the practice venue."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from tests.contract.coinbase_rig import CoinbaseRig
from tests.faults.live_floor import Hurried, LiveFloor

ORDERS = "POST /api/v3/brokerage/orders"


class LiveCoinbase(Hurried, CoinbaseRig):
    """With the account of a user: 1,000 USDT."""

    kind = "coinbase"
    place = stop_place = f"coinbase {ORDERS}"
    told = told_stop = "coinbase-user user"

    def __init__(self, **options: Any) -> None:
        super().__init__(balances=options.pop("balances", {"USDT": "1000"}), **options)

    def money(self) -> Decimal:
        """By the venue's books."""
        return self.key.account.balance("USDT").total

    def taken(self) -> list[Any]:
        """Orders of ours that the venue took, whatever became of them."""
        orders = self.engine.orders.values()
        return [order for order in orders if order.account is self.key.account]

    def ordered(self) -> list[Any]:
        """Requests for orders."""
        return self.asked(ORDERS)

    def bodies(self) -> list[dict[str, Any]]:
        """What they asked for."""
        return [json.loads(asked.params["body"]) for asked in self.ordered()]

    def bought_by(self) -> list[dict[str, Any]]:
        """Requests to buy."""
        return [body for body in self.bodies() if body["side"] == "BUY"]


@contextmanager
def opened_coinbase(**options: Any) -> Iterator[LiveFloor]:
    """Connected, running, with the first reading taken; closed in the end."""
    rig = LiveCoinbase(**options)
    try:
        rig.do(rig.live.connect())
        rig.start()
        floor = LiveFloor(rig)
        floor.until(lambda: rig.live.stream.up and floor.readings() > 1)
        floor.settle()
        yield floor
    finally:
        rig.close()
