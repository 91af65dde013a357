"""What time brings: the start, the beat, the UTC day, the equity curve, the checkpoint."""

from decimal import Decimal

from tradewinds.engine import inventory
from tradewinds.engine.closer import Closer
from tradewinds.engine.floor import Floor
from tradewinds.engine.lines import Lines, lines_of
from tradewinds.engine.peg import Peg
from tradewinds.ledger.ledger import Ledger
from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.commands import RecordEquity, RecordTransaction
from tradewinds.model.decimals import ZERO
from tradewinds.model.events import RunStarted
from tradewinds.model.ids import InstrumentId
from tradewinds.model.order import Purpose
from tradewinds.model.portfolio import TradePhase, TradingState

PEAK_STEP = 1.0002
"""A new peak counts when it is two bps higher: a rally need not be weighed at every quote."""
UNFINISHED = frozenset({Purpose.ENTER, Purpose.LEG, Purpose.UNWIND})
STALE_FACTOR = 3
"""Every price older than this many staleness limits means the feed itself is gone."""


class Upkeep:
    """Regular work that no market event asks for."""

    def __init__(self, floor: Floor, closer: Closer) -> None:
        self._floor = floor
        self._closer = closer
        self._equity_due_ns = 0
        self._equity = 0.0
        self._height = 0.0
        self._alarm = 0.0
        self._started_ns = 0
        self._lines: Lines | None = None
        self._newest_ns = self._judged_ns = -1
        self._resumed, self._begun = False, True
        self._peg = Peg(())
        self._silent_ns = int(floor.limits.stale_after_s * 1e9) * STALE_FACTOR
        self._equity_every_ns = int(floor.settings.equity_every_s * 1e9)

    def start(self, event: RunStarted) -> None:
        """Take up where an earlier run ended, or open the books."""
        floor, portfolio = self._floor, self._floor.portfolio
        self._started_ns = floor.out.now_ns
        self._peg = Peg(floor.board.slots.values())
        saved = event.checkpoint
        if saved is None:
            rates = {asset: portfolio.rate(asset) or ZERO for asset in event.opening_balances}
            balances = dict(event.opening_balances)
            for asset in floor.settings.inventory:
                if balances.get(asset) and not rates[asset]:
                    portfolio.waiting[asset] = balances.pop(asset)
            opening = portfolio.ledger.open(balances, rates, event.venue_time_ns)
            floor.out.put(RecordTransaction(transaction=opening, cause=floor.out.cause))
        else:
            self._restore(saved)
        portfolio.mark_values()
        equity = self._equity_now()
        floor.breaker.start(floor.out.now_ns, equity, None if saved is None else saved.risk)
        self._judge(equity)
        self._closer.tell_state()
        self._record_equity(equity)
        self._resumed, self._begun = saved is not None, False
        if event.own_runs is None:
            self.begin()

    def begin(self) -> None:
        """Once after the start: at a venue after its first reading, for until then nobody knows
        whether the user has sold what we would sell."""
        if self._begun:
            return
        self._begun = True
        if self._resumed:
            self._tidy_up()
        if self._floor.breaker.state is TradingState.HALTED:
            self._closer.flatten(self._floor.breaker.reason)

    def _restore(self, saved: Checkpoint) -> None:
        floor, portfolio = self._floor, self._floor.portfolio
        portfolio.ledger = Ledger.restore(saved.ledger)
        portfolio.waiting.update(saved.waiting)
        portfolio.orders.restore(saved.orders)
        portfolio.trades.update({trade.trade_id: trade for trade in saved.trades})
        floor.disabled.update(saved.disabled_strategies)
        for instrument_id, price in saved.last_prices.items():
            # Good enough to value by; too old to trade on until a fresh price comes.
            slot = floor.board.slots.get(instrument_id)
            if slot is not None and slot.mid == 0.0:
                slot.mid = slot.open_mid = price

    def _tidy_up(self) -> None:
        """After a restart: no entry of the past may fill, every position gets its stop, and what
        an interrupted basket left behind is sold."""
        floor, portfolio = self._floor, self._floor.portfolio
        for order in portfolio.orders.working():
            if order.approved.purpose in UNFINISHED:
                floor.cancel(order.approved.client_order_id)
        self._closer.sell_leftovers("left over by an interrupted basket")
        for trade in list(portfolio.trades.values()):
            if trade.phase is TradePhase.CLOSING:
                self._closer.request_exit(trade.trade_id, "was closing before the restart")
            else:
                self._closer.attend(trade.trade_id)

    def revalue(self, change: float) -> None:
        """A price that moves our equity has moved: look closer only when it may matter."""
        self._equity += change
        if not self._alarm <= self._equity <= self._height:
            equity = self._floor.portfolio.equity()
            if equity is not None:
                self._judge(equity)

    def _judge(self, equity: Decimal) -> None:
        floor = self._floor
        breaker = floor.breaker
        realised = floor.portfolio.settled(breaker.day)
        lines = self._lines
        if (
            lines is None
            or lines.day_start is not breaker.day_start_equity
            or lines.peak is not breaker.peak_equity
            or not lines.calm_above < equity <= lines.peak
            or not realised > lines.calm_result
        ):
            self._closer.obey(breaker.judge_equity(equity, realised))
            lines = self._lines = lines_of(breaker, floor.limits)
        self._set_alarm(equity, lines)

    def _set_alarm(self, equity: Decimal, lines: Lines) -> None:
        """Judge again when half a percent lower, or at the nearest limit if that comes first."""
        self._equity = float(equity)
        self._height = lines.top * PEAK_STEP
        below, alarm = self._equity * (1 - 1e-9), self._equity * 0.995
        for line in lines.limits:
            if alarm < line <= below:
                alarm = line
        self._alarm = alarm

    def beat(self) -> None:
        """The regular pulse: retries, staleness, the equity curve."""
        floor = self._floor
        if floor.portfolio.waiting and inventory.take_in(floor):
            self._judge(self._equity_now())
            self._record_equity(self._equity_now())
        self._judge_feed()
        self._judge_peg()
        self._closer.beat()
        if floor.out.now_ns >= self._equity_due_ns:
            equity = floor.portfolio.equity()
            if equity is not None:
                self._judge(equity)
            self._record_equity(self._equity_now() if equity is None else equity)

    def _judge_feed(self) -> None:
        now_ns = self._floor.out.now_ns
        newest = -1
        for slot in self._floor.board.slots.values():
            newest = max(newest, slot.received_ns + slot.tolerance_ns)
        known_ns, judged_ns = self._newest_ns, self._judged_ns
        self._newest_ns, self._judged_ns = newest, now_ns
        # Before the first price comes, the feed is as old as the run.
        age_ns = now_ns - max(newest, self._started_ns)
        if age_ns <= self._silent_ns:
            self._hold("feed", "")
            return
        # Prices that came since the last beat, a moment ago, and are old all the same.
        recent = now_ns - judged_ns < self._silent_ns
        moved = recent and newest not in (-1, known_ns)
        late = f"market data is {age_ns // 10**9} s old: is this machine's clock right?"
        self._hold("feed", late if moved else "no market data")

    def _judge_peg(self) -> None:
        held = (a for a in self._floor.settings.inventory if self._floor.portfolio.stocked(a))
        off = self._peg.broken() or inventory.off_peg(self._floor, held)
        self._hold("peg", f"a dollar coin is off its peg: {off}" if off else "")

    def _hold(self, cause: str, reason: str) -> None:
        """Nothing new is risked while there is a reason not to."""
        breaker = self._floor.breaker
        if reason:
            changed = breaker.raise_cause(cause, TradingState.REDUCING, reason)
        else:
            changed = breaker.clear_cause(cause)
        if changed:
            self._closer.tell_state()

    def roll_day(self) -> None:
        """A new UTC day begins with the equity of this instant."""
        floor = self._floor
        if not floor.run_id:
            return
        state = floor.breaker.state
        equity = self._equity_now()
        floor.breaker.roll_day(floor.out.now_ns, equity)
        floor.portfolio.roll_day()
        for slot in floor.board.slots.values():
            slot.open_mid = slot.mid
        self._judge(equity)
        self._record_equity(equity)
        if floor.breaker.state is not state:
            self._closer.tell_state()

    def _equity_now(self) -> Decimal:
        """Equity, or the last known one while something cannot be valued."""
        equity = self._floor.portfolio.equity()
        return self._floor.breaker.day_start_equity if equity is None else equity

    def _record_equity(self, equity: Decimal) -> None:
        floor = self._floor
        self._equity_due_ns = floor.out.now_ns + self._equity_every_ns
        floor.out.put(
            RecordEquity(
                equity=equity,
                cash=floor.portfolio.cash(),
                realised_today=floor.portfolio.realised(floor.breaker.day),
                open_risk=floor.portfolio.open_risk(),
                time_ns=floor.out.now_ns,
                cause=floor.out.cause,
            )
        )

    def checkpoint(self) -> Checkpoint:
        """All that a restart needs."""
        floor, portfolio = self._floor, self._floor.portfolio
        prices: dict[InstrumentId, float] = {
            slot.instrument.id: slot.mid for slot in floor.board.slots.values() if slot.mid
        }
        return Checkpoint(
            time_ns=floor.out.now_ns,
            ledger=portfolio.ledger.state(),
            risk=floor.breaker.saved(),
            trades=tuple(portfolio.trades.values()),
            orders=tuple(portfolio.orders.working()),
            disabled_strategies=tuple(sorted(floor.disabled)),
            last_prices=prices,
            selection=floor.selection.state(),
            waiting=dict(portfolio.waiting),
        )
