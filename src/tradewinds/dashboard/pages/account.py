"""This login: confirm, change the password, log out. Plain forms, posted to the login routes."""

from collections.abc import Callable

from nicegui.element import Element

from tradewinds.dashboard import formats
from tradewinds.dashboard.auth import LENGTH_MAX, LENGTH_MIN
from tradewinds.dashboard.shell import Shell
from tradewinds.dashboard.widgets import Words, button, panel, tag


def account_panel(shell: Shell) -> None:
    """Password and session."""
    timings = shell.room.settings.timings
    body, _ = panel("Login")
    with body:
        with _form("/password", shell.session.csrf):
            _password("Current password", "old", "current-password")
            _password(f"New, at least {LENGTH_MIN} characters", "new", "new-password")
            tag("span", "mid")
            tag("button", "button", "Change password").props("type=submit")
        with tag("form", "row-line spaced").props('method="post" action="/logout"'):
            _hidden("csrf", shell.session.csrf)
            tag("button", "button", "Log out").props("type=submit")
            Words(
                f"A login lasts {formats.duration(timings.absolute_s)}. Resuming and switching on "
                f"ask for the password after {formats.duration(timings.trading_idle_s)} unused.",
                "tone-dim",
            )


def confirm_form(csrf: str, dismissed: Callable[[], None]) -> None:
    """What the dialog shows when rights to raise risk have lapsed."""
    tag("h2", "", "Confirm your password")
    Words("You have not used the controls for a while, and this raises risk.", "prose")
    with _form("/confirm", csrf).classes("narrow"):
        _password("Password", "password", "current-password")
        with tag("div", "buttons"):
            button("Cancel", "button", dismissed)
            tag("button", "button main", "Confirm").props("type=submit")


def _form(action: str, csrf: str) -> Element:
    form = tag("form", "form").props(f'method="post" action="{action}"')
    with form:
        _hidden("csrf", csrf)
        # Password managers want to know whose password this is.
        tag("input").props(
            'type="text" name="username" value="operator" autocomplete="username" hidden'
        )
    return form


def _hidden(name: str, value: str) -> Element:
    return tag("input").props(f'type="hidden" name="{name}" value="{value}"')


def _password(label: str, name: str, autocomplete: str) -> None:
    tag("label", "", label)
    tag("input", "field").props(
        f'type="password" name="{name}" autocomplete="{autocomplete}" required '
        f'maxlength="{LENGTH_MAX}" aria-label="{label}"'
    )
