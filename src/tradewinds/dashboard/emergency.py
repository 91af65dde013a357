"""The emergency stop of every page: one click, one confirmation, then what really happened."""

from tradewinds.dashboard.room import Room
from tradewinds.dashboard.widgets import Modal, Words, button, tag
from tradewinds.model.snapshot import OperatorReply

FALLBACK = "Run `trading-cli emergency` in a terminal, or close the positions at the venue."


class EmergencyStop:
    """The button and its dialog. Needs no password beyond the login, at any time."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._running = False
        button("EMERGENCY STOP", "stop", self.ask).props('aria-haspopup="dialog"')
        self._modal = Modal("Emergency stop", self.close)
        with self._modal:
            with tag("h2"):
                self._heading = Words("")
            self._what = Words("", "prose")
            self._answer = Words("", "answer")
            with tag("div", "buttons"):
                self._cancel = button("Cancel", "button", self.close)
                self._go = button("Cancel orders and close positions", "stop", self.stop)

    def ask(self) -> None:
        """Open the dialog with what it will do."""
        snapshot = self._room.state.snapshot
        orders = snapshot.working_orders if snapshot else 0
        held = len(snapshot.positions) if snapshot else 0
        self._what.show(
            f"Cancels {_some(orders, 'working order')}, closes {_some(held, 'position')} at the "
            "market, verifies that nothing is left, and halts trading until you resume it."
        )
        self._heading.show("Stop everything?")
        self._what.set_visibility(True)
        self._answer.set_visibility(False)
        self._go.set_visibility(True)
        self._label_cancel("Cancel")
        self._modal.show(is_open=True)

    async def stop(self) -> None:
        """Send it once and show the verified outcome."""
        if self._running:
            return
        self._running = True
        self._go.set_visibility(False)
        self._answer.set_visibility(True)
        self._answer.show("Stopping\u2026", "")
        try:
            self._show(await self._room.desk.emergency("operator, dashboard"))
        finally:
            self._running = False

    def close(self) -> None:
        """Only the dialog: a stop that was sent goes on."""
        self._modal.show(is_open=False)

    def _show(self, reply: OperatorReply) -> None:
        self._what.set_visibility(False)
        self._heading.show("Stopped" if reply.done else "Not stopped")
        if reply.done:
            self._answer.show(
                f"Verified flat in {reply.elapsed_ms:,.0f} ms. {reply.detail}", "good"
            )
        else:
            self._answer.show(f"NOT verified flat: {reply.detail}. {FALLBACK}", "bad")
            self._go.set_visibility(True)
        self._label_cancel("Close")

    def _label_cancel(self, text: str) -> None:
        label = self._cancel.default_slot.children[0]
        assert isinstance(label, Words)
        label.show(text)


def _some(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
