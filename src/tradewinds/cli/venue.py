"""`venue`: somewhere to practise: the real protocols, made-up prices, this machine alone."""

import asyncio
import signal
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from tradewinds.cli.exits import CliError, Exit
from tradewinds.cli.greeting import say
from tradewinds.cli.option import Option
from tradewinds.cli.outcome import Frame, Outcome
from tradewinds.cli.screen import Screen
from tradewinds.model.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.practice.serve import Opened

HOST = "127.0.0.1"


class VenueArguments(Struct, frozen=True, kw_only=True):
    """Where it listens and what its customer owns."""

    port: Annotated[int, Option(help="Port on loopback.", least=1, most=65_535)] = 8443
    seed: Annotated[int, Option(help="Seed of the made-up prices.", least=0)] = 1
    usdt: Annotated[
        int,
        Option(
            help="USDT in the spot and the futures wallet, and at Coinbase.",
            least=1,
            most=1_000_000,
        ),
    ] = 1_000


def venue(arguments: VenueArguments, frame: Frame) -> Outcome:
    """Serve a practice venue (Binance spot and USD-M, Coinbase) until Ctrl-C."""
    from tradewinds import supervisor
    from tradewinds.practice import connection
    from tradewinds.practice.serve import ServeSettings, serve

    supervisor.follow_parent()
    require_free(arguments.port)
    money = Decimal(arguments.usdt)
    settings = ServeSettings(
        seed=arguments.seed,
        port=arguments.port,
        usdt=money,
        futures_usdt=money,
        folder=connection.folder_of(frame.home),
    )

    def opened(how: "Opened") -> None:
        connection.leave(settings.folder, how)
        announce(how)

    # As on Ctrl-C: its certificate and how to reach it are cleared away.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with connection.claimed(settings.folder):
            try:
                asyncio.run(serve(settings, opened))
            finally:
                connection.forget(settings.folder)
    except connection.FolderTaken as error:
        fix = "trade on that one with `trading-cli run --practice`, or use another --home"
        raise CliError(str(error), Exit.IN_USE, fix) from error
    return Outcome(data=None, show=silence)


def require_free(port: int) -> None:
    """Raises CliError naming who has the port."""
    from tradewinds.dashboard.port import listen

    try:
        listen(HOST, port).close()
    except ConfigError as error:
        raise CliError(
            f"the practice venue cannot listen on {HOST}:{port}",
            Exit.IN_USE,
            "`trading-cli venue --port N` uses another",
        ) from error


def announce(opened: "Opened") -> None:
    """How to reach it. Its keys are throwaways, good for this run and this process alone."""
    say(f"Practice venue on {HOST}:{opened.port}. SYNTHETIC prices; nothing here is money.")
    say(f"Certificate to trust: {opened.ca}")
    say(f"Binance key:    {opened.api_key}")
    say(f"Binance secret: {opened.secret}")
    say(f"Coinbase key:   in {opened.coinbase_key}")
    say(f"It answers for {', '.join(opened.hosts)}: resolve these names to {HOST} in your client.")
    say(f"Symbols: {', '.join(opened.symbols)}; at Coinbase {', '.join(opened.products)}")
    say("`trading-cli run --practice` in another shell trades here. Ctrl-C stops it.")


def silence(screen: Screen) -> None:
    """Nothing to add."""
