"""Runs in .venv.second, which knows nothing of us: Coinbase's own client trades, and says as JSON
what it saw. Its names lead to the practice venue; any other name is refused."""

import json
import queue
import socket
import sys

ASKED = json.loads(sys.stdin.readline())
PRODUCT = "BTC-USD"
WAIT_S = 20


def getaddrinfo(host, service, *rest, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name not in ASKED["hosts"]:
        raise OSError(f"{name} is not a host of the practice venue")
    address = ("127.0.0.1", ASKED["port"])
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]


socket.getaddrinfo = getaddrinfo

from coinbase.rest import RESTClient  # noqa: E402
from coinbase.websocket import WebsocketResponse, WSClient, WSUserClient  # noqa: E402


def main():
    keys = {"api_key": ASKED["key"], "api_secret": ASKED["secret"], "timeout": WAIT_S}
    rest = RESTClient(**keys, rate_limit_headers=True)
    market, user = Heard(), Heard()
    feed = WSClient(**keys, on_message=market.take, retry=False)
    orders = WSUserClient(**keys, on_message=user.take, retry=False)
    feed.open()
    feed.heartbeats()
    feed.level2([PRODUCT])
    feed.ticker([PRODUCT])
    feed.market_trades([PRODUCT])
    feed.candles([PRODUCT])
    orders.open()
    orders.heartbeats()
    orders.user([PRODUCT])
    user.until("user")
    seen = by_rest(rest)
    seen["told"] = told(user)
    for channel in ("l2_data", "ticker", "market_trades", "candles", "heartbeats"):
        market.until(channel)
    seen["numbers"] = [message.sequence_num for message in market.all]
    feed.close()
    orders.close()
    sys.stdout.write(json.dumps(seen))


def by_rest(rest):
    product = rest.get_product(PRODUCT)
    resting = rest.limit_order_gtc_buy("", PRODUCT, "0.01", "59000", post_only=True)
    held = {a.currency: a.hold["value"] for a in rest.get_accounts().accounts}
    canceled = rest.cancel_orders([resting.success_response["order_id"]]).results[0]
    bought = rest.market_order_buy("ours-1", PRODUCT, base_size="0.01")
    order = rest.get_order(bought["success_response"]["order_id"]).order
    stop = rest.stop_limit_order_gtc_sell(
        "ours-2", PRODUCT, "0.005", "57000", "58000", "STOP_DIRECTION_STOP_DOWN"
    )
    standing = rest.list_orders(order_status=["OPEN"]).orders
    bracket = rest.trigger_bracket_order_gtc_sell("ours-3", PRODUCT, "0.005", "61000", "58500")
    refused = rest.limit_order_gtc_buy("", PRODUCT, "100", "59000")
    preview = rest.preview_market_order_buy(PRODUCT, quote_size="100")
    fills = rest.get_fills(order_ids=[order.order_id]).fills
    return {
        "product": [product.product_id, product.base_increment, product["price_increment"]],
        "hold": held["USD"],
        "canceled": canceled.success,
        "bought": [order.status, order.client_order_id, order.filled_size, order.total_fees],
        "fill": [fills[0].price, fills[0].commission, fills[0].liquidity_indicator],
        "stop": stop.success,
        "standing": [[o.client_order_id, o.trigger_status] for o in standing],
        "bracket": bracket.success,
        "refused": [refused.success, refused.error_response["preview_failure_reason"]],
        "preview": [preview.errs, preview.commission_total],
        "remaining": product.rate_limit_remaining,
        "fees": rest.get_transaction_summary().fee_tier["taker_fee_rate"],
        "rights": rest.get_api_key_permissions().can_transfer,
        "portfolio": rest.get_portfolios().portfolios[0].type,
        "book": rest.get_product_book(PRODUCT, limit=1).pricebook.bids[0].price,
        "touch": rest.get_best_bid_ask([PRODUCT]).pricebooks[0].asks[0].price,
        "public": rest.get_public_product(PRODUCT).product_id,
        "trades": len(rest.get_market_trades(PRODUCT, limit=3).trades),
        "candles": len(rest.get_candles(PRODUCT, "0", "0", "ONE_MINUTE").candles),
        "time": int(rest.get_unix_time().epoch_seconds) > 0,
    }


def told(user):
    """Every status that the user channel told of the order we named, in order."""
    found = []
    while "FILLED" not in found:
        for event in user.until("user").events:
            mine = [o for o in event.orders or () if o.client_order_id == "ours-1"]
            found += [order.status for order in mine]
    return found


class Heard:
    """What one connection was told, in the client's own types."""

    def __init__(self):
        self.all = []
        self._new = queue.Queue()

    def take(self, text):
        self._new.put(WebsocketResponse(json.loads(text)))

    def until(self, channel):
        """The next message of this channel."""
        while True:
            message = self._new.get(timeout=WAIT_S)
            self.all.append(message)
            if message.channel == channel:
                return message


main()
