"""Every position has stops for just what is held, or is on its way out."""

from decimal import Decimal
from typing import Any

import pytest

from tradewinds.execution.protective import Steps, next_steps
from tradewinds.model.order import Purpose


def wishes(steps: Steps) -> list[tuple[Purpose, Decimal, Decimal | None]]:
    return [(c.purpose, c.quantity, c.trigger_price) for c in steps.closings]


def test_a_bare_position_gets_its_stop_at_once(make: Any) -> None:
    assert wishes(next_steps(make.situation())) == [(Purpose.STOP, 2, 98)]


def test_a_covered_position_is_left_alone(make: Any) -> None:
    assert next_steps(make.situation(None, make.order(Purpose.STOP))) == Steps()


def test_more_filled_more_covered(make: Any) -> None:
    held = make.trade(quantity=Decimal(3))
    steps = next_steps(make.situation(held, make.order(Purpose.STOP, 2)))
    assert wishes(steps) == [(Purpose.STOP, 1, 98)]


def test_a_stop_half_filled_covers_the_other_half(make: Any) -> None:
    held = make.trade(quantity=Decimal("1.5"))
    assert next_steps(make.situation(held, make.order(Purpose.STOP, 2, filled=0.5))) == Steps()


@pytest.mark.parametrize("quantity", ["1.9", "0.5"])
def test_a_stop_for_more_than_is_held_goes_first(make: Any, quantity: str) -> None:
    held = make.trade(quantity=Decimal(quantity))
    steps = next_steps(make.situation(held, make.order(Purpose.STOP, 2)))
    assert (steps.cancels, steps.closings) == (("o1",), ())


def test_a_tightened_stop_waits_until_the_old_one_is_gone(make: Any) -> None:
    held, old = make.trade(stop_price=Decimal(99)), make.order(Purpose.STOP)
    assert next_steps(make.situation(held, old)).cancels == ("o1",)
    waiting = make.situation(held, old, canceling=frozenset({"o1"}))
    assert next_steps(waiting) == Steps(), "asked once, and never two stops for one position"
    assert wishes(next_steps(make.situation(held))) == [(Purpose.STOP, 2, 99)]


def test_stop_and_target_share_a_group_that_was_never_used_before(make: Any) -> None:
    held = make.trade(target_price=Decimal(110))
    first, second = (
        {c.oco_group for c in next_steps(make.situation(held, attempt=n)).closings} for n in (1, 2)
    )
    assert len(first) == len(second) == 1
    assert first.isdisjoint(second)
    assert "" not in first


def test_a_target_whose_stop_is_gone_is_cancelled_so_that_a_pair_can_follow(make: Any) -> None:
    held = make.trade(target_price=Decimal(110), quantity=Decimal("1.5"))
    left = make.order(Purpose.TARGET, 2, filled=0.5, oco_group="t-1")
    steps = next_steps(make.situation(held, left))
    assert (steps.cancels, steps.closings) == (("o1",), ())
    assert [c.purpose for c in next_steps(make.situation(held)).closings] == [
        Purpose.STOP,
        Purpose.TARGET,
    ]


def test_what_cannot_carry_a_stop_is_closed(make: Any) -> None:
    small = make.trade(quantity=Decimal("0.05"), stop_price=Decimal(90))
    steps = next_steps(make.situation(small))
    assert steps.exit_reason
    growing = make.trade(
        quantity=Decimal("0.05"), stop_price=Decimal(90), pending_quantity=Decimal(1)
    )
    assert next_steps(make.situation(growing)) == Steps(), "more may come"


def test_two_parts_too_small_for_two_stops_get_one(make: Any) -> None:
    held = make.trade(quantity=Decimal("0.15"), stop_price=Decimal(90))
    first = make.order(Purpose.STOP, "0.1", trigger_price=Decimal(90))
    assert next_steps(make.situation(held, first)).cancels == ("o1",)
    assert wishes(next_steps(make.situation(held))) == [(Purpose.STOP, Decimal("0.15"), 90)]


def test_dust_is_not_worth_a_moment_without_a_stop(make: Any) -> None:
    held = make.trade(quantity=Decimal("2.02"))
    assert next_steps(make.situation(held, make.order(Purpose.STOP, 2))) == Steps()


def test_leaving_frees_the_quantity_first_and_sells_it_once(make: Any) -> None:
    stop, target = make.order(Purpose.STOP), make.order(Purpose.TARGET, client_order_id="o2")
    leaving = {"exit_reason": "signal"}
    assert next_steps(make.situation(None, stop, target, **leaving)).cancels == ("o1", "o2")
    waiting = make.situation(None, stop, canceling=frozenset({"o1"}), **leaving)
    assert next_steps(waiting) == Steps()
    assert wishes(next_steps(make.situation(None, **leaving))) == [(Purpose.EXIT, 2, None)]
    working = make.order(Purpose.EXIT, 2, filled="0.5")
    held = make.trade(quantity=Decimal("1.5"))
    assert next_steps(make.situation(held, working, **leaving)) == Steps()


def test_an_entry_still_working_is_cancelled_before_leaving(make: Any) -> None:
    entry = make.order(Purpose.ENTER, 5)
    assert next_steps(make.situation(None, entry, exit_reason="stop")).cancels == ("o1",)
