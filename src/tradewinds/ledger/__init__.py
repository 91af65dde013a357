"""Double entry in Decimal: what was gained, what it cost, what is held.

In: fills with their context, funding, AI costs.
Out: transactions that sum to zero, balances, lots, results by day, performance figures.
Never: orders, market data, floats in the books, or a guess where a price is missing.
"""
