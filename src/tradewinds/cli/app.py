"""The typer application: every verb and its arguments."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

import tradewinds
from tradewinds.cli import (
    audit,
    backtest,
    config_verbs,
    data,
    data_download,
    data_import,
    data_record,
    divergence,
    doctor,
    keys,
    lookahead,
    operator,
    optimize,
    password,
    promote,
    replay,
    report,
    results,
    run,
    significance,
    status,
    strategies,
    venue,
    walk_forward,
)
from tradewinds.cli.arguments import command
from tradewinds.cli.exits import MEANINGS, CliError, Exit
from tradewinds.cli.home import home_of
from tradewinds.cli.option import NoArguments
from tradewinds.cli.outcome import Frame, Outcome, refuse

PROGRAM = "trading-cli"
EPILOG = "Exit codes: " + ", ".join(
    f"{code.value} {code.name.lower().replace('_', ' ')}" for code, _ in MEANINGS
)
TOO_MANY = "unexpected extra argument"
TYPED_OR_PIPED = (
    "keys and secrets are typed or piped: as an argument they stand in the shell's history and "
    "the process list; one that did should be deleted at the venue and made anew"
)


def run_app(words: Sequence[str]) -> int:
    """Parse and run; wrong usage is answered like every other error."""
    try:
        result = build()(args=list(words), prog_name=PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        frame = Frame(home=home_of(""), json="--json" in words, debug="--debug" in words)
        path = command_path(error)
        return refuse(path.removeprefix(PROGRAM).strip(), misuse(error, path), frame)
    except typer.Abort:
        return Exit.INTERRUPTED
    return result if isinstance(result, int) else Exit.OK


def command_path(error: typer.TyperException) -> str:
    """Program and verb that refused its arguments."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else PROGRAM


def misuse(error: typer.TyperException, path: str) -> CliError:
    """What was wrong, and where the help for it is."""
    if path.startswith(f"{PROGRAM} keys") and TOO_MANY in error.format_message():
        # Not repeated: it may be a secret.
        return CliError("one argument too many", Exit.USAGE, TYPED_OR_PIPED)
    return CliError(error.format_message(), Exit.USAGE, f"`{path} --help` lists what there is")


def build() -> typer.Typer:
    """The application, made anew: it keeps no state between calls."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Tradewinds: trades crypto, on paper by default, within a law of loss limits.",
        epilog=EPILOG,
    )
    app.callback()(before)
    add(app, "run", run.run, run.RunArguments, json=False)
    add(app, "status", status_verb, NoArguments)
    add(app, "report", report.report, report.ReportArguments)
    add(app, "emergency", operator.emergency, operator.EmergencyArguments)
    add(app, "pause", operator.pause, operator.ReasonArguments)
    add(app, "resume", operator.resume, operator.ReasonArguments)
    add(app, "backtest", backtest.backtest, backtest.BacktestArguments)
    add(app, "promote", promote.promote, promote.PromoteArguments)
    add(app, "walk-forward", walk_forward.walk_forward, walk_forward.WalkForwardArguments)
    add(app, "optimize", optimize.optimize, optimize.OptimizeArguments)
    add(app, "significance", significance.significance, significance.SignificanceArguments)
    add(app, "lookahead", lookahead.lookahead, lookahead.LookaheadArguments)
    add(app, "divergence", divergence.divergence, divergence.DivergenceArguments)
    add(app, "results", results.results, results.ResultsArguments)
    add(app, "replay", replay.replay, replay.ReplayArguments)
    add(app, "audit", audit.audit, audit.AuditArguments)
    add(app, "doctor", doctor.doctor, doctor.DoctorArguments)
    add(app, "venue", venue.venue, venue.VenueArguments, json=False)
    add(app, "password", password.password, NoArguments)
    add_groups(app)
    add(app, "engine", run.engine, run.RunArguments, json=False, hidden=True)
    add(app, "dashboard", run.dashboard, run.RunArguments, json=False, hidden=True)
    return app


def add_groups(app: typer.Typer) -> None:
    """The verbs of two words."""
    group = typer.Typer(no_args_is_help=True, help="Show, check and write the settings.")
    add(group, "show", config_verbs.config_show, config_verbs.ShowArguments, under="config")
    add(group, "check", config_verbs.config_check, config_verbs.FileArguments, under="config")
    add(group, "path", config_verbs.config_path, config_verbs.FileArguments, under="config")
    add(group, "init", config_verbs.config_init, NoArguments, under="config")
    app.add_typer(group, name="config")
    group = typer.Typer(no_args_is_help=True, help="Strategies: what there is, on or off.")
    add(group, "list", strategies.strategies_list, NoArguments, under="strategies")
    named = strategies.NameArguments
    add(group, "show", strategies.strategies_show, named, under="strategies")
    add(group, "enable", strategies.strategies_enable, named, under="strategies")
    add(group, "disable", strategies.strategies_disable, named, under="strategies")
    app.add_typer(group, name="strategies")
    group = typer.Typer(no_args_is_help=True, help="Recorded market data.")
    add(
        group,
        "download",
        data_download.data_download,
        data_download.DownloadArguments,
        under="data",
    )
    add(group, "import", data_import.data_import, data_import.ImportArguments, under="data")
    add(group, "record", data_record.data_record, data_record.RecordArguments, under="data")
    add(group, "list", data.data_list, data.DataArguments, under="data")
    add(group, "check", data.data_check, data.DataArguments, under="data")
    app.add_typer(group, name="data")
    group = typer.Typer(no_args_is_help=True, help="API keys in an encrypted vault.")
    add(group, "add", keys.keys_add, keys.AddArguments, under="keys")
    add(group, "list", keys.keys_list, NoArguments, under="keys")
    add(group, "test", keys.keys_test, keys.NameArguments, under="keys")
    add(group, "remove", keys.keys_remove, keys.RemoveArguments, under="keys")
    add(group, "passphrase", keys.keys_passphrase, NoArguments, under="keys")
    add(group, "accept", keys.keys_accept, NoArguments, under="keys")
    app.add_typer(group, name="keys")


def add(parent: typer.Typer, name: str, work: Any, kind: type[Any], **how: Any) -> None:
    """One verb; `under` is the group it belongs to."""
    full = f"{how['under']} {name}" if "under" in how else name
    made = command(full, work, kind, json=how.get("json", True))
    parent.command(name, hidden=how.get("hidden", False))(made)


def status_verb(arguments: NoArguments, frame: Frame) -> Outcome:
    """What the engine is doing now: state, equity, the day's limit, positions, strategies."""
    return status.status(frame)


def tell_version(wanted: bool) -> None:
    """The version, and nothing else."""
    if wanted:
        sys.stdout.write(f"{PROGRAM} {tradewinds.__version__}\n")
        raise typer.Exit


def before(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option("--home", help="Data folder.", metavar="DIR")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=tell_version),
    ] = False,
) -> None:
    """Options before the verb hold for every verb."""
    context.obj = {"home": home, "debug": debug}
