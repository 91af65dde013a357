"""What a sweep runs on: each instrument's bars of the searched part, and what trading it costs."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol, cast

from msgspec import Struct, structs

from tradewinds.config import Settings
from tradewinds.features.kernels.bars import sane
from tradewinds.features.kernels.contract import Floats, Rules, SweepMarket
from tradewinds.market.derive import Deriver
from tradewinds.model.decimals import BPS, ONE
from tradewinds.model.errors import ConfigError, DataError
from tradewinds.model.ids import InstrumentId
from tradewinds.model.instrument import Instrument
from tradewinds.model.market import Bar
from tradewinds.model.timeframes import DAY_NS
from tradewinds.parts import params_of, sim_settings_of
from tradewinds.research.jobs import Job, loaded
from tradewinds.research.trial import Stretch
from tradewinds.risk.sizing import kelly_share
from tradewinds.strategies.registry import build, load


class Sweepable(Protocol):
    """What a strategy's class may have besides, so that `optimize --sweep` can try it.

    Without `sweep_confidence`, which is that of its signals, a trade risks `loss_per_trade_max`.
    """

    Params: type[Struct]

    @staticmethod
    def sweep_rules(params: Any, instrument: Instrument) -> Rules | None:
        """The kernel's rules nearest to these parameters; None: not traded."""
        ...


class Ground(Struct, frozen=True, kw_only=True):
    """One instrument. Of `bars` the first `market.first_bar` are there to learn from only."""

    instrument: Instrument
    bars: Floats
    market: SweepMarket
    bars_a_day: float

    @property
    def traded(self) -> int:
        """Bars on which it may trade."""
        return len(self.bars) // 5 - self.market.first_bar


def sweepable(strategies: Sequence[str]) -> type[Sweepable]:
    """The class of the one strategy. Raises ConfigError where the kernel cannot express it."""
    if len(strategies) != 1:
        raise ConfigError(f"--sweep takes one strategy, not {len(strategies)}: add --strategy NAME")
    kind = load(strategies[0])
    if not callable(getattr(kind, "sweep_rules", None)):
        raise ConfigError(
            f"--sweep: strategy {strategies[0]!r} has no `sweep_rules`, the kernel's rules do not"
            " express what it does; leave --sweep out (docs/KERNELS.md)"
        )
    return cast("type[Sweepable]", kind)


@lru_cache(maxsize=1)
def grounds(job: Job) -> tuple[Ground, ...]:
    """Of the job's span and what came before it, nothing after. Each process makes them once.

    Raises DataError where there are no bars to trade on.
    """
    on = loaded(job)
    (name,) = job.strategies
    kind = sweepable(job.strategies)
    settings = on.task.settings
    params = params_of(settings, on.past.default_params)[name]
    instruments = on.past.instruments
    wishes = build(name, params, instruments).subscriptions()
    wanted: dict[InstrumentId, int] = {}
    for wish in wishes:
        if wish.kind is Bar:
            wanted.setdefault(wish.instrument_id, wish.timeframe_ns)
    found = _bars_of(on, wanted)
    made = [
        _ground(
            instrument, found[instrument.id], job.start_ns, market_of(settings, instrument, kind)
        )
        for instrument in instruments
        if found.get(instrument.id)
    ]
    if not any(ground.traded > 0 for ground in made):
        raise DataError("--sweep: no bars of what the strategy trades in the part to search")
    return tuple(ground for ground in made if ground.traded > 0)


def market_of(settings: Settings, instrument: Instrument, kind: type[Sweepable]) -> SweepMarket:
    """What the limits and the simulated venue ask of one position alone, cash in its quote."""
    limits = settings.limits
    confidence = getattr(kind, "sweep_confidence", 1.0)
    return SweepMarket(
        cash=float(settings.account.starting_balance),
        taker_fee=float(instrument.taker_fee),
        maker_fee=float(instrument.maker_fee),
        slippage=float(sim_settings_of(settings).slippage_bps * BPS),
        tick=float(instrument.tick_size),
        lot=float(instrument.lot_size),
        risk_money=float(limits.loss_per_trade_max),
        risk_share=float(kelly_share(confidence, ONE)) * limits.kelly_fraction,
        exposure=limits.exposure_per_instrument_max,
        entry_slack=limits.collar_bps / 2 / 10_000,
        stop_allowance=limits.slippage_allowance_bps / 10_000,
        notional_min=float(instrument.min_notional),
    )


def _bars_of(on: Stretch, wanted: Mapping[InstrumentId, int]) -> dict[InstrumentId, list[Bar]]:
    """Bars of the wanted timeframe, the one that is there where none is named, oldest first."""
    sizes = dict(wanted)
    found: dict[InstrumentId, list[Bar]] = {}
    for bar in _every_bar(on, set(wanted.values()) - {0}):
        id_ = bar.instrument_id
        if id_ not in sizes:
            continue
        sizes[id_] = sizes[id_] or bar.timeframe_ns
        bars = found.setdefault(id_, [])
        if bar.timeframe_ns == sizes[id_] and (
            not bars or bar.open_time_ns > bars[-1].open_time_ns
        ):
            bars.append(bar)
    return found


def _every_bar(on: Stretch, sizes: set[int]) -> Iterator[Bar]:
    """Those before the span, then those in it with the larger ones they make."""
    yield from chain.from_iterable(on.past.history.values())
    deriver = Deriver(sizes)
    for event in chain.from_iterable(on.past.blocks):
        if isinstance(event, Bar):
            yield event
        yield from deriver.add(event)


def _ground(
    instrument: Instrument, bars: Sequence[Bar], start_ns: int, terms: SweepMarket
) -> Ground:
    rows = array("d")
    before = 0
    for bar in bars:
        row = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        # The engine's board drops what cannot be true too.
        if sane(row):
            rows.extend(row)
            before += bar.venue_time_ns < start_ns
    return Ground(
        instrument=instrument,
        bars=rows,
        market=structs.replace(terms, first_bar=before),
        bars_a_day=DAY_NS / bars[0].timeframe_ns,
    )
