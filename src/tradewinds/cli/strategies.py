"""`strategies list|show|enable|disable`."""

import inspect
import sys
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Struct

from tradewinds.cli.operator import switch
from tradewinds.cli.option import NoArguments, Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.model.errors import ConfigError


class NameArguments(Struct, frozen=True, kw_only=True):
    """Which strategy."""

    name: Annotated[str, Option(help="As `strategies list` calls it.", positional=True)]


class ParameterRow(Struct, frozen=True, kw_only=True):
    """One parameter: what it may be, its default, and what the settings say now."""

    name: str
    allowed: str
    default: Any
    required: bool
    value: Any


class StrategyAnswer(Struct, frozen=True, kw_only=True):
    """`problem` says why it cannot be loaded; then it has no parameters, of which `notes` tells.

    `configured`: the settings name it; `enabled`: and have it on.
    """

    name: str
    offered_by: str
    about: str
    notes: str
    configured: bool
    enabled: bool
    parameters: tuple[ParameterRow, ...]
    problem: str


def strategies_list(arguments: NoArguments, frame: Frame) -> Outcome:
    """Every strategy installed here, ours and other packages'."""
    from tradewinds.strategies.registry import available

    answers = tuple(describe(name, frame) for name in available())
    return Outcome(data=answers, show=lambda screen: show_list(screen, answers))


def strategies_show(arguments: NameArguments, frame: Frame) -> Outcome:
    """One strategy: what it does, its parameters with ranges, defaults and values in force."""
    from tradewinds.strategies.registry import load

    load(arguments.name)
    answer = describe(arguments.name, frame)
    return Outcome(data=answer, show=lambda screen: show_one(screen, answer))


def strategies_enable(arguments: NameArguments, frame: Frame) -> Outcome:
    """Let a strategy of the running engine enter trades again."""
    return switch(arguments.name, True, frame)


def strategies_disable(arguments: NameArguments, frame: Frame) -> Outcome:
    """Let a strategy of the running engine enter no trade; open ones keep their stops."""
    return switch(arguments.name, False, frame)


def describe(name: str, frame: Frame) -> StrategyAnswer:
    """What is known of a strategy; a broken one says why it does not load."""
    from tradewinds.cli.config_verbs import load_settings
    from tradewinds.strategies.registry import available, load

    section = load_settings(frame, None).strategies.get(name)
    entry = available()[name]
    about, notes, problem = "", "", ""
    rows: tuple[ParameterRow, ...] = ()
    try:
        kind = load(name)
        about = about_of(kind)
        notes = inspect.getdoc(kind.Params) or ""
        rows = parameter_rows(kind.Params, section.params if section else {})
    except ConfigError as error:
        problem = str(error)
    return StrategyAnswer(
        name=name,
        offered_by=entry.value,
        about=about,
        notes=notes,
        configured=section is not None,
        enabled=section is not None and section.enabled,
        parameters=rows,
        problem=problem,
    )


def about_of(kind: type) -> str:
    """What its author says of it: the module's docstring, else the class's."""
    module = sys.modules.get(kind.__module__)
    return inspect.cleandoc((module and module.__doc__) or kind.__doc__ or "")


def parameter_rows(params: type[Struct], given: Mapping[str, object]) -> tuple[ParameterRow, ...]:
    """Each parameter with what the settings say of it."""
    from tradewinds.strategies.parameters import parameters_of

    return tuple(
        ParameterRow(
            name=item.name,
            allowed=item.allowed,
            default=item.default,
            required=item.required,
            value=given.get(item.name, item.default),
        )
        for item in parameters_of(params)
    )


def show_list(screen: Screen, answers: tuple[StrategyAnswer, ...]) -> None:
    """A line each."""
    rows = tuple(
        (
            answer.name,
            "yes" if answer.enabled else "no",
            answer.problem or answer.about.partition("\n")[0],
        )
        for answer in answers
    )
    screen.table(Table(columns=("strategy", "on", "about"), rows=rows))


def show_one(screen: Screen, answer: StrategyAnswer) -> None:
    """What it does, then its parameters."""
    state = "on" if answer.enabled else "off"
    screen.line(f"{answer.name} ({state} in the settings), from {answer.offered_by}", "bold")
    screen.paragraph(answer.about)
    screen.table(
        Table(
            title="Parameters",
            columns=("name", "value", "default", "allowed"),
            rows=tuple(
                (
                    row.name,
                    str(row.value),
                    "must be given" if row.required else str(row.default),
                    row.allowed,
                )
                for row in answer.parameters
            ),
        )
    )
    screen.line()
    screen.paragraph(answer.notes)
    screen.paragraph(f"Set them in config.toml under [strategies.{answer.name}.params].", "dim")
