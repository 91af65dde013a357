"""What a run or a backtest was asked for: light, so that asking costs no time."""

from pathlib import Path

from msgspec import Struct


class RunOptions(Struct, frozen=True, kw_only=True):
    """What `run` was asked for. `speed` None is real time, infinity as fast as it goes."""

    home: Path
    replay: str | None = None
    speed: float | None = None
    synthetic: bool = False
    seed: int | None = None
    no_dashboard: bool = False
    timeframe: str | None = None
    symbols: tuple[str, ...] = ()
    config_path: Path | None = None
    fresh: bool = False


class BacktestOptions(Struct, frozen=True, kw_only=True):
    """A path of recorded bars or so many synthetic days; None means all there is."""

    path: Path | None = None
    synthetic_days: int | None = None
    seed: int | None = None
    strategies: tuple[str, ...] = ()
    timeframe: str | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    symbols: tuple[str, ...] = ()
