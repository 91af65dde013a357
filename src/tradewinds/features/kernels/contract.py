"""What every implementation of the kernels takes and answers. Rows are float64, in this order."""

from array import array
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

Floats: TypeAlias = "array[float]"
Doubles: TypeAlias = "Floats | memoryview[float] | memoryview[int]"
"""A contiguous buffer of float64: `array("d")`, a numpy array of float64 through `memoryview`."""


class BookStatus(IntEnum):
    """What became of a depth frame. After GAP, DIRTY and CROSSED a snapshot is needed."""

    APPLIED = 0
    OLD = 1
    GAP = 2
    DIRTY = 3
    MALFORMED = 4
    CROSSED = 5
    OTHER = 6


class BookRow(NamedTuple):
    """The book after an applied frame. Prices in quote asset, sizes in base asset.

    `imbalance` is (bids - asks) / (bids + asks) over the best levels, in [-1, 1]. `vwap_bid` is
    what selling the settings' quantity gets on average, `vwap_ask` what buying it costs; NaN where
    less is shown. `event_ms` is 0 where the frame told no time.
    """

    bid: float
    bid_size: float
    ask: float
    ask_size: float
    microprice: float
    imbalance: float
    vwap_bid: float
    vwap_ask: float
    update_id: float
    event_ms: float
    bid_levels: float
    ask_levels: float


class BookSettings(Struct, frozen=True, kw_only=True):
    """`symbol` as the venue spells it: frames that name another are OTHER; empty takes any.

    `capacity` levels a side, the best ones. `quantity` (base asset) is that of the average prices.
    A frame of more than `frame_bytes` is MALFORMED and makes the book dirty.
    """

    symbol: str = ""
    capacity: int = 8192
    imbalance_levels: int = 10
    quantity: float = 1.0
    frame_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        """Raises ValueError for what no book can be."""
        if not 1 <= self.capacity <= 65_535:
            raise ValueError(f"capacity must be 1 to 65535 levels, not {self.capacity}")
        if not 0.0 < self.quantity < float("inf"):
            raise ValueError(f"quantity must be above 0, not {self.quantity}")
        if self.imbalance_levels < 1 or not 64 <= self.frame_bytes <= 1 << 26:
            raise ValueError("imbalance_levels must be at least 1, frame_bytes 64 to 67108864")


class TriangleSettings(Struct, frozen=True, kw_only=True):
    """`keeps`: what a fee leaves, by edge (2 x instrument sells, + 1 buys); `cycles` three edges.

    A cycle whose product of rates is above `threshold` is a hit; room is for `hits_max` of a call.
    """

    keeps: Sequence[float]
    cycles: Sequence[tuple[int, int, int]]
    threshold: float = 1.0
    rows_max: int = 1024
    hits_max: int = 1024

    def __post_init__(self) -> None:
        """Raises ValueError for a cycle that names no edge, or an odd number of edges."""
        edges = len(self.keeps)
        if edges % 2 or edges == 0:
            raise ValueError("keeps are two for each instrument: sell, buy")
        for number, cycle in enumerate(self.cycles):
            if [0 <= edge < edges for edge in cycle] != [True] * 3:
                raise ValueError(f"cycle {number} = {cycle}: three edges from 0 to {edges - 1}")
        if self.rows_max < 1 or self.hits_max < 1:
            raise ValueError("rows_max and hits_max must be at least 1")


class Hit(NamedTuple):
    """`row` of the quote in the call (-1 for `all`), number of the cycle, product of its rates."""

    row: int
    cycle: int
    product: float


QUOTE_ROW: Final = 3
"""Instrument, bid, ask."""
BAR_ROW: Final = 5
"""Open, high, low, close, volume."""
SYMBOL_BAR_ROW: Final = 6
"""Symbol number, then a bar."""


class Lengths(Struct, frozen=True, kw_only=True):
    """Lengths of the features, in bars."""

    fast: int = 12
    slow: int = 26
    atr: int = 14
    rsi: int = 14
    window: int = 20
    channel: int = 55

    def __post_init__(self) -> None:
        """Raises ValueError outside 1 to 100,000."""
        for name in self.__struct_fields__:
            if not 1 <= getattr(self, name) <= 100_000:
                raise ValueError(f"{name} = {getattr(self, name)}: must be 1 to 100000 bars")


FEATURES: Final = (
    "return_1",
    "return_5",
    "return_window",
    "body",
    "range",
    "close_place",
    "gap",
    "fast_distance",
    "slow_distance",
    "trend",
    "atr_share",
    "rsi",
    "z_score",
    "volatility",
    "ew_volatility",
    "volume_ratio",
    "vwap_distance",
    "channel_place",
    "breakout",
    "efficiency",
)
"""Names of a row of features, in order; docs/KERNELS.md defines each. NaN: not known yet."""


class Rules(Struct, frozen=True, kw_only=True):
    """One set of parameters. Lengths in bars, `_atr` in average true ranges, 0 switches off.

    `breakout` False is the crossing of two averages. docs/KERNELS.md tells the rules.
    """

    breakout: bool = False
    fast: int = 12
    slow: int = 48
    channel: int = 20
    volume_bars: int = 20
    volume_factor: float = 0.0
    atr: int = 14
    stop_atr: float = 3.0
    target_atr: float = 0.0
    trail_atr: float = 0.0
    trail_step_atr: float = 0.0
    hold_max: int = 0
    cooldown: int = 0
    shorts: bool = False

    def row(self) -> list[float]:
        """As a sweep takes it."""
        return [float(getattr(self, name)) for name in self.__struct_fields__]


class SweepMarket(Struct, frozen=True, kw_only=True):
    """What all sets share. Money in quote asset; rates, slippage, slack as fractions of price.

    A position is sized so that its stop costs at most the smaller of `risk_money` and `risk_share`
    of equity, fees and `stop_allowance` beyond the stop included, and is worth at most `exposure`
    of equity. An entry that would fill more than `entry_slack` beyond the signal's close is not
    taken. `tick` and `lot` 0 mean none. No entry is decided before bar `first_bar`.
    """

    cash: float = 1000.0
    taker_fee: float = 0.001
    maker_fee: float = 0.001
    slippage: float = 0.0005
    tick: float = 0.0
    lot: float = 0.0
    risk_money: float = 10.0
    risk_share: float = 1.0
    exposure: float = 1.0
    entry_slack: float = 0.01
    stop_allowance: float = 0.002
    notional_min: float = 0.0
    first_bar: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for what no market can be."""
        for name, value in zip(self.__struct_fields__, self.row(), strict=True):
            least = -0.01 if name == "maker_fee" else 0.0
            if not least <= value < float("inf"):
                raise ValueError(f"{name} = {value}: must be finite and not below {least}")
        if not self.cash > 0.0 or not self.slippage < 1.0:
            raise ValueError("cash must be above 0, slippage below 1")

    def row(self) -> list[float]:
        """As a sweep takes it."""
        return [float(getattr(self, name)) for name in self.__struct_fields__]


class SweepResult(NamedTuple):
    """What came of a set; all NaN for a set that cannot be run. Money in quote asset.

    `equity` is that of the last close, an open position marked. `drawdown` is the largest fall from
    a peak of closing equity, as a fraction. `returns` and `squares` are the sums over all bars of
    the bar's return and of its square. `missed` entries found no size or filled too far away.
    """

    equity: float
    trades: float
    wins: float
    gained: float
    lost: float
    fees: float
    drawdown: float
    bars_held: float
    returns: float
    squares: float
    turnover: float
    worst_trade: float
    best_trade: float
    missed: float
    slippage: float
    open_at_end: float


class SweepTrade(NamedTuple):
    """A closed position. Bars by number; `side` 1 long, -1 short; `stop` as it was at the entry.

    `net` is after `fees`. `reason`: 0 stop, 1 target, 2 signal or trail, 3 time.
    """

    entry_bar: float
    exit_bar: float
    side: float
    quantity: float
    entry_price: float
    exit_price: float
    stop: float
    fees: float
    net: float
    reason: float


class DepthBook(Protocol):
    """An order book in the kernel."""

    def frame(self, data: bytes) -> int:
        """Take in a raw frame (delta, or snapshot); answers a `BookStatus`."""
        ...

    def row(self) -> BookRow:
        """The book after the last applied frame; means nothing before one."""
        ...

    def levels(self, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """Up to `count` bids and asks as (price, size), best first."""
        ...

    def spoil(self) -> None:
        """Make it dirty: a reconnect, or something else that may have lost a frame."""
        ...

    def close(self) -> None:
        """Frees its memory; of no use after that."""
        ...


class TriangleScan(Protocol):
    """Cycles under watch."""

    def quote(self, instrument: int, bid: float, ask: float) -> int:
        """Take in one quote; how many cycles through it are hits."""
        ...

    def scan(self, rows: Doubles) -> int:
        """Take in rows of (instrument, bid, ask), at most `rows_max`; how many hits."""
        ...

    def all(self) -> int:
        """Judge every cycle now; how many hits."""
        ...

    def hits(self) -> list[Hit]:
        """The hits of the last call that found room."""
        ...

    def close(self) -> None:
        """Frees its memory; of no use after that."""
        ...


class BarFeatures(Protocol):
    """Features of many symbols."""

    def update(self, rows: Doubles) -> Floats:
        """Rows of (symbol, open, high, low, close, volume) in; a row of FEATURES each out.

        A bar that cannot be true changes nothing, gets a row of NaN and counts in `refused`.
        """
        ...

    def update_into(self, rows: Doubles, out: Doubles) -> None:
        """The same into a buffer of the caller's, which spares making one for many bars."""
        ...

    @property
    def refused(self) -> int:
        """Bars that could not be true, so far."""
        ...

    def close(self) -> None:
        """Frees its memory; of no use after that."""
        ...


class BarSweep(Protocol):
    """Bars of one instrument, ready for any number of parameter sets."""

    def run(self, sets: Sequence[Rules]) -> list[SweepResult]:
        """One result for each set, in order."""
        ...

    def detail(self, rules: Rules) -> tuple[list[SweepTrade], Floats]:
        """The trades of one set, and its equity at every close. ValueError if it cannot be run."""
        ...

    def close(self) -> None:
        """Frees its memory; of no use after that."""
        ...


class Kernels(Protocol):
    """One implementation of all of them. Of one thread; `close` frees what it holds."""

    @property
    def name(self) -> str:
        """Which implementation this is, for people."""
        ...

    def book(self, settings: BookSettings) -> DepthBook:
        """A book without a snapshot yet."""
        ...

    def triangles(self, settings: TriangleSettings) -> TriangleScan:
        """All instruments unknown."""
        ...

    def features(self, symbols: int, lengths: Lengths) -> BarFeatures:
        """Symbols are numbered from 0."""
        ...

    def sweep(self, bars: Doubles, market: SweepMarket) -> BarSweep:
        """`bars`: rows of (open, high, low, close, volume), oldest first.

        Raises ValueError that names the first bar that cannot be true.
        """
        ...

    def close(self) -> None:
        """Nothing made by it may be used any more."""
        ...


def doubles(buffer: Doubles, row: int) -> "memoryview[float]":
    """`buffer` as a flat view of float64. Raises ValueError unless it is whole rows of them."""
    view = memoryview(buffer)
    if view.format != "d" or not view.c_contiguous:
        raise ValueError(f"a contiguous buffer of float64 is needed, not format {view.format!r}")
    flat = view.cast("B").cast("d")
    if len(flat) % row:
        raise ValueError(f"{len(flat)} numbers are not rows of {row}")
    return flat
