"""Reports as they are made, each with the two times of what is being worked on."""

from decimal import Decimal

from tradewinds.model.events import (
    CancelRejected,
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    VenueReport,
)
from tradewinds.model.ids import Asset, ClientOrderId, FillId, InstrumentId
from tradewinds.model.order import ApprovedOrder, Fill
from tradewinds.sim.costs import Level
from tradewinds.sim.margin import PerpPosition
from tradewinds.sim.working import Working

Refused = type[OrderRejected] | type[CancelRejected] | type[OrderCanceled] | type[OrderExpired]


class Outbox:
    """`venue_ns` is when it happens in event time, `received_ns` when we hear of it."""

    def __init__(self) -> None:
        """Empty, at time zero."""
        self.reports: list[VenueReport] = []
        self.venue_ns = 0
        self.received_ns = 0
        self._autoclosed = 0

    def accepted(self, order: ApprovedOrder) -> None:
        """It is on the books."""
        self.reports.append(
            OrderAccepted(
                client_order_id=order.client_order_id,
                instrument_id=order.instrument_id,
                venue_order_id=f"sim-{order.client_order_id}",
                venue_time_ns=self.venue_ns,
                received_time_ns=self.received_ns,
            )
        )

    def ended(
        self, kind: Refused, order_id: ClientOrderId, instrument_id: InstrumentId, reason: str
    ) -> None:
        """It is not on the books, or not any more, or there is nothing to cancel."""
        self.reports.append(
            kind(
                client_order_id=order_id,
                instrument_id=instrument_id,
                reason=reason,
                venue_time_ns=self.venue_ns,
                received_time_ns=self.received_ns,
            )
        )

    def filled(self, w: Working, amount: Level, fee: tuple[Decimal, Asset], maker: bool) -> None:
        """A part of our order was executed; `w.filled` already counts it.

        The quantity filled so far names the fill: unique in its order, also after a restart.
        """
        fill = Fill(
            fill_id=FillId(f"{w.order.client_order_id}:{w.filled.normalize():f}"),
            client_order_id=w.order.client_order_id,
            instrument_id=w.order.instrument_id,
            side=w.order.side,
            quantity=amount.size,
            price=amount.price,
            fee=fee[0],
            fee_asset=fee[1],
            maker=maker,
            venue_time_ns=max(self.venue_ns, w.submitted_ns),
            received_time_ns=self.received_ns,
        )
        self._executed(fill)

    def autoclosed(self, position: PerpPosition, price: Decimal, fee: Decimal) -> None:
        """The venue closed a position of ours."""
        name = ClientOrderId(f"autoclose-{self._autoclosed}-{self.venue_ns}")
        self._autoclosed += 1
        fill = Fill(
            fill_id=FillId(f"{name}:{abs(position.quantity):f}"),
            client_order_id=name,
            instrument_id=position.instrument_id,
            side=position.side.opposite,
            quantity=abs(position.quantity),
            price=price,
            fee=fee,
            fee_asset=position.settle,
            maker=False,
            venue_time_ns=self.venue_ns,
            received_time_ns=self.received_ns,
            venue_initiated=True,
        )
        self._executed(fill)

    def funded(self, position: PerpPosition, amount: Decimal) -> None:
        """Funding moved `amount` of the settle asset."""
        self.reports.append(
            FundingPaid(
                funding_id=f"funding-{position.instrument_id}-{self.venue_ns}",
                instrument_id=position.instrument_id,
                asset=position.settle,
                amount=amount,
                venue_time_ns=self.venue_ns,
                received_time_ns=self.received_ns,
            )
        )

    def _executed(self, fill: Fill) -> None:
        self.reports.append(
            OrderFilled(
                fill=fill,
                venue_time_ns=fill.venue_time_ns,
                received_time_ns=fill.received_time_ns,
            )
        )
