"""What the past says about a strategy, with the engine that trades live.

In: settings, recorded or synthetic market data.
Out: results with every cost, labelled by their data.
Never: a second trading loop, a figure without its costs, the future.
"""
