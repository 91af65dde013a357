"""What is held and no round trip accounts for: left by a broken basket, a restart, a late fill."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradewinds.engine.board import Slot
from tradewinds.engine.floor import Floor
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, StrategyId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.ledger import Lot
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase


def leftovers(lots: Iterable[Lot], trades: Iterable[Trade], floor: Floor) -> Iterator[Trade]:
    """A round trip to be closed for each strategy's lot that is closable and unaccounted."""
    held: dict[tuple[StrategyId, InstrumentId], Decimal] = {}
    for trade in trades:
        key = (trade.strategy_id, trade.instrument_id)
        held[key] = held.get(key, ZERO) + trade.quantity
    for lot in lots:
        slot = _market_of(lot, floor)
        if slot is None or lot.strategy_id == ACCOUNT:
            continue
        instrument = slot.instrument
        accounted = held.get((lot.strategy_id, instrument.id), ZERO)
        price = floor.board.price(instrument.id)
        quantity = instrument.quantity_down(abs(lot.quantity) - accounted)
        if price is not None and instrument.closable(quantity, price):
            yield _found(lot, slot, quantity, floor)


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
