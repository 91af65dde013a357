"""What a run or a backtest was asked for: light, so that asking costs no time."""

from pathlib import Path
from typing import Final

from msgspec import Struct

PAPER: Final = "paper"
PRACTICE: Final = "practice"
TESTNET: Final = "testnet"
DEMO: Final = "demo"
LIVE: Final = "live"


class RunOptions(Struct, frozen=True, kw_only=True):
    """What `run` was asked for. `speed` None is real time, infinity as fast as it goes.

    `mode` other than paper sends orders to a venue; `key` is the vault's name of the key there;
    `at` is which of the practice venue's products, '' for what the symbols are;
    `perpetuals`: Binance's USD-M beside spot, with `perpetual_key` where that is another key;
    `take_over`: runs of another data folder, now lost, whose orders are ours from here on;
    `cleared_ns` is when its owner asked for real money, 0 for now.
    """

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
    mode: str = PAPER
    key: str = ""
    at: str = ""
    perpetuals: bool = False
    perpetual_key: str = ""
    take_over: tuple[str, ...] = ()
    cleared_ns: int = 0


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
