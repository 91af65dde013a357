"""Binance as it speaks: spot and USD-M futures, REST, streams, WebSocket API, error for error.

In: requests as any Binance client sends them, events of the exchanges
Out: answers, frames and refusals in Binance's words
Never: decides a match or moves money; that is the exchange's and its custody's
"""
