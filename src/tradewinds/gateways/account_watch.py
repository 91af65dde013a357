"""What must stay as it is while we trade: the account's settings, and the venue being open."""

import logging
from collections.abc import Callable
from typing import Any, Final

from tradewinds.gateways.ccxt_orders import CcxtClient, Request
from tradewinds.gateways.dialect import Dialect
from tradewinds.gateways.order_watch import OrderWatch
from tradewinds.gateways.outcomes import Cause, Trouble
from tradewinds.gateways.venue_errands import BAD_ANSWER, Errands
from tradewinds.model.errors import ConfigError, VenueUnavailable

FATAL: Final = frozenset({Cause.KEY, Cause.REGION, Cause.MODE})
MAINTENANCE: Final = "maintenance"
Tell = Callable[[str, str], None]
log = logging.getLogger(__name__)


class AccountWatch:
    """`tell` takes a cause and a reason, nothing for a reason once it is over."""

    def __init__(
        self, client: CcxtClient, dialect: Dialect, errands: Errands, watch: OrderWatch, tell: Tell
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._errands = errands
        self._watch = watch
        self._tell = tell
        self._resting = False
        self._reopened_ns = 0

    async def flaw(self) -> str:
        """What is wrong with the account's settings. Raises ConfigError, VenueUnavailable."""
        answers = []
        for request in self._dialect.checks():
            result = await self._client.ask(request)
            if isinstance(result, Trouble):
                kind = ConfigError if result.cause in FATAL else VenueUnavailable
                raise kind(f"the account could not be checked: {result.reason}")
            answers.append(result.data)
        try:
            return self._dialect.flaw(answers)
        except BAD_ANSWER as error:
            raise VenueUnavailable(f"the account's settings make no sense: {error!r}") from error

    async def check(self) -> None:
        """Filters and settings may be changed while we run."""
        await self._errands.refresh_filters()
        try:
            flaw = await self.flaw()
        except (ConfigError, VenueUnavailable) as error:
            log.warning("account_not_checked error=%s", error)
            return
        self._tell(str(Cause.MODE), flaw)

    async def poll(self, now_ns: int) -> None:
        """Whether the venue rests. Orders may be expired while it does: after that every stop is
        asked for, and nothing new is risked before all of them and a whole reading are in."""
        method = self._client.quirks.status_method
        rests = await self._errands.ask(Request(method=method, params={}), _rests)
        if rests is None or rests is self._resting:
            return
        self._resting = rests
        if rests:
            self._reopened_ns = 0
            self._tell(MAINTENANCE, "the venue is in maintenance")
            return
        self._reopened_ns = now_ns
        self._watch.doubt_stops()
        self._errands.look("maintenance is over")

    def read(self, began_ns: int) -> None:
        """A reading that began then has been handed over."""
        reopened = self._reopened_ns and began_ns >= self._reopened_ns
        if reopened and self._watch.stops_stand():
            self._reopened_ns = 0
            self._tell(MAINTENANCE, "")
        elif reopened:
            self._errands.look("stops are not all confirmed")


def _rests(data: Any) -> bool:
    return int(data["status"]) != 0
