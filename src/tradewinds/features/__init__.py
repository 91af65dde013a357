"""Numbers computed from market events, one event at a time.

In: prices, sizes and bars as float64, in time order.
Out: indicator values, or None until enough has been seen.
Never: a look at anything but the past, I/O, or an opinion about what to trade.
"""
