"""`data record`: live market data of a venue into compressed segments that `replay` reads back."""

import asyncio
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.config_verbs import CONFIG_HELP, load_settings
from tradewinds.cli.greeting import say
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.cli.words import duration, split_names

if TYPE_CHECKING:
    from tradewinds.market.recording import Recorder
    from tradewinds.ports import Feed

SAY_EVERY_S = 10.0


class RecordArguments(Struct, frozen=True, kw_only=True):
    """From where, how long, to where."""

    venue: Annotated[str, Option(help="Any venue ccxt knows.", metavar="NAME")] = "binance"
    symbols: Annotated[
        tuple[str, ...], Option(help="Else those of the settings.", metavar="LIST")
    ] = ()
    minutes: Annotated[float, Option(help="Then end; else until Ctrl-C.", least=0.01)] = 0.0
    out: Annotated[
        Path | None, Option(help="Folder for the segments; else in the data folder.", metavar="DIR")
    ] = None
    config: Annotated[Path | None, Option(help=CONFIG_HELP, metavar="FILE")] = None


class RecordAnswer(Struct, frozen=True, kw_only=True):
    """What was kept."""

    folder: str
    label: str
    events: int
    segments: int
    bytes: int
    seconds: float


def data_record(arguments: RecordArguments, frame: Frame) -> Outcome:
    """Keep live quotes, trades and bars; `run --replay FOLDER` and `backtest FOLDER` read them."""
    settings = load_settings(frame, arguments.config)
    symbols = split_names(arguments.symbols) or settings.feed.symbols
    answer = asyncio.run(recorded(arguments, frame, symbols))
    return Outcome(data=answer, show=lambda screen: show_record(screen, answer))


async def recorded(
    arguments: RecordArguments, frame: Frame, symbols: tuple[str, ...]
) -> RecordAnswer:
    """Until the time is over or a signal. Raises VenueUnavailable, ConfigError, DataError."""
    from tradewinds.gateways.live import open_live
    from tradewinds.market.recording import Recorder

    feed = (await open_live(arguments.venue, symbols)).feed
    folder = (arguments.out or frame.home / "recordings").expanduser()
    recorder = Recorder(folder, feed.label, feed.instruments)
    began = time.monotonic()
    work = asyncio.create_task(keep(feed, recorder, quiet=frame.json))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        async with asyncio.timeout(arguments.minutes * 60 or None):
            await work
    except (TimeoutError, asyncio.CancelledError):
        pass
    finally:
        recorder.close()
    return RecordAnswer(
        folder=str(folder),
        label=feed.label,
        events=recorder.events,
        segments=recorder.segments,
        bytes=recorder.bytes,
        seconds=time.monotonic() - began,
    )


async def keep(feed: "Feed", recorder: "Recorder", *, quiet: bool) -> None:
    """Every batch, and a line now and then."""
    next_s = time.monotonic() + SAY_EVERY_S
    async for batch in feed.batches():
        recorder.take(batch, time.time_ns())
        if not quiet and time.monotonic() >= next_s:
            next_s = time.monotonic() + SAY_EVERY_S
            say(f"{recorder.events:,} events, {recorder.bytes / 1e6:.1f} MB")


def show_record(screen: Screen, answer: RecordAnswer) -> None:
    """One sentence, and what to do with it."""
    screen.line(
        f"{answer.label}: {answer.events:,} events in {duration(answer.seconds * 1e9)},"
        f" {answer.bytes / 1e6:.1f} MB in {answer.segments} segment(s)."
    )
    screen.line(f"trading-cli run --replay {answer.folder}")
