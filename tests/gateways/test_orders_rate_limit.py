from hypothesis import given
from hypothesis import strategies as st

from tradewinds.gateways.outcomes import Cause, Trouble, Verdict
from tradewinds.gateways.rate_limit import RateLimit

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
NOW = 1_700_000_040 * SECOND  # a whole minute


def free(limit: RateLimit, now: int, *, closing: bool, weight: int = 1) -> bool:
    return limit.wait_ns(now, weight, order=False, closing=closing) == 0


@given(st.lists(st.integers(min_value=1, max_value=100), max_size=60))
def test_entries_never_use_the_last_fifth(weights: list[int]) -> None:
    limit = RateLimit(1_000)
    used = 0
    for weight in weights:
        if free(limit, NOW, closing=False, weight=weight):
            limit.sent(NOW, weight, order=False)
            used += weight
    assert used <= 800
    assert free(limit, NOW, closing=True, weight=200)


def test_a_new_minute_starts_a_new_count() -> None:
    limit = RateLimit(1_000)
    limit.sent(NOW, 900, order=False)
    wait = limit.wait_ns(NOW + 10 * SECOND, 10, order=False, closing=False)
    assert 50 * SECOND <= wait <= 51 * SECOND
    assert free(limit, NOW + MINUTE, closing=False)


def test_the_venues_count_is_believed_and_never_counts_down_within_its_window() -> None:
    limit = RateLimit(1_000)
    limit.saw(NOW, {"X-MBX-USED-WEIGHT-1M": "850"})
    limit.saw(NOW, {"x-mbx-used-weight-1m": "20"})
    assert not free(limit, NOW, closing=False)
    assert free(limit, NOW, closing=True)


def test_orders_are_counted_in_ten_seconds() -> None:
    limit = RateLimit(6_000, order_limit=10)
    for _ in range(8):
        limit.sent(NOW, 1, order=True)
    assert limit.wait_ns(NOW, 1, order=True, closing=False) > 0
    assert limit.wait_ns(NOW, 1, order=True, closing=True) == 0
    assert limit.wait_ns(NOW + 10 * SECOND, 1, order=True, closing=False) == 0


def test_nonsense_in_a_header_is_ignored() -> None:
    limit = RateLimit(1_000)
    limit.saw(NOW, {"X-MBX-USED-WEIGHT-1M": "many", "X-MBX-ORDER-COUNT-10S": "-1"})
    assert free(limit, NOW, closing=False)


def refused(cause: Cause, seconds: float = 0.0) -> Trouble:
    return Trouble(verdict=Verdict.REFUSED, cause=cause, retry_after_s=seconds)


def test_a_longer_hold_wins_over_a_shorter_one() -> None:
    limit = RateLimit(1_000)
    limit.trouble(NOW, refused(Cause.RATE, 30))
    limit.trouble(NOW, refused(Cause.BANNED, 120))
    assert limit.wait_ns(NOW, 1, order=False, closing=False) == 120 * SECOND
    assert limit.holds(NOW + 60 * SECOND) == {Cause.BANNED}
    assert limit.holds(NOW + 121 * SECOND) == frozenset()


def test_what_is_no_reason_to_wait_holds_nothing_back() -> None:
    limit = RateLimit(1_000)
    assert limit.trouble(NOW, refused(Cause.FILTER)) is None
    assert free(limit, NOW, closing=False)
