"""The tables. Money is exact text on every database, times are nanoseconds."""

from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

REVISIONS = ("0001", "0002")
"""Every schema revision this code knows, oldest first. The last is what it works with."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal as its own text: digits, sign of zero and exponent come back as they went in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Refuses NaN and infinities: they are never money."""
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError(f"not an amount: {value}")
        return str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Decimal | None:
        """Exactly what was bound."""
        return None if value is None else Decimal(value)


class FreeText(TypeDecorator[str]):
    """Words from outside. PostgreSQL has no NUL, and one must not keep a batch from being kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """NUL becomes the replacement character; the journal's payload keeps the original."""
        return None if value is None else value.replace("\x00", "\ufffd")


METADATA = MetaData()
COUNTER = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _words(name: str) -> Column[str]:
    return Column(name, FreeText, nullable=False)


def _big(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _money(name: str, *, nullable: bool = False) -> Column[Decimal]:
    return Column(name, ExactDecimal, nullable=nullable)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _counter() -> Column[int]:
    return Column("id", COUNTER, primary_key=True, autoincrement=True)


JOURNAL = Table(
    "journal",
    METADATA,
    _text("account", key=True),
    _big("number", key=True),
    _text("run_id"),
    _big("first_sequence"),
    _big("last_sequence"),
    _big("entries"),
    _big("time_ns"),
    _text("checkpoint_hash"),
    _text("prev_hash"),
    _text("hash"),
    Column("payload", LargeBinary, nullable=False),
    Index("journal_by_run", "account", "run_id", "number"),
)

RUNS = Table(
    "runs",
    METADATA,
    _text("account", key=True),
    _text("run_id", key=True),
    _big("started_ns"),
    _big("last_time_ns"),
    _big("first_batch"),
    _big("last_batch"),
    _big("last_sequence"),
    _words("settings"),
)

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    _text("account", key=True),
    _text("run_id"),
    _big("batch_number"),
    _big("time_ns"),
    Column("payload", LargeBinary, nullable=False),
)

ORDERS = Table(
    "orders",
    METADATA,
    _text("account", key=True),
    _text("client_order_id", key=True),
    _text("run_id"),
    _text("trade_id"),
    _text("strategy_id"),
    _text("instrument_id"),
    _text("side"),
    _text("order_type"),
    _text("purpose"),
    _text("status"),
    _money("quantity"),
    _money("price", nullable=True),
    _money("trigger_price", nullable=True),
    _money("decision_price"),
    _money("worst_loss"),
    _money("filled_quantity"),
    _money("average_price"),
    _big("submitted_time_ns"),
    _big("updated_time_ns"),
    _words("reason"),
    Index("orders_by_time", "account", "updated_time_ns"),
)

FILLS = Table(
    "fills",
    METADATA,
    _text("account", key=True),
    _text("fill_id", key=True),
    _text("run_id"),
    _text("client_order_id"),
    _text("instrument_id"),
    _text("side"),
    _money("quantity"),
    _money("price"),
    _money("fee"),
    _text("fee_asset"),
    _flag("maker"),
    _flag("venue_initiated"),
    _flag("external"),
    _big("venue_time_ns"),
    _big("received_time_ns"),
    Index("fills_by_time", "account", "received_time_ns"),
)

TRADES = Table(
    "trades",
    METADATA,
    _text("account", key=True),
    _text("trade_id", key=True),
    _text("run_id"),
    _text("strategy_id"),
    _text("instrument_id"),
    _text("side"),
    _text("phase"),
    _money("quantity"),
    _money("entry_price"),
    _money("stop_price"),
    _money("target_price", nullable=True),
    _money("pending_quantity"),
    _money("pending_price"),
    _money("entry_quantity"),
    _money("exit_quantity"),
    _money("exit_price"),
    _money("fees"),
    _money("realised"),
    _money("approved_loss"),
    _money("gap"),
    _big("opened_time_ns"),
    _big("closed_time_ns"),
    _big("updated_time_ns"),
    _words("reason"),
    _words("exit_reason"),
    Index("trades_by_time", "account", "opened_time_ns"),
    Index("trades_by_update", "account", "updated_time_ns"),
)

POSTINGS = Table(
    "postings",
    METADATA,
    _text("account", key=True),
    _text("transaction_id", key=True),
    _big("line", key=True),
    _text("run_id"),
    _text("kind"),
    _big("time_ns"),
    _big("day"),
    _text("ledger_account"),
    _text("asset"),
    _money("quantity"),
    _money("value"),
    _text("strategy_id"),
    _text("instrument_id"),
    Index("postings_by_day", "account", "day"),
)

SIGNALS = Table(
    "signals",
    METADATA,
    _counter(),
    _text("account"),
    _text("run_id"),
    _big("cause"),
    _big("time_ns"),
    _text("kind"),
    _text("strategy_id"),
    _text("instrument_id"),
    _words("title"),
    _words("reason"),
    Index("signals_by_time", "account", "time_ns"),
)

REFUSALS = Table(
    "refusals",
    METADATA,
    _counter(),
    _text("account"),
    _text("run_id"),
    _big("cause"),
    _big("time_ns"),
    _text("strategy_id"),
    _text("instrument_id"),
    _text("check_name"),
    _words("reason"),
    Index("refusals_by_time", "account", "time_ns"),
)

STATE_CHANGES = Table(
    "state_changes",
    METADATA,
    _counter(),
    _text("account"),
    _text("run_id"),
    _big("cause"),
    _big("time_ns"),
    _text("kind"),
    _text("strategy_id"),
    _text("state"),
    _words("reason"),
    Index("state_changes_by_time", "account", "time_ns"),
)

ANOMALIES = Table(
    "anomalies",
    METADATA,
    _counter(),
    _text("account"),
    _text("run_id"),
    _big("cause"),
    _big("time_ns"),
    _text("kind"),
    _text("instrument_id"),
    _words("detail"),
    _big("count"),
    Index("anomalies_by_time", "account", "time_ns"),
)

EQUITY = Table(
    "equity",
    METADATA,
    _counter(),
    _text("account"),
    _text("run_id"),
    _big("time_ns"),
    _money("equity"),
    _money("cash"),
    _money("realised_today"),
    _money("open_risk"),
    Index("equity_by_time", "account", "time_ns"),
)

LEASES = Table(
    "leases",
    METADATA,
    _text("account", key=True),
    _text("owner"),
    _big("pid"),
    _text("host"),
    _big("acquired_ns"),
    _big("renewed_ns"),
    _big("epoch"),
)
