"""TradingState: why we may trade, only close, or do nothing; and the UTC day it counts by."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.checkpoint import Cause, RiskState
from tradewinds.model.decimals import ONE, ZERO, to_decimal
from tradewinds.model.portfolio import TradingState
from tradewinds.risk.limits import RiskLimits

NS_PER_DAY = 86_400_000_000_000
FOR_THE_DAY = ("day_limit", "drawdown_step")
"""Lapse with the UTC day, not with a restart and not by resuming (the limit)."""
FOR_THE_OPERATOR = (
    "operator",
    "pause",
    "drawdown_halt",
    "valuation",
    "foreign",
    "cannot_close",
    "late_fill",
    "liquidated",
)
"""Stand until the operator resumes, over restarts and days."""
HAIR = Decimal("0.000001")
SEVERITY = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


class Verdict(Struct, frozen=True, kw_only=True):
    """What the breaker wants done now."""

    state: TradingState
    reason: str
    flatten: bool


class Breaker:
    """Collects reasons not to trade; the worst one is the state.

    Money reasons: the day's limit (until the next UTC day), the drawdown halt (until the
    operator resumes), the drawdown step (until the next UTC day). Others come and go.
    """

    def __init__(self, limits: RiskLimits) -> None:
        self._limits = limits
        self._causes: dict[str, tuple[TradingState, str]] = {}
        self.day = -1
        self.day_end_ns = 0
        self.day_start_equity = ZERO
        self.peak_equity = ZERO
        self.shifted = ZERO
        self._safe_of: Decimal | None = None
        self._safe = ZERO

    def start(self, now_ns: int, equity: Decimal, saved: RiskState | None) -> None:
        """Begin a run. A saved state keeps its day, its halts and its peak: no reset by restart."""
        self._set_day(now_ns // NS_PER_DAY)
        self.day_start_equity = self.peak_equity = equity
        if saved is None:
            return
        self.peak_equity = max(saved.peak_equity, equity)
        same_day = saved.day >= self.day
        if same_day:
            # A clock that went back does not open a new day either.
            self._set_day(saved.day)
            self.day_start_equity = saved.day_start_equity
        standing = FOR_THE_OPERATOR + (FOR_THE_DAY if same_day else ())
        for cause in saved.causes:
            if cause.name in standing:
                self.raise_cause(cause.name, cause.state, cause.reason)
        if saved.day_limit_hit and same_day:
            self.raise_cause("day_limit", TradingState.HALTED, "the day's loss limit was hit")
        if saved.operator_halt and not saved.causes:
            self.raise_cause("operator", TradingState.HALTED, saved.reason)

    def roll_day(self, now_ns: int, equity: Decimal) -> None:
        """A new UTC day: the day's causes lapse, the operator's and the drawdown halt stay."""
        self._set_day(now_ns // NS_PER_DAY)
        self.day_start_equity = equity
        for name in FOR_THE_DAY:
            self._causes.pop(name, None)

    def raise_cause(self, name: str, state: TradingState, reason: str) -> bool:
        """Add a reason; True if it is new or worse than what stood under this name."""
        known = self._causes.get(name)
        if known is not None and SEVERITY[known[0]] >= SEVERITY[state]:
            return False
        self._causes[name] = (state, reason)
        return True

    def clear_cause(self, name: str) -> bool:
        """Take a reason away; True if it stood."""
        return self._causes.pop(name, None) is not None

    def resume(self, equity: Decimal) -> None:
        """The operator acknowledges: halts by operator and drawdown end; the day's limit stays."""
        for name in (*FOR_THE_OPERATOR, "drawdown_step"):
            self._causes.pop(name, None)
        self.peak_equity = equity

    def judge_equity(self, equity: Decimal, realised_today: Decimal) -> Verdict | None:
        """Look at a new equity; a verdict if the money says stop."""
        self.peak_equity = max(self.peak_equity, equity)
        day_loss = max(self.day_start_equity - equity, -realised_today)
        if day_loss >= self._limits.loss_per_day_max:
            return self._halt("day_limit", f"today's loss is {day_loss:.2f}: limit reached")
        if equity > self._safe_from(self.peak_equity):
            return None
        down = self.drawdown(equity)
        if down >= self._limits.drawdown_halt:
            return self._halt("drawdown_halt", f"drawdown {down:.2%}: the operator must resume")
        losing_today = day_loss * 4 >= self._limits.loss_per_day_max
        if down >= self._limits.drawdown_reduce and losing_today:
            return self._reduce(f"drawdown {down:.2%}: no new risk today")
        return None

    def judge_invariant(self, realised_today: Decimal, open_risk: Decimal) -> Verdict | None:
        """The law itself. Only a gap through a stop can break it; then everything is closed."""
        used = max(ZERO, -realised_today) + open_risk
        if used <= self._limits.loss_per_day_max:
            return None
        reason = f"worst case {used:.2f} exceeds {self._limits.loss_per_day_max:.2f} after a gap"
        return self._halt("day_limit", reason)

    def shift(self, change: Decimal) -> None:
        """Money came or went that is no result of ours: the lines we measure from move with it."""
        self.shifted += change
        self.day_start_equity += change
        self.peak_equity += change

    def drawdown(self, equity: Decimal) -> float:
        """Share of the peak that is lost, in [0, 1]."""
        if self.peak_equity <= ZERO:
            return 0.0
        return float(max(ZERO, ONE - equity / self.peak_equity))

    def _safe_from(self, peak: Decimal) -> Decimal:
        """An equity above this has no drawdown that anything follows from: a hair above the line,
        because the line itself is drawn in floats."""
        if peak is not self._safe_of:
            first = min(self._limits.drawdown_halt, self._limits.drawdown_reduce)
            self._safe_of, self._safe = peak, peak * (ONE - to_decimal(first) + HAIR)
        return self._safe

    def risk_scale(self, equity: Decimal) -> float:
        """1 until `drawdown_scale`, a half until `drawdown_reduce`, then a quarter."""
        down = self.drawdown(equity)
        if down < self._limits.drawdown_scale:
            return 1.0
        return 0.5 if down < self._limits.drawdown_reduce else 0.25

    @property
    def state(self) -> TradingState:
        """The worst standing cause."""
        if not self._causes:
            return TradingState.ACTIVE
        worst = max(self._causes.values(), key=lambda item: SEVERITY[item[0]], default=None)
        return TradingState.ACTIVE if worst is None else worst[0]

    @property
    def reason(self) -> str:
        """Why, in words; empty when ACTIVE."""
        if not self._causes:
            return ""
        state = self.state
        return "; ".join(text for level, text in self._causes.values() if level is state)

    def saved(self) -> RiskState:
        """For the checkpoint: every cause that is more than a fact of the moment."""
        kept = [name for name in (*FOR_THE_OPERATOR, *FOR_THE_DAY) if name in self._causes]
        return RiskState(
            trading_state=self.state,
            reason=self.reason,
            operator_halt="operator" in kept or "drawdown_halt" in kept,
            day=self.day,
            day_start_equity=self.day_start_equity,
            peak_equity=self.peak_equity,
            day_limit_hit="day_limit" in kept,
            causes=tuple(
                Cause(name=name, state=self._causes[name][0], reason=self._causes[name][1])
                for name in kept
            ),
        )

    def _halt(self, name: str, reason: str) -> Verdict | None:
        if not self.raise_cause(name, TradingState.HALTED, reason):
            return None
        return Verdict(state=self.state, reason=self.reason, flatten=True)

    def _reduce(self, reason: str) -> Verdict | None:
        if not self.raise_cause("drawdown_step", TradingState.REDUCING, reason):
            return None
        return Verdict(state=self.state, reason=self.reason, flatten=False)

    def _set_day(self, day: int) -> None:
        self.day = day
        self.day_end_ns = (day + 1) * NS_PER_DAY
