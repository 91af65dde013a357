"""What is held and no round trip accounts for: left by a broken basket, a restart, a late fill."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradewinds.engine.board import Slot
from tradewinds.engine.floor import Floor
from tradewinds.ledger.lots import NO_INSTRUMENT, LotKey
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ACCOUNT, Asset
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.ledger import Lot
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase


def leftovers(lots: Iterable[Lot], trades: Iterable[Trade], floor: Floor) -> Iterator[Trade]:
    """A round trip to be closed for each strategy's lot that is closable and unaccounted."""
    held = _accounted(trades, floor)
    for (borrower, asset), loan in floor.portfolio.ledger.loans.items():
        key = (borrower, asset, NO_INSTRUMENT)
        held[key] = held.get(key, ZERO) + loan.quantity
    for lot in lots:
        slot = _market_of(lot, floor)
        if slot is None or lot.strategy_id == ACCOUNT:
            continue
        instrument = slot.instrument
        accounted = held.get((lot.strategy_id, lot.asset, lot.instrument_id), ZERO)
        price = floor.board.price(instrument.id)
        quantity = instrument.quantity_down(abs(lot.quantity) - accounted)
        if price is not None and instrument.closable(quantity, price):
            yield _found(lot, slot, quantity, floor)


def phantoms(
    lots: Iterable[Lot], trades: Iterable[Trade], floor: Floor
) -> Iterator[tuple[Trade, Decimal]]:
    """Round trips that claim more than their owner's lot has, and how much more; what was found
    without a round trip goes first.
    """
    known = sorted(trades, key=lambda trade: trade.approved_loss)
    excess = _accounted(known, floor)
    for lot in lots:
        key = (lot.strategy_id, lot.asset, lot.instrument_id)
        excess[key] = excess.get(key, ZERO) - abs(lot.quantity)
    for trade in known:
        key = _key(trade, floor)
        part = min(trade.quantity, excess[key])
        if part > ZERO:
            excess[key] -= part
            yield trade, part


def _key(trade: Trade, floor: Floor) -> LotKey:
    instrument = floor.board.slots[trade.instrument_id].instrument
    spot = instrument.kind is InstrumentKind.SPOT
    return trade.strategy_id, instrument.base, NO_INSTRUMENT if spot else trade.instrument_id


def _accounted(trades: Iterable[Trade], floor: Floor) -> dict[LotKey, Decimal]:
    """What round trips and baskets under way hold, by the lots' keys."""
    held: dict[LotKey, Decimal] = {}
    for trade in trades:
        key = _key(trade, floor)
        held[key] = held.get(key, ZERO) + trade.quantity
    for basket in floor.portfolio.baskets.values():
        for asset, quantity in basket.holding.items():
            key = (basket.strategy_id, asset, NO_INSTRUMENT)
            held[key] = held.get(key, ZERO) + max(quantity, ZERO)
    return held


def _found(lot: Lot, slot: Slot, quantity: Decimal, floor: Floor) -> Trade:
    price = floor.board.price(slot.instrument.id) or ZERO
    return Trade(
        trade_id=floor.next_trade_id(),
        strategy_id=lot.strategy_id,
        instrument_id=slot.instrument.id,
        side=Side.BUY if lot.quantity > ZERO else Side.SELL,
        phase=TradePhase.OPEN,
        quantity=quantity,
        entry_price=price,
        stop_price=price,
        entry_quantity=quantity,
        opened_time_ns=floor.out.now_ns,
        reason="held without a round trip",
    )


def _market_of(lot: Lot, floor: Floor) -> Slot | None:
    """A position's own instrument; for spot inventory where it is sold for account currency."""
    if lot.instrument_id:
        return floor.board.slots.get(lot.instrument_id)
    return _sold_in(lot.asset, floor)


def _sold_in(asset: Asset, floor: Floor) -> Slot | None:
    for slot in floor.board.slots.values():
        instrument = slot.instrument
        spot = instrument.kind is InstrumentKind.SPOT
        if spot and instrument.base == asset and instrument.quote == floor.settings.currency:
            return slot
    return None
