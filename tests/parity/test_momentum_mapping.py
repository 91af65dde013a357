"""What a sweep is told of momentum, against momentum itself in the engine, trade by trade."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.parity.test_engine_agreement import INSTRUMENT, LIMITS, MARKET, agree, traded_by
from tradewinds.config import Settings
from tradewinds.features.kernels.contract import Floats, Kernels, SweepTrade
from tradewinds.kernels import scenario
from tradewinds.model.ids import StrategyId
from tradewinds.model.instrument import InstrumentKind
from tradewinds.model.market import Bar
from tradewinds.model.portfolio import Trade
from tradewinds.research.sweep_ground import market_of
from tradewinds.strategies.momentum import Momentum, MomentumParams, _Market

ALONE = {
    "turnover_min": 0.0,
    "age_bars_min": 0,
    "rank_share_max": 1.0,
    "breadth_min": 0.0,
    "correlation_max": 1.0,
    "larger_agree": 0,
    "move_atr": 100.0,
    "cost_factor": 1.0,
    "allowance_bps": 0.0,
}
"""Momentum without what a sweep does not know: other instruments, larger bars, hoped-for moves."""


@st.composite
def momentum_params(draw: st.DrawFn) -> MomentumParams:
    """Of what is mapped, everything; lengths that trade often in a thousand bars."""
    slow = draw(st.integers(8, 40))
    return MomentumParams(
        breakout_bars=draw(st.integers(2, 20)),
        volume_bars=draw(st.integers(2, 20)),
        volume_factor=draw(st.sampled_from([0.0, 0.5, 0.9])),
        ema_fast_bars=draw(st.integers(2, slow - 1)),
        ema_slow_bars=slow,
        atr_bars=draw(st.integers(2, 20)),
        stop_atr=draw(st.floats(0.8, 4.0)),
        trail_atr=draw(st.floats(0.8, 6.0)),
        trail_step_atr=draw(st.sampled_from([0.0, 0.25, 1.0])),
        hold_bars_max=draw(st.integers(2, 40)),
        cooldown_bars=draw(st.integers(0, 8)),
        **ALONE,
    )


SMALL = LIMITS | {"exposure_per_instrument_max": 0.05}
"""Exposure binds, not the stop's risk, which the drawdown ladder would scale."""


def both(
    fast: Kernels, params: MomentumParams, bars: int, limits: dict[str, float] = SMALL
) -> tuple[tuple[list[SweepTrade], Floats], tuple[list[Trade], Decimal]]:
    """The kernel by the mapping of settings and parameters, and momentum itself in the engine."""
    rows = scenario.bars(bars)
    rules = Momentum.sweep_rules(params, INSTRUMENT)
    assert rules is not None
    market = market_of(Settings.model_validate({"limits": limits}), INSTRUMENT, Momentum)
    strategy = Momentum(StrategyId("momentum"), params, [INSTRUMENT])
    kernel = fast.sweep(rows, market).detail(rules)
    return kernel, traded_by(strategy, INSTRUMENT, rows, limits)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(params=momentum_params())
def test_momentum_itself_trades_what_its_mapping_says(
    fast: Kernels, params: MomentumParams
) -> None:
    """But for one thing, which is taken out here: its trail counts the high of the entry's bar."""
    follow = _Market.follow

    def from_the_next_bar(self: _Market, trade: Trade | None, bar: Bar, cooldown_ns: int) -> None:
        if trade is None or trade.trade_id == self.trade_id:
            follow(self, trade, bar, cooldown_ns)
            return
        self.trade_id, self.peak = trade.trade_id, float(trade.entry_price)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Market, "follow", from_the_next_bar)
        agree(*both(fast, params, 500))


def test_with_the_high_of_the_entry_bar_most_trades_are_still_the_same(fast: Kernels) -> None:
    (ours, _), (theirs, _) = both(fast, LIVELY, 1200)
    mine = {(round(trade.entry_price, 2), round(trade.exit_price, 2)) for trade in ours}
    engine = {(float(trade.entry_price), float(trade.exit_price)) for trade in theirs}
    assert len(ours) > 15
    assert len(mine & engine) >= 0.75 * len(engine)


LIVELY = MomentumParams(
    breakout_bars=5, volume_bars=6, volume_factor=0.5, ema_fast_bars=3, ema_slow_bars=12,
    atr_bars=8, stop_atr=1.5, trail_atr=2.0, hold_bars_max=15, cooldown_bars=3, **ALONE,
)  # fmt: skip


def test_without_a_trail_nothing_has_to_be_taken_out(fast: Kernels) -> None:
    kernel, engine = both(fast, structs.replace(LIVELY, trail_atr=100.0), 1200)
    assert agree(kernel, engine) > 15
    assert {trade.reason for trade in kernel[0]} == {0.0, 2.0, 3.0}


def test_a_sweep_sizes_by_the_confidence_of_the_strategy(fast: Kernels) -> None:
    (ours, _), (theirs, _) = both(fast, LIVELY, 1200, LIMITS)
    assert float(theirs[0].entry_quantity) == pytest.approx(ours[0].quantity, abs=2.5e-5)
    assert float(theirs[0].approved_loss) == pytest.approx(1000 * 0.5 * (2 * 0.507 - 1), abs=0.01)


def test_the_mapping_of_limits_and_venue_is_that_of_the_agreement() -> None:
    market = market_of(Settings.model_validate({"limits": LIMITS}), INSTRUMENT, Momentum)
    assert market == structs.replace(MARKET, risk_share=market.risk_share)


def test_what_momentum_does_not_trade_is_not_swept() -> None:
    perpetual = structs.replace(INSTRUMENT, kind=InstrumentKind.PERPETUAL)
    assert Momentum.sweep_rules(MomentumParams(), perpetual) is None
    assert Momentum.sweep_rules(MomentumParams(assets=("ETH",)), INSTRUMENT) is None
