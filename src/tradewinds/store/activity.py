"""The latest happenings of every kind, merged into the lines that the live page shows."""

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, Engine, RowMapping, select

from tradewinds.model.ids import InstrumentId, StrategyId
from tradewinds.model.snapshot import Activity
from tradewinds.store.faults import told
from tradewinds.store.tables import (
    ANOMALIES,
    FILLS,
    ORDERS,
    REFUSALS,
    SIGNALS,
    STATE_CHANGES,
    TRADES,
)


def recent_activity(engine: Engine, account: str, limit: int = 100) -> tuple[Activity, ...]:
    """Newest first. Orders and trades appear once, in their newest state."""
    with told(engine.url, "cannot read the database"), engine.connect() as connection:
        lines = [line for source in SOURCES for line in source(connection, account, limit)]
    lines.sort(key=lambda line: line.time_ns, reverse=True)
    return tuple(lines[:limit])


def _signals(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(SIGNALS).where(SIGNALS.c.account == account)
    newest = mine.order_by(SIGNALS.c.time_ns.desc(), SIGNALS.c.id.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        yield _line("signal", row, row["title"], row["reason"])


def _refusals(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(REFUSALS).where(REFUSALS.c.account == account)
    newest = mine.order_by(REFUSALS.c.time_ns.desc(), REFUSALS.c.id.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        yield _line("refusal", row, f"refused by {row['check_name']}", row["reason"])


def _orders(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(ORDERS, ORDERS.c.updated_time_ns.label("time_ns"))
    mine = mine.where(ORDERS.c.account == account)
    newest = mine.order_by(ORDERS.c.updated_time_ns.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        price = row["price"] or row["trigger_price"]
        at = "" if price is None else f" at {price:f}"
        title = f"{row['order_type']} {row['side']} {row['quantity']:f}{at}: {row['status']}"
        detail = f"{row['client_order_id']} ({row['purpose']}) {row['reason']}".rstrip()
        yield _line("order", row, title, detail)


def _fills(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    owner = (ORDERS.c.account == FILLS.c.account) & (
        ORDERS.c.client_order_id == FILLS.c.client_order_id
    )
    time_ns = FILLS.c.received_time_ns.label("time_ns")
    mine = select(FILLS, ORDERS.c.strategy_id, time_ns).outerjoin(ORDERS, owner)
    mine = mine.where(FILLS.c.account == account)
    newest = mine.order_by(FILLS.c.received_time_ns.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        title = f"{row['side']} {row['quantity']:f} at {row['price']:f}"
        fee = f"fee {row['fee']:f} {row['fee_asset']}"
        yield _line("fill", row, title, f"{row['client_order_id']}, {fee}")


def _trades(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(TRADES, TRADES.c.updated_time_ns.label("time_ns"))
    mine = mine.where(TRADES.c.account == account)
    newest = mine.order_by(TRADES.c.updated_time_ns.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        made = f", realised {row['realised']:f}" if row["phase"] == "closed" else ""
        title = f"{row['side']} {row['phase']}{made}"
        yield _line("trade", row, title, row["exit_reason"] or row["reason"])


def _states(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(STATE_CHANGES).where(STATE_CHANGES.c.account == account)
    newest = mine.order_by(STATE_CHANGES.c.time_ns.desc(), STATE_CHANGES.c.id.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        yield _line("state", row, f"{row['kind']}: {row['state']}", row["reason"])


def _anomalies(connection: Connection, account: str, limit: int) -> Iterator[Activity]:
    mine = select(ANOMALIES).where(ANOMALIES.c.account == account)
    newest = mine.order_by(ANOMALIES.c.time_ns.desc(), ANOMALIES.c.id.desc()).limit(limit)
    for row in connection.execute(newest).mappings():
        yield _line("anomaly", row, f"{row['kind']} (x{row['count']})", row["detail"])


def _line(kind: str, row: RowMapping, title: str, detail: str) -> Activity:
    return Activity(
        time_ns=row["time_ns"],
        kind=kind,
        strategy_id=StrategyId(row.get("strategy_id") or ""),
        instrument_id=InstrumentId(row.get("instrument_id") or ""),
        title=title,
        detail=detail,
    )


Source = Callable[[Connection, str, int], Iterator[Activity]]
SOURCES: tuple[Source, ...] = (
    _signals,
    _refusals,
    _orders,
    _fills,
    _trades,
    _states,
    _anomalies,
)
