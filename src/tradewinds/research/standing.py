"""What an account brings from one test window into the next: its money and its memory.

A user who chooses new parameters keeps the account, with the peak its drawdown is measured from,
its halts, and what the selector has learned. So does a walk-forward.
"""

from decimal import Decimal

from msgspec import Struct

from tradewinds.ledger.ledger import Ledger
from tradewinds.model.checkpoint import Checkpoint, RiskState
from tradewinds.model.decimals import ONE
from tradewinds.model.ids import Asset
from tradewinds.model.selection import SelectionState


class Standing(Struct, frozen=True, kw_only=True):
    """An account at rest: `balance` in account currency, nothing held and nothing ordered."""

    balance: Decimal
    risk: RiskState
    selection: SelectionState | None


def standing_of(balance: Decimal, last: Checkpoint) -> Standing:
    """After everything was sold for `balance`; `last` is of the moment before."""
    selection = last.selection
    if selection is not None:
        # The round trips they belong to are over.
        open_ids = {trade.trade_id for trade in selection.shadow}
        kept = {id_: context for id_, context in selection.contexts.items() if id_ in open_ids}
        selection = SelectionState(
            regime=selection.regime,
            arms=selection.arms,
            contexts=kept,
            shadow=selection.shadow,
            due_ns=selection.due_ns,
        )
    return Standing(balance=balance, risk=last.risk, selection=selection)


def resumed(standing: Standing, currency: Asset, now_ns: int) -> Checkpoint:
    """The checkpoint a run at `now_ns` begins from, its books opened anew with the balance."""
    ledger = Ledger(currency)
    ledger.open({currency: standing.balance}, {currency: ONE}, now_ns)
    return Checkpoint(
        time_ns=now_ns,
        ledger=ledger.state(),
        risk=standing.risk,
        trades=(),
        orders=(),
        disabled_strategies=(),
        last_prices={},
        selection=standing.selection,
    )
