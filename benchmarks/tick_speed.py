"""A million quotes and prints through the backtest's loop, with every built-in strategy."""

from benchmarks import rig
from benchmarks.table import Row
from tradewinds.model.market import Quote

EVENTS = 1_000_000
ROUNDS = 2


def measure() -> list[Row]:
    """Made once and kept in memory: the synthetic market itself is not measured."""
    events = rig.quotes_and_more(EVENTS)
    quotes = sum(type(event) is Quote for event in events)
    best, names = float("inf"), ""
    for _ in range(ROUNDS):
        driver = rig.wired(events[0].received_time_ns)
        names = ", ".join(strategy.strategy_id for strategy in driver.engine.strategies)

        def run(market=driver.market) -> None:  # type: ignore[no-untyped-def]
            for event in events:
                market(event)

        best = min(best, rig.timed(run))
    name = f"backtest of {EVENTS:,} events ({quotes:,} quotes), {names}"
    return [Row(name=name, figure=EVENTS / best, unit="events/s")]
