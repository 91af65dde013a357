"""The ledger: each fill, funding and AI cost is booked once, in postings that sum to zero."""

from collections import OrderedDict
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from tradewinds.ledger.draft import Draft
from tradewinds.ledger.fills import FillContext, check_fill, post_fill
from tradewinds.ledger.loans import LoanKey, added, post_loan, post_return
from tradewinds.ledger.lots import NO_INSTRUMENT, SETTLEMENT, Exact, Holdings
from tradewinds.ledger.results import Results, Totals
from tradewinds.ledger.valuation import MarkOf, PriceOf, equity, no_mark, unrealised
from tradewinds.model.decimals import ONE, ZERO
from tradewinds.model.errors import InvariantBroken
from tradewinds.model.events import FundingPaid
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, StrategyId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Account, LedgerState, Loan, Lot, Transaction
from tradewinds.model.order import Fill

IDS_KEPT = 100_000
IDS_SAVED = 5_000


def fill_transaction_id(fill: Fill) -> str:
    """Venues number fills per instrument, so the instrument belongs to the name."""
    return f"fill:{fill.instrument_id}:{fill.fill_id}"


class Ledger:
    """Double entry in one account currency; balances follow the venue's exactly.

    Cash is the account currency and shared; every other asset is inventory of a strategy at
    average cost. A booking that raises InvariantBroken leaves the ledger as it was.
    """

    def __init__(self, currency: Asset) -> None:
        self.currency = currency
        self._holdings = Holdings(currency)
        self._balances = MappingProxyType(self._holdings.balances)
        self._results = Results()
        self._booked: OrderedDict[str, None] = OrderedDict()
        self.bookings = 0
        self._loans: dict[LoanKey, Loan] = {}

    @property
    def balances(self) -> Mapping[Asset, Decimal]:
        """Quantity per asset, as the venue has it. A read-only view; zeros stay in it."""
        return self._balances

    @property
    def lots(self) -> tuple[Lot, ...]:
        """What each owner holds: spot inventory, and signed positions under their instrument."""
        return tuple(lot for lot in self._holdings.lots.values() if lot.strategy_id != SETTLEMENT)

    @property
    def loans(self) -> Mapping[LoanKey, Loan]:
        """What strategies owe the account of its inventory."""
        return self._loans

    def lot(self, strategy_id: StrategyId, asset: Asset) -> Lot | None:
        """Spot inventory of one owner."""
        return self._holdings.lots.get((strategy_id, asset, NO_INSTRUMENT))

    def position(self, strategy_id: StrategyId, instrument: Instrument) -> Lot | None:
        """Perpetual position of one owner: signed base quantity, cost at decision prices."""
        return self._holdings.lots.get((strategy_id, instrument.base, instrument.id))

    def open(
        self, balances: Mapping[Asset, Decimal], rates: Mapping[Asset, Decimal], time_ns: int
    ) -> Transaction:
        """Book the account's first balances as capital. `rates`: account currency per asset.

        Raises InvariantBroken when the ledger is in use already or a held asset has no rate.
        """
        if self._booked:
            raise InvariantBroken("a ledger is opened once, before anything else is booked")
        with Exact():
            draft = Draft(self._holdings, ACCOUNT, NO_INSTRUMENT, may_owe=False)
            for asset, quantity in balances.items():
                if quantity == ZERO:
                    continue
                rate = ONE if asset == self.currency else rates.get(asset, ZERO)
                if rate <= ZERO or quantity < ZERO:
                    raise InvariantBroken(f"cannot open with {quantity} {asset} at rate {rate}")
                worth = draft.worth(asset, quantity, rate)
                draft.receive(asset, quantity, worth)
                draft.expense(Account.CAPITAL, -worth)
            return self._commit(draft, draft.finish(f"open:{time_ns}", "open", time_ns))

    def book_fill(self, fill: Fill, context: FillContext) -> Transaction | None:
        """Book an execution; None when it is booked already."""
        transaction_id = fill_transaction_id(fill)
        if transaction_id in self._booked:
            return None
        check_fill(fill, context)
        perpetual = context.instrument.kind is InstrumentKind.PERPETUAL
        with Exact():
            draft = Draft(
                self._holdings, context.strategy_id, fill.instrument_id, may_owe=perpetual
            )
            post_fill(draft, fill, context)
            return self._commit(draft, draft.finish(transaction_id, "fill", fill.venue_time_ns))

    def book_funding(
        self, event: FundingPaid, strategy_id: StrategyId, rate: Decimal
    ) -> Transaction | None:
        """Book funding paid or received; None when booked already. `rate`: currency per asset."""
        transaction_id = f"funding:{event.instrument_id}:{event.funding_id}"
        if transaction_id in self._booked:
            return None
        with Exact():
            draft = Draft(self._holdings, strategy_id, event.instrument_id, may_owe=True)
            worth = draft.worth(event.asset, event.amount, rate)
            if event.amount > ZERO:
                draft.receive(event.asset, event.amount, worth)
            elif event.amount < ZERO:
                draft.give(event.asset, -event.amount, -worth)
            draft.expense(Account.FUNDING, -worth)
            return self._commit(draft, draft.finish(transaction_id, "funding", event.venue_time_ns))

    def is_booked(self, fill: Fill) -> bool:
        """Whether this execution is in the books already."""
        return fill_transaction_id(fill) in self._booked

    def book_external(
        self,
        change_id: str,
        owner: StrategyId,
        change: tuple[Asset, Decimal, Decimal],
        time_ns: int,
    ) -> Transaction | None:
        """Book what moved at the venue without us: (asset, signed quantity, rate), as capital.

        None when booked already. Raises InvariantBroken when `owner` does not hold what left.
        """
        transaction_id = f"external:{change_id}"
        if transaction_id in self._booked:
            return None
        asset, quantity, rate = change
        with Exact():
            draft = Draft(self._holdings, owner, NO_INSTRUMENT, may_owe=True)
            worth = draft.worth(asset, abs(quantity), rate)
            if quantity > ZERO:
                draft.receive(asset, quantity, worth)
                draft.expense(Account.CAPITAL, -worth)
            else:
                draft.give(asset, -quantity, worth)
                draft.expense(Account.CAPITAL, worth)
            return self._commit(draft, draft.finish(transaction_id, "external", time_ns))

    def lend(
        self, loan_id: str, to: StrategyId, what: tuple[Asset, Decimal, Decimal], time_ns: int
    ) -> Transaction | None:
        """Lend inventory of the account: (asset, quantity, rate). None when booked already.

        Raises InvariantBroken when the account holds less.
        """
        transaction_id = f"lend:{loan_id}"
        if transaction_id in self._booked:
            return None
        asset, quantity, rate = what
        with Exact():
            draft = Draft(self._holdings, to, NO_INSTRUMENT, may_owe=False)
            loan = post_loan(draft, asset, quantity, draft.worth(asset, quantity, rate))
            booked = self._commit(draft, draft.finish(transaction_id, "lend", time_ns))
            self._loans[to, asset] = added(self._loans, loan)
            return booked

    def take_back(
        self, loan_id: str, what: tuple[StrategyId, Asset, Decimal], time_ns: int
    ) -> Transaction | None:
        """Give a part of a loan back: (borrower, asset, quantity). None when booked already."""
        transaction_id = f"return:{loan_id}"
        borrower, asset, quantity = what
        if transaction_id in self._booked:
            return None
        with Exact():
            draft = Draft(self._holdings, borrower, NO_INSTRUMENT, may_owe=False)
            left = post_return(draft, self._loans[borrower, asset], quantity)
            booked = self._commit(draft, draft.finish(transaction_id, "return", time_ns))
            if left.quantity > ZERO:
                self._loans[borrower, asset] = left
            else:
                del self._loans[borrower, asset]
            return booked

    def book_ai_cost(self, cost_id: str, amount: Decimal, time_ns: int) -> Transaction | None:
        """Book AI spend in account currency; None when booked already.

        It is paid outside the venue: no balance moves, the owner puts it in as capital.
        """
        transaction_id = f"ai:{cost_id}"
        if transaction_id in self._booked:
            return None
        with Exact():
            draft = Draft(self._holdings, ACCOUNT, NO_INSTRUMENT, may_owe=False)
            draft.expense(Account.AI_COST, amount)
            draft.expense(Account.CAPITAL, -amount)
            return self._commit(draft, draft.finish(transaction_id, "ai_cost", time_ns))

    def keep_days(self, count: int) -> None:
        """Fold no day younger than this: a report over many years tells each. A checkpoint grows
        with them."""
        self._results.days_kept = count

    def realised(
        self,
        *,
        day: int | None = None,
        strategy_id: StrategyId | None = None,
        instrument_id: InstrumentId | None = None,
    ) -> Totals:
        """What was realised; None matches everything. `day` is days since the epoch, UTC."""
        with Exact():
            return self._results.total(day, strategy_id, instrument_id)

    def net_of_day(self, day: int) -> Decimal:
        """Net realised of a UTC day over everything, at once."""
        return self._results.net_of_day(day)

    def equity(self, price_of: PriceOf, mark_of: MarkOf = no_mark) -> Decimal | None:
        """Worth of all balances and positions; None when one of them has no price."""
        with Exact():
            return equity(self._holdings, price_of, mark_of)

    def unrealised(
        self,
        price_of: PriceOf,
        mark_of: MarkOf = no_mark,
        *,
        strategy_id: StrategyId | None = None,
    ) -> Decimal | None:
        """What closing now would realise before fees; None when something has no price."""
        with Exact():
            return unrealised(self._holdings, strategy_id, price_of, mark_of)

    def state(self) -> LedgerState:
        """All that `restore` needs; its lots include those of SETTLEMENT."""
        return LedgerState(
            currency=self.currency,
            balances=dict(self._holdings.balances),
            lots=tuple(self._holdings.lots.values()),
            days=self._results.days(),
            booked_ids=tuple(self._booked)[-IDS_SAVED:],
            loans=tuple(self._loans.values()),
        )

    @classmethod
    def restore(cls, state: LedgerState) -> "Ledger":
        """Go on where `state` was taken."""
        ledger = cls(state.currency)
        ledger._holdings.balances.update(state.balances)
        for lot in state.lots:
            ledger._holdings.put((lot.strategy_id, lot.asset, lot.instrument_id), lot)
        with Exact():
            ledger._results.take(state.days)
        ledger._booked = OrderedDict.fromkeys(state.booked_ids)
        ledger._loans = {(loan.strategy_id, loan.asset): loan for loan in state.loans}
        return ledger

    def _commit(self, draft: Draft, transaction: Transaction) -> Transaction:
        draft.take()
        self.bookings += 1
        self._results.book(transaction, (draft.owner, draft.instrument))
        self._booked[transaction.transaction_id] = None
        if len(self._booked) > IDS_KEPT:
            self._booked.popitem(last=False)
        return transaction
