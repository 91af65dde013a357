"""Signals become sized intents, intents become orders or refusals."""

from tradewinds.engine.board import Slot
from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.engine.together import Together
from tradewinds.execution import bracket, legs, trade_book
from tradewinds.execution.legs import Basket
from tradewinds.model.commands import RecordSignal, SetTimer
from tradewinds.model.decimals import ceil_to_step, floor_to_step, to_decimal
from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.market import Side
from tradewinds.model.order import ApprovedOrder, OrderIntent, Purpose, Refusal
from tradewinds.model.signal import (
    BasketSignal,
    EnterSignal,
    ExitSignal,
    Leg,
    Sending,
    Signal,
    StopSignal,
)
from tradewinds.risk.basket import (
    Plan,
    PlannedLeg,
    basket_plan_size,
    cycle_flaw,
    judge_later_leg,
    unwind_loss,
    unwind_share,
)
from tradewinds.risk.gate import approve_bracket, review
from tradewinds.risk.sizing import SizingInput, size_entry
from tradewinds.risk.stops import tightening_flaw
from tradewinds.risk.wishes import signal_flaw

ENTRY_TIMER = "entry:"


class Desk:
    """Takes what strategies want."""

    def __init__(self, floor: Floor, closer: Closer) -> None:
        self._floor = floor
        self._closer = closer
        self._together = Together(floor)
        self.signals: dict[StrategyId, int] = {}

    def take(self, signal: Signal) -> None:
        """Journal the wish, then size, judge and send, or refuse."""
        floor = self._floor
        self.signals[signal.strategy_id] = self.signals.get(signal.strategy_id, 0) + 1
        floor.out.put(RecordSignal(signal=signal, time_ns=floor.out.now_ns, cause=floor.out.cause))
        flaw = signal_flaw(signal)
        if flaw is not None:
            self._refuse(signal.strategy_id, _instrument_of(signal), "signal", flaw)
            return
        if floor.selection.shadowed(signal):
            return
        match signal:
            case EnterSignal():
                self._enter(signal)
            case BasketSignal():
                self._basket(signal)
            case ExitSignal():
                self._exit(signal)
            case StopSignal():
                self._tighten(signal)

    def _enter(self, signal: EnterSignal) -> None:
        floor = self._floor
        slot = floor.board.slots.get(signal.instrument_id)
        quote = floor.board.last_quote(signal.instrument_id)
        if slot is None or quote is None:
            self._refuse(signal.strategy_id, signal.instrument_id, "sizing", "no price")
            return
        if self._in_cycle(signal.strategy_id):
            reason = "a cycle is under way: their inventories would mix"
            self._refuse(signal.strategy_id, signal.instrument_id, "basket", reason)
            return
        view = floor.risk_view(signal.strategy_id, slot, signal.side)
        wish = SizingInput(
            trade_id=floor.next_trade_id(),
            instrument=slot.instrument,
            quote=quote,
            scale=floor.scale(signal.strategy_id, view.equity),
        )
        intent = size_entry(signal, wish, view, floor.limits)
        if isinstance(intent, str):
            self._refuse(signal.strategy_id, signal.instrument_id, "sizing", intent)
            return
        match review(intent, view, floor.limits, floor.next_order_id()):
            case Refusal() as refusal:
                floor.out.refusal(refusal)
            case ApprovedOrder() as order:
                self._open(intent, order, signal.reason)

    def _open(self, intent: OrderIntent, order: ApprovedOrder, reason: str) -> None:
        floor = self._floor
        floor.keep_trade(trade_book.opened(intent, order.worst_loss, reason, floor.out.now_ns))
        floor.selection.opened(intent.trade_id)
        for each in self._with_ways_out(intent, order):
            floor.submit(each)
        if not intent.taking:
            due_ns = floor.out.now_ns + int(floor.settings.entry_lifetime_s * 1e9)
            timer_id = f"{ENTRY_TIMER}{order.client_order_id}"
            floor.out.put(SetTimer(timer_id=timer_id, due_ns=due_ns, cause=floor.out.cause))

    def _with_ways_out(
        self, intent: OrderIntent, order: ApprovedOrder
    ) -> tuple[ApprovedOrder, ...]:
        """With its stop and target in the same breath, where the venue arms them by itself."""
        floor = self._floor
        if intent.instrument_id not in floor.brackets:
            return (order,)
        instrument = floor.board.slots[intent.instrument_id].instrument
        wishes = bracket.legs(intent, instrument, f"{intent.trade_id}-{floor.orders_made}")
        if not wishes:
            return (order,)
        return approve_bracket(order, wishes, [floor.next_order_id() for _ in wishes])

    def _exit(self, signal: ExitSignal) -> None:
        trade = self._floor.portfolio.trades.get(signal.trade_id)
        if trade is not None and trade.strategy_id == signal.strategy_id:
            self._closer.request_exit(trade.trade_id, signal.reason)

    def _tighten(self, signal: StopSignal) -> None:
        floor = self._floor
        trade = floor.portfolio.trades.get(signal.trade_id)
        if trade is None or trade.strategy_id != signal.strategy_id:
            return
        slot = floor.board.slots[trade.instrument_id]
        tick, stop = slot.instrument.tick_size, to_decimal(signal.stop_price)
        buying = trade.side is Side.BUY
        rounded = floor_to_step(stop, tick) if buying else ceil_to_step(stop, tick)
        view = floor.risk_view(signal.strategy_id, slot, trade.side)
        flaw = tightening_flaw(trade, rounded, view, floor.limits)
        changed = trade_book.tightened(trade, rounded)
        if flaw is not None or changed is None:
            reason = flaw or "a stop never loosens"
            self._refuse(signal.strategy_id, trade.instrument_id, "stop_only_tightens", reason)
            return
        floor.keep_trade(changed)
        self._closer.attend(changed.trade_id)

    def _basket(self, signal: BasketSignal) -> None:
        floor = self._floor
        first = signal.legs[0]
        slots = [floor.board.slots.get(leg.instrument_id) for leg in signal.legs]
        known = [slot for slot in slots if slot is not None]
        if len(known) < len(slots):
            self._refuse(signal.strategy_id, first.instrument_id, "basket", "unknown instrument")
            return
        if self._holds_something(signal.strategy_id):
            reason = "a round trip or a cycle is under way: their inventories would mix"
            self._refuse(signal.strategy_id, first.instrument_id, "basket", reason)
            return
        planned = tuple(_plan(leg, slot) for leg, slot in zip(signal.legs, known, strict=True))
        flaw = cycle_flaw(planned, signal.start_asset, floor.settings.currency)
        if flaw is not None:
            self._refuse(signal.strategy_id, first.instrument_id, "basket", flaw)
            return
        if signal.sending is not Sending.SEQUENCED:
            refusal = self._together.send(signal, planned)
            if refusal is None:
                return
            if signal.sending is Sending.SIMULTANEOUS:
                floor.out.refusal(refusal)
                return
        self._in_sequence(signal, planned)

    def _in_sequence(self, signal: BasketSignal, planned: tuple[PlannedLeg, ...]) -> None:
        floor, first = self._floor, planned[0]
        slot = floor.board.slots[first.instrument.id]
        view = floor.risk_view(signal.strategy_id, slot, first.side)
        scale = floor.scale(signal.strategy_id, view.equity)
        share = unwind_share(planned, signal.start_asset, floor.limits)
        plan = Plan(signal=signal, legs=planned, share=share)
        size = basket_plan_size(plan, view, floor.limits, scale)
        if isinstance(size, str):
            self._refuse(signal.strategy_id, first.instrument.id, "sizing", size)
            return
        self._start(
            Basket(
                trade_id=floor.next_trade_id(),
                strategy_id=signal.strategy_id,
                legs=planned,
                start_asset=signal.start_asset,
                start_quantity=size,
                unwind_loss=unwind_loss(size, share),
                notional=size,
                opened_time_ns=floor.out.now_ns,
                reason=signal.reason,
                holding={signal.start_asset: size},
            )
        )

    def _in_cycle(self, strategy_id: StrategyId) -> bool:
        baskets = self._floor.portfolio.baskets.values()
        return any(basket.strategy_id == strategy_id for basket in baskets)

    def _holds_something(self, strategy_id: StrategyId) -> bool:
        trades = self._floor.portfolio.open_trades(strategy_id)
        return self._in_cycle(strategy_id) or bool(trades)

    def _start(self, basket: Basket) -> None:
        floor = self._floor
        intent = legs.first_intent(basket)
        instrument_id = basket.legs[0].instrument.id
        if intent is None:
            self._refuse(basket.strategy_id, instrument_id, "sizing", "size rounds to nothing")
            return
        for index in range(1, len(basket.legs)):
            # Later legs are judged now, before the first one commits us to them.
            refusal = self._judge_later_leg(basket, index)
            if refusal is not None:
                floor.out.refusal(refusal)
                return
        slot = floor.board.slots[instrument_id]
        view = floor.risk_view(basket.strategy_id, slot, intent.side)
        match review(intent, view, floor.limits, floor.next_order_id()):
            case Refusal() as refusal:
                floor.out.refusal(refusal)
            case ApprovedOrder() as order:
                floor.portfolio.baskets[basket.trade_id] = basket
                floor.selection.opened(basket.trade_id)
                floor.submit(order)

    def _judge_later_leg(self, basket: Basket, index: int) -> Refusal | None:
        """Tradable, fresh, within the collar: all that can be judged without a quantity."""
        floor = self._floor
        leg = basket.legs[index]
        slot = floor.board.slots[leg.instrument.id]
        view = floor.risk_view(basket.strategy_id, slot, leg.side)
        intent = OrderIntent(
            strategy_id=basket.strategy_id,
            trade_id=basket.trade_id,
            instrument_id=leg.instrument.id,
            side=leg.side,
            quantity=leg.instrument.min_quantity,
            price=leg.price,
            purpose=Purpose.LEG,
            decision_price=leg.decision_price,
            unwind_loss=basket.unwind_loss,
        )
        return judge_later_leg(intent, view, floor.limits)

    def _refuse(
        self, strategy_id: StrategyId, instrument_id: InstrumentId, check: str, reason: str
    ) -> None:
        self._floor.out.refusal(
            Refusal(
                strategy_id=strategy_id,
                instrument_id=instrument_id,
                check=check,
                reason=reason,
                time_ns=self._floor.out.now_ns,
            )
        )


def _instrument_of(signal: Signal) -> InstrumentId:
    match signal:
        case EnterSignal():
            return signal.instrument_id
        case BasketSignal():
            return signal.legs[0].instrument_id if signal.legs else InstrumentId("")
        case _:
            return InstrumentId("")


def _plan(leg: Leg, slot: Slot) -> PlannedLeg:
    instrument = slot.instrument
    buying = leg.side is Side.BUY
    price = (
        instrument.price_up(leg.limit_price) if buying else instrument.price_down(leg.limit_price)
    )
    return PlannedLeg(
        instrument=instrument, side=leg.side, price=price, decision_price=to_decimal(slot.mid)
    )
