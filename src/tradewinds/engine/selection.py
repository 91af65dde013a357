"""Weights at work: samples the market once an hour, learns from every round trip, benches and
brings back, and hands a benched strategy's signals to its twin."""

from collections.abc import Sequence
from typing import Final

from tradewinds.engine.board import Board, Slot
from tradewinds.engine.outbox import Outbox
from tradewinds.engine.paper_basket import PaperBaskets
from tradewinds.engine.twin import MARK, Twin
from tradewinds.features.regime import Sample, advance, context_of
from tradewinds.model.commands import RecordSelection
from tradewinds.model.ids import Asset, RunId, StrategyId, TradeId
from tradewinds.model.portfolio import Trade
from tradewinds.model.selection import ArmState, Context, RegimeState, SelectionState
from tradewinds.model.signal import BasketSignal, EnterSignal, ExitSignal, Signal, StopSignal
from tradewinds.model.symbols import DOLLARS
from tradewinds.risk.limits import RiskLimits
from tradewinds.strategies.selector import learned, new_arm, weighed

HOUR_NS: Final = 3_600_000_000_000
NEWS: Final = 0.05
"""Change of a weight that is worth a line in the journal."""


def cushion(drawdown: float, drawdown_halt: float) -> float:
    """How much of the way to the halt is left, in [0, 1]: each loss makes the next bet smaller, so
    that the halt is approached ever more slowly."""
    return min(max(1.0 - drawdown / drawdown_halt, 0.0), 1.0)


class Selection:
    """The selector's state within one run. Weights can only reduce risk."""

    def __init__(self, board: Board, out: Outbox, limits: RiskLimits, currency: Asset) -> None:
        self._board = board
        self._out = out
        self._currency = currency
        self._arms: dict[StrategyId, ArmState] = {}
        self._regime = RegimeState()
        self._contexts: dict[TradeId, Context] = {}
        self._baskets = PaperBaskets()
        self._run_id = RunId("")
        self._due_ns = 0
        self._on = False
        # The same share that bounds a real cycle's loss: the move and four fees of 0.1 %.
        self._share = limits.unwind_loss_bps / 10_000.0 + 0.004
        self.twin = Twin(board, self._rewarded)

    def start(
        self, run_id: RunId, strategies: Sequence[StrategyId], saved: SelectionState | None
    ) -> None:
        """Begin, or go on where an earlier run ended."""
        self._on = True
        self._run_id = run_id
        self._arms = {strategy_id: new_arm(strategy_id) for strategy_id in strategies}
        if saved is None:
            return
        self._regime, self._due_ns = saved.regime, saved.due_ns
        self._contexts = dict(saved.contexts)
        known = (arm for arm in saved.arms if arm.strategy_id in self._arms)
        self._arms.update({arm.strategy_id: arm for arm in known})
        self.twin.restore([t for t in saved.shadow if t.strategy_id in self._arms])

    def state(self) -> SelectionState | None:
        """For the checkpoint."""
        if not self._on:
            return None
        return SelectionState(
            regime=self._regime,
            arms=tuple(self._arms.values()),
            contexts=dict(self._contexts),
            shadow=tuple(self.twin.trades.values()),
            due_ns=self._due_ns,
        )

    @property
    def context(self) -> Context:
        """The state of the market now."""
        return context_of(self._regime)

    def weight(self, strategy_id: StrategyId) -> float:
        """In [0, 1]; 1 for whom nothing is known of, or while the selector is off."""
        arm = self._arms.get(strategy_id)
        return 1.0 if arm is None else min(max(arm.weight, 0.0), 1.0)

    def benched(self, strategy_id: StrategyId) -> bool:
        """Whether its signals go to the twin."""
        arm = self._arms.get(strategy_id)
        return arm is not None and arm.benched

    def shadowed(self, signal: Signal) -> bool:
        """Take a signal that must not lead to an order; False if it is not ours to take."""
        if isinstance(signal, ExitSignal | StopSignal):
            if not signal.trade_id.startswith(MARK):
                return False
            self.twin.take(signal, self._run_id, self._out.now_ns)
            if signal.trade_id not in self.twin.trades:
                self.forget(signal.trade_id)
            return True
        if not self.benched(signal.strategy_id):
            return False
        if isinstance(signal, BasketSignal):
            self._baskets.add(signal, self._out.now_ns)
        else:
            self._shadow_entry(signal)
        return True

    def _shadow_entry(self, signal: EnterSignal) -> None:
        trade_id = self.twin.take(signal, self._run_id, self._out.now_ns)
        if trade_id is not None:
            self._contexts[trade_id] = self.context

    def opened(self, trade_id: TradeId) -> None:
        """A real round trip begins in the market as it is now."""
        if self._on:
            self._contexts[trade_id] = self.context

    def forget(self, trade_id: TradeId) -> None:
        """It ended before it had begun."""
        self._contexts.pop(trade_id, None)

    def closed(self, trade: Trade) -> None:
        """A real round trip has ended; one that never held anything teaches nothing."""
        context = self._contexts.pop(trade.trade_id, None)
        if trade.approved_loss > 0 and trade.entry_quantity > 0:
            result = float(trade.realised / trade.approved_loss)
            self._learn(trade.strategy_id, result, context or self.context)

    def _rewarded(self, trade_id: TradeId, strategy_id: StrategyId, result: float) -> None:
        context = self._contexts.pop(trade_id, None)
        self._learn(strategy_id, result, context or self.context)

    def _learn(self, strategy_id: StrategyId, result: float, context: Context) -> None:
        arm = self._arms.get(strategy_id)
        if arm is not None:
            self._arms[strategy_id] = learned(arm, context, result)

    def beat(self) -> None:
        """The regular pulse: cycles on paper, and once an hour new weights."""
        if not self._on:
            return
        now_ns = self._out.now_ns
        for strategy_id, result in self._baskets.due(self._board, now_ns, self._share):
            self._learn(strategy_id, result, self.context)
        if now_ns >= self._due_ns:
            self._due_ns = now_ns - now_ns % HOUR_NS + HOUR_NS
            self._regime = advance(self._regime, self._samples())
            self._draw()

    def _draw(self) -> None:
        before = {arm.strategy_id: arm for arm in self._arms.values()}
        context, hour = self.context, self._out.now_ns // HOUR_NS
        for strategy_id, arm in before.items():
            self._arms[strategy_id] = weighed(arm, context, hour)
        after = tuple(self._arms.values())
        if any(_news(before[arm.strategy_id], arm) for arm in after):
            self._out.put(
                RecordSelection(
                    weights={arm.strategy_id: arm.weight for arm in after},
                    benched=tuple(arm.strategy_id for arm in after if arm.benched),
                    regime=context,
                    time_ns=self._out.now_ns,
                    cause=self._out.cause,
                )
            )

    def _samples(self) -> list[Sample]:
        slots = sorted(self._board.slots.values(), key=lambda slot: slot.instrument.id)
        return [
            Sample(slot.instrument.id, slot.mid, _liquid(slot))
            for slot in slots
            if slot.mid > 0.0
            and slot.instrument.quote == self._currency
            and slot.instrument.base not in DOLLARS
        ]


def _news(before: ArmState, after: ArmState) -> bool:
    return before.benched != after.benched or abs(after.weight - before.weight) >= NEWS


def _liquid(slot: Slot) -> float:
    """Quote asset shown at the touch, or traded in the last bar where there are only bars."""
    quote = slot.quote
    if slot.quoted and quote is not None:
        return (quote.bid_size + quote.ask_size) * slot.mid
    return slot.bar_volume * slot.mid
