"""Assets besides the account's currency that the operator lets cycles trade with.

They are the account's, in the ledger from their first price on; a cycle borrows them and gives them
back. What a broken cycle still owes is bought back, and nothing else ever trades them. Coins of the
user's that were not named are not in the books, and are never touched.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from tradewinds.engine.board import Slot
from tradewinds.engine.floor import Floor
from tradewinds.engine.peg import NEAR_BY
from tradewinds.execution.legs import Basket
from tradewinds.ledger.fills import FillContext
from tradewinds.ledger.results import NOTHING, totals_of
from tradewinds.model.commands import RecordTransaction
from tradewinds.model.decimals import BPS, ONE, ZERO, to_decimal
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, StrategyId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.ledger import Transaction
from tradewinds.model.market import Quote, Side
from tradewinds.model.order import Fill
from tradewinds.model.symbols import DOLLARS
from tradewinds.risk.basket import PlannedLeg, unwind_loss
from tradewinds.risk.exposure import fee_rate

NEAR_A_DOLLAR = to_decimal(NEAR_BY)


def take_in(floor: Floor) -> bool:
    """Book what has a price by now, as capital. Whether anything was."""
    portfolio, taken = floor.portfolio, False
    for asset, quantity in list(portfolio.waiting.items()):
        rate = portfolio.rate(asset)
        if rate is None:
            continue
        before = portfolio.equity()
        change = (asset, quantity, rate)
        booked = portfolio.ledger.book_external(
            f"inventory:{floor.run_id}:{asset}", ACCOUNT, change, floor.out.now_ns
        )
        _tell(floor, booked)
        del portfolio.waiting[asset]
        after = portfolio.equity()
        if before is not None and after is not None:
            floor.breaker.shift(after - before)
        taken = True
    if taken:
        portfolio.mark_values()
    return taken


def off_peg(floor: Floor, assets: Iterable[Asset]) -> str:
    """Which of these dollars is none any more, or has no price, in words; empty while all are."""
    currency = floor.settings.currency
    if currency not in DOLLARS:
        return ""
    for asset in assets:
        rate = floor.portfolio.rate(asset) if asset in DOLLARS else ONE
        if rate is None:
            return f"{asset} has no price"
        if abs(rate - ONE) > NEAR_A_DOLLAR:
            return f"{asset} is at {rate:.3f} {currency}"
    return ""


def lend(floor: Floor, to: StrategyId, assets: Mapping[Asset, Decimal]) -> None:
    """From the account to a strategy, at what it is worth now."""
    for asset, quantity in assets.items():
        rate = floor.portfolio.rate(asset)
        if rate is None or quantity <= ZERO:
            continue
        loan_id = f"{floor.run_id}:{floor.out.cause}:{to}:{asset}"
        what = (asset, quantity, rate)
        _tell(floor, floor.portfolio.ledger.lend(loan_id, to, what, floor.out.now_ns))


def cover(floor: Floor, fill: Fill, context: FillContext) -> None:
    """A fill that gives what its owner does not have takes it from the inventory: as a loan, so
    that it is given back. A sale's report can come before that of the purchase."""
    instrument = context.instrument
    if not floor.settings.inventory or instrument.kind is not InstrumentKind.SPOT:
        return
    if context.strategy_id == ACCOUNT:
        return
    selling = fill.side is Side.SELL
    given = {(instrument.base if selling else instrument.quote): fill.quantity}
    if not selling:
        given[instrument.quote] *= fill.price
    given[fill.fee_asset] = given.get(fill.fee_asset, ZERO) + max(fill.fee, ZERO)
    bought = instrument.quote if selling else instrument.base
    for asset, quantity in given.items():
        if asset == bought or asset not in floor.settings.inventory:
            continue
        missing = quantity - _lot(floor, context.strategy_id, asset)
        part = min(missing, _lot(floor, ACCOUNT, asset))
        if part > ZERO:
            lend(floor, context.strategy_id, {asset: part})


def give_back(floor: Floor, owner: StrategyId) -> tuple[Decimal, Decimal]:
    """As much of its loans as a strategy has beyond what its round trips hold; what that brought
    after costs, and the costs."""
    ledger, net, fees = floor.portfolio.ledger, ZERO, ZERO
    for (borrower, asset), loan in list(ledger.loans.items()):
        part = min(loan.quantity, _spare(floor, owner, asset)) if borrower == owner else ZERO
        if part <= ZERO:
            continue
        loan_id = f"{floor.run_id}:{floor.out.cause}:{owner}:{asset}"
        booked = ledger.take_back(loan_id, (owner, asset, part), floor.out.now_ns)
        _tell(floor, booked)
        totals = NOTHING if booked is None else totals_of(booked)
        net, fees = net + totals.net, fees + totals.fees
    return net, fees


def repairs(floor: Floor) -> Iterator[Basket]:
    """For each strategy that owes inventory and has nothing under way: what puts it right."""
    portfolio = floor.portfolio
    for owner in dict.fromkeys(borrower for borrower, _ in portfolio.ledger.loans):
        if any(basket.strategy_id == owner for basket in portfolio.baskets.values()):
            continue
        if any(order.approved.strategy_id == owner for order in portfolio.orders.working()):
            continue
        # Some more of one asset may pay, by one order, for what is missing of another.
        repair = _repair(floor, owner)
        if repair is None:
            give_back(floor, owner)
        else:
            yield repair


def touch(floor: Floor, instrument_id: InstrumentId) -> Quote | None:
    """The last quote, where it can be believed."""
    slot = floor.board.slots.get(instrument_id)
    if slot is None or slot.suspect_left:
        return None
    return floor.board.last_quote(instrument_id)


def _repair(floor: Floor, owner: StrategyId) -> Basket | None:
    holding = {
        asset: _spare(floor, owner, asset) - loan.quantity
        for (borrower, asset), loan in floor.portfolio.ledger.loans.items()
        if borrower == owner
    }
    legs = tuple(_markets(floor, tuple(holding)))
    missing = [leg for leg in legs if _closable_debt(leg, holding, floor.settings.currency)]
    if not missing:
        return None
    worth = sum((abs(q) * (floor.portfolio.rate(a) or ZERO) for a, q in holding.items()), ZERO)
    fees = 2 * max(fee_rate(leg.instrument) for leg in legs)
    share = to_decimal(floor.limits.unwind_loss_bps) * BPS + fees
    return Basket(
        trade_id=floor.next_trade_id(),
        strategy_id=owner,
        legs=legs,
        start_asset=floor.settings.currency,
        start_quantity=worth,
        unwind_loss=unwind_loss(worth, share),
        notional=worth,
        opened_time_ns=floor.out.now_ns,
        reason="inventory owed by an interrupted cycle",
        holding=holding,
        unwinding=True,
        together=True,
    )


def _closable_debt(leg: PlannedLeg, holding: Mapping[Asset, Decimal], currency: Asset) -> bool:
    instrument = leg.instrument
    if instrument.quote == currency:
        amount = -holding.get(instrument.base, ZERO)
    elif instrument.base == currency:
        amount = -holding.get(instrument.quote, ZERO) / leg.price
    else:
        return False
    return instrument.closable(instrument.quantity_down(amount), leg.price)


def _markets(floor: Floor, assets: tuple[Asset, ...]) -> Iterator[PlannedLeg]:
    """Where they are traded against the currency, and against each other."""
    wanted = {*assets, floor.settings.currency}
    for slot in floor.board.slots.values():
        instrument = slot.instrument
        if instrument.kind is InstrumentKind.SPOT and {instrument.base, instrument.quote} <= wanted:
            yield from _leg(slot, floor.settings.currency)


def _leg(slot: Slot, currency: Asset) -> Iterator[PlannedLeg]:
    """At the last price, paid with what is not the currency."""
    if slot.mid:
        price = to_decimal(slot.mid)
        side = Side.BUY if slot.instrument.base == currency else Side.SELL
        yield PlannedLeg(instrument=slot.instrument, side=side, price=price, decision_price=price)


def _spare(floor: Floor, owner: StrategyId, asset: Asset) -> Decimal:
    """What a strategy holds of an asset beyond its round trips."""
    held = _lot(floor, owner, asset)
    for trade in floor.portfolio.open_trades(owner):
        instrument = floor.board.slots[trade.instrument_id].instrument
        if instrument.kind is InstrumentKind.SPOT and instrument.base == asset:
            held -= trade.quantity
    return max(held, ZERO)


def _lot(floor: Floor, owner: StrategyId, asset: Asset) -> Decimal:
    lot = floor.portfolio.ledger.lot(owner, asset)
    return ZERO if lot is None else lot.quantity


def _tell(floor: Floor, booked: Transaction | None) -> None:
    if booked is not None:
        floor.out.put(RecordTransaction(transaction=booked, cause=floor.out.cause))
