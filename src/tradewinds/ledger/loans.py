"""Inventory that the account lends a strategy for a cycle, and takes back as it was.

What its price did before is put in as capital with the loan and taken out with its return, so that
a cycle's result is its own.
"""

from collections.abc import Mapping
from decimal import Decimal

from tradewinds.ledger.draft import Draft
from tradewinds.ledger.lots import share
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ACCOUNT, Asset, StrategyId
from tradewinds.model.ledger import Account, Loan

LoanKey = tuple[StrategyId, Asset]


def post_loan(draft: Draft, asset: Asset, quantity: Decimal, worth: Decimal) -> Loan:
    """To the draft's owner, from the account. InvariantBroken where the account has less."""
    cost = draft.pass_on(asset, quantity, (ACCOUNT, draft.owner), worth)
    draft.expense(Account.CAPITAL, cost - worth)
    return Loan(strategy_id=draft.owner, asset=asset, quantity=quantity, cost=cost, worth=worth)


def post_return(draft: Draft, loan: Loan, quantity: Decimal) -> Loan:
    """Give back a part; what is still owed. What it cost more or less than it was lent at is the
    borrower's."""
    cost = share(loan.cost, quantity, loan.quantity)
    worth = share(loan.worth, quantity, loan.quantity)
    released = draft.pass_on(loan.asset, quantity, (loan.strategy_id, ACCOUNT), cost)
    draft.expense(Account.CAPITAL, worth - cost)
    draft.realise(worth - released)
    return Loan(
        strategy_id=loan.strategy_id,
        asset=loan.asset,
        quantity=loan.quantity - quantity,
        cost=loan.cost - cost,
        worth=loan.worth - worth,
    )


def added(loans: Mapping[LoanKey, Loan], loan: Loan) -> Loan:
    """With what the same strategy still owes of the asset."""
    owed = loans.get((loan.strategy_id, loan.asset))
    if owed is None:
        return loan
    return Loan(
        strategy_id=loan.strategy_id,
        asset=loan.asset,
        quantity=owed.quantity + loan.quantity,
        cost=owed.cost + loan.cost,
        worth=owed.worth + loan.worth,
    )


def owed_by(loans: Mapping[LoanKey, Loan], asset: Asset) -> Decimal:
    """How much of an asset is lent now."""
    return sum((loan.quantity for loan in loans.values() if loan.asset == asset), ZERO)
