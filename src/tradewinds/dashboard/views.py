"""Snapshot to text: what each table and figure says, without any web library."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from tradewinds.dashboard import formats
from tradewinds.dashboard.state import LiveState
from tradewinds.model.decimals import ZERO
from tradewinds.model.ids import InstrumentId, split_instrument_id
from tradewinds.model.market import Side
from tradewinds.model.portfolio import Trade
from tradewinds.model.snapshot import Activity, PositionRow, PriceRow, Snapshot, StrategyRow

Cell = tuple[str, str, str]


class Column(Struct, frozen=True):
    """`show` is the CSS class that hides it on narrow screens: "", mid or wide."""

    label: str
    align: str = ""
    show: str = ""
    clip: bool = False

    def as_props(self) -> dict[str, object]:
        """For the browser."""
        align = f"{self.align} clip" if self.clip else self.align
        return {"label": self.label, "align": align, "show": self.show, "clip": self.clip}


class Row(Struct, frozen=True):
    """Cells are (text, tone, note)."""

    key: str
    cells: tuple[Cell, ...]

    def as_props(self) -> dict[str, object]:
        """For the browser."""
        return {"key": self.key, "cells": [list(cell) for cell in self.cells]}


POSITION_COLUMNS = (
    Column("Instrument"),
    Column("Side"),
    Column("Quantity", "num", "mid"),
    Column("Entry", "num", "mid"),
    Column("Last", "num", "wide"),
    Column("Stop", "num"),
    Column("Unrealised", "num"),
    Column("Worst loss", "num", "mid"),
    Column("Age", "num", "mid"),
    Column("Strategy", "", "wide"),
)
STRATEGY_COLUMNS = (
    Column("Strategy"),
    Column("State"),
    Column("Open", "num"),
    Column("Weight", "num", "wide"),
    Column("Today", "num"),
    Column("Total", "num"),
)
PRICE_COLUMNS = (
    Column("Instrument"),
    Column("Bid", "num"),
    Column("Ask", "num"),
    Column("Spread", "num", "mid"),
    Column("Day", "num"),
    Column("Age", "num", "mid"),
)
RECENT_COLUMNS = (Column("Time"), Column("Kind"), Column("What", clip=True))
TRADE_COLUMNS = (
    Column("Closed", "", ""),
    Column("Instrument"),
    Column("Side", "", "mid"),
    Column("Quantity", "num", "mid"),
    Column("Entry", "num", "mid"),
    Column("Exit", "num", "mid"),
    Column("Fees", "num", "wide"),
    Column("Net", "num"),
    Column("Held", "num", "wide"),
    Column("Why closed", "", "wide"),
    Column("Strategy", "", "mid"),
)


def plain(text: str, tone: str = "", note: str = "") -> Cell:
    """One cell."""
    return (text, tone, note)


def result(value: Decimal) -> Cell:
    """A signed amount with an arrow, so that colour is never the only sign."""
    return (formats.with_arrow(value), formats.tone(value), "")


def instrument(value: InstrumentId) -> Cell:
    """Symbol, with the venue small beside it."""
    symbol, venue = split_instrument_id(value)
    return (symbol or str(venue), "strong", str(venue) if symbol else "")


def side(value: Side) -> Cell:
    """Long or short, as traders say."""
    if value is Side.BUY:
        return (f"{formats.UP} Long", "", "")
    return (f"{formats.DOWN} Short", "", "")


def position_rows(state: LiveState, snapshot: Snapshot) -> list[Row]:
    """Open round trips, newest last."""
    return [_position(state, snapshot, row) for row in snapshot.positions]


def strategy_rows(rows: Sequence[StrategyRow]) -> list[Row]:
    """What trades and what it made."""
    return [
        Row(
            row.strategy_id,
            (
                plain(row.strategy_id, "strong"),
                plain("on", "up") if row.enabled else plain("off", "dim"),
                plain(str(row.open_trades)),
                plain(f"{row.weight:.2f}"),
                result(row.net_today),
                result(row.net_total),
            ),
        )
        for row in rows
    ]


def price_rows(state: LiveState, rows: Sequence[PriceRow]) -> list[Row]:
    """Last prices; an old one is marked."""
    return [_price(state, row) for row in rows]


def recent_rows(lines: Iterable[tuple[int, Activity]]) -> list[Row]:
    """Newest first."""
    rows = [
        Row(
            str(number),
            (
                plain(formats.clock(line.time_ns), "dim"),
                plain(line.kind, KIND_TONES.get(line.kind, "dim")),
                plain(line.title, "", line.detail),
            ),
        )
        for number, line in lines
    ]
    return rows[::-1]


def trade_rows(state: LiveState, trades: Sequence[Trade]) -> list[Row]:
    """Closed round trips, in the order given."""
    return [_trade(state, trade) for trade in trades]


KIND_TONES = {
    "fill": "up",
    "trade": "up",
    "refusal": "warn",
    "state": "warn",
    "anomaly": "down",
    "order": "info",
    "signal": "violet",
}
KINDS = ("signal", "refusal", "order", "fill", "trade", "state", "anomaly", "equity")


def day_loss_shares(snapshot: Snapshot) -> tuple[float, float]:
    """(realised loss, open risk) as shares of the day's limit."""
    limit = snapshot.limits.loss_per_day_max
    if limit <= ZERO:
        return (1.0, 0.0)
    lost = min(max(ZERO, -snapshot.realised_today), snapshot.day_loss_used)
    return (float(lost / limit), float((snapshot.day_loss_used - lost) / limit))


def feed_badge(snapshot: Snapshot) -> tuple[str, str]:
    """(label, CSS class) of where the prices come from."""
    label = snapshot.feed_label or "UNKNOWN FEED"
    if snapshot.synthetic:
        return (label if "SYNTHETIC" in label.upper() else f"SYNTHETIC {label}", "synthetic")
    if label.upper().startswith("REPLAY") or snapshot.progress is not None:
        # How far comes before the path, which may be too long to be seen whole.
        source = label[len("REPLAY") :].strip() if label.upper().startswith("REPLAY") else label
        done = "" if snapshot.progress is None else f"{snapshot.progress:.0%} "
        return (f"REPLAY {done}{source}".strip(), "replay")
    return (label, "live-feed")


def _position(state: LiveState, snapshot: Snapshot, row: PositionRow) -> Row:
    places = state.places(row.instrument_id)
    age_s = (snapshot.time_ns - row.opened_time_ns) / 1e9
    return Row(
        row.trade_id,
        (
            instrument(row.instrument_id),
            side(row.side),
            plain(formats.quantity(row.quantity)),
            plain(formats.price(row.entry_price, places)),
            plain(formats.price(row.last_price, places)),
            plain(formats.price(row.stop_price, places) if row.stop_price else "none", ""),
            result(row.unrealised),
            plain(formats.signed(-row.worst_loss)),
            plain(formats.duration(age_s)),
            plain(row.strategy_id, "dim"),
        ),
    )


def _price(state: LiveState, row: PriceRow) -> Row:
    places = state.places(row.instrument_id)
    mid = (row.bid + row.ask) / 2
    spread_bps = (row.ask - row.bid) / mid * 10_000 if mid > 0 else 0.0
    moved = round(row.change_day, 4)
    change = f"{formats.arrow(moved)}{formats.signed_percent(moved)}"
    return Row(
        row.instrument_id,
        (
            instrument(row.instrument_id),
            plain(formats.price(row.bid, places)),
            plain(formats.price(row.ask, places)),
            plain(f"{spread_bps:.1f} bps", "dim"),
            plain(change, formats.tone(moved)),
            plain(formats.latency(row.age_ms), "dim"),
        ),
    )


def _trade(state: LiveState, trade: Trade) -> Row:
    places = state.places(trade.instrument_id)
    held_s = (trade.closed_time_ns - trade.opened_time_ns) / 1e9
    return Row(
        trade.trade_id,
        (
            plain(formats.stamp(trade.closed_time_ns), "dim"),
            instrument(trade.instrument_id),
            side(trade.side),
            plain(formats.quantity(trade.exit_quantity)),
            plain(formats.price(trade.entry_price, places)),
            plain(formats.price(trade.exit_price, places)),
            plain(formats.money(trade.fees)),
            result(trade.realised),
            plain(formats.duration(held_s)),
            plain(trade.exit_reason or formats.DASH, "dim"),
            plain(trade.strategy_id, "dim"),
        ),
    )
