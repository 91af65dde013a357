"""Recorded bars in which nothing of ours can happen: board and venue remember them, strategies see
them, and nobody else is asked."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tradewinds.engine.board import Slot
from tradewinds.engine.floor import Floor
from tradewinds.model.events import MarketEvent, SoundBlock
from tradewinds.model.ids import InstrumentId
from tradewinds.model.market import Bar
from tradewinds.model.signal import Signal
from tradewinds.ports import MarketView, QuietMarket, QuietVenue, Strategy

Shown = Callable[[MarketEvent, MarketView], Sequence[Signal]]


class _Lane(NamedTuple):
    """One instrument: where it is remembered, and who looks at its bars of this length."""

    slot: Slot
    market: QuietMarket
    watchers: tuple[tuple[Shown, Strategy], ...]


class Quiet:
    """What `Driver.markets` does with such bars, in one loop; tests run both and compare."""

    def __init__(
        self,
        floor: Floor,
        view: MarketView,
        revalue: Callable[[float], None],
        wished: Callable[[Strategy, Signal], None],
        venue: QuietVenue,
    ) -> None:
        self._floor = floor
        self._view = view
        self._revalue = revalue
        self._wished = wished
        self._venue = venue
        self._lanes: dict[InstrumentId, _Lane] = {}
        self._timeframe_ns = 0
        self.made: Sequence[Bar] = ()

    def run(
        self,
        block: SoundBlock,
        start: int,
        until_ns: int,
        derive: Callable[[MarketEvent], Sequence[Bar]],
    ) -> int:
        """How far the block was taken in from `start`: up to what needs the long way, or with a bar
        after which there are commands to carry out, and then larger bars in `made` to show.
        """
        self.made = ()
        out, view, lanes = self._floor.out, self._view, self._lanes
        until_ns = min(until_ns, self._venue.next_due_ns, self._floor.breaker.day_end_ns)
        jump_max, commands = self._floor.limits.price_jump_max, out.commands
        for index in range(start, len(block)):
            bar = block[index]
            received_ns = bar.received_time_ns
            lane = lanes.get(bar.instrument_id) or self._lane(bar)
            if received_ns >= until_ns or lane is None or type(bar) is not Bar:
                return index
            slot, market, watchers = lane
            low, high, close = bar.low, bar.high, bar.close
            before, opened_ns, timeframe_ns = slot.mid, bar.open_time_ns, bar.timeframe_ns
            # What venue and board ask of a bar that is sound by itself. False for NaN.
            if not (
                low >= market.ask_below
                and high <= market.bid_above
                and low > market.bid_floor
                and high < market.ask_ceiling
                and timeframe_ns == market.timeframe_ns == self._timeframe_ns
                and market.showing is None
                and market.printed_ns <= opened_ns
                and not slot.quoted
                and abs(close - before) <= jump_max * before
                and opened_ns > slot.bar_times.get(timeframe_ns, -1)
                and received_ns >= out.now_ns
            ):
                return index
            market.last = close
            market.bar_received_ns = received_ns
            out.cause += 1
            out.now_ns = received_ns
            slot.bar_times[timeframe_ns] = opened_ns
            slot.bar_volume = bar.volume
            slot.tolerance_ns = timeframe_ns
            slot.quote = None
            slot.received_ns = received_ns
            slot.mid = close
            slot.suspect_left = 0
            if slot.value_quantity:
                self._revalue(slot.value_quantity * (close - before))
            for shown, strategy in watchers:
                for signal in shown(bar, view):
                    self._wished(strategy, signal)
            made = derive(bar)
            if made or commands:
                self.made = made
                return index + 1
        return len(block)

    def _lane(self, bar: MarketEvent) -> _Lane | None:
        """Made when first asked for: subscriptions do not change, slots and markets stay."""
        if type(bar) is not Bar:
            return None
        if bar.timeframe_ns != self._timeframe_ns:
            self._lanes.clear()
            self._timeframe_ns = bar.timeframe_ns
        slot = self._floor.board.slots.get(bar.instrument_id)
        market = self._venue.quiet_markets.get(bar.instrument_id)
        if slot is None or market is None:
            return None
        watchers = tuple(
            (strategy.on_event, strategy)
            for wanted_ns, strategy in slot.bar_watchers
            if not wanted_ns or wanted_ns == bar.timeframe_ns
        )
        lane = self._lanes[bar.instrument_id] = _Lane(slot, market, watchers)
        return lane
