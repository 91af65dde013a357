"""What we hold and risk now: ledger, orders, round trips and baskets, read together."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, NamedTuple

from msgspec import structs

from tradewinds.engine.board import Board, Slot
from tradewinds.execution.legs import Basket
from tradewinds.execution.order_manager import OrderManager
from tradewinds.ledger.ledger import Ledger
from tradewinds.ledger.loans import owed_by
from tradewinds.model.decimals import ONE, WIDE, ZERO
from tradewinds.model.ids import ACCOUNT, Asset, InstrumentId, StrategyId, TradeId
from tradewinds.model.instrument import Instrument, InstrumentKind
from tradewinds.model.ledger import Lot
from tradewinds.model.market import Side
from tradewinds.model.order import Order, Purpose
from tradewinds.model.portfolio import Exposure, Trade
from tradewinds.risk.exposure import fee_rate, leverage_of, trade_exposure
from tradewinds.risk.limits import RiskLimits

NO_INVENTORY: Final[Mapping[Asset, Decimal]] = MappingProxyType({})


class _Valued(NamedTuple):
    """An exposure, and all that it follows from."""

    trade: Trade
    instrument: Instrument
    rate: Decimal
    lot: Lot | None
    exposure: Exposure


class _Holding(NamedTuple):
    """So much of an asset, and the market that prices it; None for the account's currency."""

    quantity: Decimal
    slot: Slot | None


class _Held(NamedTuple):
    """What is to be valued, and all that it follows from. `holdings` None: not by spot prices in
    the account's currency alone."""

    ledger: Ledger
    bookings: int
    listings: int
    holdings: tuple[_Holding, ...] | None


class Portfolio:
    """Mutable, single-threaded; every figure in account currency unless said otherwise."""

    def __init__(
        self,
        currency: Asset,
        board: Board,
        limits: RiskLimits,
        permitted: Mapping[Asset, Decimal] = NO_INVENTORY,
    ) -> None:
        """`permitted`: how much of other assets cycles may trade with."""
        self.currency = currency
        self._permitted = permitted
        self._board = board
        self._limits = limits
        self.ledger = Ledger(currency)
        self.orders = OrderManager()
        self.trades: dict[TradeId, Trade] = {}
        self.baskets: dict[TradeId, Basket] = {}
        self.exit_reasons: dict[TradeId, str] = {}
        self.trades_closed = 0
        self.waiting: dict[Asset, Decimal] = {}
        self._valued: dict[TradeId, _Valued] = {}
        self._held: _Held | None = None

    def open_trades(self, strategy_id: StrategyId) -> Sequence[Trade]:
        """Round trips of a strategy that are not closed."""
        return [t for t in self.trades.values() if t.strategy_id == strategy_id]

    def rate(self, asset: Asset) -> Decimal | None:
        """Account currency per unit of an asset."""
        return self._board.rate(asset, self.currency)

    def exposures(self) -> tuple[Exposure, ...]:
        """Every open and in-flight risk. One that cannot be valued counts at the day's limit."""
        return (*self._exposures(), *self._stock())

    def _stock(self) -> Iterator[Exposure]:
        """Inventory as it is now: it has no stop, so it risks no limit, but it is committed."""
        for asset in self._permitted:
            held = self.stocked(asset)
            rate = self.rate(asset)
            if held and rate is not None:
                yield Exposure(
                    trade_id=TradeId(""),
                    strategy_id=ACCOUNT,
                    instrument_id=InstrumentId(f"{asset}/{self.currency}@"),
                    worst_loss=ZERO,
                    notional=held * rate,
                )

    def stocked(self, asset: Asset) -> Decimal:
        """Of the account's inventory, what is lent included."""
        return self._own(asset) + owed_by(self.ledger.loans, asset)

    def _own(self, asset: Asset) -> Decimal:
        lot = self.ledger.lot(ACCOUNT, asset)
        return ZERO if lot is None else lot.quantity

    def inventory(self, free: Mapping[Asset, Decimal]) -> dict[Asset, Decimal]:
        """What a cycle may borrow now, per asset: permitted, the account's, and free."""
        loans = self.ledger.loans
        rooms = (
            (asset, min(most - owed_by(loans, asset), self._own(asset), free.get(asset, ZERO)))
            for asset, most in self._permitted.items()
        )
        return {asset: max(room, ZERO) for asset, room in rooms}

    def _exposures(self) -> Iterator[Exposure]:
        for trade in self.trades.values():
            slot = self._board.slots.get(trade.instrument_id)
            rate = None if slot is None else self.rate(slot.instrument.quote)
            if slot is None or rate is None:
                yield self._unvalued(trade)
            else:
                yield self._exposure(trade, slot.instrument, rate)
        for basket in self.baskets.values():
            yield Exposure(
                trade_id=basket.trade_id,
                strategy_id=basket.strategy_id,
                instrument_id=basket.legs[0].instrument.id,
                worst_loss=max(ZERO, basket.unwind_loss + min(basket.realised, ZERO)),
                notional=basket.notional,
            )

    def _exposure(self, trade: Trade, instrument: Instrument, rate: Decimal) -> Exposure:
        """Worked out once for the same values: it is asked for at every beat and every wish."""
        lot = self._lot(trade, instrument)
        known = self._valued.get(trade.trade_id)
        if (
            known is not None
            and known.trade is trade
            and known.lot is lot
            and known.instrument is instrument
            and known.rate is rate
        ):
            return known.exposure
        cost = lot.cost / lot.quantity if lot is not None and lot.quantity else None
        exposure = trade_exposure(trade, instrument, rate, self._limits, cost)
        if len(self._valued) > 2 * len(self.trades):
            self._valued.clear()
        self._valued[trade.trade_id] = _Valued(trade, instrument, rate, lot, exposure)
        return exposure

    def _lot(self, trade: Trade, instrument: Instrument) -> Lot | None:
        """What the ledger holds a unit at: it is that, not the fill, which a sale realises from."""
        if instrument.kind is InstrumentKind.PERPETUAL:
            return self.ledger.position(trade.strategy_id, instrument)
        return self.ledger.lot(trade.strategy_id, instrument.base)

    def _unvalued(self, trade: Trade) -> Exposure:
        return Exposure(
            trade_id=trade.trade_id,
            strategy_id=trade.strategy_id,
            instrument_id=trade.instrument_id,
            worst_loss=self._limits.loss_per_day_max,
            notional=trade.quantity * trade.entry_price,
        )

    def open_risk(self) -> Decimal:
        """Sum of worst losses, open and in flight."""
        if not self.trades and not self.baskets:
            return ZERO
        return sum((item.worst_loss for item in self._exposures()), ZERO)

    def equity(self) -> Decimal | None:
        """Everything at the last price; None if something cannot be valued."""
        known = self._held
        if (
            known is None
            or known.bookings != self.ledger.bookings
            or known.ledger is not self.ledger
            or known.listings != self._board.listings
        ):
            known = self._held = self._read_holdings()
        if known.holdings is None:
            return self.ledger.equity(self.rate, self._mark)
        # What the ledger does, in its order and with its digits, for what needs no more.
        total = ZERO
        for quantity, slot in known.holdings:
            if slot is None:
                total = WIDE.add(total, quantity)
            elif slot.mid:
                total = WIDE.add(total, WIDE.multiply(quantity, slot.price()))
            else:
                return self.ledger.equity(self.rate, self._mark)
        return total

    def _read_holdings(self) -> _Held:
        ledger, board = self.ledger, self._board
        found: list[_Holding] = []
        simple = not any(lot.instrument_id for lot in ledger.lots)
        for asset, quantity in ledger.balances.items():
            slot = None if asset == self.currency else board.seller(asset, self.currency)
            if quantity:
                found.append(_Holding(quantity, slot))
                simple = simple and (asset == self.currency or slot is not None)
        return _Held(ledger, ledger.bookings, board.listings, tuple(found) if simple else None)

    def _mark(self, instrument_id: InstrumentId) -> Decimal | None:
        return self._board.price(instrument_id)

    def realised(self, day: int) -> Decimal:
        """Net of every cost, on one UTC day."""
        return self.ledger.net_of_day(day)

    def settled(self, day: int) -> Decimal:
        """Realised without what baskets under way have won: they may lose it again."""
        if not self.baskets:
            return self.realised(day) - ZERO
        won = (max(b.realised - b.realised_before, ZERO) for b in self.baskets.values())
        return self.realised(day) - sum(won, ZERO)

    def roll_day(self) -> None:
        """What baskets under way have booked so far belongs to the day that ends."""
        for trade_id, basket in self.baskets.items():
            before = basket.realised
            self.baskets[trade_id] = structs.replace(basket, realised_before=before)

    def cash(self) -> Decimal:
        """Account currency at the venue."""
        return self.ledger.balances.get(self.currency, ZERO)

    def free(self) -> dict[Asset, Decimal]:
        """Balances less what working orders and margins lock."""
        free = dict(self.ledger.balances)
        groups: set[str] = set()
        working = self.orders.working()
        entries = (o.approved for o in working if o.approved.purpose is Purpose.ENTER)
        entering = {entry.bracket for entry in entries if entry.bracket}
        for order in working:
            group = order.approved.oco_group
            if order.approved.purpose is not Purpose.ENTER and order.approved.bracket in entering:
                continue  # What it will sell is not there yet.
            if group and group in groups:
                continue
            groups.add(group)
            for asset, amount in self._locked(order):
                free[asset] = free.get(asset, ZERO) - amount
        for trade in self.trades.values():
            slot = self._board.slots.get(trade.instrument_id)
            if slot is not None and slot.instrument.kind is InstrumentKind.PERPETUAL:
                leverage = leverage_of(slot.instrument, self._limits)
                margin = trade.quantity * trade.entry_price / leverage
                free[slot.instrument.settle] = free.get(slot.instrument.settle, ZERO) - margin
        return free

    def _locked(self, order: Order) -> Iterator[tuple[Asset, Decimal]]:
        approved = order.approved
        slot = self._board.slots.get(approved.instrument_id)
        if slot is None:
            return
        instrument = slot.instrument
        price = approved.price or approved.decision_price
        if instrument.kind is InstrumentKind.PERPETUAL:
            if not approved.reduce_only:
                unit = price / approved.leverage + price * fee_rate(instrument)
                yield instrument.settle, order.remaining * unit
        elif approved.side is Side.SELL:
            yield instrument.base, order.remaining
        else:
            yield instrument.quote, order.remaining * price * (ONE + fee_rate(instrument))

    def mark_values(self) -> None:
        """Tell each slot how much of its price moves our equity, for the fast check per quote."""
        for slot in self._board.slots.values():
            slot.value_quantity = self._sensitivity(slot.instrument.id)

    def _sensitivity(self, instrument_id: InstrumentId) -> float:
        instrument = self._board.slots[instrument_id].instrument
        if instrument.kind is InstrumentKind.PERPETUAL:
            lots = (lot for lot in self.ledger.lots if lot.instrument_id == instrument_id)
            return float(sum((lot.quantity for lot in lots), ZERO))
        if instrument.quote != self.currency:
            return 0.0
        return float(self.ledger.balances.get(instrument.base, ZERO))

    def flat(self) -> bool:
        """No working order, no round trip, no basket."""
        return not (self.orders.working() or self.trades or self.baskets)

    def strays(self) -> list[Order]:
        """Working orders of neither a round trip nor a basket: a restart left them."""
        owned = (self.trades, self.baskets)
        working = self.orders.working()
        return [o for o in working if not any(o.approved.trade_id in known for known in owned)]
