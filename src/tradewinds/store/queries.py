"""The reading side: what pages, reports and the command line ask of the database.

Every function takes the engine and an account, reads in its own short transaction, and raises
StoreUnavailable or JournalCorrupt. Times are nanoseconds, money is exact.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    RowMapping,
    Select,
    Text,
    and_,
    func,
    select,
    true,
    type_coerce,
)

from tradewinds.model.checkpoint import Checkpoint
from tradewinds.model.errors import JournalCorrupt
from tradewinds.model.ids import InstrumentId, RunId, StrategyId, TradeId
from tradewinds.model.ledger import Account, DayResult
from tradewinds.model.market import Side
from tradewinds.model.order import Fill, OrderStatus, OrderType, Purpose
from tradewinds.model.portfolio import Trade, TradePhase
from tradewinds.store.activity import recent_activity
from tradewinds.store.faults import told
from tradewinds.store.tables import (
    CHECKPOINTS,
    EQUITY,
    FILLS,
    ORDERS,
    POSTINGS,
    REFUSALS,
    RUNS,
    TRADES,
)

__all__ = [
    "EquityPoint",
    "OrderRow",
    "RefusalRow",
    "RunRow",
    "accounts",
    "capital",
    "checkpoint",
    "closed_trades",
    "day_results",
    "equity_curve",
    "fills",
    "flows",
    "orders",
    "recent_activity",
    "refusals",
    "runs",
    "trades",
]

T = TypeVar("T", bound=Struct)
Raw = tuple[Any, ...]
CHUNK = 10_000
COSTS = (Account.FEES, Account.FUNDING, Account.SLIPPAGE, Account.AI_COST)


class RunRow(Struct, frozen=True, kw_only=True):
    """One start of the engine. `settings` is the JSON it was started with, '' if not noted."""

    run_id: RunId
    started_ns: int
    last_time_ns: int
    first_batch: int
    last_batch: int
    last_sequence: int
    settings: str


class EquityPoint(Struct, frozen=True, kw_only=True):
    """A point of the equity curve, in account currency."""

    time_ns: int
    equity: Decimal
    cash: Decimal
    realised_today: Decimal
    open_risk: Decimal


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order in its newest state."""

    client_order_id: str
    run_id: RunId
    trade_id: TradeId
    strategy_id: StrategyId
    instrument_id: InstrumentId
    side: Side
    order_type: OrderType
    purpose: Purpose
    status: OrderStatus
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    decision_price: Decimal
    worst_loss: Decimal
    filled_quantity: Decimal
    average_price: Decimal
    submitted_time_ns: int
    updated_time_ns: int
    reason: str


class RefusalRow(Struct, frozen=True, kw_only=True):
    """Our no: which check, and why."""

    time_ns: int
    strategy_id: StrategyId
    instrument_id: InstrumentId
    check_name: str
    reason: str


def runs(engine: Engine, account: str) -> tuple[RunRow, ...]:
    """Newest first."""
    query = select(RUNS).where(RUNS.c.account == account).order_by(RUNS.c.first_batch.desc())
    return _read(engine, query, RunRow)


def accounts(engine: Engine) -> tuple[str, ...]:
    """Every account that was ever journalled."""
    query = select(RUNS.c.account).distinct().order_by(RUNS.c.account)
    return tuple(row["account"] for row in _rows(engine, query))


def checkpoint(engine: Engine, account: str) -> Checkpoint | None:
    """Where the account was left, None for one that never ran. Raises JournalCorrupt."""
    query = select(CHECKPOINTS.c.payload).where(CHECKPOINTS.c.account == account)
    found = _rows(engine, query)
    if not found:
        return None
    try:
        return msgspec.msgpack.decode(found[0]["payload"], type=Checkpoint)
    except msgspec.MsgspecError as error:
        raise JournalCorrupt(f"the checkpoint of {account} cannot be read: {error}") from error


def capital(engine: Engine, account: str) -> Decimal:
    """What was put in, less what was taken out: the money that results are measured against."""
    posting = POSTINGS.c
    query = select(posting.value).where(
        posting.account == account, posting.ledger_account == Account.CAPITAL.value
    )
    return -sum((row["value"] for row in _rows(engine, query)), Decimal(0))


def flows(engine: Engine, account: str, since_ns: int = 0) -> tuple[tuple[int, Decimal], ...]:
    """Money that came (or went, negative) from outside after the opening: time and amount."""
    posting = POSTINGS.c
    query = (
        select(posting.time_ns, posting.value)
        .where(
            posting.account == account,
            posting.kind == "external",
            posting.ledger_account == Account.CAPITAL.value,
            posting.time_ns >= since_ns,
        )
        .order_by(posting.time_ns)
    )
    return tuple((row["time_ns"], -row["value"]) for row in _rows(engine, query))


def trades(
    engine: Engine, account: str, limit: int = 100, offset: int = 0, strategy: str | None = None
) -> tuple[Trade, ...]:
    """Round trips, last opened first."""
    query = select(TRADES).where(TRADES.c.account == account)
    if strategy is not None:
        query = query.where(TRADES.c.strategy_id == strategy)
    query = _newest(query, limit, offset, [TRADES.c.opened_time_ns, TRADES.c.trade_id])
    return _read(engine, query, Trade)


def closed_trades(
    engine: Engine, account: str, since_ns: int = 0, run_id: RunId | None = None
) -> tuple[Trade, ...]:
    """All finished round trips, oldest first: what performance figures are made of."""
    query = (
        select(TRADES)
        .where(
            TRADES.c.account == account,
            TRADES.c.phase == TradePhase.CLOSED.value,
            TRADES.c.closed_time_ns >= since_ns,
            _of_run(TRADES.c.run_id, run_id),
        )
        .order_by(TRADES.c.closed_time_ns, TRADES.c.trade_id)
    )
    return _read(engine, query, Trade)


def orders(engine: Engine, account: str, limit: int = 100, offset: int = 0) -> tuple[OrderRow, ...]:
    """Last changed first."""
    query = select(ORDERS).where(ORDERS.c.account == account)
    query = _newest(query, limit, offset, [ORDERS.c.updated_time_ns, ORDERS.c.client_order_id])
    return _read(engine, query, OrderRow)


def fills(engine: Engine, account: str, limit: int = 100, offset: int = 0) -> tuple[Fill, ...]:
    """Last received first."""
    query = select(FILLS).where(FILLS.c.account == account)
    query = _newest(query, limit, offset, [FILLS.c.received_time_ns, FILLS.c.fill_id])
    return _read(engine, query, Fill)


def refusals(
    engine: Engine, account: str, limit: int = 100, offset: int = 0
) -> tuple[RefusalRow, ...]:
    """Newest first."""
    query = select(REFUSALS).where(REFUSALS.c.account == account)
    query = _newest(query, limit, offset, [REFUSALS.c.time_ns, REFUSALS.c.id])
    return _read(engine, query, RefusalRow)


def equity_curve(
    engine: Engine,
    account: str,
    since_ns: int = 0,
    points_max: int = 1000,
    run_id: RunId | None = None,
) -> tuple[EquityPoint, ...]:
    """The curve in time order, at most `points_max` points (at least 4).

    A longer one is cut into equal spans of points; each keeps its lowest and its highest, so no
    drawdown is smoothed away, and the curve keeps its first and last point.
    """
    mine = and_(
        EQUITY.c.account == account,
        EQUITY.c.time_ns >= since_ns,
        _of_run(EQUITY.c.run_id, run_id),
    )
    columns = [EQUITY.c[name] for name in EquityPoint.__struct_fields__]
    # As text: a long curve is read to keep a small part of it, and only that becomes Decimal.
    raw = [column if column.name == "time_ns" else type_coerce(column, Text) for column in columns]
    query = select(*raw).where(mine).order_by(EQUITY.c.time_ns, EQUITY.c.id)
    count = _rows(engine, select(func.count().label("n")).select_from(EQUITY).where(mine))[0]["n"]
    kept = _extremes(_stream(engine, query), count, max(points_max, 4))
    fields = EquityPoint.__struct_fields__
    return tuple(msgspec.convert(dict(zip(fields, row, strict=True)), EquityPoint) for row in kept)


def day_results(
    engine: Engine, account: str, since_day: int = 0, run_id: RunId | None = None
) -> tuple[DayResult, ...]:
    """Results by UTC day (days since the epoch), strategy and instrument, from the postings."""
    posting = POSTINGS.c
    relevant = [Account.REALISED.value, *(cost.value for cost in COSTS)]
    query = (
        select(
            posting.day,
            posting.strategy_id,
            posting.instrument_id,
            posting.ledger_account,
            posting.value,
        )
        .where(
            posting.account == account,
            posting.day >= since_day,
            posting.ledger_account.in_(relevant),
            _of_run(posting.run_id, run_id),
        )
        .order_by(posting.day, posting.strategy_id, posting.instrument_id)
    )
    sums: dict[tuple[int, StrategyId, InstrumentId], dict[str, Decimal]] = {}
    for day, strategy_id, instrument_id, ledger_account, value in _stream(engine, query):
        found = sums.setdefault((day, strategy_id, instrument_id), {})
        found[ledger_account] = found.get(ledger_account, Decimal(0)) + value
    return tuple(_day_result(key, found) for key, found in sums.items())


def _day_result(key: tuple[int, StrategyId, InstrumentId], sums: dict[str, Decimal]) -> DayResult:
    fees, funding, slippage, ai_cost = (sums.get(cost.value, Decimal(0)) for cost in COSTS)
    return DayResult(
        day=key[0],
        strategy_id=key[1],
        instrument_id=key[2],
        gross=-sums.get(Account.REALISED.value, Decimal(0)),
        fees=fees,
        funding=funding,
        slippage=slippage,
        ai_cost=ai_cost,
    )


def _extremes(points: Iterator[Raw], count: int, points_max: int) -> list[Raw]:
    """The first, the last, and the lowest and highest equity of each span, in time order."""
    if count <= points_max:
        return list(points)
    spans = (points_max - 2) // 2
    lowest: dict[int, tuple[float, int, Raw]] = {}
    highest: dict[int, tuple[float, int, Raw]] = {}
    ends: list[tuple[float, int, Raw]] = []
    for index, row in enumerate(points):
        span = index * spans // count
        seen = (float(row[1]), index, row)
        if span not in lowest or seen[0] < lowest[span][0]:
            lowest[span] = seen
        if span not in highest or seen[0] > highest[span][0]:
            highest[span] = seen
        ends[1 if ends else 0 :] = [seen]
    kept = {index: row for _, index, row in (*lowest.values(), *highest.values(), *ends)}
    return [kept[index] for index in sorted(kept)]


def _of_run(column: Column[str], run_id: RunId | None) -> ColumnElement[bool]:
    return true() if run_id is None else column == run_id


def _newest(query: Select[Any], limit: int, offset: int, by: Sequence[Column[Any]]) -> Select[Any]:
    return query.order_by(*(column.desc() for column in by)).limit(limit).offset(offset)


def _read(engine: Engine, query: Select[Any], kind: type[T]) -> tuple[T, ...]:
    fields = kind.__struct_fields__
    found = ({name: row[name] for name in fields} for row in _rows(engine, query))
    return tuple(msgspec.convert(row, kind) for row in found)


def _rows(engine: Engine, query: Select[Any]) -> Sequence[RowMapping]:
    with told(engine.url, "cannot read the database"), engine.connect() as connection:
        return connection.execute(query).mappings().all()


def _stream(engine: Engine, query: Select[Any]) -> Iterator[Raw]:
    with told(engine.url, "cannot read the database"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=CHUNK).execute(query):
            yield tuple(row)
