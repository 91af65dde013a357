"""The gate before real money: nothing is recorded unless every demand is met."""

import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.cli.test_past import BARS, bars
from tradewinds import clearance
from tradewinds.going_live import params_hash
from tradewinds.ledger.results import NOTHING
from tradewinds.research import promotion
from tradewinds.research.lookahead import Leak, LookaheadReport
from tradewinds.research.promotion import Demand, Shown, demands, evidence, passed
from tradewinds.research.significance import Finding, Significance
from tradewinds.research.trial import Trial
from tradewinds.research.walk_forward import Whole, whole

__all__ = ["BARS", "bars"]
DAY_NS = 86_400_000_000_000
SHORT = ("--train-days", "3", "--test-days", "2", "--candidates", "1", "--strategy", "momentum")


def window(number: int, daily: float, days: int = 30, trades: int = 6) -> Trial:
    """A test window that earned so much a day, a little more on even days than on odd ones."""
    returns = tuple(daily * (1.1 if day % 2 else 0.9) for day in range(days))
    start_ns = 19_000 * DAY_NS + number * days * DAY_NS
    equity = [(start_ns, Decimal(1000))]
    for day, value in enumerate(returns, 1):
        equity.append((start_ns + day * DAY_NS, equity[-1][1] * (1 + Decimal(value))))
    return Trial(
        params={},
        start_ns=start_ns,
        end_ns=start_ns + days * DAY_NS,
        first_day=19_000 + number * days,
        returns=returns,
        nets=tuple(1.0 if daily > 0 else -1.0 for _ in range(trades)),
        equity=tuple(equity),
        totals=NOTHING,
        turnover=Decimal(0),
        starting=Decimal(1000),
        drawdown=0.0,
        market_change=0.0,
        exposure=0.5,
        events=0,
        halted="",
        open_trades=0,
    )


def record(daily: float = 0.001, windows: int = 7, trades: int = 6) -> Whole:
    return whole(window(number, daily, trades=trades) for number in range(windows))


def luck(*passes: bool | None) -> Significance:
    findings = tuple(Finding(name=f"q{n}", passed=p, told="") for n, p in enumerate(passes))
    return Significance(
        strategies=("momentum",),
        lucky=False in passes,
        undecided=None in passes,
        verdict="",
        findings=findings,
        deflated=None,
        overfitting=None,
        monte_carlo=None,
        random_entry=None,
        trials=1,
        evaluations=1,
    )


def future(checked: int = 10, leaks: tuple[Leak, ...] = ()) -> LookaheadReport:
    return LookaheadReport(
        label="x", strategies=("momentum",), cuts=(1,), checked=checked, leaks=leaks
    )


GOOD = Shown(
    chosen=record(), shipped=record(), luck=luck(True, True), future=future(), halt_at=0.05
)


def unmet(**changes: Any) -> list[str]:
    return [d.name for d in demands(structs.replace(GOOD, **changes)) if not d.met]


def test_a_strategy_that_has_shown_everything_passes() -> None:
    found = demands(GOOD)
    assert passed(found)
    told = evidence(found, "bars")
    assert told["data"] == "bars"
    assert all(told.values()) or "" in told.values()
    assert len(told) == len(found) + 1


def test_nothing_asked_is_nothing_passed() -> None:
    assert not passed(())


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"shipped": record(-0.001)}, ["better than doing nothing", "drawdown",
                                       "profit after costs, settings in force"]),
        ({"chosen": record(-0.001)}, ["profit after costs, chosen in training"]),
        ({"shipped": record(windows=5)}, ["enough to judge by"]),
        ({"shipped": record(trades=4)}, ["enough to judge by"]),
        ({"luck": luck(True, False)}, ["q1"]),
        ({"luck": luck(None, True)}, ["q0"]),
        ({"future": future(checked=0)}, ["no look-ahead"]),
        ({"future": future(leaks=(Leak(probe="cut", strategy="m", field="f", at_ns=1,
                                       told="knew"),))}, ["no look-ahead"]),
        ({"halt_at": 0.0}, ["drawdown"]),
    ],
)  # fmt: skip
def test_each_demand_alone_keeps_it_out(changes: dict[str, Any], names: list[str]) -> None:
    assert sorted(unmet(**changes)) == sorted(names)


def test_a_wider_halt_in_the_settings_does_not_widen_the_gate() -> None:
    fallen = structs.replace(record(), drawdown=0.06)
    assert unmet(shipped=fallen, halt_at=0.5) == ["drawdown"]


def test_a_window_that_was_halted_keeps_it_out() -> None:
    halted = [structs.replace(window(n, 0.001), halted="drawdown" * (n == 3)) for n in range(7)]
    assert unmet(shipped=whole(halted)) == ["drawdown"]


def test_a_record_that_lives_off_one_day_is_not_better_than_nothing() -> None:
    calm = [window(n, -0.0001) for n in range(7)]
    lucky = structs.replace(calm[3], returns=(*calm[3].returns[:-1], 0.2))
    found = whole([*calm[:3], lucky, *calm[4:]])
    assert found.figures.total > 0
    assert math.isclose(found.figures.total, 0.2, abs_tol=0.05)
    assert "better than doing nothing" in unmet(shipped=found)


def test_ten_days_of_bars_promote_nobody_and_leave_no_record(
    cli: Callable[..., Any], bars: Path, home: Path
) -> None:
    answer = cli("promote", str(bars), *SHORT, "--json")
    assert answer.code == 12
    assert not answer.json["data"]["promoted"]
    assert "enough to judge by" in answer.json["error"]["message"]
    assert clearance.rows(clearance.path_of(home)) == ()
    text = cli("promote", str(bars), *SHORT).out
    assert "NOT MET" in text


def test_what_passes_is_recorded_with_its_parameters_and_figures(
    cli: Callable[..., Any], bars: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = (Demand(name="everything", met=True, told="as shown"),)
    monkeypatch.setattr(promotion, "demands", lambda shown: met)
    answer = cli("promote", str(bars), *SHORT, "--json")
    assert answer.code == 0
    (row,) = clearance.rows(clearance.path_of(home))
    assert isinstance(row, clearance.Promoted)
    assert row.params_hash == params_hash("momentum", {}) == answer.json["data"]["params_hash"]
    assert row.evidence["everything"] == "as shown"


@pytest.mark.parametrize("words", [(), ("--strategy", "momentum,triangular")], ids=str)
def test_it_takes_one_strategy_at_a_time(
    cli: Callable[..., Any], bars: Path, words: tuple[str, ...]
) -> None:
    assert cli("promote", str(bars), *words, "--json").code == 2
