"""`password`: the way back into the dashboard for whoever owns the machine."""

from msgspec import Struct

from tradewinds.cli.greeting import password_path
from tradewinds.cli.option import NoArguments
from tradewinds.cli.outcome import Frame, Outcome


class PasswordAnswer(Struct, frozen=True, kw_only=True):
    """The new password; only its hash is kept."""

    password: str


def password(arguments: NoArguments, frame: Frame) -> Outcome:
    """Make a new password for the dashboard and show it once."""
    from tradewinds.dashboard.auth import reset_password

    frame.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    answer = PasswordAnswer(password=reset_password(password_path(frame.home)))
    return Outcome(data=answer, show=lambda screen: screen.line(f"New password: {answer.password}"))
