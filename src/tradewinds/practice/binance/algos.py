"""Conditional orders: a service of their own, with their own ids, that sends orders when hit."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account
from tradewinds.practice.binance.refusals import USDM_REFUSALS, ApiError, in_words
from tradewinds.practice.binance.usdm_checks import check_reduce_only
from tradewinds.practice.clock import NS_PER_S
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.margin import MarginCustody
from tradewinds.practice.market import Market
from tradewinds.practice.orders import Marked, Order, Refused, Traded, VenueEvent

FIRST_ALGO = 2_146_760


class Algo(Struct, kw_only=True, eq=False):
    """One conditional order. `status` as Binance has them: NEW, TRIGGERED, FINISHED, CANCELED,
    REJECTED, EXPIRED. `close` closes whatever the position is then."""

    id: int
    client_id: str
    account: Account
    symbol: str
    side: Side
    type: str
    trigger: Decimal
    rises: bool
    quantity: Decimal = ZERO
    price: Decimal | None = None
    tif: str = "GTC"
    position_side: str = "BOTH"
    working_type: str = "CONTRACT_PRICE"
    close: bool = False
    reduce_only: bool = False
    stp: str = "EXPIRE_MAKER"
    status: str = "NEW"
    reason: str = ""
    order: Order | None = None
    created_ms: int = 0
    updated_ms: int = 0
    triggered_ms: int = 0
    visible_ns: int = 0


class Algos:
    """All of them. `listeners` hear of every change; `lag_s` hides new ones from queries."""

    def __init__(self, exchange: Exchange, custody: MarginCustody) -> None:
        self._exchange = exchange
        self._custody = custody
        self.all: dict[int, Algo] = {}
        self.listeners: list[Callable[[Algo], None]] = []
        self.lag_s = 0.0
        exchange.voice.listeners.append(self._heard)
        exchange.voice.on_end.append(self._followed)
        exchange.voice.on_fill.append(self._followed)

    def next_id(self) -> int:
        """In order."""
        return FIRST_ALGO + len(self.all)

    def open(self, account: Account, symbol: str | None = None) -> list[Algo]:
        """Not yet triggered."""
        return [
            algo
            for algo in self.all.values()
            if algo.account is account and algo.status == "NEW" and symbol in (None, algo.symbol)
        ]

    def visible(self, algo: Algo) -> bool:
        """Whether queries show it yet."""
        return algo.visible_ns <= self._exchange.clock.elapsed_ns()

    def add(self, algo: Algo) -> None:
        """Raises ApiError -2021, -4130, -4045."""
        market = self._exchange.markets[algo.symbol]
        if self._hit(algo, market):
            raise ApiError(-2021, "Order would immediately trigger.")
        others = self.open(algo.account)
        if algo.client_id in {other.client_id for other in others}:
            raise ApiError(-4116, "ClientOrderId is duplicated.")
        if algo.close and any(_same_direction(algo, other) for other in others):
            raise ApiError(
                -4130,
                "An open stop or take profit order with GTE and closePosition in the direction "
                "is existing.",
            )
        if len(others) >= market.listing.max_stop_orders:
            raise ApiError(-4045, "Reach max stop order limit.")
        algo.created_ms = self._exchange.clock.now_ms()
        algo.visible_ns = self._exchange.clock.elapsed_ns() + round(self.lag_s * NS_PER_S)
        self.all[algo.id] = algo
        self._become(algo, "NEW")

    def cancel(self, algo: Algo) -> None:
        """On request."""
        self._become(algo, "CANCELED")

    def expire(self, algo: Algo, reason: str) -> None:
        """By the venue's own decision."""
        algo.reason = reason
        self._become(algo, "EXPIRED")

    def _heard(self, event: VenueEvent) -> None:
        if not isinstance(event, Traded | Marked):
            return
        market = self._exchange.markets[event.symbol]
        for algo in self.all.values():
            if algo.status == "NEW" and algo.symbol == event.symbol and self._hit(algo, market):
                algo.triggered_ms = self._exchange.clock.now_ms()
                self._become(algo, "TRIGGERING")
                self._exchange.later(partial(self._trigger, algo))

    def _trigger(self, algo: Algo) -> None:
        order = self._order(algo)
        if algo.close and order.quantity <= ZERO:
            self.expire(algo, "no position to close")
            return
        try:
            if algo.reduce_only and not algo.close:
                check_reduce_only(order, self._exchange, self._custody)
            algo.order = order
            self._become(algo, "TRIGGERED")
            self._exchange.submit(order)
        except (ApiError, Refused) as error:
            words = in_words(error, USDM_REFUSALS) if isinstance(error, Refused) else error
            algo.reason = words.message
            self._become(algo, "REJECTED")

    def _order(self, algo: Algo) -> Order:
        position = self._custody.of(algo.account).position(algo.symbol, algo.position_side)
        closable = position.closable(algo.side)
        return Order(
            account=algo.account,
            symbol=algo.symbol,
            side=algo.side,
            type="MARKET" if algo.price is None else "LIMIT",
            quantity=closable if algo.close else algo.quantity,
            price=algo.price,
            client_id=algo.client_id,
            tif=algo.tif if algo.tif in ("GTC", "IOC", "FOK", "GTX") else "GTC",
            reduce_only=algo.reduce_only or algo.close,
            position_side=algo.position_side,
            stp=algo.stp,
            labels={
                "origType": algo.type,
                "workingType": algo.working_type,
                "closePosition": algo.close,
                "algoId": algo.id,
            },
        )

    def _followed(self, order: Order) -> None:
        number = order.labels.get("algoId")
        if isinstance(number, int) and not order.is_open:
            self._become(self.all[number], "FINISHED")

    def _become(self, algo: Algo, status: str) -> None:
        algo.status = status
        algo.updated_ms = self._exchange.clock.now_ms()
        for listener in self.listeners:
            listener(algo)

    @staticmethod
    def _hit(algo: Algo, market: Market) -> bool:
        mark = algo.working_type == "MARK_PRICE"
        price = market.mark_price if mark else market.reference
        if price <= ZERO:
            return False
        return price >= algo.trigger if algo.rises else price <= algo.trigger


def _same_direction(algo: Algo, other: Algo) -> bool:
    """One closing stop and one closing take-profit for each side."""
    return (
        other.close
        and other.symbol == algo.symbol
        and other.side is algo.side
        and other.position_side == algo.position_side
        and other.type.startswith("STOP") == algo.type.startswith("STOP")
    )
