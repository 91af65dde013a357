"""An engine, a bus and a past that live in memory, for tests and for looking at the pages."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import msgspec

from tradewinds.model.decimals import round_to_places
from tradewinds.model.errors import StoreUnavailable, VenueUnavailable
from tradewinds.model.ids import Asset, InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.ledger import DayResult
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade, TradePhase, TradingState
from tradewinds.model.snapshot import (
    TOPIC_ACTIVITY,
    TOPIC_SNAPSHOT,
    Activity,
    EmergencyRequest,
    LimitsRow,
    OperatorReply,
    OperatorRequest,
    PositionRow,
    PriceRow,
    Snapshot,
    StrategyRow,
    SwitchRequest,
)

NS = 1_000_000_000
DAY_NS = 86_400 * NS
START_NS = 1_736_000_000 * NS
PRICES = {
    "BTC/USDT": (96_412.10, 1),
    "ETH/USDT": (3_381.42, 2),
    "ETH/BTC": (0.035072, 6),
    "SOL/USDT": (197.31, 2),
    "XRP/USDT": (2.2874, 4),
    "ADA/USDT": (0.9421, 4),
    "DOGE/USDT": (0.3371, 5),
    "USDC/USDT": (1.0002, 4),
}
LIMITS = LimitsRow(
    loss_per_trade_max=Decimal(10),
    loss_per_day_max=Decimal(20),
    reserve=Decimal(200),
    exposure_total_max=Decimal(800),
    exposure_per_instrument_max=Decimal(400),
    leverage_max=Decimal(3),
    drawdown_reduce=0.04,
    drawdown_halt=0.05,
)


def at(symbol: str) -> InstrumentId:
    return InstrumentId(f"{symbol}@sim")


def cents(value: float) -> Decimal:
    return round_to_places(Decimal(repr(round(value, 6))), 2)


class FakeEngine:
    """Makes plausible snapshots and lines; obeys the operator."""

    def __init__(self, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self.tick = 0
        self.state = TradingState.ACTIVE
        self.reason = ""
        self.enabled = {"momentum": True, "triangular": True}
        self.flat = False
        self.mids = {symbol: price for symbol, (price, _) in PRICES.items()}
        self.received: list[object] = []
        self.feed_label = "SYNTHETIC seed 7"
        self.synthetic = True
        self.emergency_works = True
        self.started_ns = time.time_ns()

    def step(self) -> Snapshot:
        self.tick += 1
        for symbol in self.mids:
            self.mids[symbol] *= 1 + self.dice.gauss(0, 0.0004)
        return self.snapshot()

    def snapshot(self) -> Snapshot:
        positions = () if self.flat else self.positions()
        unrealised = sum((row.unrealised for row in positions), Decimal(0))
        realised = Decimal("-3.42")
        risk = sum((row.worst_loss for row in positions), Decimal(0))
        now_ns = START_NS + self.tick * 15 * NS
        equity = Decimal("1012.61") + unrealised + cents(2 * math.sin(self.tick / 20))
        return Snapshot(
            run_id=RunId("3f9c01ab77"),
            mode="paper",
            feed_label=self.feed_label,
            synthetic=self.synthetic,
            trading_state=self.state,
            state_reason=self.reason,
            currency=Asset("USDT"),
            starting_equity=Decimal(1000),
            equity=equity,
            cash=Decimal("641.87"),
            day_pnl=realised + unrealised,
            realised_today=realised,
            open_risk=risk,
            day_loss_used=-realised + risk,
            drawdown=0.0062,
            positions=positions,
            strategies=self.strategies(len(positions)),
            prices=self.prices(),
            limits=LIMITS,
            working_orders=2 * len(positions),
            trades_closed=143,
            events_total=1_204_331 + self.tick * 400,
            events_per_second=1612.4,
            decision_p50_us=17.0,
            decision_p99_us=84.0,
            anomalies=3,
            journal_sequence=1_204_331 + self.tick * 400,
            engine_pid=4242,
            started_wall_ns=self.started_ns,
            time_ns=now_ns,
            wall_time_ns=time.time_ns(),
            progress=None,
            finished=False,
        )

    def positions(self) -> tuple[PositionRow, ...]:
        return (
            self.position("t1", "momentum", "BTC/USDT", Side.BUY, "0.00162"),
            self.position("t2", "momentum", "SOL/USDT", Side.BUY, "0.61"),
            self.position("t3", "momentum", "XRP/USDT", Side.SELL, "48"),
        )

    def position(
        self, trade: str, strategy: str, symbol: str, side: Side, quantity: str
    ) -> PositionRow:
        entry, places = PRICES[symbol]
        last = round_to_places(Decimal(repr(self.mids[symbol])), places)
        sign = 1 if side is Side.BUY else -1
        held = Decimal(quantity)
        entry_price = Decimal(str(entry))
        return PositionRow(
            trade_id=TradeId(trade),
            strategy_id=StrategyId(strategy),
            instrument_id=at(symbol),
            side=side,
            quantity=held,
            entry_price=entry_price,
            last_price=last,
            stop_price=round_to_places(entry_price * (1 - sign * Decimal("0.012")), places),
            target_price=None,
            unrealised=cents(float((last - entry_price) * held) * sign),
            worst_loss=cents(float(entry_price * held) * 0.0145),
            opened_time_ns=START_NS - 733 * NS,
        )

    def strategies(self, held: int) -> tuple[StrategyRow, ...]:
        return (
            self.strategy("momentum", held, "-3.42", "8.11"),
            self.strategy("triangular", 0, "0.00", "4.50"),
        )

    def strategy(self, name: str, held: int, today: str, total: str) -> StrategyRow:
        return StrategyRow(
            strategy_id=StrategyId(name),
            enabled=self.enabled[name],
            weight=0.5,
            open_trades=held,
            net_today=Decimal(today),
            net_total=Decimal(total),
            signals=412,
            refusals=57,
        )

    def prices(self) -> tuple[PriceRow, ...]:
        rows = []
        for symbol, (first, places) in PRICES.items():
            mid, step = self.mids[symbol], 10**-places
            rows.append(
                PriceRow(
                    instrument_id=at(symbol),
                    bid=round(mid - step, places),
                    ask=round(mid + step, places),
                    change_day=mid / first - 1,
                    age_ms=self.dice.uniform(20, 400),
                )
            )
        return tuple(rows)

    def line(self, kind: str, title: str, detail: str, symbol: str = "BTC/USDT") -> Activity:
        return Activity(
            time_ns=START_NS + self.tick * 15 * NS,
            kind=kind,
            strategy_id=StrategyId("momentum"),
            instrument_id=at(symbol),
            title=title,
            detail=detail,
        )

    def chatter(self) -> list[Activity]:
        symbol = self.dice.choice(list(PRICES))
        price = f"{self.mids[symbol]:.{PRICES[symbol][1]}f}"
        lines = [
            ("signal", "buy, strength 0.62", "20-bar breakout, trend +1.8 sigma"),
            ("refusal", "refused by daily_loss", "worst case 21.14 would pass the limit of 20.00"),
            ("order", f"limit buy 0.0016 at {price}: open", "tw-3f9c01ab77-8841 (enter)"),
            ("fill", f"buy 0.0016 at {price}", "tw-3f9c01ab77-8841, fee 0.15 USDT"),
            ("trade", "buy closed, realised -1.21", "stop"),
            ("state", "state: reducing", "drawdown 4.1% passed 4.0%"),
            ("anomaly", "crossed quote dropped (x1)", "bid above ask"),
            ("equity", "equity 1,012.61", "cash 641.87"),
        ]
        weights = [8, 6, 6, 5, 3, 0.4, 0.4, 1]
        return [self.line(*self.dice.choices(lines, weights)[0], symbol=symbol)]

    def obey(self, verb: str, payload: bytes) -> bytes:
        if verb == "status":
            return msgspec.msgpack.encode(self.snapshot())
        kinds: dict[str, type] = {"emergency": EmergencyRequest, "strategy": SwitchRequest}
        request = msgspec.msgpack.decode(payload, type=kinds.get(verb, OperatorRequest))
        self.received.append((verb, request))
        if verb == "strategy":
            self.enabled[request.strategy_id] = request.enabled
        elif verb == "resume":
            self.state, self.reason, self.flat = TradingState.ACTIVE, "", False
        elif verb == "pause":
            self.state, self.reason = TradingState.REDUCING, "paused by the operator"
        elif self.emergency_works:
            self.state, self.reason, self.flat = TradingState.HALTED, "emergency stop", True
        reply = OperatorReply(
            command_id=request.command_id,
            done=verb != "emergency" or self.emergency_works,
            detail="6 orders canceled, 3 positions closed" if verb == "emergency" else "",
            elapsed_ms=84.0,
        )
        return msgspec.msgpack.encode(reply)


class FakeBus:
    """Publishes what the engine makes, every `period_s`, until `gone`."""

    def __init__(self, engine: FakeEngine, period_s: float = 0.25) -> None:
        self.engine = engine
        self.period_s = period_s
        self.gone = False
        self.burst: list[Activity] = []

    async def publish(self, topic: str, payload: bytes) -> None:
        raise AssertionError("the dashboard publishes nothing")

    async def subscribe(self, topics: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        while not self.gone:
            snapshot = self.engine.step()
            yield TOPIC_SNAPSHOT, msgspec.msgpack.encode(snapshot)
            lines, self.burst = [*self.burst, *self.engine.chatter()], []
            yield TOPIC_ACTIVITY, msgspec.msgpack.encode(lines)
            await asyncio.sleep(self.period_s)

    async def request(self, verb: str, payload: bytes, timeout_s: float) -> bytes:
        if self.gone:
            raise VenueUnavailable("nobody listens on the bus")
        return self.engine.obey(verb, payload)


class FakeHistory:
    """A made-up past of `days` days; `broken` raises as a locked database would."""

    def __init__(self, days: int = 40, seed: int = 11) -> None:
        self.days = days
        self.broken = False
        self._dice = random.Random(seed)
        self._trades = [self._trade(number) for number in range(days * 4)]

    def equity_curve(self, points_max: int) -> Sequence[tuple[int, Decimal]]:
        self._check()
        dice, equity, points = random.Random(3), 1000.0, []
        count = min(points_max, self.days * 24)
        for number in range(count):
            # A random walk that is led back to where the live part starts.
            equity += dice.gauss(0.0, 1.1) + (1012.6 - equity) / (count - number)
            time_ns = START_NS - (count - number) * 3600 * NS
            points.append((time_ns, cents(equity)))
        return points

    def trades(self, offset: int, limit: int) -> Sequence[Trade]:
        self._check()
        return self._trades[offset : offset + limit]

    def recent_activity(self, limit: int) -> Sequence[Activity]:
        self._check()
        return []

    def day_results(self) -> Sequence[DayResult]:
        self._check()
        dice, last_day = random.Random(5), START_NS // DAY_NS
        return [
            DayResult(
                day=last_day - self.days + number,
                strategy_id=StrategyId(strategy),
                instrument_id=at(symbol),
                gross=cents(dice.gauss(0.9, 2.0)),
                fees=cents(dice.uniform(0.1, 0.6)),
                funding=Decimal(0),
                slippage=cents(dice.uniform(0.02, 0.2)),
                ai_cost=Decimal(0),
            )
            for number in range(self.days)
            for strategy, symbol in (("momentum", "BTC/USDT"), ("triangular", "ETH/BTC"))
        ]

    def _check(self) -> None:
        if self.broken:
            raise StoreUnavailable("database is locked")

    def _trade(self, number: int) -> Trade:
        symbol = self._dice.choice(["BTC/USDT", "SOL/USDT", "XRP/USDT"])
        price, places = PRICES[symbol]
        closed_ns = START_NS - number * 5400 * NS
        move = self._dice.gauss(0.0006, 0.008)
        quantity = round_to_places(Decimal(repr(200 / price)), 5)
        return Trade(
            trade_id=TradeId(f"3f9c01ab77-t{500 - number}"),
            strategy_id=StrategyId("momentum"),
            instrument_id=at(symbol),
            side=Side.BUY,
            phase=TradePhase.CLOSED,
            quantity=Decimal(0),
            entry_price=Decimal(str(price)),
            stop_price=round_to_places(Decimal(str(price)) * Decimal("0.99"), places),
            opened_time_ns=closed_ns - 3100 * NS,
            entry_quantity=quantity,
            exit_quantity=quantity,
            exit_price=round_to_places(Decimal(repr(price * (1 + move))), places),
            fees=Decimal("0.39"),
            realised=cents(200 * move - 0.39),
            closed_time_ns=closed_ns,
            exit_reason=self._dice.choice(["stop", "target", "signal"]),
        )
