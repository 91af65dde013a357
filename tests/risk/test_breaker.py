"""The day, the ladder, and what a restart, a new day or the operator ends."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tradewinds.model.portfolio import TradingState
from tradewinds.risk.breaker import FOR_THE_OPERATOR, NS_PER_DAY, Breaker

NOON = 20_000 * NS_PER_DAY + NS_PER_DAY // 2
ACTIVE, REDUCING, HALTED = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED
K = Decimal(1000)


@pytest.fixture
def breaker(make: Any) -> Breaker:
    made = Breaker(make.limits())
    made.start(NOON, K, None)
    return made


def again(breaker: Breaker, make: Any, now_ns: int, equity: Decimal = K) -> Breaker:
    """What a restart makes of it, through the checkpoint's bytes."""
    state = breaker.saved()
    copied = msgspec.json.decode(msgspec.json.encode(state), type=type(state))
    other = Breaker(make.limits())
    other.start(now_ns, equity, copied)
    return other


def test_d4_the_days_limit_counts_unrealised_losses_and_fees(breaker: Breaker) -> None:
    assert breaker.judge_equity(Decimal("980.01"), Decimal(0)) is None
    verdict = breaker.judge_equity(Decimal(980), Decimal(0))
    assert verdict is not None
    assert (verdict.state, verdict.flatten) == (HALTED, True)
    assert breaker.judge_equity(Decimal(970), Decimal(0)) is None, "told once"


def test_d4_realised_losses_count_even_when_equity_hides_them(breaker: Breaker) -> None:
    assert breaker.judge_equity(Decimal(1500), Decimal(-20)) is not None
    assert breaker.state is HALTED


def test_d4_the_limit_holds_over_restarts_and_resumes_until_the_next_utc_day(
    breaker: Breaker, make: Any
) -> None:
    breaker.judge_equity(Decimal(980), Decimal(-20))
    for _ in range(3):
        breaker = again(breaker, make, NOON + 1, Decimal(980))
        breaker.resume(Decimal(980))
        assert breaker.state is HALTED
    late = 20_001 * NS_PER_DAY - 1
    assert again(breaker, make, late, Decimal(980)).state is HALTED
    assert again(breaker, make, late + 1, Decimal(980)).state is ACTIVE
    breaker.roll_day(late + 1, Decimal(980))
    assert (breaker.state, breaker.day_start_equity) == (ACTIVE, 980)


def test_c8_a_loss_before_and_one_after_midnight_belong_to_two_days(breaker: Breaker) -> None:
    assert breaker.judge_equity(Decimal(981), Decimal(-19)) is None
    breaker.roll_day(20_001 * NS_PER_DAY, Decimal(981))
    assert breaker.judge_equity(Decimal(979), Decimal(-2)) is None
    assert breaker.judge_equity(Decimal(961), Decimal(-20)) is not None


def test_a_clock_that_goes_back_opens_no_new_day(breaker: Breaker, make: Any) -> None:
    breaker.judge_equity(Decimal(980), Decimal(-20))
    for days_back in (1, 30):
        earlier = again(breaker, make, NOON - days_back * NS_PER_DAY, Decimal(980))
        assert (earlier.day, earlier.day_start_equity) == (20_000, 1000)
        assert earlier.state is HALTED
        assert earlier.day_end_ns == 20_001 * NS_PER_DAY


def test_the_invariant_is_broken_only_above_the_limit(breaker: Breaker) -> None:
    assert breaker.judge_invariant(Decimal(-12), Decimal(8)) is None
    assert breaker.judge_invariant(Decimal(50), Decimal(20)) is None
    verdict = breaker.judge_invariant(Decimal(-12), Decimal("8.000001"))
    assert verdict is not None
    assert (verdict.state, verdict.flatten) == (HALTED, True)


@pytest.mark.parametrize(
    ("equity", "scale"),
    [(1000, 1.0), (981, 1.0), (980, 0.5), (961, 0.5), (960, 0.25), (900, 0.25)],
)
def test_the_ladder_shrinks_risk_before_it_forbids_it(
    breaker: Breaker, equity: int, scale: float
) -> None:
    assert breaker.risk_scale(Decimal(equity)) == scale


def test_the_ladder_reduces_then_halts(make: Any) -> None:
    breaker = Breaker(make.limits(loss_per_day_max=Decimal(100)))
    breaker.start(NOON, K, None)
    breaker.judge_equity(Decimal(1050), Decimal(0))
    assert breaker.judge_equity(Decimal(1009), Decimal(0)) is None, "3.9 % from the peak"
    breaker.judge_equity(Decimal(974), Decimal(0))
    assert breaker.state is HALTED, "7 % from the peak, though the day's limit is far"
    breaker.resume(Decimal(974))
    assert (breaker.state, breaker.peak_equity) == (ACTIVE, 974)
    breaker.judge_equity(Decimal(935), Decimal(0))
    assert breaker.state is REDUCING


def test_the_drawdown_step_holds_over_a_restart_until_the_next_day(make: Any) -> None:
    breaker = Breaker(make.limits(loss_per_day_max=Decimal(100)))
    breaker.start(NOON, K, None)
    breaker.judge_equity(Decimal(959), Decimal(-41))
    assert breaker.state is REDUCING
    assert again(breaker, make, NOON + 1, Decimal(959)).state is REDUCING
    breaker.roll_day(20_001 * NS_PER_DAY, Decimal(959))
    assert breaker.state is ACTIVE


@pytest.mark.parametrize("name", FOR_THE_OPERATOR)
def test_what_the_operator_must_lift_outlives_restarts_and_days(
    breaker: Breaker, make: Any, name: str
) -> None:
    state = REDUCING if name in ("pause", "valuation", "foreign") else HALTED
    breaker.raise_cause(name, state, "why")
    breaker.roll_day(20_001 * NS_PER_DAY, K)
    later = again(breaker, make, 20_005 * NS_PER_DAY)
    assert (later.state, later.reason) == (state, "why")
    later.resume(K)
    assert later.state is ACTIVE
    assert again(later, make, 20_005 * NS_PER_DAY).state is ACTIVE


@pytest.mark.parametrize("name", ["feed", "store"])
def test_what_is_a_fact_of_the_moment_is_looked_at_anew(
    breaker: Breaker, make: Any, name: str
) -> None:
    breaker.raise_cause(name, REDUCING, "just now")
    assert again(breaker, make, NOON).state is ACTIVE
    breaker.resume(K)
    assert breaker.state is REDUCING, "resuming does not bring the feed back"
    assert breaker.clear_cause(name)
    assert not breaker.clear_cause(name)


def test_the_worst_cause_is_the_state_and_tells_why(breaker: Breaker) -> None:
    assert breaker.raise_cause("pause", REDUCING, "lunch")
    assert breaker.raise_cause("operator", HALTED, "stop")
    assert not breaker.raise_cause("operator", REDUCING, "milder"), "nothing new"
    assert (breaker.state, breaker.reason) == (HALTED, "stop")


def test_the_peak_outlives_a_restart(breaker: Breaker, make: Any) -> None:
    breaker.judge_equity(Decimal(1100), Decimal(0))
    later = again(breaker, make, NOON + 3 * NS_PER_DAY, Decimal(1060))
    assert later.peak_equity == 1100
    assert later.risk_scale(Decimal(1060)) == 0.5
