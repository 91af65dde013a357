"""Rows for pages and reports, derived from journal entries and written in their transaction."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from tradewinds.model.commands import (
    EmergencyFinished,
    RecordAnomaly,
    RecordEquity,
    RecordOrder,
    RecordRefusal,
    RecordSignal,
    RecordTrade,
    RecordTransaction,
    StateChanged,
    StrategyStateChanged,
)
from tradewinds.model.events import OrderFilled, StoreHealthChanged
from tradewinds.model.signal import BasketSignal, EnterSignal, Signal, StopSignal
from tradewinds.store.payload import Entry
from tradewinds.store.tables import (
    ANOMALIES,
    EQUITY,
    FILLS,
    ORDERS,
    POSTINGS,
    REFUSALS,
    SIGNALS,
    STATE_CHANGES,
    TRADES,
)

DAY_NS = 86_400_000_000_000
LATEST = frozenset({"orders", "trades"})
ONCE = frozenset({"fills", "postings"})
"""LATEST keeps the newest state per key, ONCE the first arrival; all others only grow."""

Row = dict[str, Any]
Rows = dict[Table, list[Row]]


def rows_of(account: str, run_id: str, entries: Iterable[Entry]) -> Rows:
    """Rows per table, in the order of the entries."""
    rows: Rows = {}
    who = {"account": account, "run_id": run_id}
    for _, sequence, message in entries:
        project = PROJECTIONS.get(type(message))
        if project is not None:
            table, made = project(message, sequence)
            rows.setdefault(table, []).extend(who | row for row in made)
    return rows


def write_rows(connection: Connection, rows: Rows) -> None:
    """Insert them; a key that is there already is replaced or left, as the table wants it."""
    dialect = connection.dialect.name
    for table, new in rows.items():
        if table.name in LATEST:
            keys = [column.name for column in table.primary_key]
            newest = {tuple(row[key] for key in keys): row for row in new}
            connection.execute(replacing(dialect, table), list(newest.values()))
        elif table.name in ONCE:
            connection.execute(_leaving(dialect, table), new)
        else:
            connection.execute(insert(table), new)


@cache
def replacing(dialect: str, table: Table, keep: tuple[str, ...] = ()) -> Insert:
    """An insert that overwrites the row with the same key, but for the columns in `keep`."""
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys and column.name not in keep
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


@cache
def _leaving(dialect: str, table: Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


Projected = tuple[Table, list[Row]]


def _order(command: RecordOrder, _sequence: int) -> Projected:
    order = command.order
    permitted = order.approved
    row = {
        name: getattr(permitted, name)
        for name in (
            "client_order_id",
            "trade_id",
            "strategy_id",
            "instrument_id",
            "quantity",
            "price",
            "trigger_price",
            "decision_price",
            "worst_loss",
        )
    }
    return ORDERS, [
        row
        | {
            "side": permitted.side.value,
            "order_type": permitted.order_type.value,
            "purpose": permitted.purpose.value,
            "status": order.status.value,
            "filled_quantity": order.filled_quantity,
            "average_price": order.average_price,
            "submitted_time_ns": order.submitted_time_ns,
            "updated_time_ns": order.updated_time_ns,
            "reason": order.reason,
        }
    ]


def _fill(event: OrderFilled, _sequence: int) -> Projected:
    return FILLS, [msgspec.structs.asdict(event.fill) | {"side": event.fill.side.value}]


def _trade(command: RecordTrade, _sequence: int) -> Projected:
    trade = command.trade
    row = msgspec.structs.asdict(trade)
    return TRADES, [
        row
        | {
            "side": trade.side.value,
            "phase": trade.phase.value,
            "updated_time_ns": command.time_ns,
        }
    ]


def _transaction(command: RecordTransaction, _sequence: int) -> Projected:
    booked = command.transaction
    return POSTINGS, [
        {
            "transaction_id": booked.transaction_id,
            "line": line,
            "kind": booked.kind,
            "time_ns": booked.time_ns,
            "day": booked.time_ns // DAY_NS,
            "ledger_account": posting.account.value,
            "asset": posting.asset,
            "quantity": posting.quantity,
            "value": posting.value,
            "strategy_id": posting.strategy_id,
            "instrument_id": posting.instrument_id,
        }
        for line, posting in enumerate(booked.postings)
    ]


def _signal(command: RecordSignal, sequence: int) -> Projected:
    signal = command.signal
    row = {
        "cause": sequence,
        "time_ns": command.time_ns,
        "kind": type(signal).__name__,
        "strategy_id": signal.strategy_id,
        "instrument_id": getattr(signal, "instrument_id", ""),
        "title": _title(signal),
        "reason": signal.reason,
    }
    return SIGNALS, [row]


def _title(signal: Signal) -> str:
    match signal:
        case EnterSignal():
            return f"enter {signal.side.value}, confidence {signal.confidence:.2f}"
        case StopSignal():
            return f"stop of {signal.trade_id} to {signal.stop_price:g}"
        case BasketSignal():
            return f"{len(signal.legs)} legs, edge {signal.edge_bps:.1f} bps"
    return f"exit {signal.trade_id}"


def _refusal(command: RecordRefusal, sequence: int) -> Projected:
    refusal = command.refusal
    row = {
        "cause": sequence,
        "time_ns": refusal.time_ns,
        "strategy_id": refusal.strategy_id,
        "instrument_id": refusal.instrument_id,
        "check_name": refusal.check,
        "reason": refusal.reason,
    }
    return REFUSALS, [row]


def _state(command: StateChanged, sequence: int) -> Projected:
    state = command.state.value
    return _state_change(sequence, command.time_ns, "trading", state, command.reason)


def _strategy(command: StrategyStateChanged, sequence: int) -> Projected:
    state = "on" if command.enabled else "off"
    table, rows = _state_change(sequence, command.time_ns, "strategy", state, command.reason)
    return table, [rows[0] | {"strategy_id": command.strategy_id}]


def _emergency(command: EmergencyFinished, sequence: int) -> Projected:
    state = "flat" if command.flat else "not flat"
    return _state_change(sequence, command.time_ns, "emergency", state, command.detail)


def _store_health(event: StoreHealthChanged, sequence: int) -> Projected:
    state = "healthy" if event.healthy else "failed"
    return _state_change(sequence, event.received_time_ns, "store", state, event.reason)


def _state_change(cause: int, time_ns: int, kind: str, state: str, reason: str) -> Projected:
    row = {
        "cause": cause,
        "time_ns": time_ns,
        "kind": kind,
        "strategy_id": "",
        "state": state,
        "reason": reason,
    }
    return STATE_CHANGES, [row]


def _anomaly(command: RecordAnomaly, sequence: int) -> Projected:
    row = {
        "cause": sequence,
        "time_ns": command.time_ns,
        "kind": command.kind,
        "instrument_id": command.instrument_id,
        "detail": command.detail,
        "count": command.count,
    }
    return ANOMALIES, [row]


def _equity(command: RecordEquity, _sequence: int) -> Projected:
    row = {
        "time_ns": command.time_ns,
        "equity": command.equity,
        "cash": command.cash,
        "realised_today": command.realised_today,
        "open_risk": command.open_risk,
    }
    return EQUITY, [row]


PROJECTIONS: dict[type, Callable[[Any, int], Projected]] = {
    RecordOrder: _order,
    OrderFilled: _fill,
    RecordTrade: _trade,
    RecordTransaction: _transaction,
    RecordSignal: _signal,
    RecordRefusal: _refusal,
    StateChanged: _state,
    StrategyStateChanged: _strategy,
    EmergencyFinished: _emergency,
    StoreHealthChanged: _store_health,
    RecordAnomaly: _anomaly,
    RecordEquity: _equity,
}
