"""Double entry: a transaction's values sum to zero; its quantities follow the venue's balances."""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from tradewinds.model.ids import Asset, InstrumentId, StrategyId


class Account(StrEnum):
    """Where value sits or went. Assets grow with a positive value, income with a negative one."""

    CASH = "assets:cash"
    INVENTORY = "assets:inventory"
    CAPITAL = "equity:capital"
    REALISED = "income:realised"
    FEES = "expense:fees"
    FUNDING = "expense:funding"
    SLIPPAGE = "expense:slippage"
    AI_COST = "expense:ai"


class Posting(Struct, frozen=True, kw_only=True):
    """One line. `value` in account currency; `quantity` of `asset` moved at the venue, or 0.

    Positive value is a debit: an asset gained, an expense made. Income is negative.
    """

    account: Account
    asset: Asset
    quantity: Decimal
    value: Decimal
    strategy_id: StrategyId
    instrument_id: InstrumentId


class Transaction(Struct, frozen=True, kw_only=True, tag=True):
    """Postings that belong together. `transaction_id` makes booking idempotent (a fill's id)."""

    transaction_id: str
    kind: str
    time_ns: int
    postings: tuple[Posting, ...]


class Lot(Struct, frozen=True, kw_only=True):
    """Inventory of one owner at average cost. Perpetual positions are signed, in base asset."""

    strategy_id: StrategyId
    asset: Asset
    instrument_id: InstrumentId
    quantity: Decimal
    cost: Decimal


class Loan(Struct, frozen=True, kw_only=True):
    """Inventory of the account that a strategy trades with and gives back.

    `cost` is what the account holds it at, `worth` what it was worth when it was lent, both in
    account currency: what its price did before is no result of the borrower's.
    """

    strategy_id: StrategyId
    asset: Asset
    quantity: Decimal
    cost: Decimal
    worth: Decimal


class DayResult(Struct, frozen=True, kw_only=True):
    """Realised result of one strategy in one instrument on one UTC day, in account currency.

    `net` = gross - fees - funding - slippage - ai_cost, each cost positive when paid.
    """

    day: int
    strategy_id: StrategyId
    instrument_id: InstrumentId
    gross: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    ai_cost: Decimal

    @property
    def net(self) -> Decimal:
        """What is left after every cost."""
        return self.gross - self.fees - self.funding - self.slippage - self.ai_cost


class LedgerState(Struct, frozen=True, kw_only=True):
    """All that the ledger needs to go on after a restart.

    `booked_ids` are the most recent transaction ids, enough to refuse a replayed fill.
    """

    currency: Asset
    balances: dict[Asset, Decimal]
    lots: tuple[Lot, ...]
    days: tuple[DayResult, ...]
    booked_ids: tuple[str, ...]
    loans: tuple[Loan, ...] = ()
