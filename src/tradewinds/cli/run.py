"""`run`, and the two hidden verbs with which the supervisor starts its processes."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.engine_link import engine_answers
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.greeting import Herald, greet, say, take_leave
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import split_names
from tradewinds.model.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.config import Settings
    from tradewinds.options import RunOptions
    from tradewinds.supervisor import Beside
    from tradewinds.vault.secret import Secret

REPLAY_HELP = "Trade recorded data instead: a Parquet file, a raw message file, or a folder."

PORT_MAX = 65_535
RUN = re.compile(r"[0-9a-f]{10}")
MODES = ("practice", "testnet", "demo", "live")


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
    practice: Annotated[
        bool, Option(help="Orders to a practice venue on this machine: real protocols, no money.")
    ] = False
    at: Annotated[
        str | None,
        Option(help="With --practice: binance-spot, binance-usdm or coinbase.", metavar="VENUE"),
    ] = None
    perpetuals: Annotated[
        bool, Option(help="With a Binance spot venue: USD-M perpetuals too, in one account.")
    ] = False
    perpetual_key: Annotated[
        str | None,
        Option(help="The key for --perpetuals where it is another (testnet).", metavar="KEY"),
    ] = None
    testnet: Annotated[
        str | None, Option(help="Orders to a venue's testnet, with this key.", metavar="KEY")
    ] = None
    demo: Annotated[
        str | None, Option(help="Orders to a venue's demo trading, with this key.", metavar="KEY")
    ] = None
    live: Annotated[
        str | None, Option(help="REAL MONEY, with this key of the vault.", metavar="KEY")
    ] = None
    take_over: Annotated[
        tuple[str, ...],
        Option(help="Runs of a lost data folder: their orders are cancelled.", metavar="RUNS"),
    ] = ()
    cleared_ns: Annotated[int, Option(help="When its owner asked.", hidden=True)] = 0
    passphrase_pipe: Annotated[int | None, Option(help="Inherited.", hidden=True)] = None


def run(arguments: RunArguments, frame: Frame) -> Outcome:
    """Trade on paper: live public data, or recorded (--replay), or made up (--synthetic).

    --practice, --testnet, --demo and --live send orders to a venue instead.
    """
    from tradewinds.cli.going import prepared

    refuse_nonsense(arguments)
    settings = ported(load_settings(frame, arguments.config), arguments.port)
    refuse_a_second(frame, settings, dashboard=not arguments.no_dashboard)
    options, beside = prepared(settings, options_of(arguments, frame))
    return left(supervised(settings, options, beside))


def supervised(settings: "Settings", options: "RunOptions", beside: "Beside") -> int:
    """Say hello, then run until it ends; the engine's exit code."""
    from tradewinds import supervisor

    greet(settings, options, own_venue=bool(beside.venue_port))
    searched = options.replay is None and not options.synthetic
    herald = Herald(options.home, say, searched=searched)
    herald.start()
    try:
        return supervisor.run(settings, options, say, beside)
    finally:
        herald.stop()
        take_leave(options)


def engine(arguments: RunArguments, frame: Frame) -> Outcome:
    """The engine process alone; the supervisor starts it."""
    from tradewinds import assemble, supervisor

    supervisor.follow_parent()
    settings = load_settings(frame, arguments.config)
    options = options_of(arguments, frame)
    return left(assemble.run_engine(settings, options, secret_of(arguments, options)))


def secret_of(arguments: RunArguments, options: "RunOptions") -> "Secret | None":
    """The vault's passphrase from the supervisor's pipe, else from the file; None if not needed."""
    from tradewinds.vault.passphrase import no_core_dumps, passphrase_from_file, taken

    if not options.key:
        return None
    no_core_dumps()
    if arguments.passphrase_pipe is not None:
        return taken(arguments.passphrase_pipe)
    return passphrase_from_file(os.environ)


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
    refuse_mixed_modes(arguments)
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


def refuse_mixed_modes(arguments: RunArguments) -> None:
    """One place for the orders; and a venue is neither recorded, nor made up, nor begun anew."""
    if arguments.at is not None:
        require_product(arguments)
    modes = [name for name in MODES if getattr(arguments, name)]
    if len(modes) > 1:
        listed = " and ".join(f"--{name}" for name in modes)
        raise CliError(f"{listed} exclude each other", Exit.USAGE, "give one")
    require_place_for_perpetuals(arguments, modes)
    require_runs(arguments, modes)
    if not modes:
        return
    others = ("replay", "synthetic", "seed", "speed", "timeframe", "fresh")
    for name in others:
        if getattr(arguments, name) not in (None, False):
            raise CliError(
                f"--{modes[0]} and --{name} exclude each other",
                Exit.USAGE,
                "a venue has its own market, time and account",
            )


def require_product(arguments: RunArguments) -> None:
    """A key says where it trades; only the practice venue is several."""
    from tradewinds.vault.keys import KeyVenue

    known = ", ".join(KeyVenue)
    if not arguments.practice or arguments.at not in set(KeyVenue):
        raise CliError(
            f"--at {arguments.at!r} goes with --practice alone, and names one of {known}",
            Exit.USAGE,
            "leave it out: Binance spot is practised on by default",
        )


def require_place_for_perpetuals(arguments: RunArguments, modes: list[str]) -> None:
    """Beside Binance spot, at a venue; practice has one key for both."""
    if not (arguments.perpetuals or arguments.perpetual_key):
        return
    if not modes or arguments.at not in (None, "binance-spot"):
        raise CliError(
            "--perpetuals goes with orders to Binance spot",
            Exit.USAGE,
            "paper trades perpetuals by --symbols BTC/USDT:USDT; --practice --perpetuals "
            "rehearses both, --testnet, --demo or --live trades both",
        )
    if arguments.practice and arguments.perpetual_key:
        raise CliError(
            "--practice needs no --perpetual-key", Exit.USAGE, "--practice --perpetuals is enough"
        )


def require_runs(arguments: RunArguments, modes: list[str]) -> None:
    """Named as the refusal names them: nothing is taken over unseen."""
    runs = split_names(arguments.take_over)
    if runs and not (modes and all(RUN.fullmatch(run) for run in runs)):
        raise CliError(
            "--take-over goes with orders at a venue, and names runs: ten digits of 0-9 a-f",
            Exit.USAGE,
            "a start that finds orders of another data folder says which",
        )


def mode_of(arguments: RunArguments) -> tuple[str, str]:
    """Mode, and the name of the key it needs."""
    for name in MODES:
        given = getattr(arguments, name)
        if given:
            return name, given if isinstance(given, str) else ""
    return "paper", ""


def options_of(arguments: RunArguments, frame: Frame) -> "RunOptions":
    """The supervisor's options."""
    from tradewinds.options import RunOptions

    mode, key = mode_of(arguments)
    return RunOptions(
        mode=mode,
        at=arguments.at or "",
        perpetuals=arguments.perpetuals or bool(arguments.perpetual_key),
        perpetual_key=arguments.perpetual_key or "",
        take_over=split_names(arguments.take_over),
        key=key,
        cleared_ns=arguments.cleared_ns,
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
