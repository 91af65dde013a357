"""No approved order breaks the law: 150,000 random moments, and wishes that lie to the gate."""

from collections import Counter
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tradewinds.model.order import ApprovedOrder, OrderIntent, Purpose, Refusal
from tradewinds.risk.gate import review
from tradewinds.risk.sizing import size_entry

CASES = 150_000
ODD_NUMBERS = (
    "1e-18", "1E+12", "0.123456789012345678", "123456789012.123456789012345678", "NaN", "sNaN",
    "Infinity", "-Infinity", "-1", "0", "-0", "1e-400", "9e400", "0.000000000001", "1.5E-7",
)  # fmt: skip


def test_no_approved_order_of_150_000_random_moments_breaks_the_law(law: Any) -> None:
    seen: Counter[str] = Counter()
    worlds = law.Worlds(20261122)
    for number in range(CASES):
        case = worlds.case()
        intent = size_entry(case.signal, case.wish, case.view, case.limits)
        if isinstance(intent, str):
            seen["not sized"] += 1
            continue
        answer = review(intent, case.view, case.limits, law.ORDER_ID)
        if isinstance(answer, Refusal):
            assert answer.check not in law.MONEY, (number, answer, case)
            seen[answer.check] += 1
            continue
        fault = worlds.broken(answer, intent, case)
        assert fault is None, (number, fault, answer, case)
        seen["approved"] += 1
    assert seen["approved"] > CASES // 10, seen
    assert len(seen) > 8, f"the worlds are too tame: {seen}"


def lied(worlds: Any, intent: OrderIntent) -> OrderIntent:
    """The same wish with one figure that sizing would not have chosen."""
    dice = worlds.dice
    lie = dice.choice(["quantity", "price", "stop_price", "decision_price", "target_price"])
    factor = Decimal(repr(dice.choice([0.5, 0.99, 1.001, 1.01, 1.5, 2.0, 10.0])))
    value = getattr(intent, lie)
    if value is None:
        return intent
    return structs.replace(intent, **{lie: value * factor})


def test_a_wish_that_was_not_sized_by_us_is_judged_as_hard(law: Any) -> None:
    worlds = law.Worlds(7)
    approved = 0
    for number in range(20_000):
        case = worlds.case()
        intent = size_entry(case.signal, case.wish, case.view, case.limits)
        if isinstance(intent, str):
            continue
        intent = lied(worlds, intent)
        answer = review(intent, case.view, case.limits, law.ORDER_ID)
        if isinstance(answer, ApprovedOrder):
            approved += 1
            fault = worlds.broken(answer, intent, case)
            assert fault is None, (number, fault, answer, case)
    assert approved > 300


def test_the_budget_is_used_and_not_only_refused(law: Any) -> None:
    """A law that approves crumbs would pass every other test here."""
    worlds, fullest = law.Worlds(3), Decimal(0)
    for _ in range(5_000):
        case = worlds.case()
        intent = size_entry(case.signal, case.wish, case.view, case.limits)
        if isinstance(intent, str):
            continue
        answer = review(intent, case.view, case.limits, law.ORDER_ID)
        if isinstance(answer, ApprovedOrder):
            used = case.view.realised_loss_today + case.view.open_risk + answer.worst_loss
            fullest = max(fullest, used / case.limits.loss_per_day_max)
    assert Decimal("0.99") < fullest <= 1


odd = st.one_of(
    st.sampled_from(ODD_NUMBERS).map(Decimal),
    st.decimals(places=18, min_value=Decimal("-1e13"), max_value=Decimal("1e13")),
    st.decimals(allow_nan=True, allow_infinity=True),
)
INTENT_FIELDS = ("quantity", "price", "stop_price", "target_price", "decision_price", "unwind_loss")


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(INTENT_FIELDS), odd)
def test_odd_numbers_in_a_wish_never_raise_and_never_pass_unlawfully(
    law: Any, seed: int, field: str, value: Decimal
) -> None:
    worlds = law.Worlds(seed)
    case = worlds.case()
    intent = size_entry(case.signal, case.wish, case.view, case.limits)
    if isinstance(intent, str):
        return
    odd_intent = structs.replace(intent, **{field: value})
    answer = review(odd_intent, case.view, case.limits, law.ORDER_ID)
    if isinstance(answer, ApprovedOrder):
        assert worlds.broken(answer, odd_intent, case) is None


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["mid", "rate", "visible", "equity"]), odd)
def test_odd_numbers_in_the_view_never_raise_and_never_pass_unlawfully(
    law: Any, seed: int, field: str, value: Decimal
) -> None:
    worlds = law.Worlds(seed)
    case = worlds.case()
    sound = size_entry(case.signal, case.wish, case.view, case.limits)
    case = case._replace(view=structs.replace(case.view, **{field: value}))
    intent = size_entry(case.signal, case.wish, case.view, case.limits)
    for wish in (sound, intent):
        if isinstance(wish, OrderIntent):
            answer = review(wish, case.view, case.limits, law.ORDER_ID)
            if isinstance(answer, ApprovedOrder):
                assert worlds.broken(answer, wish, case) is None


filters = ("tick_size", "lot_size", "min_quantity", "max_quantity", "min_notional", "taker_fee")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(filters), odd)
def test_odd_filters_never_raise_and_never_pass_unlawfully(
    law: Any, seed: int, field: str, value: Decimal
) -> None:
    worlds = law.Worlds(seed)
    case = worlds.case()
    instrument = structs.replace(case.wish.instrument, **{field: value})
    case = case._replace(
        view=structs.replace(case.view, instrument=instrument),
        wish=structs.replace(case.wish, instrument=instrument),
    )
    intent = size_entry(case.signal, case.wish, case.view, case.limits)
    if isinstance(intent, OrderIntent):
        answer = review(intent, case.view, case.limits, law.ORDER_ID)
        if isinstance(answer, ApprovedOrder):
            assert worlds.broken(answer, intent, case) is None


@given(st.sampled_from(list(Purpose)))
def test_only_entries_and_legs_may_ask(law: Any, purpose: Purpose) -> None:
    worlds = law.Worlds(1)
    intent, case = "", None
    while not isinstance(intent, OrderIntent):
        case = worlds.case()
        intent = size_entry(case.signal, case.wish, case.view, case.limits)
    assert case is not None
    answer = review(structs.replace(intent, purpose=purpose), case.view, case.limits, law.ORDER_ID)
    assert isinstance(answer, Refusal) or purpose is Purpose.ENTER
