"""Coinbase Advanced Trade as the practice venue speaks it: REST, market data and the user channel.

In: signed requests and subscriptions of any client, the exchange's events
Out: answers and messages with Coinbase's names, statuses, refusals and running numbers
Never: matches by itself (the exchange does), or knows anything of Binance
"""
