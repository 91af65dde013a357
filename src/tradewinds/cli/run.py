"""`run`, and the two hidden verbs with which the supervisor starts its processes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.engine_link import engine_answers
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.greeting import Herald, greet, say
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import split_names
from tradewinds.model.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.options import RunOptions

REPLAY_HELP = "Trade recorded data instead: a Parquet file, a raw message file, or a folder."

PORT_MAX = 65_535


class RunArguments(Struct, frozen=True, kw_only=True):
    """What to trade, how fast, and where to keep it."""

    replay: Annotated[str | None, Option(help=REPLAY_HELP, metavar="PATH")] = None
    speed: Annotated[
        str | None,
        Option(help="Replay speed: 1 is real time, 60 a minute a second, or max.", metavar="N|max"),
    ] = None
    synthetic: Annotated[bool, Option(help="The synthetic market; look for no venue.")] = False
    seed: Annotated[int | None, Option(help="Seed of the synthetic market.", least=0)] = None
    port: Annotated[int | None, Option(help="Port of the dashboard.", least=1, most=PORT_MAX)] = (
        None
    )
    no_dashboard: Annotated[bool, Option(help="Without web pages.")] = False
    symbols: Annotated[
        tuple[str, ...],
        Option(help="Only these, by comma or repeated: BTC/USDT,ETH/USDT.", metavar="LIST"),
    ] = ()
    timeframe: Annotated[
        str | None, Option(help="Only bars of this length: 1m, 5m, 1h.", metavar="LENGTH")
    ] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None
    fresh: Annotated[
        bool, Option(help="Start over with the starting balance; the old journal is kept.")
    ] = False


def run(arguments: RunArguments, frame: Frame) -> Outcome:
    """Trade on paper: live public data, or recorded (--replay), or made up (--synthetic)."""
    refuse_nonsense(arguments)
    settings = ported(load_settings(frame, arguments.config), arguments.port)
    refuse_a_second(frame, settings, dashboard=not arguments.no_dashboard)
    return left(supervised(arguments, settings, frame))


def supervised(arguments: RunArguments, settings: "Settings", frame: Frame) -> int:
    """Say hello, then run until it ends; the engine's exit code."""
    from tradewinds import supervisor

    greet(settings, frame.home, pages=not arguments.no_dashboard)
    searched = not (arguments.replay or arguments.synthetic or arguments.seed is not None)
    herald = Herald(frame.home, say, searched=searched)
    herald.start()
    try:
        return supervisor.run(settings, options_of(arguments, frame), say)
    finally:
        herald.stop()


def engine(arguments: RunArguments, frame: Frame) -> Outcome:
    """The engine process alone; the supervisor starts it."""
    from tradewinds import assemble, supervisor

    supervisor.follow_parent()
    settings = load_settings(frame, arguments.config)
    return left(assemble.run_engine(settings, options_of(arguments, frame)))


def dashboard(arguments: RunArguments, frame: Frame) -> Outcome:
    """The dashboard process alone; the supervisor starts it."""
    from tradewinds import supervisor
    from tradewinds.dashboard.process import run_dashboard

    supervisor.follow_parent()
    settings = ported(load_settings(frame, arguments.config), arguments.port)
    run_dashboard(settings, frame.home)
    return left(Exit.OK)


def left(code: int) -> Outcome:
    """A process that has ended: what it wanted to say it has said itself."""
    known = code in set(Exit)
    return Outcome(data=None, show=silence, code=Exit(code) if known else Exit.FAILURE)


def silence(screen: Screen) -> None:
    """Nothing to add."""


def refuse_nonsense(arguments: RunArguments) -> None:
    """Say what is wrong with the arguments before anything is loaded or started."""
    from tradewinds.model.timeframes import parse_timeframe

    speed_of(arguments)
    if arguments.timeframe is not None and not parse_timeframe(arguments.timeframe):
        raise CliError(
            f"--timeframe {arguments.timeframe!r} is not a bar length",
            Exit.USAGE,
            "write it like 1m, 5m, 1h or 1d",
        )
    if arguments.replay is None:
        return
    if arguments.synthetic or arguments.seed is not None:
        raise CliError("--replay and --synthetic exclude each other", Exit.USAGE, "give one")
    if not Path(arguments.replay).expanduser().exists():
        raise CliError(
            f"--replay {arguments.replay}: no such file or folder",
            Exit.DATA_ERROR,
            "give a Parquet file of bars, a raw message file (.gz), or a folder of them",
        )


def options_of(arguments: RunArguments, frame: Frame) -> "RunOptions":
    """The supervisor's options."""
    from tradewinds.options import RunOptions

    return RunOptions(
        replay=str(Path(arguments.replay).expanduser()) if arguments.replay else None,
        speed=speed_of(arguments),
        synthetic=arguments.synthetic or arguments.seed is not None,
        seed=arguments.seed,
        no_dashboard=arguments.no_dashboard,
        timeframe=arguments.timeframe,
        symbols=split_names(arguments.symbols),
        home=frame.home,
        config_path=arguments.config,
        fresh=arguments.fresh,
    )


def speed_of(arguments: RunArguments) -> float | None:
    """None is real time, infinity as fast as it goes."""
    text = arguments.speed
    if text is None:
        return None
    try:
        speed = float("inf") if text.lower() == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise CliError(
            f"--speed {text!r} is neither a number above 0 nor max",
            Exit.USAGE,
            "1 is real time, 60 plays a minute in a second, max is as fast as it goes",
        )
    return speed


def ported(settings: "Settings", port: int | None) -> "Settings":
    """Settings with `--port` in place of the configured one."""
    if port is None:
        return settings
    dashboard = settings.dashboard.model_copy(update={"port": port})
    return settings.model_copy(update={"dashboard": dashboard})


def refuse_a_second(frame: Frame, settings: "Settings", *, dashboard: bool) -> None:
    """Say it before anything starts, when this folder or the port is taken."""
    if engine_answers(frame.home):
        raise CliError(
            f"an engine is already running in {frame.home}",
            Exit.IN_USE,
            "`trading-cli status` shows it; stop it with Ctrl-C where it runs, or use --home DIR"
            " for a second one",
        )
    if dashboard:
        require_port(settings.dashboard.host, settings.dashboard.port)


def require_port(host: str, port: int) -> None:
    """Raises CliError naming who has the port."""
    from tradewinds.dashboard.port import listen

    try:
        listen(host, port).close()
    except ConfigError as error:
        raise CliError(
            f"the dashboard cannot start: {error}",
            Exit.IN_USE,
            f"`trading-cli run --port {port + 1 if port < PORT_MAX else port - 1}` uses another,"
            " --no-dashboard does without pages",
        ) from error
