"""Parameter sets of two rule families over the same bars, with costs, one position at a time.

A bar hides its path, so it is read against us: at the open what was decided at the last close,
then the stop, then the target. A decision at a close is carried out at the next open.
"""

import math
from array import array
from collections.abc import Sequence
from typing import Final, NamedTuple

from tradewinds.features.indicators import Atr, Ema, RollingMax, RollingMean
from tradewinds.features.kernels.bars import sane
from tradewinds.features.kernels.contract import (
    BAR_ROW,
    Doubles,
    Floats,
    Rules,
    SweepMarket,
    SweepResult,
    SweepTrade,
    doubles,
)

LENGTH_MAX: Final = 1_000_000
TICK_FUZZ: Final = 1e-6
CASH_MARGIN: Final = 1e-4
STOP, TARGET, SIGNAL, TIME = 0.0, 1.0, 2.0, 3.0
Bar = Sequence[float]


class PlainSweep:
    """See `contract.BarSweep`."""

    def __init__(self, bars: Doubles, market: SweepMarket) -> None:
        flat = doubles(bars, BAR_ROW).tolist()
        self._bars = [flat[at : at + BAR_ROW] for at in range(0, len(flat), BAR_ROW)]
        for number, bar in enumerate(self._bars):
            if not sane(bar):
                raise ValueError(impossible(number))
        self._market = market

    def run(self, sets: Sequence[Rules]) -> list[SweepResult]:
        """Each in turn."""
        return [self._simulated(rules).result() if usable(rules) else NO_RESULT for rules in sets]

    def detail(self, rules: Rules) -> tuple[list[SweepTrade], Floats]:
        """One set."""
        if not usable(rules):
            raise ValueError(unusable(rules))
        account = self._simulated(rules)
        return account.trades, account.curve

    def close(self) -> None:
        """It holds nothing."""

    def _simulated(self, rules: Rules) -> "_Account":
        account = _Account(rules, self._market)
        gauges = _Gauges(rules)
        for index, bar in enumerate(self._bars):
            if account.position is not None or account.waiting is not None:
                account.meet(index, bar)
                account.mark(bar[3])
            account.curve.append(account.equity)
            reading = gauges.update(bar)
            if reading is None:
                account.check_time(index)
            else:
                account.decide(index, bar, reading)
        return account


NO_RESULT: Final = SweepResult(*([math.nan] * len(SweepResult._fields)))


def usable(rules: Rules) -> bool:
    """Whether a set can be run."""
    lengths = [rules.fast, rules.slow, rules.atr]
    if rules.breakout:
        lengths += [rules.channel, rules.volume_bars]
    return (
        all(0.0 <= value < math.inf for value in rules.row())
        and rules.stop_atr > 0.0
        and all(1 <= length <= LENGTH_MAX and length == int(length) for length in lengths)
    )


def impossible(number: int) -> str:
    """What is said of a bar that cannot be true."""
    return f"bar {number} cannot be true: check the data (low <= open, close <= high, all above 0)"


def unusable(rules: Rules) -> str:
    """What is said of a set that cannot be run."""
    return f"cannot be run: lengths 1 to {LENGTH_MAX}, stop_atr above 0, nothing negative: {rules}"


class _Order(NamedTuple):
    side: float
    quantity: float
    limit: float
    stop: float
    target: float


class _Position:
    __slots__ = ("bar", "fees", "leaving", "order", "peak", "price", "stop")

    def __init__(self, order: _Order, bar: int, price: float, fees: float) -> None:
        self.order = order
        self.bar = bar
        self.price = self.peak = price
        self.fees = fees
        self.stop = order.stop
        self.leaving: float | None = None


class _Reading(NamedTuple):
    atr: float
    fast: float
    slow: float
    rises: bool
    falls: bool


class _Gauges:
    """What a set's indicators say at each close."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._fast, self._slow, self._atr = Ema(rules.fast), Ema(rules.slow), Atr(rules.atr)
        channel, volume_bars = (rules.channel, rules.volume_bars) if rules.breakout else (1, 1)
        self._highest, self._lowest = RollingMax(channel), RollingMax(channel)
        self._volume = RollingMean(volume_bars)
        self._sides = (True, True)

    def update(self, bar: Bar) -> _Reading | None:
        """None until every average is known."""
        _, high, low, close, _ = bar
        fast, slow = self._fast.update(close), self._slow.update(close)
        atr = self._atr.update(high, low, close)
        out = self._breakout(bar) if self._rules.breakout else None
        if self._rules.breakout and out is None:
            return None
        if fast is None or slow is None or atr is None:
            return None
        above, below = fast > slow, fast < slow
        was_above, was_below = self._sides
        self._sides = (above, below)
        if out is None:
            rises, falls = above and not was_above, below and not was_below
        else:
            rises, falls = out[0] and above, out[1] and below
        return _Reading(atr, fast, slow, rises, falls and self._rules.shorts)

    def _breakout(self, bar: Bar) -> tuple[bool, bool] | None:
        _, bar_high, bar_low, close, bar_volume = bar
        rules = self._rules
        high, low, volume = self._highest.value, self._lowest.value, self._volume.value
        self._highest.update(bar_high)
        if rules.shorts:
            self._lowest.update(-bar_low)
        self._volume.update(bar_volume)
        if high is None or volume is None:
            return None
        ratio = bar_volume / volume if volume > 0.0 else 0.0
        confirmed = ratio > rules.volume_factor or rules.volume_factor == 0.0
        below = low is not None and -close > low
        return confirmed and close > high, confirmed and below


class _Account:
    """Cash, at most one position, and what is counted."""

    def __init__(self, rules: Rules, market: SweepMarket) -> None:
        self._rules = rules
        self._market = market
        self._cash = self.equity = self._peak = market.cash
        self._free_from = 0.0
        self.position: _Position | None = None
        self.waiting: _Order | None = None
        self.trades: list[SweepTrade] = []
        self.curve = array("d")
        self._trades = self._wins = self._gained = self._lost = self._fees = 0.0
        self._drawdown = self._held = self._returns = self._squares = self._turnover = 0.0
        self._worst = self._best = self._missed = self._slippage = 0.0

    def meet(self, index: int, bar: Bar) -> None:
        """The bar's path, read against us."""
        order, self.waiting = self.waiting, None
        if order is not None:
            self._enter(index, bar[0], order)
        position = self.position
        if position is None:
            return
        self._held += 1.0
        side, target = position.order.side, position.order.target
        favour = bar[1] if side > 0.0 else bar[2]
        ended = _ending(position, bar)
        if ended is not None:
            price, reason = ended
            filled = taken(self._market, -side, price)
            self._slippage += position.order.quantity * side * (price - filled)
            self._leave(index, filled, self._market.taker_fee, reason)
        elif target > 0.0 and side * (favour - target) > self._market.tick * (1.0 - TICK_FUZZ):
            self._leave(index, target, self._market.maker_fee, TARGET)
        elif index > position.bar and side * favour > side * position.peak:
            position.peak = favour

    def _enter(self, index: int, opened: float, order: _Order) -> None:
        price = taken(self._market, order.side, opened)
        if order.side * price > order.side * order.limit:
            self._missed += 1.0
            return
        paid = order.quantity * price
        fees = paid * self._market.taker_fee
        self._cash -= order.side * paid + fees
        self._fees += fees
        self._turnover += paid
        self._slippage += order.quantity * order.side * (price - opened)
        self.position = _Position(order, index, price, fees)

    def _leave(self, index: int, price: float, rate: float, reason: float) -> None:
        position = self.position
        assert position is not None
        order = position.order
        got = order.quantity * price
        fees = got * rate
        self._cash += order.side * got - fees
        all_fees = position.fees + fees
        net = order.side * order.quantity * (price - position.price) - all_fees
        self._fees += fees
        self._turnover += got
        self._trades += 1.0
        if net > 0.0:
            self._wins += 1.0
            self._gained += net
        else:
            self._lost -= net
        self._worst, self._best = min(self._worst, net), max(self._best, net)
        self.trades.append(
            SweepTrade(
                entry_bar=float(position.bar),
                exit_bar=float(index),
                side=order.side,
                quantity=order.quantity,
                entry_price=position.price,
                exit_price=price,
                stop=order.stop,
                fees=all_fees,
                net=net,
                reason=reason,
            )
        )
        self.position = None
        # One within the entry's bar was never seen at a close: the signal's own cooldown goes on.
        if index > position.bar:
            self._free_from = index + float(self._rules.cooldown)

    def mark(self, close: float) -> None:
        """Equity at a close, and what it says about return and drawdown."""
        held = 0.0
        if self.position is not None:
            order = self.position.order
            held = order.side * order.quantity * close
        equity = self._cash + held
        if equity == self.equity:
            return
        if self.equity > 0.0:
            change = equity / self.equity - 1.0
            self._returns += change
            self._squares += change * change
        self.equity = equity
        self._peak = max(self._peak, equity)
        self._drawdown = max(self._drawdown, 1.0 - equity / self._peak)

    def check_time(self, index: int) -> bool:
        """The time stop asks no indicator."""
        position, hold_max = self.position, self._rules.hold_max
        if position is not None and hold_max > 0 and index - position.bar >= hold_max:
            position.leaving = TIME
            return True
        return False

    def decide(self, index: int, bar: Bar, reading: _Reading) -> None:
        """At a close."""
        if self.check_time(index):
            return
        if self.position is not None:
            self._follow(self.position, bar, reading)
        elif reading.rises or reading.falls:
            free = index >= self._free_from and index >= self._market.first_bar
            if free and self.equity > 0.0:
                self._want(index, bar[3], reading)

    def _want(self, index: int, close: float, reading: _Reading) -> None:
        market, rules = self._market, self._rules
        side = 1.0 if reading.rises else -1.0
        distance = rules.stop_atr * reading.atr
        stop = toward(market, side, close - side * distance)
        if stop <= 0.0 or distance <= 0.0:
            return
        limit = toward(market, -side, close * (1.0 + side * market.entry_slack))
        # A seller may get more than the worst price, and then holds more.
        prices = limit, stop, max(limit, close) if side < 0.0 else limit
        quantity = sized(market, side, prices, self.equity) if limit > 0.0 else 0.0
        if quantity <= 0.0:
            self._missed += 1.0
            return
        target = 0.0
        if rules.target_atr > 0.0:
            target = toward(market, -side, close + side * rules.target_atr * reading.atr)
        self._free_from = index + float(rules.cooldown)
        self.waiting = _Order(side, quantity, limit, stop, target)

    def _follow(self, position: _Position, bar: Bar, reading: _Reading) -> None:
        """Leave at the next open, or draw the stop nearer."""
        rules, side, close = self._rules, position.order.side, bar[3]
        if rules.breakout:
            broken = side * close < side * reading.slow
        else:
            broken = side * reading.fast <= side * reading.slow
        if broken:
            position.leaving = SIGNAL
            return
        if rules.trail_atr <= 0.0:
            return
        stop = position.peak - side * rules.trail_atr * reading.atr
        if side * stop >= side * close:
            position.leaving = SIGNAL
        elif side * stop > side * position.stop + rules.trail_step_atr * reading.atr:
            # Away from the market: rounding must not make a stop that would trigger at once.
            position.stop = toward(self._market, -side, stop)

    def result(self) -> SweepResult:
        """The row."""
        return SweepResult(
            equity=self.equity,
            trades=self._trades,
            wins=self._wins,
            gained=self._gained,
            lost=self._lost,
            fees=self._fees,
            drawdown=self._drawdown,
            bars_held=self._held,
            returns=self._returns,
            squares=self._squares,
            turnover=self._turnover,
            worst_trade=self._worst,
            best_trade=self._best,
            missed=self._missed,
            slippage=self._slippage,
            open_at_end=0.0 if self.position is None else 1.0,
        )


def _ending(position: _Position, bar: Bar) -> tuple[float, float] | None:
    """Price (before slippage) and reason, where the bar ends the position at the open or a stop."""
    opened, high, low = bar[0], bar[1], bar[2]
    side, stop = position.order.side, position.stop
    if position.leaving is not None:
        return opened, position.leaving
    if side * opened <= side * stop:
        return opened, STOP
    if side * (low if side > 0.0 else high) <= side * stop:
        return stop, STOP
    return None


def toward(market: SweepMarket, side: float, price: float) -> float:
    """On a tick, up for a side of 1 and down for -1."""
    tick = market.tick
    if not tick > 0.0:
        return price
    if side > 0.0:
        return math.ceil(price / tick - TICK_FUZZ) * tick
    return math.floor(price / tick + TICK_FUZZ) * tick


def taken(market: SweepMarket, side: float, price: float) -> float:
    """What a taker gets: worse by the slippage, and never below one tick."""
    worse = toward(market, side, price * (1.0 + side * market.slippage))
    return max(worse, market.tick)


def sized(
    market: SweepMarket, side: float, prices: tuple[float, float, float], equity: float
) -> float:
    """Base quantity for (worst price, stop, price to value it by), in whole lots; 0 for none."""
    worst, stop, value = prices
    stop_fill = stop * (1.0 - side * market.stop_allowance)
    fee = max(market.taker_fee, market.maker_fee)
    loss = max(side * (worst - stop_fill), 0.0) + (worst + max(worst, stop_fill)) * fee
    risk = min(market.risk_share * equity, market.risk_money)
    quantity = risk / loss if loss > 0.0 else math.inf
    quantity = min(quantity, market.exposure * equity / value)
    quantity = min(quantity, equity / (value * (1.0 + fee + CASH_MARGIN)))
    if market.lot > 0.0:
        quantity = math.floor(quantity / market.lot + TICK_FUZZ) * market.lot
    return quantity if quantity > 0.0 and quantity * worst >= market.notional_min else 0.0
