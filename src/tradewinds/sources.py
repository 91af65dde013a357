"""Where market data comes from: a live venue, recordings, or the synthetic market."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from tradewinds.config import Settings
from tradewinds.engine.clock import EventClock, WallClock
from tradewinds.market.pace import Pace
from tradewinds.market.selection import Selection
from tradewinds.market.synthetic import SyntheticFeed
from tradewinds.model.errors import ConfigError, DataError
from tradewinds.model.events import InstrumentChanged, MarketEvent
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import DAY_NS, MINUTE_NS, parse_timeframe
from tradewinds.model.validity import EARLIEST_NS, LATEST_NS
from tradewinds.options import BacktestOptions, RunOptions
from tradewinds.ports import BarHistory, Feed
from tradewinds.strategies.registry import load

if TYPE_CHECKING:
    from tradewinds.gateways.live import Live
    from tradewinds.market.replay import ReplayFeed

SYNTHETIC_PARAMS: dict[str, Any] = {"timeframe": "1m"}
"""The synthetic market is for a first look: a strategy on bars looks at minutes, not hours."""
SYNTHETIC_EPOCH_NS = 19_723 * DAY_NS
"""2024-01-01: synthetic backtests end here, so that a seed always means the same days."""
WARM_UP_BARS = 1_000
BEAT_NS = 1_000_000_000
PAST_BEAT_NS = 300_000_000_000
"""The engine's pulse: a second of a live market, five minutes of a recorded one."""


class Past(Struct, frozen=True, kw_only=True):
    """Market data in time order, with what is known about it. `endings`: when (ns) the recording
    of an instrument has been over for so long that it counts as delisted.
    """

    label: str
    synthetic: bool
    instruments: Sequence[Instrument]
    blocks: Iterable[Sequence[MarketEvent]]
    history: BarHistory
    default_params: dict[str, Any]
    endings: dict[InstrumentId, int] = {}


class Source(Struct, frozen=True, kw_only=True):
    """A feed with what a session needs to know of it.

    `kind` is part of the account's name: results of live, recorded and synthetic markets never
    mix. `resumes` is false where an earlier run's positions mean nothing. `prints_bar_ns`: build
    bars of this length from prints, 0 where the feed brings bars.
    """

    feed: Feed
    kind: str
    synthetic: bool
    resumes: bool
    start_ns: int
    beat_ns: int
    clock: EventClock | WallClock
    history: BarHistory
    default_params: dict[str, Any]
    prints_bar_ns: int = 0
    watch: Callable[[Callable[[InstrumentChanged], None]], None] | None = None
    note: str = ""


def timeframe_ns_of(text: str | None) -> int:
    """0 for none. Raises ConfigError for nonsense."""
    if text is None:
        return 0
    timeframe_ns = parse_timeframe(text)
    if timeframe_ns is None:
        raise ConfigError(f"timeframe {text!r}: write it like 1m, 5m, 1h, 1d")
    return timeframe_ns


def past_of(settings: Settings, options: BacktestOptions) -> Past:
    """What a backtest runs over. Raises DataError for data that cannot be used."""
    if options.path is None:
        return _synthetic_past(settings, options)
    selection = Selection(
        symbols=options.symbols,
        timeframe_ns=timeframe_ns_of(options.timeframe),
        start_ns=EARLIEST_NS if options.start_ns is None else options.start_ns,
        end_ns=LATEST_NS if options.end_ns is None else options.end_ns,
    )
    feed = _replayed(options.path, selection, Pace())
    return Past(
        label=feed.label,
        synthetic=False,
        instruments=feed.instruments,
        blocks=feed.blocks(),
        history=feed.history(WARM_UP_BARS) if options.start_ns is not None else {},
        default_params={},
        endings=feed.endings,
    )


def _synthetic_past(settings: Settings, options: BacktestOptions) -> Past:
    seed = settings.feed.synthetic_seed if options.seed is None else options.seed
    days = options.synthetic_days or 1
    start_ns = SYNTHETIC_EPOCH_NS - days * DAY_NS
    feed = SyntheticFeed(seed, start_ns, duration_s=days * DAY_NS / 1e9, perpetuals=True)
    return Past(
        label=f"{feed.label}, {days} day(s) of quotes",
        synthetic=True,
        instruments=feed.instruments,
        blocks=feed.blocks(),
        history=feed.history(WARM_UP_BARS),
        default_params=SYNTHETIC_PARAMS,
    )


async def source_of(settings: Settings, options: RunOptions) -> Source:
    """Recorded if a path is given, synthetic if asked for, else live, else synthetic."""
    if options.replay is not None:
        return _recorded(options.replay, options)
    if options.synthetic:
        return _synthetic(settings, options, "")
    return await _live(settings, options)


def timeframes_asked_for(settings: Settings) -> set[int]:
    """Bar lengths (ns) that the strategies switched on look at, as far as they say so."""
    found = set()
    for name, section in settings.strategies.items():
        fields = {field.name: field.default for field in structs.fields(load(name).Params)}
        text = section.params.get("timeframe", fields.get("timeframe"))
        timeframe_ns = parse_timeframe(text) if isinstance(text, str) else None
        if section.enabled and timeframe_ns:
            found.add(timeframe_ns)
    return found


async def live_history(live: "Live", timeframes: set[int]) -> BarHistory:
    """Enough closed bars of each length for a strategy to begin at once. The minutes come last,
    for the feed follows on from what it was asked for last."""
    bars: dict[InstrumentId, list[Bar]] = {}
    for timeframe_ns in sorted({*timeframes, MINUTE_NS}, reverse=True):
        found = await live.history(WARM_UP_BARS, timeframe_ns)
        for instrument_id, had in found.items():
            bars.setdefault(instrument_id, []).extend(had)
    return bars


def _pace(options: RunOptions) -> Pace:
    speed = 1.0 if options.speed is None else options.speed
    return Pace(None if speed == float("inf") else speed)


def _beat_ns(options: RunOptions) -> int:
    """Paced, the pulse is a second of the wall's: it drives what must be tried again."""
    speed = 1.0 if options.speed is None else options.speed
    return int(min(PAST_BEAT_NS, BEAT_NS * max(speed, 1.0)))


def _replayed(path: Path, selection: Selection, pace: Pace) -> "ReplayFeed":
    """Imported when needed: reading Parquet takes a third of a second to load."""
    from tradewinds.gateways.binance_frames import decoder_for
    from tradewinds.market.replay import ReplayFeed

    return ReplayFeed(path, selection, pace, make_decoder=decoder_for)


def _recorded(path: str, options: RunOptions) -> Source:
    selection = Selection(symbols=options.symbols, timeframe_ns=timeframe_ns_of(options.timeframe))
    feed = _replayed(Path(path), selection, _pace(options))
    first = next(feed.events(), None)
    if first is None:
        raise DataError(f"{path}: no usable market data in it")
    start_ns = first.received_time_ns
    return Source(
        feed=feed,
        kind="replay",
        synthetic=False,
        resumes=False,
        start_ns=start_ns,
        beat_ns=_beat_ns(options),
        clock=EventClock(start_ns, options.speed or 1.0),
        history={},
        default_params={},
        note="; ".join(feed.notes),
    )


def _synthetic(settings: Settings, options: RunOptions, note: str) -> Source:
    seed = settings.feed.synthetic_seed if options.seed is None else options.seed
    now_ns = time.time_ns()
    start_ns = now_ns - now_ns % MINUTE_NS
    feed = SyntheticFeed(seed, start_ns, _pace(options), perpetuals=True)
    return Source(
        feed=feed,
        kind="synthetic",
        synthetic=True,
        resumes=False,
        start_ns=start_ns,
        beat_ns=BEAT_NS,
        clock=EventClock(start_ns, options.speed or 1.0),
        history=feed.history(WARM_UP_BARS),
        default_params=SYNTHETIC_PARAMS,
        note=note,
    )


async def _live(settings: Settings, options: RunOptions) -> Source:
    from tradewinds.gateways.probe import reachable_venue

    venues = settings.feed.venues
    found = await reachable_venue(venues, settings.feed.probe_timeout_s)
    if found is None:
        seconds = f"{settings.feed.probe_timeout_s:g} s"
        note = f"no venue reachable within {seconds} ({', '.join(venues)}): synthetic market"
        return _synthetic(settings, options, note)
    from tradewinds.gateways.live import open_live

    live = await open_live(found, options.symbols or settings.feed.symbols)
    return Source(
        feed=live.feed,
        kind="live",
        synthetic=False,
        resumes=True,
        start_ns=time.time_ns(),
        beat_ns=BEAT_NS,
        clock=WallClock(),
        history=await live_history(live, timeframes_asked_for(settings)),
        default_params={},
        prints_bar_ns=live.prints_bar_ns,
        watch=live.watch,
    )
