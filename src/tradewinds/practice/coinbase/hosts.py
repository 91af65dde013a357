"""Coinbase's host names. There is no sandbox worth the name: only production is played."""

REST = frozenset({"api.coinbase.com"})
STREAM = frozenset({"advanced-trade-ws.coinbase.com"})
USER_STREAM = frozenset({"advanced-trade-ws-user.coinbase.com"})
