"""The engine's state as a Snapshot for pages and `status`."""

from decimal import Decimal
from typing import Final

from msgspec import Struct

from tradewinds.engine.board import Slot
from tradewinds.engine.engine import Engine
from tradewinds.execution.trade_book import unrealised
from tradewinds.model.decimals import ONE, ZERO, round_to_places, to_decimal
from tradewinds.model.ids import StrategyId
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import LimitsRow, PositionRow, PriceRow, Snapshot, StrategyRow
from tradewinds.risk.exposure import trade_exposure

CENTS: Final = 2


class Pulse(Struct, frozen=True, kw_only=True):
    """What only the edge knows. Latencies in microseconds; times in wall nanoseconds."""

    account: str
    mode: str
    feed_label: str
    synthetic: bool
    starting_equity: Decimal
    events_total: int
    events_per_second: float
    decision_p50_us: float
    decision_p99_us: float
    journal_sequence: int
    engine_pid: int
    started_wall_ns: int
    now_ns: int
    wall_time_ns: int
    progress: float | None
    finished: bool


def snapshot(engine: Engine, pulse: Pulse) -> Snapshot:
    """All that a page shows, as of now."""
    floor = engine.floor
    portfolio, breaker = floor.portfolio, floor.breaker
    equity = portfolio.equity()
    valued = breaker.day_start_equity if equity is None else equity
    realised = portfolio.realised(breaker.day)
    open_risk = portfolio.open_risk()
    return Snapshot(
        run_id=floor.run_id,
        account=pulse.account,
        mode=pulse.mode,
        feed_label=pulse.feed_label,
        synthetic=pulse.synthetic,
        trading_state=breaker.state,
        state_reason=breaker.reason,
        currency=floor.settings.currency,
        starting_equity=pulse.starting_equity + breaker.shifted,
        equity=valued,
        cash=portfolio.cash(),
        day_pnl=valued - breaker.day_start_equity,
        realised_today=realised,
        open_risk=open_risk,
        day_loss_used=max(ZERO, -realised) + open_risk,
        drawdown=breaker.drawdown(valued),
        positions=tuple(_positions(engine)),
        strategies=tuple(_strategy(engine, s.strategy_id) for s in engine.strategies),
        prices=tuple(_price(slot, pulse.now_ns) for slot in floor.board.slots.values() if slot.mid),
        limits=_limits(engine),
        working_orders=len(portfolio.orders.working()),
        trades_closed=portfolio.trades_closed,
        events_total=pulse.events_total,
        events_per_second=pulse.events_per_second,
        decision_p50_us=pulse.decision_p50_us,
        decision_p99_us=pulse.decision_p99_us,
        anomalies=floor.out.anomalies,
        journal_sequence=pulse.journal_sequence,
        engine_pid=pulse.engine_pid,
        started_wall_ns=pulse.started_wall_ns,
        time_ns=floor.out.now_ns,
        wall_time_ns=pulse.wall_time_ns,
        progress=pulse.progress,
        finished=pulse.finished,
    )


def _positions(engine: Engine) -> list[PositionRow]:
    trades = engine.floor.portfolio.trades.values()
    return [_position(engine, trade) for trade in trades if trade.quantity]


def _position(engine: Engine, trade: Trade) -> PositionRow:
    floor = engine.floor
    instrument = floor.board.slots[trade.instrument_id].instrument
    price = floor.board.price(trade.instrument_id) or trade.entry_price
    rate = floor.portfolio.rate(instrument.quote) or ONE
    return PositionRow(
        trade_id=trade.trade_id,
        strategy_id=trade.strategy_id,
        instrument_id=trade.instrument_id,
        side=trade.side,
        quantity=trade.quantity,
        entry_price=trade.entry_price,
        last_price=price,
        stop_price=trade.stop_price,
        target_price=trade.target_price,
        unrealised=unrealised(trade, price) * rate,
        worst_loss=trade_exposure(trade, instrument, rate, floor.limits).worst_loss,
        opened_time_ns=trade.opened_time_ns,
    )


def _strategy(engine: Engine, strategy_id: StrategyId) -> StrategyRow:
    floor = engine.floor
    ledger = floor.portfolio.ledger
    return StrategyRow(
        strategy_id=strategy_id,
        enabled=strategy_id not in floor.disabled,
        weight=floor.scale(strategy_id),
        open_trades=len(floor.portfolio.open_trades(strategy_id)),
        net_today=ledger.realised(day=floor.breaker.day, strategy_id=strategy_id).net,
        net_total=ledger.realised(strategy_id=strategy_id).net,
        signals=engine.desk.signals.get(strategy_id, 0),
        refusals=floor.out.refused.get(strategy_id, 0),
    )


def _price(slot: Slot, now_ns: int) -> PriceRow:
    quote = slot.quote
    return PriceRow(
        instrument_id=slot.instrument.id,
        bid=slot.mid if quote is None else quote.bid,
        ask=slot.mid if quote is None else quote.ask,
        change_day=slot.mid / slot.open_mid - 1.0 if slot.open_mid else 0.0,
        age_ms=max(0, now_ns - slot.received_ns) / 1e6,
    )


def _limits(engine: Engine) -> LimitsRow:
    limits = engine.floor.limits
    equity = engine.floor.portfolio.equity() or ZERO

    def share(fraction: float) -> Decimal:
        return round_to_places(equity * to_decimal(fraction), CENTS)

    return LimitsRow(
        loss_per_trade_max=limits.loss_per_trade_max,
        loss_per_day_max=limits.loss_per_day_max,
        reserve=limits.reserve,
        exposure_total_max=share(limits.exposure_total_max),
        exposure_per_instrument_max=share(limits.exposure_per_instrument_max),
        leverage_max=limits.leverage_max,
        drawdown_reduce=limits.drawdown_reduce,
        drawdown_halt=limits.drawdown_halt,
    )
