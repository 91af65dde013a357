"""How harsh the simulated venue is."""

from decimal import Decimal

from msgspec import Struct

from tradewinds.model.decimals import ONE


class SimSettings(Struct, frozen=True, kw_only=True):
    """Latencies in nanoseconds of event time, charges in bps, shares as fractions.

    `slippage_bps` is half the spread plus slip, charged on every fill whose price comes from a
    bar or a lone print. A taker gets `depth_share_max` of the shown size at the shown price; each
    further multiple of it costs `impact_bps` more, up to `impact_multiples_max` multiples.
    A resting limit needs the price at least `trade_through_ticks` ticks beyond it. One bar gives
    us `bar_volume_share_max` of its volume. An order sent up to `bar_grace_ns` after a bar opened
    still counts as there at the open. A mark price older than `mark_stale_ns` is not used. A quote
    or print further than `price_leap_max` of the last price from it waits for confirmation. What
    is closed in a delisted market is closed at the last price made worse by `delisted_haircut`.
    """

    latency_ns: int = 50_000_000
    report_latency_ns: int = 0
    slippage_bps: Decimal = Decimal(5)
    depth_share_max: Decimal = ONE
    impact_bps: Decimal = Decimal(5)
    impact_multiples_max: int = 10
    trade_through_ticks: int = 1
    bar_volume_share_max: Decimal = Decimal("0.1")
    bar_grace_ns: int = 2_000_000_000
    delisted_haircut: Decimal = Decimal("0.05")
    mark_stale_ns: int = 60_000_000_000
    reject_immediate_trigger: bool = False
    price_leap_max: float = 0.2
