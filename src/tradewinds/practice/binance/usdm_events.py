"""Events of a USD-M user stream."""

from collections.abc import Iterator

from tradewinds.model.decimals import ZERO
from tradewinds.practice.binance.algos import Algo
from tradewinds.practice.binance.figures import fixed, ms, plain, side_name
from tradewinds.practice.binance.usdm_shapes import money
from tradewinds.practice.clock import VenueClock
from tradewinds.practice.exchange import Exchange
from tradewinds.practice.force import DELEVERAGING, LIQUIDATION
from tradewinds.practice.margin import MarginAccount, MarginCustody
from tradewinds.practice.orders import AccountChanged, Order, OrderChanged

Json = dict[str, object]


class UsdmEvents:
    """Shapes over one exchange."""

    def __init__(self, exchange: Exchange, custody: MarginCustody) -> None:
        self._exchange = exchange
        self._custody = custody
        self._clock: VenueClock = exchange.clock

    def of_order(self, event: OrderChanged) -> Iterator[Json]:
        """ORDER_TRADE_UPDATE, and for a fill TRADE_LITE before it."""
        if event.fill is not None and not event.order.forced:
            yield self._lite(event)
        yield {"e": "ORDER_TRADE_UPDATE", **self._moment(), "o": self._order(event)}

    def of_account(self, event: AccountChanged) -> Json | None:
        """ACCOUNT_UPDATE or ACCOUNT_CONFIG_UPDATE; None where only open orders changed."""
        owner = self._custody.of(event.account)
        if event.reason == "LEVERAGE":
            symbol = next(iter(event.symbols))
            terms = {"s": symbol, "l": owner.terms_of(symbol).leverage}
            return {"e": "ACCOUNT_CONFIG_UPDATE", **self._moment(), "ac": terms}
        if event.reason == "ORDER" and not event.symbols:
            return None
        return {"e": "ACCOUNT_UPDATE", **self._moment(), "a": self._account(event, owner)}

    def of_algo(self, algo: Algo) -> Json:
        """ALGO_UPDATE."""
        listing = self._exchange.markets[algo.symbol].listing
        child = algo.order
        filled = child.filled if child else ZERO
        average = child.average_price if child else ZERO
        body: Json = {
            "caid": algo.client_id,
            "aid": algo.id,
            "at": "CONDITIONAL",
            "o": algo.type,
            "s": algo.symbol,
            "S": side_name(algo.side),
            "ps": algo.position_side,
            "f": algo.tif,
            "q": fixed(algo.quantity, listing.quantity_places),
            "X": algo.status,
            "ai": str(child.id) if child and child.id else "",
            "ap": fixed(average, listing.price_places),
            "aq": fixed(filled, listing.quantity_places),
            "act": child.type if child else "0",
            "tp": fixed(algo.trigger, listing.price_places),
            "p": fixed(algo.price or ZERO, listing.price_places),
            "V": algo.stp,
            "wt": algo.working_type,
            "pm": "NONE",
            "cp": algo.close,
            "pP": False,
            "R": algo.reduce_only,
            "tt": algo.triggered_ms,
            "gtd": 0,
        }
        if algo.reason:
            body["rm"] = algo.reason
        return {"e": "ALGO_UPDATE", **self._moment(), "o": body}

    def _order(self, event: OrderChanged) -> Json:
        order, fill = event.order, event.fill
        listing = self._exchange.markets[order.symbol].listing
        price, size = listing.price_places, listing.quantity_places
        body: Json = {
            "s": order.symbol,
            "c": order.client_id,
            "S": side_name(order.side),
            "o": order.type,
            "f": order.tif,
            "q": fixed(order.quantity, size),
            "p": fixed(order.price or ZERO, price),
            "ap": fixed(order.average_price, price),
            "sp": fixed(ZERO, price),
            "x": self._execution(event),
            "X": str(order.status),
            "i": order.id,
            "l": fixed(fill.quantity if fill else ZERO, size),
            "z": fixed(order.filled, size),
            "L": fixed(fill.price if fill else ZERO, price),
            "T": ms(fill.time_ns if fill else order.updated_ns),
            "t": fill.trade_id if fill else 0,
            "b": "0",
            "a": "0",
            "m": fill.maker if fill else False,
            "R": order.reduce_only,
            "wt": order.labels.get("workingType", "CONTRACT_PRICE"),
            "ot": order.labels.get("origType", order.type),
            "ps": order.position_side,
            "cp": bool(order.labels.get("closePosition")),
            "pP": False,
            "si": 0,
            "ss": 0,
            "rp": plain(fill.profit) if fill else "0",
            "V": order.stp,
            "pm": "NONE",
            "gtd": 0,
            "er": "0",
        }
        if fill is not None:
            body |= {"N": fill.fee_asset, "n": plain(fill.fee)}
        return body

    def _execution(self, event: OrderChanged) -> str:
        if event.execution == "TRADE" and _is_forced(event.order):
            return "CALCULATED"
        return "EXPIRED" if event.execution == "TRADE_PREVENTION" else event.execution

    def _lite(self, event: OrderChanged) -> Json:
        order, fill = event.order, event.fill
        assert fill is not None
        listing = self._exchange.markets[order.symbol].listing
        price, size = listing.price_places, listing.quantity_places
        return {
            "e": "TRADE_LITE",
            **self._moment(),
            "s": order.symbol,
            "q": fixed(order.quantity, size),
            "p": fixed(order.price or ZERO, price),
            "m": fill.maker,
            "c": order.client_id,
            "S": side_name(order.side),
            "L": fixed(fill.price, price),
            "l": fixed(fill.quantity, size),
            "t": fill.trade_id,
            "i": order.id,
        }

    def _account(self, event: AccountChanged, owner: MarginAccount) -> Json:
        positions = [p for p in owner.positions.values() if p.symbol in event.symbols]
        return {
            "m": event.reason,
            "B": [
                {
                    "a": owner.asset,
                    "wb": money(owner.wallet),
                    "cw": money(owner.cross_wallet),
                    "bc": "0",
                }
            ],
            "P": [
                {
                    "s": position.symbol,
                    "pa": plain(position.quantity),
                    "ep": plain(position.entry),
                    "bep": plain(position.entry),
                    "cr": plain(position.realized),
                    "up": money(position.profit_at(self._custody.mark(position.symbol))),
                    "mt": "isolated" if owner.terms_of(position.symbol).isolated else "cross",
                    "iw": money(position.wallet),
                    "ps": position.side,
                }
                for position in positions
            ],
        }

    def _moment(self) -> Json:
        now_ms = self._clock.now_ms()
        return {"E": now_ms, "T": now_ms}


def _is_forced(order: Order) -> bool:
    return order.client_id.startswith((LIQUIDATION, DELEVERAGING))
