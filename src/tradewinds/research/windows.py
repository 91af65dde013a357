"""Which days a parameter set is chosen on, and which later days it is judged on."""

from typing import Final

from msgspec import Struct

from tradewinds.model.errors import ConfigError
from tradewinds.model.timeframes import DAY_NS

SHORTEST_TEST: Final = 0.5
"""The last test window may be cut short by the end of the data, but not below this share."""


class WalkPlan(Struct, frozen=True, kw_only=True):
    """Lengths in days. Anchored: training always begins with the data; else it rolls along.

    Between training and test lie `purge_days` (a trade that was opened in training may still be
    open, so its result would be known on both sides) and `embargo_days` (what is left of serial
    correlation between the last days of training and the first of the test). See Lopez de Prado,
    "Advances in Financial Machine Learning" (2018), chapter 7.
    """

    train_days: int
    test_days: int
    anchored: bool = False
    purge_days: int = 1
    embargo_days: int = 1


class Window(Struct, frozen=True, kw_only=True):
    """Half-open spans of event time, in nanoseconds, on UTC days."""

    number: int
    train_start_ns: int
    train_end_ns: int
    test_start_ns: int
    test_end_ns: int


def windows(start_ns: int, end_ns: int, plan: WalkPlan) -> tuple[Window, ...]:
    """All windows in [start, end): the tests follow each other without a gap or an overlap.

    Raises ConfigError where not even one fits.
    """
    if min(plan.train_days, plan.test_days) < 1 or min(plan.purge_days, plan.embargo_days) < 0:
        raise ConfigError("walk-forward: training and test take a day at least, gaps none")
    first_ns = -(-start_ns // DAY_NS) * DAY_NS
    train_ns, test_ns = plan.train_days * DAY_NS, plan.test_days * DAY_NS
    gap_ns = (plan.purge_days + plan.embargo_days) * DAY_NS
    found: list[Window] = []
    test_start_ns = first_ns + train_ns + gap_ns
    while end_ns - test_start_ns >= test_ns * SHORTEST_TEST:
        train_end_ns = test_start_ns - gap_ns
        found.append(
            Window(
                number=len(found) + 1,
                train_start_ns=first_ns if plan.anchored else train_end_ns - train_ns,
                train_end_ns=train_end_ns,
                test_start_ns=test_start_ns,
                test_end_ns=min(test_start_ns + test_ns, end_ns),
            )
        )
        test_start_ns += test_ns
    if not found:
        raise ConfigError(_too_short(start_ns, end_ns, plan))
    return tuple(found)


def _too_short(start_ns: int, end_ns: int, plan: WalkPlan) -> str:
    needed = plan.train_days + plan.purge_days + plan.embargo_days + plan.test_days
    return (
        f"walk-forward: the data spans {(end_ns - start_ns) / DAY_NS:.1f} days, one window takes"
        f" {needed} ({plan.train_days} to train, {plan.purge_days} + {plan.embargo_days} between,"
        f" {plan.test_days} to test); choose shorter ones"
    )
