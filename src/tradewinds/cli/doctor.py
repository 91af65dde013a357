"""`doctor`: looks at everything a run needs and says what to do about each fault."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.checkup import Check, Verdict, failed, fine
from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings, source_path
from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.model.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.config import Settings

STYLES = (
    (Verdict.OK, "green"),
    (Verdict.NOTE, "dim"),
    (Verdict.WARNING, "yellow"),
    (Verdict.FAILED, "red"),
)


class DoctorArguments(Struct, frozen=True, kw_only=True):
    """Which settings, and whether to go online."""

    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None
    offline: Annotated[bool, Option(help="Do not look for a venue.")] = False
    unlock: Annotated[bool, Option(help="Ask for the passphrase, and check the keys.")] = False
    live: Annotated[
        str | None,
        Option(
            help="The check-up real money asks for, of this key; good for a day.", metavar="KEY"
        ),
    ] = None
    perpetuals: Annotated[
        bool, Option(help="With --live: for USD-M perpetuals beside spot, too.")
    ] = False
    perpetual_key: Annotated[
        str | None, Option(help="The key for --perpetuals where it is another.", metavar="KEY")
    ] = None


def doctor(arguments: DoctorArguments, frame: Frame) -> Outcome:
    """Check Python, packages, disk, folder, settings, database, port, clock, venue and keys."""
    checks = tuple(checks_for(arguments, frame))
    faults = sum(check.verdict is Verdict.FAILED for check in checks)
    return Outcome(
        data=checks,
        show=lambda screen: show_checks(screen, checks),
        code=Exit.FAILURE if faults else Exit.OK,
        message=f"{faults} check(s) failed" if faults else "",
    )


def checks_for(arguments: DoctorArguments, frame: Frame) -> Iterator[Check]:
    """All, and for real money those of one key."""
    if arguments.live is None:
        if arguments.perpetuals or arguments.perpetual_key:
            raise CliError("--perpetuals goes with --live", Exit.USAGE, "name the key: --live KEY")
        yield from all_checks(arguments, frame)
        return
    from tradewinds.cli.doctor_live import keys_of, live_checks
    from tradewinds.options import LIVE, RunOptions

    if arguments.offline:
        raise CliError("--live asks the venue", Exit.USAGE, "leave --offline out")
    options = RunOptions(
        home=frame.home,
        mode=LIVE,
        key=arguments.live,
        perpetuals=arguments.perpetuals or bool(arguments.perpetual_key),
        perpetual_key=arguments.perpetual_key or "",
    )
    keys = keys_of(options)
    settings = load_settings(frame, arguments.config)
    before = list(all_checks(arguments, frame))
    yield from before
    yield from live_checks(settings, frame.home, keys, before)


def all_checks(arguments: DoctorArguments, frame: Frame) -> Iterator[Check]:
    """The machine first, then the settings, then what needs settings."""
    from tradewinds.cli import doctor_machine

    yield doctor_machine.check_python()
    yield doctor_machine.check_packages()
    yield doctor_machine.check_kernels()
    yield doctor_machine.check_disk(frame.home)
    yield doctor_machine.check_home(frame.home)
    yield doctor_machine.check_clock(last_seen_ns(frame.home))
    path = source_path(frame, arguments.config)
    try:
        settings = load_settings(frame, arguments.config)
    except ConfigError as error:
        yield failed("settings", str(error), f"correct {path}, or start without it")
        return
    yield fine("settings", str(path) if path.is_file() else "all defaults (no file)")
    yield from settings_checks(settings, arguments, frame)


def settings_checks(
    settings: "Settings", arguments: DoctorArguments, frame: Frame
) -> Iterator[Check]:
    """What the settings name."""
    from tradewinds.cli.doctor_keys import check_keys
    from tradewinds.cli.doctor_links import check_host, check_port, check_socket, check_venue
    from tradewinds.cli.doctor_store import check_store
    from tradewinds.cli.engine_link import engine_answers
    from tradewinds.cli.redis_probe import check_redis
    from tradewinds.cli.venue_probe import reachable

    yield from check_store(settings, frame.home)
    yield check_socket(frame.home)
    yield check_port(settings, running=engine_answers(frame.home))
    yield check_host(settings)
    yield from check_redis(settings)
    reached = "" if arguments.offline else reachable(settings)
    if not arguments.offline:
        yield check_venue(settings, reached)
    yield from check_keys(
        settings, frame.home, reached=reached, offline=arguments.offline, unlock=arguments.unlock
    )


def last_seen_ns(home: Path) -> int:
    """Our own clock at the engine's last sign of life here; 0 for none."""
    from tradewinds.cli.engine_link import last_known

    known = last_known(home)
    return known.wall_time_ns if known else 0


def show_checks(screen: Screen, checks: tuple[Check, ...]) -> None:
    """A line each, the fix below it."""
    for check in checks:
        style = next(style for verdict, style in STYLES if verdict is check.verdict)
        screen.hanging(f"{check.verdict.value.upper():<8}", f"{check.name}: {check.found}", style)
        if check.fix:
            screen.hanging("     -> ", check.fix)
