"""The table of venue differences: codes, words, limits and prefixes, each with its consequence."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from tradewinds.gateways.outcomes import Cause, Meaning, Verdict, Wording
from tradewinds.model.order import OrderStatus

NS_PER_S: Final = 1_000_000_000
NO, MAYBE = Verdict.REFUSED, Verdict.UNKNOWN


def _codes(*rows: tuple[Verdict, Cause, str]) -> Mapping[str, Meaning]:
    return MappingProxyType(
        {code: (verdict, cause) for verdict, cause, codes in rows for code in codes.split()}
    )


SHARED: Final = (
    (MAYBE, Cause.SILENCE, "-1000 -1001 -1006 -1007"),
    (NO, Cause.OVERLOADED, "-1004 -1008 -1016"),
    (NO, Cause.CLOCK, "-1021"),
    (NO, Cause.KEY, "-1002 -1005 -1022 -1099 -2008 -2014 -2015 -2017"),
    (NO, Cause.RATE, "-1003 -1015"),
    (NO, Cause.NOT_FOUND, "-2011 -2013 -2026"),
    (NO, Cause.FILTER, "-1013 -1111"),
    (NO, Cause.STREAM_KEY, "-1125"),
    (NO, Cause.SUSPENDED, "-1122 -1134"),
)
WORDS: Final = (
    ("duplicate order sent", (NO, Cause.DUPLICATE)),
    ("duplicated", (NO, Cause.DUPLICATE)),
    ("would trigger immediately", (NO, Cause.WOULD_TRIGGER)),
    ("would immediately trigger", (NO, Cause.WOULD_TRIGGER)),
    ("would immediately match", (NO, Cause.WOULD_TAKE)),
    ("insufficient", (NO, Cause.FUNDS)),
    ("filter failure", (NO, Cause.FILTER)),
    ("market is closed", (NO, Cause.SUSPENDED)),
    ("not supported for this symbol", (NO, Cause.UNSUPPORTED)),
    ("unsupported order combination", (NO, Cause.UNSUPPORTED)),
)
BINANCE_SPOT: Final = Wording(
    codes=_codes(*SHARED, (NO, Cause.OTHER, "-2010"), (NO, Cause.NOT_FOUND, "-2018 -2039")),
    words=WORDS,
)
BINANCE_USDM: Final = Wording(
    codes=_codes(
        *SHARED,
        (NO, Cause.FUNDS, "-2018 -2019 -2024 -4050 -4051"),
        (NO, Cause.WOULD_TRIGGER, "-2021"),
        (NO, Cause.FLAT, "-2022"),
        (NO, Cause.SUSPENDED, "-2023 -4192 -4400 -4401 -4402 -4108 -4140"),
        (NO, Cause.STOPS_FULL, "-2025 -4045"),
        (NO, Cause.LEVERAGE, "-2027 -2028 -4028"),
        (NO, Cause.UNCHANGED, "-4046 -4059 -4171"),
        (NO, Cause.MODE, "-4061 -4060 -4167 -4168 -4531"),
        (NO, Cause.COVERED, "-4118"),
        (NO, Cause.DUPLICATE, "-4015 -4111 -4116 -4130"),
        (NO, Cause.WOULD_TAKE, "-5021 -5022"),
        (NO, Cause.FILTER, "-4003 -4004 -4005 -4013 -4014 -4016 -4023 -4024 -4131 -4164 -4183"),
        (NO, Cause.FILTER, "-4184 -4210 -4211"),
        (NO, Cause.OTHER, "-4120 -2010 -2020"),
    ),
    words=WORDS,
    server_errors=(
        ("unknown error, please check your request", (MAYBE, Cause.SILENCE)),
        ("service unavailable.", (NO, Cause.OVERLOADED)),
        ("internal error; unable to process", (NO, Cause.OVERLOADED)),
        ("-1008", (NO, Cause.OVERLOADED)),
    ),
)
COINBASE: Final = Wording(
    codes=MappingProxyType(
        {
            "INSUFFICIENT_FUND": (NO, Cause.FUNDS),
            "INSUFFICIENT_FUNDS": (NO, Cause.FUNDS),
            "PREVIEW_INSUFFICIENT_FUND": (NO, Cause.FUNDS),
            "INVALID_PRICE_PRECISION": (NO, Cause.FILTER),
            "INVALID_SIZE_PRECISION": (NO, Cause.FILTER),
            "PREVIEW_INVALID_PRICE_PRECISION": (NO, Cause.FILTER),
            "PREVIEW_INVALID_SIZE_PRECISION": (NO, Cause.FILTER),
            "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL": (NO, Cause.FILTER),
            "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE": (NO, Cause.FILTER),
            "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL": (NO, Cause.FILTER),
            "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE": (NO, Cause.WOULD_TRIGGER),
            "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE": (NO, Cause.WOULD_TRIGGER),
            "INVALID_LIMIT_PRICE_POST_ONLY": (NO, Cause.WOULD_TAKE),
            "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY": (NO, Cause.WOULD_TAKE),
            "ORDER_ENTRY_DISABLED": (NO, Cause.SUSPENDED),
            "UNSUPPORTED_ORDER_CONFIGURATION": (NO, Cause.UNSUPPORTED),
            "PREVIEW_INVALID_ORDER_CONFIG": (NO, Cause.UNSUPPORTED),
            "UNKNOWN_CANCEL_ORDER": (NO, Cause.NOT_FOUND),
            "NOT_FOUND": (NO, Cause.NOT_FOUND),
            "unauthorized": (NO, Cause.KEY),
            "Unauthorized": (NO, Cause.KEY),
            "rate_limit_exceeded": (NO, Cause.RATE),
        }
    ),
    words=WORDS,
)

STATUS: Final[Mapping[str, OrderStatus]] = MappingProxyType(
    {
        "NEW": OrderStatus.OPEN,
        "PENDING_NEW": OrderStatus.OPEN,
        "ACCEPTED": OrderStatus.OPEN,
        "TRIGGERING": OrderStatus.OPEN,
        "TRIGGERED": OrderStatus.OPEN,
        "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
        "PENDING_CANCEL": OrderStatus.OPEN,
        "FILLED": OrderStatus.FILLED,
        "CANCELED": OrderStatus.CANCELED,
        "CANCELLED": OrderStatus.CANCELED,
        "REJECTED": OrderStatus.REJECTED,
        "EXPIRED": OrderStatus.EXPIRED,
        "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
        "PENDING": OrderStatus.OPEN,
        "OPEN": OrderStatus.OPEN,
        "QUEUED": OrderStatus.OPEN,
        "CANCEL_QUEUED": OrderStatus.OPEN,
        "FAILED": OrderStatus.REJECTED,
    }
)
"""A word that is not here leaves the order UNKNOWN: it is asked again, never dropped."""

AUTOCLOSE: Final = ("autoclose-", "adl_autoclose", "settlement_autoclose-")
"""Client ids of orders that the venue places to close a position of ours."""


class Quirks(Struct, frozen=True, kw_only=True):
    """What differs between venues in the handling of orders.

    `visible_ns`: for so long after it was sent an order that is not found may still appear;
    `visible_stop_ns` the same for stops. `weight_limit` is per minute. `token_expires`: each
    request carries a token of its own, and a refused one is made anew once. `status_method` tells
    of maintenance, where there is such a thing.
    """

    wording: Wording
    weight_limit: int
    visible_ns: int = 10 * NS_PER_S
    visible_stop_ns: int = 10 * NS_PER_S
    reduce_only: bool = False
    time_method: str = "publicGetTime"
    time_field: str = "serverTime"
    token_expires: bool = False
    cancels_by_venue_id: bool = False
    stop_excludes_target: bool = False
    status_method: str = ""


STATUS_METHOD: Final = "sapiGetSystemStatus"
SPOT_QUIRKS: Final = Quirks(wording=BINANCE_SPOT, weight_limit=6_000, status_method=STATUS_METHOD)
USDM_QUIRKS: Final = Quirks(
    wording=BINANCE_USDM,
    weight_limit=2_400,
    visible_stop_ns=120 * NS_PER_S,
    reduce_only=True,
    time_method="fapiPublicGetTime",
    status_method=STATUS_METHOD,
)
COINBASE_QUIRKS: Final = Quirks(
    wording=COINBASE,
    weight_limit=600,
    time_method="v3PublicGetBrokerageTime",
    time_field="epochMillis",
    token_expires=True,
    cancels_by_venue_id=True,
    stop_excludes_target=True,
)


def venue_initiated(client_order_id: str) -> bool:
    """A liquidation, a deleveraging or a settlement: the venue's order, our position."""
    return client_order_id.startswith(AUTOCLOSE)
