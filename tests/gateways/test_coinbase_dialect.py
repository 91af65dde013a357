"""Coinbase's dialect: what it remembers of a reading, of a stream's numbers, of a preview."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.coinbase_rig import coinbase_instrument
from tradewinds.gateways.coinbase_orders import CoinbaseDialect
from tradewinds.gateways.coinbase_previews import stop_preview
from tradewinds.gateways.coinbase_user_events import Sequences
from tradewinds.gateways.dialect import Said
from tradewinds.model.ids import ClientOrderId
from tradewinds.model.order import OrderStatus

D = Decimal
INSTRUMENT = coinbase_instrument()
DIALECT = CoinbaseDialect([INSTRUMENT])


def user_message(status: str, tif: str) -> dict[str, Any]:
    row = {
        "order_id": "v-1", "client_order_id": "tw-run-1", "product_id": "BTC-USDT",
        "status": status, "cumulative_quantity": "0.004", "time_in_force": tif,
    }  # fmt: skip
    return {"channel": "user", "sequence_num": 0, "events": [{"type": "update", "orders": [row]}]}


@pytest.mark.parametrize(
    ("tif", "status"),
    [
        ("IMMEDIATE_OR_CANCEL", OrderStatus.EXPIRED),
        ("FILL_OR_KILL", OrderStatus.EXPIRED),
        ("GOOD_UNTIL_CANCELLED", OrderStatus.CANCELED),
    ],
)
def test_what_did_not_fill_at_once_has_expired_whatever_the_venue_calls_it(
    tif: str, status: OrderStatus
) -> None:
    said = DIALECT.updates(user_message("CANCELLED", tif), 1)[0]
    assert isinstance(said, Said)
    assert said.order.status is status


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [
        ([0, 1, 2, 3], []),
        ([0, 1, 3, 4], [3]),
        ([5], [5]),
        ([0, 1, 2, 0, 3, 1, 4, 2], []),
        ([0, 1, 2, 0, 3, 1, 5, 2], [5]),
        ([0, 1, 0, 1, 2, 0, 1, 2, 3], []),
        ([None, "1", 0], []),
    ],
)
def test_numbers_of_two_connections_are_followed(numbers: list[Any], missed: list[int]) -> None:
    sequences = Sequences()
    assert [number for number in numbers if sequences.missed(number)] == missed


def test_a_stranger_is_canceled_once_a_reading_has_named_it() -> None:
    name = ClientOrderId("tw-old-7")
    assert DIALECT.cancel_stranger(INSTRUMENT, name) == ()
    row = {
        "order_id": "v-7", "client_order_id": "tw-old-7", "status": "OPEN",
        "product_id": "BTC-USDT", "filled_size": "0",
    }  # fmt: skip
    DIALECT.opened([{"orders": [row]}], 1)
    requests = DIALECT.cancel_stranger(INSTRUMENT, name)
    assert [request.params for request in requests] == [{"order_ids": ["v-7"]}]
    DIALECT.opened([{"orders": []}], 1)
    assert DIALECT.cancel_stranger(INSTRUMENT, name) == ()


def test_the_preview_of_a_stop_is_worth_enough_and_on_every_step() -> None:
    fields = stop_preview(INSTRUMENT).params["order_configuration"]["stop_limit_stop_limit_gtc"]
    size, limit, stop = (D(fields[n]) for n in ("base_size", "limit_price", "stop_price"))
    assert size * limit >= INSTRUMENT.min_notional
    assert size % INSTRUMENT.lot_size == limit % INSTRUMENT.tick_size == 0
    assert 0 < limit < stop
