"""Tradewinds: a profit-first trading system for one person, one machine.

In: market data, operator commands, settings.
Out: orders within the risk law, a ledger that sums to zero, a journal that replays.
Never: a claim of profit that was not measured; a network call or a model in the decision path.
"""

__version__ = "0.1.0"
