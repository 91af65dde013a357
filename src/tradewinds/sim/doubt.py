"""A price far from the last one is believed only when others come near it.

A feed's slip of a digit must not trigger a stop that no venue would have triggered. The price of
that caution: in a true leap a stop fires a few quotes later, at what the market shows by then.
"""

from math import inf

from tradewinds.model.market import Quote

CONFIRMATIONS = 3
"""Prices near the one that leapt, after it, that make it believable; as the engine's board."""


class Doubt:
    """Of one market. Bars are not doubted: their low and high are summaries that nothing later can
    confirm, and not to trigger by them would be too kind."""

    __slots__ = ("_left", "_suspect", "leap_max", "trusted")

    def __init__(self, leap_max: float) -> None:
        """`leap_max` is a share of the last price."""
        self.leap_max = leap_max
        self.trusted = 0.0
        self._suspect = 0.0
        self._left = 0

    def of(self, price: float, last: float) -> bool:
        """Whether to wait for confirmation. `last` is 0 where nothing sound is shown."""
        if not 0.0 < price < inf:
            return False
        last = last or self.trusted or price
        if abs(price - last) <= self.leap_max * last:
            self._left = 0
        else:
            near = self._left > 0 and abs(price - self._suspect) <= self.leap_max * self._suspect
            self._left = self._left - 1 if near else CONFIRMATIONS
            self._suspect = price
        if self._left == 0:
            self.trusted = price
        return self._left > 0


def sound(quote: Quote) -> bool:
    """What the engine would take in, too: prices in order, something to be had on either side."""
    sizes = 0.0 < quote.bid_size < inf and 0.0 < quote.ask_size < inf
    return sizes and 0.0 < quote.bid <= quote.ask < inf
