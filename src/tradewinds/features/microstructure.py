"""What the best prices and their sizes say about the next seconds, one quote at a time."""

import math

from tradewinds.model.market import Quote, Side, TradePrint

BPS = 10_000.0
SAMPLE_NS = 1_000_000_000


def microprice(quote: Quote) -> float:
    """The mid weighted by the other side's size: it leans to where less stands in the way.

    Gatheral and Oomen (2010). The mid where no size is shown.
    """
    total = quote.bid_size + quote.ask_size
    if not total > 0.0:
        return (quote.bid + quote.ask) / 2.0
    return (quote.bid * quote.ask_size + quote.ask * quote.bid_size) / total


def flow_of(before: Quote, now: Quote) -> float:
    """Order-flow imbalance of one change of the best quotes, in base asset: what joined the bid
    and left the ask, less the opposite. Cont, Kukanov and Stoikov (2014).
    """
    flow = 0.0
    if now.bid >= before.bid:
        flow += now.bid_size
    if now.bid <= before.bid:
        flow -= before.bid_size
    if now.ask <= before.ask:
        flow -= now.ask_size
    if now.ask >= before.ask:
        flow += before.ask_size
    return flow


class OrderFlow:
    """Flow of quotes and of trades that fades with time, in units of the usual size at the touch.

    `decay_ns` is the time in which what has been seen fades to 1/e. Constant work an event.
    """

    __slots__ = ("_decay_ns", "_depth", "_quote", "_quotes", "_time_ns", "_trades")

    def __init__(self, decay_ns: int) -> None:
        self._decay_ns = float(decay_ns)
        self._quote: Quote | None = None
        self._quotes = 0.0
        self._trades = 0.0
        self._depth = 0.0
        self._time_ns = 0

    def on_quote(self, quote: Quote) -> None:
        """Take in the next quote."""
        before = self._quote
        self._quote = quote
        self._fade(quote.received_time_ns)
        depth = (quote.bid_size + quote.ask_size) / 2.0
        if before is None:
            self._depth = depth
            return
        self._quotes += flow_of(before, quote)
        self._depth += (depth - self._depth) * 0.01

    def on_print(self, event: TradePrint) -> None:
        """Take in a public trade."""
        self._fade(event.received_time_ns)
        self._trades += event.size if event.aggressor is Side.BUY else -event.size

    @property
    def quotes(self) -> float:
        """Imbalance of quotes; positive where buyers press."""
        return self._quotes / self._depth if self._depth > 0.0 else 0.0

    @property
    def trades(self) -> float:
        """Imbalance of trades; positive where buyers take."""
        return self._trades / self._depth if self._depth > 0.0 else 0.0

    def _fade(self, now_ns: int) -> None:
        passed_ns = now_ns - self._time_ns
        if passed_ns > 0:
            keep = math.exp(-passed_ns / self._decay_ns)
            self._quotes *= keep
            self._trades *= keep
            self._time_ns = now_ns


class Moves:
    """Usual squared relative move of a price per nanosecond, sampled once a second or more rarely.

    Nil until two samples were seen. `due_ns` is when the next one is wanted.
    """

    __slots__ = ("_price", "_time_ns", "due_ns", "variance")

    def __init__(self) -> None:
        self._price = 0.0
        self._time_ns = 0
        self.due_ns = 0
        self.variance = 0.0

    def update(self, price: float, now_ns: int) -> None:
        """Take in a sample."""
        last, then_ns = self._price, self._time_ns
        self._price, self._time_ns = price, now_ns
        self.due_ns = now_ns + SAMPLE_NS
        if last > 0.0 and now_ns > then_ns:
            move = price / last - 1.0
            square = move * move / (now_ns - then_ns)
            self.variance += (square - self.variance) * (0.02 if self.variance else 1.0)
