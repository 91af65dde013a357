"""No, in Coinbase's words: as an HTTP error, or inside a 200 that says `success: false`."""

from msgspec import Struct

from tradewinds.practice import orders as core

UNKNOWN = "UNKNOWN_FAILURE_REASON"


class ApiError(Exception):
    """The request itself is wrong: answered with this HTTP status."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message


class Reason(Struct, frozen=True, kw_only=True):
    """Why an order is not taken: `error` names it, `preview` where the preview finds it too."""

    error: str
    message: str
    preview: str = ""


class OrderRefused(Exception):
    """The order is not taken, and nothing happened."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.error)
        self.reason = reason


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "INVALID_ARGUMENT", message)


def not_found(message: str) -> ApiError:
    """404."""
    return ApiError(404, "NOT_FOUND", message)


FUNDS = Reason(
    error="INSUFFICIENT_FUND",
    message="Insufficient balance in source account",
    preview="PREVIEW_INSUFFICIENT_FUND",
)
SIZE_PRECISION = Reason(
    error="INVALID_SIZE_PRECISION",
    message="Too many decimals in order amount",
    preview="PREVIEW_INVALID_SIZE_PRECISION",
)
QUOTE_PRECISION = Reason(
    error="INVALID_SIZE_PRECISION",
    message="Too many decimals in order amount",
    preview="PREVIEW_INVALID_QUOTE_SIZE_PRECISION",
)
PRICE_PRECISION = Reason(
    error="INVALID_PRICE_PRECISION",
    message="Too many decimals in order price",
    preview="PREVIEW_INVALID_PRICE_PRECISION",
)
BASE_TOO_SMALL = Reason(
    error=UNKNOWN,
    message="Order size is too small",
    preview="PREVIEW_INVALID_BASE_SIZE_TOO_SMALL",
)
BASE_TOO_LARGE = Reason(
    error=UNKNOWN,
    message="Order size is too large",
    preview="PREVIEW_INVALID_BASE_SIZE_TOO_LARGE",
)
QUOTE_TOO_SMALL = Reason(
    error=UNKNOWN,
    message="Order value is too small",
    preview="PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL",
)
QUOTE_TOO_LARGE = Reason(
    error=UNKNOWN,
    message="Order value is too large",
    preview="PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE",
)
WOULD_TAKE = Reason(
    error="INVALID_LIMIT_PRICE_POST_ONLY",
    message="Post only order would have executed immediately",
    preview="PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
)
STOP_ABOVE = Reason(error=UNKNOWN, message="", preview="PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE")
STOP_BELOW = Reason(error=UNKNOWN, message="", preview="PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE")
STOP_LIMIT = Reason(
    error=UNKNOWN,
    message="The limit price is on the wrong side of the stop price",
    preview="PREVIEW_INVALID_STOP_PRICE",
)
CLOSED = Reason(
    error="ORDER_ENTRY_DISABLED",
    message="Order entry is disabled for this product",
    preview="PREVIEW_INVALID_PRODUCT_ID",
)
UNSUPPORTED = Reason(
    error="UNSUPPORTED_ORDER_CONFIGURATION",
    message="This order type is not supported here",
    preview="PREVIEW_INVALID_ORDER_CONFIG",
)
BY_CORE = {
    core.INSUFFICIENT_BALANCE: FUNDS,
    core.WOULD_TAKE: WOULD_TAKE,
    core.MARKET_CLOSED: CLOSED,
    core.DUPLICATE_ID: Reason(error="DUPLICATE_CLIENT_ORDER_ID", message="Duplicate order id"),
}


def reason_of(refused: core.Refused, *, rises: bool) -> Reason:
    """The exchange's own refusals."""
    if refused.reason == core.WOULD_TRIGGER:
        return STOP_BELOW if rises else STOP_ABOVE
    return BY_CORE[refused.reason]


def failure(reason: Reason) -> dict[str, str]:
    """The part of an answer that says so. The reason stands in one of two places, never in both."""
    named = (
        {"preview_failure_reason": reason.preview}
        if reason.preview
        else {"new_order_failure_reason": reason.error}
    )
    return {"error": reason.error, "message": reason.message, "error_details": ""} | named
