"""Binance's error codes, as it words them."""

from tradewinds.practice import orders
from tradewinds.practice.orders import Refused


class ApiError(Exception):
    """Answered as `{"code", "msg"}` with this HTTP status; `data` where Binance adds some."""

    def __init__(
        self, code: int, message: str, status: int = 400, data: object | None = None
    ) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.data = data


SPOT_REFUSALS = {
    orders.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    orders.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    orders.WOULD_TRIGGER: (-2010, "Order would trigger immediately."),
    orders.DUPLICATE_ID: (-2010, "Duplicate order sent."),
    orders.MARKET_CLOSED: (-1013, "Market is closed."),
    orders.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    orders.LIST_PRICES: (-2010, "The relationship of the prices for the orders is not correct."),
}
USDM_REFUSALS = {
    orders.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    orders.INSUFFICIENT_BALANCE: (-2018, "Balance is insufficient."),
    orders.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    orders.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    orders.DUPLICATE_ID: (-4116, "ClientOrderId is duplicated."),
    orders.MARKET_CLOSED: (-4400, "Symbol is not in trading status."),
    orders.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
}


def in_words(refused: Refused, words: dict[str, tuple[int, str]]) -> ApiError:
    """The exchange's no as this product says it."""
    code, message = words[refused.reason]
    return ApiError(code, message)


def missing(name: str) -> ApiError:
    """A parameter that must be there is not."""
    return ApiError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def superfluous(name: str) -> ApiError:
    """A parameter that must not be there is."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def no_such_order() -> ApiError:
    """To a query."""
    return ApiError(-2013, "Order does not exist.")


def unknown_order() -> ApiError:
    """To a cancel."""
    return ApiError(-2011, "Unknown order sent.")
