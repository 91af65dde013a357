"""The seam to one product of one venue: our orders as its requests, its answers as our words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from tradewinds.gateways.ccxt_orders import Request
from tradewinds.gateways.ccxt_quirks import Quirks
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import FundingPaid, VenueOrder, VenuePosition
from tradewinds.model.ids import Asset, ClientOrderId, InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.order import ApprovedOrder, Fill


class Said(Struct, frozen=True, kw_only=True):
    """One order as the venue tells it now, with executions where it tells them too.

    `waiting`: it is there, but not in the book until the entry that carries it has filled.
    """

    order: VenueOrder
    venue_time_ns: int
    fills: tuple[Fill, ...] = ()
    waiting: bool = False


class Named(Struct, frozen=True, kw_only=True):
    """A triggered stop works on under another id of the venue's."""

    client_order_id: ClientOrderId
    venue_order_id: str


class Ending(Struct, frozen=True, kw_only=True):
    """The venue says that this stream ends: connect anew."""

    reason: str


class Stirred(Struct, frozen=True, kw_only=True):
    """Something about the account changed that no order of ours explains: look."""

    reason: str


class Retuned(Struct, frozen=True, kw_only=True):
    """A setting was changed: a market's leverage or margin mode, or, without a market, the
    account's. By us as well as by the user. `leverage` 0: not about that."""

    reason: str
    instrument_id: InstrumentId | None = None
    leverage: Decimal = ZERO
    isolated: bool = True

    @property
    def setting(self) -> str:
        """Which of the two."""
        return "leverage" if self.leverage else "margin mode"


Update = Said | Named | Ending | Stirred | Retuned | FundingPaid


class Wallet(Struct, frozen=True, kw_only=True):
    """Totals with locks, what of it is free, and positions of perpetuals."""

    totals: dict[Asset, Decimal]
    free: dict[Asset, Decimal]
    positions: tuple[VenuePosition, ...] = ()


class Traded(Struct, frozen=True, kw_only=True):
    """An execution found by query: the venue names its own order id only."""

    venue_order_id: str
    trade_id: int
    fill: Fill


class Since(Struct, frozen=True, kw_only=True):
    """From this trade on, or where none is known, from this time on."""

    trade_id: int = 0
    time_ns: int = 0


class Dialect(Protocol):
    """Pure: builds requests, reads answers. Raises ValueError, LookupError or TypeError for an
    answer that makes no sense; the caller treats it as no answer."""

    @property
    def quirks(self) -> Quirks:
        """What differs."""
        ...

    @property
    def instruments(self) -> Mapping[InstrumentId, Instrument]:
        """What can be traded here."""
        ...

    def update(self, instrument: Instrument) -> None:
        """New filters."""
        ...

    def checks(self) -> Sequence[Request]:
        """Account settings that must be right before anything is traded."""
        ...

    def flaw(self, answers: Sequence[Any]) -> str:
        """Why the account must not be traded as it is set; nothing when all is well."""
        ...

    def preparations(self, instrument: Instrument, leverage: Decimal) -> Sequence[Request]:
        """Settings of one market before its first order."""
        ...

    def place(self, order: ApprovedOrder, quantity: Decimal) -> Request:
        """`quantity` may be less than the order's, never more."""
        ...

    def place_pair(
        self, stop: ApprovedOrder, target: ApprovedOrder, quantity: Decimal
    ) -> Request | None:
        """Both as one list at the venue, of so much (see `place`); None where it has none."""
        ...

    def place_bracket(
        self, entry: ApprovedOrder, stop: ApprovedOrder, target: ApprovedOrder | None
    ) -> Request | None:
        """An entry with its ways out in one request; None where this market takes none."""
        ...

    def brackets(self) -> frozenset[InstrumentId]:
        """Where `place_bracket` answers, as far as the last listing and the refusals say."""
        ...

    def lose_brackets(self, instrument_id: InstrumentId) -> None:
        """The venue takes none here after all."""
        ...

    def placed(self, orders: Sequence[ApprovedOrder], data: Any, now_ns: int) -> Sequence[Said]:
        """What the answer to `place`, `place_pair` or `place_bracket` says."""
        ...

    def cancel(self, order: ApprovedOrder, venue_order_id: str) -> Request:
        """By our own id where the venue knows it."""
        ...

    def cancel_stranger(self, instrument: Instrument, order_id: ClientOrderId) -> Sequence[Request]:
        """One of these cancels an order of which we know nothing but its name."""
        ...

    def canceled(self, order: ApprovedOrder, data: Any, now_ns: int) -> Sequence[Said]:
        """What the answer to `cancel` says, of the order and of its list."""
        ...

    def query(self, order: ApprovedOrder) -> Request:
        """By our own id."""
        ...

    def queried(
        self, order: ApprovedOrder, data: Any, now_ns: int
    ) -> tuple[Said | None, Named | None]:
        """What the answer to `query` says; no Said: the venue knows no such order."""
        ...

    def name_query(self, instrument: Instrument, venue_order_id: str) -> Request:
        """Whose is this order?"""
        ...

    def named(self, data: Any) -> ClientOrderId:
        """Whose it is."""
        ...

    def open_orders(self) -> Sequence[Request]:
        """All of the account, stops too."""
        ...

    def opened(self, answers: Sequence[Any], now_ns: int) -> Sequence[Said]:
        """Those of instruments that we know."""
        ...

    def latest(self) -> Sequence[Request]:
        """The last orders of our markets, ended ones too, whoever placed them."""
        ...

    def placed_after(self, answers: Sequence[Any], since_ns: int) -> Sequence[ClientOrderId]:
        """The names of those that `latest` tells of since then."""
        ...

    def trades(self, instrument: Instrument, since: Since) -> Request:
        """Executions, oldest first."""
        ...

    def traded(self, instrument: Instrument, data: Any, now_ns: int) -> Sequence[Traded]:
        """Ours and others'; who is whose is asked by `name_query`."""
        ...

    def payments(self, since_ns: int) -> Sequence[Request]:
        """Funding since then; none where there is no such thing."""
        ...

    def paid(self, answers: Sequence[Any], now_ns: int) -> Sequence[FundingPaid]:
        """What the answers to `payments` say."""
        ...

    def wallet(self) -> Sequence[Request]:
        """Balances and positions."""
        ...

    def wallet_of(self, answers: Sequence[Any]) -> Wallet:
        """What the answers to `wallet` say."""
        ...

    def listing(self) -> Request:
        """All filters."""
        ...

    def listed(self, data: Any) -> Sequence[Instrument]:
        """Our instruments with the filters of now."""
        ...

    def updates(self, message: Any, now_ns: int) -> Sequence[Update]:
        """One message of the user stream."""
        ...
