"""Ideas: market events and a read-only view become Signals.

In: subscribed market events, MarketView, typed parameters, instruments.
Out: EnterSignal, ExitSignal, StopSignal, BasketSignal.
Never: sizes in money, orders, clocks, or anything outside the event and the strategy's own state.
"""
