"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _column(written: str) -> "sa.Column[Any]":
    """Written name:kind; without a kind it is text that is always there."""
    name, _, kind = written.partition(":")
    match kind:
        case "key":
            return sa.Column(name, sa.Text(), primary_key=True, nullable=False)
        case "keyint":
            return sa.Column(
                name, sa.BigInteger(), primary_key=True, nullable=False, autoincrement=False
            )
        case "counter":
            return sa.Column(name, COUNTER, primary_key=True, autoincrement=True)
        case "int":
            return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)
        case "flag":
            return sa.Column(name, sa.Boolean(), nullable=False)
        case "bytes":
            return sa.Column(name, sa.LargeBinary(), nullable=False)
    return sa.Column(name, sa.Text(), nullable=kind == "optional")


def _table(name: str, columns: str, **indexes: str) -> None:
    op.create_table(name, *(_column(written) for written in columns.split()))
    for index, on in indexes.items():
        op.create_index(index, name, on.split())


def upgrade() -> None:
    """Everything, from nothing."""
    _journal()
    _orders()
    _books()
    _happenings()
    _table("leases", "account:key owner pid:int host acquired_ns:int renewed_ns:int epoch:int")


def _journal() -> None:
    _table(
        "journal",
        "account:key number:keyint run_id first_sequence:int last_sequence:int entries:int "
        "time_ns:int checkpoint_hash prev_hash hash payload:bytes",
        journal_by_run="account run_id number",
    )
    _table(
        "runs",
        "account:key run_id:key started_ns:int last_time_ns:int first_batch:int last_batch:int "
        "last_sequence:int settings",
    )
    _table("checkpoints", "account:key run_id batch_number:int time_ns:int payload:bytes")


def _orders() -> None:
    _table(
        "orders",
        "account:key client_order_id:key run_id trade_id strategy_id instrument_id side "
        "order_type purpose status quantity price:optional trigger_price:optional decision_price "
        "worst_loss filled_quantity average_price submitted_time_ns:int updated_time_ns:int "
        "reason",
        orders_by_time="account updated_time_ns",
    )
    _table(
        "fills",
        "account:key fill_id:key run_id client_order_id instrument_id side quantity price fee "
        "fee_asset maker:flag venue_initiated:flag venue_time_ns:int received_time_ns:int",
        fills_by_time="account received_time_ns",
    )


def _books() -> None:
    _table(
        "trades",
        "account:key trade_id:key run_id strategy_id instrument_id side phase quantity "
        "entry_price stop_price target_price:optional pending_quantity pending_price "
        "entry_quantity exit_quantity exit_price fees realised approved_loss gap "
        "opened_time_ns:int closed_time_ns:int updated_time_ns:int reason exit_reason",
        trades_by_time="account opened_time_ns",
        trades_by_update="account updated_time_ns",
    )
    _table(
        "postings",
        "account:key transaction_id:key line:keyint run_id kind time_ns:int day:int "
        "ledger_account asset quantity value strategy_id instrument_id",
        postings_by_day="account day",
    )
    _table(
        "equity",
        "id:counter account run_id time_ns:int equity cash realised_today open_risk",
        equity_by_time="account time_ns",
    )


def _happenings() -> None:
    happening = "id:counter account run_id cause:int time_ns:int "
    _table(
        "signals",
        happening + "kind strategy_id instrument_id title reason",
        signals_by_time="account time_ns",
    )
    _table(
        "refusals",
        happening + "strategy_id instrument_id check_name reason",
        refusals_by_time="account time_ns",
    )
    _table(
        "state_changes",
        happening + "kind strategy_id state reason",
        state_changes_by_time="account time_ns",
    )
    _table(
        "anomalies",
        happening + "kind instrument_id detail count:int",
        anomalies_by_time="account time_ns",
    )
