"""The simulated venue: a live one's port in event time, pessimistic where data cannot tell.

In: orders and cancels; quotes, prints, book deltas, bars, mark prices and funding rates.
Out: venue reports, and the truth about balances, positions and working orders.
Never: a clock, chance, knowledge of the mode, or a fill kinder than the data shows.
"""
