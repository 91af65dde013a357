"""Which orders a Coinbase account may place in a market: asked by preview, which places nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewinds.gateways.ccxt_orders import Request
from tradewinds.gateways.ccxt_translate import text
from tradewinds.gateways.coinbase_user_events import product_id
from tradewinds.model.decimals import ceil_to_step
from tradewinds.model.instrument import Instrument

DOWN: Final = "STOP_DIRECTION_STOP_DOWN"
ABOUT_NUMBERS: Final = ("INSUFFICIENT", "_SIZE", "_PRICE", "LIQUIDITY", "LEDGER_BALANCE")
"""Errors of a preview that speak of amounts, prices and money, not of the kind of order."""
WORTH: Final = 2
"""Times the least an order may be worth, so that a preview is not refused for its size."""


def stop_preview(instrument: Instrument) -> Request:
    """The protective stop that every position here needs. No price is known yet: two ticks above
    nothing is below any."""
    stop, limit = instrument.tick_size * 2, instrument.tick_size
    needed = instrument.min_notional * WORTH / limit
    size = min(instrument.max_quantity, max(instrument.min_quantity, needed))
    fields = {
        "base_size": text(ceil_to_step(size, instrument.lot_size)),
        "limit_price": text(limit),
        "stop_price": text(stop),
        "stop_direction": DOWN,
    }
    params = {
        "product_id": product_id(instrument),
        "side": "SELL",
        "order_configuration": {"stop_limit_stop_limit_gtc": fields},
    }
    return Request(method="v3PrivatePostBrokerageOrdersPreview", params=params)


def objections(answer: Mapping[str, Any]) -> Sequence[str]:
    """What the venue has against this kind of order. An error that is not known to be about
    numbers counts: a check that cannot decide refuses. Raises LookupError, TypeError."""
    errors = answer["errs"]
    return [str(error) for error in errors if not _about_numbers(str(error))]


def _about_numbers(error: str) -> bool:
    return any(word in error for word in ABOUT_NUMBERS)
