"""How far a price may be expected to move within a horizon: learned from the past only."""

from collections import deque

from tradewinds.features.online import GuessScore, OnlineRegression

BPS = 10_000.0


class EdgeModel:
    """Features and prices in, one sample at a time; the expected move of the next `horizon`.

    A sample is learned from when its horizon has passed, and every guess is scored against what
    came. `expected` is the guess times the slope of past guesses (one at most), and nil unless
    the score is `sure` standard errors above nil over at least `samples_min` samples: what was
    never right beforehand is no edge.
    """

    __slots__ = ("_horizon", "_regression", "_sure", "_waiting", "expected", "samples_min", "score")

    def __init__(self, features: int, horizon: int, memory: int, sure: float) -> None:
        self._horizon = horizon
        self._sure = sure
        self._regression = OnlineRegression(features, memory)
        self.score = GuessScore(memory, horizon)
        self.samples_min = min(memory / horizon / 4.0, 100.0)
        self._waiting: deque[tuple[tuple[float, ...], float, float]] = deque()
        self.expected = 0.0

    def update(self, features: tuple[float, ...], price: float) -> None:
        """Take in the sample of now; `expected` (bps) is then what it says."""
        if len(self._waiting) == self._horizon:
            then, price_then, guessed = self._waiting.popleft()
            came = (price / price_then - 1.0) * BPS
            if guessed:
                self.score.update(guessed, came)
            self._regression.update(then, came)
        guess = self._regression.guess(features)
        self._waiting.append((features, price, guess))
        sure = self.score.sureness >= self._sure and self.score.samples >= self.samples_min
        self.expected = guess * min(self.score.slope, 1.0) if sure else 0.0

    def start_over(self) -> None:
        """A gap: what waits for its outcome would be scored against another time's price."""
        self._waiting.clear()
        self.expected = 0.0
