"""`config show|init|path|check`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import NoArguments, Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen, Table
from tradewinds.model.errors import ConfigError, TradewindsError

if TYPE_CHECKING:
    from tradewinds.cli.settings_guide import Setting
    from tradewinds.config import Settings

CONFIG_HELP = "Settings file (else config.toml in the data folder)."


class FileArguments(Struct, frozen=True, kw_only=True):
    """Which file."""

    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class ShowArguments(Struct, frozen=True, kw_only=True):
    """Which file, and how much of it."""

    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None
    changed: Annotated[bool, Option(help="Only what differs from the default.")] = False


class PathAnswer(Struct, frozen=True, kw_only=True):
    """Where the settings are read from."""

    path: str
    exists: bool
    home: str


class CheckAnswer(Struct, frozen=True, kw_only=True):
    """`problems` is empty when the engine would start with these settings."""

    path: str
    exists: bool
    problems: tuple[str, ...]


def environment(home: Path) -> dict[str, str]:
    """The environment with our data folder in it, as `tradewinds.config` reads it."""
    return {**os.environ, "TRADEWINDS_HOME": str(home)}


def load_settings(frame: Frame, config: Path | None) -> "Settings":
    """Settings for this data folder; ConfigError names every mistake."""
    from tradewinds.config import load

    return load(config, environment(frame.home))


def source_path(frame: Frame, config: Path | None) -> Path:
    """The file that is read."""
    return config.absolute() if config else frame.home / "config.toml"


def config_path(arguments: FileArguments, frame: Frame) -> Outcome:
    """Print where the settings file is read from."""
    path = source_path(frame, arguments.config)
    answer = PathAnswer(path=str(path), exists=path.is_file(), home=str(frame.home))
    return Outcome(data=answer, show=lambda screen: screen.line(answer.path))


def config_show(arguments: ShowArguments, frame: Frame) -> Outcome:
    """Every setting in force, what differs from its default, and what set it."""
    from tradewinds.cli.settings_guide import settings_table, sources_of

    settings = load_settings(frame, arguments.config)
    sources = sources_of(source_path(frame, arguments.config), os.environ)
    rows = tuple(
        row for row in settings_table(settings, sources) if row.changed or not arguments.changed
    )
    return Outcome(data=rows, show=lambda screen: show_settings(screen, rows))


def show_settings(screen: Screen, rows: "tuple[Setting, ...]") -> None:
    """Changed ones carry a star."""
    screen.table(
        Table(
            columns=("", "setting", "value", "default", "from"),
            rows=tuple(
                (
                    "*" if row.changed else " ",
                    row.key,
                    row.value,
                    row.default if row.changed else "",
                    row.source if row.source != "default" else "",
                )
                for row in rows
            ),
        )
    )
    screen.line()
    screen.line("* differs from its default", "dim")


def config_init(arguments: NoArguments, frame: Frame) -> Outcome:
    """Write a config.toml with every setting, its range and its meaning; never over another."""
    from tradewinds.cli.config_file import commented_toml

    path = frame.home / "config.toml"
    frame.home.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(commented_toml())
    except FileExistsError:
        raise CliError(
            f"{path} is there already and stays as it is",
            Exit.FAILURE,
            "move it away first if you want a fresh one",
        ) from None
    answer = PathAnswer(path=str(path), exists=True, home=str(frame.home))
    return Outcome(data=answer, show=lambda screen: screen.line(f"Written: {path}"))


def config_check(arguments: FileArguments, frame: Frame) -> Outcome:
    """Name every mistake in the settings, the strategies' parameters included."""
    path = source_path(frame, arguments.config)
    problems = problems_of(frame, arguments.config)
    answer = CheckAnswer(path=str(path), exists=path.is_file(), problems=problems)
    return Outcome(
        data=answer,
        show=lambda screen: show_check(screen, answer),
        code=Exit.USAGE if problems else Exit.OK,
        message=f"{len(problems)} problem(s) in the settings" if problems else "",
    )


def show_check(screen: Screen, answer: CheckAnswer) -> None:
    """Each problem, or that there is none."""
    if not answer.problems:
        told = answer.path if answer.exists else "all defaults (no file)"
        screen.line(f"Settings are fine: {told}", "green")
    for problem in answer.problems:
        screen.line(problem, "red")


def problems_of(frame: Frame, config: Path | None) -> tuple[str, ...]:
    """One text for each mistake of the file, the environment, and the strategies' parameters."""
    try:
        settings = load_settings(frame, config)
    except ConfigError as error:
        return listed(error)
    faults: list[str] = []
    for name, section in settings.strategies.items():
        try:
            check_strategy(name, section.params)
        except ConfigError as error:
            faults += [f"strategies.{name}: {fault}" for fault in listed(error)]
    return tuple(faults)


def listed(error: TradewindsError) -> tuple[str, ...]:
    """The single problems of an error that names several under one heading."""
    heading, *lines = str(error).splitlines()
    return tuple(line.strip() for line in lines) or (heading,)


def check_strategy(name: str, params: Mapping[str, object]) -> None:
    """ConfigError names every wrong parameter, or that nobody offers the strategy."""
    from tradewinds.strategies.parameters import read_parameters
    from tradewinds.strategies.registry import load

    read_parameters(name, load(name).Params, params)
