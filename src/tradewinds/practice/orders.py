"""Orders, fills and what the venue has to say about them, without any venue's spelling."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradewinds.model.decimals import ZERO
from tradewinds.model.market import Side
from tradewinds.practice.accounts import Account


class Status(StrEnum):
    """As most venues name them; a protocol translates where its own differ."""

    PENDING_NEW = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


OPEN = frozenset({Status.PENDING_NEW, Status.NEW, Status.PARTIALLY_FILLED})


class Refused(Exception):
    """The venue says no before anything happened; `reason` is one of the constants below."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


INSUFFICIENT_BALANCE = "insufficient balance"
INSUFFICIENT_MARGIN = "insufficient margin"
WOULD_TAKE = "would take"
WOULD_TRIGGER = "would trigger"
DUPLICATE_ID = "duplicate id"
MARKET_CLOSED = "market closed"
UNKNOWN_ORDER = "unknown order"
LIST_PRICES = "list prices"


class Hold(Struct, kw_only=True, eq=False):
    """Money set aside. Orders that exclude each other share one."""

    asset: str
    amount: Decimal


class Fill(Struct, frozen=True, kw_only=True):
    """One match. `fee` is in `fee_asset`; `profit` is realised by a margin position."""

    trade_id: int
    order_id: int
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time_ns: int
    profit: Decimal = ZERO

    @property
    def quote_quantity(self) -> Decimal:
        """Price times quantity."""
        return self.price * self.quantity


class Order(Struct, kw_only=True, eq=False):
    """An order and how far it has come. `price` None takes any; `quote_quantity` spends a sum.

    `stop_price` waits for the last price to rise (or fall) to it. `labels` keep a protocol's own
    words for its answers.
    """

    account: Account
    symbol: str
    side: Side
    type: str
    quantity: Decimal
    client_id: str = ""
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    rises: bool = False
    on_mark: bool = False
    tif: str = "GTC"
    post_only: bool = False
    reduce_only: bool = False
    forced: bool = False
    position_side: str = "BOTH"
    stp: str = "NONE"
    labels: dict[str, object] = {}
    id: int = 0
    status: Status = Status.NEW
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    created_ns: int = 0
    updated_ns: int = 0
    working_ns: int = -1
    expiry_reason: str = ""
    triggered: bool = False
    visible_ns: int = 0
    prevented: Decimal = ZERO
    hold: Hold | None = None
    group: "OrderGroup | None" = None
    fills: list[Fill] = []

    @property
    def remaining(self) -> Decimal:
        """Still to be filled."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still fill, now or once armed."""
        return self.status in OPEN

    @property
    def waits(self) -> bool:
        """A stop that has not fired."""
        return self.stop_price is not None and not self.triggered

    @property
    def average_price(self) -> Decimal:
        """Of all fills; zero without one."""
        return self.cost / self.filled if self.filled else ZERO


def new_fill(
    order: Order, trade_id: int, level: tuple[Decimal, Decimal], time_ns: int, *, maker: bool
) -> Fill:
    """A match as the book makes it, before anybody has taken a fee."""
    return Fill(
        trade_id=trade_id,
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        price=level[0],
        quantity=level[1],
        fee=ZERO,
        fee_asset="",
        maker=maker,
        time_ns=time_ns,
    )


class OrderGroup(Struct, kw_only=True, eq=False):
    """Orders that live together. `working` must fill before `pending` is armed; the pending (or,
    without a working one, all) exclude each other when there are two."""

    id: int
    client_id: str
    symbol: str
    account: Account
    contingency: str
    working: Order | None
    pending: list[Order]
    created_ns: int
    done: bool = False
    armed: bool = False

    @property
    def orders(self) -> list[Order]:
        """All, the working one first."""
        return [*([] if self.working is None else [self.working]), *self.pending]


class OrderChanged(Struct, frozen=True, kw_only=True):
    """`execution`: NEW, TRADE, CANCELED, EXPIRED, TRADE_PREVENTION or REJECTED."""

    order: Order
    execution: str
    fill: Fill | None = None
    cancel_id: str = ""


class GroupChanged(Struct, frozen=True, kw_only=True):
    """A list of orders began, went on or ended."""

    group: OrderGroup
    rejected: bool = False


class AccountChanged(Struct, frozen=True, kw_only=True):
    """Balances in `assets` or positions in `symbols` changed, because of `reason`."""

    account: Account
    assets: frozenset[str]
    symbols: frozenset[str] = frozenset()
    reason: str = "ORDER"


class Transferred(Struct, frozen=True, kw_only=True):
    """Money came or went that no order moved."""

    account: Account
    asset: str
    amount: Decimal


class Traded(Struct, frozen=True, kw_only=True):
    """A public trade. `taker` is the side that took; `group_id` is shared by one taker's trades."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    taker: Side
    group_id: int
    time_ns: int


class BookChanged(Struct, frozen=True, kw_only=True):
    """Something in the book of `symbol` moved; read the book."""

    symbol: str


class Marked(Struct, frozen=True, kw_only=True):
    """The mark price of `symbol` moved."""

    symbol: str


class CommandDone(Struct, frozen=True, kw_only=True):
    """Everything that one command caused has been said."""


VenueEvent = (
    OrderChanged
    | GroupChanged
    | AccountChanged
    | Transferred
    | Traded
    | BookChanged
    | Marked
    | CommandDone
)
Listener = Callable[[VenueEvent], None]
