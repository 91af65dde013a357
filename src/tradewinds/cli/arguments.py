"""A verb's arguments as one frozen struct, turned into the options of a typer command."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import typer
from msgspec import NODEFAULT, Struct, structs

from tradewinds.cli.home import home_of
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome, present

Arguments = TypeVar("Arguments", bound=Struct)

HOME = Option(help="Data folder (else TRADEWINDS_HOME, else ./user_data).", metavar="DIR")
JSON = Option(help="One JSON object on stdout, nothing else.")
DEBUG = Option(help="Show the traceback of an error.")


def command(
    verb: str,
    work: Callable[[Arguments, Frame], Outcome],
    kind: type[Arguments],
    *,
    json: bool = True,
) -> Callable[..., int]:
    """A function typer can read: the struct's fields as its parameters, then home, json, debug."""

    def invoke(context: typer.Context, **values: Any) -> int:
        frame = frame_of(context, values)
        given = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if value is not None
        }
        return present(verb, lambda: work(kind(**given), frame), frame)

    parameters = [
        inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        ),
        *fields_of(kind),
        parameter("home", Path | None, HOME, None),
        parameter("debug", bool, DEBUG, False),
    ]
    if json:
        parameters.append(parameter("json", bool, JSON, False))
    invoke.__doc__ = work.__doc__
    invoke.__annotations__ = {item.name: item.annotation for item in parameters}
    signature = inspect.Signature(parameters)
    setattr(invoke, "__signature__", signature)  # noqa: B010 - mypy knows no such attribute
    return invoke


def frame_of(context: typer.Context, values: dict[str, Any]) -> Frame:
    """Takes the three shared options out of `values`; those before the verb count as well."""
    before = context.obj if isinstance(context.obj, dict) else {}
    home = values.pop("home") or before.get("home")
    return Frame(
        home=home_of(str(home or "")),
        json=values.pop("json", False),
        debug=values.pop("debug") or before.get("debug", False),
    )


def fields_of(kind: type[Struct]) -> list[inspect.Parameter]:
    """One parameter for each field; a field's Option stands in its annotation."""
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in structs.fields(kind):
        plain, option = get_args(hints[field.name])
        missing = field.default is NODEFAULT
        found.append(parameter(field.name, plain, option, ... if missing else field.default))
    return sorted(found, key=lambda item: item.default is not ...)


def parameter(name: str, kind: Any, option: Option, default: Any) -> inspect.Parameter:
    """One keyword of the command; `default` ... means that it must be given."""
    if get_origin(kind) is tuple:
        kind, default = list[str] | None, default if default is ... else None
    told = {
        "help": option.help,
        "min": option.least,
        "max": option.most,
        "metavar": option.metavar or None,
        "hidden": option.hidden,
    }
    maker: Any = typer.Argument if option.positional else typer.Option
    names = () if option.positional else (option.name or "--" + name.replace("_", "-"),)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is ... else default,
        annotation=Annotated[kind, maker(*names, **told)],
    )
