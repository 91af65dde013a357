"""Whoever prints the way to a venue prints no key."""

from tradewinds.gateways.live_open import Access


def test_the_way_in_shows_no_key() -> None:
    access = Access(key="canary", secret="canary-too", perpetual_keys=("canary-3", "canary-4"))
    assert "canary" not in repr(access)
