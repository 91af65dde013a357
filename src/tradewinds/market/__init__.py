"""Market data from anywhere but a live venue, as events in the order in which they were known.

In: Parquet archives of bars, recorded venue messages, a seed for the synthetic market.
Out: MarketEvents in time order with stable ties, instruments derived from data, warm-up history.
Never: an event before it could be known; an unclosed bar; a network connection.
"""
