"""Log prices with fat tails, clustered volatility, a common factor and modest episodes of trend."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from tradewinds.market.synthetic_spec import COINS, FACTOR_VOLATILITY

Floats = npt.NDArray[Any]

TAIL: Final = 5.0
"""Degrees of freedom of the Student t of minute returns."""
FAST, SLOW = 0.98, 0.9995
"""Persistence a minute of the two parts of log volatility: half-lives of 34 minutes and a day."""
PART_DEVIATION: Final = 0.35
LOG_VARIANCE: Final = 2 * PART_DEVIATION**2
EPISODE_CHANCE: Final = 1 / 720
"""A minute and coin: one in twelve hours."""
EPISODE_DRIFT: Final = 0.35
"""Drift in an episode, in units of the coin's own volatility a minute, of either sign."""
RETRACE: Final = 0.5
"""Share of an episode's drift that is given back in the time after it."""
STABLE_DEVIATION: Final = 0.00015
STABLE_PERSISTENCE: Final = 0.995


class Stretch(Struct, frozen=True, kw_only=True):
    """Some minutes of every coin.

    `log_prices` (minutes, steps + 1, coins) starts each minute with the last price of the one
    before. `log_stable` (minutes, steps + 1) is USDC in USDT. `activity` (minutes, coins) is
    volatility over its long-run level, `unrest` (minutes,) that of the factor.
    """

    log_prices: Floats
    log_stable: Floats
    activity: Floats
    unrest: Floats


class Walk:
    """The state of the market; `stretch` moves it on. No coin has a drift on average.

    A minute's return is beta x factor + own, each Student t with stochastic volatility (Taylor
    1986: log volatility as AR(1), here the sum of a fast and a slow one).
    """

    def __init__(self, rng: np.random.Generator) -> None:
        count = len(COINS)
        self._rng = rng
        self._sigma = np.array([FACTOR_VOLATILITY, *(coin.volatility for coin in COINS)])
        self._beta = np.array([coin.beta for coin in COINS])
        self._episodic = np.array([coin.episodes for coin in COINS])
        self._log_volatility = rng.standard_normal((2, count + 1)) * PART_DEVIATION
        self._x = np.log([coin.price for coin in COINS])
        self._stable = 0.0
        self._minutes_left = np.zeros(count, dtype=np.int64)
        self._drift = np.zeros(count)
        self._length = np.zeros(count, dtype=np.int64)
        self._retracing = np.zeros(count, dtype=bool)

    def stretch(self, minutes: int, steps: int, season: Floats) -> Stretch:
        """The next minutes in `steps` steps each; `season` (minutes,) scales all volatility."""
        rng, count = self._rng, len(COINS)
        calm = np.exp(self._volatilities(minutes) - LOG_VARIANCE) * season[:, None]
        tails = np.sqrt((TAIL - 2.0) / rng.chisquare(TAIL, (minutes, count + 1)))
        scale = self._sigma * calm * tails / math.sqrt(steps)
        factor = scale[:, :1] * rng.standard_normal((minutes, steps))
        own = scale[:, None, 1:] * rng.standard_normal((minutes, steps, count))
        variance = (self._beta * scale[:, :1]) ** 2 + scale[:, 1:] ** 2
        drift = self.drifts(minutes) / steps - variance / 2.0
        moves = factor[:, :, None] * self._beta + own + drift[:, None, :]
        path = self._x + np.cumsum(moves.reshape(minutes * steps, count), axis=0)
        log_prices = _chained(path.reshape(minutes, steps, count), self._x)
        self._x = path[-1]
        return Stretch(
            log_prices=log_prices,
            log_stable=self._stables(minutes, steps),
            activity=self._activity(calm),
            unrest=calm[:, 0],
        )

    def _volatilities(self, minutes: int) -> Floats:
        """(minutes, 1 + coins) log volatility, factor first."""
        keep = np.array([[FAST], [SLOW]])
        shock = np.sqrt(1.0 - keep**2) * PART_DEVIATION
        noise = self._rng.standard_normal((minutes, 2, len(COINS) + 1)) * shock
        state = self._log_volatility
        found = np.empty((minutes, len(COINS) + 1))
        for minute in range(minutes):
            state = state * keep + noise[minute]
            found[minute] = state[0] + state[1]
        self._log_volatility = state
        return found

    def _activity(self, calm: Floats) -> Floats:
        own = (self._sigma[1:] * calm[:, 1:]) ** 2
        shared = (self._beta * FACTOR_VOLATILITY * calm[:, :1]) ** 2
        usual = self._sigma[1:] ** 2 + (self._beta * FACTOR_VOLATILITY) ** 2
        return np.asarray(np.sqrt((own + shared) / usual))

    def drifts(self, minutes: int) -> Floats:
        """(minutes, coins) of drift a minute: zero but in an episode and in the retracing after."""
        starts = self._rng.random((minutes, len(COINS))) < EPISODE_CHANCE * self._episodic
        drifts = np.empty((minutes, len(COINS)))
        for minute in range(minutes):
            if starts[minute].any() or (self._minutes_left == 0).any():
                self._turn(starts[minute])
            drifts[minute] = self._drift
            self._minutes_left = np.maximum(self._minutes_left - 1, 0)
        return drifts

    def _turn(self, starts: npt.NDArray[np.bool_]) -> None:
        """Ended episodes retrace, ended retracings rest, and some resting coins start."""
        for coin in np.flatnonzero(self._minutes_left == 0).tolist():
            if self._drift[coin] != 0.0 and not self._retracing[coin]:
                self._retracing[coin] = True
                self._drift[coin] *= -RETRACE / 2.0
                self._minutes_left[coin] = 2 * int(self._length[coin])
            elif starts[coin]:
                self._begin(coin)
            else:
                self._drift[coin], self._retracing[coin] = 0.0, False

    def _begin(self, coin: int) -> None:
        sign = 1.0 if self._rng.random() < 0.5 else -1.0
        self._retracing[coin] = False
        self._drift[coin] = sign * EPISODE_DRIFT * COINS[coin].volatility
        self._minutes_left[coin] = int(self._rng.integers(20, 61))
        self._length[coin] = self._minutes_left[coin]

    def _stables(self, minutes: int, steps: int) -> Floats:
        """USDC keeps coming back to one USDT."""
        shock = STABLE_DEVIATION * math.sqrt(1.0 - STABLE_PERSISTENCE**2)
        ends = np.empty(minutes + 1)
        ends[0] = self._stable
        for minute, noise in enumerate(self._rng.standard_normal(minutes).tolist()):
            ends[minute + 1] = STABLE_PERSISTENCE * ends[minute] + shock * noise
        self._stable = float(ends[-1])
        share = np.linspace(0.0, 1.0, steps + 1)
        return np.asarray(ends[:-1, None] * (1.0 - share) + ends[1:, None] * share)


def _chained(path: Floats, before: Floats) -> Floats:
    """Put in front of each minute where the one before it ended."""
    firsts = np.concatenate((before[None, :], path[:-1, -1, :]))
    return np.concatenate((firsts[:, None, :], path), axis=1)


def season(minute_of_day: Floats) -> Floats:
    """Busiest at 15:00 UTC, when Europe and America both trade; mean 1."""
    return np.asarray(1.0 + 0.25 * np.cos((minute_of_day - 900.0) * (2.0 * math.pi / 1440.0)))
